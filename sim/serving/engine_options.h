// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_ENGINE_OPTIONS_H_
#define ORRERY_SIM_SERVING_ENGINE_OPTIONS_H_

#include <cstdint>

#include "sim/core/units.h"

namespace orrery {

/// What the mechanism of one replica is set to; names and meanings are vLLM's.
struct EngineOptions {
  /// KV blocks, the null block left out.
  std::int64_t usable_blocks = 0;
  std::int32_t block_size = 16;
  std::int32_t max_num_seqs = 1024;
  std::int32_t max_num_batched_tokens = 8192;
  std::int32_t max_model_len = INT32_MAX;
  bool enable_prefix_caching = true;
  /// Stages of the pipeline. Each works on a step of its own, and a request decodes in every
  /// so-many-th step only: before, its newest token has not left the last stage.
  std::int32_t pipeline_stages = 1;
  /// One step more in flight than there are stages: it is scheduled while all of them work, before
  /// the oldest one's tokens are known.
  bool async_scheduling = true;
  /// See BlockPoolOptions.
  bool partial_blocks_first = true;
  /// The engine loop's pause after a turn that scheduled nothing (time.sleep in vLLM's core.py).
  Duration idle_sleep = milliseconds(1);

  /// vLLM's max_concurrent_batches.
  [[nodiscard]] std::int32_t steps_in_flight() const {
    return pipeline_stages + (async_scheduling ? 1 : 0);
  }
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_ENGINE_OPTIONS_H_
