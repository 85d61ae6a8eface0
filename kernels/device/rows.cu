// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/row_kernels.h"
#include "kernels/device/suites.h"
#include "kernels/host/formats.h"
#include "kernels/host/reference.h"

namespace orrery::kernels {
namespace {

constexpr float kEpsilon = 1e-5F;
constexpr float kTheta = 500000;

__nv_bfloat16* bf16_at(std::byte* at) { return reinterpret_cast<__nv_bfloat16*>(at); }

template <class Value>
std::vector<Value> downloaded(const void* from, std::size_t count) {
  std::vector<Value> values(count);
  ORRERY_CUDA(cudaMemcpy(values.data(), from, count * sizeof(Value), cudaMemcpyDeviceToHost));
  return values;
}

std::byte* uploaded(std::byte* to, const std::vector<std::uint16_t>& values) {
  ORRERY_CUDA(cudaMemcpy(to, values.data(), 2 * values.size(), cudaMemcpyHostToDevice));
  return to;
}

std::vector<float> bf16_downloaded(const void* from, std::size_t count) {
  return floats_of(downloaded<std::uint16_t>(from, count));
}

void check_norm(Bench& bench, const Report& report) {
  constexpr std::size_t kM = 37;
  constexpr std::size_t kN = 1032;
  const auto x = random_bf16(kM * kN, 1);
  const auto residual = random_bf16(kM * kN, 2);
  const auto weight = random_bf16(kN, 3);
  std::byte* const at = bench.operands(Fill::kBf16);
  std::byte* const sums = uploaded(bench.results(), residual);
  std::byte* const out = bench.results() + (1 << 20);
  ORRERY_CUDA(cudaMemset(out, 0xff, 2 * kM * kN));
  launch_rms_norm(bf16_at(uploaded(at, x)), bf16_at(sums),
                  bf16_at(uploaded(at + (1 << 20), weight)), bf16_at(out), kM, kN, kEpsilon,
                  bench.stream());
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  NormExpected expected =
      rms_norm(floats_of(x), floats_of(residual), floats_of(weight), kN, kEpsilon);
  // The kernel takes the sums as they were rounded: one rounding more than the reference has.
  for (double& tolerance : expected.normed.tolerances) tolerance *= 2;
  report("rmsnorm, sums", difference(expected.sums, bf16_downloaded(sums, kM * kN)));
  report("rmsnorm", difference(expected.normed, bf16_downloaded(out, kM * kN)));
}

void check_others(Bench& bench, const Report& report) {
  constexpr std::size_t kM = 19;
  constexpr std::size_t kN = 520;
  std::byte* const at = bench.operands(Fill::kBf16);
  const auto pairs = random_bf16(kM * 2 * kN, 4);
  ORRERY_CUDA(cudaMemset(bench.results(), 0xff, 2 * kM * kN));
  launch_silu_mul(bf16_at(uploaded(at, pairs)), bf16_at(bench.results()), kM, kN, bench.stream());
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  report("silu_mul",
         difference(silu_mul(floats_of(pairs), kN), bf16_downloaded(bench.results(), kM * kN)));

  constexpr std::size_t kHeads = 5;
  constexpr std::size_t kDim = 128;
  const auto heads = random_bf16(kM * kHeads * kDim, 5);
  std::byte* const turned = uploaded(bench.results(), heads);
  launch_rope(bf16_at(turned), kM, kHeads, kDim, kHeads * kDim, kTheta, bench.stream());
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  report("rope", difference(rope(floats_of(heads), kHeads, kDim, kTheta),
                            bf16_downloaded(turned, heads.size())));

  const auto rows = random_bf16(kM * kN, 6);
  std::byte* const scales = bench.results() + (1 << 20);
  launch_quantise(bf16_at(uploaded(at, rows)), reinterpret_cast<std::uint8_t*>(bench.results()),
                  reinterpret_cast<float*>(scales), kM, kN, bench.stream());
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  const QuantiseExpected expected = quantise(floats_of(rows), kN);
  std::vector<float> got;
  for (const std::uint8_t bits : downloaded<std::uint8_t>(bench.results(), kM * kN)) {
    got.push_back(from_fp8(bits));
  }
  report("quantise", difference(expected.values, got));
  Expected of_scales{expected.scales, {}};
  for (const double scale : expected.scales) of_scales.tolerances.push_back(scale * 0x1p-22);
  report("quantise, scales", difference(of_scales, downloaded<float>(scales, kM)));
}

}  // namespace

Spread run_rows(Bench& bench, const Case& one) {
  std::byte* const operands = bench.operands(Fill::kBf16);
  const auto m = static_cast<int>(one.m);
  const auto n = static_cast<int>(one.n);
  constexpr std::size_t kAlign = 2 << 20;
  // Twice a row's values in, for a gate and its partner or a row and its residual.
  const std::size_t step =
      (static_cast<std::size_t>(one.m) * one.n * 4 + kAlign - 1) / kAlign * kAlign;
  const std::size_t most = std::min(bench.operand_bytes(), bench.result_bytes()) / step;
  const auto rotations = static_cast<int>(
      std::min<std::size_t>(rotations_for(one.bytes, bench.facts().l2_bytes), most));
  if (rotations < 1) throw Skipped("does not fit the device's memory");
  return bench.time(one, rotations, [&](cudaStream_t stream, int i) {
    std::byte* const in = operands + i * step;
    std::byte* const out = bench.results() + i * step;
    if (one.op == "rmsnorm") {
      // The residual is read and written where results go, so operands stay what they were.
      launch_rms_norm(bf16_at(in), bf16_at(out + step / 2), bf16_at(operands), bf16_at(out), m, n,
                      kEpsilon, stream);
    } else if (one.op == "silu_mul") {
      launch_silu_mul(bf16_at(in), bf16_at(out), m, n, stream);
    } else if (one.op == "rope") {
      const auto dim = static_cast<int>(one.head_dim);
      launch_rope(bf16_at(out), m, n / dim, dim, n, kTheta, stream);
    } else {
      launch_quantise(bf16_at(in), reinterpret_cast<std::uint8_t*>(out),
                      reinterpret_cast<float*>(out + step / 2), m, n, stream);
    }
  });
}

void check_rows(Bench& bench, const Report& report) {
  check_norm(bench, report);
  check_others(bench, report);
}

}  // namespace orrery::kernels
