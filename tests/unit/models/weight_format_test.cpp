// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a weight [4096, 7168] in each form: 29,360,128 elements, and their scales.
#include "models/cards/weight_format.h"

#include <doctest/doctest.h>

#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

constexpr std::int64_t kElements = 4096 * 7168;

std::int64_t bytes(Quantization format, std::int64_t n = 4096, std::int64_t k = 7168) {
  return weight_bytes(format, WeightType::kBfloat16, n, k);
}

TEST_CASE("each form takes its bits and its scales") {
  CHECK(bytes(Quantization::kNone) == 2 * kElements);
  // A 32-bit scale for each of 4096 channels.
  CHECK(bytes(Quantization::kFp8) == kElements + 4 * 4096);
  CHECK(bytes(Quantization::kInt8) == kElements + 4 * 4096);
  // DeepSeek-V3 (arXiv 2412.19437, section 3.3.2): 32 x 56 blocks of 128 x 128, 32 bits each.
  CHECK(bytes(Quantization::kFp8Block) == kElements + 4 * 32 * 56);
  // GPTQ in groups of 128: 56 16-bit scales a row: 4.125 bits a weight.
  CHECK(bytes(Quantization::kInt4) == kElements / 2 + 2 * 4096 * 56);
  CHECK(bytes(Quantization::kInt4) * 8 == kElements * 4125 / 1000);
  // OCP Microscaling 1.0: blocks of 32 with an 8-bit exponent: 4.25 bits.
  CHECK(bytes(Quantization::kMxfp4) * 8 == kElements * 425 / 100);
  // NVFP4: blocks of 16 with an 8-bit e4m3 scale: 4.5 bits.
  CHECK(bytes(Quantization::kNvfp4) * 8 == kElements * 45 / 10);
}

TEST_CASE("what is left of a group or a block has a scale of its own") {
  CHECK(bytes(Quantization::kFp8Block, 576, 7168) == 576 * 7168 + 4 * 5 * 56);
  CHECK(bytes(Quantization::kFp8Block, 1, 1) == 1 + 4);
  CHECK(bytes(Quantization::kMxfp4, 2, 2880) == 2880 + 2 * 90);
  CHECK(bytes(Quantization::kInt4, 2, 129) == 129 + 2 * 2 * 2);
  CHECK(bytes(Quantization::kInt4, 1, 1) == 1 + 2);
}

TEST_CASE("weights that tensor cores cannot multiply are read as small and multiplied as 16 bits") {
  const GpuSpec gpu = test::round_gpu();
  const Quantization run = as_run_on(gpu, Quantization::kFp8Block);
  CHECK(run == Quantization::kFp8WeightOnly);
  CHECK(multiply_rate(gpu, run, WeightType::kBfloat16)->units_per_second() ==
        gpu.compute.bf16->units_per_second());
  CHECK(activation_bytes(run, WeightType::kBfloat16) == 2);
  CHECK(activation_bytes(Quantization::kFp8Block, WeightType::kBfloat16) == 1);
}

}  // namespace
}  // namespace orrery
