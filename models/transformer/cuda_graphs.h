// SPDX-License-Identifier: Apache-2.0
//
// Which CUDA graph vLLM replays for a step, and to how many tokens it pads (vllm/config/vllm.py
// _set_cudagraph_sizes, vllm/v1/cudagraph_dispatcher.py).
#ifndef ORRERY_MODELS_TRANSFORMER_CUDA_GRAPHS_H_
#define ORRERY_MODELS_TRANSFORMER_CUDA_GRAPHS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/core/describer.h"
#include "sim/serving/cost_model.h"

namespace orrery {

/// The engine's names: NONE, PIECEWISE, FULL, FULL_DECODE_ONLY, FULL_AND_PIECEWISE.
enum class CudagraphMode : std::uint8_t {
  kNone,
  kPiecewise,
  kFull,
  kFullDecodeOnly,
  kFullAndPiecewise,
};

struct CudagraphOptions {
  CudagraphMode mode = CudagraphMode::kFullAndPiecewise;
  bool enforce_eager = false;
  /// Empty: the engine's own list.
  std::vector<std::int64_t> capture_sizes;
  /// Largest size of the engine's own list; empty: min(2 * max_num_seqs, 512).
  std::optional<std::int64_t> max_capture_size;

  void describe(Describer& d);
};

/// vLLM's list up to `max`: 1, 2, 4, then every 8 below 256, then every 16.
[[nodiscard]] std::vector<std::int64_t> default_capture_sizes(std::int64_t max);

enum class LaunchMode : std::uint8_t { kFullGraph, kPiecewiseGraphs, kNoGraph };

class CudaGraphs {
 public:
  CudaGraphs(const CudagraphOptions& options, std::int64_t max_num_seqs,
             std::int64_t max_num_batched_tokens);

  struct Launch {
    LaunchMode mode;
    /// What GEMMs see.
    std::int64_t padded_tokens;
  };
  [[nodiscard]] Launch launch(const BatchShape& shape) const {
    return launch(shape, shape.tokens());
  }
  /// On a rank that has `tokens` of the batch.
  [[nodiscard]] Launch launch(const BatchShape& shape, std::int64_t tokens) const;
  [[nodiscard]] const std::vector<std::int64_t>& capture_sizes() const { return sizes_; }
  /// How many full and piecewise graphs the engine captures at its start.
  [[nodiscard]] std::int64_t full_graphs() const;
  [[nodiscard]] std::int64_t piecewise_graphs() const;

 private:
  [[nodiscard]] bool full_holds(const BatchShape& shape, std::int64_t padded) const;

  CudagraphMode mode_;
  std::int64_t max_num_seqs_;
  std::vector<std::int64_t> sizes_;
  /// By token count up to the largest size: the size it is padded to.
  std::vector<std::int64_t> padded_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_TRANSFORMER_CUDA_GRAPHS_H_
