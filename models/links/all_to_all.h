// SPDX-License-Identifier: Apache-2.0
//
// What DeepEP's kernels take to bring tokens to the ranks of their experts, and sums back, from the
// figures that its authors published.
#ifndef ORRERY_MODELS_LINKS_ALL_TO_ALL_H_
#define ORRERY_MODELS_LINKS_ALL_TO_ALL_H_

#include <cstdint>
#include <string>

#include "models/cards/model_card.h"
#include "models/cards/weight_format.h"
#include "models/operators/bound_time.h"
#include "models/plans/expert_routing.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// Source: README of deepseek-ai/DeepEP (MIT) at its first release, H800 (NVLink 200 GB/s in one
/// direction) with ConnectX-7 400 Gb/s.
/// - low latency, 128 tokens a rank, hidden 7168, top 8, fp8 there and bfloat16 back: 163 to 194 us
///   and 318 to 369 us for 8 to 256 ranks. Time is kFloor plus the rest in proportion to bytes.
/// - normal: 153 and 158 GB/s over NVLink within a node of 8; 43 to 47 GB/s by RDMA between nodes,
///   where a token crosses once to each node that has one of its experts.
/// Within a node figures scale with the GPU's NVLink. The floors (10 and 20 us) are assumptions: no
/// small messages were published.
class DeepEp {
 public:
  /// `ranks` from 2 to 256. Throws ConfigError where the GPU has no NVLink or ranks are more.
  DeepEp(All2All mode, std::int64_t ranks, const ModelCard& card, const GpuSpec& gpu);

  /// `tokens` of the rank that has most; `imbalance`: what the rank with most rows receives over
  /// the mean.
  [[nodiscard]] BoundTime dispatch(std::int64_t tokens, double imbalance) const;
  [[nodiscard]] BoundTime combine(std::int64_t tokens, double imbalance) const;
  [[nodiscard]] std::int64_t dispatch_bytes(std::int64_t tokens) const;
  [[nodiscard]] std::int64_t combine_bytes(std::int64_t tokens) const;
  [[nodiscard]] std::string formula() const;

 private:
  struct Way {
    /// Of one token to one place, and places that it crosses a link to.
    double token_bytes = 0;
    double copies = 0;
    double bytes_per_us = 0;
    double floor_us = 0;
  };
  [[nodiscard]] static BoundTime time(const Way& way, std::int64_t tokens, double imbalance);

  All2All mode_;
  std::int64_t ranks_;
  Way dispatch_;
  Way combine_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_LINKS_ALL_TO_ALL_H_
