// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/all_reduce_norm.h"

#include <doctest/doctest.h>

#include "models/links/link_cost.h"
#include "models/transformer/step_program.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

Plan plan_of(std::int64_t ranks) {
  Plan plan;
  plan.tensor_parallel = ranks;
  return plan;
}

ExecutionOptions fusing() {
  ExecutionOptions options;
  options.fuse_allreduce_rms = true;
  return options;
}

StepProgram program_of(const ExecutionOptions& options) {
  const GpuSpec gpu = test::round_gpu();
  return {test::llama_8b(), gpu, plan_of(4), options, make_roofline_links(gpu), nullptr, nullptr};
}

Duration decode_step(const StepProgram& program, std::int32_t decodes) {
  BatchShape shape;
  shape.decodes = shape.sampled_rows = decodes;
  shape.decode_context = shape.decode_context_max = decodes;
  shape.decode_tiles = decodes;
  return program.cost(shape).device;
}

TEST_CASE("an all-reduce takes its norm along where vLLM's pass has a limit") {
  GpuSpec gpu = test::round_gpu();
  const ModelCard card = test::llama_8b();
  const auto limit = [&](std::int64_t ranks) {
    return fused_all_reduce_limit(card, gpu, plan_of(ranks), fusing()).count();
  };
  CHECK(limit(1) == 0);
  CHECK(limit(2) == 64 << 20);
  CHECK(limit(4) == 2 << 20);
  CHECK(limit(8) == 512 << 10);
  gpu.links.nvlink_generation = 5;
  CHECK(limit(4) == 32 << 20);
  CHECK(limit(8) == 1 << 20);
  // A100, and cards without NVLink.
  gpu.links.nvlink_generation = 3;
  CHECK(limit(4) == 0);
  gpu.links.nvlink_generation = 0;
  CHECK(limit(4) == 0);
}

TEST_CASE("nothing is fused unasked, for Gemma's or LayerNorm, or with other parts than tensors'") {
  const GpuSpec gpu = test::round_gpu();
  ModelCard card = test::llama_8b();
  Plan plan = plan_of(4);
  CHECK(fused_all_reduce_limit(card, gpu, plan, {}) == Bytes());
  plan.pipeline_parallel = 2;
  CHECK(fused_all_reduce_limit(card, gpu, plan, fusing()) == Bytes());
  plan = plan_of(4);
  card.norms_per_layer = 4;
  CHECK(fused_all_reduce_limit(card, gpu, plan, fusing()) == Bytes());
  card.norms_per_layer = 2;
  card.learned_positions = 2048;
  CHECK(fused_all_reduce_limit(card, gpu, plan, fusing()) == Bytes());
}

TEST_CASE("a fused step is shorter by the launches of its 2 L + 1 norms, up to the limit") {
  const StepProgram apart = program_of(ExecutionOptions());
  const StepProgram fused = program_of(fusing());
  // 65 norms of 2 us of launch each; their bytes move as before.
  CHECK(decode_step(apart, 64) - decode_step(fused, 64) == microseconds(130));
  // 2 MiB are 256 rows of 4096 elements of 2 B; graphs have sizes 256 and 272.
  CHECK(decode_step(apart, 256) - decode_step(fused, 256) == microseconds(130));
  CHECK(decode_step(apart, 257) == decode_step(fused, 257));
}

}  // namespace
}  // namespace orrery
