// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/cuda_graphs.h"

#include <algorithm>
#include <array>

#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 5> kModes = {"NONE", "PIECEWISE", "FULL", "FULL_DECODE_ONLY",
                                                    "FULL_AND_PIECEWISE"};
constexpr std::int64_t kDefaultMost = 512;

/// Every request brings one token: what full graphs of decodes are captured for.
bool uniform_decode(const BatchShape& shape) {
  return std::all_of(shape.chunks.begin(), shape.chunks.end(),
                     [](const PrefillChunk& chunk) { return chunk.tokens == 1; });
}

std::vector<std::int64_t> sizes_for(const CudagraphOptions& options, std::int64_t max_num_seqs,
                                    std::int64_t max_num_batched_tokens) {
  if (options.enforce_eager || options.mode == CudagraphMode::kNone) return {};
  std::vector<std::int64_t> sizes = options.capture_sizes;
  if (sizes.empty()) {
    const std::int64_t most =
        options.max_capture_size.value_or(std::min(max_num_seqs * 2, kDefaultMost));
    sizes = default_capture_sizes(most);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  sizes.erase(std::upper_bound(sizes.begin(), sizes.end(), max_num_batched_tokens), sizes.end());
  return sizes;
}

}  // namespace

void CudagraphOptions::describe(Describer& d) {
  d.choice_of("cudagraph_mode", mode, kModes, "Which steps replay CUDA graphs.");
  d.field("enforce_eager", enforce_eager, "Never replay a CUDA graph.");
  d.field("cudagraph_capture_sizes", capture_sizes, Range::between(1, 1 << 16),
          "Token counts graphs are captured for; empty: the engine's list.");
  d.optional_field("max_cudagraph_capture_size", max_capture_size, Range::between(1, 1 << 16),
                   "Largest size of the engine's list; default min(2 * max_num_seqs, 512).");
  if (d.reading() && !capture_sizes.empty() && max_capture_size) {
    d.refuse("max_cudagraph_capture_size", "stands beside cudagraph_capture_sizes: give one");
  }
}

std::vector<std::int64_t> default_capture_sizes(std::int64_t max) {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t small : {1, 2, 4}) {
    if (small <= max) sizes.push_back(small);
  }
  for (std::int64_t size = 8; size < 256 && size <= max; size += 8) sizes.push_back(size);
  for (std::int64_t size = 256; size <= max; size += 16) sizes.push_back(size);
  return sizes;
}

CudaGraphs::CudaGraphs(const CudagraphOptions& options, std::int64_t max_num_seqs,
                       std::int64_t max_num_batched_tokens)
    : mode_(options.mode),
      max_num_seqs_(max_num_seqs),
      sizes_(sizes_for(options, max_num_seqs, max_num_batched_tokens)) {
  ORRERY_CHECK(max_num_seqs > 0 && max_num_batched_tokens > 0);
  padded_.push_back(0);
  for (const std::int64_t size : sizes_) {
    ORRERY_CHECK(size > 0);
    padded_.resize(static_cast<std::size_t>(size) + 1, size);
  }
}

bool CudaGraphs::full_holds(const BatchShape& shape, std::int64_t padded) const {
  switch (mode_) {
    case CudagraphMode::kNone:
    case CudagraphMode::kPiecewise:
      return false;
    case CudagraphMode::kFull:
      return true;
    case CudagraphMode::kFullDecodeOnly:
    case CudagraphMode::kFullAndPiecewise:
      // Full decode graphs are captured up to max_num_seqs only.
      return padded <= max_num_seqs_ && uniform_decode(shape);
  }
  return false;
}

CudaGraphs::Launch CudaGraphs::launch(const BatchShape& shape, std::int64_t tokens) const {
  if (tokens >= static_cast<std::int64_t>(padded_.size())) return {LaunchMode::kNoGraph, tokens};
  const std::int64_t padded = padded_[static_cast<std::size_t>(tokens)];
  if (full_holds(shape, padded)) return {LaunchMode::kFullGraph, padded};
  const bool piecewise =
      mode_ == CudagraphMode::kPiecewise || mode_ == CudagraphMode::kFullAndPiecewise;
  if (piecewise) return {LaunchMode::kPiecewiseGraphs, padded};
  return {LaunchMode::kNoGraph, tokens};
}

std::int64_t CudaGraphs::full_graphs() const {
  const auto count = static_cast<std::int64_t>(sizes_.size());
  if (mode_ == CudagraphMode::kFull) return count;
  if (mode_ != CudagraphMode::kFullDecodeOnly && mode_ != CudagraphMode::kFullAndPiecewise) {
    return 0;
  }
  return std::upper_bound(sizes_.begin(), sizes_.end(), max_num_seqs_) - sizes_.begin();
}

std::int64_t CudaGraphs::piecewise_graphs() const {
  const bool piecewise =
      mode_ == CudagraphMode::kPiecewise || mode_ == CudagraphMode::kFullAndPiecewise;
  return piecewise ? static_cast<std::int64_t>(sizes_.size()) : 0;
}

}  // namespace orrery
