// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/conversation_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/hash.h"

namespace orrery {

ConversationPlan plan_conversations(const Content& content, std::optional<std::int64_t> requests) {
  ConversationPlan plan;
  plan.requests = requests;
  plan.sessions = requests;
  plan.last_turns = 1;
  if (!requests || !content.has_sessions()) return plan;
  std::int64_t left = *requests;
  std::int64_t sessions = 0;
  for (; left > 0; ++sessions) {
    plan.last_turns = std::min(content.turns(static_cast<std::uint64_t>(sessions)), left);
    left -= plan.last_turns;
  }
  plan.sessions = sessions;
  return plan;
}

ConversationSource::ConversationSource(std::unique_ptr<Content> content,
                                       std::unique_ptr<SessionStarts> starts,
                                       const ConversationPlan& plan, const ContentOptions& options,
                                       std::uint64_t seed)
    : content_(std::move(content)),
      starts_(std::move(starts)),
      plan_(plan),
      sessions_(options.sessions),
      max_tokens_(options.max_tokens),
      think_draws_(seed, "workload.synthetic", "think_time") {}

std::optional<Instant> ConversationSource::next_start() const {
  std::optional<Instant> start = starts_->peek();
  // The caller may have been given a later arrival before a client became free.
  if (start) start = std::max(*start, last_arrival_);
  return start;
}

std::optional<Instant> ConversationSource::next_arrival() {
  const std::optional<Instant> start = next_start();
  if (due_.empty()) return start;
  return start ? std::min(*start, due_.top().when) : due_.top().when;
}

void ConversationSource::pop(Request& request) {
  const std::optional<Instant> start = next_start();
  ORRERY_CHECK(start || !due_.empty());
  ORRERY_CHECK(ids_ < UINT32_MAX);
  request.id = RequestId{ids_++};
  request.priority = 0;
  request.session = kNoSession;
  // At a tie the older conversation goes first.
  if (!due_.empty() && (!start || due_.top().when <= *start)) {
    go_on(request);
  } else {
    request.arrival = *start;
    starts_->take();
    begin(request);
  }
  last_arrival_ = request.arrival;
  max_tokens_.apply(request, 0);
}

void ConversationSource::begin(Request& request) {
  const std::uint32_t session = begun_++;
  content_->first_turn(sessions_ ? session : index_of(request.id), request);
  if (!sessions_) return;
  request.session = SessionId{session};
  Conversation& conversation = open_[session];
  const bool last = plan_.sessions && std::int64_t{session} + 1 == *plan_.sessions;
  conversation.turns = last ? plan_.last_turns : content_->turns(session);
  if (request.prompt.empty()) {
    request.prompt.push_back({unique_content(request.id), request.input_tokens});
  }
  conversation.prompt = request.prompt;
  conversation.input_tokens = request.input_tokens;
}

void ConversationSource::go_on(Request& request) {
  const Due due = due_.top();
  due_.pop();
  Conversation& conversation = open_.at(due.session);
  ++conversation.turn;
  conversation.prompt.push_back({unique_content(request.id), conversation.next.input});
  conversation.input_tokens += conversation.next.input;
  request.arrival = due.when;
  request.session = SessionId{due.session};
  request.input_tokens = conversation.input_tokens;
  request.output_tokens = conversation.next.output;
  request.prompt = conversation.prompt;
}

bool ConversationSource::continues(const Request& request, std::int32_t generated,
                                   Conversation& conversation) {
  if (conversation.turn + 1 == conversation.turns) return false;
  if (generated == 0) {
    ++ended_by_refusal_;
    return false;
  }
  const auto turn = static_cast<std::uint64_t>(conversation.turn + 1);
  conversation.next = content_->later_turn(index_of(request.session), turn);
  const std::int64_t input =
      std::int64_t{conversation.input_tokens} + generated + conversation.next.input;
  if (input + conversation.next.output > sessions_->max_context.value_or(1 << 30)) {
    ++ended_by_context_;
    return false;
  }
  conversation.prompt.push_back({generated_content(request.id), generated});
  conversation.input_tokens += generated;
  return true;
}

void ConversationSource::on_done(const Request& request, std::int32_t generated, Instant now) {
  if (sessions_) {
    const auto session = static_cast<std::uint32_t>(index_of(request.session));
    const auto at = open_.find(session);
    ORRERY_CHECK(at != open_.end());
    if (continues(request, generated, at->second)) {
      const auto turn = static_cast<std::uint64_t>(at->second.turn + 1);
      const Duration pause = sessions_->think.at(think_draws_.keyed(mix(session, turn)));
      due_.push({std::max(now + pause, last_arrival_), session});
      return;
    }
    open_.erase(at);
  }
  starts_->on_over(now, request.id);
}

bool ConversationSource::wants_done() const {
  return sessions_.has_value() || starts_->is_closed_loop();
}

std::optional<std::int64_t> ConversationSource::expected_requests() const { return plan_.requests; }

std::vector<std::string> ConversationSource::remarks() const {
  std::vector<std::string> result = max_tokens_.remarks();
  if (ended_by_context_ > 0) {
    result.push_back(
        fmt::format("{} conversations ended early, at max_context.", ended_by_context_));
  }
  if (ended_by_refusal_ > 0) {
    result.push_back(fmt::format("{} conversations ended early, after a turn that got no answer.",
                                 ended_by_refusal_));
  }
  const bool ended = !starts_->is_closed_loop() && !starts_->peek();
  if (ended && plan_.sessions && std::int64_t{begun_} < *plan_.sessions) {
    result.push_back(
        fmt::format("Arrivals ended after {} of {} {}, with the duration or the stages.", begun_,
                    *plan_.sessions, sessions_ ? "conversations" : "requests"));
  }
  return result;
}

}  // namespace orrery
