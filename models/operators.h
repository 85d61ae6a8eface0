// SPDX-License-Identifier: Apache-2.0
//
// The operators of a dense decoder as vLLM launches them (vllm/model_executor/models/llama.py
// after torch.compile): QKV and gate-up are one GEMM each, residual adds ride with the norms.
// Attention stands apart (models/attention.h), because its work does not grow with rows alone.
#ifndef ORRERY_MODELS_OPERATORS_H_
#define ORRERY_MODELS_OPERATORS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/link_cost.h"
#include "models/model_card.h"
#include "models/plan.h"
#include "models/roofline.h"
#include "models/sampling.h"

namespace orrery {

enum class OperatorKind : std::uint8_t { kGemm, kStream, kKvWrite, kAllReduce, kAllGather };

/// One operator of one rank. Its work is linear in the rows it is given.
struct Operator {
  OperatorKind kind;
  std::string name;
  /// Times a step runs it, and kernels each time.
  std::int64_t count;
  std::int64_t kernels;
  /// GEMM [rows, k] x [k, n]; 0 elsewhere.
  std::int64_t n;
  std::int64_t k;
  /// Bytes whatever the rows: weights.
  std::int64_t fixed_bytes;
  std::int64_t bytes_per_row;
  /// Time besides, whatever the rows.
  Duration serial{};

  /// Of one time.
  [[nodiscard]] std::int64_t flops(std::int64_t rows) const { return 2 * rows * n * k; }
  [[nodiscard]] std::int64_t bytes(std::int64_t rows) const {
    return fixed_bytes + bytes_per_row * rows;
  }
  [[nodiscard]] BoundTime time(const Roofline& roofline, const LinkCost& links, std::int64_t rows,
                               std::int64_t ranks) const;
  /// What the ranks do together; none for what each does alone.
  [[nodiscard]] std::optional<Collective> collective() const;
};

/// What runs over every token of a step, but attention. `kv_bytes` is the size of a KV element.
[[nodiscard]] std::vector<Operator> token_operators(const ModelCard& card, const Shard& shard,
                                                    std::int64_t kv_bytes);

/// What runs over the rows that get logits: LM head and sampler.
[[nodiscard]] std::vector<Operator> row_operators(const ModelCard& card, const Shard& shard,
                                                  const SamplerWork& sampler);

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_H_
