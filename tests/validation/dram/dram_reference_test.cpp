// SPDX-License-Identifier: Apache-2.0
//
// controller=reference beside Ramulator 2.1 on the same traces, row by row of its table, and the
// default controller's bars on them.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sim/study/devices/memory_run.h"
#include "tests/validation/dram/dram_traces.h"

namespace orrery {
namespace {

std::vector<std::string> split(const std::string& line, char at) {
  std::vector<std::string> parts;
  std::stringstream stream(line);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

using Row = std::map<std::string, std::string>;

std::vector<Row> ramulator_rows() {
  std::ifstream file(shared_dram() / "reference.csv");
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = split(line, ',');
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> values = split(line, ',');
    Row row;
    for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) row[names[i]] = values[i];
    if (row["simulator"] == "R2.1") rows.push_back(row);
  }
  return rows;
}

/// A row's name says how it was run: hbm3_c_bgil_rowhit_refab.
MemoryRun run_row(const Row& row, const DramTraces& traces) {
  const std::vector<std::string> words = split(row.at("config"), '_');
  const bool stack = words.at(1) == "s";
  std::vector<std::string> set = {
      "controller=reference", "address_map=" + words.at(2),
      words.at(3) == "rowhit" ? "scheduler=fr-fcfs-row-hit" : "scheduler=fr-fcfs",
      words.at(4) == "refab" ? "refresh=all-bank" : "refresh=none"};
  if (!stack) set.push_back("channels=1");
  const auto config =
      load_memory(memory_file(words.at(0) == "hbm3" ? "hbm3-6400" : "hbm2-2000"), set);
  return run_memory(config, traces.file(row.at("trace"), stack), std::nullopt, "");
}

TEST_CASE("the reference controller is Ramulator's, row by row; the default one keeps its bars") {
  if (!shared_is_there()) return;
  const DramTraces& traces = DramTraces::instance();
  REQUIRE(traces.made());
  const std::vector<Row> rows = ramulator_rows();
  REQUIRE(rows.size() == 26);
  for (const Row& row : rows) {
    const std::string name = row.at("config") + " " + row.at("trace");
    const MemoryRun run = run_row(row, traces);
    // The table's cycles are whole, with halves rounded to even; ours end in .5 on HBM3.
    CHECK_MESSAGE(std::abs(run.cycles - std::stod(row.at("dram_ck"))) <= 0.5, name);
    CHECK_MESSAGE(std::abs(100 * run.row_hit_rate - std::stod(row.at("row_hit_percent"))) <= 0.1,
                  name);
    // The table's latencies are whole nanoseconds.
    const double latency = std::stod(row.at("avg_read_latency_ns"));
    CHECK_MESSAGE(std::abs(run.avg_read_latency_ns - latency) <= 0.01 * latency + 0.5, name);
  }

  const auto config = load_memory(memory_file("hbm3-6400"), {});
  const MemoryRun stream = run_memory(config, traces.file("stream", true), std::nullopt, "");
  CHECK(stream.share_of_peak >= 0.97);
  const MemoryRun random = run_memory(config, traces.file("random", true), std::nullopt, "");
  // Of a channel: the trace spreads over 16.
  CHECK(random.cycles * 16 / static_cast<double>(random.statistics.requests()) <= 3.25);
}

}  // namespace
}  // namespace orrery
