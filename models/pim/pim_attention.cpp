// SPDX-License-Identifier: Apache-2.0
#include "models/pim/pim_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "models/operators/slope.h"
#include "models/pim/pim_head_times.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Of a whole step, all layers.
struct Parts {
  Duration gemms;      ///< The GPU, without decode attention.
  Duration attention;  ///< The stacks' banks.
  Duration path;       ///< From a layer's queries to its results: both transfers and the banks.
};

/// What bounds a step, and by how much it exceeds the GPU's own work.
struct Schedule {
  Duration gpu;
  Duration step;
  const char* bound = "memory";
};

class PimAttention final : public CostModel {
 public:
  PimAttention(std::shared_ptr<const CostModel> gpu, const ModelCard& card, const Shard& shard,
               std::int64_t kv_bytes, const PimStacks& stacks)
      : gpu_(std::move(gpu)),
        stacks_(stacks),
        layers_(card.layers),
        kv_heads_(shard.kv_heads),
        channels_(stacks.stacks * stacks.device.geometry.channels),
        query_bytes_(shard.heads * card.head_dim * kActivation),
        kv_token_bytes_(2 * shard.kv_heads * card.head_dim * kv_bytes),
        link_(stacks.link.units_per_second(), 1),
        heads_(stacks.device, shard.heads / shard.kv_heads, card.head_dim, card.max_position) {}

  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    StepCost cost = gpu_->cost(shape);
    if (shape.tokens() == 0) return cost;
    const Schedule schedule = schedule_of(shape);
    const Duration waiting = schedule.step - schedule.gpu;
    double guessed = to_seconds(schedule.gpu) * static_cast<double>(cost.extrapolated_share);
    if (shape.decodes > 0 && heads_.beyond(shape.decode_context_max)) {
      guessed += to_seconds(waiting);
    }
    cost.extrapolated_share = static_cast<float>(guessed / to_seconds(schedule.step));
    cost.device = schedule.step;
    return cost;
  }

  void explain(const BatchShape& shape, Breakdown& breakdown) const override {
    if (halved(shape)) {
      breakdown = {};
      append_half(first_half(shape), "first", breakdown);
      append_half(second_half(shape), "second", breakdown);
    } else {
      gpu_->explain(shape, breakdown);
    }
    if (shape.tokens() > 0) explain_waiting(shape, breakdown);
  }

  [[nodiscard]] std::string basis() const override {
    return fmt::format("{}; decode attention clocked on {} x {} over {}, {} sub-batch{}",
                       gpu_->basis(), stacks_.stacks, stacks_.device.name, stacks_.link_name,
                       stacks_.sub_batches, stacks_.sub_batches == 1 ? "" : "es");
  }

 private:
  /// Queries and results are 16-bit.
  static constexpr std::int64_t kActivation = 2;

  [[nodiscard]] bool halved(const BatchShape& shape) const {
    return stacks_.sub_batches == 2 && shape.decodes >= 2;
  }
  /// The chunks and one half of the decodes, rounded up.
  [[nodiscard]] static BatchShape first_half(const BatchShape& shape) {
    const BatchShape second = second_half(shape);
    BatchShape half = shape;
    half.decodes -= second.decodes;
    half.sampled_rows -= second.sampled_rows;
    half.decode_context -= second.decode_context;
    half.decode_tiles -= second.decode_tiles;
    half.new_blocks -= second.new_blocks;
    return half;
  }
  [[nodiscard]] static BatchShape second_half(const BatchShape& shape) {
    BatchShape half;
    half.decodes = shape.decodes / 2;
    half.sampled_rows = half.decodes;
    half.decode_context = shape.decode_context / shape.decodes * half.decodes;
    half.decode_tiles = shape.decode_tiles / shape.decodes * half.decodes;
    half.decode_context_max = shape.decode_context_max;
    return half;
  }

  /// Banks work on the heads of all decodes; the channel with most of them is the last.
  [[nodiscard]] Duration attention_of_layer(const BatchShape& shape) const {
    if (shape.decodes == 0) return {};
    const std::int64_t heads = shape.decodes * kv_heads_;
    const Duration all = heads_.sum(heads, shape.decode_context * kv_heads_);
    const std::int64_t rounds = ceil_div(heads, channels_);
    const auto fullest = static_cast<Int128>(all.count()) * rounds / heads;
    const Duration longest = heads_.sum(1, shape.decode_context_max);
    const std::int64_t mean = shape.decode_context / shape.decodes;
    return heads_.start(mean) + std::max(Duration(static_cast<std::int64_t>(fullest)), longest);
  }

  /// Queries with the new keys and values, and what the chunks append, of a layer.
  [[nodiscard]] std::int64_t sent_bytes(const BatchShape& shape) const {
    return shape.decodes * (query_bytes_ + kv_token_bytes_);
  }
  [[nodiscard]] std::int64_t returned_bytes(const BatchShape& shape) const {
    return shape.decodes * query_bytes_;
  }

  [[nodiscard]] Parts parts_of(const BatchShape& shape) const {
    Parts parts;
    parts.gemms = gpu_->cost(shape).device;
    const Duration banks = attention_of_layer(shape);
    parts.attention = banks * layers_;
    if (shape.decodes == 0) return parts;
    parts.path = (banks + link_.time_for(sent_bytes(shape)) +
                  link_.time_for(returned_bytes(shape)) + stacks_.link_latency * 2) *
                 layers_;
    return parts;
  }

  /// Chunks append their keys and values and read back what is there of their context.
  [[nodiscard]] Duration link_load(const BatchShape& shape) const {
    std::int64_t read = 0;
    for (const PrefillChunk& chunk : shape.chunks) read += chunk.context;
    const std::int64_t out = sent_bytes(shape) + shape.prefill_tokens * kv_token_bytes_;
    const std::int64_t back = returned_bytes(shape) + read * kv_token_bytes_;
    return link_.time_for(std::max(out, back)) * layers_;
  }

  /// Two halves that take turns on GPU and stacks: no machine is asked for more than it can, no
  /// half is in two places, and the second starts a layer's GEMMs late.
  [[nodiscard]] Schedule schedule_of(const BatchShape& shape) const {
    const Duration link = link_load(shape);
    Schedule schedule;
    if (!halved(shape)) {
      const Parts all = parts_of(shape);
      schedule.gpu = all.gemms;
      schedule.step = std::max(all.gemms + all.path, link);
      schedule.bound = schedule.step == link ? "link" : "memory";
      return schedule;
    }
    const Parts first = parts_of(first_half(shape));
    const Parts second = parts_of(second_half(shape));
    schedule.gpu = first.gemms + second.gemms;
    const Duration banks = first.attention + second.attention;
    const Duration in_turn = std::max(first.gemms + first.path, second.gemms + second.path);
    const Duration late = Duration(first.gemms.count() / layers_);
    const Duration longest = std::max({schedule.gpu, banks, in_turn, link});
    schedule.step = std::max(longest + late, schedule.gpu);
    schedule.bound = longest == link ? "link" : longest == schedule.gpu ? "compute" : "memory";
    return schedule;
  }

  void append_half(const BatchShape& half, const char* which, Breakdown& breakdown) const {
    Breakdown part;
    gpu_->explain(half, part);
    for (OperatorCost& op : part.operators) {
      op.name += fmt::format(" ({} half)", which);
      breakdown.operators.push_back(std::move(op));
    }
    const char* const between = breakdown.launch_mode.empty() ? "" : ", then ";
    breakdown.launch_mode += between + part.launch_mode;
  }

  void explain_waiting(const BatchShape& shape, Breakdown& breakdown) const {
    const Schedule schedule = schedule_of(shape);
    const std::int64_t bytes =
        (sent_bytes(shape) + returned_bytes(shape) + shape.prefill_tokens * kv_token_bytes_) *
        layers_;
    Duration banks = attention_of_layer(shape) * layers_;
    if (halved(shape)) {
      banks = (attention_of_layer(first_half(shape)) + attention_of_layer(second_half(shape))) *
              layers_;
    }
    breakdown.operators.push_back(
        {"attention_decode in PIM",
         fmt::format("{} decodes, {} KV tokens; banks {}, link {}", shape.decodes,
                     shape.decode_context, human(banks), human(link_load(shape))),
         layers_, Flops(), Bytes(bytes), schedule.step - schedule.gpu, schedule.bound,
         halved(shape)
             ? "what GEMMs do not hide: max(GEMMs, banks, link, a half's GEMMs + transfers + "
               "banks) + a layer of the first half - GEMMs"
             : "transfers + banks, clocked by head and context; at least the link's load"});
  }

  std::shared_ptr<const CostModel> gpu_;
  PimStacks stacks_;
  std::int64_t layers_;
  std::int64_t kv_heads_;
  std::int64_t channels_;
  std::int64_t query_bytes_;
  std::int64_t kv_token_bytes_;
  Slope link_;
  PimHeadTimes heads_;
};

}  // namespace

Bytes kv_capacity(const PimStacks& stacks) {
  const pim::Device& device = stacks.device;
  // HBM-PIM's rows with bit 12 set have other meanings (PIMSimulator, Rank.cpp).
  const std::int64_t share = device.style == pim::Style::kSamsung ? 2 : 1;
  return Bytes(device.geometry.capacity().count() / share) * stacks.stacks;
}

std::unique_ptr<CostModel> make_pim_attention(std::shared_ptr<const CostModel> gpu,
                                              const ModelCard& card, const Plan& plan,
                                              std::int64_t kv_bytes, const PimStacks& stacks) {
  if (kv_bytes != stacks.device.compute.element.count()) {
    throw ConfigError(
        {}, "placement",
        fmt::format("{} multiplies numbers of {} B, but the KV cache has {} B", stacks.device.name,
                    stacks.device.compute.element.count(), kv_bytes));
  }
  return std::make_unique<PimAttention>(std::move(gpu), card, shard_of(card, plan.tensor_parallel),
                                        kv_bytes, stacks);
}

}  // namespace orrery
