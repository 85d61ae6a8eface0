// SPDX-License-Identifier: Apache-2.0
#include "models/operators/memory_rates.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "models/operators/attention.h"
#include "models/operators/roofline.h"
#include "models/transformer/transformer.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

/// An eighth of an H100's channels, so that the test is quick.
gpu_memory::Rates small_memory() {
  hbm::MemoryConfig device;
  read(load_yaml(std::string(ORRERY_SOURCE_DIR) + "/configs/hardware/memory/hbm3-5236.yaml"),
       device);
  gpu_memory::MemorySystemOptions options;
  options.channels = 10;
  options.address_map = "hashed";
  options.front_end.dram_latency = nanoseconds(400);
  options.front_end.l2_latency = nanoseconds(200);
  options.front_end.bytes_in_flight = Bytes(4000);
  options.front_end.sm_bandwidth = Bandwidth::per_second(100'000'000'000);
  options.front_end.l2_bandwidth = Bandwidth::per_second(1'000'000'000'000);
  options.front_end.page = Bytes(2 << 20);
  options.front_end.tlb_reach = Bytes(std::int64_t{4} << 30);
  options.front_end.tlb_miss = nanoseconds(500);
  options.front_end.tlb_walks = 128;
  return {options, device, {130, Bytes(1 << 20), 0}};
}

/// llama-3.1-8b on one GPU.
KvLayout layout(std::int64_t block_tokens) {
  return {block_tokens, 8, 128, 2, Bytes(std::int64_t{8} << 30)};
}

MemoryRates round_rates() {
  MemoryRates rates;
  rates.weights = Bandwidth::per_second(2'000'000'000'000);
  rates.activations = Bandwidth::per_second(1'000'000'000'000);
  rates.kv_write = Bandwidth::per_second(500'000'000'000);
  for (std::int64_t sms = 1; sms <= 100; ++sms) {
    rates.kv_read.push_back(Bandwidth::per_second(sms * 10'000'000'000));
  }
  rates.basis = "as stated";
  return rates;
}

TEST_CASE("KV of a model is gathered by heads, tokens and blocks") {
  const gpu_memory::Rates gpu = small_memory();
  const gpu_memory::Pattern pattern = kv_read_pattern(gpu, layout(16), 130);
  REQUIRE(pattern.streams.size() == 1);
  // 128 elements of 2 B a head, 8 heads a token, 16 tokens a block, 4 GiB of TLB reach.
  CHECK(pattern.streams[0].granule == 256);
  CHECK(pattern.streams[0].stride == 2048);
  CHECK(pattern.streams[0].block == 32768);
  CHECK(pattern.streams[0].span == std::int64_t{4} << 30);
  CHECK(pattern.requesters == 130);
  CHECK(pattern.bytes_in_flight == 4000);
  // fp8 is half of all of that.
  KvLayout fp8 = layout(16);
  fp8.element_bytes = 1;
  CHECK(kv_read_pattern(gpu, fp8, 130).streams[0].block == 16384);
}

TEST_CASE("a few SMs get what they keep in flight, all of them what DRAM gives") {
  gpu_memory::Rates gpu = small_memory();
  const MemoryRates rates = clocked_memory_rates(gpu, layout(16), std::nullopt);
  REQUIRE(rates.kv_read.size() == 130);
  // 4000 B in 400 ns: 10 GB/s an SM (less a thousandth: L2 holds 1 MiB of the 4 GiB and answers
  // sooner); n of them n times that.
  const auto on = [&rates](std::size_t sms) {
    return static_cast<double>(rates.kv_read[sms - 1].units_per_second());
  };
  CHECK(on(1) == doctest::Approx(10e9).epsilon(0.001));
  CHECK(on(11) == doctest::Approx(110e9).epsilon(0.001));
  // Ten channels of 41.9 GB/s cannot give what 130 SMs would take.
  CHECK(on(130) < 419e9);
  CHECK(on(130) > 200e9);
  for (std::size_t sms = 2; sms <= 130; ++sms) CHECK(on(sms) >= 0.97 * on(sms - 1));
  // 32, 65 and 130 SMs; weights, activations, KV write and contiguous KV.
  CHECK(rates.patterns == 3 + 4);
  CHECK(rates.basis.find("memory clocked, 7 patterns, range over 3 maps") == 0);
}

TEST_CASE("measured kernels are asked about on all SMs only, in their blocks and in the run's") {
  gpu_memory::Rates gpu = small_memory();
  const MemoryRates rates = clocked_memory_rates(gpu, layout(16), 64);
  CHECK(rates.kv_read.size() == 1);
  CHECK(rates.measured_kv_read.has_value());
  // Weights, activations, KV read, written, contiguous, and as measured.
  CHECK(rates.patterns == 6);
  // The same blocks are the same pattern.
  gpu_memory::Rates again = small_memory();
  const MemoryRates same = clocked_memory_rates(again, layout(64), 64);
  CHECK(same.measured_kv_read == same.kv_read[0]);
  CHECK(same.patterns == 5);
}

TEST_CASE("a roofline with rates takes each use's own") {
  const MemoryRates rates = round_rates();
  const Roofline roofline(test::round_gpu(), WeightType::kBfloat16, &rates);
  // 2 MB at 2, 1 and 0.5 TB/s, and 2 us a kernel.
  CHECK(roofline.gemm(1, 2'000'000, 1).time == microseconds(3));
  CHECK(roofline.stream(2'000'000, 1).time == microseconds(4));
  CHECK(roofline.kv_write(2'000'000, 1).time == microseconds(6));
  // 1 MB of KV on 10 SMs at 0.1 TB/s, on 100 and more at 1 TB/s.
  CHECK(roofline.attention(1, 1'000'000, 0, 10).time == microseconds(10));
  CHECK(roofline.attention(1, 1'000'000, 0, 100).time == microseconds(1));
  CHECK(roofline.attention(1, 1'000'000, 0, 5000).time == microseconds(1));
}

TEST_CASE("decodes run on as many SMs as they have heads and tiles") {
  const MemoryRates rates = round_rates();
  const Roofline roofline(test::round_gpu(), WeightType::kBfloat16, &rates);
  const Attention attention(test::llama_8b(), shard_of(test::llama_8b(), 1), 2);
  BatchShape shape;
  shape.decodes = 1;
  shape.decode_context = 256;
  shape.decode_tiles = 2;
  // 8 KV heads x 2 tiles: 16 SMs, 160 GB/s. 256 tokens of 4 KiB and 16 KiB of queries and results.
  const AttentionWork work = attention.decodes(shape);
  CHECK(work.parts == 16);
  CHECK(work.kv_bytes == 256 * 4096);
  const double us = (256 * 4096 + 16384) / 160e3;
  CHECK(to_seconds(Attention::part(roofline, work).time) * 1e6 == doctest::Approx(us + 4));
}

TEST_CASE("measured decode attention pays what its blocks cost over those it was measured with") {
  MemoryRates rates = round_rates();
  rates.kv_read = {Bandwidth::per_second(1'000'000'000'000)};
  rates.measured_kv_read = Bandwidth::per_second(2'000'000'000'000);
  const Roofline paged(test::round_gpu(), WeightType::kBfloat16, &rates);
  // 1 MB takes 1 us in the run's blocks and 0.5 us in those of the measurement.
  CHECK(paged.paging(1'000'000) == nanoseconds(500));
  rates.measured_kv_read = rates.kv_read[0];
  const Roofline same(test::round_gpu(), WeightType::kBfloat16, &rates);
  CHECK(same.paging(1'000'000) == Duration());
  // The other way round it is a gain.
  rates.measured_kv_read = Bandwidth::per_second(500'000'000'000);
  const Roofline better(test::round_gpu(), WeightType::kBfloat16, &rates);
  CHECK(better.paging(1'000'000) == Duration() - microseconds(1));
}

TEST_CASE("a step on clocked memory says so, and sums to its operators") {
  const auto rates = std::make_shared<MemoryRates>(round_rates());
  const auto model =
      make_roofline(test::llama_8b(), test::round_gpu(), Plan(), ExecutionOptions(), {}, rates);
  CHECK(model->basis().ends_with("attention 1); as stated"));
  BatchShape shape;
  shape.decodes = 10;
  shape.sampled_rows = 10;
  shape.decode_context = 10 * 1000;
  shape.decode_context_max = 1000;
  shape.decode_tiles = 10 * 8;
  Breakdown breakdown;
  model->explain(shape, breakdown);
  Duration sum;
  for (const OperatorCost& op : breakdown.operators) sum += op.time;
  CHECK(sum == model->cost(shape).device);
  const auto plain = make_roofline(test::llama_8b(), test::round_gpu(), Plan(), ExecutionOptions());
  CHECK(model->cost(shape).device > plain->cost(shape).device);
}

TEST_CASE("measured rates are those of kernels that were measured, or refused") {
  GpuSpec gpu = test::round_gpu();
  CHECK_THROWS_AS(static_cast<void>(measured_memory_rates(gpu, true)), std::invalid_argument);
  gpu.memory_system.emplace();
  CHECK_THROWS_AS(static_cast<void>(measured_memory_rates(gpu, true)), std::invalid_argument);
  gpu.memory_system->measured_stream = Bandwidth::per_second(3'000'000'000'000);
  CHECK(measured_memory_rates(gpu, true).activations == Bandwidth::per_second(3'000'000'000'000));
  // Nobody measured paged KV reads by themselves.
  CHECK_THROWS_AS(static_cast<void>(measured_memory_rates(gpu, false)), std::invalid_argument);
}

}  // namespace
}  // namespace orrery
