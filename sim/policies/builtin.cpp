// SPDX-License-Identifier: Apache-2.0
#include "sim/policies/builtin.h"

namespace orrery {

Policies builtin() {
  Policies policies;
  add_lru(policies.eviction);
  add_lfu(policies.eviction);
  add_fifo(policies.eviction);
  add_vllm_v1(policies.schedulers);
  add_sarathi_serve(policies.schedulers);
  add_orca(policies.schedulers);
  add_hf_continuous_batching(policies.schedulers);
  add_round_robin(policies.routers);
  add_least_outstanding(policies.routers);
  return policies;
}

}  // namespace orrery
