// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_CONTENT_H_
#define ORRERY_SIM_WORKLOAD_CONTENT_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/random.h"
#include "sim/workload/lengths.h"
#include "sim/workload/max_tokens.h"
#include "sim/workload/request.h"

namespace orrery {

enum class PromptOrder { kShuffled, kRoundRobin, kRandom };

/// Prompts that begin alike, and prompts that are sent again.
struct SharedPrefixOptions {
  std::int64_t groups = 1;
  std::int64_t tokens = 0;
  std::optional<std::int64_t> prompts_per_group;
  PromptOrder order = PromptOrder::kShuffled;

  void describe(Describer& d);
};

enum class ThinkTime { kFixed, kExponential };

/// A client's pause, of one length or exponential.
struct ThinkOptions {
  Duration mean;
  ThinkTime distribution = ThinkTime::kFixed;

  [[nodiscard]] Duration at(RandomStream draw) const;
};

/// Conversations of several turns.
struct SessionOptions {
  LengthOptions turns;
  ThinkOptions think;
  std::optional<LengthOptions> next_input_tokens;
  std::optional<std::int64_t> max_context;

  void describe(Describer& d);
};

/// What synthetic requests are, however they arrive.
struct ContentOptions {
  std::optional<LengthOptions> input_tokens;
  std::optional<OutputLengthOptions> output_tokens;
  std::optional<LengthPairsOptions> length_pairs;
  double correlation = 0;
  std::optional<SharedPrefixOptions> shared_prefix;
  std::optional<SessionOptions> sessions;
  MaxTokensOptions max_tokens;

  void describe(Describer& d);
};

/// Draws lengths and prompts. All draws are keyed by the caller's number, never by when they are
/// made, so that the policy under test does not change what it is tested on.
class Content {
 public:
  Content(const ContentOptions& options, const std::filesystem::path& relative_to,
          std::uint64_t seed);

  /// Whether a conversation may have more than one turn.
  [[nodiscard]] bool has_sessions() const { return turns_ != nullptr; }
  /// Number of turns of a session, at least 1.
  [[nodiscard]] std::int64_t turns(std::uint64_t session) const;

  /// The first (or only) turn of what `number` counts: lengths and prompt, the text that nobody
  /// shares being unique_content(request.id).
  void first_turn(std::uint64_t number, Request& request) const;

  /// Lengths of a later turn: its new text and its output.
  [[nodiscard]] LengthPair later_turn(std::uint64_t session, std::uint64_t turn) const;

 private:
  struct Scores {
    double input = 0;
    double output = 0;
  };
  [[nodiscard]] Scores scores(std::uint64_t key) const;
  [[nodiscard]] LengthPair lengths(const Scores& scores) const;
  [[nodiscard]] std::uint64_t prompt_of(std::uint64_t number) const;

  std::unique_ptr<Lengths> input_;
  std::unique_ptr<Lengths> output_;
  std::unique_ptr<Lengths> next_input_;
  std::unique_ptr<Lengths> turns_;
  std::vector<LengthPair> pairs_;
  double correlation_;
  std::optional<SharedPrefixOptions> shared_;
  /// The order of the distinct prompts or, where each prompt is its own, of the groups.
  std::vector<std::uint32_t> order_;
  RandomStream length_draws_;
  RandomStream prompt_draws_;
  RandomStream order_draws_;
  RandomStream turn_draws_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_CONTENT_H_
