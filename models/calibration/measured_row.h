// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_CALIBRATION_MEASURED_ROW_H_
#define ORRERY_MODELS_CALIBRATION_MEASURED_ROW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orrery {

enum class MeasuredOp : std::uint8_t { kGemm, kPrefillAttention, kDecodeAttention, kMoe };
inline constexpr std::array<std::string_view, 4> kMeasuredOpNames = {"gemm", "prefill_attention",
                                                                     "decode_attention", "moe"};

/// What one measured kernel was asked to do. Zero where a figure makes no sense for the operator.
struct KernelShape {
  /// GEMM [m, k] x [k, n]. MoE: tokens, intermediate size on this rank, hidden size.
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  /// Attention of `batch` equal sequences: `query` new tokens each, after `context` earlier ones.
  /// A decode has one query, and attends context + 1 tokens.
  std::int64_t batch = 0;
  std::int64_t query = 0;
  std::int64_t context = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  /// Sliding window, 0 for none.
  std::int64_t window = 0;
  /// MoE: experts of the model and of this rank, and those that a token goes to; then the figures
  /// of ExpertLoad (expert_load.h).
  std::int64_t experts = 0;
  std::int64_t local_experts = 0;
  std::int64_t top_k = 0;
  std::int64_t rows = 0;
  std::int64_t touched = 0;
  std::int64_t heaviest = 0;
  std::int64_t tiles = 0;
};

/// The dimensions of a shape, in the order of KernelShape's members.
inline constexpr std::array<std::string_view, 17> kShapeNames = {
    "m",     "n",        "k",        "batch",    "query",   "context",
    "heads", "kv_heads", "head_dim", "window",   "experts", "local_experts",
    "top_k", "rows",     "touched",  "heaviest", "tiles"};
using ShapeFigures = std::array<std::int64_t, kShapeNames.size()>;
[[nodiscard]] ShapeFigures figures_of(const KernelShape& shape);
[[nodiscard]] KernelShape shape_of(const ShapeFigures& figures);
/// Whether that dimension makes sense for the operator.
[[nodiscard]] bool has_figure(MeasuredOp op, std::size_t dimension);
[[nodiscard]] std::string_view name_of(MeasuredOp op);

/// One row of a measured table (the format stands in sim/study/calibration/table.h).
struct MeasuredRow {
  MeasuredOp op = MeasuredOp::kGemm;
  /// Of weights and activations: bf16, fp16, fp8, fp8_block, int8; of weights alone, computed in
  /// bf16: int4, mxfp4.
  std::string dtype;
  /// Of the KV cache; empty where there is none.
  std::string kv_dtype;
  KernelShape shape;
  std::int64_t ranks = 1;
  double latency_us = 0;
  /// 0: not measured.
  double power_w = 0;
  std::string device;
  /// Who timed what: engine or kernel set with its version.
  std::string source;
};

/// What one fit is for: kernels that share a code path.
struct KernelSet {
  MeasuredOp op = MeasuredOp::kGemm;
  std::string dtype;
  std::string kv_dtype;
  friend auto operator<=>(const KernelSet&, const KernelSet&) = default;
  /// `gemm bf16`, `decode_attention bf16, fp8 KV`.
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] KernelSet set_of(const MeasuredRow& row);

/// Rows of one family are never split between fitting and testing: the weight's shape (N, K) of a
/// GEMM, the heads' shape of attention, the experts' shape and share. A number that spreads evenly.
[[nodiscard]] std::uint64_t family_of(MeasuredOp op, const KernelShape& shape);

/// Bytes of an element; 0 for a name that is not known.
[[nodiscard]] double element_bytes(std::string_view dtype);

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_MEASURED_ROW_H_
