// SPDX-License-Identifier: Apache-2.0
//
// Prefix reuse in recorded traces, through the pool that serves requests, against published-trace
// statistics computed elsewhere (prefix_stats.csv of the shared folder says how: all blocks of a
// request are looked up head to tail, the hit is the longest run from the first; then each block is
// touched or inserted, head to tail, in one LRU).
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sim/kv/block_pool.h"
#include "sim/policies/builtin.h"
#include "sim/workload/byte_source.h"
#include "sim/workload/trace_formats.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t kBlockTokens = 512;

fs::path shared_folder() {
  const char* named = std::getenv("ORRERY_SHARED");
  return named != nullptr && *named != '\0' ? fs::path(named)
                                            : fs::path(ORRERY_SOURCE_DIR) / "../shared";
}

std::vector<std::vector<std::uint64_t>> read_ids(const fs::path& path) {
  for (const TraceFormat& format : trace_formats()) {
    if (format.name != "mooncake") continue;
    const auto rows = format.open(LineReader(open_file(path), path.string()), {});
    std::vector<std::vector<std::uint64_t>> ids;
    for (TraceRow row; rows->next(row); row.clear()) ids.push_back(row.hash_ids);
    return ids;
  }
  return {};
}

/// One block as a sequence of its own: the published ids already stand for whole prefixes.
class PrefixDrive {
 public:
  explicit PrefixDrive(std::int64_t blocks)
      : pool_({.blocks = blocks},
              builtin().eviction.at("lru").prepare()->make(static_cast<std::size_t>(blocks))) {}

  void serve(const std::vector<std::uint64_t>& ids) {
    referenced_ += static_cast<std::int64_t>(ids.size());
    bool run = true;
    for (const std::uint64_t id : ids) {
      run = run && find(id);
      hits_ += run ? 1 : 0;
    }
    for (const std::uint64_t id : ids) touch(id);
  }

  [[nodiscard]] double hit_ratio() const {
    return static_cast<double>(hits_) / static_cast<double>(referenced_);
  }

 private:
  bool find(std::uint64_t id) {
    block_.prompt.assign(1, {hashed_content(0, id), kBlockTokens});
    return pool_.match(block_, 1, kBlockTokens, table_).blocks == 1;
  }

  void touch(std::uint64_t id) {
    if (find(id)) {
      pool_.hold(table_, Instant());
    } else {
      KeyCursor keys(block_, kBlockTokens);
      pool_.allocate(1, table_, Instant());
      pool_.publish(block_, keys, table_.data(), 1);
    }
    pool_.release(table_, Instant());
  }

  BlockPool pool_;
  Request block_;
  std::vector<BlockId> table_;
  std::int64_t hits_ = 0;
  std::int64_t referenced_ = 0;
};

/// Column name to value, of the row whose first column is `trace`.
std::map<std::string, double> expected_row(const fs::path& path, const std::string& trace) {
  std::ifstream file(path);
  std::string header;
  std::getline(file, header);
  std::map<std::string, double> row;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(trace + ",")) continue;
    std::istringstream names(header);
    std::istringstream values(line);
    std::string name;
    std::string value;
    while (std::getline(names, name, ',') && std::getline(values, value, ',')) {
      if (name.ends_with('\r')) name.pop_back();
      if (name != "trace") row[name] = std::stod(value);
    }
  }
  return row;
}

void check_trace(const std::string& name, const std::string& file) {
  const fs::path traces = shared_folder() / "traces";
  if (!fs::exists(traces / "prefix_stats.csv")) {
    std::puts("ORRERY_TEST_SKIPPED no traces in ORRERY_SHARED");
    return;
  }
  const auto expected = expected_row(traces / "prefix_stats.csv", name);
  const auto requests = read_ids(traces / "mooncake-fast25" / file);
  REQUIRE(!requests.empty());
  struct Size {
    std::int64_t blocks;
    const char* column;
  };
  constexpr std::array<Size, 5> kSizes = {{{1'000, "lru_hit_1000blk"},
                                           {5'000, "lru_hit_5000blk"},
                                           {10'000, "lru_hit_10000blk"},
                                           {50'000, "lru_hit_50000blk"},
                                           {200'000, "prefix_hit_ratio_infinite_cache"}}};
  for (const Size& size : kSizes) {
    PrefixDrive drive(size.blocks);
    for (const auto& ids : requests) drive.serve(ids);
    INFO(name, " with ", size.blocks, " blocks");
    // The bar is a tenth of a percentage point.
    CHECK(std::abs(drive.hit_ratio() - expected.at(size.column)) < 0.001);
  }
}

TEST_CASE("block-LRU hit ratios of the Mooncake conversation trace") {
  check_trace("mooncake-conversation", "conversation_trace.jsonl");
}

TEST_CASE("block-LRU hit ratios of the Mooncake synthetic trace") {
  check_trace("mooncake-synthetic", "synthetic_trace.jsonl");
}

}  // namespace
}  // namespace orrery
