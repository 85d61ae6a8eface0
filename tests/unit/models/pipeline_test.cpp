// SPDX-License-Identifier: Apache-2.0
//
// A pipeline's step against its stages, each costed alone: it takes all stages and the sends
// between them, or the slowest stage once for each micro-batch, whichever is longer.
#include <doctest/doctest.h>

#include "models/transformer/transformer.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

using test::Batch;
using test::line_of;

struct Case {
  std::int64_t vocab;
  std::int64_t link_gb;
};

/// The host launches in no time, so that the device alone counts.
std::unique_ptr<CostModel> model(const Case& of, std::int64_t layers, std::int64_t stages) {
  ModelCard card = test::llama_8b();
  card.layers = layers;
  card.vocab = of.vocab;
  GpuSpec gpu = test::round_gpu();
  gpu.launch.launch = gpu.launch.graph_replay = Duration();
  gpu.links.nvlink = Bandwidth::per_second(of.link_gb * 1'000'000'000);
  Plan plan;
  plan.pipeline_parallel = stages;
  return make_roofline(card, gpu, plan, ExecutionOptions());
}

struct Parts {
  Duration step;
  /// All stages and the send; the second stage, which has the LM head.
  Duration through;
  Duration slowest;
};

Parts parts_of(const Case& of) {
  const Batch both = Batch().decode(64, 1000);
  const Batch half = Batch().decode(32, 1000);
  const auto two = model(of, 4, 2);
  const Duration embedding = line_of(*model(of, 4, 1), half.shape(), "embedding").time;
  const Duration send = line_of(*two, both.shape(), "stage_sends").time;
  // 32 rows of hidden state and residual, 2 x 4096 x 2 B each, and 5 us.
  const double us = 5 + 32 * 16384 / (static_cast<double>(of.link_gb) * 1e3);
  CHECK(to_seconds(send) * 1e6 == doctest::Approx(us).epsilon(1e-6));
  return {two->cost(both.shape()).device, model(of, 4, 1)->cost(half.shape()).device + send,
          model(of, 2, 1)->cost(half.shape()).device - embedding};
}

TEST_CASE("where one stage is slower, each step waits for it once a micro-batch") {
  // The LM head reads 1.05 GB, 2.4 times a layer.
  const Parts parts = parts_of({128256, 400});
  CHECK(parts.slowest * 2 > parts.through);
  CHECK(parts.step == parts.slowest * 2);
}

TEST_CASE("where sends are slow, a step is one micro-batch's way through all stages") {
  // 524 kB over 4 GB/s are 131 us, more than the last stage's norm, small LM head and sampler.
  const Parts parts = parts_of({128, 4});
  CHECK(parts.slowest * 2 < parts.through);
  CHECK(parts.step == parts.through);
}

TEST_CASE("the bubble is what a step waits beyond its own stages") {
  const Case of{128256, 400};
  const Batch both = Batch().decode(64, 1000);
  const Parts parts = parts_of(of);
  CHECK(line_of(*model(of, 4, 2), both.shape(), "pipeline_bubble").time ==
        parts.slowest * 2 - parts.through);
}

TEST_CASE("a request lies in one micro-batch, with all of its context") {
  const Case of{128, 400};
  const auto kv = [&](const Batch& batch, std::int64_t stages) {
    return line_of(*model(of, 4, stages), batch.shape(), "attention_decode").shape;
  };
  CHECK(kv(Batch().decode(1, 1000), 2) == "1 decodes, 1000 KV tokens");
  // Three over two: the fuller has two, of the mean context.
  CHECK(kv(Batch().decode(3, 1000), 2) == "2 decodes, 2000 KV tokens");
  CHECK(kv(Batch().decode(64, 1000), 2) == "32 decodes, 32000 KV tokens");
}

}  // namespace
}  // namespace orrery
