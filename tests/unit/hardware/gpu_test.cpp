// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sim/core/errors.h"

namespace orrery {
namespace {

/// Reads nothing: what the struct holds stands for what a user wrote.
class ReadsAsIs final : public Describer {
 public:
  void field(std::string_view, bool&, std::string_view) override {}
  void field(std::string_view, std::string&, std::string_view) override {}
  void field(std::string_view, std::int64_t&, Range, std::string_view) override {}
  void field(std::string_view, double&, Range, std::string_view) override {}
  void field(std::string_view, Duration&, Range, std::string_view) override {}
  void field(std::string_view, Bytes&, Range, std::string_view) override {}
  void field(std::string_view, Bandwidth&, Range, std::string_view) override {}
  void field(std::string_view, ComputeRate&, Range, std::string_view) override {}
  void field(std::string_view, Frequency&, Range, std::string_view) override {}
  void field(std::string_view, PerSecond&, Range, std::string_view) override {}
  void field(std::string_view, std::vector<std::int64_t>&, Range, std::string_view) override {}
  void field(std::string_view, std::vector<std::string>&, std::string_view) override {}
  void choice(std::string_view, int&, std::span<const std::string_view>,
              std::string_view) override {}
  void object(std::string_view, const std::function<void(Describer&)>& inside,
              std::string_view) override {
    inside(*this);
  }
  void list(std::string_view, const std::function<void(Describer&)>&, std::string_view) override {}
  [[nodiscard]] bool reading() const override { return true; }
};

std::vector<std::string*> sources_of(GpuSpec& gpu) {
  return {&gpu.memory.sources,         &gpu.compute.sources,
          &gpu.links.sources,          &gpu.launch.sources,
          &gpu.roofline.sources,       &gpu.runtime.sources,
          &gpu.memory_system->sources, &gpu.memory_system->front_end.sources,
          &gpu.host->sources};
}

GpuSpec with_sources() {
  GpuSpec gpu;
  gpu.memory_system.emplace();
  gpu.host.emplace();
  for (std::string* sources : sources_of(gpu)) *sources = "a datasheet";
  return gpu;
}

TEST_CASE("a section without its sources is refused") {
  ReadsAsIs reader;
  GpuSpec complete = with_sources();
  CHECK_NOTHROW(complete.describe(reader));
  for (std::size_t section = 0; section < 9; ++section) {
    GpuSpec gpu = with_sources();
    *sources_of(gpu)[section] = " \n";
    CHECK_THROWS_WITH_AS(gpu.describe(reader),
                         "sources: is empty: say where the figures of this section come from",
                         ConfigError);
  }
}

TEST_CASE("the driver never reports more than the nominal capacity") {
  ReadsAsIs reader;
  GpuSpec gpu = with_sources();
  gpu.memory.capacity = Bytes(80);
  gpu.memory.driver_total = Bytes(81);
  CHECK_THROWS_WITH_AS(gpu.describe(reader), "driver_total: is more than the nominal capacity",
                       ConfigError);
}

TEST_CASE("PCIe bandwidth is transfers times lanes less line coding") {
  GpuLinks links;
  links.pcie_lanes = 16;
  links.pcie_generation = 4;
  // 16 GT/s x 16 lanes / 8 bits x 128/130 = 31.507692307 GB/s.
  CHECK(links.pcie().units_per_second() == 31'507'692'307);
  links.pcie_generation = 5;
  links.pcie_lanes = 8;
  CHECK(links.pcie().units_per_second() == 31'507'692'307);
}

TEST_CASE("peers talk over NVLink where there is one") {
  GpuLinks links;
  links.pcie_generation = 4;
  links.pcie_lanes = 16;
  CHECK(links.peer() == links.pcie());
  CHECK(links.peer_name() == "PCIe 4 x16");
  links.nvlink = Bandwidth::per_second(450'000'000'000);
  links.nvlink_generation = 4;
  CHECK(links.peer().units_per_second() == 450'000'000'000);
  CHECK(links.peer_name() == "NVLink 4");
  ReadsAsIs reader;
  GpuSpec gpu = with_sources();
  gpu.links.nvlink = links.nvlink;
  CHECK_THROWS_AS(gpu.describe(reader), ConfigError);
}

}  // namespace
}  // namespace orrery
