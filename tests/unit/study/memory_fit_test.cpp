// SPDX-License-Identifier: Apache-2.0
//
// Tables are made by the clocked memory itself, with other figures than the base has, a map that
// the base does not know, and noise; the fit has to find them again.
#include "sim/study/calibration/memory_fit.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/errors.h"
#include "sim/study/calibration/calibrate.h"
#include "sim/study/catalogue.h"
#include "sim/study/validation/validate_memory.h"
#include "tests/unit/study/memory_fit_world.h"

namespace orrery {
namespace {

using namespace memory_world;

bool says(const std::vector<std::string>& remarks, const std::string& what) {
  return std::any_of(remarks.begin(), remarks.end(), [&](const std::string& remark) {
    return remark.find(what) != std::string::npos;
  });
}

double units(Bandwidth rate) { return static_cast<double>(rate.units_per_second()); }

TEST_CASE("the front end is found again") {
  const GpuSpec gpu = truth();
  const gpu_memory::FrontEndOptions& real = gpu.memory_system->front_end;
  std::vector<std::string> remarks;
  const auto fitted = fit_front_end(base(), measured(gpu, plain_rows()), remarks);
  // The median of chases that are off by 1 % each is off by no more, and by rounding to ps.
  CHECK(to_seconds(fitted.l2_latency) ==
        doctest::Approx(to_seconds(real.l2_latency)).epsilon(kNoise));
  // L2 holds a sixteenth of 64 MiB: what it takes off is known as well as l2_latency.
  CHECK(to_seconds(fitted.dram_latency) ==
        doctest::Approx(to_seconds(real.dram_latency)).epsilon(1.1 * kNoise));
  // Of the best of several rows, each off by 1 %, and of the latency above.
  CHECK(static_cast<double>(fitted.bytes_in_flight.count()) ==
        doctest::Approx(24.0 * kKiB).epsilon(2.2 * kNoise));
  // A read of 1 MiB takes 10.5 us, of which floor and first bytes, 1.7 us, are taken off with an
  // error of 0.2 us for the way to L2.
  CHECK(units(fitted.sm_bandwidth) == doctest::Approx(units(real.sm_bandwidth)).epsilon(0.03));
  // A slope over 1.75 us of 4 points whose times, up to 4 us, are off by 1 %.
  CHECK(units(fitted.l2_bandwidth) == doctest::Approx(units(real.l2_bandwidth)).epsilon(0.04));
  // The step's height is 7/8 of 300 ns at 4 GiB, on hops of up to 690 ns that are off by 1 %.
  CHECK(to_seconds(fitted.tlb_miss) == doctest::Approx(to_seconds(real.tlb_miss)).epsilon(0.07));
  CHECK(static_cast<double>(fitted.tlb_reach.count()) ==
        doctest::Approx(512.0 * kMiB).epsilon(0.1));
  // Half of the error of the reach at 7/8 missed, and those of the miss and of the rate.
  CHECK(fitted.tlb_walks >= 14);
  CHECK(fitted.tlb_walks <= 18);
  for (const char* figure : {"l2_latency: ", "dram_latency: ", "tlb_reach, tlb_miss: the step",
                             "bytes_in_flight: ", "sm_bandwidth: ", "l2_bandwidth: ",
                             "tlb_walks: the most", "empty kernels of 1056 blocks"}) {
    CHECK_MESSAGE(says(remarks, figure), figure);
  }
  CHECK(!says(remarks, "kept"));
}

TEST_CASE("what a table says nothing of stays, and is said") {
  std::vector<std::string> remarks;
  const GpuSpec gpu = base();
  const auto fitted = fit_front_end(gpu, {measured(truth(), {chase_of(64 * kMiB, 128)})}, remarks);
  const gpu_memory::FrontEndOptions& real = gpu.memory_system->front_end;
  CHECK(fitted.l2_latency == real.l2_latency);
  CHECK(fitted.dram_latency == real.dram_latency);
  CHECK(fitted.bytes_in_flight == real.bytes_in_flight);
  CHECK(fitted.tlb_walks == real.tlb_walks);
  for (const char* figure : {"l2_latency, dram_latency: kept, no chase within half of the L2",
                             "tlb_reach, tlb_miss: kept, fewer than 4 chases over pages",
                             "bytes_in_flight: kept, no read on an eighth of the SMs",
                             "sm_bandwidth: kept", "l2_bandwidth: kept, fewer than 3 reads",
                             "tlb_walks: kept", "launch.kernel of the GPU's file"}) {
    CHECK_MESSAGE(says(remarks, figure), figure);
  }
  // A TLB that reaches over all that is chased shows no step.
  GpuSpec far = truth();
  far.memory_system->front_end.tlb_reach = Bytes(8192 * kMiB);
  remarks.clear();
  CHECK(fit_front_end(gpu, measured(far, plain_rows()), remarks).tlb_reach == real.tlb_reach);
  CHECK(says(remarks, "tlb_reach, tlb_miss: kept, no step up to 4 GiB"));
}

TEST_CASE(
    "the hidden map is found, half of the curves predict the other half, and the file reads") {
  const GpuSpec gpu = truth();
  std::vector<MemoryRow> rows = plain_rows();
  const std::vector<MemoryRow> more = curves(3);
  rows.insert(rows.end(), more.begin(), more.end());
  rows = measured(gpu, rows);
  MemoryFamily family;
  family.maps = {"hashed", kHidden, "Ro Si Ba Bg Co Pc Ch Co3 Ba^=Ro[1:0] Bg^=Ro[3:2]"};
  family.read_queues = {64, 32};
  const MemoryFit fit = fit_memory(base(), device(), rows, family);
  CHECK(fit.options.address_map == kHidden);
  CHECK(fit.options.read_queue == 32);
  CHECK(fit.options.address_map_origin == gpu_memory::MemorySystemOptions::MapOrigin::kFitted);
  REQUIRE(fit.held_out.size() == 3);
  for (const HeldOutCurve& curve : fit.held_out) {
    INFO(curve.curve, ": ", curve.worst_point);
    CHECK(curve.fitted >= 1);
    CHECK(curve.rows >= 1);
    // Rates are known to 1 % on both sides, times are off by 1 %, the floor and in-flight bytes by
    // 2 % of what they are.
    CHECK(std::abs(curve.worst) < 0.05);
    CHECK(curve.median < 0.03);
  }
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("orrery_memory_fit_" + std::to_string(getpid()) + ".yaml"))
                               .string();
  write_calibrated(find_config("hardware", "h200-sxm", {}, "--hardware"), {}, path,
                   memory_system_text(fit));
  const GpuSpec read = load_gpu(path, {});
  std::filesystem::remove(path);
  REQUIRE(read.memory_system);
  CHECK(read.memory_system->address_map == kHidden);
  CHECK(read.memory_system->read_queue == 32);
  CHECK(read.memory_system->front_end.tlb_walks == fit.options.front_end.tlb_walks);
  CHECK(to_seconds(read.memory_system->front_end.dram_latency) ==
        doctest::Approx(to_seconds(fit.options.front_end.dram_latency)).epsilon(1e-3));
  CHECK(read.memory_system->sources.find("orrery-kernels 1 on A GPU, driver 580, 2026-12-01") !=
        std::string::npos);
  CHECK(read.compute.sms == 132);
  CHECK(!load_fits(read).empty());

  // Some of the rows against the GPU that was fitted, by curve, with what bounds each.
  GpuSpec fitted = base();
  fitted.memory_system = fit.options;
  rows.erase(rows.begin() + 8, rows.end() - 6);
  const MemoryValidation validation = validate_memory(fitted, rows);
  CHECK(validation.points.size() == rows.size() - 1);
  for (const MemoryGroup& group : validation.groups) {
    INFO(group.errors.name);
    CHECK(group.errors.median_abs_error < 0.05);
    CHECK(!group.bounds.empty());
  }
  CHECK(points_csv({}, validation).find("memory,,,stride: 64 B,") != std::string::npos);
}

TEST_CASE("two GPUs in one table are refused, a GPU of unknown DRAM is not predicted") {
  std::vector<MemoryRow> rows = measured(truth(), plain_rows());
  rows.back().device = "Another";
  CHECK_THROWS_WITH_AS(static_cast<void>(fit_memory(base(), device(), rows, {})),
                       "memory rows of A GPU and of Another cannot be fitted together",
                       ConfigError);
  const MemoryValidation none = validate_memory(load_gpu("l40s", {}), rows);
  CHECK(none.points.empty());
  CHECK(none.why_not.find("says nothing of its DRAM") != std::string::npos);
}

}  // namespace
}  // namespace orrery
