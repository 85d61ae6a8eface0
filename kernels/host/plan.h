// SPDX-License-Identifier: Apache-2.0
//
// What is measured, as lists that need no GPU: parts of a run that can be asked for, cut short and
// resumed one by one.
#ifndef ORRERY_KERNELS_HOST_PLAN_H_
#define ORRERY_KERNELS_HOST_PLAN_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/host/case.h"

namespace orrery::kernels {

/// In the order of a run: what everything else is held against comes first, and the two that are
/// long last, for where time runs out, some of each of their shapes is there (the order is random).
inline constexpr std::array<std::string_view, 14> kParts = {
    "launch",    "memory", "chase", "host",      "layer", "rows",      "sampling",
    "partition", "mixed",  "moe",   "sustained", "peers", "attention", "gemm"};

struct DeviceFacts {
  int devices = 1;
  int multiprocessors = 132;
  std::int64_t l2_bytes = 60LL << 20;
  /// Of the operands of a case, results not counted.
  std::int64_t operand_bytes = 64LL << 30;
  /// fp8 on the tensor cores: compute capability 8.9 and later.
  bool fp8 = true;
};

/// The projections of a served model: names and figures of configs/models.
struct ModelShape {
  std::string_view name;
  std::int64_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocab;
};
inline constexpr std::array<ModelShape, 9> kModels = {{
    {"llama-3.1-8b", 32, 4096, 32, 8, 128, 14336, 128256},
    {"llama-3.1-70b", 80, 8192, 64, 8, 128, 28672, 128256},
    {"llama-2-7b", 32, 4096, 32, 32, 128, 11008, 32000},
    {"llama-2-13b", 40, 5120, 40, 40, 128, 13824, 32000},
    {"qwen2.5-7b", 28, 3584, 28, 4, 128, 18944, 152064},
    {"qwen3-14b", 40, 5120, 40, 8, 128, 17408, 151936},
    {"qwen3-32b", 64, 5120, 64, 8, 128, 25600, 151936},
    {"mistral-nemo-12b", 40, 5120, 32, 8, 128, 14336, 131072},
    {"yi-34b", 60, 7168, 56, 8, 128, 20480, 64000},
}};

struct WeightShape {
  std::int64_t n, k;
  friend auto operator<=>(const WeightShape&, const WeightShape&) = default;
};

/// The weights of all models above, split over 1, 2, 4 and 8 GPUs where that is usual, each once.
[[nodiscard]] std::vector<WeightShape> weight_shapes();

/// The cases of one part; throws std::invalid_argument with the known names for another one. Cases
/// whose operands do not fit the device are left out.
[[nodiscard]] std::vector<Case> cases_of(std::string_view part, const DeviceFacts& device);

/// The same in an order that depends on the pass alone, every case in it once. Among each 64 of
/// them those of a type are together, because operands are filled anew for another.
[[nodiscard]] std::vector<Case> in_order_of_pass(std::vector<Case> cases, int pass);

/// How often cold operands have to differ so that more than three times the L2 passes between two
/// uses of the same bytes; at least 2, at most 64.
[[nodiscard]] int rotations_for(double case_bytes, std::int64_t l2_bytes);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_PLAN_H_
