// SPDX-License-Identifier: Apache-2.0
//
// One pair of functions a family of kernels: run one case, and check all kernels of the family
// against their references. Whoever cannot run a case throws Skipped with the reason, which is
// printed and counted.
#ifndef ORRERY_KERNELS_DEVICE_SUITES_H_
#define ORRERY_KERNELS_DEVICE_SUITES_H_

#include <functional>
#include <stdexcept>
#include <string>

#include "kernels/device/bench.h"
#include "kernels/host/case.h"

namespace orrery::kernels {

class Skipped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Told the name of what was checked and what was wrong with it, empty if nothing.
using Report = std::function<void(const std::string& name, const std::string& wrong)>;

[[nodiscard]] Spread run_memory(Bench& bench, const Case& one);
[[nodiscard]] Spread run_chase(Bench& bench, const Case& one);
[[nodiscard]] Spread run_launch(Bench& bench, const Case& one);
[[nodiscard]] Spread run_replay(Bench& bench, const Case& one);
[[nodiscard]] Spread run_gemm(Bench& bench, const Case& one);
[[nodiscard]] Spread run_moe(Bench& bench, Case& one);
[[nodiscard]] Spread run_attention(Bench& bench, const Case& one);
[[nodiscard]] Spread run_rows(Bench& bench, const Case& one);
[[nodiscard]] Spread run_sampling(Bench& bench, const Case& one);
[[nodiscard]] Spread run_host(Bench& bench, const Case& one);
[[nodiscard]] Spread run_layer(Bench& bench, Case& one);
[[nodiscard]] Spread run_partition(Bench& bench, const Case& one);
[[nodiscard]] Spread run_peers(Bench& bench, const Case& one);

void check_memory(Bench& bench, const Report& report);
void check_moe(Bench& bench, const Report& report);
void check_gemm(Bench& bench, const Report& report);
void check_attention(Bench& bench, const Report& report);
void check_rows(Bench& bench, const Report& report);
void check_sampling(Bench& bench, const Report& report);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_SUITES_H_
