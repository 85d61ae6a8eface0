// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu.h"

#include <array>

#include "sim/hardware/sources.h"

namespace orrery {
namespace {

/// Giga-transfers per second and lane of PCIe 3.0 to 6.0.
constexpr std::array<std::int64_t, 4> kGigaTransfers = {8, 16, 32, 64};

}  // namespace

void GpuMemory::describe(Describer& d) {
  d.required().field("capacity", capacity, Range::positive(), "Nominal capacity.");
  d.required().field("driver_total", driver_total, Range::positive(),
                     "Total memory as the driver reports it to the engine.");
  d.required().field("bandwidth", bandwidth, Range::positive(), "Peak memory bandwidth.");
  d.required().field("l2", l2, Range::positive(), "Size of the L2 cache.");
  if (d.reading() && driver_total > capacity) {
    d.refuse("driver_total", "is more than the nominal capacity");
  }
  describe_sources(d, sources);
}

void GpuCompute::describe(Describer& d) {
  d.required().field("sms", sms, Range::at_least(1), "Streaming multiprocessors.");
  d.required().field("boost_clock", boost_clock, Range::positive(), "Boost clock.");
  d.required().field("tdp_watts", tdp_watts, Range::positive(), "Board power limit, watts.");
  const Range positive = Range::positive();
  d.optional_field("fp32", fp32, positive, "Dense FP32 rate outside tensor cores.");
  d.optional_field("tf32", tf32, positive, "Dense TF32 tensor rate.");
  d.optional_field("bf16", bf16, positive, "Dense BF16 tensor rate, FP32 accumulation.");
  d.optional_field("fp16", fp16, positive, "Dense FP16 tensor rate, FP32 accumulation.");
  d.optional_field("fp8", fp8, positive, "Dense FP8 tensor rate, FP32 accumulation.");
  d.optional_field("int8", int8, positive, "Dense INT8 tensor rate.");
  d.optional_field("fp4", fp4, positive, "Dense FP4 tensor rate.");
  describe_sources(d, sources);
}

void GpuLinks::describe(Describer& d) {
  d.field("nvlink_generation", nvlink_generation, Range::between(0, 6),
          "NVLink generation; 0: the part has none.");
  d.optional_field("nvlink", nvlink, Range::positive(),
                   "NVLink bandwidth to all peers together, one direction.");
  d.required().field("pcie_generation", pcie_generation, Range::between(3, 6), "PCIe generation.");
  d.required().field("pcie_lanes", pcie_lanes, Range::between(1, 16), "PCIe lanes.");
  if (d.reading() && nvlink.has_value() != (nvlink_generation > 0)) {
    d.refuse("nvlink", "and nvlink_generation stand together or not at all");
  }
  describe_sources(d, sources);
}

void GpuLaunch::describe(Describer& d) {
  d.required().field("kernel", kernel, Range::not_negative(),
                     "Device time of each kernel besides its work.");
  d.required().field("launch", launch, Range::not_negative(),
                     "Host time of one kernel launch outside a graph.");
  d.required().field("graph_replay", graph_replay, Range::not_negative(),
                     "Host time of one graph replay.");
  describe_sources(d, sources);
}

void GpuRoofline::describe(Describer& d) {
  const Range share = Range::fraction();
  d.required().field("gemm", gemm, share, "Share of the tensor peak that large GEMMs reach.");
  d.required().field("attention", attention, share,
                     "Share of the tensor peak that prefill attention reaches.");
  d.required().field("memory", memory, share, "Share of the bandwidth that streaming reaches.");
  d.required().field("kv_read", kv_read, share,
                     "Share of the bandwidth that decode attention reaches.");
  d.required().field("link", link, share, "Share of the peer link that collectives reach.");
  d.required().field("one_shot_all_reduce", one_shot_all_reduce, Range::not_negative(),
                     "All-reduce of one barrier, besides its bytes.");
  d.required().field("two_shot_all_reduce", two_shot_all_reduce, Range::not_negative(),
                     "All-reduce as reduce-scatter and all-gather, besides its bytes.");
  describe_sources(d, sources);
}

void GpuRuntime::describe(Describer& d) {
  d.required().field("non_torch", non_torch, Range::not_negative(),
                     "Memory that libraries and loaded kernels take after start-up.");
  d.required().field("communicator", communicator, Range::not_negative(),
                     "Memory that communicators take on each rank of a group.");
  describe_sources(d, sources);
}

void GpuHost::describe(Describer& d) {
  d.required().field("time_factor", time_factor, Range::between(0.1, 10),
                     "CPU times relative to those of H100's hosts.");
  describe_sources(d, sources);
}

void GpuSpec::describe(Describer& d) {
  d.required().field("name", name, "The part's name.");
  d.required().object_of("memory", memory, "Device memory.");
  d.required().object_of("compute", compute, "Multiprocessors and their peak rates.");
  d.required().object_of("links", links, "NVLink and PCIe.");
  d.required().object_of("launch", launch, "What starting kernels costs.");
  d.required().object_of("roofline", roofline,
                         "Achieved shares of the peaks: assumptions of the roofline rung.");
  d.required().object_of("runtime", runtime, "Memory taken by CUDA and its libraries.");
  d.optional_object("memory_system", memory_system,
                    "DRAM and what stands before it, for clocked memory.");
  if (d.reading() && memory_system) {
    // A path is meant beside this file; a name stays one.
    std::string& device = memory_system->device;
    if (device.find('/') != std::string::npos || device.ends_with(".yaml")) {
      device = d.resolved_path("memory_system", device);
    }
  }
  d.optional_object("host", host, "The machines that the part is sold in.");
  d.field("calibration", calibration, "File of fitted kernels, beside this one.");
  d.field("calibration_kv_block_sources", calibration_kv_block_sources, "Who says so.");
  d.optional_field("calibration_kv_block", calibration_kv_block, Range::at_least(1),
                   "Tokens of a KV block in the measured attention kernels.");
  d.optional_object("steps", steps, "What an engine's steps cost, fitted to a log of them.");
  if (d.reading() && !calibration.empty()) {
    calibration = d.resolved_path("calibration", calibration);
  }
}

Bandwidth GpuLinks::pcie() const {
  ORRERY_CHECK(pcie_generation >= 3 && pcie_generation <= 6);
  const std::int64_t giga = kGigaTransfers[static_cast<std::size_t>(pcie_generation - 3)];
  return Bandwidth::per_second(giga * 1'000'000'000 / 8 * pcie_lanes * 128 / 130);
}

Bandwidth GpuLinks::peer() const { return nvlink ? *nvlink : pcie(); }

std::string GpuLinks::peer_name() const {
  if (nvlink) return "NVLink " + std::to_string(nvlink_generation);
  return "PCIe " + std::to_string(pcie_generation) + " x" + std::to_string(pcie_lanes);
}

}  // namespace orrery
