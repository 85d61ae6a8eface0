// SPDX-License-Identifier: Apache-2.0
//
// The kernels' program: checks them against their references and writes measured tables. Exit
// codes: 0 ok, 1 something was wrong, 2 bad usage or no GPU.
#include <cuda_runtime.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/suites.h"
#include "kernels/host/arguments.h"
#include "kernels/host/plan.h"
#include "kernels/host/table.h"

namespace orrery::kernels {
namespace {

constexpr const char* kKernelSet = "orrery-kernels 1";

Spread run(Bench& bench, Case& one) {
  if (one.op == "gemm") return run_gemm(bench, one);
  if (one.op == "moe_gemm") return run_moe(bench, one);
  if (one.op.ends_with("_attention")) return run_attention(bench, one);
  if (one.op == "launch") return run_launch(bench, one);
  if (one.op.starts_with("memory_")) return run_memory(bench, one);
  if (one.op == "pointer_chase") return run_chase(bench, one);
  if (one.op.starts_with("pcie_")) return run_host(bench, one);
  if (one.op == "layer" || one.op == "step" || one.op == "layer_part") {
    return run_layer(bench, one);
  }
  if (one.op == "partition") return run_partition(bench, one);
  if (one.op == "peer_copy" || one.op == "collective") return run_peers(bench, one);
  if (one.op.starts_with("sample_")) return run_sampling(bench, one);
  return run_rows(bench, one);
}

int check(const Arguments& arguments) {
  Bench bench(arguments.device, arguments.case_ms);
  int wrong = 0;
  int checked = 0;
  const Report report = [&](const std::string& name, const std::string& what) {
    ++checked;
    wrong += what.empty() ? 0 : 1;
    std::printf("%-40s %s\n", name.c_str(), what.empty() ? "ok" : what.c_str());
    std::fflush(stdout);
  };
  for (const auto& suite :
       {check_memory, check_gemm, check_attention, check_rows, check_sampling}) {
    try {
      suite(bench, report);
    } catch (const std::exception& error) {
      report("the suite broke off", error.what());
    }
  }
  std::printf("%d checks, %d wrong\n", checked, wrong);
  return wrong == 0 ? 0 : 1;
}

int list(const Arguments& arguments) {
  // A list needs no GPU; what it leaves out depends on one, and here it is an H200.
  const DeviceFacts facts;
  std::size_t all = 0;
  for (const std::string& part : arguments.parts) {
    const std::vector<Case> cases = cases_of(part, facts);
    for (const Case& one : cases) std::printf("%s\n", one.key().c_str());
    std::fprintf(stderr, "%s: %zu cases\n", part.c_str(), cases.size());
    all += cases.size();
  }
  std::fprintf(stderr, "%zu cases in all\n", all);
  return 0;
}

class Measuring {
 public:
  explicit Measuring(const Arguments& arguments)
      : arguments_(arguments),
        bench_(arguments.device, arguments.case_ms),
        table_(arguments.out, provenance()) {}

  int run_all() {
    for (int pass = 0; pass < arguments_.passes; ++pass) {
      for (const std::string& part : arguments_.parts) {
        if (run_part(part, pass)) continue;
        std::fprintf(stderr, "out of time: the same command goes on where this stopped\n");
        return failed_ == 0 ? 0 : 1;
      }
    }
    return failed_ == 0 ? 0 : 1;
  }

 private:
  Provenance provenance() {
    const std::string driver = bench_.board().driver();
    return {bench_.properties().name, kKernelSet, driver.empty() ? "unknown" : driver,
            cuda_version(), arguments_.date};
  }

  [[nodiscard]] double passed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  /// False if the time was up before its end.
  bool run_part(const std::string& part, int pass) {
    const double began = passed();
    std::size_t measured = 0;
    std::size_t there = 0;
    std::size_t skipped = 0;
    for (Case& one : in_order_of_pass(cases_of(part, bench_.facts()), pass)) {
      if (table_.has(one)) {
        ++there;
        continue;
      }
      if (passed() > arguments_.seconds) return false;
      try {
        const Spread spread = run(bench_, one);
        table_.add(one, spread, bench_.board_state());
        ++measured;
      } catch (const Skipped& reason) {
        ++skipped;
        std::fprintf(stderr, "skipped %s: %s\n", one.key().c_str(), reason.what());
      } catch (const std::exception& error) {
        ++failed_;
        std::fprintf(stderr, "failed %s: %s\n", one.key().c_str(), error.what());
        // What a launch broke stays broken for the process; anything else is that case's alone.
        static_cast<void>(cudaGetLastError());
        ORRERY_CUDA(cudaDeviceSynchronize());
      }
    }
    std::fprintf(stderr, "pass %d, %s: %zu measured, %zu were there, %zu skipped, %.1f s\n", pass,
                 part.c_str(), measured, there, skipped, passed() - began);
    return true;
  }

  const Arguments& arguments_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Bench bench_;
  Table table_;
  int failed_ = 0;
};

/// Empty if that GPU can be used.
std::string missing(const Arguments& arguments) {
  if (arguments.command != Command::kCheck && arguments.command != Command::kMeasure) return {};
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) return cudaGetErrorString(status);
  return arguments.device < count ? "" : "there are " + std::to_string(count);
}

int main_of(const std::vector<std::string>& words) {
  Arguments arguments;
  try {
    arguments = parse_arguments(words);
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "orrery-kernels: %s\n%s", error.what(), usage().c_str());
    return 2;
  }
  if (const std::string reason = missing(arguments); !reason.empty()) {
    std::fprintf(stderr, "orrery-kernels: no GPU %d that CUDA can use: %s\n", arguments.device,
                 reason.c_str());
    return 2;
  }
  try {
    switch (arguments.command) {
      case Command::kHelp:
        std::printf("%s", usage().c_str());
        return 0;
      case Command::kList:
        return list(arguments);
      case Command::kCheck:
        return check(arguments);
      case Command::kMeasure:
        return Measuring(arguments).run_all();
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "orrery-kernels: %s\n", error.what());
  }
  return 1;
}

}  // namespace
}  // namespace orrery::kernels

int main(int argc, char** argv) {
  return orrery::kernels::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
