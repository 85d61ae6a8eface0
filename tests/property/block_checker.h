// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_BLOCK_CHECKER_H_
#define ORRERY_TESTS_PROPERTY_BLOCK_CHECKER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/serving/replica.h"
#include "tests/property/failures.h"
#include "tests/property/text.h"

namespace orrery::property {

/// Stands between the pool and its eviction policy: what is released is released once, what is
/// evicted had been released. It also tells the block checker whose content is gone.
class WatchedEviction final : public EvictionPolicy {
 public:
  WatchedEviction(std::unique_ptr<EvictionPolicy> policy, std::size_t blocks, Failures& failures)
      : policy_(std::move(policy)), released_(blocks), failures_(failures) {}

  void release(std::span<const BlockId> tail_first, Instant now) override;
  void retain(std::span<const BlockId> blocks) override;
  void on_hit(std::span<const BlockId> blocks, Instant now) override;
  BlockId evict(Instant now) override;

  /// Blocks evicted since the last call.
  [[nodiscard]] std::vector<BlockId> take_evicted() { return std::move(evicted_); }

 private:
  std::unique_ptr<EvictionPolicy> policy_;
  IdVector<BlockId, std::uint8_t> released_;
  std::vector<BlockId> evicted_;
  Failures& failures_;
};

/// Counts the blocks after every schedule() call and every applied step, by physical id: all are
/// held or free; a block's holders are the tables it stands in; two tables share one only where
/// their texts agree up to its end; a hit is on a block that was filled with that very text.
class BlockChecker {
 public:
  /// `evictions` may be null.
  BlockChecker(const Texts& texts, std::int32_t block_size, WatchedEviction* evictions,
               Failures& failures)
      : texts_(texts), block_size_(block_size), evictions_(evictions), failures_(failures) {}

  void after_schedule(const ScheduleRecorder::Call& call);
  void after_apply(const EngineState& state);
  /// Hits whose block's filler was known, so that its content was compared.
  [[nodiscard]] std::int64_t compared_hits() const { return compared_hits_; }

 private:
  struct Owner {
    bool known = false;
    RequestId request{};
    std::int32_t index = 0;
  };

  void forget_evicted();
  void check_conservation(const EngineState& state);
  void check_hits(const EngineState& state, const StepBuilder::Admitted& admitted);
  void note_owners(const EngineState& state, const LiveRequest& live, std::size_t from);
  void note_given_back(const EngineState& state, const StepBuilder& step);
  [[nodiscard]] bool same_text(const Owner& owner, RequestId request, std::int32_t index) const;

  const Texts& texts_;
  std::int32_t block_size_;
  WatchedEviction* evictions_;
  Failures& failures_;
  std::vector<Owner> owners_;
  std::vector<bool> was_cached_;
  std::vector<std::int32_t> counted_;
  std::vector<Owner> seen_;
  std::int64_t compared_hits_ = 0;
};

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_BLOCK_CHECKER_H_
