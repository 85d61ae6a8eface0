// SPDX-License-Identifier: Apache-2.0
//
// The layout of Newton, which AiM and NeuPIMs share: a row of a bank holds inputs of one output,
// the vector's piece for a whole row lies in the channel's global buffer, all banks multiply
// column by column, and one access reads a result of each bank. Tokens of keys are dealt to the
// banks, several to a row where the dimension is short; values lie transposed.
//
// AiM (arkhadem/aim_simulator, README and request.h): WR_GB a column each, WR_BIAS to clear the
// accumulators, MAC_ABK, RD_MAC. NeuPIMs (casys-kaist/NeuPIMs, NeuPIMSLogitSoftmax.cc): GWRITE a
// row, COMPS, READRES.
#include <algorithm>

#include "sim/core/errors.h"
#include "sim/hardware/pim/emit.h"

namespace orrery::pim {
namespace {

class NewtonMapper final : public Mapper {
 public:
  explicit NewtonMapper(const Device& device)
      : device_(device),
        columns_(device.geometry.columns),
        banks_(device.geometry.banks_of_channel()),
        lanes_(device.lanes()),
        page_(columns_ * lanes_),
        aim_(device.style == Style::kAim) {
    if (device.compute.operand_buffer.count() != page_ * device.compute.element.count()) {
      throw ConfigError(device.name + ": this style's operand buffer holds a row of " +
                        std::to_string(page_ * device.compute.element.count()) + " B");
    }
  }

  Cell weight(const Gemv& gemv, std::int64_t output, std::int64_t input) const override {
    const std::int64_t channels = device_.geometry.channels;
    const std::int64_t tiles = ceil_div(gemv.outputs, banks_ * channels);
    const std::int64_t slot = output / banks_;
    return {slot % channels, output % banks_, input / page_ * tiles + slot / channels,
            input % page_ / lanes_, input % lanes_};
  }

  Plan gemv(const Gemv& gemv) const override {
    const std::int64_t channels = device_.geometry.channels;
    const std::int64_t slots = ceil_div(gemv.outputs, banks_);
    const std::int64_t reserved = ceil_div(gemv.outputs, banks_ * channels);
    const auto tiles = [&](std::int64_t c) { return (slots - c + channels - 1) / channels; };
    check_rows(device_, ceil_div(gemv.inputs, page_) * reserved, device_.geometry.rows);
    return plan_channels(
        channels, [&](std::int64_t c) { return std::vector<std::int64_t>{tiles(c)}; },
        [&](std::int64_t c) {
          Emit emit;
          const Rows rows{tiles(c), reserved, 0};
          if (tiles(c) > 0) multiply_pages(emit, rows, gemv.inputs, gemv.batch);
          return emit.take();
        });
  }

  Cell key(const Attention& attention, std::int64_t kv_head, std::int64_t token,
           std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    const std::int64_t tile = at.token / banks_;
    const std::int64_t per_row = keys_of_row(attention.dim);
    const std::int64_t column = tile % per_row * ceil_div(attention.dim, lanes_) + dim / lanes_;
    return {at.channel, at.token % banks_, first_row(attention, at) + tile / per_row, column,
            dim % lanes_};
  }

  Cell value(const Attention& attention, std::int64_t kv_head, std::int64_t token,
             std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    const std::int64_t tokens = at.tokens[static_cast<std::size_t>(at.part)];
    const std::int64_t tiles = ceil_div(attention.dim, banks_);
    const std::int64_t row = first_row(attention, at) + key_rows(attention.dim, tokens) +
                             at.token / page_ * tiles + dim / banks_;
    return {at.channel, dim % banks_, row, at.token % page_ / lanes_, at.token % lanes_};
  }

  Plan attention(const Attention& attention) const override {
    if (ceil_div(attention.dim, lanes_) > columns_) {
      throw ConfigError(device_.name + ": a query of " + std::to_string(attention.dim) +
                        " numbers does not fit the operand buffer of " + std::to_string(page_));
    }
    return plan_heads(device_, attention, [&](const std::vector<std::int64_t>& tokens) {
      Emit emit;
      std::int64_t row = 0;
      for (const std::int64_t n : tokens) {
        row += key_rows(attention.dim, n) + value_rows(attention.dim, n);
      }
      check_rows(device_, row, device_.geometry.rows);
      row = 0;
      for (const std::int64_t n : tokens) {
        multiply_keys(emit, attention, n, row);
        row += key_rows(attention.dim, n);
        const std::int64_t tiles = ceil_div(attention.dim, banks_);
        multiply_pages(emit, {tiles, tiles, row}, n, attention.group());
        row += value_rows(attention.dim, n);
      }
      return emit.take();
    });
  }

 private:
  /// Rows of outputs: `tiles` that are used, of `reserved` a page of inputs.
  struct Rows {
    std::int64_t tiles = 0;
    std::int64_t reserved = 0;
    std::int64_t first = 0;
  };

  [[nodiscard]] std::int64_t keys_of_row(std::int64_t dim) const {
    return columns_ / ceil_div(dim, lanes_);
  }
  [[nodiscard]] std::int64_t key_rows(std::int64_t dim, std::int64_t tokens) const {
    return ceil_div(ceil_div(tokens, banks_), keys_of_row(dim));
  }
  [[nodiscard]] std::int64_t value_rows(std::int64_t dim, std::int64_t tokens) const {
    return ceil_div(tokens, page_) * ceil_div(dim, banks_);
  }
  [[nodiscard]] std::int64_t first_row(const Attention& attention, const Located& at) const {
    std::int64_t row = 0;
    for (std::int64_t p = 0; p < at.part; ++p) {
      const std::int64_t n = at.tokens[static_cast<std::size_t>(p)];
      row += key_rows(attention.dim, n) + value_rows(attention.dim, n);
    }
    return row;
  }
  [[nodiscard]] BankSet all() const {
    return banks_ == 64 ? ~BankSet{0} : (BankSet{1} << banks_) - 1;
  }

  /// `count` accesses of the operand buffer, from slot `first` on, with operands from `operand`.
  void fill(Emit& emit, std::int64_t first, std::int64_t count, std::int64_t operand) const {
    // NeuPIMs' GWRITE brings a whole row at once.
    const std::int64_t writes = aim_ ? count : 1;
    for (std::int64_t i = 0; i < writes; ++i) {
      emit.put(Kind::kBufferWrite, Part::kBroadcast, {all(), 0, first + i}, operand + i);
    }
  }

  void clear(Emit& emit) const {
    if (aim_) emit.put(Kind::kBiasWrite, Part::kBroadcast, {all(), 0, 0});
  }

  void multiply_row(Emit& emit, std::int64_t row, std::int64_t first, std::int64_t columns,
                    std::int64_t operand) const {
    for (std::int64_t i = 0; i < columns; ++i) {
      emit.put(Kind::kMac, Part::kMac, {all(), row, first + i}, operand + i);
    }
    emit.put(Kind::kResultMove, Part::kReadOut, {all(), 0, 0});
    // AiM's DMA decodes nothing further until the results are there.
    aim_ ? emit.drain() : emit.barrier();
  }

  /// Vectors longer than a row page by page; partial results are read out and added outside.
  void multiply_pages(Emit& emit, const Rows& rows, std::int64_t inputs,
                      std::int64_t queries) const {
    for (std::int64_t page = 0; page < ceil_div(inputs, page_); ++page) {
      const std::int64_t columns = ceil_div(std::min(page_, inputs - page * page_), lanes_);
      for (std::int64_t q = 0; q < queries; ++q) {
        const std::int64_t operand = (page * queries + q) * columns_;
        fill(emit, 0, columns, operand);
        for (std::int64_t tile = 0; tile < rows.tiles; ++tile) {
          clear(emit);
          multiply_row(emit, rows.first + page * rows.reserved + tile, 0, columns, operand);
        }
      }
    }
  }

  /// As many queries of a group as the buffer holds lie in it together and take each open row in
  /// turn; the rows are gone through once for each such batch.
  void multiply_keys(Emit& emit, const Attention& attention, std::int64_t tokens,
                     std::int64_t first) const {
    const std::int64_t columns = ceil_div(attention.dim, lanes_);
    const std::int64_t per_row = columns_ / columns;
    for (std::int64_t q = 0; q < attention.group(); q += per_row) {
      const std::int64_t batch = std::min(per_row, attention.group() - q);
      fill(emit, 0, batch * columns, q * columns);
      for (std::int64_t tile = 0; tile < ceil_div(tokens, banks_); ++tile) {
        for (std::int64_t i = 0; i < batch; ++i) {
          clear(emit);
          multiply_row(emit, first + tile / per_row, tile % per_row * columns, columns,
                       (q + i) * columns);
        }
      }
    }
  }

  const Device& device_;
  std::int64_t columns_;
  std::int64_t banks_;
  std::int64_t lanes_;
  std::int64_t page_;  ///< Numbers of a row.
  bool aim_;
};

}  // namespace

std::unique_ptr<Mapper> make_newton_mapper(const Device& device) {
  return std::make_unique<NewtonMapper>(device);
}

}  // namespace orrery::pim
