// SPDX-License-Identifier: Apache-2.0
#include "models/links/all_to_all.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::int64_t kNode = 8;
/// H800's NVLink in one direction.
constexpr double kNvlink = 200e9;

/// DeepEP at ebfe47e, README: low-latency kernels, us by ranks.
struct LowLatency {
  std::int64_t ranks;
  double dispatch_us;
  double combine_us;
};
constexpr std::array<LowLatency, 6> kLowLatency = {{{8, 163, 318},
                                                    {16, 173, 329},
                                                    {32, 182, 350},
                                                    {64, 186, 353},
                                                    {128, 192, 369},
                                                    {256, 194, 360}}};
constexpr double kPublishedTokens = 128;
constexpr double kPublishedHidden = 7168;
constexpr double kPublishedTopK = 8;
constexpr double kLowLatencyFloor = 10;

/// The same README: normal kernels, GB/s by ranks.
struct Normal {
  std::int64_t ranks;
  double dispatch;
  double combine;
};
constexpr std::array<Normal, 4> kNormal = {
    {{8, 153, 158}, {16, 43, 43}, {32, 44, 47}, {64, 46, 45}}};
constexpr double kNormalFloor = 20;

/// A row of the table for so many ranks; what lies between two is a straight line.
template <class Row, std::size_t N>
double look_up(const std::array<Row, N>& table, std::int64_t ranks, double Row::*figure) {
  if (ranks <= table.front().ranks) return table.front().*figure;
  for (std::size_t i = 1; i < N; ++i) {
    if (ranks > table[i].ranks) continue;
    const double share = static_cast<double>(ranks - table[i - 1].ranks) /
                         static_cast<double>(table[i].ranks - table[i - 1].ranks);
    return table[i - 1].*figure + share * (table[i].*figure - table[i - 1].*figure);
  }
  return table.back().*figure;
}

/// fp8 with a scale for 128, and its place.
double fp8_token(double hidden) { return hidden + hidden / 32 + 16; }

/// Places other than its own that a token with so many choices goes to, each as likely.
double remote_places(std::int64_t places, std::int64_t choices) {
  const auto n = static_cast<double>(places);
  double missed = 1;
  for (std::int64_t i = 0; i < choices; ++i) missed *= 1 - 1 / n;
  return (n - 1) * (1 - missed);
}

}  // namespace

DeepEp::DeepEp(All2All mode, std::int64_t ranks, const ModelCard& card, const GpuSpec& gpu)
    : mode_(mode), ranks_(ranks) {
  const std::string key = "engine.experts.all2all_backend";
  if (!gpu.links.nvlink)
    throw ConfigError({}, key, "DeepEP needs NVLink, which " + gpu.name + " lacks");
  if (ranks > 256) {
    throw ConfigError({}, key,
                      fmt::format("DeepEP's figures end at 256 ranks, and there are {}; "
                                  "known: allgather_reducescatter",
                                  ranks));
  }
  const auto hidden = static_cast<double>(card.hidden);
  const bool fp8 = card.experts->quantization == Quantization::kFp8 ||
                   card.experts->quantization == Quantization::kFp8Block;
  const double there = fp8 ? fp8_token(hidden) : 2 * hidden;
  const bool one_node = ranks <= kNode;
  const double nvlink = static_cast<double>(gpu.links.nvlink->units_per_second()) / kNvlink;
  const double scale = one_node ? nvlink : 1;
  if (mode == All2All::kDeepEpLowLatency) {
    const auto top_k = static_cast<double>(card.experts->top_k);
    const double published = kPublishedTokens * kPublishedTopK;
    const double dispatch = look_up(kLowLatency, ranks, &LowLatency::dispatch_us);
    const double combine = look_up(kLowLatency, ranks, &LowLatency::combine_us);
    dispatch_ = {there, top_k,
                 published * fp8_token(kPublishedHidden) / (dispatch - kLowLatencyFloor) * scale,
                 kLowLatencyFloor};
    combine_ = {2 * hidden, top_k,
                published * 2 * kPublishedHidden / (combine - kLowLatencyFloor) * scale,
                kLowLatencyFloor};
    return;
  }
  const std::int64_t places = one_node ? ranks : (ranks + kNode - 1) / kNode;
  const double copies = remote_places(places, card.experts->top_k);
  dispatch_ = {there, copies, look_up(kNormal, ranks, &Normal::dispatch) * 1e3 * scale,
               kNormalFloor};
  combine_ = {2 * hidden, copies, look_up(kNormal, ranks, &Normal::combine) * 1e3 * scale,
              kNormalFloor};
}

BoundTime DeepEp::time(const Way& way, std::int64_t tokens, double imbalance) {
  const double bytes = static_cast<double>(tokens) * way.copies * way.token_bytes;
  const double us = way.floor_us + bytes * imbalance / way.bytes_per_us;
  return {round_up_to_duration(us * 1e-6), us > 2 * way.floor_us ? "link" : "launch"};
}

BoundTime DeepEp::dispatch(std::int64_t tokens, double imbalance) const {
  return time(dispatch_, tokens, imbalance);
}
BoundTime DeepEp::combine(std::int64_t tokens, double imbalance) const {
  return time(combine_, tokens, imbalance);
}
std::int64_t DeepEp::dispatch_bytes(std::int64_t tokens) const {
  return static_cast<std::int64_t>(static_cast<double>(tokens) * dispatch_.copies *
                                   dispatch_.token_bytes);
}
std::int64_t DeepEp::combine_bytes(std::int64_t tokens) const {
  return static_cast<std::int64_t>(static_cast<double>(tokens) * combine_.copies *
                                   combine_.token_bytes);
}

std::string DeepEp::formula() const {
  return fmt::format(
      "DeepEP's published {} for {} ranks: floor + bytes x imbalance / rate",
      mode_ == All2All::kDeepEpLowLatency ? "low-latency figures" : "normal-mode bandwidths",
      ranks_);
}

}  // namespace orrery
