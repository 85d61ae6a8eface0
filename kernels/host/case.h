// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_CASE_H_
#define ORRERY_KERNELS_HOST_CASE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/host/detail.h"

namespace orrery::kernels {

/// What is timed, as the table's column `op` says it. The first three are what calibration fits;
/// their shapes stand in columns of their own.
inline constexpr std::array<std::string_view, 28> kOps = {
    "gemm", "prefill_attention", "decode_attention",
    // One launch that holds a prompt chunk and decodes (detail: decodes, decode_context).
    "mixed_attention",
    // Experts' GEMMs in one call: m tokens, n, k of an expert (detail: experts, top_k, spread).
    "moe_gemm",
    // Row by row over m rows of n: fused with the residual's addition; with its gate; to fp8.
    "rmsnorm", "rope", "silu_mul", "quantise",
    // Of m rows of n logits.
    "sample_greedy", "sample_top_k_top_p",
    // A layer, or all layers, norm, head and sampling; and each of their kernels alone.
    "layer", "layer_part", "step",
    // An empty kernel, and a graph of some (detail: kernels, clock).
    "launch", "graph_replay",
    // Device memory; detail: pattern and what it needs.
    "memory_read", "memory_write", "memory_copy", "memory_mix", "memory_gather", "memory_stride",
    "pointer_chase",
    // Host and peers.
    "pcie_to_device", "pcie_to_host", "peer_copy", "collective",
    // A prefill on some SMs while a decode runs on the others.
    "partition"};

/// Operands that rotate through more than three times the L2, or the same ones again and again.
enum class Operands : std::uint8_t { kCold, kWarm };
inline constexpr std::array<std::string_view, 2> kOperandsNames = {"cold", "warm"};

/// Kernels one after another in a replayed graph, or launched one by one.
enum class Launch : std::uint8_t { kGraph, kStream };
inline constexpr std::array<std::string_view, 2> kLaunchNames = {"graph", "stream"};

/// A few milliseconds from a cool chip, or seconds on end under the power cap.
enum class Load : std::uint8_t { kBurst, kSustained };
inline constexpr std::array<std::string_view, 2> kLoadNames = {"burst", "sustained"};

/// One thing to time. Shape figures are zero where they make no sense for the op.
struct Case {
  std::string op;
  std::string dtype;
  std::string kv_dtype;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t batch = 0;
  std::int64_t query = 0;
  std::int64_t context = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t ranks = 1;
  Detail detail;
  Operands operands = Operands::kCold;
  Launch launch = Launch::kGraph;
  Load load = Load::kBurst;
  /// The whole list is gone through this often, in another order each time.
  int pass = 0;

  /// Two cases with the same key are the same measurement.
  [[nodiscard]] std::string key() const;
  /// Bytes that have to be moved and floating-point operations that have to be done, each operand
  /// read once and each result written once; 0 where nobody would divide by it.
  double bytes = 0;
  double flops = 0;
};

/// 2 for bf16 and fp16, 1 for fp8 and int8, 4 for fp32. Throws std::invalid_argument otherwise.
[[nodiscard]] double bytes_of(std::string_view dtype);

/// Causal attention of `query` new tokens after `context` earlier ones: the pairs of one head.
[[nodiscard]] double attended_pairs(std::int64_t query, std::int64_t context);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_CASE_H_
