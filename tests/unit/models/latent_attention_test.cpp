// SPDX-License-Identifier: Apache-2.0
//
// Latent attention against the formulas of DeepSeek-V2 (arXiv 2405.04434, section 2.1): heads of
// 128 + 64 in queries and keys and 128 in values, over latents of 512 + 64.
#include <doctest/doctest.h>

#include "models/operators/attention.h"
#include "models/transformer/graph.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

using test::Batch;

std::unique_ptr<SequenceMixer> latent(std::int64_t ranks = 1) {
  const ModelCard card = test::latent_card();
  return make_latent_attention(card, shard_of(card, ranks), 2);
}

TEST_CASE("a token keeps 576 elements a layer, whatever the heads") {
  const MlaShape mla = *test::latent_card().mla;
  CHECK(mla.latent() == 576);
  CHECK(latent_bytes(mla, 2) == 1152);
  // Dense latent attention caches plain fp8 (vLLM's head_size 576); 656 bytes with scales are what
  // its sparse backend alone keeps (flashmla_sparse.py get_kv_cache_shape).
  CHECK(latent_bytes(mla, 1) == 576);
}

TEST_CASE("absorbed decodes attend latents: 2 (576 + 512) flops a head and token") {
  // Four decodes of 1024 tokens: 8 tiles of 128 each, 4096 tokens in all, 128 heads.
  const BatchShape shape = Batch().decode(4, 1024).shape();
  const AttentionWork work = latent()->decodes(shape);
  CHECK(work.flops == std::int64_t{2} * (576 + 512) * 128 * 4096);
  // Each latent is read once for all heads; queries are 576 wide, outputs 512.
  CHECK(work.kv_bytes == 4096 * 1152);
  CHECK(work.bytes == 4096 * 1152 + 4 * 128 * (576 + 512) * 2);
  // Query into the latents 128 x 512, output 512 x 128, of 128 heads: both are the weights of
  // the up-projection, 512 x 128 x 256.
  const std::int64_t weights = std::int64_t{512} * 128 * 256;
  CHECK(work.gemm_flops == 2 * 4 * weights);
  // In and out of both: 128 and 512, 512 and 128.
  CHECK(work.gemm_bytes == 2 * (weights + 4 * 128 * (128 + 512 + 512 + 128)));
}

TEST_CASE("heads over eight ranks share the flops but not the latents") {
  const BatchShape shape = Batch().decode(4, 1024).shape();
  // 16 heads fill a quarter of the tensor cores' 64 rows: half the flops of 128 heads, not 1/8.
  CHECK(latent(8)->decodes(shape).flops == latent()->decodes(shape).flops / 2);
  CHECK(latent(8)->decodes(shape).kv_bytes == latent()->decodes(shape).kv_bytes);
  CHECK(latent(8)->decodes(shape).gemm_flops == latent()->decodes(shape).gemm_flops / 8);
}

TEST_CASE("prefill brings every head's keys and values up: 2 (192 + 128) flops a pair") {
  // 256 tokens after 512: query tile 0 sees 5 key tiles, tile 1 sees 6.
  const AttentionWork work = latent()->chunks(Batch().prefill(256, 512).shape());
  CHECK(work.flops == std::int64_t{128} * 11 * 2 * (192 + 128) * 128 * 128);
  // Keys and values of 768 tokens are read, 256 queries are read and outputs written.
  CHECK(work.bytes == (768 + 256) * std::int64_t{128} * 320 * 2);
  // All 768 latents go up, those of the context again.
  const std::int64_t weights = std::int64_t{512} * 128 * 256;
  CHECK(work.gemm_flops == 2 * 768 * weights);
  CHECK(work.gemm_bytes == 2 * weights + 768 * (1152 + std::int64_t{128} * 256 * 2));
}

TEST_CASE("absorption pays for few queries, and not for many") {
  // A query and key cost 2 (576 + 512) = 2176 absorbed and 2 (192 + 128) = 640 brought up, which
  // costs 2 x 512 x 256 = 262144 a head and key: worth it from 262144 / 1536 = 171 queries on.
  const auto flops = [](const AttentionWork& work) { return work.flops + work.gemm_flops; };
  const auto absorbed = flops(latent()->decodes(Batch().decode(128, 8192).shape())) / 128;
  const auto brought = flops(latent()->chunks(Batch().prefill(128, 8192 - 128).shape()));
  CHECK(brought > absorbed * 128);
  const auto brought_many = flops(latent()->chunks(Batch().prefill(256, 8192 - 256).shape()));
  CHECK(brought_many < absorbed * 256);
}

TEST_CASE("the projections of a layer are those of the report") {
  const ModelCard card = test::latent_card();
  Plan plan;
  plan.tensor_parallel = 8;
  const StageGraph graph = build_graph(card, plan, ExecutionOptions()).whole();
  const auto flops = [&](std::string_view name) {
    for (const Operator& op : graph.tokens) {
      if (op.name == name) return op.flops(1);
    }
    return std::int64_t{-1};
  };
  // 7168 to 1536 + 576, on every rank; 1536 to 16 heads of 192; 16 heads of 128 to 7168.
  CHECK(flops("qkv_down_proj") == 2 * 7168 * (1536 + 576));
  CHECK(flops("q_up_proj") == 2 * 1536 * 16 * 192);
  CHECK(flops("o_proj") == 2 * 16 * 128 * 7168);
}

}  // namespace
}  // namespace orrery
