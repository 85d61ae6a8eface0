// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/table.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "kernels/host/plan.h"
#include "sim/study/calibration/table.h"

namespace orrery::kernels {
namespace {

namespace fs = std::filesystem;

class Place {
 public:
  explicit Place(const char* name) : path_(fs::temp_directory_path() / name) { fs::remove(path_); }
  ~Place() { fs::remove(path_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string text() const {
    std::ifstream file(path_);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }

 private:
  fs::path path_;
};

const Provenance kHere{"A GPU", "orrery-kernels 1", "580.1", "13.0", "2026-11-21"};

TEST_CASE("the reader of calibrations reads what every part writes") {
  const Place place("orrery_kernels_all_parts.csv");
  DeviceFacts device;
  device.devices = 2;
  std::size_t gemm = 0;
  std::size_t attention = 0;
  {
    Table table(place.path(), kHere);
    for (const std::string_view part : kParts) {
      for (const Case& one : cases_of(part, device)) {
        table.add(one, {10, 21.5, 21, 23}, {310, 1980, 2619, 45});
        const bool fitted = one.operands == Operands::kCold && one.load == Load::kBurst;
        gemm += one.op == "gemm" && fitted ? 1 : 0;
        attention +=
            (one.op == "prefill_attention" || one.op == "decode_attention") && fitted ? 1 : 0;
      }
    }
  }
  const MeasuredTable read = read_table(place.path(), TableFormat::kOrrery);
  CHECK(read.rows.size() == gemm + attention);
  CHECK(gemm > 500);
  CHECK(attention > 500);
  std::int64_t told = 0;
  for (const auto& [name, count] : read.skipped) told += count;
  std::size_t all = 0;
  for (const std::string_view part : kParts) all += cases_of(part, device).size();
  CHECK(static_cast<std::size_t>(told) + read.rows.size() + read.memory.size() == all);
  const MeasuredRow& row = read.rows.front();
  CHECK(row.latency_us == 21.5);
  CHECK(row.power_w == 310);
  CHECK(row.device == "A GPU");
  CHECK(row.source == "orrery-kernels 1");
}

TEST_CASE("a row says what was done, and gaps are gaps") {
  Case one;
  one.op = "gemm";
  one.dtype = "fp8";
  one.m = 16;
  one.n = 6144;
  one.k = 4096;
  one.bytes = 123456789012;
  one.flops = 805306368;
  CHECK(table_line(one, {7, 3.25, 3, 4}, {}, kHere) ==
        "gemm,fp8,,16,6144,4096,,,,,,,,1,,cold,graph,included,burst,0,3.25,3,4,7,123456789012,"
        "805306368,,,,,A GPU,orrery-kernels 1,580.1,13.0,2026-11-21");
  Provenance comma = kHere;
  comma.device = "A, B";
  CHECK_THROWS_AS(static_cast<void>(table_line(one, {7, 3, 3, 4}, {}, comma)),
                  std::invalid_argument);
}

TEST_CASE("a table that was cut short is gone on with") {
  const Place place("orrery_kernels_resumed.csv");
  const std::vector<Case> cases = in_order_of_pass(cases_of("memory", {}), 1);
  {
    Table table(place.path(), kHere);
    CHECK(!table.has(cases[0]));
    table.add(cases[0], {5, 1, 1, 1}, {});
    table.add(cases[1], {5, 1, 1, 1}, {});
    CHECK(table.has(cases[0]));
  }
  Table table(place.path(), kHere);
  CHECK(table.rows() == 2);
  CHECK(table.has(cases[0]));
  CHECK(table.has(cases[1]));
  CHECK(!table.has(cases[2]));
  Case again = cases[0];
  again.pass = 2;
  CHECK(!table.has(again));
  table.add(cases[2], {5, 1, 1, 1}, {});
  // The head was not written a second time.
  const std::string text = place.text();
  CHECK(text.find("# orrery", 1) == std::string::npos);
}

TEST_CASE("rows of another machine or a broken file are not mixed in") {
  const Place place("orrery_kernels_refused.csv");
  const auto refuses = [&](const Provenance& provenance, const char* what) {
    CHECK_THROWS_WITH_AS(Table(place.path(), provenance), doctest::Contains(what),
                         std::runtime_error);
  };
  { Table(place.path(), kHere).add(cases_of("launch", {})[0], {5, 1, 1, 1}, {}); }
  Provenance other = kHere;
  other.driver = "590.0";
  refuses(other, ":3: was measured on A GPU with orrery-kernels 1, driver 580.1");
  other = kHere;
  other.date = "2026-11-22";  // another day is no other machine
  CHECK(Table(place.path(), other).rows() == 1);
  { std::ofstream(place.path(), std::ios::app) << "gemm,bf16"; }
  refuses(kHere, ":4: is cut short");
  { std::ofstream(place.path()) << "something else\n"; }
  refuses(kHere, "is not a table of this program's");
}

}  // namespace
}  // namespace orrery::kernels
