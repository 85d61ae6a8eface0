// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/rates.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/unit/hardware/hbm_world.h"

namespace orrery::gpu_memory {
namespace {

/// HBM3 6.4 Gb/s; a channel has 51.2 GB/s.
hbm::MemoryConfig memory(std::int64_t channels) {
  hbm::MemoryConfig config;
  config.device = hbm::testing::hbm3();
  config.device.geometry.channels = channels;
  return config;
}

MemorySystemOptions options(std::int64_t channels, const char* map) {
  MemorySystemOptions options;
  options.channels = channels;
  options.address_map = map;
  options.front_end.dram_latency = nanoseconds(400);
  options.front_end.l2_latency = nanoseconds(200);
  options.front_end.bytes_in_flight = Bytes(32768);
  options.front_end.sm_bandwidth = Bandwidth::per_second(100'000'000'000);
  options.front_end.l2_bandwidth = Bandwidth::per_second(5'000'000'000'000);
  options.front_end.page = Bytes(2 << 20);
  options.front_end.tlb_reach = Bytes(std::int64_t{64} << 30);
  options.front_end.tlb_miss = nanoseconds(500);
  options.front_end.tlb_walks = 128;
  return options;
}

constexpr FrontEndGpu kGpu{132, Bytes(50 << 20), 0};

Stream stream_of(StreamKind kind, std::int64_t granule, std::int64_t stride = 0,
                 std::int64_t block = 0) {
  Stream stream;
  stream.kind = kind;
  stream.granule = granule;
  stream.stride = stride;
  stream.block = block;
  return stream;
}

Pattern on_all(const Stream& stream) { return {{stream}, 132, 32768}; }

double sampled_share(const DramModel& model, const Stream& stream, const char* map) {
  const Pattern pattern = canonical(on_all(stream), model.memory_bytes());
  return model.sample(pattern, map, 1).bytes_per_second / model.device().peak_bytes_per_second();
}

TEST_CASE("loads of channels are counted, not drawn") {
  const hbm::Geometry geometry = memory(6).device.geometry;
  const GpuMap map("bgil", geometry);
  const auto heaviest = [&](const Stream& stream) {
    const Pattern pattern = canonical(on_all(stream), std::int64_t{1} << 34);
    const std::vector<double> loads = channel_loads(pattern, map, geometry);
    double total = 0;
    for (const double load : loads) total += load;
    return *std::max_element(loads.begin(), loads.end()) * 6 / total;
  };
  // bgil turns channels every 32 B. A stream and gathered blocks load all alike; a stride of
  // 2 x 32 B loads every second of 6 channels, one of 6 x 32 B a single one, and of 4 x 32 B those
  // that 4 k mod 6 reaches: 0, 4, 2.
  CHECK(heaviest(Stream()) == doctest::Approx(1));
  CHECK(heaviest(stream_of(StreamKind::kGathered, 256, 2048, 32768)) == doctest::Approx(1));
  CHECK(heaviest(stream_of(StreamKind::kStrided, 32, 64)) == doctest::Approx(2));
  CHECK(heaviest(stream_of(StreamKind::kStrided, 32, 192)) == doctest::Approx(6));
  CHECK(heaviest(stream_of(StreamKind::kStrided, 32, 128)) == doctest::Approx(2));
}

TEST_CASE("the heaviest channel bounds the time") {
  // Under bgil a stride over all 6 channels brings to channel 0 what a stream brings it, in that
  // order, and to the others nothing: a sixth of the stream's rate. Each is known to 1 %.
  const DramModel model(memory(6));
  const double stream = sampled_share(model, Stream(), "bgil");
  const double stride = sampled_share(model, stream_of(StreamKind::kStrided, 32, 192), "bgil");
  // Per-bank refresh leaves a stream at least 97 % of the peak.
  CHECK(stream >= 0.97);
  CHECK(stream <= 1.0);
  CHECK(stride * 6 == doctest::Approx(stream).epsilon(0.02));
}

TEST_CASE("single sectors are bound by activates") {
  // Each access activates a row. Four activates of a pseudo-channel take tFAW = 24 CK, so an access
  // at least 6 CK, of which its burst takes 2: a third of the peak. Refresh and chance leave 3.25
  // CK an access of the channel's two pseudo-channels, 0.308.
  const DramModel model(memory(4));
  for (const char* map : {"bgil", "hashed"}) {
    const double random = sampled_share(model, stream_of(StreamKind::kRandom, 32), map);
    CHECK(random <= 1.0 / 3);
    CHECK(random >= 0.30);
    // Blocks of one sector are the same thing.
    const double gathered = sampled_share(model, stream_of(StreamKind::kGathered, 32, 0, 32), map);
    CHECK(gathered == doctest::Approx(random).epsilon(0.02));
  }
}

TEST_CASE("a sample stands for the run in full") {
  // Few enough accesses for the fast suite, on 8 channels; in tests/validation more, on a whole
  // GPU. The run ends with its slowest channel: of 25000 accesses of a channel, in granules of 8,
  // that takes 1 % more than the mean; samples are good to 1 %.
  const DramModel model(memory(8));
  for (const Stream& stream :
       {stream_of(StreamKind::kSequential, 128), stream_of(StreamKind::kGathered, 256, 2048, 32768),
        stream_of(StreamKind::kRandom, 64)}) {
    const Pattern pattern = canonical(on_all(stream), model.memory_bytes());
    const double sample = model.sample(pattern, "hashed", 5).bytes_per_second;
    const double full = model.in_full(pattern, "hashed", 6, {4, 15'000}).bytes_per_second;
    CHECK(sample == doctest::Approx(full).epsilon(0.02));
  }
}

TEST_CASE("what was asked before does not matter, nor who asks") {
  const Pattern stream = on_all(Stream());
  const Pattern random = on_all(stream_of(StreamKind::kRandom, 32));
  Rates first(options(4, "hashed"), memory(1), kGpu);
  Rates second(options(4, "hashed"), memory(1), kGpu);
  const Rate a = first.rate(stream);
  const Rate b = first.rate(random);
  const Rate b_again = second.rate(random);
  const Rate a_again = second.rate(stream);
  CHECK(a.bytes_per_second == a_again.bytes_per_second);
  CHECK(a.low == a_again.low);
  CHECK(b.bytes_per_second == b_again.bytes_per_second);
  CHECK(b.high == b_again.high);
  // Remembered: the same answer, and no key more.
  CHECK(&first.rate(stream) == &first.rate(stream));
  CHECK(first.answers().size() == 2);
}

TEST_CASE("an inferred map is answered with the range over all named ones") {
  Rates inferred(options(4, "hashed"), memory(1), kGpu);
  const Rate& rate = inferred.rate(on_all(stream_of(StreamKind::kGathered, 256, 2048, 32768)));
  REQUIRE(rate.maps.size() == hbm::named_maps().size());
  CHECK(rate.maps[0].map == "hashed");
  CHECK(rate.bound == "DRAM");
  for (const MapRate& map : rate.maps) {
    CHECK(static_cast<double>(rate.low.units_per_second()) <= map.bytes_per_second);
    CHECK(static_cast<double>(rate.high.units_per_second()) + 1 >= map.bytes_per_second);
  }
  CHECK(rate.source.find("(inferred)") != std::string::npos);
  // A fitted one stands for itself: within its sample's 1 %.
  MemorySystemOptions fitted = options(4, "hashed");
  fitted.address_map_origin = MemorySystemOptions::MapOrigin::kFitted;
  Rates own(fitted, memory(1), kGpu);
  const Rate& alone = own.rate(on_all(stream_of(StreamKind::kGathered, 256, 2048, 32768)));
  CHECK(alone.maps.size() == 1);
  CHECK(alone.bytes_per_second == rate.bytes_per_second);
  CHECK(alone.low < alone.bytes_per_second);
  CHECK(static_cast<double>(alone.low.units_per_second()) >
        0.98 * static_cast<double>(alone.bytes_per_second.units_per_second()));
}

TEST_CASE("the front end bounds what DRAM would give") {
  Rates rates(options(4, "hashed"), memory(1), kGpu);
  // One SM with 2048 B in flight over 400 ns: 5.12 GB/s of the 205 that DRAM has.
  Pattern one = on_all(Stream());
  one.requesters = 1;
  one.bytes_in_flight = 2048;
  const Rate& few = rates.rate(one);
  CHECK(few.bytes_per_second == Bandwidth::per_second(5'120'000'000));
  CHECK(few.low == few.bytes_per_second);
  CHECK(few.bound == "bytes in flight");
  CHECK(few.start_up == nanoseconds(400));
  // In L2: no DRAM at all, 5 TB/s.
  Stream small;
  small.span = 32 << 20;
  const Rate& hit = rates.rate(on_all(small));
  CHECK(hit.bytes_per_second == Bandwidth::per_second(5'000'000'000'000));
  CHECK(hit.maps[0].dram.accesses == 0);
  // 8 B of each sector: a quarter of what 32 B get.
  const double eight =
      rates.rate(on_all(stream_of(StreamKind::kRandom, 8))).maps[0].bytes_per_second;
  const double whole =
      rates.rate(on_all(stream_of(StreamKind::kRandom, 32))).maps[0].bytes_per_second;
  CHECK(eight * 4 == doctest::Approx(whole).epsilon(0.02));
}

TEST_CASE("longer queues turn the bus less often") {
  // A bus that is turned for each queueful of writes gives a copy more where those are longer.
  Stream copy;
  copy.reads = 50;
  MemorySystemOptions longer = options(4, "hashed");
  longer.read_queue = 256;
  longer.write_queue = 256;
  const auto rate_of = [&copy](const MemorySystemOptions& options) {
    Rates rates(options, memory(1), kGpu);
    return rates.rate(on_all(copy)).maps[0].bytes_per_second;
  };
  CHECK(rate_of(longer) > 1.2 * rate_of(options(4, "hashed")));
}

TEST_CASE("a map that is none of the device's is refused") {
  CHECK_THROWS_AS(Rates(options(4, "nonsense"), memory(1), kGpu), std::invalid_argument);
}

}  // namespace
}  // namespace orrery::gpu_memory
