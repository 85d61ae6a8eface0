// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/content.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/hash.h"

namespace orrery {
namespace {

constexpr std::string_view kOrders[] = {"shuffled", "round_robin", "random"};
constexpr std::string_view kThinkTimes[] = {"fixed", "exponential"};
/// With kMostTokens of a length on top this still fits 32 bits.
constexpr std::int64_t kMostSharedTokens = 1 << 29;
constexpr std::int64_t kMostPrompts = 10'000'000;

const std::uint64_t kPrefixSpace = hash_text("orrery shared prefix");
const std::uint64_t kPromptSpace = hash_text("orrery repeated prompt");

/// Fisher and Yates.
std::vector<std::uint32_t> shuffled(std::vector<std::uint32_t> items, RandomStream draw) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[draw.below(i)]);
  return items;
}

std::vector<std::uint32_t> order_of(const SharedPrefixOptions& options, const RandomStream& draw) {
  const std::int64_t count = options.groups * options.prompts_per_group.value_or(1);
  std::vector<std::uint32_t> items(static_cast<std::size_t>(count));
  std::iota(items.begin(), items.end(), 0U);
  if (options.order != PromptOrder::kShuffled) return items;
  return shuffled(std::move(items), draw.keyed(0));
}

}  // namespace

Duration ThinkOptions::at(RandomStream draw) const {
  if (mean == Duration() || distribution == ThinkTime::kFixed) return mean;
  return round_up_to_duration(to_seconds(mean) * draw.exponential());
}

void SharedPrefixOptions::describe(Describer& d) {
  d.field("groups", groups, Range::between(1, kMostPrompts), "Number of different prefixes.");
  d.field("tokens", tokens, Range::between(0, kMostSharedTokens),
          "Length of each prefix; input_tokens counts the text behind it.");
  d.optional_field("prompts_per_group", prompts_per_group, Range::between(1, kMostPrompts),
                   "Different prompts in a group, which are sent again and again; none: each "
                   "request has text of its own behind the prefix.");
  d.choice_of("order", order, kOrders,
              "In which order prompts (or groups) are sent: once shuffled and then in circles, in "
              "circles, or drawn each time.");
  if (d.reading() && groups * prompts_per_group.value_or(1) > kMostPrompts) {
    d.refuse("prompts_per_group", "gives more than ten million prompts");
  }
}

void SessionOptions::describe(Describer& d) {
  d.required().object_of("turns", turns, "How many requests a conversation has.");
  d.field("think_time", think.mean, Range::between(0, 1e18),
          "(Mean) pause between an answer's last token and the next turn.");
  d.choice_of("think_time_distribution", think.distribution, kThinkTimes,
              "All pauses alike, or exponential ones.");
  d.optional_object("next_input_tokens", next_input_tokens,
                    "New text of later turns; none: as input_tokens.");
  d.optional_field("max_context", max_context, Range::between(1, 1 << 30),
                   "A conversation ends before a turn that would pass so many tokens, its answer "
                   "included.");
}

void ContentOptions::describe(Describer& d) {
  d.optional_object("input_tokens", input_tokens, "Prompt lengths.");
  d.optional_object("output_tokens", output_tokens, "Lengths of the answers.");
  d.optional_object("length_pairs", length_pairs,
                    "Both lengths from the rows of a file, instead of the two above.");
  d.field("correlation", correlation, Range::between(-1, 1),
          "Of the normal scores of input and output lengths (a Gaussian copula).");
  d.optional_object("shared_prefix", shared_prefix, "Prompts with text in common.");
  d.optional_object(
      "sessions", sessions,
      "Conversations: a turn's prompt is the last prompt, the last answer, new text.");
  d.object_of("max_tokens", max_tokens, "What the engine is told of the output's length.");
  if (!d.reading()) return;
  for (const std::string_view key : {"input_tokens", "output_tokens", "correlation"}) {
    if (length_pairs && d.given(key)) d.refuse(key, "means nothing beside length_pairs");
  }
  if (!length_pairs && !input_tokens) d.refuse("input_tokens", "is needed");
  if (!length_pairs && !output_tokens) d.refuse("output_tokens", "is needed");
}

Content::Content(const ContentOptions& options, const std::filesystem::path& relative_to,
                 std::uint64_t seed)
    : correlation_(options.correlation),
      shared_(options.shared_prefix),
      length_draws_(seed, "workload.synthetic", "lengths"),
      prompt_draws_(seed, "workload.synthetic", "prompts"),
      order_draws_(seed, "workload.synthetic", "order"),
      turn_draws_(seed, "workload.synthetic", "turns") {
  if (options.length_pairs) {
    const auto path = (relative_to / options.length_pairs->path).lexically_normal();
    pairs_ = read_length_pairs(path, options.length_pairs->format);
  } else {
    input_ = make_lengths(*options.input_tokens, relative_to);
    output_ = make_lengths(*options.output_tokens, relative_to);
  }
  if (shared_) order_ = order_of(*shared_, order_draws_);
  if (!options.sessions) return;
  turns_ = make_lengths(options.sessions->turns, relative_to);
  if (options.sessions->next_input_tokens) {
    next_input_ = make_lengths(*options.sessions->next_input_tokens, relative_to);
  }
}

std::int64_t Content::turns(std::uint64_t session) const {
  return turns_ ? turns_->at(turn_draws_.keyed(session).normal()) : 1;
}

Content::Scores Content::scores(std::uint64_t key) const {
  RandomStream draw = length_draws_.keyed(key);
  const double input = draw.normal();
  const double other = draw.normal();
  return {input, correlation_ * input + std::sqrt(1 - correlation_ * correlation_) * other};
}

LengthPair Content::lengths(const Scores& scores) const {
  if (pairs_.empty()) return {input_->at(scores.input), output_->at(scores.output)};
  const double share = normal_share_below(scores.input) * static_cast<double>(pairs_.size());
  return pairs_[std::min(static_cast<std::size_t>(share), pairs_.size() - 1)];
}

std::uint64_t Content::prompt_of(std::uint64_t number) const {
  if (shared_->order != PromptOrder::kRandom) return order_[number % order_.size()];
  return order_draws_.keyed(number + 1).below(order_.size());
}

void Content::first_turn(std::uint64_t number, Request& request) const {
  Scores drawn = scores(number);
  const std::uint64_t prompt = shared_ ? prompt_of(number) : 0;
  const bool repeats = shared_ && shared_->prompts_per_group;
  // A prompt that is sent again is as long as it was; only the answer differs.
  if (repeats) drawn.input = prompt_draws_.keyed(prompt).normal();
  const LengthPair pair = lengths(drawn);
  request.input_tokens = pair.input;
  request.output_tokens = pair.output;
  request.prompt.clear();
  if (!shared_) return;
  const auto prefix = static_cast<std::int32_t>(shared_->tokens);
  request.input_tokens += prefix;
  const std::uint64_t group = prompt % static_cast<std::uint64_t>(shared_->groups);
  if (prefix > 0) request.prompt.push_back({hashed_content(kPrefixSpace, group), prefix});
  request.prompt.push_back(
      {repeats ? hashed_content(kPromptSpace, prompt) : unique_content(request.id), pair.input});
}

LengthPair Content::later_turn(std::uint64_t session, std::uint64_t turn) const {
  const Scores drawn = scores(mix(session, turn));
  LengthPair pair = lengths(drawn);
  if (next_input_) pair.input = next_input_->at(drawn.input);
  return pair;
}

}  // namespace orrery
