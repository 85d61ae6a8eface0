// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "models/calibration/expert_load.h"
#include "models/calibration/fits_text.h"
#include "models/calibration/kernel_fit.h"
#include "models/calibration/least_squares.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

GpuSpec a100() {
  GpuSpec gpu;
  read(load_yaml(std::string(ORRERY_SOURCE_DIR) + "/configs/hardware/a100-sxm-80gb.yaml"), gpu);
  return gpu;
}

KernelShape gemm_of(std::int64_t m, std::int64_t n, std::int64_t k) {
  KernelShape shape;
  shape.m = m;
  shape.n = n;
  shape.k = k;
  return shape;
}

/// A GPU whose GEMMs take 5 us and 1 us a 1.5 MB of weights and 200 GFLOP/s-microseconds of work.
double invented_us(const KernelShape& s) {
  const double flops = 2.0 * static_cast<double>(s.m * s.n * s.k);
  const double bytes = 2.0 * static_cast<double>(s.m * s.k + s.k * s.n + s.m * s.n);
  return 5 + flops / 200e6 + bytes / 1.5e6;
}

std::vector<MeasuredRow> invented_rows() {
  std::vector<MeasuredRow> rows;
  for (const std::int64_t n : {512, 1024, 1536, 2048, 4096, 6144, 8192}) {
    for (const std::int64_t k : {512, 1024, 2048, 3072, 4096, 8192}) {
      for (std::int64_t m = 1; m <= 8192; m *= 4) {
        MeasuredRow row;
        row.dtype = "bf16";
        row.shape = gemm_of(m, n, k);
        row.latency_us = invented_us(row.shape);
        row.device = "invented";
        row.source = "a formula";
        rows.push_back(row);
      }
    }
  }
  return rows;
}

TEST_CASE("least squares finds the line that the residuals were made of, one outlier aside") {
  constexpr std::array<Parameter, 2> kLine = {{{"offset", 1, 0.1, 10}, {"slope", 1, 0.1, 10}}};
  // y = 2 + 3 x at 20 points; one point is wrong by 50, which Huber's loss lets count as 0.1.
  const Residuals residuals = [](std::span<const double> v, std::span<double> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto x = static_cast<double>(i) / 10;
      out[i] = v[0] + v[1] * x - (2 + 3 * x) + (i == 7 ? 50 : 0);
    }
  };
  const std::vector<double> values = least_squares(kLine, 20, 0.001, residuals);
  CHECK(values[0] == doctest::Approx(2).epsilon(0.01));
  CHECK(values[1] == doctest::Approx(3).epsilon(0.01));
}

TEST_CASE("least squares does not leave the bounds") {
  constexpr std::array<Parameter, 1> kOne = {{{"x", 1, 0.5, 2}}};
  const Residuals residuals = [](std::span<const double> v, std::span<double> out) {
    out[0] = v[0] - 100;
  };
  const std::vector<double> values = least_squares(kOne, 1, 1e9, residuals);
  CHECK(values[0] <= 2);
  CHECK(values[0] > 1.9);
}

TEST_CASE("boosting learns a step to within its answers' unit, and holds it outside the data") {
  FeatureTable table;
  table.rows = 200;
  table.features = 1;
  std::vector<double> target;
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < 200; ++i) {
    table.values.push_back(static_cast<float>(i));
    target.push_back(i < 100 ? -0.1 : 0.2);
    rows.push_back(i);
  }
  BoostingOptions options;
  options.depth = 2;
  options.feature_share = 1;
  const Boosted boosted = boost(table, target, rows, options);
  const auto at = [&](float x) { return boosted.predict(std::array<float, 1>{x}); };
  CHECK(at(10) == doctest::Approx(-0.1).epsilon(0.05));
  CHECK(at(150) == doctest::Approx(0.2).epsilon(0.05));
  CHECK(at(1e9F) == at(199));
}

TEST_CASE("physics: a GEMM costs its floor when small, and its FLOPs when large") {
  const GpuSpec gpu = a100();
  const KernelPhysics physics(gpu, {MeasuredOp::kGemm, "bf16", ""});
  std::vector<double> values;
  for (const Parameter& p : physics.parameters()) values.push_back(p.first);
  const double floor_us = values[0];
  CHECK(physics.time_us(gemm_of(1, 64, 64), values) < floor_us + 2);
  // 2 * 8192^3 flops at 312 TFLOP/s are 3524 us; the share of the peak reached is 0.7 to 0.9.
  const double large = physics.time_us(gemm_of(8192, 8192, 8192), values);
  CHECK(large > 3524 / 0.9);
  CHECK(large < 3524 / 0.6);
  // One row more than 128 tiles of 128 begins a new row of tiles: never cheaper.
  CHECK(physics.time_us(gemm_of(8193, 8192, 8192), values) >= large);
}

TEST_CASE("physics: a decode's time doubles with its context once memory binds") {
  const GpuSpec gpu = a100();
  const KernelPhysics physics(gpu, {MeasuredOp::kDecodeAttention, "bf16", "bf16"});
  std::vector<double> values;
  for (const Parameter& p : physics.parameters()) values.push_back(p.first);
  KernelShape shape;
  shape.batch = 64;
  shape.query = 1;
  shape.heads = 32;
  shape.kv_heads = 8;
  shape.head_dim = 128;
  shape.context = 32767;
  const double once = physics.time_us(shape, values) - values[0];
  shape.context = 65535;
  const double twice = physics.time_us(shape, values) - values[0];
  CHECK(twice == doctest::Approx(2 * once).epsilon(0.05));
  // Queries of a window of 4096 do not see the rest.
  shape.window = 4096;
  const double window = physics.time_us(shape, values);
  shape.context = 32767;
  CHECK(physics.time_us(shape, values) == window);
}

TEST_CASE("physics: experts cost the weights of those that are touched, then the rows' FLOPs") {
  const GpuSpec gpu = a100();
  const KernelPhysics physics(gpu, {MeasuredOp::kMoe, "bf16", ""});
  std::vector<double> values;
  for (const Parameter& p : physics.parameters()) values.push_back(p.first);
  const auto time = [&](std::int64_t tokens, std::int64_t touched) {
    std::vector<std::int64_t> rows(128, 0);
    for (std::int64_t i = 0; i < touched; ++i) {
      rows[static_cast<std::size_t>(i)] = tokens * 8 / touched;
    }
    return physics.time_us(moe_shape(tokens, 4096, 1536, 128, 128, 8, load_of(rows)), values);
  };
  // 3 x 4096 x 1536 x 2 bytes an expert at 2039 GB/s are 18.5 us, at 0.7 of it 26.5.
  CHECK(time(8, 64) - time(8, 32) == doctest::Approx(32 * 26.5).epsilon(0.05));
  // 16384 x 8 rows of 6 x 4096 x 1536 flops at half of 312 TFLOP/s are 31.7 ms.
  CHECK(time(16384, 128) == doctest::Approx(31.7e3).epsilon(0.15));
}

TEST_CASE("a type the GPU has no rate for is refused") {
  const GpuSpec gpu = a100();
  CHECK_THROWS_WITH_AS(KernelPhysics(gpu, {MeasuredOp::kGemm, "fp8", ""}),
                       doctest::Contains("no fp8 tensor rate"), ConfigError);
}

TEST_CASE("a fit foretells shapes it did not see, holds its interval, and reads back as it was") {
  const GpuSpec gpu = a100();
  const std::vector<MeasuredRow> rows = invented_rows();
  const FitRecord record = fit_kernels(gpu, rows);
  CHECK(record.held_out.rows == static_cast<std::int64_t>(rows.size()));
  CHECK(record.held_out.families == 42);
  CHECK(record.held_out.median < 0.05);
  CHECK(record.held_out.coverage == doctest::Approx(0.9).epsilon(0.02));

  const KernelFit fit(gpu, record);
  const KernelShape between = gemm_of(700, 3000, 2500);
  const Prediction seen = fit.predict(between);
  CHECK(seen.us == doctest::Approx(invented_us(between)).epsilon(0.15));
  CHECK(seen.low_us < seen.us);
  CHECK(seen.high_us > seen.us);
  CHECK_FALSE(seen.extrapolated);
  CHECK(seen.us == fit.time_us(between));
  CHECK(fit.predict(gemm_of(8193, 3000, 2500)).extrapolated);
  CHECK(fit.predict(gemm_of(700, 100, 2500)).extrapolated);
  // Four times the largest M costs about four times as much, as physics has it.
  const double at_edge = fit.time_us(gemm_of(8192, 4096, 4096));
  CHECK(fit.time_us(gemm_of(32768, 4096, 4096)) == doctest::Approx(4 * at_edge).epsilon(0.1));

  const std::string text = write_fits({record});
  const std::vector<FitRecord> again = read_fits(text, "f.fits");
  REQUIRE(again.size() == 1);
  CHECK(write_fits(again) == text);
  CHECK(KernelFit(gpu, again[0]).time_us(between) == seen.us);
}

TEST_CASE("a damaged file of fits is refused with its line") {
  const auto refused = [](const std::string& text, const char* what) {
    CHECK_THROWS_WITH_AS(static_cast<void>(read_fits(text, "f.fits")), doctest::Contains(what),
                         ConfigError);
  };
  const std::string title = "orrery kernel fits 2\n";
  refused("something else\n", "f.fits:1: calibration: does not begin with");
  refused(title + "fit gemmm bf16 -\n", "f.fits:2: calibration: 'gemmm' is not an operator");
  refused(title + "fit gemm bf16 -\ndevice d\nsource s\n", "the file ends here");
  refused(title + "fit gemm bf16 -\ndevice d\nsource s\nparameter floor_us x\n",
          "f.fits:5: calibration: 'x' is not a number");
}

}  // namespace
}  // namespace orrery
