// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/execution.h"

#include <doctest/doctest.h>

#include <vector>

#include "models/transformer/transformer.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

TEST_CASE("the host pays for steps, requests and blocks, and more where there are prompts") {
  HostCost host;
  host.step = microseconds(100);
  host.request = microseconds(5);
  host.new_block = microseconds(1);
  host.hashed_block = microseconds(2);
  host.prompt_step = milliseconds(20);
  BatchShape shape;
  shape.decodes = 10;
  shape.new_blocks = 3;
  shape.hashed_blocks = 4;
  // 100 + 10 x 5 + 3 x 1 + 4 x 2.
  CHECK(host.of(shape) == microseconds(161));
  const std::vector<PrefillChunk> chunks = {{100, 0, true}};
  shape.chunks = chunks;
  shape.prefill_tokens = 100;
  CHECK(host.of(shape) == microseconds(161 + 5 + 20'000));
  // On a CPU that takes half as long again.
  CHECK(host.scaled(1.5).of(shape) == microseconds(30'249));
  CHECK(host.scaled(1.5).launch == Duration());
}

TEST_CASE("an engine's own launch cost stands for the GPU's") {
  ExecutionOptions eager;
  eager.graphs.enforce_eager = true;
  BatchShape shape;
  shape.decodes = 1;
  shape.decode_context = shape.decode_context_max = 100;
  shape.decode_tiles = 1;
  shape.sampled_rows = 1;
  const auto device = [&](Duration launch) {
    eager.host.launch = launch;
    return make_roofline(test::llama_8b(), test::round_gpu(), Plan(), eager)->cost(shape).device;
  };
  // Every launch waits for the host at either price, so twice the price is twice the time.
  CHECK(device(microseconds(60)) == device(microseconds(30)) * 2);
  CHECK(device(microseconds(30)) > device(Duration()));
}

}  // namespace
}  // namespace orrery
