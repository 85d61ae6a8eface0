// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/synthetic.h"

#include <utility>

#include "sim/workload/conversation_source.h"
#include "sim/workload/session_starts.h"

namespace orrery {
namespace {

constexpr std::string_view kThinkTimes[] = {"fixed", "exponential"};
constexpr double kMostRequests = 4e9;

}  // namespace

void SyntheticOptions::describe(Describer& d) {
  d.required().object_of("arrivals", arrivals,
                         "When requests (or, with sessions, conversations) come.");
  d.optional_field("requests", requests, Range::between(1, kMostRequests),
                   "Number of requests, all turns counted.");
  d.optional_field("duration", duration, Range::positive(),
                   "No request (or conversation) comes at or after this.");
  content.describe(d);
  if (!d.reading()) return;
  if (!requests && !duration && !arrivals.ends()) {
    d.refuse("", "needs `requests`, `duration` or `stages`: the arrivals have no end");
  }
  if (!requests && arrivals.process == ArrivalProcess::kAllAtOnce) {
    d.refuse("requests", "is needed by process all_at_once");
  }
  if (!requests && arrivals.needs_count()) d.refuse("requests", "is needed by rescale and ramp");
}

void ClosedLoopOptions::describe(Describer& d) {
  d.required().field("concurrency", concurrency, Range::between(1, 10'000'000),
                     "Clients, each with one request under way.");
  d.required().field("requests", requests, Range::between(1, kMostRequests),
                     "Number of requests, all turns counted.");
  d.field("think_time", think.mean, Range::between(0, 1e18),
          "(Mean) pause between a client's last token and its next request (with sessions: its "
          "next conversation).");
  d.choice_of("think_time_distribution", think.distribution, kThinkTimes,
              "All pauses alike, or exponential ones.");
  d.field("ramp_up", ramp_up, Range::between(0, 1e18),
          "Clients begin evenly spread over this; 0s: all at once.");
  content.describe(d);
}

std::unique_ptr<RequestSource> open_synthetic(const SyntheticOptions& options,
                                              const std::filesystem::path& relative_to,
                                              std::uint64_t seed) {
  auto content = std::make_unique<Content>(options.content, relative_to, seed);
  const ConversationPlan plan = plan_conversations(*content, options.requests);
  auto starts = start_by_clock(make_arrivals(options.arrivals, plan.sessions,
                                             RandomStream(seed, "workload.synthetic", "arrivals")),
                               plan.sessions, options.duration);
  return std::make_unique<ConversationSource>(std::move(content), std::move(starts), plan,
                                              options.content, seed);
}

std::unique_ptr<RequestSource> open_closed_loop(const ClosedLoopOptions& options,
                                                const std::filesystem::path& relative_to,
                                                std::uint64_t seed) {
  auto content = std::make_unique<Content>(options.content, relative_to, seed);
  const ConversationPlan plan = plan_conversations(*content, options.requests);
  auto starts =
      start_by_clients({options.concurrency, options.ramp_up, options.think}, *plan.sessions, seed);
  return std::make_unique<ConversationSource>(std::move(content), std::move(starts), plan,
                                              options.content, seed);
}

}  // namespace orrery
