// SPDX-License-Identifier: Apache-2.0
//
// Parts that time the kernels of a served model.
#include <algorithm>
#include <initializer_list>
#include <set>

#include "kernels/host/plan_parts.h"

namespace orrery::kernels {
namespace {

/// About 8 ms of dense bf16 on the fastest chip there is: longer kernels tell nothing new.
constexpr double kMostFlops = 6e12;

struct HeadShape {
  std::int64_t heads, kv_heads, head_dim;
};
/// Grouped 4 and 8 to one, split over 2, 4 and 8 GPUs, ungrouped, and narrow heads.
constexpr std::array<HeadShape, 9> kHeads = {{{32, 8, 128},
                                              {64, 8, 128},
                                              {16, 4, 128},
                                              {8, 1, 128},
                                              {40, 8, 128},
                                              {28, 4, 128},
                                              {32, 32, 128},
                                              {5, 1, 128},
                                              {64, 8, 64}}};

const ModelShape& model(std::string_view name) {
  return *std::find_if(kModels.begin(), kModels.end(),
                       [&](const ModelShape& one) { return one.name == name; });
}

Case attention_case(const char* op, const HeadShape& heads, std::int64_t batch, std::int64_t query,
                    std::int64_t context) {
  Case one;
  one.op = op;
  one.dtype = one.kv_dtype = "bf16";
  one.batch = batch;
  one.query = query;
  one.context = context;
  one.heads = heads.heads;
  one.kv_heads = heads.kv_heads;
  one.head_dim = heads.head_dim;
  const auto h = static_cast<double>(heads.heads);
  const auto d = static_cast<double>(heads.head_dim);
  const auto kv_row = 2 * static_cast<double>(heads.kv_heads) * d * 2;
  const auto b = static_cast<double>(batch);
  // Two products of d per pair and head, each a multiplication and an addition.
  one.flops = 4 * b * h * d * attended_pairs(query, context);
  // Keys and values once, queries and outputs once.
  one.bytes = b * (static_cast<double>(context + query) * kv_row +
                   2 * static_cast<double>(query) * h * d * 2);
  return one;
}

Case gemm_case(const char* dtype, std::int64_t m, const WeightShape& weight) {
  Case one;
  one.op = "gemm";
  one.dtype = dtype;
  one.m = m;
  one.n = weight.n;
  one.k = weight.k;
  const double element = bytes_of(dtype);
  const auto md = static_cast<double>(m);
  const auto nd = static_cast<double>(weight.n);
  const auto kd = static_cast<double>(weight.k);
  one.flops = 2 * md * nd * kd;
  // Results are bf16 or fp16, and int8's are the 32-bit sums.
  const double result = one.dtype == "int8" ? 4 : 2;
  one.bytes = element * (md * kd + nd * kd) + result * md * nd;
  return one;
}

}  // namespace

std::vector<WeightShape> weight_shapes() {
  struct Split {
    std::string_view name;
    std::initializer_list<std::int64_t> ranks;
  };
  std::set<WeightShape> shapes;
  for (const Split& split : std::initializer_list<Split>{{"llama-3.1-8b", {1, 2}},
                                                         {"llama-3.1-70b", {1, 4, 8}},
                                                         {"llama-2-7b", {1}},
                                                         {"llama-2-13b", {1, 2}},
                                                         {"qwen2.5-7b", {1}},
                                                         {"qwen3-14b", {1}},
                                                         {"qwen3-32b", {1, 2}},
                                                         {"mistral-nemo-12b", {1}},
                                                         {"yi-34b", {2}}}) {
    const ModelShape& m = model(split.name);
    for (const std::int64_t ranks : split.ranks) {
      const std::int64_t query = m.heads * m.head_dim;
      shapes.insert({(query + 2 * m.kv_heads * m.head_dim) / ranks, m.hidden});
      shapes.insert({m.hidden, query / ranks});
      shapes.insert({2 * m.intermediate / ranks, m.hidden});
      shapes.insert({m.hidden, m.intermediate / ranks});
    }
  }
  for (const std::string_view name : {"llama-3.1-8b", "llama-2-7b", "qwen2.5-7b"}) {
    shapes.insert({model(name).vocab, model(name).hidden});
  }
  return {shapes.begin(), shapes.end()};
}

void list_gemm(const DeviceFacts& device, std::vector<Case>& cases) {
  const std::vector<WeightShape> weights = weight_shapes();
  for (const std::int64_t m :
       {1, 8, 16, 32, 64, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 16384}) {
    for (const WeightShape& weight : weights) {
      cases.push_back(gemm_case("bf16", m, weight));
      // cuBLASLt asks for sizes in sixteens of fp8.
      if (device.fp8 && weight.n % 16 == 0 && weight.k % 16 == 0 && m % 16 == 0) {
        cases.push_back(gemm_case("fp8", m, weight));
      }
    }
  }
  const ModelShape& small = model("llama-3.1-8b");
  for (const std::int64_t m : {16, 128, 1024, 8192}) {
    for (const char* dtype : {"fp16", "int8"}) {
      cases.push_back(gemm_case(dtype, m, {6144, small.hidden}));
      cases.push_back(gemm_case(dtype, m, {2 * small.intermediate, small.hidden}));
      cases.push_back(gemm_case(dtype, m, {small.hidden, small.intermediate}));
    }
  }
  // A weight that stays in the L2 from one call to the next, as never in a real step.
  for (const std::int64_t m : {16, 256}) {
    Case warm = gemm_case("bf16", m, {4096, 4096});
    warm.operands = Operands::kWarm;
    cases.push_back(warm);
  }
  std::erase_if(cases, [&](const Case& one) {
    return one.flops > kMostFlops || 2 * one.bytes > static_cast<double>(device.operand_bytes);
  });
}

void list_attention(const DeviceFacts& device, std::vector<Case>& cases) {
  for (const HeadShape& heads : kHeads) {
    for (const std::int64_t batch : {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
      for (std::int64_t length = 128; length <= 131072; length *= 2) {
        cases.push_back(attention_case("decode_attention", heads, batch, 1, length - 1));
      }
    }
    for (const std::int64_t query : {16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384}) {
      for (const std::int64_t context : {0, 1024, 4096, 16384, 65536}) {
        cases.push_back(attention_case("prefill_attention", heads, 1, query, context));
      }
      for (const std::int64_t batch : {2, 4, 8, 16}) {
        cases.push_back(attention_case("prefill_attention", heads, batch, query, 0));
      }
    }
  }
  for (Case& one : cases) one.detail.set("page", 16);
  // 8 GB is over 1.5 ms of any memory: longer decodes only cost the run's time.
  std::erase_if(cases, [&](const Case& one) {
    return one.flops > kMostFlops ||
           one.bytes > std::min(8e9, static_cast<double>(device.operand_bytes) / 2);
  });
}

void list_mixed(const DeviceFacts& device, std::vector<Case>& cases) {
  for (const HeadShape& heads : {kHeads[0], kHeads[3]}) {
    for (const std::int64_t query : {256, 1024, 4096}) {
      for (const std::int64_t context : {0, 8192}) {
        for (const std::int64_t decodes : {16, 64, 128}) {
          for (const std::int64_t length : {1024, 8192}) {
            Case one = attention_case("mixed_attention", heads, 1, query, context);
            const Case other = attention_case("decode_attention", heads, decodes, 1, length - 1);
            one.bytes += other.bytes;
            one.flops += other.flops;
            one.detail.set("page", 16).set("decodes", decodes).set("decode_context", length - 1);
            cases.push_back(one);
          }
        }
      }
    }
  }
  std::erase_if(cases, [&](const Case& one) {
    return one.bytes > static_cast<double>(device.operand_bytes) / 2;
  });
}

void list_rows(const DeviceFacts&, std::vector<Case>& cases) {
  const auto add = [&](const char* op, std::int64_t m, std::int64_t n, double bytes) {
    Case one;
    one.op = op;
    one.dtype = "bf16";
    one.m = m;
    one.n = n;
    one.bytes = static_cast<double>(m) * bytes;
    cases.push_back(one);
  };
  for (const std::int64_t m : {1, 16, 64, 256, 1024, 4096, 16384}) {
    for (const std::int64_t n : {4096, 5120, 8192}) {
      // Input and residual in, both out.
      add("rmsnorm", m, n, 8.0 * static_cast<double>(n));
      // bf16 in, fp8 out.
      add("quantise", m, n, 3.0 * static_cast<double>(n));
    }
    for (const std::int64_t n : {3584, 14336, 28672}) {
      add("silu_mul", m, n, 6.0 * static_cast<double>(n));
    }
    for (const HeadShape& heads : {kHeads[0], kHeads[1]}) {
      // Queries and keys in place.
      const std::int64_t n = (heads.heads + heads.kv_heads) * heads.head_dim;
      add("rope", m, n, 4.0 * static_cast<double>(n));
      cases.back().head_dim = heads.head_dim;
    }
  }
}

void list_sampling(const DeviceFacts&, std::vector<Case>& cases) {
  for (const std::int64_t m : {1, 8, 32, 64, 128, 256, 512}) {
    for (const std::int64_t n : {32000, 128256, 151936}) {
      for (const char* op : {"sample_greedy", "sample_top_k_top_p"}) {
        Case one;
        one.op = op;
        one.dtype = "fp32";
        one.m = m;
        one.n = n;
        one.bytes = 4.0 * static_cast<double>(m * n);
        if (one.op == "sample_top_k_top_p") one.detail.set("top_k", 50).set("top_p_percent", 95);
        cases.push_back(one);
      }
    }
  }
}

void list_moe(const DeviceFacts& device, std::vector<Case>& cases) {
  struct Experts {
    std::int64_t experts, top_k, n, k;
  };
  // Gate and up of an expert: Mixtral 8x7B, Qwen3-30B-A3B, DeepSeek-V3 (their config.json).
  for (const Experts& e : std::initializer_list<Experts>{
           {8, 2, 28672, 4096}, {128, 8, 1536, 2048}, {256, 8, 4096, 7168}}) {
    for (const std::int64_t m : {1, 16, 64, 256, 1024, 4096}) {
      for (const char* spread : {"even", "zipf"}) {
        Case one = gemm_case("bf16", m * e.top_k, {e.n, e.k});
        one.op = "moe_gemm";
        one.m = m;
        one.launch = Launch::kStream;
        one.detail.set("experts", e.experts).set("top_k", e.top_k).set("spread", spread);
        // Weights of all experts: what is read at most; the runner knows how many are hit.
        one.bytes = 0;
        const double weights = 2.0 * static_cast<double>(e.experts * e.n * e.k);
        if (weights < static_cast<double>(device.operand_bytes) / 2 && one.flops < kMostFlops) {
          cases.push_back(one);
        }
      }
    }
  }
}

namespace {

Case step_case(const char* op, const char* name, Launch launch, std::int64_t batch,
               std::int64_t query, std::int64_t context) {
  Case one;
  one.op = op;
  one.dtype = one.kv_dtype = "bf16";
  one.launch = launch;
  one.batch = batch;
  one.query = query;
  one.context = context;
  one.detail.set("model", name);
  return one;
}

}  // namespace

void list_layer(const DeviceFacts&, std::vector<Case>& cases) {
  constexpr const char* kName = "llama-3.1-8b";
  struct Batch {
    std::int64_t batch, query, context;
  };
  const std::initializer_list<Batch> batches = {{1, 1, 1023},  {8, 1, 1023},   {32, 1, 1023},
                                                {64, 1, 1023}, {128, 1, 1023}, {64, 1, 4095},
                                                {1, 512, 0},   {1, 2048, 0},   {1, 8192, 0}};
  for (const Batch& b : batches) {
    for (const Launch launch : {Launch::kGraph, Launch::kStream}) {
      cases.push_back(step_case("layer", kName, launch, b.batch, b.query, b.context));
      cases.push_back(step_case("step", kName, launch, b.batch, b.query, b.context));
    }
    // Each kernel of a layer alone, so that a layer can be held against their sum.
    for (const char* part :
         {"norm", "qkv", "rope", "store", "attention", "out", "gate_up", "silu", "down"}) {
      cases.push_back(step_case("layer_part", kName, Launch::kGraph, b.batch, b.query, b.context));
      cases.back().detail.set("part", part);
    }
    for (const char* part : {"lm_head", "argmax"}) {
      cases.push_back(step_case("layer_part", kName, Launch::kGraph, b.batch, b.query, b.context));
      cases.back().detail.set("part", part);
    }
  }
}

void list_partition(const DeviceFacts& device, std::vector<Case>& cases) {
  for (const int eighths : {1, 2, 4, 6, 7}) {
    // Multiprocessors are handed out in groups of 8 on this generation.
    const int decode_sms = std::max(8, device.multiprocessors * eighths / 8 / 8 * 8);
    for (const char* kind : {"decode_alone", "prefill_alone", "decode_beside", "prefill_beside"}) {
      Case one;
      one.op = "partition";
      one.dtype = one.kv_dtype = "bf16";
      one.launch = Launch::kStream;
      one.detail.set("decode_sms", decode_sms).set("timed", kind);
      cases.push_back(one);
    }
  }
}

void list_sustained(const DeviceFacts& device, std::vector<Case>& cases) {
  for (const char* dtype : {"bf16", "fp8"}) {
    if (std::string_view(dtype) == "fp8" && !device.fp8) continue;
    cases.push_back(gemm_case(dtype, 8192, {8192, 8192}));
    cases.back().load = Load::kSustained;
  }
  cases.push_back(attention_case("decode_attention", kHeads[0], 64, 1, 8191));
  cases.back().load = Load::kSustained;
  cases.back().detail.set("page", 16);
  Case copy;
  copy.op = "memory_copy";
  copy.bytes = 8LL << 30;
  copy.load = Load::kSustained;
  copy.detail.set("pattern", "stream").set("sms", device.multiprocessors);
  copy.detail.set("threads", 512).set("unroll", 4).set("size", std::int64_t{4} << 30);
  cases.push_back(copy);
}

}  // namespace orrery::kernels
