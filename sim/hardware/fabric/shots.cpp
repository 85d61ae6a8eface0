// SPDX-License-Identifier: Apache-2.0
//
// Which all-reduce vLLM takes: its own kernels while a vector is small, PyTorch's symmetric memory
// (on Hopper and Blackwell) while it is not large, else NCCL.
#include <array>
#include <optional>

#include "sim/hardware/fabric/collective.h"

namespace orrery {
namespace {

constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kMebi = 1024 * kKibi;

/// Sizes for 2, 4, 6 and 8 ranks (vllm/distributed/device_communicators/all_reduce_utils.py, by
/// compute capability: 9.0 is the GPU of NVLink 4, 10.0 that of NVLink 5). CustomAllreduce takes
/// what is below the first, and below 8 MiB anyway (custom_all_reduce.py), SymmMemCommunicator what
/// is up to the second, in the switch from so many ranks on (symm_mem.py).
struct Limits {
  std::array<std::int64_t, 4> custom;
  std::array<std::int64_t, 4> symmetric;
  std::int64_t in_switch_from;
};
constexpr Limits kHopper = {{8 * kMebi, 8 * kMebi, 512 * kKibi, 256 * kKibi},
                            {64 * kMebi, 32 * kMebi, 64 * kMebi, 64 * kMebi},
                            4};
constexpr Limits kBlackwell = {{2 * kMebi, 2 * kMebi, 1 * kMebi, 1 * kMebi},
                               {8 * kMebi, 32 * kMebi, 128 * kMebi, 128 * kMebi},
                               6};
/// No symmetric memory: what is from 8 MiB on goes to NCCL.
constexpr Limits kOlder = {{8 * kMebi, 8 * kMebi, 8 * kMebi, 8 * kMebi}, {0, 0, 0, 0}, 0};

const Limits& limits_of(std::int64_t nvlink_generation) {
  if (nvlink_generation == 4) return kHopper;
  return nvlink_generation == 5 ? kBlackwell : kOlder;
}

std::optional<std::size_t> place_of(std::int64_t ranks) {
  if (ranks % 2 != 0 || ranks < 2 || ranks > 8) return std::nullopt;
  return static_cast<std::size_t>(ranks / 2 - 1);
}

/// csrc/custom_all_reduce.cuh.
Algorithm shot_of(const CollectiveJob& job) {
  const bool one = job.ranks == 2 || (job.ranks <= 4 && job.bytes < Bytes(512 * kKibi)) ||
                   (job.ranks <= 8 && job.bytes < Bytes(256 * kKibi));
  return one ? Algorithm::kOneShot : Algorithm::kTwoShot;
}

}  // namespace

CollectivePlan choose_vllm(const CollectiveWorld& world, const CollectiveJob& job, bool custom) {
  const auto place = place_of(job.ranks);
  const std::int64_t bytes = job.bytes.count();
  if (job.collective != Collective::kAllReduce || !place || !job.floating || bytes % 16 != 0) {
    return choose_plan(world, job);
  }
  const Limits& limits = limits_of(world.nvlink.generation);
  if (custom && bytes < limits.custom[*place]) return {shot_of(job), Protocol::kSimple};
  if (bytes > limits.symmetric[*place]) return choose_plan(world, job);
  const bool in_switch = job.ranks >= limits.in_switch_from && world.nvlink.reduces_from_ranks > 0;
  return {in_switch ? Algorithm::kSymmetricMultimem : Algorithm::kSymmetricTwoShot,
          Protocol::kSimple};
}

}  // namespace orrery
