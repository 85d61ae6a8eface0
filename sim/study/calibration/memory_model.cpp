// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/memory_model.h"

#include <algorithm>
#include <utility>

namespace orrery {
namespace {

using gpu_memory::Pattern;
using gpu_memory::Stream;
using gpu_memory::StreamKind;

/// What a warp's load of 16 B a thread asks for.
constexpr std::int64_t kWarpLoad = 512;
constexpr std::int64_t kSector = 32;
/// Of L2, and so of a chase that visits one word of it.
constexpr double kLine = 128;

/// Blocks of threads go over what is next in turn, each thread 16 B.
Stream streamed(const MemoryRow& row) {
  Stream stream;
  stream.granule = kWarpLoad;
  stream.block = std::max(kWarpLoad, row.block);
  stream.reads = static_cast<int>(row.read_percent);
  if (row.warm) stream.span = row.size;
  return stream;
}

Stream gathered(const MemoryRow& row) {
  Stream stream;
  stream.granule = std::min(kWarpLoad, row.block);
  stream.block = row.block;
  if (!row.random) return stream;
  stream.kind = StreamKind::kGathered;
  stream.span = row.size;
  return stream;
}

Stream strided(const MemoryRow& row) {
  Stream stream;
  stream.kind = StreamKind::kStrided;
  stream.granule = kSector;
  stream.stride = row.stride;
  stream.span = row.size;
  return stream;
}

gpu_memory::MemorySystemOptions under_own_map(gpu_memory::MemorySystemOptions options) {
  options.address_map_origin = gpu_memory::MemorySystemOptions::MapOrigin::kFitted;
  return options;
}

}  // namespace

LaunchFloor floor_of(const std::vector<MemoryRow>& rows, const GpuSpec& gpu) {
  const MemoryRow* widest = nullptr;
  for (const MemoryRow& row : rows) {
    if (row.op != MemoryOp::kLaunch || !row.graph) continue;
    if (widest == nullptr ||
        std::pair(row.grid, row.count) > std::pair(widest->grid, widest->count)) {
      widest = &row;
    }
  }
  if (widest == nullptr) {
    return {to_seconds(gpu.launch.kernel) * 1e6, true, "launch.kernel of the GPU's file"};
  }
  return {widest->latency_us / static_cast<double>(widest->count), false,
          "empty kernels of " + std::to_string(widest->grid) + " blocks in a graph"};
}

bool predictable(const MemoryRow& row, Bytes l2) {
  if (row.op == MemoryOp::kLaunch) return false;
  return row.op != MemoryOp::kStride || row.bytes() > static_cast<double>(l2.count());
}

Pattern pattern_of(const MemoryRow& row, const gpu_memory::Rates& gpu) {
  Pattern pattern;
  pattern.requesters = row.sms > 0 ? row.sms : gpu.sms();
  pattern.bytes_in_flight =
      row.in_flight ? std::min(row.bytes_in_flight, gpu.bytes_in_flight()) : gpu.bytes_in_flight();
  if (row.op == MemoryOp::kGather) {
    pattern.streams = {gathered(row)};
  } else if (row.op == MemoryOp::kStride) {
    pattern.streams = {strided(row)};
  } else {
    pattern.streams = {streamed(row)};
  }
  return pattern;
}

ChaseShares shares_of(const MemoryRow& chase, Bytes l2, Bytes tlb_reach) {
  const auto region = static_cast<double>(chase.size);
  const double lines = region / static_cast<double>(chase.stride) * kLine;
  return {std::min(1.0, static_cast<double>(l2.count()) / lines),
          1 - std::min(1.0, static_cast<double>(tlb_reach.count()) / region)};
}

MemoryModel::MemoryModel(const GpuSpec& gpu, const hbm::MemoryConfig& device, LaunchFloor floor,
                         double wanted)
    : front_end_(gpu.memory_system->front_end),
      l2_(gpu.memory.l2),
      floor_(std::move(floor)),
      rates_(under_own_map(*gpu.memory_system), device, {gpu.compute.sms, gpu.memory.l2, 0},
             wanted) {}

double MemoryModel::time_us(const MemoryRow& row) {
  if (row.op == MemoryOp::kChase) {
    const ChaseShares shares = shares_of(row, l2_, front_end_.tlb_reach);
    const double hop = shares.l2 * to_seconds(front_end_.l2_latency) +
                       (1 - shares.l2) * to_seconds(front_end_.dram_latency) +
                       shares.tlb_misses * to_seconds(front_end_.tlb_miss);
    return floor_.us + static_cast<double>(row.count) * hop * 1e6;
  }
  const gpu_memory::Rate& rate = rates_.rate(pattern_of(row, rates_));
  const double first = floor_.with_first_bytes ? 0 : to_seconds(rate.start_up) * 1e6;
  return floor_.us + first +
         row.bytes() / static_cast<double>(rate.bytes_per_second.units_per_second()) * 1e6;
}

std::string MemoryModel::bound(const MemoryRow& row) {
  if (row.op == MemoryOp::kChase) return "latency";
  return rates_.rate(pattern_of(row, rates_)).bound;
}

}  // namespace orrery
