// SPDX-License-Identifier: Apache-2.0
//
// One operator of one rank, whose work is linear in the rows it is given. What mixes tokens stands
// apart (models/operators/attention.h), because its work does not grow with rows alone.
#ifndef ORRERY_MODELS_OPERATORS_OPERATORS_H_
#define ORRERY_MODELS_OPERATORS_OPERATORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "models/cards/weight_format.h"
#include "models/links/link_cost.h"
#include "models/operators/roofline.h"

namespace orrery {

enum class OperatorKind : std::uint8_t {
  kGemm,
  kStream,
  /// A stream that is written block by block.
  kKvWrite,
  kCollective,
  /// Both grouped GEMMs of the routed experts, the activation between and the sum after them.
  kExperts,
  /// DeepEP's all-to-all, there and back (models/links/all_to_all.h).
  kDispatch,
  kCombine,
};

struct Operator {
  OperatorKind kind;
  std::string name;
  /// Times a step runs it, and kernels each time.
  std::int64_t count;
  std::int64_t kernels;
  /// GEMM [rows, k] x [k, n]; 0 elsewhere.
  std::int64_t n = 0;
  std::int64_t k = 0;
  /// Bytes whatever the rows: weights.
  std::int64_t fixed_bytes = 0;
  std::int64_t bytes_per_row = 0;
  Quantization format = Quantization::kNone;
  /// What `ranks` do together.
  Collective collective{};
  std::int64_t ranks = 1;
  /// Time besides, whatever the rows.
  Duration serial{};
  /// Up to so many rows the kernel before it does a stream's work: its bytes move as they would,
  /// and nothing is launched.
  std::int64_t rides_up_to = 0;

  /// Of one time.
  [[nodiscard]] std::int64_t flops(std::int64_t rows) const { return 2 * rows * n * k; }
  [[nodiscard]] std::int64_t bytes(std::int64_t rows) const {
    return fixed_bytes + bytes_per_row * rows;
  }
  [[nodiscard]] bool rides(std::int64_t rows) const { return rows <= rides_up_to; }
  /// Of GEMMs, streams and collectives.
  [[nodiscard]] BoundTime time(const Roofline& roofline, const LinkCost& links,
                               std::int64_t rows) const;
};

/// A linear layer of weights [n, k] in the given form, over activations of `type`.
[[nodiscard]] Operator gemm(std::string name, std::int64_t count, std::int64_t n, std::int64_t k,
                            WeightType type, Quantization format = Quantization::kNone);
[[nodiscard]] Operator stream(std::string name, std::int64_t count, std::int64_t bytes_per_row,
                              std::int64_t kernels = 1);
/// `bytes_per_row` as LinkCost::time counts them.
[[nodiscard]] Operator collective(Collective what, std::string name, std::int64_t count,
                                  std::int64_t bytes_per_row, std::int64_t ranks);

/// How often all of them are launched together, of which those that ride at `rows` are not.
[[nodiscard]] std::int64_t kernels_of(const std::vector<Operator>& ops);
[[nodiscard]] std::int64_t riding_kernels(const std::vector<Operator>& ops, std::int64_t rows);
/// Adds those of `more`: counts of equal names are summed.
void merge(std::vector<Operator>& ops, const std::vector<Operator>& more);

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_OPERATORS_H_
