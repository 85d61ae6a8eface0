// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/front_end.h"

#include <algorithm>
#include <array>

#include "sim/hardware/sources.h"

namespace orrery::gpu_memory {
namespace {

constexpr double kSector = 32;

/// Of one stream.
struct Shares {
  double l2_hits = 0;
  double tlb_misses = 0;
  /// Sector bytes for one useful byte.
  double fetched = 1;
  /// Useful bytes between two visits of a page by all that share a block.
  double visit = 1;
  /// Of the requests, those that are the first of a visit.
  double first = 1;
};

bool in_turn(StreamKind kind) {
  return kind == StreamKind::kSequential || kind == StreamKind::kStrided;
}

/// `scattered`: percent of the bytes that are not gone over in turn, which share the TLB.
Shares shares_of(const Stream& stream, int scattered, const FrontEndOptions& options,
                 const FrontEndGpu& gpu) {
  Shares shares;
  shares.fetched = std::max(1.0, kSector / static_cast<double>(stream.granule));
  const auto region = static_cast<double>(stream.span == 0 ? gpu.memory_bytes : stream.span);
  // Of a stride only the sectors it touches take room.
  const double touched = stream.kind == StreamKind::kStrided
                             ? region * std::max(kSector, static_cast<double>(stream.granule)) /
                                   static_cast<double>(stream.stride)
                             : region;
  const double part = static_cast<double>(gpu.l2.count()) * stream.share / 100;
  const double held = std::min(1.0, part / touched);
  shares.l2_hits = in_turn(stream.kind) && held < 1 ? 0 : held;
  if (!in_turn(stream.kind)) {
    const double reach = static_cast<double>(options.tlb_reach.count()) * stream.share / scattered;
    shares.tlb_misses = 1 - std::min(1.0, reach / region);
    const auto together = static_cast<double>(std::max(stream.block, stream.granule));
    shares.visit = std::min(together, static_cast<double>(options.page.count()));
    shares.first = static_cast<double>(stream.granule) / shares.visit;
  }
  return shares;
}

}  // namespace

void FrontEndOptions::describe(Describer& d) {
  const Range positive = Range::positive();
  d.required().field("dram_latency", dram_latency, positive,
                     "From a load to its data in DRAM, with nothing else running.");
  d.required().field("l2_latency", l2_latency, positive, "From a load to its data in L2.");
  d.required().field("bytes_in_flight", bytes_in_flight, Range::at_least(32),
                     "What a well-made kernel keeps in flight on each SM.");
  d.required().field("sm_bandwidth", sm_bandwidth, positive, "From L2 to one SM.");
  d.required().field("l2_bandwidth", l2_bandwidth, positive, "From L2 to all SMs.");
  d.required().field("page", page, positive, "Of the GPU's virtual memory.");
  d.required().field("tlb_reach", tlb_reach, positive, "What the TLB holds translations of.");
  d.required().field("tlb_miss", tlb_miss, Range::not_negative(), "What a TLB miss adds.");
  d.required().field("tlb_walks", tlb_walks, Range::at_least(1), "TLB misses served at a time.");
  describe_sources(d, sources);
  if (!d.reading()) return;
  if (l2_latency > dram_latency) d.refuse("l2_latency", "is above dram_latency");
}

double FrontEndBounds::least() const {
  const double least = std::min({in_flight, sm, l2});
  return tlb > 0 ? std::min(least, tlb) : least;
}

std::string_view FrontEndBounds::which() const {
  const double bound = least();
  if (bound == in_flight) return "bytes in flight";
  if (bound == sm) return "SM ports";
  return bound == l2 ? "L2" : "TLB";
}

FrontEndBounds bounds_of(const Pattern& pattern, const FrontEndOptions& options,
                         const FrontEndGpu& gpu) {
  // Of one useful byte of the mixture.
  double fetched = 0;
  double missed = 0;
  double walks = 0;
  double latency = 0;
  int scattered = 0;
  for (const Stream& stream : pattern.streams) {
    if (!in_turn(stream.kind)) scattered += stream.share;
  }
  for (const Stream& stream : pattern.streams) {
    const double share = stream.share / 100.0;
    const Shares own = shares_of(stream, scattered, options, gpu);
    const double dram = 1 - own.l2_hits;
    fetched += share * own.fetched;
    missed += share * dram * own.fetched;
    walks += share * own.tlb_misses / own.visit;
    latency += share * (own.l2_hits * to_seconds(options.l2_latency) +
                        dram * to_seconds(options.dram_latency) +
                        own.first * own.tlb_misses * to_seconds(options.tlb_miss));
  }
  const auto requesters = static_cast<double>(pattern.requesters);
  const auto sms = static_cast<double>(std::min(pattern.requesters, gpu.sms));
  const auto rate = [](Bandwidth b) { return static_cast<double>(b.units_per_second()); };
  FrontEndBounds bounds;
  bounds.in_flight = requesters * static_cast<double>(pattern.bytes_in_flight) / latency / fetched;
  bounds.sm = sms * rate(options.sm_bandwidth) / fetched;
  bounds.l2 = rate(options.l2_bandwidth) / fetched;
  if (walks > 0 && options.tlb_miss > Duration()) {
    bounds.tlb = static_cast<double>(options.tlb_walks) / to_seconds(options.tlb_miss) / walks;
  }
  bounds.dram_per_byte = missed;
  bounds.latency = round_up_to_duration(latency);
  return bounds;
}

}  // namespace orrery::gpu_memory
