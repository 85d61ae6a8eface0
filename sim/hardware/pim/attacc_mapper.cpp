// SPDX-License-Identifier: Apache-2.0
//
// AttAcc with a unit at each bank. Layout and order of commands are those of
// scale-snu/attacc_simulator, pim_ramulator_src/trace_gen/gen_trace_attacc_bank.py: tokens are
// dealt to the bank groups of all ranks and pseudo-channels, a head's dimensions to the banks of a
// group; keys lie token by token, values dimension block by dimension block. Two heads are in
// flight: while one's MACs run, the other's vectors move and its softmax is taken.
#include <algorithm>
#include <optional>

#include "sim/core/errors.h"
#include "sim/hardware/pim/emit.h"

namespace orrery::pim {
namespace {

/// Outputs of a unit that one move to the softmax buffer takes: the lanes of an access.
constexpr std::int64_t kOutputsOfMove = 16;

/// The commands of one head, piece by piece, so that two heads can be woven together.
struct Piece {
  Program macs;
  Program results;
};
struct Head {
  Program operands;  ///< The queries, from the host.
  std::vector<Piece> scores;
  Program softmax;
  Program weights;  ///< The softmax's results, to the operand buffers.
  std::vector<Piece> context;
};

/// The `i`-th of `n` even shares of a list.
Program share(const Program& list, std::size_t i, std::size_t n) {
  const auto at = [&](std::size_t k) {
    return list.begin() + static_cast<std::ptrdiff_t>(list.size() * k / n);
  };
  return {at(i), at(i + 1)};
}

class AttaccMapper final : public Mapper {
 public:
  explicit AttaccMapper(const Device& device)
      : device_(device),
        g_(device.geometry),
        lanes_(device.lanes()),
        groups_(g_.pseudo_channels * g_.ranks * g_.bank_groups) {}

  Cell weight(const Gemv& gemv, std::int64_t output, std::int64_t input) const override {
    const std::int64_t channels = g_.channels;
    Cell cell = in_tokens(output / channels, input, blocks(gemv.inputs), 0);
    cell.channel = output % channels;
    return cell;
  }

  Plan gemv(const Gemv& gemv) const override {
    const auto outputs = [&](std::int64_t c) {
      return (gemv.outputs - c + g_.channels - 1) / g_.channels;
    };
    check_buffer(blocks(gemv.inputs));
    return plan_channels(
        g_.channels, [&](std::int64_t c) { return std::vector<std::int64_t>{outputs(c)}; },
        [&](std::int64_t c) {
          if (outputs(c) == 0) return Program{};
          check_rows(device_, rows_of(outputs(c), blocks(gemv.inputs)), g_.rows);
          Emit emit;
          emit.append(queries(blocks(gemv.inputs), 1));
          emit.barrier();
          run_pieces(emit, score_pieces(outputs(c), blocks(gemv.inputs), 1, 0), {}, {});
          return emit.take();
        });
  }

  Cell key(const Attention& attention, std::int64_t kv_head, std::int64_t token,
           std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    Cell cell = in_tokens(at.token, dim, blocks(attention.dim), key_row(attention, at));
    cell.channel = at.channel;
    return cell;
  }

  Cell value(const Attention& attention, std::int64_t kv_head, std::int64_t token,
             std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    const std::int64_t tokens = at.tokens[static_cast<std::size_t>(at.part)];
    const std::int64_t per_group = ceil_div(tokens, groups_);
    const std::int64_t group = at.token / per_group;
    const std::int64_t bank = dim / lanes_ % g_.banks;
    const std::int64_t column = dim / (lanes_ * g_.banks) * per_group + at.token % per_group;
    return {at.channel, group * g_.banks + bank,
            g_.rows / 2 + key_row(attention, at) + column / g_.columns, column % g_.columns,
            dim % lanes_};
  }

  Plan attention(const Attention& attention) const override {
    check_buffer(blocks(attention.dim) * attention.group());
    return plan_heads(device_, attention, [&](const std::vector<std::int64_t>& tokens) {
      Emit emit;
      std::vector<Head> heads;
      std::int64_t row = 0;
      for (const std::int64_t n : tokens) row += rows_of(n, blocks(attention.dim));
      check_rows(device_, row, g_.rows / 2);
      row = 0;
      for (const std::int64_t n : tokens) {
        heads.push_back(head(attention, n, row));
        row += rows_of(n, blocks(attention.dim));
      }
      std::size_t h = 0;
      for (; h + 1 < heads.size(); h += 2) run_pair(emit, heads[h], heads[h + 1]);
      if (h < heads.size()) run_alone(emit, heads[h]);
      return emit.take();
    });
  }

 private:
  /// Columns that a token's share of a bank takes.
  [[nodiscard]] std::int64_t blocks(std::int64_t dim) const {
    return ceil_div(dim, g_.banks * lanes_);
  }
  [[nodiscard]] std::int64_t rows_of(std::int64_t tokens, std::int64_t blocks) const {
    return ceil_div(ceil_div(tokens, groups_) * blocks, g_.columns);
  }
  [[nodiscard]] std::int64_t key_row(const Attention& attention, const Located& at) const {
    std::int64_t row = 0;
    for (std::int64_t p = 0; p < at.part; ++p) {
      row += rows_of(at.tokens[static_cast<std::size_t>(p)], blocks(attention.dim));
    }
    return row;
  }

  void check_buffer(std::int64_t blocks) const {
    const std::int64_t held = device_.compute.operand_buffer.count() / g_.access.count();
    if (blocks <= held) return;
    throw ConfigError(device_.name + ": the operands of a pass take " + std::to_string(blocks) +
                      " accesses of a unit's buffer, which holds " + std::to_string(held));
  }

  /// Tokens dealt to the bank groups in turn, dimensions to the banks of a group in runs.
  [[nodiscard]] Cell in_tokens(std::int64_t token, std::int64_t dim, std::int64_t blocks,
                               std::int64_t first_row) const {
    const std::int64_t column = token / groups_ * blocks + dim / lanes_ % blocks;
    const std::int64_t bank = dim / (lanes_ * blocks);
    return {0, token % groups_ * g_.banks + bank, first_row + column / g_.columns,
            column % g_.columns, dim % lanes_};
  }

  [[nodiscard]] BankSet all() const {
    const std::int64_t banks = g_.banks_of_channel();
    return banks == 64 ? ~BankSet{0} : (BankSet{1} << banks) - 1;
  }
  /// A bank of the first pseudo-channel; commands reach both.
  [[nodiscard]] BankSet bank(std::int64_t rank, std::int64_t group, std::int64_t index) const {
    return BankSet{1} << ((rank * g_.bank_groups + group) * g_.banks + index);
  }

  Program queries(std::int64_t blocks, std::int64_t group) const {
    Emit emit;
    for (std::int64_t q = 0; q < group; ++q) {
      for (std::int64_t b = 0; b < g_.banks; ++b) {
        for (std::int64_t k = 0; k < blocks; ++k) {
          emit.put(Kind::kBufferWrite, Part::kBroadcast, {bank(0, 0, b), 0, q * blocks + k},
                   q * blocks + k);
        }
      }
    }
    return emit.take();
  }

  void mac(Emit& emit, std::int64_t first_row, std::int64_t column, std::int64_t operand) const {
    emit.put(Kind::kMac, Part::kMac, {all(), first_row + column / g_.columns, column % g_.columns},
             operand);
  }

  /// One move a bank group and rank takes what its banks' units have summed.
  Program move_scores(std::int64_t group) const {
    Emit emit;
    for (std::int64_t q = 0; q < group; ++q) {
      for (std::int64_t bg = 0; bg < g_.bank_groups; ++bg) {
        for (std::int64_t r = 0; r < g_.ranks; ++r) {
          emit.put(Kind::kResultMove, Part::kReadOut, {bank(r, bg, 0), 0, 0});
        }
      }
    }
    return emit.take();
  }

  std::vector<Piece> score_pieces(std::int64_t tokens, std::int64_t blocks, std::int64_t group,
                                  std::int64_t first_row) const {
    std::vector<Piece> pieces;
    const std::int64_t outputs = ceil_div(tokens, groups_);
    for (std::int64_t first = 0; first < outputs; first += kOutputsOfMove) {
      Emit macs;
      const std::int64_t end = std::min(outputs, first + kOutputsOfMove);
      for (std::int64_t q = 0; q < group; ++q) {
        for (std::int64_t n = first; n < end; ++n) {
          for (std::int64_t k = 0; k < blocks; ++k) {
            mac(macs, first_row, n * blocks + k, q * blocks + k);
          }
        }
      }
      pieces.push_back({macs.take(), move_scores(group)});
    }
    return pieces;
  }

  Program move_weights(std::int64_t tokens, std::int64_t group) const {
    Emit emit;
    const std::int64_t columns = ceil_div(ceil_div(tokens, groups_), lanes_);
    for (std::int64_t q = 0; q < group; ++q) {
      for (std::int64_t r = 0; r < g_.ranks; ++r) {
        for (std::int64_t bg = 0; bg < g_.bank_groups; ++bg) {
          for (std::int64_t c = 0; c < columns; ++c) {
            emit.put(Kind::kBufferMove, Part::kBroadcast, {bank(r, bg, 0), 0, q * columns + c});
          }
        }
      }
    }
    return emit.take();
  }

  std::vector<Piece> context_pieces(std::int64_t tokens, std::int64_t blocks, std::int64_t group,
                                    std::int64_t first_row) const {
    std::vector<Piece> pieces;
    const std::int64_t per_group = ceil_div(tokens, groups_);
    for (std::int64_t n = 0; n < blocks; ++n) {
      Emit macs;
      // Row by row, so that the queries of a group share the open row.
      for (std::int64_t first = 0; first < per_group;) {
        const std::int64_t column = n * per_group + first;
        const std::int64_t end = std::min(per_group, first + g_.columns - column % g_.columns);
        for (std::int64_t q = 0; q < group; ++q) {
          for (std::int64_t k = first; k < end; ++k) {
            mac(macs, first_row, n * per_group + k, q * per_group + k);
          }
        }
        first = end;
      }
      Emit results;
      for (std::int64_t q = 0; q < group; ++q) {
        for (std::int64_t b = 0; b < g_.banks; ++b) {
          for (std::int64_t r = 0; r < g_.ranks; ++r) {
            results.put(Kind::kResultMove, Part::kReadOut, {bank(r, 0, b), 0, 0});
          }
        }
      }
      pieces.push_back({macs.take(), results.take()});
    }
    return pieces;
  }

  Head head(const Attention& attention, std::int64_t tokens, std::int64_t row) const {
    const std::int64_t k = blocks(attention.dim);
    const std::int64_t group = attention.group();
    Emit softmax;
    for (std::int64_t q = 0; q < group; ++q) {
      softmax.put(Kind::kSoftmax, Part::kReadOut, {bank(0, 0, 0), 0, 0});
    }
    return {queries(k, group), score_pieces(tokens, k, group, row), softmax.take(),
            move_weights(tokens, group), context_pieces(tokens, k, group, g_.rows / 2 + row)};
  }

  /// Pieces one after another; each one's results move under the next one's MACs, and `beside`
  /// moves in even shares, in the second half of the pieces if it waits for `after` (a softmax).
  void run_pieces(Emit& emit, const std::vector<Piece>& pieces, const Program& beside,
                  const Program& after) const {
    const std::size_t n = pieces.size();
    const std::size_t from = after.empty() ? 0 : n / 2;
    for (std::size_t j = 0; j < n; ++j) {
      emit.append(pieces[j].macs);
      if (j > 0) emit.append(pieces[j - 1].results);
      if (j == 0) emit.append(after);
      if (j >= from) emit.append(share(beside, j - from, n - from));
      emit.barrier();
    }
    emit.append(pieces[n - 1].results);
  }

  void run_pair(Emit& emit, const Head& first, const Head& second) const {
    emit.append(first.operands);
    emit.barrier();
    run_pieces(emit, first.scores, second.operands, {});
    run_pieces(emit, second.scores, first.weights, first.softmax);
    run_pieces(emit, first.context, second.weights, second.softmax);
    run_pieces(emit, second.context, {}, {});
  }

  void run_alone(Emit& emit, const Head& head) const {
    emit.append(head.operands);
    emit.barrier();
    run_pieces(emit, head.scores, {}, {});
    emit.append(head.softmax);
    emit.append(head.weights);
    emit.barrier();
    run_pieces(emit, head.context, {}, {});
  }

  const Device& device_;
  const Geometry& g_;
  std::int64_t lanes_;
  std::int64_t groups_;  ///< Bank groups of a channel, each with tokens of its own.
};

}  // namespace

std::unique_ptr<Mapper> make_attacc_mapper(const Device& device) {
  return std::make_unique<AttaccMapper>(device);
}

}  // namespace orrery::pim
