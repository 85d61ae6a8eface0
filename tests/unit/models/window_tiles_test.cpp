// SPDX-License-Identifier: Apache-2.0
//
// Attention with a window, against tiles counted pair by pair.
#include <doctest/doctest.h>

#include <algorithm>

#include "models/operators/attention.h"
#include "sim/core/random.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

using test::Batch;

Attention windowed(std::int64_t window) {
  const ModelCard card = test::llama_8b();
  return Attention(card, shard_of(card, 1), 2, window);
}

/// Key tiles with a key that a query of the tile sees: query p sees keys p - window + 1 to p.
std::int64_t seen_tiles(std::int64_t context, std::int64_t tokens, std::int64_t window) {
  std::int64_t tiles = 0;
  for (std::int64_t first = context; first < context + tokens; first += 128) {
    const std::int64_t last = std::min(first + 127, context + tokens - 1);
    tiles += last / 128 - std::max<std::int64_t>(0, first - window + 1) / 128 + 1;
  }
  return tiles;
}

TEST_CASE("a windowed chunk visits the key tiles that its queries see") {
  RandomStream random(1, "window", "tiles");
  const std::int64_t tile = 32 * std::int64_t{4} * 128 * 128 * 128;  // of all 32 heads
  for (int i = 0; i < 300; ++i) {
    const std::int64_t context = random.between(0, 40) * 128;
    // More than 32 tokens: fewer share one tile with their group's other heads.
    const std::int64_t tokens = random.between(33, 3000);
    const std::int64_t window = random.between(1, 4000);
    CAPTURE(context);
    CAPTURE(tokens);
    CAPTURE(window);
    const Batch batch =
        Batch().prefill(static_cast<std::int32_t>(tokens), static_cast<std::int32_t>(context));
    CHECK(windowed(window).chunks(batch.shape()).flops ==
          tile * seen_tiles(context, tokens, window));
  }
}

TEST_CASE("a long prompt costs its length times the window") {
  // 64 query tiles of 128 with a window of 1024: 8 tiles lie within it, and the first query's
  // begins 1023 before, in a ninth. The first 8 query tiles see 1 to 8, the other 56 see 9.
  const AttentionWork work = windowed(1024).chunks(Batch().prefill(8192).shape());
  CHECK(work.flops == std::int64_t{32} * (36 + 56 * 9) * 4 * 128 * 128 * 128);
  // Without a window 64 x 65 / 2 tiles.
  const AttentionWork whole = windowed(0).chunks(Batch().prefill(8192).shape());
  CHECK(whole.flops == std::int64_t{32} * 2080 * 4 * 128 * 128 * 128);
}

TEST_CASE("a chunk reads of its context what the window reaches") {
  // K and V of 8 heads x 128: 4096 B a token; queries and outputs of 32 heads: 16384 B.
  CHECK(windowed(1024).chunks(Batch().prefill(256, 5000).shape()).bytes ==
        (256 + 1023) * 4096 + 256 * 16384);
  CHECK(windowed(1024).chunks(Batch().prefill(256, 500).shape()).bytes ==
        (256 + 500) * 4096 + 256 * 16384);
}

TEST_CASE("decodes read no more than the window, in one tile more than it fills") {
  const AttentionWork work = windowed(1024).decodes(Batch().decode(3, 50'000).shape());
  CHECK(work.kv_bytes == 3 * 1024 * 4096);
  CHECK(work.flops == std::int64_t{3} * 9 * 128 * 4 * 8 * 128 * 64);
  CHECK(windowed(1024).decodes(Batch().decode(3, 1000).shape()).kv_bytes == 3 * 1000 * 4096);
}

}  // namespace
}  // namespace orrery
