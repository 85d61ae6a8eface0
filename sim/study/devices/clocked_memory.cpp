// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/clocked_memory.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "sim/study/devices/memory_run.h"
#include "sim/study/host_clock.h"

namespace orrery {
namespace {

using gpu_memory::Pattern;
using gpu_memory::Stream;
using gpu_memory::StreamKind;

/// Of KV, where nothing says how much: half of the memory.
Bytes usual_cache(const gpu_memory::Rates& gpu) { return Bytes(gpu.memory_bytes() / 2); }

Pattern on_all_sms(const gpu_memory::Rates& gpu, const Stream& stream) {
  return {{stream}, gpu.sms(), gpu.bytes_in_flight()};
}

Stream random_of(std::int64_t granule) {
  Stream stream;
  stream.kind = StreamKind::kRandom;
  stream.granule = granule;
  // Within the TLB's reach on every GPU that is shipped.
  stream.span = std::int64_t{16} << 30;
  return stream;
}

Stream strided_of(std::int64_t stride) {
  Stream stream;
  stream.kind = StreamKind::kStrided;
  stream.granule = 32;
  stream.stride = stride;
  return stream;
}

/// As 256 threads of 16 B each take it: a warp asks for 512 B.
Stream tiled() {
  Stream stream;
  stream.granule = 512;
  stream.block = 4096;
  return stream;
}

void add(PatternReport& report, std::string what, const Pattern& pattern,
         gpu_memory::Rates& rates) {
  report.entries.push_back(
      {std::move(what), text_of(canonical(pattern, rates.memory_bytes())), rates.rate(pattern)});
}

std::vector<PagingCost> paging_of(const KvLayout& layout, gpu_memory::Rates& rates) {
  const gpu_memory::Rate contiguous =
      rates.rate(contiguous_kv_read_pattern(rates, layout, rates.sms()));
  std::vector<PagingCost> costs;
  for (const std::int64_t tokens : {1, 8, 16, 32, 64, 128, 256}) {
    KvLayout own = layout;
    own.block_tokens = tokens;
    PagingCost cost;
    cost.block_tokens = tokens;
    cost.block_bytes = tokens * own.token_bytes();
    cost.rate = rates.rate(kv_read_pattern(rates, own, rates.sms()));
    for (std::size_t m = 0; m < cost.rate.maps.size(); ++m) {
      cost.cost.push_back(contiguous.maps[m].bytes_per_second / cost.rate.maps[m].bytes_per_second -
                          1);
    }
    costs.push_back(std::move(cost));
  }
  return costs;
}

}  // namespace

gpu_memory::Rates load_gpu_memory(const GpuSpec& gpu) {
  if (!gpu.memory_system) {
    throw std::invalid_argument(
        "clocked: " + gpu.name +
        " says nothing of its DRAM (memory_system); roofline needs nothing");
  }
  hbm::MemoryConfig device = load_memory(gpu.memory_system->device, {});
  if (device.ecc != hbm::Ecc::kNone) {
    throw std::invalid_argument("clocked: " + gpu.name + ": inline ECC of its DRAM (" +
                                gpu.memory_system->device + ") is for memory runs alone");
  }
  return {*gpu.memory_system, std::move(device), {gpu.compute.sms, gpu.memory.l2, 0}};
}

MemoryRates clock_memory(const GpuSpec& gpu, const KvLayout& layout, bool kernels_measured) {
  if (kernels_measured && !gpu.calibration_kv_block) {
    throw std::invalid_argument("clocked: " + gpu.name +
                                " does not say which KV blocks its kernels were measured with "
                                "(calibration_kv_block)");
  }
  gpu_memory::Rates rates = load_gpu_memory(gpu);
  return clocked_memory_rates(rates, layout,
                              kernels_measured ? gpu.calibration_kv_block : std::nullopt);
}

PatternReport report_patterns(const GpuSpec& gpu, const ModelCard& model) {
  gpu_memory::Rates rates = load_gpu_memory(gpu);
  PatternReport report;
  report.gpu = gpu.name;
  report.device = rates.dram().device().name;
  report.peak_bytes_per_second = rates.peak_bytes_per_second();
  report.maps = rates.maps();
  report.map_is_inferred = rates.map_is_inferred();
  report.measured_stream = gpu.memory_system->measured_stream;
  report.layout = {16, model.kv_heads, model.head_dim, 2, usual_cache(rates)};
  add(report, "weights, streamed", weight_pattern(rates), rates);
  add(report, "weights, by 4 KiB tiles", on_all_sms(rates, tiled()), rates);
  add(report, "activations, copied", activation_pattern(rates), rates);
  add(report, "KV read, blocks of 16", kv_read_pattern(rates, report.layout, rates.sms()), rates);
  add(report, "KV read, contiguous", contiguous_kv_read_pattern(rates, report.layout, rates.sms()),
      rates);
  add(report, "KV write", kv_write_pattern(rates, report.layout), rates);
  add(report, "random 32 B", on_all_sms(rates, random_of(32)), rates);
  add(report, "random 128 B", on_all_sms(rates, random_of(128)), rates);
  add(report, "random 4 KiB", on_all_sms(rates, random_of(4096)), rates);
  add(report, "stride 4 KiB", on_all_sms(rates, strided_of(4096)), rates);
  report.paging = paging_of(report.layout, rates);
  report.cpu_s = host_usage().cpu_s;
  return report;
}

}  // namespace orrery
