// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/calibrate.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/errors.h"
#include "sim/study/calibration/device.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

const std::string kBase = std::string(ORRERY_SOURCE_DIR) + "/configs/hardware/a100-sxm-80gb.yaml";

GpuSpec load(const std::string& path) {
  GpuSpec gpu;
  read(load_yaml(path), gpu);
  return gpu;
}

/// A folder that lives as long as this.
class Folder {
 public:
  Folder()
      : path_(fs::temp_directory_path() / ("orrery_calibrate_test_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

/// 84 GEMMs of a GPU that takes 5 us and 1 us a 1.5 MB, 14 shapes of weight.
std::vector<MeasuredRow> invented_rows() {
  std::vector<MeasuredRow> rows;
  for (const std::int64_t n : {512, 1024, 1536, 2048, 4096, 6144, 8192}) {
    for (const std::int64_t k : {1024, 4096}) {
      for (std::int64_t m = 1; m <= 1024; m *= 4) {
        MeasuredRow row;
        row.dtype = "bf16";
        row.shape.m = m;
        row.shape.n = n;
        row.shape.k = k;
        row.latency_us = 5 + 2.0 * static_cast<double>(m * k + k * n + m * n) / 1.5e6;
        row.device = "invented";
        row.source = "a formula";
        rows.push_back(row);
      }
    }
  }
  return rows;
}

TEST_CASE("what cannot be fitted is one line that says why") {
  const GpuSpec gpu = load(kBase);
  std::vector<MeasuredRow> rows = invented_rows();
  rows.resize(49);
  CHECK_THROWS_WITH_AS(static_cast<void>(calibrate(gpu, rows)),
                       "gemm bf16: 49 rows are too few; 50 are needed to leave some out",
                       ConfigError);
  rows = invented_rows();
  rows[3].ranks = 2;
  CHECK_THROWS_WITH_AS(static_cast<void>(calibrate(gpu, rows)),
                       "gemm bf16: a row over 2 ranks cannot be fitted", ConfigError);
  CHECK_THROWS_WITH_AS(write_calibrated(kBase, {}, "somewhere.yml"),
                       doctest::Contains("has to end in .yaml"), ConfigError);
}

TEST_CASE("--device: the kernels' program measures, and its table is fitted") {
  const Folder folder;
  std::ofstream(folder.file("measured.csv")) << table_text(invented_rows());
  // Copies a table to where --out says, after checking what it was asked.
  const std::string program = folder.file("kernels");
  std::ofstream(program) << "#!/bin/sh\n"
                            "[ \"$1 $2 $4 $6 $7\" = 'measure --out --date --device 3' ] || exit 9\n"
                            "cp \"$(dirname \"$0\")/measured.csv\" \"$3\"\n";
  fs::permissions(program, fs::perms::owner_all);
  measure_device(program, 3, folder.file("gpu.csv"));
  const MeasuredTable table = read_table(folder.file("gpu.csv"), TableFormat::kOrrery);
  CHECK(table.rows.size() == invented_rows().size());

  const std::string out = folder.file("gpu.yaml");
  write_calibrated(kBase, calibrate(load(kBase), table.rows), out);
  const std::vector<KernelFit> fits = load_fits(load(out));
  REQUIRE(fits.size() == 1);
  CHECK(fits[0].record().device == "invented");
  CHECK(fits[0].record().source == "a formula");
}

TEST_CASE("--device: no program, or one that fails, is one clear line") {
  const Folder folder;
  const std::string table = folder.file("gpu.csv");
  CHECK_THROWS_WITH_AS(measure_device(folder.file("none"), 0, table),
                       doctest::Contains("--device 0: there is no program"), ConfigError);
  const std::string program = folder.file("kernels");
  const auto write = [&](const std::string& text) {
    std::ofstream(program) << "#!/bin/sh\n" << text;
    fs::permissions(program, fs::perms::owner_all);
  };
  write("exit 4\n");
  CHECK_THROWS_WITH_AS(measure_device(program, 0, table), doctest::Contains("ended with 4"),
                       UserError);
  write("true\n");
  CHECK_THROWS_WITH_AS(measure_device(program, 0, table), doctest::Contains("wrote no"), UserError);
}

}  // namespace
}  // namespace orrery
