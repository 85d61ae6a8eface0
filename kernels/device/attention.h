// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_DEVICE_ATTENTION_H_
#define ORRERY_KERNELS_DEVICE_ATTENTION_H_

#include <cstddef>
#include <vector>

#include "kernels/device/attention_kernels.h"
#include "kernels/device/bench.h"

namespace orrery::kernels {

struct AttentionHeads {
  int heads = 32;
  int kv_heads = 8;
  int dim = 128;
};

/// A batch with everything its launches need in device memory: page tables of random pages, one
/// set of pages a rotation, work lists and room for results.
class AttentionBatch {
 public:
  /// Takes `operands` (filled with bf16) for queries, keys and values and `results` for the rest.
  /// As many rotations as asked for, or as have room. Throws Skipped if not even one has.
  AttentionBatch(const AttentionHeads& heads, const std::vector<AttentionSequence>& sequences,
                 int slots, int rotations, std::byte* operands, std::size_t operand_bytes,
                 std::byte* results, std::size_t result_bytes);

  [[nodiscard]] int rotations() const { return rotations_; }
  [[nodiscard]] const AttentionCall& call(int rotation) const {
    return calls_[static_cast<std::size_t>(rotation)];
  }
  [[nodiscard]] const AttentionPlan& plan() const { return plan_; }
  /// Of one rotation, as the kernels see it.
  [[nodiscard]] const std::vector<int>& pages(int rotation) const {
    return tables_[static_cast<std::size_t>(rotation)];
  }
  [[nodiscard]] std::size_t pages_in_all() const { return pages_in_all_; }

 private:
  AttentionPlan plan_;
  int rotations_ = 1;
  std::size_t pages_in_all_ = 0;
  std::vector<std::vector<int>> tables_;
  std::vector<AttentionCall> calls_;
};

/// Blocks of the attention kernels that run at once: two on each multiprocessor.
[[nodiscard]] int attention_slots(int multiprocessors);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_ATTENTION_H_
