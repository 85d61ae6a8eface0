// SPDX-License-Identifier: Apache-2.0
//
// DeepEP's exchange gives back the figures it was published with, and scales them as stated.
#include "models/links/all_to_all.h"

#include <doctest/doctest.h>

#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

/// What was published: hidden 7168, top 8 of 256, fp8 there.
ModelCard published_card() {
  ModelCard card = test::latent_card();
  card.experts = ExpertShape{256, 8, 2048};
  card.experts->quantization = Quantization::kFp8Block;
  return card;
}

GpuSpec gpu(std::int64_t nvlink_gb) {
  GpuSpec gpu = test::fp8_gpu();
  gpu.links.nvlink = Bandwidth::per_second(nvlink_gb * 1'000'000'000);
  return gpu;
}

double us(const BoundTime& time) { return to_seconds(time.time) * 1e6; }
doctest::Approx near(double value) { return doctest::Approx(value).epsilon(1e-6); }

TEST_CASE("low latency takes the published times for the published case") {
  const ModelCard card = published_card();
  // README of deepseek-ai/DeepEP: 128 tokens, 163 and 318 us for 8 ranks, 182 and 350 for 32.
  const DeepEp node(All2All::kDeepEpLowLatency, 8, card, gpu(200));
  CHECK(us(node.dispatch(128, 1)) == near(163));
  CHECK(us(node.combine(128, 1)) == near(318));
  const DeepEp nodes(All2All::kDeepEpLowLatency, 32, card, gpu(200));
  CHECK(us(nodes.dispatch(128, 1)) == near(182));
  CHECK(us(nodes.combine(128, 1)) == near(350));
  // Halfway from 64 to 128 ranks: (186 + 192) / 2.
  CHECK(us(DeepEp(All2All::kDeepEpLowLatency, 96, card, gpu(200)).dispatch(128, 1)) == near(189));
  // 10 us of floor, and the rest in proportion to tokens and to the heaviest rank's share.
  CHECK(us(node.dispatch(64, 1)) == near(10 + 153.0 / 2));
  CHECK(us(node.dispatch(128, 1.5)) == near(10 + 153.0 * 1.5));
  // Twice the NVLink halves the rest within a node, and changes nothing between nodes.
  CHECK(us(DeepEp(All2All::kDeepEpLowLatency, 8, card, gpu(400)).dispatch(128, 1)) ==
        near(10 + 153.0 / 2));
  CHECK(us(DeepEp(All2All::kDeepEpLowLatency, 32, card, gpu(400)).dispatch(128, 1)) == near(182));
}

TEST_CASE("low latency sends each choice: 7168 fp8, 56 scales of 32 bits and 16 B of place") {
  const DeepEp exchange(All2All::kDeepEpLowLatency, 8, published_card(), gpu(200));
  CHECK(exchange.dispatch_bytes(128) == std::int64_t{128} * 8 * (7168 + 56 * 4 + 16));
  CHECK(exchange.combine_bytes(128) == std::int64_t{128} * 8 * 2 * 7168);
  // 16-bit weights get 16-bit tokens: (14336 / 7408) of the published bytes.
  ModelCard plain = published_card();
  plain.experts->quantization = Quantization::kNone;
  const DeepEp wide(All2All::kDeepEpLowLatency, 8, plain, gpu(200));
  CHECK(us(wide.dispatch(128, 1)) == near(10 + 153.0 * 14336 / 7408));
}

TEST_CASE("normal mode sends a token once to each place that has one of its experts") {
  // Two ranks and two choices: the other rank is missed by both with 1/4, so 3/4 cross.
  ModelCard card = published_card();
  card.experts->top_k = 2;
  const DeepEp two(All2All::kDeepEpHighThroughput, 2, card, gpu(200));
  CHECK(two.dispatch_bytes(1000) == 750 * 7408);
  CHECK(two.combine_bytes(1000) == 750 * 14336);
  // 153 and 158 GB/s within a node, after 20 us.
  CHECK(us(two.dispatch(1000, 1)) == near(20 + 750 * 7408 / 153e3));
  CHECK(us(two.combine(1000, 1)) == near(20 + 750 * 14336 / 158e3));
  // 32 ranks are 4 nodes: of 3 others each is missed by 8 choices with (3/4)^8 = 0.100113.
  const DeepEp nodes(All2All::kDeepEpHighThroughput, 32, published_card(), gpu(200));
  const double copies = 3 * (1 - 6561.0 / 65536);
  CHECK(us(nodes.dispatch(4096, 1)) == near(20 + 4096 * copies * 7408 / 44e3));
  CHECK(us(nodes.combine(4096, 1.25)) == near(20 + 1.25 * 4096 * copies * 14336 / 47e3));
}

}  // namespace
}  // namespace orrery
