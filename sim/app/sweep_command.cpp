// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <thread>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/study/host_clock.h"
#include "sim/study/sweep/sweep.h"

namespace orrery {
namespace {

constexpr std::size_t kMostJobs = 4096;

std::size_t jobs_of(const Arguments& arguments) {
  if (!arguments.has("jobs")) return std::max(1U, std::thread::hardware_concurrency());
  const std::string text = arguments.text("jobs");
  std::size_t jobs = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), jobs);
  if (error != std::errc() || end != text.data() + text.size() || jobs < 1 || jobs > kMostJobs) {
    throw ConfigError(fmt::format(
        "orrery sweep: --jobs: expected a whole number from 1 to {}, found '{}'", kMostJobs, text));
  }
  return jobs;
}

/// A line that counts on a terminal, and a line of its own for each run that failed.
class ProgressLine final : public SweepWatcher {
 public:
  explicit ProgressLine(const SweepPlan& plan)
      : plan_(plan), on_terminal_(isatty(STDERR_FILENO) == 1), began_s_(host_usage().wall_s) {}

  void on_begin(const SweepTally& tally) override {
    fmt::print(stderr, "{} runs, {} of them done before\n", tally.points, tally.were_done);
  }

  void on_run(const SweepTally& tally, const SweepPoint& point, std::string_view error) override {
    if (!error.empty()) {
      fmt::print(stderr, "{}failed: {}: {}\n", on_terminal_ ? "\r\x1b[K" : "",
                 name_of(plan_, point), error);
    }
    if (!on_terminal_) return;
    const std::size_t left = tally.points - tally.were_done - tally.ran;
    const double spent_s = host_usage().wall_s - began_s_;
    const double left_s = spent_s / static_cast<double>(tally.ran) * static_cast<double>(left);
    fmt::print(stderr, "\r\x1b[K{} of {} runs done, about {:.0f} s left", tally.points - left,
               tally.points, left_s);
    if (left == 0) fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  }

 private:
  const SweepPlan& plan_;
  bool on_terminal_;
  double began_s_;
};

}  // namespace

int sweep_command(const std::vector<std::string>& words, const Policies& policies) {
  Arguments arguments("sweep", "SWEEP.yaml");
  arguments.value("out", "SQLite file of the results; runs that it has are not run again");
  arguments.value("jobs", "simulations at a time, each a process (default: one for each CPU)");
  arguments.value("csv", "also write the rows of this sweep to a CSV file");
  if (arguments.parse(words)) return 0;
  if (!arguments.has("out")) throw ConfigError("orrery sweep: needs --out RESULTS.db");

  SweepOptions options;
  options.out = arguments.text("out");
  options.jobs = jobs_of(arguments);
  options.csv = arguments.text("csv");
  const SweepPlan plan = load_sweep(arguments.file(), policies);
  ProgressLine progress(plan);
  const SweepTally tally = run_sweep(plan, options, progress);
  fmt::print(stderr, "{} runs: {} done before, {} now, {} failed; {}\n", tally.points,
             tally.were_done, tally.ran - tally.failed, tally.failed, options.out);
  return tally.failed == 0 ? 0 : 1;
}

}  // namespace orrery
