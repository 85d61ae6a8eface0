// SPDX-License-Identifier: Apache-2.0
//
// A whole layer and a whole step of a dense decoder, out of the kernels that are timed alone
// elsewhere: what lies between a step and the sum of its kernels is then seen.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device/attention.h"
#include "kernels/device/cuda_check.h"
#include "kernels/device/gemm.h"
#include "kernels/device/row_kernels.h"
#include "kernels/device/sampling_kernels.h"
#include "kernels/device/suites.h"

namespace orrery::kernels {
namespace {

const ModelShape& model_of(const Case& one) {
  const std::string name = one.detail.text("model");
  const auto found = std::find_if(kModels.begin(), kModels.end(),
                                  [&](const ModelShape& model) { return model.name == name; });
  if (found == kModels.end()) throw std::invalid_argument("'" + name + "' is not a model");
  return *found;
}

/// Figures of a layer, in values.
struct Sizes {
  explicit Sizes(const ModelShape& m, std::int64_t tokens_in, std::int64_t sampled_in)
      : tokens(tokens_in),
        sampled(sampled_in),
        hidden(m.hidden),
        query(m.heads * m.head_dim),
        key(m.kv_heads * m.head_dim),
        wide(query + 2 * key),
        inner(m.intermediate),
        vocab(m.vocab) {}
  [[nodiscard]] std::int64_t layer_weights() const {
    return hidden * (wide + 3 * inner) + query * hidden;
  }
  std::int64_t tokens, sampled, hidden, query, key, wide, inner, vocab;
};

class Decoder {
 public:
  Decoder(Bench& bench, const Case& one, int layers);

  /// One of kParts, or all of a layer.
  void part(cudaStream_t stream, const std::string& name, int layer) const;
  void layer(cudaStream_t stream, int layer) const;
  void step(cudaStream_t stream, int layers) const;

 private:
  [[nodiscard]] __nv_bfloat16* weights(int layer, std::int64_t at) const {
    return weights_ + layer * sizes_.layer_weights() + at;
  }
  [[nodiscard]] __nv_bfloat16* take(std::int64_t values);

  const ModelShape& model_;
  int query_tokens_;
  int context_;
  Sizes sizes_;
  __nv_bfloat16* weights_;
  __nv_bfloat16* head_;
  std::byte* next_;
  std::byte* end_;
  __nv_bfloat16 *x_, *residual_, *normed_, *wide_, *attended_, *gated_, *inner_, *logits_, *norm_;
  float* logit_floats_;
  int* tokens_;
  std::unique_ptr<AttentionBatch> attention_;
  Gemm qkv_, out_, gate_up_, down_, lm_head_;
};

__nv_bfloat16* Decoder::take(std::int64_t values) {
  constexpr std::int64_t kAlign = 1024;
  auto* const taken = reinterpret_cast<__nv_bfloat16*>(next_);
  next_ += (2 * values + kAlign - 1) / kAlign * kAlign;
  if (next_ > end_) throw Skipped("does not fit the device's memory");
  return taken;
}

Decoder::Decoder(Bench& bench, const Case& one, int layers)
    : model_(model_of(one)),
      query_tokens_(static_cast<int>(one.query)),
      context_(static_cast<int>(one.context)),
      sizes_(model_, one.batch * one.query, one.batch),
      weights_(reinterpret_cast<__nv_bfloat16*>(bench.operands(Fill::kBf16))),
      next_(bench.results()),
      end_(bench.results() + bench.result_bytes() / 2),
      qkv_("bf16", sizes_.tokens, sizes_.wide, sizes_.hidden),
      out_("bf16", sizes_.tokens, sizes_.hidden, sizes_.query),
      gate_up_("bf16", sizes_.tokens, 2 * sizes_.inner, sizes_.hidden),
      down_("bf16", sizes_.tokens, sizes_.hidden, sizes_.inner),
      lm_head_("bf16", sizes_.sampled, sizes_.vocab, sizes_.hidden) {
  head_ = weights_ + layers * sizes_.layer_weights();
  norm_ = head_ + sizes_.vocab * sizes_.hidden;
  constexpr std::int64_t kAlign = 2 << 20;
  const std::int64_t used = (2 * (norm_ + sizes_.hidden - weights_) + kAlign - 1) / kAlign * kAlign;
  if (used >= static_cast<std::int64_t>(bench.operand_bytes())) {
    throw Skipped("its weights do not fit the device's memory");
  }
  x_ = take(sizes_.tokens * sizes_.hidden);
  residual_ = take(sizes_.tokens * sizes_.hidden);
  normed_ = take(sizes_.tokens * sizes_.hidden);
  wide_ = take(sizes_.tokens * sizes_.wide);
  attended_ = take(sizes_.tokens * sizes_.query);
  gated_ = take(sizes_.tokens * 2 * sizes_.inner);
  inner_ = take(sizes_.tokens * sizes_.inner);
  logits_ = take(sizes_.sampled * sizes_.vocab);
  logit_floats_ = reinterpret_cast<float*>(take(2 * sizes_.sampled * sizes_.vocab));
  tokens_ = reinterpret_cast<int*>(take(2 * sizes_.sampled));
  ORRERY_CUDA(
      cudaMemcpy(x_, weights_, 2 * sizes_.tokens * sizes_.hidden, cudaMemcpyDeviceToDevice));
  ORRERY_CUDA(cudaMemset(residual_, 0, 2 * sizes_.tokens * sizes_.hidden));
  const std::vector<AttentionSequence> sequences(static_cast<std::size_t>(one.batch),
                                                 {query_tokens_, context_});
  const AttentionHeads heads{static_cast<int>(model_.heads), static_cast<int>(model_.kv_heads),
                             static_cast<int>(model_.head_dim)};
  attention_ = std::make_unique<AttentionBatch>(
      heads, sequences, attention_slots(bench.facts().multiprocessors), layers,
      bench.operands(Fill::kBf16) + used, bench.operand_bytes() - static_cast<std::size_t>(used),
      bench.results() + bench.result_bytes() / 2, bench.result_bytes() / 2);
  if (attention_->rotations() < layers) {
    throw Skipped("the layers' keys and values do not fit the device's memory");
  }
}

void Decoder::part(cudaStream_t stream, const std::string& name, int layer) const {
  const auto tokens = static_cast<int>(sizes_.tokens);
  const auto stride = static_cast<int>(sizes_.wide);
  // Weights of a layer: qkv, out, gate and up, down.
  const std::int64_t out_at = sizes_.hidden * sizes_.wide;
  const std::int64_t gate_up_at = out_at + sizes_.query * sizes_.hidden;
  const std::int64_t down_at = gate_up_at + 2 * sizes_.inner * sizes_.hidden;
  AttentionCall call = attention_->call(layer);
  call.queries = wide_;
  call.query_stride = static_cast<std::size_t>(sizes_.wide);
  call.out = attended_;
  if (name == "norm") {
    launch_rms_norm(x_, residual_, norm_, normed_, tokens, static_cast<int>(sizes_.hidden), 1e-5F,
                    stream);
  } else if (name == "qkv") {
    qkv_.run(stream, normed_, weights(layer, 0), wide_);
  } else if (name == "rope") {
    launch_rope(wide_, tokens, static_cast<int>(model_.heads + model_.kv_heads),
                static_cast<int>(model_.head_dim), stride, 500000, stream);
  } else if (name == "store") {
    KvStore store;
    store.keys = wide_ + sizes_.query;
    store.stride = stride;
    store.key_pages = const_cast<__nv_bfloat16*>(call.keys);
    store.value_pages = const_cast<__nv_bfloat16*>(call.values);
    store.pages = call.pages;
    store.pages_stride = call.pages_stride;
    store.tokens = tokens;
    store.query = query_tokens_;
    store.context = context_;
    store.kv_heads = call.kv_heads;
    store.dim = call.dim;
    launch_store_kv(store, stream);
  } else if (name == "attention") {
    launch_attention(call, stream);
  } else if (name == "out") {
    out_.run(stream, attended_, weights(layer, out_at), x_);
  } else if (name == "gate_up") {
    gate_up_.run(stream, normed_, weights(layer, gate_up_at), gated_);
  } else if (name == "silu") {
    launch_silu_mul(gated_, inner_, tokens, static_cast<int>(sizes_.inner), stream);
  } else if (name == "down") {
    down_.run(stream, inner_, weights(layer, down_at), x_);
  } else if (name == "lm_head") {
    // The last token of each sequence: the last rows of one prompt, all rows of decodes.
    lm_head_.run(stream, normed_ + (sizes_.tokens - sizes_.sampled) * sizes_.hidden, head_,
                 logits_);
  } else if (name == "argmax") {
    const auto count = static_cast<std::size_t>(sizes_.sampled * sizes_.vocab);
    launch_to_float(logits_, logit_floats_, count, stream);
    launch_greedy(logit_floats_, tokens_, static_cast<int>(sizes_.sampled),
                  static_cast<int>(sizes_.vocab), stream);
  } else {
    throw std::invalid_argument("'" + name + "' is not a part of a layer");
  }
}

void Decoder::layer(cudaStream_t stream, int layer) const {
  for (const char* name :
       {"norm", "qkv", "rope", "store", "attention", "out", "norm", "gate_up", "silu", "down"}) {
    part(stream, name, layer);
  }
}

void Decoder::step(cudaStream_t stream, int layers) const {
  for (int i = 0; i < layers; ++i) layer(stream, i);
  for (const char* name : {"norm", "lm_head", "argmax"}) part(stream, name, 0);
}

/// Weights once and keys and values once; two operations a weight and token, and the attention's.
void count_work(Case& one, const ModelShape& model, int layers) {
  const Sizes sizes(model, one.batch * one.query, one.batch);
  const double kv = 4.0 * static_cast<double>(one.batch * (one.context + one.query) * sizes.key);
  const double pairs = static_cast<double>(one.batch) * attended_pairs(one.query, one.context);
  one.bytes = layers * (2.0 * static_cast<double>(sizes.layer_weights()) + kv);
  one.flops = layers * (2.0 * static_cast<double>(sizes.layer_weights() * sizes.tokens) +
                        4.0 * static_cast<double>(sizes.query) * pairs);
  if (one.op != "step") return;
  const auto head = static_cast<double>(sizes.vocab * sizes.hidden);
  one.bytes += 2 * head;
  one.flops += 2 * head * static_cast<double>(sizes.sampled);
}

}  // namespace

Spread run_layer(Bench& bench, Case& one) {
  const ModelShape& model = model_of(one);
  const auto layers = static_cast<int>(model.layers);
  // A layer's weights are seven times the L2: four of them in turn are cold.
  const int used = one.op == "step" ? layers : 4;
  const Decoder decoder(bench, one, used);
  // Everything once, so that no part reads what nobody has written.
  decoder.step(bench.stream(), used);
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  if (one.op == "layer_part") {
    const std::string name = one.detail.text("part");
    return bench.time(one, used,
                      [&](cudaStream_t stream, int i) { decoder.part(stream, name, i); });
  }
  count_work(one, model, one.op == "step" ? layers : 1);
  if (one.op == "layer") {
    return bench.time(one, used, [&](cudaStream_t stream, int i) { decoder.layer(stream, i); });
  }
  return bench.time(one, 1, [&](cudaStream_t stream, int) { decoder.step(stream, layers); });
}

}  // namespace orrery::kernels
