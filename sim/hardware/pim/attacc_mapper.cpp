// SPDX-License-Identifier: Apache-2.0
//
// AttAcc with a unit at each bank, at each bank group, or on the buffer die for each
// pseudo-channel. Layout and order of commands are those of scale-snu/attacc_simulator,
// pim_ramulator_src/trace_gen/gen_trace_attacc_{bank,bg,buffer}.py: tokens are dealt to the bank
// groups of all ranks and pseudo-channels, or to the pseudo-channels; a head's dimensions to the
// banks of a group where banks have units. Keys lie token by token, values dimension block by
// dimension block, and the values of a pair of heads behind one another. Two heads are in flight:
// while one's MACs run, the other's vectors move and its softmax is taken.
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
        level_(device.compute.level),
        spread_(level_ == Level::kBuffer ? g_.ranks * g_.bank_groups : 1),
        groups_(g_.pseudo_channels * g_.ranks * g_.bank_groups / spread_),
        parts_(level_ == Level::kBank ? g_.banks : 1),
        width_(g_.columns * g_.banks / parts_ * spread_) {}

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
    check_buffer(blocks(gemv.inputs) * gemv.batch);
    return plan_channels(
        g_.channels, [&](std::int64_t c) { return std::vector<std::int64_t>{outputs(c)}; },
        [&](std::int64_t c) {
          if (outputs(c) == 0) return Program{};
          check_rows(device_, rows_of(outputs(c), blocks(gemv.inputs)), g_.rows);
          Emit emit;
          emit.append(queries(blocks(gemv.inputs), gemv.batch));
          emit.barrier();
          run_pieces(emit, score_pieces(outputs(c), blocks(gemv.inputs), gemv.batch, 0), {}, {});
          return emit.take();
        });
  }

  Cell key(const Attention& attention, std::int64_t kv_head, std::int64_t token,
           std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    Cell cell =
        in_tokens(at.token, dim, blocks(attention.dim), key_row(attention.dim, at.tokens, at.part));
    cell.channel = at.channel;
    return cell;
  }

  Cell value(const Attention& attention, std::int64_t kv_head, std::int64_t token,
             std::int64_t dim) const override {
    const Located at = locate(device_, attention, kv_head, token);
    const std::int64_t tokens = at.tokens[static_cast<std::size_t>(at.part)];
    const std::int64_t per_group = ceil_div(tokens, groups_);
    const std::int64_t block = dim / (lanes_ * parts_);
    const std::int64_t index = value_start(attention.dim, at.tokens, at.part) + block * per_group;
    Cell cell = cell_at(at.token / per_group, dim / lanes_ % parts_, index + at.token % per_group);
    cell.channel = at.channel;
    cell.lane = dim % lanes_;
    return cell;
  }

  Plan attention(const Attention& attention) const override {
    check_buffer(blocks(attention.dim) * attention.group());
    return plan_heads(device_, attention, [&](const std::vector<std::int64_t>& tokens) {
      Emit emit;
      std::vector<Head> heads;
      const std::int64_t all = static_cast<std::int64_t>(tokens.size());
      check_rows(device_, key_row(attention.dim, tokens, all), g_.rows / 2);
      for (std::int64_t h = 0; h < all; ++h) heads.push_back(head(attention, tokens, h));
      std::size_t h = 0;
      for (; h + 1 < heads.size(); h += 2) run_pair(emit, heads[h], heads[h + 1]);
      if (h < heads.size()) run_alone(emit, heads[h]);
      return emit.take();
    });
  }

 private:
  /// Columns that a token's share of a bank takes.
  [[nodiscard]] std::int64_t blocks(std::int64_t dim) const {
    return ceil_div(dim, parts_ * lanes_);
  }
  [[nodiscard]] std::int64_t columns_of(std::int64_t tokens, std::int64_t blocks) const {
    return ceil_div(tokens, groups_) * blocks;
  }
  [[nodiscard]] std::int64_t rows_of(std::int64_t tokens, std::int64_t blocks) const {
    return ceil_div(columns_of(tokens, blocks), width_);
  }
  /// The first row of a head's keys, by the tokens of the heads before it.
  [[nodiscard]] std::int64_t key_row(std::int64_t dim, const std::vector<std::int64_t>& tokens,
                                     std::int64_t head) const {
    std::int64_t row = 0;
    for (std::int64_t h = 0; h < head; ++h) {
      row += rows_of(tokens[static_cast<std::size_t>(h)], blocks(dim));
    }
    return row;
  }
  /// The first column of a head's values. They fill the upper half of the banks; the second of a
  /// pair begins where the first ends, so that short ones share a row.
  [[nodiscard]] std::int64_t value_start(std::int64_t dim, const std::vector<std::int64_t>& tokens,
                                         std::int64_t head) const {
    const std::int64_t first = head / 2 * 2;
    const std::int64_t start = (g_.rows / 2 + key_row(dim, tokens, first)) * width_;
    return head == first ? start
                         : start + columns_of(tokens[static_cast<std::size_t>(first)], blocks(dim));
  }

  void check_buffer(std::int64_t blocks) const {
    const std::int64_t held = device_.compute.operand_buffer.count() / g_.access.count();
    if (blocks <= held) return;
    throw ConfigError(device_.name + ": the operands of a pass take " + std::to_string(blocks) +
                      " accesses of a unit's buffer, which holds " + std::to_string(held));
  }

  /// Where the `index`-th column of a unit's share lies in the banks that it works on: in one bank
  /// where each has a unit, else in rows of all banks of the group in turn, or access by access in
  /// all of the pseudo-channel.
  struct Spot {
    std::int64_t rank_group = 0;  ///< Bank group among those of all ranks.
    std::int64_t bank = 0;
    std::int64_t row = 0;
    std::int64_t column = 0;
  };
  [[nodiscard]] Spot spot(std::int64_t index) const {
    const std::int64_t within = index % width_;
    if (level_ == Level::kBuffer) {
      return {within % spread_, within / spread_ % g_.banks, index / width_,
              within / (spread_ * g_.banks)};
    }
    return {0, within / g_.columns, index / width_, within % g_.columns};
  }

  /// Of a unit's column: `group` of tokens, `part` of the dimensions.
  [[nodiscard]] Cell cell_at(std::int64_t group, std::int64_t part, std::int64_t index) const {
    const Spot at = spot(index);
    return {0, (group * spread_ + at.rank_group) * g_.banks + at.bank + part, at.row, at.column, 0};
  }

  /// Tokens dealt to the groups in turn, dimensions to their parts in runs.
  [[nodiscard]] Cell in_tokens(std::int64_t token, std::int64_t dim, std::int64_t blocks,
                               std::int64_t first_row) const {
    const std::int64_t index = token / groups_ * blocks + dim / lanes_ % blocks;
    Cell cell = cell_at(token % groups_, dim / (lanes_ * blocks), first_row * width_ + index);
    cell.lane = dim % lanes_;
    return cell;
  }

  [[nodiscard]] BankSet all() const {
    const std::int64_t banks = g_.banks_of_channel();
    return banks == 64 ? ~BankSet{0} : (BankSet{1} << banks) - 1;
  }
  /// The banks that work on a column at once.
  [[nodiscard]] BankSet banks_at(const Spot& at) const {
    if (level_ == Level::kBank) return all();
    BankSet banks = 0;
    for (std::int64_t group = 0; group < groups_; ++group) {
      banks |= BankSet{1} << ((group * spread_ + at.rank_group) * g_.banks + at.bank);
    }
    return banks;
  }
  /// A bank of the first pseudo-channel; commands reach both.
  [[nodiscard]] BankSet bank(std::int64_t rank, std::int64_t group, std::int64_t index) const {
    return BankSet{1} << ((rank * g_.bank_groups + group) * g_.banks + index);
  }

  Program queries(std::int64_t blocks, std::int64_t group) const {
    Emit emit;
    for (std::int64_t q = 0; q < group; ++q) {
      for (std::int64_t b = 0; b < parts_; ++b) {
        for (std::int64_t k = 0; k < blocks; ++k) {
          emit.put(Kind::kBufferWrite, Part::kBroadcast, {bank(0, 0, b), 0, q * blocks + k},
                   q * blocks + k);
        }
      }
    }
    return emit.take();
  }

  void mac(Emit& emit, std::int64_t index, std::int64_t operand) const {
    const Spot at = spot(index);
    emit.put(level_ == Level::kBank ? Kind::kMac : Kind::kMacBank, Part::kMac,
             {banks_at(at), at.row, at.column}, operand);
  }

  /// Ranks and bank groups with units of their own; those of the buffer die have one place.
  [[nodiscard]] std::int64_t ranks() const { return spread_ > 1 ? 1 : g_.ranks; }
  [[nodiscard]] std::int64_t bank_groups() const { return spread_ > 1 ? 1 : g_.bank_groups; }

  /// One move a bank group and rank takes what its banks' units have summed.
  Program move_scores(std::int64_t group) const {
    Emit emit;
    for (std::int64_t q = 0; q < group; ++q) {
      for (std::int64_t bg = 0; bg < bank_groups(); ++bg) {
        for (std::int64_t r = 0; r < ranks(); ++r) {
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
            mac(macs, first_row * width_ + n * blocks + k, q * blocks + k);
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
      for (std::int64_t r = 0; r < ranks(); ++r) {
        for (std::int64_t bg = 0; bg < bank_groups(); ++bg) {
          for (std::int64_t c = 0; c < columns; ++c) {
            emit.put(Kind::kBufferMove, Part::kBroadcast, {bank(r, bg, 0), 0, q * columns + c});
          }
        }
      }
    }
    return emit.take();
  }

  std::vector<Piece> context_pieces(std::int64_t tokens, std::int64_t blocks, std::int64_t group,
                                    std::int64_t start) const {
    std::vector<Piece> pieces;
    const std::int64_t per_group = ceil_div(tokens, groups_);
    for (std::int64_t n = 0; n < blocks; ++n) {
      Emit macs;
      // Row by row, so that the queries of a group share the open row.
      for (std::int64_t first = 0; first < per_group;) {
        const std::int64_t index = start + n * per_group + first;
        const std::int64_t end = std::min(per_group, first + width_ - index % width_);
        for (std::int64_t q = 0; q < group; ++q) {
          for (std::int64_t k = first; k < end; ++k) {
            mac(macs, start + n * per_group + k, q * per_group + k);
          }
        }
        first = end;
      }
      Emit results;
      for (std::int64_t q = 0; q < group; ++q) {
        for (std::int64_t b = 0; b < parts_; ++b) {
          for (std::int64_t r = 0; r < ranks(); ++r) {
            results.put(Kind::kResultMove, Part::kReadOut, {bank(r, 0, b), 0, 0});
          }
        }
      }
      pieces.push_back({macs.take(), results.take()});
    }
    return pieces;
  }

  Head head(const Attention& attention, const std::vector<std::int64_t>& parts,
            std::int64_t index) const {
    const std::int64_t tokens = parts[static_cast<std::size_t>(index)];
    const std::int64_t k = blocks(attention.dim);
    const std::int64_t group = attention.group();
    Emit softmax;
    for (std::int64_t q = 0; q < group; ++q) {
      softmax.put(Kind::kSoftmax, Part::kReadOut, {bank(0, 0, 0), 0, 0});
    }
    const std::int64_t row = key_row(attention.dim, parts, index);
    const std::int64_t values = value_start(attention.dim, parts, index);
    return {queries(k, group), score_pieces(tokens, k, group, row), softmax.take(),
            move_weights(tokens, group), context_pieces(tokens, k, group, values)};
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

  void soften(Emit& emit, const Head& head) const {
    emit.append(head.softmax);
    emit.append(head.weights);
    emit.barrier();
  }

  void run_alone(Emit& emit, const Head& head) const {
    emit.append(head.operands);
    emit.barrier();
    for (std::size_t j = 0; j < head.scores.size(); ++j) {
      emit.append(head.scores[j].macs);
      if (j > 0) emit.append(head.scores[j - 1].results);
      emit.barrier();
      if (device_.control.lone_head_repeats_moves) soften(emit, head);
    }
    emit.append(head.scores.back().results);
    soften(emit, head);
    run_pieces(emit, head.context, {}, {});
  }

  const Device& device_;
  const Geometry& g_;
  std::int64_t lanes_;
  Level level_;
  std::int64_t spread_;  ///< Bank groups that one unit's columns are spread over.
  std::int64_t groups_;  ///< Runs of tokens that are worked on at once.
  std::int64_t parts_;   ///< Of the dimensions, in banks of their own.
  std::int64_t width_;   ///< Columns of a unit's share before the next row.
};

}  // namespace

std::unique_ptr<Mapper> make_attacc_mapper(const Device& device) {
  return std::make_unique<AttaccMapper>(device);
}

}  // namespace orrery::pim
