// SPDX-License-Identifier: Apache-2.0
//
// What a GPU is, as far as its datasheet, its driver and a few stated assumptions tell. Each
// section carries the text of its sources, because a figure without one cannot be checked.
#ifndef ORRERY_SIM_HARDWARE_GPU_H_
#define ORRERY_SIM_HARDWARE_GPU_H_

#include <cstdint>
#include <optional>
#include <string>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/gpu_memory/memory_system.h"
#include "sim/hardware/step_law.h"

namespace orrery {

struct GpuMemory {
  /// What is printed on the box.
  Bytes capacity;
  /// What the driver says there is (`total_memory`), which engines multiply by their utilisation.
  Bytes driver_total;
  Bandwidth bandwidth;
  Bytes l2;
  std::string sources;
  void describe(Describer& d);
};

/// Dense rates, without structured sparsity. Absent: the part has no such units.
struct GpuCompute {
  std::int64_t sms = 0;
  Frequency boost_clock;
  double tdp_watts = 0;
  std::optional<ComputeRate> fp32, tf32, bf16, fp16, fp8, int8, fp4;
  std::string sources;
  void describe(Describer& d);
};

struct GpuLinks {
  /// 0 where the part has no NVLink.
  std::int64_t nvlink_generation = 0;
  /// To all peers together, in one direction.
  std::optional<Bandwidth> nvlink;
  std::int64_t pcie_generation = 0;
  std::int64_t pcie_lanes = 0;
  std::string sources;
  void describe(Describer& d);

  /// One direction, after 128b/130b line coding (PCIe 6 keeps it as a stand-in for its flits).
  [[nodiscard]] Bandwidth pcie() const;
  /// What GPUs of one machine talk over: NVLink where there is one, else PCIe.
  [[nodiscard]] Bandwidth peer() const;
  [[nodiscard]] std::string peer_name() const;
};

struct GpuLaunch {
  /// What each kernel costs on the device besides its work: start, drain, gap to its neighbour.
  Duration kernel;
  /// Host time of one launch outside a graph; a step cannot be shorter than its launches.
  Duration launch;
  /// Host time of one graph replay.
  Duration graph_replay;
  std::string sources;
  void describe(Describer& d);
};

/// Shares of the peaks that real kernels reach. Assumptions, one number for all shapes: the
/// calibrated rung replaces them.
struct GpuRoofline {
  double gemm = 0;
  double attention = 0;
  /// Weights and activations streamed from memory.
  double memory = 0;
  /// KV gathered by decode attention.
  double kv_read = 0;
  double link = 0;
  /// What an all-reduce costs besides its bytes: one barrier (each rank reads all), or a reduce
  /// and a gather with a barrier each.
  Duration one_shot_all_reduce;
  Duration two_shot_all_reduce;
  std::string sources;
  void describe(Describer& d);
};

/// Memory that is neither weights nor tensors.
struct GpuRuntime {
  /// Libraries and kernels loaded after the engine took its first look at free memory.
  Bytes non_torch;
  /// More of it where ranks talk: communicator and all-reduce buffers.
  Bytes communicator;
  std::string sources;
  void describe(Describer& d);
};

/// The machines that the part is sold in.
struct GpuHost {
  /// CPU times there, relative to those of H100's hosts, which the engines' times are of.
  double time_factor = 1;
  std::string sources;
  void describe(Describer& d);
};

struct GpuSpec {
  std::string name;
  GpuMemory memory;
  GpuCompute compute;
  GpuLinks links;
  GpuLaunch launch;
  GpuRoofline roofline;
  GpuRuntime runtime;
  /// Absent: hosts like H100's.
  std::optional<GpuHost> host;
  /// What its memory is made of; without it memory cannot be clocked.
  std::optional<gpu_memory::MemorySystemOptions> memory_system;
  /// The file of kernel fits, found beside the one that names it; empty: not calibrated.
  std::string calibration;
  /// Tokens of a KV block in the attention kernels that were measured for it.
  std::optional<std::int64_t> calibration_kv_block;
  std::string calibration_kv_block_sources;
  /// What steps cost by a log of them, instead of any kernel.
  std::optional<StepLaw> steps;

  void describe(Describer& d);
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_GPU_H_
