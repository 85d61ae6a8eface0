// SPDX-License-Identifier: Apache-2.0
#include "models/operators/memory_rates.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace orrery {
namespace {

using gpu_memory::Pattern;
using gpu_memory::Rate;
using gpu_memory::Rates;
using gpu_memory::Stream;
using gpu_memory::StreamKind;

/// A warp's load of 4 B a thread.
constexpr std::int64_t kWarpLoad = 128;
constexpr std::int64_t kContiguousTokens = 2048;

Pattern on_sms(const Rates& gpu, std::vector<Stream> streams, std::int64_t sms) {
  return {std::move(streams), sms, gpu.bytes_in_flight()};
}

Stream in_order() {
  Stream stream;
  stream.granule = kWarpLoad;
  return stream;
}

/// A region that L2 does not hold and the TLB does.
std::int64_t region_of(const Rates& gpu, const KvLayout& layout) {
  return std::min(layout.cache.count(), gpu.tlb_reach());
}

MemoryRates::Line line_of(std::string what, const Pattern& pattern, Rates& gpu) {
  const Rate& rate = gpu.rate(pattern);
  return {std::move(what),
          text_of(canonical(pattern, gpu.memory_bytes())),
          rate.bytes_per_second,
          rate.low,
          rate.high,
          rate.bound};
}

/// DRAM is asked for a quarter, half and all of the SMs, with straight lines between them and the
/// quarter's for fewer; what so many SMs take in bounds each.
std::vector<Bandwidth> kv_reads(Rates& gpu, const KvLayout& layout) {
  const std::int64_t all = gpu.sms();
  std::vector<std::int64_t> asked = {std::max<std::int64_t>(1, all / 4), (all + 1) / 2, all};
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  std::vector<double> rates;
  for (const std::int64_t sms : asked) {
    rates.push_back(static_cast<double>(
        gpu.rate(kv_read_pattern(gpu, layout, sms)).bytes_per_second.units_per_second()));
  }
  std::vector<Bandwidth> result;
  std::size_t above = 0;
  for (std::int64_t n = 1; n <= all; ++n) {
    while (asked[above] < n) ++above;
    double rate = rates[above];
    if (above > 0) {
      const auto step = static_cast<double>(asked[above] - asked[above - 1]);
      rate += (rates[above - 1] - rate) * static_cast<double>(asked[above] - n) / step;
    }
    const double bound = gpu.front_end_bound(kv_read_pattern(gpu, layout, n));
    result.push_back(Bandwidth::per_second(static_cast<std::int64_t>(std::min(rate, bound))));
  }
  return result;
}

double terabytes(Bandwidth rate) { return static_cast<double>(rate.units_per_second()) * 1e-12; }

std::string range_of(const MemoryRates::Line& line) {
  return fmt::format("{:.2f}..{:.2f} TB/s", terabytes(line.low), terabytes(line.high));
}

}  // namespace

Pattern weight_pattern(const Rates& gpu) { return on_sms(gpu, {in_order()}, gpu.sms()); }

Pattern activation_pattern(const Rates& gpu) {
  Stream stream = in_order();
  stream.reads = 50;
  return on_sms(gpu, {stream}, gpu.sms());
}

Pattern kv_read_pattern(const Rates& gpu, const KvLayout& layout, std::int64_t sms) {
  Stream stream;
  stream.kind = StreamKind::kGathered;
  stream.granule = layout.head_bytes();
  stream.stride = layout.token_bytes();
  stream.block = layout.block_tokens * layout.token_bytes();
  stream.span = region_of(gpu, layout);
  return on_sms(gpu, {stream}, sms);
}

Pattern contiguous_kv_read_pattern(const Rates& gpu, KvLayout layout, std::int64_t sms) {
  layout.block_tokens = kContiguousTokens;
  return kv_read_pattern(gpu, layout, sms);
}

Pattern kv_write_pattern(const Rates& gpu, const KvLayout& layout) {
  Stream fresh = in_order();
  Stream kept;
  kept.kind = StreamKind::kGathered;
  kept.granule = std::min(kWarpLoad, layout.token_bytes());
  kept.block = layout.token_bytes();
  kept.span = region_of(gpu, layout);
  kept.reads = 0;
  // Activations have 2 B an element.
  fresh.share = 2;
  kept.share = static_cast<int>(layout.element_bytes);
  return on_sms(gpu, {fresh, kept}, gpu.sms());
}

MemoryRates measured_memory_rates(const GpuSpec& gpu, bool kernels_measured) {
  if (!gpu.memory_system || !gpu.memory_system->measured_stream) {
    throw std::invalid_argument("no memory rate of " + gpu.name + " was measured; " +
                                "roofline and clocked need none");
  }
  if (!kernels_measured) {
    throw std::invalid_argument("no rate of paged KV reads of " + gpu.name +
                                " was measured apart from its kernels: with compute: roofline, " +
                                "memory is roofline or clocked");
  }
  MemoryRates rates;
  rates.weights = rates.activations = rates.kv_write = *gpu.memory_system->measured_stream;
  // Kernels that were measured contain their reads; nothing asks for these.
  rates.kv_read = {rates.weights};
  rates.measured_kv_read = rates.weights;
  rates.basis = fmt::format("memory as measured: {:.2f} TB/s streamed", terabytes(rates.weights));
  return rates;
}

MemoryRates clocked_memory_rates(Rates& gpu, const KvLayout& layout,
                                 std::optional<std::int64_t> measured_block_tokens) {
  MemoryRates rates;
  const Pattern kv_read = kv_read_pattern(gpu, layout, gpu.sms());
  // Measured kernels say themselves what they do on fewer SMs.
  rates.kv_read = measured_block_tokens ? std::vector{gpu.rate(kv_read).bytes_per_second}
                                        : kv_reads(gpu, layout);
  rates.lines = {
      line_of("weights", weight_pattern(gpu), gpu),
      line_of("activations", activation_pattern(gpu), gpu), line_of("KV read", kv_read, gpu),
      line_of("KV write", kv_write_pattern(gpu, layout), gpu),
      line_of("KV if contiguous", contiguous_kv_read_pattern(gpu, layout, gpu.sms()), gpu)};
  rates.weights = rates.lines[0].rate;
  rates.activations = rates.lines[1].rate;
  rates.kv_write = rates.lines[3].rate;
  if (measured_block_tokens) {
    KvLayout measured = layout;
    measured.block_tokens = *measured_block_tokens;
    rates.lines.push_back(
        line_of("KV read as measured", kv_read_pattern(gpu, measured, gpu.sms()), gpu));
    rates.measured_kv_read = rates.lines.back().rate;
  }
  rates.patterns = static_cast<std::int64_t>(gpu.answers().size());
  rates.basis =
      fmt::format("memory clocked, {} patterns, {}: weights {}, KV read {}", rates.patterns,
                  gpu.map_is_inferred() ? fmt::format("range over {} maps", gpu.maps().size())
                                        : "fitted address map",
                  range_of(rates.lines[0]), range_of(rates.lines[2]));
  return rates;
}

}  // namespace orrery
