// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/core/random.h"
#include "sim/kv/block_pool.h"
#include "sim/policies/builtin.h"
#include "sim/workload/byte_source.h"
#include "sim/workload/trace_formats.h"

namespace orrery::bench {
namespace {

constexpr std::int32_t kBlockTokens = 16;
constexpr std::int32_t kIdTokens = 512;

std::vector<Request> recorded(const std::filesystem::path& path) {
  std::vector<Request> requests;
  for (const TraceFormat& format : trace_formats()) {
    if (format.name != "mooncake") continue;
    const auto rows = format.open(LineReader(open_file(path), path.string()), {});
    for (TraceRow row; rows->next(row); row.clear()) {
      Request request;
      request.id = RequestId{static_cast<std::uint32_t>(requests.size())};
      request.input_tokens = row.input_tokens;
      std::int32_t left = row.input_tokens;
      for (const std::uint64_t id : row.hash_ids) {
        const std::int32_t tokens = std::min(left, kIdTokens);
        request.prompt.push_back({hashed_content(0, id), tokens});
        left -= tokens;
      }
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

/// About the shape of the recorded one: 24 ids a prompt, of which a third continue an earlier
/// prompt.
std::vector<Request> invented() {
  RandomStream random(0, "bench", "mooncake-like");
  std::vector<Request> requests;
  std::uint64_t ids = 0;
  for (std::uint32_t i = 0; i < 12'000; ++i) {
    Request request;
    request.id = RequestId{i};
    if (i > 0 && random.uniform() < 0.5) request.prompt = requests[random.below(i)].prompt;
    const std::uint64_t more = 1 + random.below(24);
    for (std::uint64_t k = 0; k < more; ++k) {
      request.prompt.push_back({hashed_content(0, ids++), kIdTokens});
    }
    request.input_tokens = static_cast<std::int32_t>(request.prompt.size()) * kIdTokens;
    requests.push_back(std::move(request));
  }
  return requests;
}

std::vector<Request> mooncake() {
  const char* shared = std::getenv("ORRERY_SHARED");
  const std::filesystem::path path =
      std::filesystem::path(shared == nullptr ? "../shared" : shared) /
      "traces/mooncake-fast25/conversation_trace.jsonl";
  return std::filesystem::exists(path) ? recorded(path) : invented();
}

/// Every prompt of the Mooncake conversation trace (or of one like it) through the block pool: look
/// up, hold the hits, allocate and publish the rest, release.
void prefix_cache(benchmark::State& state) {
  const std::vector<Request> requests = mooncake();
  const auto blocks = state.range(0);
  std::int64_t looked_up = 0;
  std::int64_t hits = 0;
  std::vector<BlockId> table;
  for (auto _ : state) {
    BlockPool pool({.blocks = blocks},
                   builtin().eviction.at("lru").prepare()->make(static_cast<std::size_t>(blocks)));
    for (const Request& request : requests) {
      const std::int32_t full = (request.input_tokens - 1) / kBlockTokens;
      const auto match = pool.match(request, full, kBlockTokens, table);
      looked_up += full;
      hits += match.blocks;
      pool.hold(table, Instant());
      const std::int32_t missing = full - match.blocks;
      pool.allocate(missing, table, Instant());
      KeyCursor keys(request, kBlockTokens);
      for (std::int32_t skipped = 0; skipped < match.blocks;) {
        skipped += static_cast<std::int32_t>(
            keys.next(request, static_cast<std::uint32_t>(match.blocks - skipped)).count);
      }
      pool.publish(request, keys, table.data() + match.blocks, missing);
      pool.release(table, Instant());
    }
  }
  state.counters["hit_ratio"] = static_cast<double>(hits) / static_cast<double>(looked_up);
  state.counters["per_block"] = benchmark::Counter(
      static_cast<double>(looked_up), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(prefix_cache)
    ->ArgName("blocks")
    ->Arg(8'192)
    ->Arg(56'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery::bench
