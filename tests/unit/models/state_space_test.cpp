// SPDX-License-Identifier: Apache-2.0
//
// Mamba-2 against the state-space duality of arXiv 2405.21060, section 6, with the shape of Bamba:
// 128 heads of 64, a state of 128, one group, a convolution of 4, chunks of 256.
#include <doctest/doctest.h>

#include "models/operators/attention.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

using test::Batch;

ModelCard card() {
  ModelCard card = test::llama_8b();
  card.mamba2 = Mamba2Shape{128, 64, 128, 1, 4, 256};
  card.groups = {{1, Mixer::kMamba2, FeedForward::kMlp, 0}};
  return card;
}

AttentionWork prefill(const Batch& batch, std::int64_t ranks = 1) {
  return make_state_space(card(), shard_of(card(), ranks))->chunks(batch.shape());
}

TEST_CASE("a sequence keeps its state and the convolution's last three columns") {
  // 8192 channels x 128, and 3 x (8192 + 2 x 128).
  CHECK(card().mamba2->kept() == 8192 * 128 + 3 * 8448);
}

TEST_CASE("a scan costs C B^T, its product with X, and the way into and out of the state") {
  const std::int64_t q = 256;
  // C B^T of one group: 2 Q^2 N. Each of 128 heads: 2 Q^2 P, and B^T X and C h of 2 Q N P each.
  const std::int64_t chunk = 2 * q * q * 128 + 128 * (2 * q * q * 64 + 2 * (2 * q * 128 * 64));
  CHECK(prefill(Batch().prefill(512)).flops == 2 * chunk);
  // A part of a chunk is computed whole, and sequences do not share one.
  CHECK(prefill(Batch().prefill(257)).flops == 2 * chunk);
  CHECK(prefill(Batch().prefill(1).prefill(1)).flops == 2 * chunk);
  // The context is in the state already.
  CHECK(prefill(Batch().prefill(512, 100'000)).flops == 2 * chunk);
}

TEST_CASE("a prefill reads and writes its channels, chunk states in 32 bits, and its own state") {
  // A token: x B C (8448) into the convolution, out of it, into the scan; dt (128), y (8192).
  const std::int64_t token = 2 * (3 * 8448 + 128 + 8192);
  const std::int64_t states = 2 * 2 * 4 * 8192 * 128;
  CHECK(prefill(Batch().prefill(512)).bytes ==
        512 * token + states + 2 * 2 * (8192 * 128 + 3 * 8448));
}

TEST_CASE("a decode moves its state by one step, whatever came before") {
  const auto mixer = make_state_space(card(), shard_of(card(), 1));
  const AttentionWork work = mixer->decodes(Batch().decode(3, 1000).shape());
  // h = a h + (dt B) x, y = C h: three multiplications and three additions an element.
  CHECK(work.flops == 3 * std::int64_t{6} * 8192 * 128);
  CHECK(work.bytes == 3 * (2 * 2 * (8192 * 128 + 3 * 8448) + 2 * (3 * 8448 + 128 + 8192)));
  CHECK(mixer->decodes(Batch().decode(3, 100'000).shape()).bytes == work.bytes);
}

TEST_CASE("ranks share heads, and each has the one group whole") {
  const std::int64_t q = 256;
  const std::int64_t of_heads = 16 * (2 * q * q * 64 + 2 * (2 * q * 128 * 64));
  CHECK(prefill(Batch().prefill(256), 8).flops == 2 * q * q * 128 + of_heads);
}

}  // namespace
}  // namespace orrery
