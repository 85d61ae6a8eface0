// SPDX-License-Identifier: Apache-2.0
#include "models/operators/operators.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "models/links/link_cost.h"
#include "models/operators/attention.h"
#include "models/transformer/execution.h"
#include "models/transformer/graph.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

/// Slopes round up, by a part in 10^9 and a picosecond.
bool is(Duration time, Duration expected) {
  return time >= expected && time <= expected + picoseconds(1 + expected.count() / 1'000'000'000);
}

const Operator& find(const std::vector<Operator>& ops, std::string_view name) {
  const auto it =
      std::find_if(ops.begin(), ops.end(), [&](const Operator& op) { return op.name == name; });
  REQUIRE(it != ops.end());
  return *it;
}

/// One stage on so many ranks.
StageGraph graph_of(const ModelCard& card, std::int64_t ranks = 1,
                    const ExecutionOptions& options = {}) {
  Plan plan;
  plan.tensor_parallel = ranks;
  return build_graph(card, plan, options).whole();
}

TEST_CASE("attention's projections may be left out of the quantisation") {
  ModelCard card = test::llama_8b();
  card.quantization = Quantization::kFp8;
  const auto has = [](const std::vector<Operator>& ops, std::string_view name) {
    return std::any_of(ops.begin(), ops.end(), [&](const Operator& op) { return op.name == name; });
  };
  CHECK(has(graph_of(card).tokens, "quant_attention"));
  card.quantized_attention = false;
  const std::vector<Operator> ops = graph_of(card).tokens;
  CHECK(!has(ops, "quant_attention"));
  // Two bytes a weight and element, and one where the MLP is, with four bytes a row of scales.
  CHECK(find(ops, "o_proj").bytes(16) == 2 * (4096 * 4096 + 2 * 16 * 4096));
  CHECK(find(ops, "qkv_proj").bytes(16) == 2 * (4096 * 6144 + 16 * 4096 + 16 * 6144));
  CHECK(find(ops, "down_proj").bytes(16) == 4096 * 14336 + 4 * 4096 + 16 * 14336 + 2 * 16 * 4096);
}

TEST_CASE("a slope answers like a rate, rounded up") {
  const Slope slope(3'000'000, 1.0);
  CHECK(slope.time_for(0) == Duration());
  CHECK(slope.time_for(1) == picoseconds(333'334));
  CHECK(slope.time_for(3'000'000) >= seconds(1));
  CHECK(slope.time_for(3'000'000) <= seconds(1) + picoseconds(3));
  // 989.4 TFLOP/s at a share of 0.72: 712.368 TFLOP/s.
  const Slope tensor(989'400'000'000'000, 0.72);
  const ComputeRate rate = ComputeRate::per_second(712'368'000'000'000);
  const std::int64_t work = 123'456'789'012'345;
  CHECK(tensor.time_for(work) - rate.time_for(Flops(work)) <= nanoseconds(2));
  CHECK(tensor.time_for(work) >= rate.time_for(Flops(work)));
}

TEST_CASE("each GEMM of Llama-3.1-8B has its flops and bytes") {
  const ModelCard card = test::llama_8b();
  const std::vector<Operator> ops = graph_of(card).tokens;
  const std::int64_t m = 16;
  // [16, 4096] x [4096, 32 x 128 + 2 x 8 x 128 = 6144].
  const Operator& qkv = find(ops, "qkv_proj");
  CHECK(qkv.count == 32);
  CHECK(qkv.flops(m) == 2 * m * 4096 * 6144);
  CHECK(qkv.bytes(m) == 2 * (4096 * 6144 + m * 4096 + m * 6144));
  CHECK(find(ops, "o_proj").flops(m) == 2 * m * 4096 * 4096);
  CHECK(find(ops, "gate_up_proj").flops(m) == 2 * m * 4096 * 28672);
  CHECK(find(ops, "down_proj").flops(m) == 2 * m * 14336 * 4096);
  // gate and up are read, the product is written: 3 x 14336 elements a token.
  CHECK(find(ops, "silu_mul").bytes(m) == 2 * m * 3 * 14336);
  // x and residual, in and out.
  CHECK(find(ops, "add_norm").count == 64);
  CHECK(find(ops, "add_norm").bytes(1) == 2 * 4 * 4096);
  // K and V of 8 heads x 128: read as 2 bytes, written as 2, or as 1 with an fp8 cache.
  CHECK(find(ops, "kv_write").bytes(1) == 2 * 1024 * 4);
  ExecutionOptions fp8_kv;
  fp8_kv.kv_cache_dtype = KvCacheDtype::kFp8;
  CHECK(find(graph_of(card, 1, fp8_kv).tokens, "kv_write").bytes(1) == 2 * 1024 * 3);
  CHECK(find(graph_of(card).rows, "lm_head").flops(3) == 2 * 3 * std::int64_t{4096} * 128256);
}

TEST_CASE("filtering by torch.sort costs a row ten times the bytes, and a walk along it") {
  ModelCard card = test::llama_8b();
  card.top_p = 1;
  card.top_k = 0;
  const SamplerWork random = sampler_work(card, Sampling::kAuto, SamplerWorkspace::kSort);
  CHECK(random.serial == Duration());
  card.top_p = 0.9;
  const SamplerWork sorted = sampler_work(card, Sampling::kAuto, SamplerWorkspace::kSort);
  // Two radix sorts of 12 bytes, four passes and one: 2 x 12 x 5 of the 214 bytes on top.
  CHECK(sorted.bytes_per_logit - random.bytes_per_logit == 214);
  CHECK(sorted.serial == nanoseconds(card.vocab));
  ExecutionOptions options;
  options.sampler_workspace = SamplerWorkspace::kSort;
  CHECK(find(graph_of(card, 1, options).rows, "sampler").bytes(3) ==
        3 * sorted.bytes_per_logit * card.vocab);
  const SamplerWork in_place = sampler_work(card, Sampling::kAuto, SamplerWorkspace::kInPlace);
  CHECK(in_place.serial < sorted.serial);
  CHECK(in_place.bytes_per_logit < sorted.bytes_per_logit);
}

TEST_CASE("all weights but embedding and norms are read once a step") {
  for (const ModelCard& card : {test::llama_8b(), test::llama_70b()}) {
    std::int64_t read = 0;
    const StageGraph graph = graph_of(card);
    for (const auto* ops : {&graph.tokens, &graph.rows}) {
      for (const Operator& op : *ops) read += op.count * op.fixed_bytes;
    }
    const std::int64_t norms = (2 * card.layers + 1) * card.hidden;
    CHECK(read == 2 * (card.parameters() - norms - card.vocab * card.hidden));
  }
}

TEST_CASE("tensor parallelism divides every GEMM and adds two all-reduces a layer") {
  const ModelCard card = test::llama_70b();
  const std::vector<Operator> whole = graph_of(card).tokens;
  const std::vector<Operator> part = graph_of(card, 4).tokens;
  for (const Operator& op : whole) {
    if (op.kind == OperatorKind::kGemm) CHECK(find(part, op.name).flops(8) == op.flops(8) / 4);
  }
  CHECK(find(part, "all_reduce").count == 2 * 80);
  CHECK(find(part, "all_reduce").bytes(8) == 8 * 8192 * 2);
  CHECK(find(part, "embedding_all_reduce").count == 1);
}

TEST_CASE("an operator takes the slower of its work and its bytes, and its kernels") {
  const Roofline roofline(test::round_gpu(), WeightType::kBfloat16);
  // 4 MB at 4 TB/s are 1 us; 10^9 flops at 10^15 a second are 1 us; 2 us a kernel.
  CHECK(is(roofline.gemm(0, 4'000'000, 1).time, microseconds(3)));
  CHECK(is(roofline.gemm(1'000'000'000, 0, 1).time, microseconds(3)));
  CHECK(is(roofline.gemm(5'000'000'000, 4'000'000, 1).time, microseconds(7)));
  CHECK(roofline.gemm(5'000'000'000, 4'000'000, 1).bound == "compute");
  CHECK(is(roofline.stream(40'000'000, 2).time, microseconds(14)));
  CHECK(roofline.stream(40'000'000, 2).bound == "memory");
  CHECK(roofline.stream(400, 2).bound == "launch");
}

TEST_CASE("an all-reduce is one shot while small and two when large") {
  const auto links = make_roofline_links(test::round_gpu());
  // 400 GB/s: 0.4 MB takes 1 us once. Eight ranks, one shot: 5 + 7 x 1 us against 9 + 1.75 us.
  CHECK(is(links->time(Collective::kAllReduce, 400'000, 8).time, nanoseconds(10'750)));
  // 40 kB: 5 + 0.7 us.
  CHECK(is(links->time(Collective::kAllReduce, 40'000, 8).time, nanoseconds(5'700)));
  // Two ranks read as much either way.
  CHECK(is(links->time(Collective::kAllReduce, 400'000'000, 2).time, microseconds(1005)));
  // 5 us and 3/4 of a microsecond, whichever way it goes; a send carries all of it.
  for (const Collective collective :
       {Collective::kAllGather, Collective::kReduceScatter, Collective::kAllToAll}) {
    CHECK(is(links->time(collective, 400'000, 4).time, nanoseconds(5'750)));
  }
  CHECK(is(links->send(400'000).time, microseconds(6)));
  CHECK(links->time(Collective::kAllReduce, 0, 8).time == Duration());
}

TEST_CASE("a chunk costs its causal pairs in whole tiles") {
  const ModelCard card = test::llama_8b();
  const Attention attention(card, shard_of(card, 1), 2);
  const auto flops = [&](std::int32_t tokens, std::int32_t context) {
    const std::array<PrefillChunk, 1> chunks = {{{tokens, context, true}}};
    BatchShape shape;
    shape.chunks = chunks;
    shape.prefill_tokens = tokens;
    return attention.chunks(shape).flops;
  };
  const std::int64_t tile = 4 * 128 * 128 * 128;  // of one head
  // 256 tokens: query tile 0 sees 1 key tile, tile 1 sees 2.
  CHECK(flops(256, 0) == 32 * 3 * tile);
  // After 300 tokens: tile 0 ends at 428 (4 tiles), tile 1 at 556 (5).
  CHECK(flops(256, 300) == 32 * (4 + 5) * tile);
  // 129 tokens: the second tile holds one query, and still sees two key tiles.
  CHECK(flops(129, 0) == 32 * 3 * tile);
  // 32 queries of a group of 4 fill one tile of each KV head.
  CHECK(flops(32, 0) == 8 * tile);
  // In the long run q (c + q / 2) pairs: 4 x heads x dim flops each.
  const double pairs = 8192.0 * (65536.0 + 4096.0);
  CHECK(static_cast<double>(flops(8192, 65536)) / (4.0 * 32 * 128 * pairs) ==
        doctest::Approx(1).epsilon(0.002));
}

TEST_CASE("decodes read their KV once") {
  const ModelCard card = test::llama_8b();
  BatchShape shape;
  shape.decodes = 10;
  shape.decode_context = 10 * 1000;
  shape.decode_tiles = 10 * 8;
  const AttentionWork work = Attention(card, shard_of(card, 1), 2).decodes(shape);
  // 8 heads x 128 x 2 (K and V) x 2 B a token, 32 heads x 128 x 2 B in and out a decode.
  CHECK(work.bytes == 10'000 * 4096 + 10 * 2 * 8192);
  // The group's 4 rows fill a tensor tile of 64.
  CHECK(work.flops == 80 * 128 * 4 * std::int64_t{8} * 128 * 64);
  CHECK(work.kernels == 2);
  // An fp8 cache halves the KV.
  CHECK(Attention(card, shard_of(card, 1), 1).decodes(shape).bytes == 10'000 * 2048 + 10 * 16384);
  // Ranks beyond the KV heads hold replicas: 16 ranks read as much as 8.
  CHECK(Attention(card, shard_of(card, 16), 2).decodes(shape).bytes == 10'000 * 512 + 10 * 1024);
}

TEST_CASE("host time counts requests, new blocks and hashes") {
  HostCost host;
  host.step = microseconds(100);
  host.request = microseconds(4);
  host.new_block = microseconds(1);
  host.hashed_block = microseconds(2);
  const std::array<PrefillChunk, 1> chunks = {{{64, 0, true}}};
  BatchShape shape;
  shape.decodes = 9;
  shape.chunks = chunks;
  shape.prefill_tokens = 64;
  shape.new_blocks = 5;
  shape.hashed_blocks = 4;
  CHECK(host.of(shape) == microseconds(100 + 40 + 5 + 8));
}

}  // namespace
}  // namespace orrery
