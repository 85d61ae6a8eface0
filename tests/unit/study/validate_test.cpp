// SPDX-License-Identifier: Apache-2.0
#include "sim/study/validation/validate.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/study/validation/validate_plot.h"

namespace orrery {
namespace {

GpuSpec a100() {
  GpuSpec gpu;
  read(load_yaml(std::string(ORRERY_SOURCE_DIR) + "/configs/hardware/a100-sxm-80gb.yaml"), gpu);
  return gpu;
}

MeasuredRow gemm_row(std::int64_t m) {
  MeasuredRow row;
  row.dtype = "bf16";
  row.shape.m = m;
  row.shape.n = 4096;
  row.shape.k = 4096;
  row.latency_us = 100;
  row.device = "G";
  row.source = "s";
  return row;
}

MeasuredRow decode_row() {
  MeasuredRow row = gemm_row(0);
  row.op = MeasuredOp::kDecodeAttention;
  row.kv_dtype = "bf16";
  row.shape = {};
  row.shape.batch = 8;
  row.shape.query = 1;
  row.shape.context = 1000;
  row.shape.heads = 32;
  row.shape.kv_heads = 8;
  row.shape.head_dim = 128;
  return row;
}

/// Rows that took what is predicted over 1 + error.
std::vector<MeasuredRow> with_errors(const GpuSpec& gpu, std::vector<MeasuredRow> rows,
                                     const std::vector<double>& errors) {
  const Validation exact = validate(gpu, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].latency_us = exact.points[i].predicted_us / (1 + errors[i]);
  }
  return rows;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST_CASE("errors come by kernel set and over all, with their sign") {
  const GpuSpec gpu = a100();
  const Validation v =
      validate(gpu, with_errors(gpu, {gemm_row(16), gemm_row(64), gemm_row(512), decode_row()},
                                {0.10, -0.02, 0.04, -0.30}));
  REQUIRE(v.groups.size() == 2);
  const ErrorGroup& gemm = v.groups[0];
  CHECK(gemm.name == "gemm bf16");
  CHECK(gemm.n == 3);
  // Sizes 0.02, 0.04 and 0.10: the 90th percentile is 0.8 of the way from the second to the third.
  CHECK(gemm.median_abs_error == doctest::Approx(0.04));
  CHECK(gemm.p90_abs_error == doctest::Approx(0.04 + 0.8 * 0.06));
  CHECK(gemm.worst_abs_error == doctest::Approx(0.10));
  CHECK(gemm.bias == doctest::Approx(0.04));
  CHECK(gemm.with_interval == 3);
  CHECK(v.groups[1].bias == doctest::Approx(-0.30));
  CHECK(v.overall.name == "overall");
  CHECK(v.overall.n == 4);
  // 0.02, 0.04, 0.10, 0.30.
  CHECK(v.overall.median_abs_error == doctest::Approx(0.07));
}

TEST_CASE("a point says what its prediction rests on") {
  GpuSpec gpu = a100();
  const Validation v = validate(gpu, {gemm_row(64), gemm_row(100'000)});
  CHECK(v.points[0].basis == "calibrated");
  CHECK(v.points[0].interval > 0);
  CHECK_FALSE(v.points[0].extrapolated);
  CHECK(v.points[1].basis == "calibrated; outside the measured range");
  CHECK(v.points[1].extrapolated);
  CHECK(v.overall.extrapolated == 1);
  // The interval is wider where nothing was measured.
  CHECK(v.points[1].interval > v.points[0].interval);

  gpu.calibration.clear();
  const Validation assumed = validate(gpu, {gemm_row(64)});
  CHECK(assumed.points[0].basis == "physics with assumed parameters; not calibrated");
  CHECK(assumed.points[0].interval < 0);
  CHECK(assumed.overall.with_interval == 0);
}

TEST_CASE("the table of points has a line a point, and no interval where there is none") {
  GpuSpec gpu = a100();
  std::istringstream lines(points_csv(validate(gpu, {gemm_row(64), decode_row()})));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "op,dtype,kv_dtype,shape,measured,predicted,interval,basis");
  std::getline(lines, line);
  CHECK(line.starts_with("gemm,bf16,,64x4096x4096,100,"));
  CHECK(line.ends_with(",calibrated"));
  std::getline(lines, line);
  CHECK(line.starts_with("decode_attention,bf16,bf16,8x1@1000 heads 32/8 dim 128 window 0,100,"));
  CHECK_FALSE(std::getline(lines, line));
  gpu.calibration.clear();
  CHECK(points_csv(validate(gpu, {gemm_row(64)})).find(",,physics with assumed") !=
        std::string::npos);
}

TEST_CASE("the picture has a dot a point, at its place, and a line a kernel set") {
  const GpuSpec gpu = a100();
  std::vector<MeasuredRow> rows = {gemm_row(16), gemm_row(64), decode_row()};
  Validation v = validate(gpu, rows);
  // From 10 to 1000 us are two decades: 100 us stand in the middle of 640 after a margin of 60.
  v.points[0].row.latency_us = 100;
  v.points[0].predicted_us = 100;
  v.points[1].row.latency_us = 10;
  v.points[1].predicted_us = 1000;
  v.points[2].row.latency_us = 1000;
  v.points[2].predicted_us = 10;
  const std::string svg = scatter_svg(v);
  CHECK(count(svg, "<circle") == 3);
  CHECK(svg.find("cx=\"380.0\" cy=\"380.0\"") != std::string::npos);
  // The y axis points up: 1000 us lie at the upper margin.
  CHECK(svg.find("cx=\"60.0\" cy=\"60.0\"") != std::string::npos);
  CHECK(svg.find("cx=\"700.0\" cy=\"700.0\"") != std::string::npos);
  CHECK(svg.find(">gemm bf16: 2,") != std::string::npos);
  CHECK(svg.find(">decode_attention bf16: 1,") != std::string::npos);
}

}  // namespace
}  // namespace orrery
