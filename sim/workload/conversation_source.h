// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_CONVERSATION_SOURCE_H_
#define ORRERY_SIM_WORKLOAD_CONVERSATION_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/workload/content.h"
#include "sim/workload/session_starts.h"
#include "sim/workload/source.h"

namespace orrery {

/// How many conversations make up a number of requests. Drawn beforehand from the conversations'
/// own turns, so that it does not depend on which of them a policy lets finish first.
struct ConversationPlan {
  std::optional<std::int64_t> requests;
  std::optional<std::int64_t> sessions;
  /// Turns of the last one, which may be cut short to meet `requests`.
  std::int64_t last_turns = 0;
};
[[nodiscard]] ConversationPlan plan_conversations(const Content& content,
                                                  std::optional<std::int64_t> requests);

/// Synthetic requests: new conversations as `starts` has them, later turns a think time after the
/// client has the answer before. A later turn's prompt is the prompt before, the tokens that were
/// really generated for it, and new text.
class ConversationSource final : public RequestSource {
 public:
  ConversationSource(std::unique_ptr<Content> content, std::unique_ptr<SessionStarts> starts,
                     const ConversationPlan& plan, const ContentOptions& options,
                     std::uint64_t seed);

  std::optional<Instant> next_arrival() override;
  void pop(Request& request) override;
  void on_done(const Request& request, std::int32_t generated, Instant now) override;
  [[nodiscard]] bool wants_done() const override;
  [[nodiscard]] std::optional<std::int64_t> expected_requests() const override;
  [[nodiscard]] std::vector<std::string> remarks() const override;

 private:
  struct Conversation {
    std::vector<ContentSpan> prompt;
    std::int64_t turns = 1;
    std::int64_t turn = 0;
    std::int32_t input_tokens = 0;
    /// Lengths of the turn that is due.
    LengthPair next;
  };
  struct Due {
    Instant when;
    std::uint32_t session = 0;
    friend bool operator>(const Due& a, const Due& b) {
      return a.when != b.when ? a.when > b.when : a.session > b.session;
    }
  };

  [[nodiscard]] std::optional<Instant> next_start() const;
  void begin(Request& request);
  void go_on(Request& request);
  [[nodiscard]] bool continues(const Request& request, std::int32_t generated,
                               Conversation& conversation);

  std::unique_ptr<Content> content_;
  std::unique_ptr<SessionStarts> starts_;
  ConversationPlan plan_;
  std::optional<SessionOptions> sessions_;
  MaxTokensRule max_tokens_;
  RandomStream think_draws_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  /// Only looked up, never walked.
  std::unordered_map<std::uint32_t, Conversation> open_;
  Instant last_arrival_;
  std::uint32_t ids_ = 0;
  std::uint32_t begun_ = 0;
  std::int64_t ended_by_context_ = 0;
  std::int64_t ended_by_refusal_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_CONVERSATION_SOURCE_H_
