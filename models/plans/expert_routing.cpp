// SPDX-License-Identifier: Apache-2.0
#include "models/plans/expert_routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <numeric>

#include "sim/core/check.h"
#include "sim/core/errors.h"
#include "sim/core/math.h"
#include "sim/core/random.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 3> kAll2All = {
    "allgather_reducescatter", "deepep_high_throughput", "deepep_low_latency"};
constexpr std::array<std::string_view, 4> kLaws = {"uniform", "zipf", "power_law", "trace"};
constexpr std::array<std::string_view, 2> kPlacements = {"linear", "round_robin"};
/// Draws of one count of tokens, and tokens drawn for it at least where counts are large.
constexpr std::int64_t kMostDraws = 64;
constexpr std::int64_t kDrawnTokens = 4096;

using Choices = std::vector<std::vector<std::int64_t>>;

std::vector<double> popularity_by_law(const ExpertOptions& options, std::int64_t experts) {
  std::vector<double> weight(static_cast<std::size_t>(experts), 1.0);
  RandomStream random(options.seed, "experts", "popularity");
  if (options.routing == RoutingLaw::kZipf) {
    for (std::size_t i = 0; i < weight.size(); ++i) {
      weight[i] = math::pow(static_cast<double>(i + 1), -options.exponent);
    }
    for (std::size_t i = weight.size(); i > 1; --i) {
      std::swap(weight[i - 1], weight[static_cast<std::size_t>(random.below(i))]);
    }
  }
  if (options.routing == RoutingLaw::kPowerLaw) {
    // The inverse of the distribution between 1 and n; exponent 1 has a logarithm for it.
    const double n = static_cast<double>(experts);
    const double to = 1 - options.exponent;
    for (double& each : weight) {
      const double u = random.uniform();
      each = to == 0 ? math::pow(n, u) : math::pow(1 + u * (math::pow(n, to) - 1), 1 / to);
    }
  }
  return weight;
}

std::vector<double> popularity_of(const Choices& trace, std::int64_t experts) {
  std::vector<double> weight(static_cast<std::size_t>(experts), 0.0);
  for (const auto& token : trace) {
    for (const std::int64_t expert : token) weight[static_cast<std::size_t>(expert)] += 1;
  }
  return weight;
}

/// Deals tokens to experts.
class Dealer {
 public:
  Dealer(const ExpertShape& shape, const ExpertOptions& options)
      : top_k_(static_cast<std::size_t>(shape.top_k)), random_(options.seed, "experts", "routing") {
    if (options.routing == RoutingLaw::kTrace) {
      trace_ = read_expert_trace(options.trace, shape);
      popularity_ = popularity_of(trace_, shape.experts);
    } else {
      popularity_ = popularity_by_law(options, shape.experts);
    }
    std::partial_sum(popularity_.begin(), popularity_.end(), std::back_inserter(cumulative_));
  }

  [[nodiscard]] const std::vector<double>& popularity() const { return popularity_; }

  /// Rows of each expert for draw number `draw` of `tokens` tokens.
  void deal(std::int64_t tokens, std::int64_t draw, std::vector<std::int64_t>& rows) const {
    rows.assign(popularity_.size(), 0);
    RandomStream random =
        random_.keyed(static_cast<std::uint64_t>(tokens) << 8 ^ static_cast<std::uint64_t>(draw));
    if (!trace_.empty()) {
      std::size_t at = static_cast<std::size_t>(random.below(trace_.size()));
      for (std::int64_t i = 0; i < tokens; ++i) {
        for (const std::int64_t expert : trace_[at]) ++rows[static_cast<std::size_t>(expert)];
        at = (at + 1) % trace_.size();
      }
      return;
    }
    std::vector<std::size_t> chosen;
    for (std::int64_t i = 0; i < tokens; ++i) choose(random, chosen, rows);
  }

 private:
  /// Different experts, each by its share of those that are left.
  void choose(RandomStream& random, std::vector<std::size_t>& chosen,
              std::vector<std::int64_t>& rows) const {
    constexpr int kPatience = 32;
    chosen.clear();
    for (int misses = 0; chosen.size() < top_k_ && misses < kPatience;) {
      const double at = random.uniform() * cumulative_.back();
      const auto place = std::upper_bound(cumulative_.begin(), cumulative_.end(), at);
      const std::size_t expert =
          std::min(cumulative_.size() - 1, static_cast<std::size_t>(place - cumulative_.begin()));
      if (std::find(chosen.begin(), chosen.end(), expert) != chosen.end()) {
        ++misses;
        continue;
      }
      chosen.push_back(expert);
    }
    // A few experts have nearly all: what is left is weighed anew.
    while (chosen.size() < top_k_) chosen.push_back(one_of_the_rest(random, chosen));
    for (const std::size_t expert : chosen) ++rows[expert];
  }

  [[nodiscard]] std::size_t one_of_the_rest(RandomStream& random,
                                            const std::vector<std::size_t>& chosen) const {
    const auto taken = [&](std::size_t e) {
      return std::find(chosen.begin(), chosen.end(), e) != chosen.end();
    };
    double sum = 0;
    for (std::size_t e = 0; e < popularity_.size(); ++e) sum += taken(e) ? 0 : popularity_[e];
    double at = random.uniform() * sum;
    std::size_t last = 0;
    for (std::size_t e = 0; e < popularity_.size(); ++e) {
      if (taken(e)) continue;
      last = e;
      at -= popularity_[e];
      if (at < 0) break;
    }
    return last;
  }

  std::size_t top_k_;
  RandomStream random_;
  Choices trace_;
  std::vector<double> popularity_;
  std::vector<double> cumulative_;
};

[[noreturn]] void refuse_line(const std::string& path, int line, const std::string& what) {
  throw ConfigError(Position{path, line, 1}, "experts.trace", what);
}

/// The ids in a line; nothing for a comment or an empty one.
std::vector<std::int64_t> ids_in(const std::string& text, const std::string& path, int line) {
  std::vector<std::int64_t> ids;
  if (text.find('#') != std::string::npos) return ids;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',' || *at == '\t' || *at == '\r') {
      ++at;
      continue;
    }
    std::int64_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc()) refuse_line(path, line, "is not a list of experts: '" + text + "'");
    ids.push_back(id);
    at = next;
  }
  return ids;
}

/// How many places each expert has, `places` in all.
std::vector<std::int64_t> copy_experts(const std::vector<double>& popularity, std::int64_t places) {
  std::vector<std::int64_t> copies(popularity.size(), 1);
  for (auto left = places - static_cast<std::int64_t>(popularity.size()); left > 0; --left) {
    std::size_t heaviest = 0;
    const auto load = [&](std::size_t e) { return popularity[e] / static_cast<double>(copies[e]); };
    for (std::size_t e = 1; e < copies.size(); ++e) {
      if (load(e) > load(heaviest)) heaviest = e;
    }
    ++copies[heaviest];
  }
  return copies;
}

void pack(const std::vector<double>& popularity, std::size_t places, Placement& placement) {
  std::vector<std::pair<double, std::int64_t>> items;
  for (std::size_t e = 0; e < popularity.size(); ++e) {
    const double each = popularity[e] / static_cast<double>(placement.copies[e]);
    for (std::int64_t i = 0; i < placement.copies[e]; ++i) {
      items.emplace_back(each, static_cast<std::int64_t>(e));
    }
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<double> load(placement.experts_of.size(), 0.0);
  for (const auto& [weight, expert] : items) {
    std::size_t best = load.size();
    for (std::size_t rank = 0; rank < load.size(); ++rank) {
      if (placement.experts_of[rank].size() == places) continue;
      if (best == load.size() || load[rank] < load[best]) best = rank;
    }
    placement.experts_of[best].push_back(expert);
    load[best] += weight;
  }
}

/// A rank's rows, its share of copied experts.
ExpertLoad load_on(const std::vector<std::int64_t>& experts, const Placement& placement,
                   const std::vector<std::int64_t>& rows, std::vector<std::int64_t>& own) {
  own.clear();
  for (const std::int64_t expert : experts) {
    const auto e = static_cast<std::size_t>(expert);
    own.push_back((rows[e] + placement.copies[e] - 1) / placement.copies[e]);
  }
  return load_of(own);
}

}  // namespace

void ExpertOptions::describe(Describer& d) {
  d.choice_of("routing", routing, kLaws, "How often each expert is chosen.");
  d.field("exponent", exponent, Range::between(0, 8), "Of zipf and power_law.");
  d.field("trace", trace, "File of recorded choices, the experts of a token in each line.");
  d.choice_of("all2all_backend", all2all, kAll2All,
              "How routed tokens get to the ranks of their experts and back.");
  d.choice_of("expert_placement_strategy", placement, kPlacements, "Which rank has which expert.");
  d.field("enable_eplb", enable_eplb,
          "Experts are copied and placed by how often they are chosen.");
  d.field("num_redundant_experts", num_redundant_experts, Range::between(0, 4096),
          "Copies of experts besides one of each.");
  d.field("overlap_shared_experts", overlap_shared_experts,
          "Shared experts run while routed tokens are exchanged.");
  if (!d.reading()) return;
  if (!trace.empty()) trace = d.resolved_path("trace", trace);
  if ((routing == RoutingLaw::kTrace) == trace.empty()) {
    d.refuse("trace", "and `routing: trace` stand together or not at all");
  }
  if (num_redundant_experts > 0 && !enable_eplb) {
    d.refuse("num_redundant_experts", "needs enable_eplb, which places the copies");
  }
}

Placement place_experts(const ExpertOptions& options, const std::vector<double>& popularity,
                        std::int64_t ranks) {
  const auto experts = static_cast<std::int64_t>(popularity.size());
  const std::int64_t places = experts + options.num_redundant_experts;
  if (places % ranks != 0) {
    throw ConfigError({}, "engine.experts.num_redundant_experts",
                      fmt::format("{} experts and {} copies do not divide over {} ranks", experts,
                                  options.num_redundant_experts, ranks));
  }
  Placement placement;
  placement.experts_of.resize(static_cast<std::size_t>(ranks));
  const std::int64_t each = places / ranks;
  if (options.enable_eplb) {
    placement.copies = copy_experts(popularity, places);
    pack(popularity, static_cast<std::size_t>(each), placement);
    return placement;
  }
  placement.copies.assign(popularity.size(), 1);
  for (std::int64_t e = 0; e < experts; ++e) {
    const std::int64_t rank = options.placement == ExpertPlacement::kLinear ? e / each : e % ranks;
    placement.experts_of[static_cast<std::size_t>(rank)].push_back(e);
  }
  return placement;
}

ExpertLoads::ExpertLoads(const ExpertShape& shape, std::int64_t ranks, const ExpertOptions& options,
                         std::int64_t most_tokens,
                         const std::function<Duration(const ExpertLoad&)>& time) {
  const Dealer dealer(shape, options);
  const Placement placement = place_experts(options, dealer.popularity(), ranks);
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> own;
  for (std::int64_t tokens = 1;;) {
    const std::int64_t draws = std::clamp<std::int64_t>(kDrawnTokens / tokens, 1, kMostDraws);
    ExpertLoad sum;
    std::int64_t most_rows = 0;
    for (std::int64_t draw = 0; draw < draws; ++draw) {
      dealer.deal(tokens, draw, rows);
      ExpertLoad slowest;
      Duration longest = Duration(-1);
      std::int64_t most = 0;
      for (const auto& experts : placement.experts_of) {
        const ExpertLoad load = load_on(experts, placement, rows, own);
        most = std::max(most, load.rows);
        const Duration taken = time(load);
        if (taken <= longest) continue;
        longest = taken;
        slowest = load;
      }
      sum.rows += slowest.rows;
      sum.touched += slowest.touched;
      sum.heaviest += slowest.heaviest;
      sum.tiles += slowest.tiles;
      most_rows += most;
    }
    const auto mean = [&](std::int64_t x) { return (x + draws - 1) / draws; };
    const double mean_rows = static_cast<double>(tokens * shape.top_k) / static_cast<double>(ranks);
    knots_.push_back({tokens,
                      {mean(sum.rows), mean(sum.touched), mean(sum.heaviest), mean(sum.tiles)},
                      static_cast<double>(most_rows) / static_cast<double>(draws) / mean_rows});
    if (tokens >= most_tokens) break;
    tokens = std::min(most_tokens, tokens < 16 ? tokens + 1 : tokens + tokens / 5);
  }
}

std::size_t ExpertLoads::above(std::int64_t tokens) const {
  const auto at =
      std::lower_bound(knots_.begin(), knots_.end(), tokens,
                       [](const Knot& knot, std::int64_t value) { return knot.tokens < value; });
  return static_cast<std::size_t>(at - knots_.begin());
}

ExpertLoad ExpertLoads::at(std::int64_t tokens) const {
  ORRERY_CHECK(tokens >= 1);
  const std::size_t at = above(tokens);
  if (at == knots_.size()) {
    // More of the same: every expert is touched already, or never.
    const Knot& last = knots_.back();
    const auto scaled = [&](std::int64_t x) {
      return (x * tokens + last.tokens - 1) / last.tokens;
    };
    return {scaled(last.load.rows), last.load.touched, scaled(last.load.heaviest),
            scaled(last.load.tiles)};
  }
  const Knot& high = knots_[at];
  if (high.tokens == tokens) return high.load;
  const Knot& low = knots_[at - 1];
  const auto between = [&](std::int64_t a, std::int64_t b) {
    return a + ((b - a) * (tokens - low.tokens)) / (high.tokens - low.tokens);
  };
  return {between(low.load.rows, high.load.rows), between(low.load.touched, high.load.touched),
          between(low.load.heaviest, high.load.heaviest), between(low.load.tiles, high.load.tiles)};
}

double ExpertLoads::imbalance(std::int64_t tokens) const {
  return knots_[std::min(above(tokens), knots_.size() - 1)].imbalance;
}

std::vector<std::vector<std::int64_t>> read_expert_trace(const std::string& path,
                                                         const ExpertShape& shape) {
  std::ifstream in(path);
  if (!in) throw ConfigError(Position{path}, "experts.trace", "cannot be read");
  Choices trace;
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    std::vector<std::int64_t> ids = ids_in(text, path, line);
    if (ids.empty()) continue;
    std::vector<std::int64_t> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
    if (static_cast<std::int64_t>(ids.size()) != shape.top_k || twice || sorted.front() < 0 ||
        sorted.back() >= shape.experts) {
      refuse_line(
          path, line,
          fmt::format("is not {} different experts from 0 to {}", shape.top_k, shape.experts - 1));
    }
    trace.push_back(std::move(ids));
  }
  if (trace.empty()) throw ConfigError(Position{path}, "experts.trace", "has no token");
  return trace;
}

}  // namespace orrery
