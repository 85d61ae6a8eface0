// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/clocked_memory.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "sim/config/overrides.h"
#include "sim/config/yaml.h"
#include "sim/study/catalogue.h"
#include "sim/study/run.h"

namespace orrery {
namespace {

TEST_CASE("every shipped GPU that names its DRAM has the bandwidth of its datasheet") {
  int clocked = 0;
  for (const std::string& name : shipped("hardware")) {
    const GpuSpec gpu = load_gpu(name, {});
    if (!gpu.memory_system) continue;
    ++clocked;
    const gpu_memory::Rates rates = load_gpu_memory(gpu);
    // Clocks are whole or half MHz: within 0.1 %.
    CHECK_MESSAGE(rates.peak_bytes_per_second() ==
                      doctest::Approx(static_cast<double>(gpu.memory.bandwidth.units_per_second()))
                          .epsilon(0.001),
                  name);
    CHECK_MESSAGE(Bytes(rates.memory_bytes()) >= gpu.memory.driver_total, name);
    CHECK(rates.maps().size() == 3);
  }
  CHECK(clocked == 5);
  CHECK_THROWS_AS(static_cast<void>(load_gpu_memory(load_gpu("l40s", {}))), std::invalid_argument);
}

TEST_CASE("a GPU whose DRAM has inline ECC is refused") {
  namespace fs = std::filesystem;
  GpuSpec gpu = load_gpu("h100-sxm", {});
  const fs::path memories = fs::path(ORRERY_SOURCE_DIR) / "configs/hardware/memory";
  const fs::path file =
      fs::temp_directory_path() / ("orrery-ecc-" + std::to_string(getpid()) + ".yaml");
  std::ofstream(file) << std::ifstream(memories / "hbm3-5236.yaml").rdbuf() << "ecc: inline\n";
  gpu.memory_system->device = file.string();
  CHECK_THROWS_WITH_AS(static_cast<void>(load_gpu_memory(gpu)), doctest::Contains("inline ECC"),
                       std::invalid_argument);
  fs::remove(file);
}

TEST_CASE("a run on clocked memory says so, and again the same") {
  const Policies policies = builtin();
  const auto once = [&policies](const std::string& memory) {
    const std::string path = "s.yaml";
    Node tree = parse_yaml(
        "model: llama-3.1-8b\nhardware: h100-sxm\nfidelity: {compute: calibrated}\n"
        "workload: {synthetic: {arrivals: {process: constant, rate: 2/s}, "
        "input_tokens: {distribution: fixed, value: 500}, "
        "output_tokens: {distribution: fixed, value: 20}, requests: 20}}\n",
        path);
    apply_override(tree, "fidelity.memory=" + memory);
    return run(read_scenario(std::move(tree), path, policies), {}).summary;
  };
  const Summary clocked = once("clocked");
  // Weights, activations, KV read, written, contiguous, and as the kernels were measured.
  CHECK(clocked.memory_patterns == 6);
  CHECK(clocked.memory.size() == 6);
  CHECK(clocked.trust.find("memory clocked, 6 patterns, range over 3 maps: weights ") !=
        std::string::npos);
  CHECK(summary_json(clocked).find("\"patterns\": 6") != std::string::npos);
  CHECK(once("clocked").fingerprint == clocked.fingerprint);
  const Summary plain = once("roofline");
  CHECK(plain.memory.empty());
  CHECK(plain.fingerprint != clocked.fingerprint);
}

}  // namespace
}  // namespace orrery
