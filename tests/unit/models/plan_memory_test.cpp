// SPDX-License-Identifier: Apache-2.0
//
// What one GPU of a plan holds.
#include <doctest/doctest.h>

#include "models/transformer/memory.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

/// On a GPU with room for anything.
MemoryAccount account(const ModelCard& card, const Plan& plan,
                      const ExecutionOptions& execution = {}) {
  GpuSpec gpu = test::round_gpu();
  gpu.memory.driver_total = Bytes(std::int64_t{800} << 30);
  MemoryOptions options;
  options.estimate_cudagraphs = false;
  return account_memory(card, gpu, plan, execution, options);
}

Bytes weights(const MemoryAccount& account) {
  REQUIRE(account.taken.front().name == "weights");
  return account.taken.front().bytes;
}

/// Q, O, K and V of Llama-3.1-8B and Mixtral.
constexpr std::int64_t kAttention = 2 * 4096 * 4096 + 2 * 4096 * 1024;
constexpr std::int64_t kExpert = std::int64_t{3} * 4096 * 14336;

TEST_CASE("a stage has its layers, and the fullest one counts") {
  ModelCard card = test::llama_70b();
  card.layers = 81;
  Plan plan;
  plan.tensor_parallel = 4;
  plan.pipeline_parallel = 2;
  // 41 and 40 layers: the first has the embedding, and more KV in a block.
  const std::int64_t attention = 2 * 8192 * 8192 + 2 * 8192 * 1024;
  const std::int64_t mlp = std::int64_t{3} * 8192 * 28672;
  const std::int64_t layer = (attention + mlp) / 4 + 2 * 8192;
  const MemoryAccount first = account(card, plan);
  CHECK(weights(first) == Bytes(2 * (41 * layer + 128256 / 4 * 8192)));
  // Two of eight KV heads.
  CHECK(first.block_bytes == Bytes(std::int64_t{16} * 41 * 2 * 2 * 128 * 2));
}

TEST_CASE("data-parallel groups have their own blocks, and share the experts") {
  Plan plan;
  plan.data_parallel = plan.expert_parallel = 4;
  const MemoryAccount group = account(test::expert_card(), plan);
  // Two of eight experts; attention, router, norms and both tables whole.
  const std::int64_t layer = kAttention + 4096 * 8 + 2 * 4096 + 2 * kExpert;
  CHECK(weights(group) == Bytes(2 * (32 * layer + 2 * 32000 * 4096 + 4096)));
  CHECK(group.block_bytes == Bytes(16 * 32 * 2 * 8 * 128 * 2));
  // Each group has a null block of its own; together they count one.
  const std::int64_t own = group.kv_cache.count() / group.block_bytes.count();
  CHECK(group.num_blocks == 4 * (own - 1) + 1);
}

TEST_CASE("experts split over ranks weigh as much as whole ones dealt to them") {
  Plan split;
  split.tensor_parallel = 4;
  Plan dealt = split;
  dealt.expert_parallel = 4;
  const std::int64_t layer = kAttention / 4 + 4096 * 8 + 2 * 4096 + 2 * kExpert;
  const Bytes expected(2 * (32 * layer + 2 * 8000 * 4096 + 4096));
  CHECK(weights(account(test::expert_card(), split)) == expected);
  CHECK(weights(account(test::expert_card(), dealt)) == expected);
  // A copy on each rank is one expert more in each layer.
  ExecutionOptions copies;
  copies.experts.enable_eplb = true;
  copies.experts.num_redundant_experts = 4;
  CHECK(weights(account(test::expert_card(), dealt, copies)) == expected + Bytes(2 * 32 * kExpert));
}

TEST_CASE("context-parallel ranks hold all weights and a share of each block") {
  Plan plan;
  plan.context_parallel = 4;
  CHECK(weights(account(test::llama_8b(), plan)) == weights(account(test::llama_8b(), {})));
  CHECK(account(test::llama_8b(), plan).block_bytes == Bytes((2 << 20) / 4));
}

TEST_CASE("latents are whole on every tensor rank") {
  ModelCard card = test::latent_card();
  card.layers = 4;
  Plan plan;
  plan.tensor_parallel = 8;
  // 16 tokens x 4 layers x 576 elements.
  CHECK(account(card, plan).block_bytes == Bytes(16 * 4 * 1152));
  ExecutionOptions fp8;
  fp8.kv_cache_dtype = KvCacheDtype::kFp8;
  CHECK(account(card, plan, fp8).block_bytes == Bytes(16 * 4 * 576));
}

TEST_CASE("a form of weights saves what it takes less") {
  ModelCard card = test::expert_card();
  const Bytes plain = weights(account(card, {}));
  card.experts->quantization = Quantization::kMxfp4;
  // 4.25 bits of 16 for experts alone.
  const std::int64_t saved = std::int64_t{32} * 8 * kExpert / 64 * 94;
  CHECK(weights(account(card, {})) == plain - Bytes(saved));
}

}  // namespace
}  // namespace orrery
