// SPDX-License-Identifier: Apache-2.0
//
// The kernels' program: checks them against their references and writes measured tables. Exit
// codes: 0 ok, 1 something was wrong, 2 bad usage or no GPU, 3 a launch broke the process.
#include <cuda_runtime.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
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
  if (one.op == "graph_replay") return run_replay(bench, one);
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

/// Kernels that are checked together, and the parts that run them.
struct Suite {
  void (*check)(Bench&, const Report&);
  std::array<std::string_view, 5> parts;
};
constexpr std::array<Suite, 6> kSuites = {{
    {check_memory, {"memory", "chase"}},
    {check_gemm, {"gemm", "layer", "partition", "sustained"}},
    {check_moe, {"moe"}},
    {check_attention, {"attention", "mixed", "layer", "partition", "sustained"}},
    {check_rows, {"rows", "layer"}},
    {check_sampling, {"sampling", "layer"}},
}};

/// The last line names the parts that rest on nothing that is wrong: `sound parts: a,b`.
int check(const Arguments& arguments) {
  Bench bench(arguments.device, arguments.case_ms);
  int wrong = 0;
  int checked = 0;
  std::set<std::string_view> unsound;
  const Report report = [&](const std::string& name, const std::string& what) {
    ++checked;
    wrong += what.empty() ? 0 : 1;
    std::printf("%-40s %s\n", name.c_str(), what.empty() ? "ok" : what.c_str());
    std::fflush(stdout);
  };
  for (const Suite& suite : kSuites) {
    const int before = wrong;
    try {
      suite.check(bench, report);
    } catch (const std::exception& error) {
      report("the suite broke off", error.what());
    }
    if (wrong > before) unsound.insert(suite.parts.begin(), suite.parts.end());
  }
  std::printf("%d checks, %d wrong\n", checked, wrong);
  std::string sound;
  for (const std::string_view part : kParts) {
    if (unsound.count(part) == 0) sound += (sound.empty() ? "" : ",") + std::string(part);
  }
  std::printf("sound parts: %s\n", sound.c_str());
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

/// A process that a launch broke measures nothing any more; another one can go on.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
constexpr int kBroken = 3;

/// Cases that failed, in a file beside the table, so that a run that goes on is not stopped by them
/// again; and the one that runs, in another, so that it is among them if the process ends in it.
class Failures {
 public:
  explicit Failures(const std::string& table)
      : path_(table + ".failed"), running_path_(table + ".running") {
    std::string line;
    if (std::ifstream running(running_path_); std::getline(running, line)) add(line);
    std::ifstream file(path_);
    while (std::getline(file, line)) keys_.insert(line);
  }
  ~Failures() { std::remove(running_path_.c_str()); }
  Failures(const Failures&) = delete;
  Failures& operator=(const Failures&) = delete;

  [[nodiscard]] bool has(const std::string& key) const { return keys_.count(key) > 0; }
  void add(const std::string& key) const { std::ofstream(path_, std::ios::app) << key << "\n"; }
  void runs(const std::string& key) const { std::ofstream(running_path_) << key << "\n"; }

 private:
  std::string path_, running_path_;
  std::set<std::string> keys_;
};

/// Ends the process where a case takes far longer than any does: a kernel that never ends would
/// take all of the machine's time.
class Watchdog {
 public:
  Watchdog() : thread_([this] { run(); }) {}
  ~Watchdog() {
    stop_ = true;
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void begin_case() { cases_ = cases_ + 1; }

 private:
  void run() {
    constexpr int kMost = 30 * 5;  // fifths of a second
    int seen = -1;
    for (int waited = 0; !stop_; ++waited) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      if (cases_ != seen) waited = 0, seen = cases_;
      if (waited < kMost) continue;
      std::fprintf(stderr, "orrery-kernels: a case does not end: the same command goes on\n");
      std::_Exit(kBroken);
    }
  }

  std::atomic<int> cases_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

constexpr double kWarmUpSeconds = 1;

class Measuring {
 public:
  explicit Measuring(const Arguments& arguments)
      : arguments_(arguments),
        bench_(arguments.device, arguments.case_ms),
        table_(arguments.out, provenance()),
        failures_(arguments.out) {
    bench_.warm_up(kWarmUpSeconds);
  }

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
      if (table_.has(one) || failures_.has(one.key())) {
        ++there;
        continue;
      }
      if (passed() > arguments_.seconds) return false;
      watchdog_.begin_case();
      failures_.runs(one.key());
      try {
        const Spread spread = run(bench_, one);
        table_.add(one, spread, bench_.board_state());
        ++measured;
      } catch (const Skipped& reason) {
        ++skipped;
        std::fprintf(stderr, "skipped %s: %s\n", one.key().c_str(), reason.what());
      } catch (const std::exception& error) {
        ++failed_;
        failures_.add(one.key());
        std::fprintf(stderr, "failed %s: %s\n", one.key().c_str(), error.what());
        // What a launch broke stays broken for the process; anything else is that case's alone.
        static_cast<void>(cudaGetLastError());
        if (cudaDeviceSynchronize() != cudaSuccess) throw Broken("the GPU has to be begun anew");
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
  Failures failures_;
  Watchdog watchdog_;
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
  } catch (const Broken& error) {
    std::fprintf(stderr, "orrery-kernels: %s: the same command goes on\n", error.what());
    return kBroken;
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
