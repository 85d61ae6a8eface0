// SPDX-License-Identifier: Apache-2.0
#include "sim/study/sweep/sweep.h"

#include <fmt/format.h>

#include <vector>

#include "sim/metrics/summary.h"
#include "sim/study/run.h"
#include "sim/study/sweep/results.h"
#include "sim/study/sweep/workers.h"

namespace orrery {
namespace {

RunRow row_of(const SweepPoint& point, const WorkerOutcome& outcome) {
  RunRow row;
  row.key = point.key;
  if (!outcome.ok) {
    row.error = one_line(outcome.text);
    return row;
  }
  SummaryCells cells = summary_cells(outcome.text);
  row.metrics = std::move(cells.metrics);
  row.host = std::move(cells.host);
  const Cell unfinished = find_cell(row.metrics, "unfinished");
  if (unfinished != Cell() && unfinished != Cell(std::int64_t{0})) {
    row.error = fmt::format("{} requests were not served to their end", text_of(unfinished));
  }
  return row;
}

}  // namespace

std::string simulate_to_json(const Scenario& scenario) {
  return summary_json(run(scenario, RunOptions()).summary);
}

SweepTally run_sweep(const SweepPlan& plan, const SweepOptions& options, SweepWatcher& watcher,
                     const Simulate& simulate) {
  SweepResults results(options.out);
  results.add_points(plan);
  std::vector<const SweepPoint*> missing;
  for (const SweepPoint& point : plan.points) {
    if (!results.is_done(point.key)) missing.push_back(&point);
  }
  SweepTally tally;
  tally.points = plan.points.size();
  tally.were_done = tally.points - missing.size();
  watcher.on_begin(tally);
  run_in_processes(
      missing.size(), options.jobs, [&](std::size_t i) { return simulate(missing[i]->scenario); },
      [&](std::size_t i, const WorkerOutcome& outcome) {
        const RunRow row = row_of(*missing[i], outcome);
        results.put(row);
        ++tally.ran;
        if (!row.error.empty()) ++tally.failed;
        watcher.on_run(tally, *missing[i], row.error);
      });
  if (!options.csv.empty()) results.write_csv(plan, options.csv);
  return tally;
}

}  // namespace orrery
