// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_TRANSFORMER_EXECUTION_H_
#define ORRERY_MODELS_TRANSFORMER_EXECUTION_H_

#include <cstdint>

#include "models/cards/model_card.h"
#include "models/operators/sampling.h"
#include "models/plans/expert_routing.h"
#include "models/transformer/cuda_graphs.h"
#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery {

enum class DtypeOption : std::uint8_t { kAuto, kBfloat16, kFloat16, kFloat32 };
/// The others count like Quantization: what weights are quantised to when they are loaded.
enum class QuantizationOption : std::uint8_t {
  kAuto,
  kFp8,
  kFp8Block,
  kInt8,
  kInt4,
  kMxfp4,
  kNvfp4
};
enum class KvCacheDtype : std::uint8_t { kAuto, kFp8 };

/// CPU time of the engine's loop for one step: a + b requests + c new blocks + d hashed blocks.
/// With async scheduling it hides behind the GPU: a `step` of 1 ms moves no figure of the vLLM
/// 0.15.1 runs by more than 0.2 % (scripts/fit_host), so such runs cannot tell it; a log of steps
/// can
/// (`orrery calibrate --from-log`).
/// Defaults and their sources:
/// - step 126 us and request 4.4 us: coefficients that BLIS fitted to vLLM on H100
///   (inference-sim, sim/latency/trained_physics_model.go): fitted, not timed.
/// - new_block 0.3 us: an assumption, a pop of the free queue and an entry of the block table.
/// - hashed_block 2.4 us: 16 tokens at 100 to 200 ns each, vLLM's figure for sha256 (its document
///   on automatic prefix caching).
struct HostCost {
  Duration step = microseconds(126);
  Duration request = nanoseconds(4'400);
  Duration new_block = nanoseconds(300);
  Duration hashed_block = nanoseconds(2'400);
  /// More for a step that has prompts: engines that build their inputs token by token.
  Duration prompt_step;
  /// Of a kernel launched outside of graphs, the framework's share included; 0: as the GPU has it.
  Duration launch;

  void describe(Describer& d);
  [[nodiscard]] Duration of(const BatchShape& shape) const;
  /// The same on a host whose CPU takes `factor` times as long.
  [[nodiscard]] HostCost scaled(double factor) const;
};

/// The engine's options that decide how a step is executed, under the engine's own names.
struct ExecutionOptions {
  DtypeOption dtype = DtypeOption::kAuto;
  KvCacheDtype kv_cache_dtype = KvCacheDtype::kAuto;
  QuantizationOption quantization = QuantizationOption::kAuto;
  ExpertOptions experts;
  /// Pictures that each prompt brings, for models that see; an encoder-decoder has one recording.
  std::int64_t images_per_prompt = 0;
  CudagraphOptions graphs;
  /// All-reduce, residual add and RMSNorm in one kernel where vectors are small
  /// (all_reduce_norm.h).
  bool fuse_allreduce_rms = false;
  HostCost host;
  Sampling sampling = Sampling::kAuto;
  /// Set by who reads the engine's scheduler options; not described here.
  std::int64_t max_num_seqs = 256;
  std::int64_t max_num_batched_tokens = 8192;
  /// Set where something beside the GPU attends to the decodes' KV; not described here.
  bool decode_attention_elsewhere = false;
  /// Set by who reads the engine's memory options; not described here.
  SamplerWorkspace sampler_workspace = SamplerWorkspace::kInPlace;

  void describe(Describer& d);
  /// What the weights and activations are computed in.
  [[nodiscard]] WeightType weight_type(const ModelCard& card) const;
  /// Of an element of the KV cache.
  [[nodiscard]] std::int64_t kv_bytes(const ModelCard& card) const {
    return kv_cache_dtype == KvCacheDtype::kFp8 ? 1 : element_bytes(weight_type(card));
  }
};

}  // namespace orrery

#endif  // ORRERY_MODELS_TRANSFORMER_EXECUTION_H_
