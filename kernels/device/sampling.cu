// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/sampling_kernels.h"
#include "kernels/device/suites.h"
#include "kernels/host/random.h"
#include "kernels/host/reference.h"

namespace orrery::kernels {

Spread run_sampling(Bench& bench, const Case& one) {
  std::byte* const operands = bench.operands(Fill::kFp32);
  const auto m = static_cast<int>(one.m);
  const auto n = static_cast<int>(one.n);
  constexpr std::size_t kAlign = 2 << 20;
  const std::size_t step = (static_cast<std::size_t>(one.bytes) + kAlign - 1) / kAlign * kAlign;
  const auto rotations = static_cast<int>(std::min<std::size_t>(
      rotations_for(one.bytes, bench.facts().l2_bytes), bench.operand_bytes() / step));
  if (rotations < 1) throw Skipped("does not fit the device's memory");
  auto* const tokens = reinterpret_cast<int*>(bench.results());
  return bench.time(one, rotations, [&](cudaStream_t stream, int i) {
    const auto* const logits = reinterpret_cast<const float*>(operands + i * step);
    if (one.op == "sample_greedy") {
      launch_greedy(logits, tokens, m, n, stream);
    } else {
      // Any floats in (-1, 1) do for the drawing: half of them draw the first token.
      launch_top_k_top_p(logits, logits, tokens, m, n, static_cast<int>(one.detail.number("top_k")),
                         static_cast<float>(one.detail.number("top_p_percent")) / 100, stream);
    }
  });
}

void check_sampling(Bench& bench, const Report& report) {
  constexpr std::size_t kM = 40;
  constexpr std::size_t kN = 5003;
  Random random(11);
  std::vector<float> logits(kM * kN);
  for (float& logit : logits) logit = 8 * random.symmetric();
  // Rows with many equal logits, where the order of tokens decides.
  for (std::size_t i = 0; i < 4 * kN; ++i)
    logits[i] = static_cast<float>(static_cast<int>(logits[i]));
  std::vector<float> uniform(kM);
  for (float& one : uniform) one = 0.5F + random.symmetric() / 2;
  auto* const rows = reinterpret_cast<float*>(bench.operands(Fill::kFp32));
  auto* const draws = rows + (1 << 20);
  auto* const tokens = reinterpret_cast<int*>(bench.results());
  ORRERY_CUDA(cudaMemcpy(rows, logits.data(), 4 * logits.size(), cudaMemcpyHostToDevice));
  ORRERY_CUDA(cudaMemcpy(draws, uniform.data(), 4 * kM, cudaMemcpyHostToDevice));
  const auto check = [&](const char* name, std::size_t top_k, float top_p) {
    ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
    std::vector<int> got(kM);
    ORRERY_CUDA(cudaMemcpy(got.data(), tokens, 4 * kM, cudaMemcpyDeviceToHost));
    std::string wrong;
    for (std::size_t i = 0; i < kM && wrong.empty(); ++i) {
      const auto from = logits.begin() + static_cast<std::ptrdiff_t>(i * kN);
      const std::size_t expected = sample({from, from + kN}, top_k, top_p, uniform[i]);
      if (got[i] != static_cast<int>(expected)) {
        wrong = "row " + std::to_string(i) + " gives token " + std::to_string(got[i]) +
                " instead of " + std::to_string(expected);
      }
    }
    report(name, wrong);
  };
  ORRERY_CUDA(cudaMemset(tokens, 0xff, 4 * kM));
  launch_greedy(rows, tokens, kM, kN, bench.stream());
  check("sample greedy", 1, 1);
  ORRERY_CUDA(cudaMemset(tokens, 0xff, 4 * kM));
  launch_top_k_top_p(rows, draws, tokens, kM, kN, 50, 0.95F, bench.stream());
  check("sample top-k, top-p", 50, 0.95F);
}

}  // namespace orrery::kernels
