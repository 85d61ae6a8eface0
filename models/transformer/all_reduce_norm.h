// SPDX-License-Identifier: Apache-2.0
//
// vLLM's fusion of an all-reduce with the residual add and RMSNorm after it into one FlashInfer
// kernel (`fuse_allreduce_rms`; vllm/compilation/passes/fusion/allreduce_rms_fusion.py, v0.16.0):
// on by default at -O2 since 0.16 (#34299), so not in 0.15.
#ifndef ORRERY_MODELS_TRANSFORMER_ALL_REDUCE_NORM_H_
#define ORRERY_MODELS_TRANSFORMER_ALL_REDUCE_NORM_H_

#include "models/cards/model_card.h"
#include "models/plans/plan.h"
#include "models/transformer/execution.h"
#include "sim/core/units.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// The largest vector of an all-reduce that takes its norm along; 0: none does. That is the case
/// - where the option is off, or one rank has nothing to reduce;
/// - on GPUs other than of compute capability 9.0 and 10.x, which those of NVLink 4 and 5 are;
/// - for 6 ranks, or more than 8, which the pass has no limit for;
/// - with data or pipeline parallel parts, for which vLLM left it out after faults (#34392);
/// - for LayerNorm, and for Gemma's RMSNorm (weight + 1), which the pattern does not match.
[[nodiscard]] Bytes fused_all_reduce_limit(const ModelCard& card, const GpuSpec& gpu,
                                           const Plan& plan, const ExecutionOptions& execution);

}  // namespace orrery

#endif  // ORRERY_MODELS_TRANSFORMER_ALL_REDUCE_NORM_H_
