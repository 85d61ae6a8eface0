// SPDX-License-Identifier: Apache-2.0
//
// What a rank has of a step: its requests, its share of a sequence, the tokens of shared experts.
#include <doctest/doctest.h>

#include "models/transformer/transformer.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

using test::Batch;
using test::line_of;

Plan plan_of(std::int64_t data, std::int64_t context) {
  Plan plan;
  plan.data_parallel = plan.expert_parallel = data;
  plan.context_parallel = context;
  return plan;
}

/// Without graphs, so that nothing is padded.
OperatorCost line(const ModelCard& whole, const Plan& plan, const Batch& batch,
                  std::string_view name, const GpuSpec& gpu = test::round_gpu()) {
  ModelCard card = whole;
  card.layers = 1;
  ExecutionOptions options;
  options.max_num_batched_tokens = 16384;
  options.graphs.enforce_eager = true;
  return line_of(*make_roofline(card, gpu, plan, options), batch.shape(), name);
}

TEST_CASE("a lone decode is in one data-parallel group, with all of its context") {
  const ModelCard card = test::expert_card();
  CHECK(line(card, plan_of(8, 1), Batch().decode(1, 8000), "attention_decode").shape ==
        "1 decodes, 8000 KV tokens");
  CHECK(line(card, plan_of(8, 1), Batch().decode(16, 8000), "attention_decode").shape ==
        "2 decodes, 16000 KV tokens");
}

TEST_CASE("context-parallel ranks have a share of each sequence") {
  CHECK(line(test::llama_8b(), plan_of(1, 4), Batch().decode(3, 1000), "attention_decode").shape ==
        "3 decodes, 750 KV tokens");
}

TEST_CASE("every context-parallel copy computes all decodes, and its share of a prompt") {
  const ModelCard card = test::expert_card();
  const auto tokens = [&](const Batch& batch) {
    const std::string shape = line(card, plan_of(2, 2), batch, "experts").shape;
    return shape.substr(0, shape.find(','));
  };
  CHECK(tokens(Batch().decode(64, 1000)) == "64 tokens");
  CHECK(tokens(Batch().prefill(1000)) == "500 tokens");
  CHECK(tokens(Batch().decode(64, 1000).prefill(1000)) == "564 tokens");
}

TEST_CASE("a ring brings the same bytes as an all-gather, in n - 1 sends") {
  // Attention takes next to nothing, so that it hides nothing.
  GpuSpec gpu = test::round_gpu();
  gpu.compute.bf16 = ComputeRate::per_second(9'000'000'000'000'000'000);
  gpu.memory.bandwidth = Bandwidth::per_second(9'000'000'000'000'000'000);
  gpu.launch.kernel = Duration();
  const Batch batch = Batch().prefill(16384);
  const auto wait = [&](ContextExchange exchange) {
    Plan plan = plan_of(1, 4);
    plan.context_exchange = exchange;
    return to_seconds(line(test::llama_8b(), plan, batch, "attention_exchange", gpu).time) * 1e6;
  };
  // A share is 4096 tokens x 4096 B, 41.943 us at 400 GB/s; a gather is 3 of them and 5 us.
  const double share = 4096 * 4096 / 400e3;
  CHECK(wait(ContextExchange::kAllGather) == doctest::Approx(3 * share + 5).epsilon(1e-6));
  // A ring's sends are 5 us each, less the attention to a share: 32 x 4 x 128 x 16384^2 / 2 flops
  // over 4 ranks and 4 shares at 9 EFLOP/s, 15 ns in whole tiles.
  const double ring = wait(ContextExchange::kRing);
  CHECK(ring < 3 * (share + 5));
  CHECK(ring > 3 * (share + 5 - 0.020));
}

}  // namespace
}  // namespace orrery
