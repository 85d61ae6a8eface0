// SPDX-License-Identifier: Apache-2.0
//
// A GPU whose decode attention runs in PIM stacks that hold the KV cache (AttAcc, Park et al.,
// ASPLOS 2024; NeuPIMs, Heo et al., ASPLOS 2024): queries and new keys and values go to the stacks
// over a link, results come back, and the decodes may be cut into two sub-batches so that one's
// GEMMs run while the other's attention does.
#ifndef ORRERY_MODELS_PIM_PIM_ATTENTION_H_
#define ORRERY_MODELS_PIM_PIM_ATTENTION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "models/cards/model_card.h"
#include "models/plans/plan.h"
#include "sim/core/units.h"
#include "sim/hardware/pim/device.h"
#include "sim/serving/cost_model.h"

namespace orrery {

/// The PIM stacks of one GPU.
struct PimStacks {
  pim::Device device;
  std::int64_t stacks = 1;
  /// One way, between a GPU and its stacks; both ways at once.
  Bandwidth link;
  /// Of a transfer, besides its bytes.
  Duration link_latency;
  /// How the link is called: `NVLink 4`, `450 GB/s`.
  std::string link_name;
  /// 1: a layer's attention waits for its GEMMs and they for it. 2: halves take turns.
  std::int64_t sub_batches = 2;
};

/// Bytes of KV that the stacks of one GPU hold: those rows of the device that keep operands.
[[nodiscard]] Bytes kv_capacity(const PimStacks& stacks);

/// `gpu` costs steps without decode attention (ExecutionOptions::decode_attention_elsewhere).
/// Throws ConfigError where the device cannot compute with the model's heads or KV type.
[[nodiscard]] std::unique_ptr<CostModel> make_pim_attention(std::shared_ptr<const CostModel> gpu,
                                                            const ModelCard& card, const Plan& plan,
                                                            std::int64_t kv_bytes,
                                                            const PimStacks& stacks);

}  // namespace orrery

#endif  // ORRERY_MODELS_PIM_PIM_ATTENTION_H_
