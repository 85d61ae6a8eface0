// SPDX-License-Identifier: Apache-2.0
//
// One HBM3 channel under the three kinds of accesses, and a whole stack as a process serves it.
#include <benchmark/benchmark.h>

#include "sim/core/random.h"
#include "sim/hardware/hbm/memory_system.h"
#include "sim/study/devices/memory_run.h"

namespace orrery::bench {
namespace {

enum Kind : std::int64_t { kStream, kRandom, kMix };

/// 2^20 accesses of 8 GiB: in order; anywhere; half of them after the one before, 30 % writes.
hbm::MemoryTrace trace_of(std::int64_t kind) {
  RandomStream random(0, "bench", "hbm");
  constexpr std::uint64_t kBlocks = (std::uint64_t{8} << 30) / 32;
  hbm::MemoryTrace trace;
  trace.name = "bench";
  std::uint64_t block = 0;
  for (std::uint64_t i = 0; i < (std::uint64_t{1} << 20); ++i) {
    const bool next = kind == kStream || (kind == kMix && random.below(2) == 0);
    block = next ? (block + 1) % kBlocks : random.below(kBlocks);
    const bool write = kind == kMix && random.below(10) < 3;
    trace.accesses.push_back(block * 32 | (write ? hbm::MemoryTrace::kWrite : 0));
  }
  return trace;
}

void hbm3_stack(benchmark::State& state) {
  const char* controller = state.range(1) == 0 ? "controller=reference" : "controller=default";
  const char* feed = state.range(2) == 0 ? "feed=per-channel" : "feed=in-order";
  const hbm::MemoryConfig config = load_memory("hbm3-6400", {controller, feed});
  const hbm::MemoryTrace trace = trace_of(state.range(0));
  std::int64_t requests = 0;
  for (auto _ : state) {
    requests += hbm::serve(config, trace, std::nullopt, nullptr).requests();
  }
  state.counters["requests_per_s"] =
      benchmark::Counter(static_cast<double>(requests), benchmark::Counter::kIsRate);
}
BENCHMARK(hbm3_stack)
    ->ArgNames({"kind", "default", "in_order"})
    ->ArgsProduct({{kStream, kRandom, kMix}, {0, 1}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery::bench
