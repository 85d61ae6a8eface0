// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "sim/hardware/gpu_memory/access_stream.h"
#include "sim/hardware/gpu_memory/pattern.h"

namespace orrery::gpu_memory {
namespace {

constexpr std::int64_t kMemory = std::int64_t{1} << 36;
constexpr Accesses kAccesses{std::uint64_t{1} << 31, 32};

Stream gathered(std::int64_t block, std::int64_t granule, std::int64_t stride) {
  Stream stream;
  stream.kind = StreamKind::kGathered;
  stream.block = block;
  stream.granule = granule;
  stream.stride = stride;
  return stream;
}

Pattern of(std::vector<Stream> streams, std::int64_t requesters = 132) {
  return canonical({std::move(streams), requesters, 32768}, kMemory);
}

TEST_CASE("patterns that do the same are one pattern") {
  Stream k = gathered(32768, 256, 2048);
  Stream v = k;
  k.share = 25;
  v.share = 25;
  Stream written;
  written.reads = 0;
  written.share = 50;
  // Two equal streams are one; order says nothing; shares are percent of their sum.
  CHECK(of({k, v, written}) == of({written, v, k}));
  REQUIRE(of({k, v, written}).streams.size() == 2);
  CHECK(of({k, v}).streams[0].share == 100);
  CHECK(text_of(of({k, v})) ==
        "gather 32768 B blocks, 256 B every 2048 B, 100 % read; 132 x 32768 B in flight");
  // A region of 3 GiB is met like one of 4; one of all the memory is the memory.
  k.span = std::int64_t{3} << 30;
  CHECK(of({k}).streams[0].span == std::int64_t{4} << 30);
  k.span = kMemory - 1;
  CHECK(of({k}).streams[0].span == 0);
  // A sequential stream has no stride.
  Stream sequential;
  sequential.stride = 999;
  CHECK(of({sequential}) == of({Stream()}));
  // 1 : 1 : 1 are 34, 33 and 33 %.
  Stream a, b, c;
  a.granule = 32;
  b.granule = 64;
  CHECK(of({a, b, c}).streams[0].share + of({a, b, c}).streams[1].share +
            of({a, b, c}).streams[2].share ==
        100);
}

TEST_CASE("what is no pattern is refused") {
  CHECK_THROWS_AS(of({}), std::invalid_argument);
  CHECK_THROWS_AS(of({Stream()}, 0), std::invalid_argument);
  CHECK_THROWS_AS(of({gathered(32768, 256, 1000)}), std::invalid_argument);
  CHECK_THROWS_AS(of({gathered(1000, 256, 256)}), std::invalid_argument);
  CHECK_THROWS_AS(of({gathered(kMemory, 256, 256)}), std::invalid_argument);
  Stream odd;
  odd.granule = 48;
  CHECK_THROWS_AS(of({odd}), std::invalid_argument);
  Stream none;
  none.reads = 101;
  CHECK_THROWS_AS(of({none}), std::invalid_argument);
}

TEST_CASE("a stream in order is met in order, whoever asks") {
  AccessStream stream(of({Stream()}), kAccesses, 7);
  std::vector<std::uint64_t> met;
  for (int i = 0; i < 1000; ++i) {
    stream.step([&](std::uint64_t access, bool) { met.push_back(access); });
  }
  // 128 B are 4 accesses. Each requester took a granule when the stream began: those are met when
  // it is asked first, so that the order is that of the front but for 132 granules.
  REQUIRE(met.size() == 4000);
  std::vector<std::uint64_t> sorted = met;
  std::sort(sorted.begin(), sorted.end());
  CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
  CHECK(sorted.back() - sorted.front() < 4000 + 132 * 4);
}

TEST_CASE("KV heads share a block, and read all of it once") {
  // 8 heads of 256 B: 2048 B a token; 16 tokens: 1024 accesses a block. 8 requesters go together,
  // so that 16 steps from a block's begin on read it, and nothing else.
  AccessStream stream(of({gathered(32768, 256, 2048)}, 8), kAccesses, 1);
  std::vector<std::uint64_t> met;
  for (int i = 0; i < 64; ++i) {
    stream.step([&](std::uint64_t access, bool) { met.push_back(access); });
  }
  REQUIRE(met.size() == 64 * 64);
  // Of 64 steps at least 3 blocks were met from begin to end.
  std::map<std::uint64_t, std::set<std::uint64_t>> blocks;
  for (const std::uint64_t access : met) blocks[access / 1024].insert(access % 1024);
  const auto whole = std::count_if(blocks.begin(), blocks.end(),
                                   [](const auto& block) { return block.second.size() == 1024; });
  CHECK(whole >= 3);
  CHECK(blocks.size() <= 5);
}

TEST_CASE("a share of the blocks is written, in the other half of the region") {
  Stream copy;
  copy.reads = 75;
  copy.span = 1 << 20;
  AccessStream stream(of({copy}), kAccesses, 3);
  std::int64_t reads = 0;
  std::int64_t writes = 0;
  std::uint64_t least_written = UINT64_MAX;
  std::uint64_t last_read = 0;
  for (int i = 0; i < 40000; ++i) {
    stream.step([&](std::uint64_t access, bool write) {
      ++(write ? writes : reads);
      // The region begins at a multiple of its size.
      const std::uint64_t at = access % ((1U << 20) / 32);
      if (write) least_written = std::min(least_written, at);
      if (!write) last_read = std::max(last_read, at);
    });
  }
  CHECK(static_cast<double>(writes) / static_cast<double>(reads + writes) ==
        doctest::Approx(0.25).epsilon(0.02));
  CHECK(last_read < (1U << 19) / 32);
  CHECK(least_written >= (1U << 19) / 32);
}

TEST_CASE("streams have their shares of the bytes") {
  Stream large = gathered(32768, 1024, 1024);
  large.share = 75;
  Stream small = gathered(65536, 32, 32);
  small.share = 25;
  small.span = 1 << 20;  // tells the two apart: it lies in one region of 1 MiB
  AccessStream stream(of({large, small}), kAccesses, 3);
  std::map<std::uint64_t, std::int64_t> by_region;
  std::int64_t all = 0;
  for (int i = 0; i < 50000; ++i) {
    stream.step([&](std::uint64_t access, bool) {
      ++by_region[access / ((1U << 20) / 32)];
      ++all;
    });
  }
  std::int64_t most = 0;
  for (const auto& region : by_region) most = std::max(most, region.second);
  CHECK(static_cast<double>(most) / static_cast<double>(all) ==
        doctest::Approx(0.25).epsilon(0.05));
}

TEST_CASE("the seed alone decides where a stream goes") {
  const auto met = [](std::uint64_t seed) {
    AccessStream stream(of({gathered(4096, 128, 128)}), kAccesses, seed);
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 100; ++i) {
      stream.step([&](std::uint64_t access, bool) { all.push_back(access); });
    }
    return all;
  };
  CHECK(met(1) == met(1));
  CHECK(met(1) != met(2));
}

}  // namespace
}  // namespace orrery::gpu_memory
