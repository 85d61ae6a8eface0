// SPDX-License-Identifier: Apache-2.0
//
// Flops and bytes against those that vLLM reports of itself (--enable-mfu-metrics,
// vllm/v1/metrics/perf.py at 00cee63e): its formulas written out, T tokens, C their contexts. It
// counts no tiles and no padding, bills prompts for whole squares (T C, no causal half), and leaves
// out scales, norms and what attention writes; where ours differ the difference is derived.
#include <doctest/doctest.h>

#include "models/transformer/graph.h"
#include "models/transformer/transformer.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

using test::Batch;
using test::line_of;

StageGraph graph_of(const ModelCard& card, std::int64_t ranks = 1) {
  Plan plan;
  plan.tensor_parallel = ranks;
  return build_graph(card, plan, ExecutionOptions()).whole();
}

/// Of all GEMMs over tokens.
std::int64_t gemm_flops(const StageGraph& graph, std::int64_t rows) {
  std::int64_t sum = 0;
  for (const Operator& op : graph.tokens) {
    if (op.kind == OperatorKind::kGemm) sum += op.count * op.flops(rows);
  }
  return sum;
}

TEST_CASE("dense projections: qkv_proj, out_proj and dense_ffn") {
  const std::int64_t t = 100;
  const std::int64_t d = 8192;
  for (const std::int64_t ranks : {1, 8}) {
    const std::int64_t q = 64 / ranks;
    const std::int64_t kv = 8 / ranks;
    const std::int64_t projections = 2 * t * d * (q + 2 * kv) * 128 + 2 * t * d * q * 128;
    const std::int64_t ffn = 2 * d * 3 * (28672 / ranks) * t;
    CHECK(gemm_flops(graph_of(test::llama_70b(), ranks), t) == 80 * (projections + ffn));
  }
}

TEST_CASE("latent projections: q_a, q_b, kv_a, kv_b and out_proj") {
  ModelCard card = test::latent_card();
  card.layers = 1;
  const std::int64_t t = 128;
  const std::int64_t d = 7168;
  const std::int64_t ffn = 2 * d * 3 * 18432 * t;
  const std::int64_t kv_b = 2 * t * 512 * 128 * (128 + 128);
  const std::int64_t others = 2 * t * d * 1536 + 2 * t * 1536 * 128 * 192 + 2 * t * d * 576 +
                              2 * t * 128 * std::int64_t{128} * d;
  CHECK(gemm_flops(graph_of(card), t) == others + ffn);
  // kv_b counts for prompts without context as for decodes, absorbed or not.
  const auto mixer = make_latent_attention(card, shard_of(card, 1), 2);
  CHECK(mixer->chunks(Batch().prefill(128).shape()).gemm_flops == kv_b);
  CHECK(mixer->decodes(Batch().decode(128, 1000).shape()).gemm_flops == kv_b);
  // attn_qk + attn_av are 2 q T C (192 + 128): one tile of 128 x 128.
  CHECK(mixer->chunks(Batch().prefill(128).shape()).flops ==
        2 * 128 * t * 128 * std::int64_t{192 + 128});
}

TEST_CASE("attention: prompts cost half of vLLM's square, a tile's diagonal more") {
  const ModelCard card = test::llama_8b();
  const Attention attention(card, shard_of(card, 1), 2);
  const std::int64_t t = 8192;
  const std::int64_t engine = 4 * 32 * 128 * t * t;
  // 64 x 65 / 2 of 64 x 64 tiles.
  CHECK(attention.chunks(Batch().prefill(8192).shape()).flops == engine / 4096 * 2080);
}

TEST_CASE("attention: decodes read what attn_input says, and write as many outputs") {
  const ModelCard card = test::llama_8b();
  const Attention attention(card, shard_of(card, 1), 2);
  const std::int64_t query = std::int64_t{10} * 32 * 128 * 2;
  const std::int64_t attn_input = query + 2 * std::int64_t{10'000} * 8 * 128 * 2;
  CHECK(attention.decodes(Batch().decode(10, 1000).shape()).bytes == attn_input + query);
}

TEST_CASE("routed_ffn and its reads and writes") {
  ModelCard card = test::expert_card();
  card.layers = 1;
  ExecutionOptions eager;
  eager.graphs.enforce_eager = true;
  const auto model = make_roofline(card, test::round_gpu(), Plan(), eager);
  const std::int64_t t = 4096;
  const std::int64_t rows = 2 * t;
  const std::int64_t d = 4096;
  const std::int64_t mi = 14336;
  const OperatorCost line = line_of(*model, Batch().prefill(4096).shape(), "experts");
  CHECK(line.flops == Flops(2 * d * 3 * mi * rows));
  // routed_up_gate_input, _silu_input, _down_input, and all three weights of eight experts.
  const std::int64_t read = rows * d + 2 * rows * mi + rows * mi + 8 * 3 * d * mi;
  // routed_up_gate_output, _silu_output, _down_output.
  const std::int64_t written = 2 * rows * mi + rows * mi + rows * d;
  // The sum over a token's experts is a kernel that vLLM's estimate leaves out.
  CHECK(line.bytes == Bytes(2 * (read + written + rows * d + t * d)));
}

TEST_CASE("weights of 4 bits: 0.5 B each, and scales that the estimate leaves out") {
  const std::int64_t elements = std::int64_t{4096} * 14336;
  const auto bytes = [](Quantization format) {
    return weight_bytes(format, WeightType::kBfloat16, 4096, 14336);
  };
  // 1 B of 32 half bytes is 1/16 more; 2 B of 128, 1/32.
  CHECK(bytes(Quantization::kMxfp4) == elements / 2 / 16 * 17);
  CHECK(bytes(Quantization::kInt4) == elements / 2 / 32 * 33);
}

}  // namespace
}  // namespace orrery
