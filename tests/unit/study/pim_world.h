// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_UNIT_STUDY_PIM_WORLD_H_
#define ORRERY_TESTS_UNIT_STUDY_PIM_WORLD_H_

#include <string>
#include <utility>
#include <vector>

#include "sim/study/devices/pim_run.h"

namespace orrery::testing {

inline constexpr const char* kPimDevices[] = {"samsung-hbm-pim", "gddr6-aim", "attacc-hbm3",
                                              "neupims"};

inline pim::Device shipped_pim(const std::string& name,
                               const std::vector<std::string>& overrides = {}) {
  return load_pim(ORRERY_SOURCE_DIR "/configs/hardware/pim/" + name + ".yaml", overrides);
}

/// The runs of all kinds of channels of a plan.
inline std::vector<pim::ChannelRun> runs_of(const pim::Device& device, const pim::Plan& plan,
                                            const pim::Program& host = {}) {
  std::vector<pim::ChannelRun> runs;
  static_cast<void>(pim::run_plan(
      device, plan, host, [&](std::int64_t, const pim::ChannelRun& run) { runs.push_back(run); }));
  return runs;
}

/// Reads of one bank after the other, `clocks` apart.
inline pim::Program reads_every(std::int64_t clocks, std::int64_t count, std::int64_t banks) {
  pim::Program program;
  for (std::int64_t i = 0; i < count; ++i) {
    pim::Request request;
    request.arrival = i * clocks;
    request.banks = pim::BankSet{1} << (i % banks);
    request.row = 9000;
    request.column = static_cast<std::int32_t>(i / banks % 32);
    program.push_back(request);
  }
  return program;
}

}  // namespace orrery::testing

#endif  // ORRERY_TESTS_UNIT_STUDY_PIM_WORLD_H_
