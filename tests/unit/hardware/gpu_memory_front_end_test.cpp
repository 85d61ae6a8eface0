// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/front_end.h"

#include <doctest/doctest.h>

namespace orrery::gpu_memory {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

/// Round figures, so that the expected ones can be seen.
FrontEndOptions front_end() {
  FrontEndOptions options;
  options.dram_latency = nanoseconds(400);
  options.l2_latency = nanoseconds(200);
  options.bytes_in_flight = Bytes(32000);
  options.sm_bandwidth = Bandwidth::per_second(100'000'000'000);
  options.l2_bandwidth = Bandwidth::per_second(5'000'000'000'000);
  options.page = Bytes(2 << 20);
  options.tlb_reach = Bytes(64 * kGiB);
  options.tlb_miss = nanoseconds(500);
  options.tlb_walks = 100;
  return options;
}

constexpr FrontEndGpu kGpu{100, Bytes(64 << 20), 128 * kGiB};

Pattern random(std::int64_t granule, std::int64_t span, std::int64_t requesters = 100) {
  Stream stream;
  stream.kind = StreamKind::kRandom;
  stream.granule = granule;
  stream.span = span;
  return canonical({{stream}, requesters, 32000}, kGpu.memory_bytes);
}

Pattern sequential(std::int64_t span, std::int64_t requesters = 100) {
  Stream stream;
  stream.span = span;
  return canonical({{stream}, requesters, 32000}, kGpu.memory_bytes);
}

TEST_CASE("few SMs get what they keep in flight over the latency") {
  // Little's law: 1 x 32000 B in 400 ns are 80 GB/s; an SM would take in 100.
  const FrontEndBounds one = bounds_of(sequential(0, 1), front_end(), kGpu);
  CHECK(one.in_flight == doctest::Approx(80e9));
  CHECK(one.least() == doctest::Approx(80e9));
  CHECK(one.which() == "bytes in flight");
  CHECK(one.latency == nanoseconds(400));
  // 100 of them: 8 TB/s, more than L2 hands out.
  const FrontEndBounds all = bounds_of(sequential(0), front_end(), kGpu);
  CHECK(all.in_flight == doctest::Approx(8e12));
  CHECK(all.least() == doctest::Approx(5e12));
  CHECK(all.which() == "L2");
}

TEST_CASE("an SM takes in no more than its port does") {
  // With 80000 B in flight one SM could have 200 GB/s.
  FrontEndOptions options = front_end();
  Pattern pattern = sequential(0, 1);
  pattern.bytes_in_flight = 80000;
  const FrontEndBounds bounds = bounds_of(pattern, options, kGpu);
  CHECK(bounds.in_flight == doctest::Approx(200e9));
  CHECK(bounds.least() == doctest::Approx(100e9));
  CHECK(bounds.which() == "SM ports");
}

TEST_CASE("of a random region the share that fits is hit in L2") {
  // 64 of 256 MiB: a quarter hits, three quarters of the bytes come from DRAM; a load takes
  // 0.25 x 200 + 0.75 x 400 ns.
  const FrontEndBounds bounds = bounds_of(random(128, 256 << 20), front_end(), kGpu);
  CHECK(bounds.dram_per_byte == doctest::Approx(0.75));
  CHECK(bounds.latency == nanoseconds(350));
}

TEST_CASE("a region gone over in turn is in L2 as a whole or not at all") {
  CHECK(bounds_of(sequential(64 << 20), front_end(), kGpu).dram_per_byte == 0);
  CHECK(bounds_of(sequential(128 << 20), front_end(), kGpu).dram_per_byte == 1);
  // Of a stride of 4 KiB only 32 B each take room: 8 GiB of it fit into 64 MiB.
  Stream stride;
  stride.kind = StreamKind::kStrided;
  stride.granule = 32;
  stride.stride = 4096;
  stride.span = 8 * kGiB;
  const Pattern fits = canonical({{stride}, 100, 32000}, kGpu.memory_bytes);
  CHECK(bounds_of(fits, front_end(), kGpu).dram_per_byte == 0);
  stride.span = 16 * kGiB;
  const Pattern wide = canonical({{stride}, 100, 32000}, kGpu.memory_bytes);
  CHECK(bounds_of(wide, front_end(), kGpu).dram_per_byte == 1);
}

TEST_CASE("less than a sector costs a sector") {
  // 8 B of each 32 B sector: DRAM, L2 and what is in flight move four bytes for each useful one.
  const FrontEndBounds bounds = bounds_of(random(8, 16 * kGiB), front_end(), kGpu);
  CHECK(bounds.dram_per_byte == doctest::Approx(4).epsilon(0.01));
  CHECK(bounds.l2 == doctest::Approx(5e12 / 4));
  CHECK(bounds.in_flight == doctest::Approx(2e12).epsilon(0.01));
}

TEST_CASE("beyond its reach the TLB costs latency and rate") {
  // All 128 GiB of memory with a reach of 64: every second visit misses. 100 walks of 500 ns each
  // are 200 M a second, so 400 M visits; of 128 B each: 51.2 GB/s.
  const FrontEndBounds bounds = bounds_of(random(128, 0), front_end(), kGpu);
  CHECK(bounds.tlb == doctest::Approx(51.2e9));
  CHECK(bounds.which() == "TLB");
  // 400 ns, less the L2's hits of 1/2048 x 200, and half of 500 ns.
  CHECK(to_seconds(bounds.latency) == doctest::Approx(649.9e-9).epsilon(1e-3));
  // Within the reach it costs nothing, and a block of 32 KiB is one visit.
  CHECK(bounds_of(random(128, 32 * kGiB), front_end(), kGpu).tlb == 0);
  Stream blocks;
  blocks.kind = StreamKind::kGathered;
  blocks.granule = 128;
  blocks.block = 32768;
  const Pattern gather = canonical({{blocks}, 100, 32000}, kGpu.memory_bytes);
  CHECK(bounds_of(gather, front_end(), kGpu).tlb == doctest::Approx(400e6 * 32768));
  // What is gone over in turn needs one page after the other.
  CHECK(bounds_of(sequential(0), front_end(), kGpu).tlb == 0);
}

}  // namespace
}  // namespace orrery::gpu_memory
