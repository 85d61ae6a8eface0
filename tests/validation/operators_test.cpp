// SPDX-License-Identifier: Apache-2.0
//
// Kernels measured by others against fits that never saw their families: hash of (N, K) or of the
// head shape, one in five left out; and against fits that never saw the largest decade of tokens.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/calibration/fits_text.h"
#include "models/calibration/kernel_fit.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/study/calibration/calibrate.h"
#include "sim/study/calibration/table.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

const fs::path kHardware = fs::path(ORRERY_SOURCE_DIR) / "configs/hardware";

GpuSpec load(const std::string& name) {
  GpuSpec gpu;
  read(load_yaml((kHardware / (name + ".yaml")).string()), gpu);
  return gpu;
}

fs::path kernels_folder() {
  const char* shared = std::getenv("ORRERY_SHARED");
  const fs::path root =
      shared != nullptr ? fs::path(shared) : fs::path(ORRERY_SOURCE_DIR) / ".." / "shared";
  return root / "groundtruth/kernels/aiconfigurator";
}

/// The rows of one A100 table; empty, and said so, where the measurements are not at hand.
std::vector<MeasuredRow> a100_rows(const std::string& table) {
  const fs::path path = kernels_folder() / ("a100_sxm_" + table + "_perf.csv.gz");
  if (fs::exists(path)) return read_table(path.string(), TableFormat::kAiconfigurator).rows;
  std::printf("ORRERY_TEST_SKIPPED %s is not there\n", path.string().c_str());
  return {};
}

struct Errors {
  double median, p90, coverage;
  std::size_t rows;
};

Errors errors_of_left_out(const std::vector<MeasuredRow>& rows,
                          const std::function<bool(const MeasuredRow&)>& left_out) {
  const GpuSpec gpu = load("a100-sxm-80gb");
  std::vector<MeasuredRow> train;
  for (const MeasuredRow& row : rows) {
    if (!left_out(row)) train.push_back(row);
  }
  const KernelFit fit(gpu, fit_kernels(gpu, train));
  std::vector<double> errors;
  std::size_t within = 0;
  for (const MeasuredRow& row : rows) {
    if (!left_out(row)) continue;
    const Prediction p = fit.predict(row.shape);
    errors.push_back(std::abs(p.us / row.latency_us - 1));
    within += row.latency_us >= p.low_us && row.latency_us <= p.high_us ? 1U : 0U;
  }
  std::sort(errors.begin(), errors.end());
  const Errors result = {errors[errors.size() / 2], errors[errors.size() * 9 / 10],
                         static_cast<double>(within) / static_cast<double>(errors.size()),
                         errors.size()};
  std::printf("left out %zu rows: median %.2f %%, p90 %.2f %%, interval holds %.1f %%\n",
              result.rows, 100 * result.median, 100 * result.p90, 100 * result.coverage);
  return result;
}

/// The bars of the operators: median and p90 on families left out, then on the largest decade.
constexpr double kMedian = 0.03;
constexpr double kP90 = 0.09;
constexpr double kMedianOutside = 0.08;
constexpr double kP90Outside = 0.20;

/// Every family once left out, in two ways of leaving them out together.
void check_families(const std::string& table) {
  const auto rows = a100_rows(table);
  if (rows.empty()) return;
  const GpuSpec gpu = load("a100-sxm-80gb");
  for (const std::uint64_t salt : {1, 2}) {
    const HeldOut h = fit_kernels(gpu, rows, salt).held_out;
    std::printf(
        "%s: median %.2f %%, p90 %.2f %%, interval holds %.1f %%, half-width %.2f medians\n",
        table.c_str(), 100 * h.median, 100 * h.p90, 100 * h.coverage, h.half_width / h.median);
    CHECK(h.median < kMedian);
    CHECK(h.p90 < kP90);
    CHECK(h.coverage > 0.85);
    CHECK(h.coverage < 0.95);
    CHECK(h.half_width < 3 * h.median);
  }
}

TEST_CASE("A100 GEMM: every weight shape, left out") { check_families("gemm_vllm_0.14.0_gemm"); }

TEST_CASE("A100 attention: every head shape, left out") {
  check_families("attention_vllm_0.14.0_context_attention");
  check_families("attention_vllm_0.14.0_generation_attention");
}

TEST_CASE("A100: an interval holds for families that had no part in anything") {
  const auto rows = a100_rows("gemm_vllm_0.14.0_gemm");
  if (rows.empty()) return;
  const Errors e = errors_of_left_out(
      rows, [](const MeasuredRow& row) { return family_of(row.op, row.shape) % 5 == 3; });
  CHECK(e.coverage > 0.85);
  CHECK(e.coverage < 0.95);
}

TEST_CASE("A100: the largest decade of tokens or context left out") {
  const auto check = [](const std::string& table, const auto& left_out) {
    const auto rows = a100_rows(table);
    if (rows.empty()) return;
    const Errors e = errors_of_left_out(rows, left_out);
    CHECK(e.median < kMedianOutside);
    CHECK(e.p90 < kP90Outside);
    CHECK(e.coverage > 0.85);
  };
  check("gemm_vllm_0.14.0_gemm", [](const MeasuredRow& row) { return row.shape.m > 819; });
  check("attention_vllm_0.14.0_context_attention",
        [](const MeasuredRow& row) { return row.shape.query > 1638; });
  check("attention_vllm_0.14.0_generation_attention",
        [](const MeasuredRow& row) { return row.shape.context > 13106; });
}

TEST_CASE("every shipped calibration reads, names its source, and reports its held-out error") {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kHardware / "calibrated")) {
    const std::string name = entry.path().stem().string();
    CAPTURE(name);
    const std::vector<KernelFit> fits = load_fits(load(name));
    CHECK_FALSE(fits.empty());
    for (const KernelFit& fit : fits) {
      const FitRecord& record = fit.record();
      CHECK(record.source.find("timed by") != std::string::npos);
      CHECK_FALSE(record.device.empty());
      CHECK(record.held_out.rows > 0);
      // The RTX 4090's attention is of one head shape: sizes are left out of a hundred rows.
      const bool experts = record.set.op == MeasuredOp::kMoe;
      const bool few = record.held_out.by_size;
      CHECK(record.held_out.median < (experts || few ? 0.08 : kMedian));
      if (!experts && !few) CHECK(record.held_out.p90 < kP90);
      CHECK(record.held_out.coverage > (few ? 0.80 : 0.85));
      CHECK(record.held_out.coverage < 0.95);
    }
    ++files;
  }
  CHECK(files >= 3);
}

}  // namespace
}  // namespace orrery
