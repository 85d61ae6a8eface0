// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/device/row_kernels.h"
#include "kernels/device/sampling_kernels.h"
#include "kernels/host/attention_work.h"
#include "kernels/host/formats.h"
#include "kernels/host/random.h"
#include "kernels/host/reference.h"

namespace orrery::kernels {
namespace {

using Values = std::vector<std::uint16_t>;

__nv_bfloat16* bf16(Values& values) { return reinterpret_cast<__nv_bfloat16*>(values.data()); }

TEST_CASE("norms add the residual first") {
  constexpr std::size_t kM = 3;
  constexpr std::size_t kN = 1032;
  Values x = random_bf16(kM * kN, 1);
  const Values residual = random_bf16(kM * kN, 2);
  Values weight = random_bf16(kN, 3);
  Values sums = residual;
  Values out(kM * kN, 0xffff);
  launch_rms_norm(bf16(x), bf16(sums), bf16(weight), bf16(out), kM, kN, 1e-5F, nullptr);
  NormExpected expected = rms_norm(floats_of(x), floats_of(residual), floats_of(weight), kN, 1e-5);
  // The kernel norms the sums as they were rounded: one rounding more than the reference has.
  for (double& tolerance : expected.normed.tolerances) tolerance *= 2;
  CHECK(difference(expected.sums, floats_of(sums)) == "");
  CHECK(difference(expected.normed, floats_of(out)) == "");
}

TEST_CASE("gates, turns and scales") {
  Values pairs = random_bf16(3 * 2 * 520, 4);
  Values gated(3 * 520, 0xffff);
  launch_silu_mul(bf16(pairs), bf16(gated), 3, 520, nullptr);
  CHECK(difference(silu_mul(floats_of(pairs), 520), floats_of(gated)) == "");

  const Values heads = random_bf16(6 * 5 * 128, 5);
  Values turned = heads;
  launch_rope(bf16(turned), 6, 5, 128, 5 * 128, 500000, nullptr);
  CHECK(difference(rope(floats_of(heads), 5, 128, 500000), floats_of(turned)) == "");

  Values rows = random_bf16(3 * 520, 6);
  std::vector<std::uint8_t> small(rows.size());
  std::vector<float> scales(3);
  launch_quantise(bf16(rows), small.data(), scales.data(), 3, 520, nullptr);
  const QuantiseExpected expected = quantise(floats_of(rows), 520);
  std::vector<float> got;
  for (const std::uint8_t bits : small) got.push_back(from_fp8(bits));
  CHECK(difference(expected.values, got) == "");
  for (std::size_t i = 0; i < 3; ++i) CHECK(scales[i] == doctest::Approx(expected.scales[i]));

  Values logits = random_bf16(64, 7);
  std::vector<float> wide(64);
  launch_to_float(bf16(logits), wide.data(), 64, nullptr);
  CHECK(wide == floats_of(logits));
}

TEST_CASE("new keys and values go to their pages") {
  // Two sequences of 3 tokens after 15: the first fills a page, two begin the next.
  constexpr std::size_t kHeads = 2;
  constexpr std::size_t kDim = 64;
  constexpr std::size_t kWide = 2 * kHeads * kDim;
  Values rows = random_bf16(6 * kWide, 8);
  Values keys(4 * kHeads * 16 * kDim, 0);
  Values values = keys;
  const std::vector<int> pages = {3, 1, 0, 0, 2, 0, 0, 0};
  KvStore store;
  store.keys = bf16(rows);
  store.stride = kWide;
  store.key_pages = bf16(keys);
  store.value_pages = bf16(values);
  store.pages = pages.data();
  store.pages_stride = 4;
  store.tokens = 6;
  store.query = 3;
  store.context = 15;
  store.kv_heads = kHeads;
  store.dim = kDim;
  launch_store_kv(store, nullptr);
  const auto same = [&](std::size_t token, std::size_t page, std::size_t slot) {
    for (std::size_t i = 0; i < kHeads * kDim; ++i) {
      const std::size_t at = ((page * kHeads + i / kDim) * 16 + slot) * kDim + i % kDim;
      if (keys[at] != rows[token * kWide + i]) return false;
      if (values[at] != rows[token * kWide + kHeads * kDim + i]) return false;
    }
    return true;
  };
  CHECK(same(0, 3, 15));
  CHECK(same(1, 1, 0));
  CHECK(same(2, 1, 1));
  CHECK(same(3, 2, 15));
  CHECK(same(5, 0, 1));
  CHECK(static_cast<std::size_t>(std::count(keys.begin(), keys.end(), 0)) >=
        keys.size() - 6 * kHeads * kDim);
}

TEST_CASE("sampling draws what the reference draws") {
  constexpr std::size_t kM = 6;
  constexpr std::size_t kN = 3003;
  Random random(11);
  std::vector<float> logits(kM * kN);
  for (float& logit : logits) logit = 8 * random.symmetric();
  // Two rows with many equal logits, where the order of tokens decides.
  for (std::size_t i = 0; i < 2 * kN; ++i) {
    logits[i] = static_cast<float>(static_cast<int>(logits[i]));
  }
  std::vector<float> uniform(kM);
  for (float& one : uniform) one = 0.5F + random.symmetric() / 2;
  std::vector<int> tokens(kM, -1);
  const auto check = [&](std::size_t top_k, double top_p) {
    for (std::size_t i = 0; i < kM; ++i) {
      const auto from = logits.begin() + static_cast<std::ptrdiff_t>(i * kN);
      CHECK(tokens[i] == static_cast<int>(sample({from, from + kN}, top_k, top_p, uniform[i])));
    }
  };
  launch_greedy(logits.data(), tokens.data(), kM, kN, nullptr);
  check(1, 1);
  tokens.assign(kM, -1);
  launch_top_k_top_p(logits.data(), uniform.data(), tokens.data(), kM, kN, 50, 0.95F, nullptr);
  check(50, 0.95F);
}

}  // namespace
}  // namespace orrery::kernels
