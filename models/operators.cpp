// SPDX-License-Identifier: Apache-2.0
#include "models/operators.h"

#include "sim/core/check.h"

namespace orrery {
namespace {

/// bfloat16 and float16.
constexpr std::int64_t kElement = 2;

Operator gemm(std::string name, std::int64_t count, std::int64_t n, std::int64_t k) {
  return {OperatorKind::kGemm, std::move(name),   count, 1, n, k,
          kElement * n * k,    kElement * (n + k)};
}

Operator stream(std::string name, std::int64_t count, std::int64_t bytes_per_row,
                std::int64_t kernels = 1) {
  return {OperatorKind::kStream, std::move(name), count, kernels, 0, 0, 0, bytes_per_row};
}

Operator collective(OperatorKind kind, std::string name, std::int64_t count,
                    std::int64_t bytes_per_row) {
  return {kind, std::move(name), count, 1, 0, 0, 0, bytes_per_row};
}

void add_attention_side(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes,
                        std::vector<Operator>& ops) {
  const std::int64_t q = shard.heads * card.head_dim;
  const std::int64_t kv = shard.kv_heads * card.head_dim;
  ops.push_back(gemm("qkv_proj", card.layers, q + 2 * kv, card.hidden));
  // Both norms read and write their heads.
  if (card.qk_norm) ops.push_back(stream("qk_norm", card.layers, 2 * kElement * (q + kv), 2));
  ops.push_back(stream("rotary", card.layers, 2 * kElement * (q + kv)));
  ops.push_back(stream("kv_write", card.layers, 2 * kv * (kElement + kv_bytes)));
  ops.back().kind = OperatorKind::kKvWrite;
  ops.push_back(gemm("o_proj", card.layers, card.hidden, q));
}

void add_mlp(const ModelCard& card, const Shard& shard, std::vector<Operator>& ops) {
  const std::int64_t width = shard.intermediate;
  ops.push_back(gemm("gate_up_proj", card.layers, 2 * width, card.hidden));
  ops.push_back(stream("silu_mul", card.layers, 3 * kElement * width));
  ops.push_back(gemm("down_proj", card.layers, card.hidden, width));
}

}  // namespace

std::optional<Collective> Operator::collective() const {
  switch (kind) {
    case OperatorKind::kAllReduce:
      return Collective::kAllReduce;
    case OperatorKind::kAllGather:
      return Collective::kAllGather;
    case OperatorKind::kGemm:
    case OperatorKind::kStream:
    case OperatorKind::kKvWrite:
      break;
  }
  return std::nullopt;
}

BoundTime Operator::time(const Roofline& roofline, const LinkCost& links, std::int64_t rows,
                         std::int64_t ranks) const {
  switch (kind) {
    case OperatorKind::kGemm:
      return roofline.gemm(flops(rows), bytes(rows), kernels);
    case OperatorKind::kStream: {
      BoundTime time = roofline.stream(bytes(rows), kernels);
      time.time += serial;
      return time;
    }
    case OperatorKind::kKvWrite:
      return roofline.kv_write(bytes(rows), kernels);
    case OperatorKind::kAllReduce:
    case OperatorKind::kAllGather:
      return links.time(*collective(), bytes(rows), ranks);
  }
  ORRERY_CHECK(false);
}

std::vector<Operator> token_operators(const ModelCard& card, const Shard& shard,
                                      std::int64_t kv_bytes) {
  const std::int64_t row = kElement * card.hidden;
  const bool split = shard.ranks > 1;
  std::vector<Operator> ops;
  ops.push_back(stream("embedding", 1, 2 * row));
  // The vocabulary is split too, so each rank knows only its tokens' rows.
  if (split) ops.push_back(collective(OperatorKind::kAllReduce, "embedding_all_reduce", 1, row));
  // Input and residual are read and written.
  ops.push_back(stream("add_norm", 2 * card.layers, 4 * row));
  add_attention_side(card, shard, kv_bytes, ops);
  add_mlp(card, shard, ops);
  if (split)
    ops.push_back(collective(OperatorKind::kAllReduce, "all_reduce", 2 * card.layers, row));
  ops.push_back(stream("final_norm", 1, 4 * row));
  return ops;
}

std::vector<Operator> row_operators(const ModelCard& card, const Shard& shard,
                                    const SamplerWork& sampler) {
  std::vector<Operator> ops;
  ops.push_back(stream("gather_rows", 1, 2 * kElement * card.hidden));
  ops.push_back(gemm("lm_head", 1, shard.vocab, card.hidden));
  const std::int64_t logits = card.vocab;
  if (shard.ranks > 1) {
    ops.push_back(collective(OperatorKind::kAllGather, "logits_all_gather", 1, kElement * logits));
  }
  ops.push_back(stream("sampler", 1, sampler.bytes_per_logit * logits, sampler.kernels));
  ops.back().serial = sampler.serial;
  return ops;
}

}  // namespace orrery
