// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_WORLD_PLANNED_SOURCE_H_
#define ORRERY_TESTS_WORLD_PLANNED_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sim/core/check.h"
#include "sim/workload/source.h"

namespace orrery::world {

inline constexpr std::size_t kNoTurn = SIZE_MAX;

/// A request to come. Its prompt is what the turn before it (if any) had and generated, then the
/// shared spans, then `own_tokens` of its own. Which id it gets is known only when it arrives.
struct PlannedRequest {
  /// The turn it continues: an earlier index of the plan.
  std::size_t before = kNoTurn;
  /// Closed loop: it is sent this long after the client has the turn before. Open loop: at
  /// `arrival`, be the turn before done or not; `generated` tokens of it are then taken for
  /// granted.
  bool closed = false;
  Duration think;
  Instant arrival;
  std::int32_t generated = 0;
  std::vector<ContentSpan> shared;
  std::int32_t own_tokens = 0;
  std::int32_t output_tokens = 1;
  std::int32_t max_tokens = 0;
  std::int32_t priority = 0;
};

/// Sends planned requests in order of arrival (ties: of the plan) and remembers what it sent.
class PlannedSource final : public RequestSource {
 public:
  explicit PlannedSource(std::vector<PlannedRequest> plan)
      : plan_(std::move(plan)), ids_(plan_.size()) {
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      if (!plan_[i].closed) coming_.insert({plan_[i].arrival, i});
      if (plan_[i].closed) closed_ = true;
    }
  }

  [[nodiscard]] std::optional<Instant> next_arrival() override {
    if (coming_.empty()) return {};
    return coming_.begin()->first;
  }

  void pop(Request& request) override {
    const auto [arrival, index] = *coming_.begin();
    coming_.erase(coming_.begin());
    const PlannedRequest& planned = plan_[index];
    request = Request();
    request.id = RequestId{static_cast<std::uint32_t>(sent_.size())};
    request.arrival = arrival;
    request.output_tokens = planned.output_tokens;
    request.max_tokens = planned.max_tokens;
    request.priority = planned.priority;
    if (planned.before != kNoTurn) {
      const Request& before = sent_[index_of(ids_[planned.before])];
      request.prompt = before.prompt;
      request.prompt.push_back({generated_content(before.id), planned.generated});
    }
    request.prompt.insert(request.prompt.end(), planned.shared.begin(), planned.shared.end());
    request.prompt.push_back({unique_content(request.id), planned.own_tokens});
    for (const ContentSpan& span : request.prompt) request.input_tokens += span.tokens;
    ids_[index] = request.id;
    indices_.push_back(index);
    sent_.push_back(request);
  }

  void on_done(const Request& request, std::int32_t generated, Instant now) override {
    const std::size_t done = indices_[index_of(request.id)];
    for (std::size_t i = done + 1; i < plan_.size(); ++i) {
      if (!plan_[i].closed || plan_[i].before != done) continue;
      plan_[i].generated = generated;
      coming_.insert({now + plan_[i].think, i});
    }
  }
  [[nodiscard]] bool wants_done() const override { return closed_; }

  /// By id.
  [[nodiscard]] const std::vector<Request>& sent() const { return sent_; }
  [[nodiscard]] std::size_t planned() const { return plan_.size(); }

 private:
  std::vector<PlannedRequest> plan_;
  std::vector<RequestId> ids_;        // by index of the plan
  std::vector<std::size_t> indices_;  // by id
  std::vector<Request> sent_;
  std::set<std::pair<Instant, std::size_t>> coming_;
  bool closed_ = false;
};

}  // namespace orrery::world

#endif  // ORRERY_TESTS_WORLD_PLANNED_SOURCE_H_
