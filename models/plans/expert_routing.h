// SPDX-License-Identifier: Apache-2.0
//
// Which experts the tokens of a step go to, and what that means to the rank that is done last.
#ifndef ORRERY_MODELS_PLANS_EXPERT_ROUTING_H_
#define ORRERY_MODELS_PLANS_EXPERT_ROUTING_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/calibration/expert_load.h"
#include "models/cards/model_card.h"
#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery {

/// How routed tokens get to the ranks of their experts and back: vLLM's `all2all_backend`.
enum class All2All : std::uint8_t {
  kAllGatherReduceScatter,
  kDeepEpHighThroughput,
  kDeepEpLowLatency,
};

/// How often each expert is chosen.
enum class RoutingLaw : std::uint8_t {
  kUniform,
  /// The i-th most wanted expert in proportion to i^-exponent; which one that is, is drawn.
  kZipf,
  /// Each expert's share is drawn from a density x^-exponent between 1 and the number of experts.
  kPowerLaw,
  /// As recorded: `trace` has the experts of one token in each line.
  kTrace,
};

/// Which rank has which expert: vLLM's `expert_placement_strategy`.
enum class ExpertPlacement : std::uint8_t { kLinear, kRoundRobin };

struct ExpertOptions {
  RoutingLaw routing = RoutingLaw::kUniform;
  double exponent = 1;
  std::string trace;
  All2All all2all = All2All::kAllGatherReduceScatter;
  ExpertPlacement placement = ExpertPlacement::kLinear;
  /// Experts are copied and placed by how often they are chosen (EPLB), with so many copies.
  bool enable_eplb = false;
  std::int64_t num_redundant_experts = 0;
  /// Shared experts run on a second stream while routed tokens are exchanged.
  bool overlap_shared_experts = true;
  /// Set by who reads the scenario; not described here.
  std::uint64_t seed = 0;

  void describe(Describer& d);
};

/// The experts of each rank, copies included.
struct Placement {
  /// By rank: experts.
  std::vector<std::vector<std::int64_t>> experts_of;
  /// By expert: how many ranks' places hold it.
  std::vector<std::int64_t> copies;
};

/// Over `ranks`. Without EPLB as vLLM's strategies have it; with it the heaviest expert for its
/// copies is copied until all places are taken, and places go, heaviest first, to the rank with
/// least load that has room (DeepSeek's EPLB without its groups of nodes). Throws ConfigError where
/// experts and copies do not divide.
[[nodiscard]] Placement place_experts(const ExpertOptions& options,
                                      const std::vector<double>& popularity, std::int64_t ranks);

/// The expected load of the rank that takes longest, by the number of tokens. Expectations are
/// means of draws that depend on the seed and the number of tokens alone: 64 for few tokens, fewer
/// where more tokens even out, at counts four an octave apart, with straight lines between.
class ExpertLoads {
 public:
  /// `time` says which of two ranks is done last. Throws ConfigError for a trace that cannot be
  /// read or names other experts.
  ExpertLoads(const ExpertShape& shape, std::int64_t ranks, const ExpertOptions& options,
              std::int64_t most_tokens, const std::function<Duration(const ExpertLoad&)>& time);

  [[nodiscard]] ExpertLoad at(std::int64_t tokens) const;
  /// Most rows of a rank over the mean.
  [[nodiscard]] double imbalance(std::int64_t tokens) const;

 private:
  struct Knot {
    std::int64_t tokens = 0;
    ExpertLoad load;
    double imbalance = 1;
  };
  [[nodiscard]] std::size_t above(std::int64_t tokens) const;

  std::vector<Knot> knots_;
};

/// One line a token: `top_k` experts, apart by blanks or commas. Lines with # are left out.
[[nodiscard]] std::vector<std::vector<std::int64_t>> read_expert_trace(const std::string& path,
                                                                       const ExpertShape& shape);

}  // namespace orrery

#endif  // ORRERY_MODELS_PLANS_EXPERT_ROUTING_H_
