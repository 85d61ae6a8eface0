// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_POLICIES_BUILTIN_H_
#define ORRERY_SIM_POLICIES_BUILTIN_H_

#include "sim/kv/eviction_policy.h"
#include "sim/serving/router.h"
#include "sim/serving/scheduler.h"

namespace orrery {

/// Every policy a scenario can name, by port. A program of one's own adds its policies to
/// builtin() before it hands the whole to main.
struct Policies {
  EvictionRegistry eviction{"eviction policy"};
  SchedulerRegistry schedulers{"scheduler"};
  RouterRegistry routers{"router"};
};

/// All that ship, in a fixed order.
[[nodiscard]] Policies builtin();

// One line a policy, defined in the policy's own file. scripts/new adds here and to builtin.cpp.
void add_lru(EvictionRegistry&);
void add_lfu(EvictionRegistry&);
void add_fifo(EvictionRegistry&);
void add_vllm_v1(SchedulerRegistry&);
void add_sarathi_serve(SchedulerRegistry&);
void add_orca(SchedulerRegistry&);
void add_hf_continuous_batching(SchedulerRegistry&);
void add_round_robin(RouterRegistry&);
void add_least_outstanding(RouterRegistry&);

}  // namespace orrery

#endif  // ORRERY_SIM_POLICIES_BUILTIN_H_
