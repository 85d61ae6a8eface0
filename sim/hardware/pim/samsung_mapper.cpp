// SPDX-License-Identifier: Apache-2.0
//
// HBM-PIM: a unit for each two banks, driven by plain reads and writes in lock-step modes. The
// sequences are those of SAITPublic/PIMSimulator, src/tests/PIMKernel.cpp: park rows, switch
// SB -> HAB by writes to mode rows, program the CRF, switch to HAB_PIM, then per input tile write
// the operands to GRF_A and read 64 columns of the even or odd banks (each read is a MAC of all
// eight units), write GRF_B back to the odd banks, and return. A barrier follows each eight.
#include <algorithm>
#include <array>

#include "sim/core/errors.h"
#include "sim/hardware/pim/emit.h"

namespace orrery::pim {
namespace {

// Rows with a meaning (PIMSimulator, Rank.cpp and PIMRank.cpp): bit 12 keeps a row out of PIM.
constexpr std::int64_t kParkRow = 0x1000;
constexpr std::int64_t kToLockStepRow = 0x17ff;
constexpr std::int64_t kToSingleRow = 0x1fff;
constexpr std::int64_t kRegisterRow = 0x3fff;
constexpr std::int64_t kModeColumn = 0x1f;
constexpr std::int64_t kConfigColumn = 0x00;
constexpr std::int64_t kProgramColumn = 0x04;
constexpr std::int64_t kOperandColumn = 0x08;
constexpr std::int64_t kBarrierEvery = 8;

class SamsungMapper final : public Mapper {
 public:
  explicit SamsungMapper(const Device& device)
      : device_(device),
        banks_(device.geometry.banks_of_channel()),
        lanes_(device.lanes()),
        slots_(device.compute.operand_buffer.count() / device.geometry.access.count()),
        registers_(device.compute.registers),
        outputs_of_tile_(device.compute.blocks * registers_),
        columns_of_tile_(slots_ * registers_) {
    if (banks_ != 2 * device.compute.blocks || device.geometry.rows < kRegisterRow + 1) {
      throw ConfigError(device.name + ": the samsung style needs a unit for two banks and " +
                        std::to_string(kRegisterRow + 1) + " rows");
    }
  }

  Cell weight(const Gemv& gemv, std::int64_t output, std::int64_t input) const override {
    const std::int64_t channels = device_.geometry.channels;
    const Matrix matrix = matrix_of(tiles_of(gemv.outputs, channels), gemv);
    const std::int64_t per_tile = outputs_of_tile_ * channels;
    const std::int64_t within = output % per_tile;
    Cell cell = cell_in(matrix, output / per_tile, within % outputs_of_tile_, input);
    cell.channel = within / outputs_of_tile_;
    return cell;
  }

  Plan gemv(const Gemv& gemv) const override {
    const std::int64_t channels = device_.geometry.channels;
    const auto tiles = [&](std::int64_t c) {
      // The last tile's outputs fill the channels one by one.
      const std::int64_t left = gemv.outputs - c * outputs_of_tile_;
      return std::max<std::int64_t>(0, ceil_div(left, outputs_of_tile_ * channels));
    };
    return plan_channels(
        channels, [&](std::int64_t c) { return std::vector<std::int64_t>{tiles(c)}; },
        [&](std::int64_t c) {
          if (tiles(c) == 0) return Program{};
          Emit emit;
          enter(emit);
          const Matrix matrix = matrix_of(tiles(c), gemv);
          check_rows(device_, rows_of(matrix), data_rows());
          multiply(emit, matrix, gemv.batch);
          leave(emit);
          return emit.take();
        });
  }

  Plan elementwise(const Elementwise& job) const override {
    // The vectors lie across all banks alike; what does not fill the last tile is padded.
    const std::int64_t per_tile = banks_ * device_.geometry.channels * kBarrierEvery * lanes_;
    const std::int64_t tiles = ceil_div(job.elements, per_tile);
    const std::int64_t rows = ceil_div(tiles * kBarrierEvery, device_.geometry.columns);
    check_rows(device_, (job.operands() + 1) * rows, data_rows());
    Emit emit;
    enter(emit);
    to_pim(emit);
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      elementwise_tile(emit, tile, rows, job.operands());
    }
    from_pim(emit);
    leave(emit);
    const Program program = emit.take();
    return plan_channels(
        device_.geometry.channels, [](std::int64_t) { return std::vector<std::int64_t>{}; },
        [&](std::int64_t) { return program; });
  }

  Cell key(const Attention& attention, std::int64_t kv_head, std::int64_t token,
           std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    const Matrix matrix = layout(attention, at.tokens)[static_cast<std::size_t>(at.part)].keys;
    Cell cell = cell_in(matrix, at.token / outputs_of_tile_, at.token % outputs_of_tile_, dim);
    cell.channel = at.channel;
    return cell;
  }

  Cell value(const Attention& attention, std::int64_t kv_head, std::int64_t token,
             std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    const Matrix matrix = layout(attention, at.tokens)[static_cast<std::size_t>(at.part)].values;
    Cell cell = cell_in(matrix, dim / outputs_of_tile_, dim % outputs_of_tile_, at.token);
    cell.channel = at.channel;
    return cell;
  }

  /// Scores of all parts, back to single-bank mode so that the host reads them, softmax there,
  /// then the values the same way. Units have no adder across lanes: the host reads lanes apart.
  Plan attention(const Attention& attention) const override {
    return plan_heads(device_, attention, [&](const std::vector<std::int64_t>& tokens) {
      const std::vector<PartLayout> parts = layout(attention, tokens);
      Emit emit;
      for (const auto member : {&PartLayout::keys, &PartLayout::values}) {
        enter(emit);
        for (const PartLayout& part : parts) {
          multiply(emit, part.*member, attention.group());
        }
        leave(emit);
        for (const PartLayout& part : parts) {
          for (std::int64_t q = 0; q < attention.group(); ++q) read_results(emit, part.*member);
        }
      }
      return emit.take();
    });
  }

 private:
  /// A matrix in a channel: tiles of outputs times tiles of inputs, from a row on.
  struct Matrix {
    std::int64_t tiles = 0;
    std::int64_t inputs = 0;
    std::int64_t first_row = 0;
    /// Where all inputs are one tile, tiles of outputs go to even and odd banks in turn.
    bool alternates = true;
  };
  struct PartLayout {
    Matrix keys;
    Matrix values;
  };

  [[nodiscard]] std::int64_t tiles_of(std::int64_t outputs, std::int64_t channels) const {
    return ceil_div(outputs, outputs_of_tile_ * channels);
  }
  /// As PIMKernel::executeGemv has it, the first input tile of a product is one of even banks.
  [[nodiscard]] Matrix matrix_of(std::int64_t tiles, const Gemv& gemv) const {
    return {tiles, input_tiles(gemv.inputs), 0, false};
  }
  [[nodiscard]] std::int64_t input_tiles(std::int64_t inputs) const {
    return ceil_div(inputs, slots_ * lanes_);
  }
  /// Rows with bit 12 clear hold data; the register row's quarter is left out.
  [[nodiscard]] static std::int64_t data_rows() { return 2 * kParkRow; }
  [[nodiscard]] static std::int64_t data_row(std::int64_t index) {
    return index < kParkRow ? index : index + kParkRow;
  }

  /// Even or odd banks, and the how-manieth tile there.
  struct TilePlace {
    std::int64_t odd = 0;
    std::int64_t index = 0;
  };
  [[nodiscard]] static TilePlace place_of(const Matrix& m, std::int64_t tile, std::int64_t input) {
    if (m.inputs == 1 && m.alternates) return {tile % 2, tile / 2};
    const std::int64_t in_row = input % 2 == 0 ? ceil_div(m.inputs, 2) : m.inputs / 2;
    return {input % 2, tile * in_row + input / 2};
  }
  [[nodiscard]] std::int64_t columns_of(const Matrix& m) const {
    const std::int64_t even =
        m.inputs == 1 && m.alternates ? ceil_div(m.tiles, 2) : m.tiles * ceil_div(m.inputs, 2);
    return even * columns_of_tile_;
  }
  [[nodiscard]] std::int64_t rows_of(const Matrix& m) const {
    return ceil_div(columns_of(m) + registers_ * m.tiles, device_.geometry.columns);
  }

  [[nodiscard]] Cell cell_in(const Matrix& m, std::int64_t tile, std::int64_t output,
                             std::int64_t input) const {
    const TilePlace place = place_of(m, tile, input / (slots_ * lanes_));
    const std::int64_t column =
        place.index * columns_of_tile_ + input / lanes_ % slots_ * registers_ + output % registers_;
    return {0, output / registers_ * 2 + place.odd,
            data_row(m.first_row + column / device_.geometry.columns),
            column % device_.geometry.columns, input % lanes_};
  }

  std::vector<PartLayout> layout(const Attention& attention,
                                 const std::vector<std::int64_t>& tokens) const {
    std::vector<PartLayout> parts;
    std::int64_t row = 0;
    for (const std::int64_t n : tokens) {
      PartLayout part;
      part.keys = {ceil_div(n, outputs_of_tile_), input_tiles(attention.dim), row, true};
      row += rows_of(part.keys);
      part.values = {ceil_div(attention.dim, outputs_of_tile_), input_tiles(n), row, true};
      row += rows_of(part.values);
      parts.push_back(part);
    }
    check_rows(device_, row, data_rows());
    return parts;
  }

  [[nodiscard]] BankSet half(std::int64_t odd) const {
    const BankSet all = banks_ == 64 ? ~BankSet{0} : (BankSet{1} << banks_) - 1;
    return all & (odd != 0 ? BankSet{0xAAAAAAAAAAAAAAAA} : BankSet{0x5555555555555555});
  }

  /// PIMKernel::parkIn and, since its commit 994d66b, parkOut: a read of each bank.
  void park(Emit& emit) const {
    const Geometry& g = device_.geometry;
    for (std::int64_t bank = 0; bank < g.banks; ++bank) {
      for (std::int64_t group = 0; group < g.bank_groups; ++group) {
        emit.put(Kind::kRead, Part::kMode, {BankSet{1} << (group * g.banks + bank), kParkRow, 0});
      }
    }
    emit.barrier();
  }

  void enter(Emit& emit) const {
    const Geometry& g = device_.geometry;
    park(emit);
    for (const std::int64_t bank :
         std::array<std::int64_t, 4>{0, 1, 2 * g.banks, 2 * g.banks + 1}) {
      emit.put(Kind::kWrite, Part::kMode, {BankSet{1} << bank, kToLockStepRow, kModeColumn});
    }
    emit.barrier();
    // Six to eight instructions: one access of the CRF.
    emit.put(Kind::kWrite, Part::kMode, {half(1), kRegisterRow, kProgramColumn});
    emit.barrier();
  }

  void leave(Emit& emit) const {
    for (const std::int64_t odd : {0, 1}) {
      emit.put(Kind::kWrite, Part::kMode, {half(odd), kToSingleRow, kModeColumn});
    }
    emit.barrier();
    park(emit);
  }

  void to_pim(Emit& emit) const {
    emit.put(Kind::kWrite, Part::kMode, {half(0), kRegisterRow, kConfigColumn});
    emit.barrier();
  }
  void from_pim(Emit& emit) const { to_pim(emit); }

  /// Columns from `first` of the matrix on, in groups with a barrier.
  void columns(Emit& emit, Kind kind, Part purpose, std::int64_t odd, std::int64_t first_row,
               std::int64_t first, std::int64_t count, std::int64_t operand = -1) const {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t column = first + i;
      emit.put(kind, purpose,
               {half(odd), data_row(first_row + column / device_.geometry.columns),
                column % device_.geometry.columns},
               operand < 0 ? -1 : operand + i / registers_);
      if (i % kBarrierEvery == kBarrierEvery - 1 || i == count - 1) emit.barrier();
    }
  }

  void multiply_tile(Emit& emit, const Matrix& m, std::int64_t tile, std::int64_t input) const {
    for (std::int64_t slot = 0; slot < slots_; ++slot) {
      emit.put(Kind::kWrite, Part::kBroadcast, {half(1), kRegisterRow, kOperandColumn + slot},
               input * slots_ + slot);
    }
    emit.barrier();
    const TilePlace place = place_of(m, tile, input);
    columns(emit, Kind::kRead, Part::kMac, place.odd, m.first_row, place.index * columns_of_tile_,
            columns_of_tile_, input * slots_);
  }

  void multiply(Emit& emit, const Matrix& m, std::int64_t vectors) const {
    for (std::int64_t i = 0; i < m.tiles * vectors; ++i) multiply_tiles(emit, m, i / vectors);
  }

  void multiply_tiles(Emit& emit, const Matrix& m, std::int64_t tile) const {
    to_pim(emit);
    for (std::int64_t i = 0; i < m.inputs; i += 2) multiply_tile(emit, m, tile, i);
    for (std::int64_t i = 1; i < m.inputs; i += 2) multiply_tile(emit, m, tile, i);
    columns(emit, Kind::kWrite, Part::kReadOut, 1, m.first_row, columns_of(m) + tile * registers_,
            registers_);
    from_pim(emit);
  }

  /// What GRF_B left in the odd banks.
  void read_results(Emit& emit, const Matrix& m) const {
    for (std::int64_t tile = 0; tile < m.tiles; ++tile) {
      for (std::int64_t r = 0; r < registers_; ++r) {
        const std::int64_t column = columns_of(m) + tile * registers_ + r;
        for (std::int64_t block = 0; block < device_.compute.blocks; ++block) {
          emit.put(
              Kind::kRead, Part::kReadOut,
              {BankSet{2} << (2 * block), data_row(m.first_row + column / device_.geometry.columns),
               column % device_.geometry.columns});
        }
      }
    }
    emit.barrier();
  }

  /// PIMKernel::computeAddOrMul and computeRelu: for even and odd banks fill the GRF, add or
  /// multiply what the second operand's banks give, store; then a dummy write.
  void elementwise_tile(Emit& emit, std::int64_t tile, std::int64_t rows,
                        std::int64_t operands) const {
    const std::int64_t first = tile * kBarrierEvery;
    const std::int64_t result = operands * rows;
    for (const std::int64_t odd : {0, 1}) {
      for (std::int64_t i = 0; i < operands; ++i) {
        columns(emit, Kind::kRead, Part::kMac, odd, i * rows, first, kBarrierEvery);
      }
      columns(emit, Kind::kWrite, Part::kReadOut, odd, result, first, kBarrierEvery);
    }
    columns(emit, Kind::kWrite, Part::kReadOut, 1, result, first + kBarrierEvery - 1, 1);
  }

  const Device& device_;
  std::int64_t banks_;
  std::int64_t lanes_;
  std::int64_t slots_;      ///< Operand registers (GRF_A).
  std::int64_t registers_;  ///< Accumulators (GRF_B).
  std::int64_t outputs_of_tile_;
  std::int64_t columns_of_tile_;
};

}  // namespace

std::unique_ptr<Mapper> make_samsung_mapper(const Device& device) {
  return std::make_unique<SamsungMapper>(device);
}

}  // namespace orrery::pim
