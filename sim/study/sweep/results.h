// SPDX-License-Identifier: Apache-2.0
//
// The results of sweeps: one SQLite file (WAL while a sweep runs, so that it can be read
// meanwhile). Each table has a row a run and is kept in the order of its primary key, the run's
// key:
//
//   points   key, program, replication, config (JSON: all of it, defaults filled in), and a column
//            for each key of the sweep's grid and points, with the value as it was written
//   results  key, status (`done`, `failed`), error (one line), and a column for each metric with
//            its name in summary.json: mean_ttft_ms, kv_usage.mean, ..., fingerprint, verdict
//   hosts    key, and what the machine that ran the simulation needed for it: sim_cpu_s, ...
//   runs     a view: points, without config, beside results
//
// True and false are 1 and 0. Several sweeps may share a file. A run's key comes from its
// configuration, the files it names, and the program: the same point run by another version is a
// row of its own, and `program` tells them apart.
//
//   sqlite3 results.db 'select "engine.scheduler", mean_ttft_ms from runs order by 2'
#ifndef ORRERY_SIM_STUDY_SWEEP_RESULTS_H_
#define ORRERY_SIM_STUDY_SWEEP_RESULTS_H_

#include <memory>
#include <string>

#include "sim/study/sweep/cell.h"
#include "sim/study/sweep/plan.h"

namespace orrery {

/// What came of one run.
struct RunRow {
  std::string key;
  /// One line; empty if the run was carried to its end.
  std::string error;
  NamedCells metrics;
  NamedCells host;
};

class SweepResults {
 public:
  /// Opens a file or makes it. Throws ConfigError if it is another program's or not to be written,
  /// and, as everything here, RunError for what SQLite cannot do later.
  explicit SweepResults(const std::string& path);
  ~SweepResults();
  SweepResults(const SweepResults&) = delete;
  SweepResults& operator=(const SweepResults&) = delete;

  /// Makes room for a plan: its columns, and a row of `points` for each of its points.
  void add_points(const SweepPlan& plan);
  /// Whether a run has its result. One that failed has not: it is tried again.
  [[nodiscard]] bool is_done(const std::string& key);
  /// Stores a result, in place of an older one.
  void put(const RunRow& row);
  /// Writes a plan's rows, in its order: key, replication, the plan's columns, status, error, and
  /// the metrics but for those that a column of the plan has already. What the machine did is left
  /// out, so that a sweep gives the same file wherever it runs.
  void write_csv(const SweepPlan& plan, const std::string& path);

 private:
  class Database;
  std::unique_ptr<Database> database_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_SWEEP_RESULTS_H_
