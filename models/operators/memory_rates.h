// SPDX-License-Identifier: Apache-2.0
//
// What a step's operators do to memory, as patterns, and what each gets. A kernel's time to its
// first bytes is not added: the floor of a kernel (`launch.kernel` of a GPU) was measured with it.
#ifndef ORRERY_MODELS_OPERATORS_MEMORY_RATES_H_
#define ORRERY_MODELS_OPERATORS_MEMORY_RATES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/gpu_memory/rates.h"

namespace orrery {

/// The KV cache of one rank and layer, as vLLM lays it out for FlashAttention: blocks of K and of
/// V, in a block token after token, in a token head after head.
struct KvLayout {
  std::int64_t block_tokens = 16;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t element_bytes = 2;
  /// Of all layers.
  Bytes cache;

  [[nodiscard]] std::int64_t head_bytes() const { return head_dim * element_bytes; }
  [[nodiscard]] std::int64_t token_bytes() const { return kv_heads * head_bytes(); }
};

/// Weights as a GEMM of few rows reads them: in order, by all SMs, 128 B (a warp's load of 4 B
/// each) at a time.
[[nodiscard]] gpu_memory::Pattern weight_pattern(const gpu_memory::Rates& gpu);
/// Activations: as much read as written, each in order.
[[nodiscard]] gpu_memory::Pattern activation_pattern(const gpu_memory::Rates& gpu);
/// Decode attention on `sms` SMs, each of which reads one KV head of its sequence: a head's row of
/// each token of a block, block after block, wherever they lie; the SMs of a sequence's other heads
/// read beside it. The region is the whole cache, as a step comes back to a block only after all
/// others, but no more than the TLB reaches: a layer's kernel finds its pages there.
[[nodiscard]] gpu_memory::Pattern kv_read_pattern(const gpu_memory::Rates& gpu,
                                                  const KvLayout& layout, std::int64_t sms);
/// The same with the tokens of a sequence lying together, 2048 of them: what paging is compared to.
[[nodiscard]] gpu_memory::Pattern contiguous_kv_read_pattern(const gpu_memory::Rates& gpu,
                                                             KvLayout layout, std::int64_t sms);
/// A token's new K and V are read in order and written each to its block.
[[nodiscard]] gpu_memory::Pattern kv_write_pattern(const gpu_memory::Rates& gpu,
                                                   const KvLayout& layout);

/// What a run's uses of memory get.
struct MemoryRates {
  /// Streamed by GEMMs; by norms and copies; what writing KV gets.
  Bandwidth weights, activations, kv_write;
  /// KV read on 1, 2, ... SMs; the last holds for more.
  std::vector<Bandwidth> kv_read;
  /// KV read in blocks of the size that measured attention kernels were timed with, on all SMs.
  std::optional<Bandwidth> measured_kv_read;
  /// For the trust line.
  std::string basis;

  /// One answer, for a report.
  struct Line {
    std::string what;
    std::string pattern;
    Bandwidth rate, low, high;
    std::string bound;
  };
  std::vector<Line> lines;
  /// Patterns that were asked.
  std::int64_t patterns = 0;
};

/// As measured: of kernels that were measured themselves (`kernels_measured`) only norms, copies
/// and KV writes are left, which get the GPU's measured stream. Throws std::invalid_argument, which
/// says what was not measured.
[[nodiscard]] MemoryRates measured_memory_rates(const GpuSpec& gpu, bool kernels_measured);

/// Asks the clocked memory. With `measured_block_tokens`, also for what measured kernels had.
[[nodiscard]] MemoryRates clocked_memory_rates(gpu_memory::Rates& gpu, const KvLayout& layout,
                                               std::optional<std::int64_t> measured_block_tokens);

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_MEMORY_RATES_H_
