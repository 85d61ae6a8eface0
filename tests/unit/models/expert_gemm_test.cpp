// SPDX-License-Identifier: Apache-2.0
//
// Work of routed experts: both grouped GEMMs, the product between them and the sum after.
#include <doctest/doctest.h>

#include "models/transformer/transformer.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

using test::Batch;
using test::line_of;

OperatorCost experts(const Batch& batch, const Plan& plan = {},
                     Quantization format = Quantization::kNone) {
  ModelCard card = test::expert_card();
  card.layers = 1;
  card.experts->quantization = format;
  ExecutionOptions options;
  options.graphs.enforce_eager = true;
  const auto model = make_roofline(card, test::round_gpu(), plan, options);
  return line_of(*model, batch.shape(), "experts");
}

/// Elements of `rows` rows through experts of [2 I, H] and [H, I]: H in and 2 I out of the first,
/// 2 I in and I out of the product, I in and H out of the second, H into the sum over experts;
/// its output is H a token.
std::int64_t moved(std::int64_t rows, std::int64_t tokens, std::int64_t inner) {
  const std::int64_t hidden = 4096;
  return rows * (3 * hidden + 6 * inner) + tokens * hidden;
}

TEST_CASE("a prefill touches all experts, and each row costs 6 flops an element") {
  // 4096 tokens x 2 choices. That one of eight experts gets none of them does not happen.
  const OperatorCost line = experts(Batch().prefill(4096));
  const std::int64_t one = std::int64_t{3} * 4096 * 14336;
  CHECK(line.flops == Flops(2 * 8192 * one));
  CHECK(line.bytes == Bytes(2 * (8 * one + moved(8192, 4096, 14336))));
}

TEST_CASE("a lone token reads two of eight experts") {
  const OperatorCost line = experts(Batch().decode(1, 100));
  const std::int64_t one = std::int64_t{3} * 4096 * 14336;
  CHECK(line.flops == Flops(2 * 2 * one));
  CHECK(line.bytes == Bytes(2 * (2 * one + moved(2, 1, 14336))));
}

TEST_CASE("ranks of one expert group split each expert, and have all rows") {
  Plan plan;
  plan.tensor_parallel = 4;
  const OperatorCost line = experts(Batch().prefill(4096), plan);
  const std::int64_t one = std::int64_t{3} * 4096 * 3584;
  CHECK(line.flops == Flops(2 * 8192 * one));
  CHECK(line.bytes == Bytes(2 * (8 * one + moved(8192, 4096, 3584))));
}

TEST_CASE("weights of 4 bits leave activations as they are") {
  const OperatorCost line = experts(Batch().prefill(4096), {}, Quantization::kMxfp4);
  // 4.25 bits each.
  const std::int64_t weights = 8 * (std::int64_t{3} * 4096 * 14336) / 32 * 17;
  CHECK(line.bytes == Bytes(weights + 2 * moved(8192, 4096, 14336)));
}

}  // namespace
}  // namespace orrery
