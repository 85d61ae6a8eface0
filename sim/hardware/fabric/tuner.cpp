// SPDX-License-Identifier: Apache-2.0
//
// NCCL's choice of algorithm and protocol: base latencies, latencies of a hop over NVLink and the
// shares of protocols are those of src/graph/tuning.cc (NCCL 2.30).
#include <algorithm>
#include <array>

#include "sim/core/check.h"
#include "sim/hardware/fabric/collective.h"

namespace orrery {
namespace {

struct RingConstants {
  Protocol protocol{};
  double base_us = 0;
  double hop_us = 0;
  double share = 0;
};

constexpr std::array<RingConstants, 3> kRing = {{
    {Protocol::kLl, 6.6, 0.6, 0.5},
    {Protocol::kLl128, 14.0, 1.9, 0.92},
    {Protocol::kSimple, 8.4, 3.4, 1.0},
}};
constexpr double kNvlsUs = 25.0;
/// How much of the switch's rate an all-reduce in it is taken to get.
constexpr double kNvlsRatio = 5.0 / 6.0;
/// NCCL_P2P_LL_THRESHOLD: sends to a peer of up to this size go with flags.
constexpr Bytes kDirectLlMost{16'384};

double bytes_per_us(Bandwidth rate) { return static_cast<double>(rate.units_per_second()) * 1e-6; }

double ring_steps(const CollectiveJob& job) {
  const auto others = static_cast<double>(job.ranks - 1);
  return job.collective == Collective::kAllReduce ? 2 * others : others;
}

double ring_us(const TunerConstants& tuner, const CollectiveJob& job, const RingConstants& ring) {
  double rate = bytes_per_us(tuner.ring_rate) * ring.share;
  if (ring.protocol == Protocol::kLl) rate = std::min(rate, bytes_per_us(tuner.ll_max));
  const double steps = ring_steps(job);
  const double algorithm_rate = rate * static_cast<double>(job.ranks) / steps;
  return ring.base_us + steps * ring.hop_us +
         static_cast<double>(job.bytes.count()) / algorithm_rate;
}

double nvls_us(const TunerConstants& tuner, const CollectiveJob& job) {
  const auto ranks = static_cast<double>(job.ranks);
  const double rate =
      bytes_per_us(tuner.nvls_rate) * tuner.nvls_efficiency * kNvlsRatio * (ranks - 1) / ranks;
  return kNvlsUs + static_cast<double>(job.bytes.count()) / rate;
}

}  // namespace

CollectivePlan choose_plan(const CollectiveWorld& world, const CollectiveJob& job) {
  ORRERY_CHECK(job.ranks >= 2);
  if (job.collective == Collective::kAllToAll) {
    const bool small = job.bytes.count() / job.ranks <= kDirectLlMost.count();
    return {Algorithm::kDirect, small ? Protocol::kLl : Protocol::kSimple};
  }
  CollectivePlan best{Algorithm::kRing, kRing.front().protocol};
  double least = ring_us(world.tuner, job, kRing.front());
  for (const RingConstants& ring : kRing) {
    const double us = ring_us(world.tuner, job, ring);
    if (us >= least) continue;
    least = us;
    best.protocol = ring.protocol;
  }
  const std::int64_t from = world.nvlink.reduces_from_ranks;
  if (job.collective == Collective::kAllReduce && job.floating && from > 0 && job.ranks >= from &&
      nvls_us(world.tuner, job) < least) {
    return {Algorithm::kNvls, Protocol::kSimple};
  }
  return best;
}

}  // namespace orrery
