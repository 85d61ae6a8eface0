// SPDX-License-Identifier: Apache-2.0
//
// Collectives against measured ones: H200 rows of NVIDIA's collectors (NCCL 2.26 and 2.29, vLLM's
// custom all-reduce), of which 2 and 8 ranks were fitted and 4 were not, and the H100 and A100
// tables of the shared reference, of which nothing was.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "sim/core/units.h"
#include "sim/study/devices/fabric_run.h"
#include "sim/workload/byte_source.h"
#include "sim/workload/line_reader.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLeastBytes = 64LL << 10;
constexpr std::int64_t kMostBytes = 512LL << 20;

fs::path shared_folder() {
  const char* named = std::getenv("ORRERY_SHARED");
  return named != nullptr && *named != '\0' ? fs::path(named)
                                            : fs::path(ORRERY_SOURCE_DIR) / "../shared";
}

NodeSpec node_named(const char* name) {
  return load_node(
      (fs::path(ORRERY_SOURCE_DIR) / "configs/hardware/nodes" / (std::string(name) + ".yaml"))
          .string());
}

struct Point {
  CollectiveJob job;
  std::string algorithm;
  double measured_us = 0;
};

std::vector<std::string> cells_of(const std::string& line, char separator) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, separator);) cells.push_back(cell);
  return cells;
}

using Row = std::map<std::string, std::string>;

std::vector<Row> read_rows(const fs::path& path) {
  LineReader reader(open_file(path.string()), path.string());
  std::vector<Row> rows;
  std::vector<std::string> header;
  for (std::string_view line; reader.next(line);) {
    const auto cells = cells_of(std::string(line), ',');
    if (header.empty()) {
      header = cells;
      continue;
    }
    Row row;
    for (std::size_t i = 0; i < header.size(); ++i) row[header[i]] = cells.at(i);
    rows.push_back(row);
  }
  return rows;
}

bool in_range(const Point& point, std::int64_t most) {
  return point.job.bytes.count() >= kLeastBytes && point.job.bytes.count() <= most;
}

std::vector<Point> h200_points() {
  const fs::path folder = shared_folder() / "groundtruth/kernels/aiconfigurator";
  std::vector<Point> points;
  for (const char* version : {"nccl_2.26.2", "nccl_2.29.2"}) {
    const std::string name = std::string("h200_sxm_comm_") + version + "_nccl_perf.csv.gz";
    for (const Row& row : read_rows(folder / name)) {
      const bool floating = row.at("nccl_dtype") == "half";
      Point point{{parse_collective(row.at("op_name")),
                   Bytes(std::stoll(row.at("message_size")) * (floating ? 2 : 1)),
                   std::stoll(row.at("num_gpus")), floating},
                  "",
                  std::stod(row.at("latency")) * 1e3};
      if (in_range(point, kMostBytes)) points.push_back(point);
    }
  }
  for (const Row& row :
       read_rows(folder / "h200_sxm_comm_vllm_0.24.0_custom_allreduce_perf.csv.gz")) {
    Point point{{Collective::kAllReduce, Bytes(std::stoll(row.at("message_size")) * 2),
                 std::stoll(row.at("num_gpus")), true},
                "vllm",
                std::stod(row.at("latency")) * 1e3};
    if (row.at("backend") == "vllm_graph" && in_range(point, kMostBytes)) {
      points.push_back(point);
    }
  }
  return points;
}

/// `| 64K | 13.0 / 5.1 | ...`: sizes, then time / bus bandwidth for A100 and H100 at 2, 4, 8 ranks.
std::vector<Point> table_points(std::size_t first_column) {
  std::ifstream file(shared_folder() / "reference/devices.md");
  std::vector<Point> points;
  std::string collective;
  for (std::string line; std::getline(file, line) && !line.starts_with("### 4b");) {
    if (line.starts_with("**all")) collective = line.substr(2, line.find("**", 2) - 2);
    const auto cells = cells_of(line, '|');
    if (collective.empty() || cells.size() < 8) continue;
    std::size_t digits = 0;
    if (cells[1].size() < 3 || std::isdigit(static_cast<unsigned char>(cells[1][1])) == 0) continue;
    const std::int64_t number = std::stoll(cells[1], &digits);
    const char unit = cells[1][digits];
    const std::int64_t bytes = number << (unit == 'M' ? 20 : unit == 'K' ? 10 : 0);
    for (std::size_t i = 0; i < 3; ++i) {
      Point point{{parse_collective(collective), Bytes(bytes), std::int64_t{2} << i, true},
                  "",
                  std::stod(cells[first_column + i])};
      if (in_range(point, kMostBytes)) points.push_back(point);
    }
  }
  return points;
}

struct Errors {
  std::size_t count = 0;
  double median = 0;
  double p90 = 0;
};

/// Absolute relative errors; percentiles as numpy's.
Errors errors_of(const NodeSpec& node, const std::vector<Point>& points) {
  std::vector<double> errors;
  for (const Point& point : points) {
    const FabricResult result = run_collective(node, point.job, point.algorithm);
    errors.push_back(std::abs(to_seconds(result.time) * 1e6 / point.measured_us - 1));
  }
  std::sort(errors.begin(), errors.end());
  const auto percentile = [&](double share) {
    const double place = share * static_cast<double>(errors.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double part = place - static_cast<double>(below);
    return errors[below] + part * (errors[std::min(below + 1, errors.size() - 1)] - errors[below]);
  };
  return {errors.size(), percentile(0.5), percentile(0.9)};
}

bool is_here() {
  if (fs::exists(shared_folder() / "groundtruth/kernels/aiconfigurator")) return true;
  std::puts("ORRERY_TEST_SKIPPED no measurements in ORRERY_SHARED");
  return false;
}

TEST_CASE("collectives of 4 H200, which were not fitted, and of 2 and 8, which were") {
  if (!is_here()) return;
  const NodeSpec node = node_named("hgx-h200-8");
  std::vector<Point> fitted;
  std::vector<Point> kept_out;
  for (const Point& point : h200_points()) {
    (point.job.ranks == 4 ? kept_out : fitted).push_back(point);
  }
  const Errors unseen = errors_of(node, kept_out);
  MESSAGE("4 ranks: ", unseen.count, " points, median ", unseen.median, ", p90 ", unseen.p90);
  REQUIRE(unseen.count > 100);
  CHECK(unseen.median < 0.06);
  CHECK(unseen.p90 < 0.15);
  const Errors seen = errors_of(node, fitted);
  MESSAGE("2 and 8 ranks: ", seen.count, " points, median ", seen.median, ", p90 ", seen.p90);
  CHECK(seen.median < 0.06);
  CHECK(seen.p90 < 0.15);
}

TEST_CASE("collectives of H100 and A100, of which only published constants were changed") {
  if (!is_here()) return;
  const std::vector<Point> a100 = table_points(2);
  const std::vector<Point> h100 = table_points(5);
  REQUIRE(a100.size() == 90);
  REQUIRE(h100.size() == 90);
  const Errors ampere = errors_of(node_named("hgx-a100-8"), a100);
  MESSAGE("A100: median ", ampere.median, ", p90 ", ampere.p90);
  CHECK(ampere.median < 0.15);
  const Errors hopper = errors_of(node_named("hgx-h100-8"), h100);
  MESSAGE("H100: median ", hopper.median, ", p90 ", hopper.p90);
  CHECK(hopper.median < 0.10);
}

}  // namespace
}  // namespace orrery
