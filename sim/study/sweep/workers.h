// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_SWEEP_WORKERS_H_
#define ORRERY_SIM_STUDY_SWEEP_WORKERS_H_

#include <cstddef>
#include <functional>
#include <string>

namespace orrery {

/// What came of a task: the text that its work gave, or one line about what went wrong.
struct WorkerOutcome {
  bool ok = false;
  std::string text;
};

/// Does tasks 0 .. count-1, each in a process of its own, at most `jobs` at a time, started in
/// order. A simulation is one thread, so this is the only parallelism there is; and a task that
/// throws, crashes or is killed takes nobody with it. `work` runs in the child, which sees what
/// this process had in memory; `done` runs here, in the order in which tasks end. What `done`
/// throws ends everything: children are killed. They also end with this process.
void run_in_processes(std::size_t count, std::size_t jobs,
                      const std::function<std::string(std::size_t)>& work,
                      const std::function<void(std::size_t, const WorkerOutcome&)>& done);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_SWEEP_WORKERS_H_
