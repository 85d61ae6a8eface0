// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/study/memory_fit_world.h"

#include <utility>

#include "sim/core/random.h"
#include "sim/study/calibration/memory_model.h"
#include "sim/study/catalogue.h"
#include "sim/study/devices/memory_run.h"

namespace orrery::memory_world {
namespace {

MemoryRow row_of(MemoryOp op) {
  MemoryRow row;
  row.op = op;
  row.device = "A GPU";
  row.source = "orrery-kernels 1";
  row.driver = "580";
  row.date = "2026-12-01";
  return row;
}

MemoryRow read_of(std::int64_t size, bool warm, std::int64_t sms, std::int64_t in_flight) {
  MemoryRow row = row_of(MemoryOp::kRead);
  row.size = size;
  row.warm = warm;
  row.sms = sms == 0 ? 12 : sms;
  row.bytes_in_flight = in_flight == 0 ? 128 * kKiB : in_flight;
  row.in_flight = in_flight > 0;
  return row;
}

MemoryRow gather_of(std::int64_t block, std::int64_t region) {
  MemoryRow row = row_of(MemoryOp::kGather);
  row.random = true;
  row.block = block;
  row.count = 64 * kMiB / block;
  row.size = region;
  return row;
}

}  // namespace

GpuSpec base() {
  GpuSpec gpu = load_gpu("h200-sxm", {});
  gpu.compute.sms = 12;
  gpu.memory.l2 = Bytes(4 * kMiB);
  gpu.memory_system->channels = 6;
  return gpu;
}

GpuSpec truth() {
  GpuSpec gpu = base();
  gpu_memory::MemorySystemOptions& memory = *gpu.memory_system;
  memory.address_map = kHidden;
  memory.read_queue = 32;
  memory.front_end.dram_latency = nanoseconds(420);
  memory.front_end.l2_latency = nanoseconds(180);
  memory.front_end.bytes_in_flight = Bytes(24 * kKiB);
  memory.front_end.sm_bandwidth = Bandwidth::per_second(100'000'000'000);
  memory.front_end.l2_bandwidth = Bandwidth::per_second(900'000'000'000);
  memory.front_end.tlb_reach = Bytes(512 * kMiB);
  memory.front_end.tlb_miss = nanoseconds(300);
  memory.front_end.tlb_walks = 16;
  return gpu;
}

const hbm::MemoryConfig& device() {
  static const hbm::MemoryConfig kDevice = load_memory("hbm3e-6250", {});
  return kDevice;
}

MemoryRow chase_of(std::int64_t region, std::int64_t stride) {
  MemoryRow row = row_of(MemoryOp::kChase);
  row.size = region;
  row.stride = stride;
  row.count = 8192;
  row.warm = true;
  row.graph = false;
  return row;
}

std::vector<MemoryRow> plain_rows() {
  std::vector<MemoryRow> rows;
  rows.push_back(row_of(MemoryOp::kLaunch));
  rows.back().count = 100;
  rows.back().grid = 1056;
  for (const std::int64_t kib : {256, 512, 1024, 2048, 65536, 131072}) {
    rows.push_back(chase_of(kib * kKiB, 128));
  }
  for (std::int64_t region = 64 * kMiB; region <= 4096 * kMiB; region *= 2) {
    rows.push_back(chase_of(region, 64 * kKiB + 128));
  }
  for (const std::int64_t kib : {2, 4, 8, 16, 32, 64}) {
    rows.push_back(read_of(32 * kMiB, false, 1, kib * kKiB));
  }
  rows.push_back(read_of(kMiB, true, 1, 64 * kKiB));
  for (const std::int64_t kib : {512, 1024, 1536, 2048}) {
    rows.push_back(read_of(kib * kKiB, true, 0, 0));
  }
  rows.push_back(read_of(64 * kMiB, false, 0, 0));
  for (const std::int64_t block : {128, 512}) rows.push_back(gather_of(block, 4096 * kMiB));
  return rows;
}

std::vector<MemoryRow> curves(int step) {
  std::vector<MemoryRow> rows;
  for (std::int64_t block = 64; block <= 64 * kKiB; block <<= step) {
    rows.push_back(gather_of(block, 256 * kMiB));
  }
  for (std::int64_t stride = 64; stride <= 8 * kKiB; stride <<= step) {
    rows.push_back(row_of(MemoryOp::kStride));
    rows.back().stride = stride;
    rows.back().count = 256 * kKiB;  // twice what L2 holds
  }
  for (int percent = 0; percent <= 90; percent += 15 * step) {
    rows.push_back(row_of(MemoryOp::kMix));
    rows.back().read_percent = percent;
    rows.back().block = 4096;
    rows.back().size = 64 * kMiB;
  }
  return rows;
}

std::vector<MemoryRow> measured(const GpuSpec& gpu, std::vector<MemoryRow> rows) {
  MemoryModel model(gpu, device(), {1.5, false, ""});
  RandomStream random(7, "memory_fit_test", "noise");
  for (MemoryRow& row : rows) {
    const double exact = row.op == MemoryOp::kLaunch ? 150 : model.time_us(row);
    const double turn = static_cast<double>(random.below(2001)) / 1000 - 1;
    row.latency_us = exact * (1 + kNoise * turn);
  }
  return rows;
}

}  // namespace orrery::memory_world
