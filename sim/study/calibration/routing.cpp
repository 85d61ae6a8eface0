// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/routing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <vector>

#include "sim/core/math.h"

namespace orrery {
namespace {

constexpr int kDraws = 10;

std::vector<std::int64_t> balanced(const Routing& r) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(r.experts), 0);
  const std::int64_t stride = (r.experts + r.top_k - 1) / r.top_k;
  // Whole rounds over the experts leave the same everywhere; the rest is dealt.
  const std::int64_t rounds = r.tokens >= stride ? r.tokens / r.experts : 0;
  for (std::int64_t token = rounds * r.experts; token < r.tokens; ++token) {
    const std::int64_t first = r.tokens >= stride ? token : token * stride / r.tokens;
    for (std::int64_t i = 0; i < r.top_k; ++i) {
      ++rows[static_cast<std::size_t>((first + i * stride) % r.experts)];
    }
  }
  for (std::int64_t& each : rows) each += rounds * r.top_k;
  rows.resize(static_cast<std::size_t>(r.local_experts));
  return rows;
}

/// splitmix64 as a share from 0 to 1.
double draw(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/// Rows of every expert; their sum is tokens x top_k to within the rounding that follows.
std::vector<std::int64_t> power_law(const Routing& r, double exponent, std::uint64_t& state) {
  const bool many = r.tokens * r.top_k > r.experts;
  const double least = many ? 1 : 0.01;
  const double most = many ? std::max(1.0, static_cast<double>(r.tokens) * 0.8) : 2;
  const auto raise = [](double x, double to) { return math::exp(to * math::log(x)); };
  const double low = raise(least, 1 - exponent);
  const double high = raise(most, 1 - exponent);
  std::vector<double> share;
  double sum = 0;
  for (std::int64_t e = 0; e < r.experts; ++e) {
    share.push_back(raise((high - low) * draw(state) + low, 1 / (1 - exponent)));
    sum += share.back();
  }
  const std::int64_t wanted = r.tokens * r.top_k;
  std::vector<std::int64_t> rows;
  std::int64_t got = 0;
  for (const double each : share) {
    rows.push_back(std::llround(each / sum * static_cast<double>(wanted)));
    got += rows.back();
  }
  // What rounding left over or took goes to the experts with most rows, one each.
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a] > rows[b]; });
  for (std::size_t i = 0; got != wanted; i = (i + 1) % order.size()) {
    if (got > wanted && rows[order[i]] == 0) continue;
    rows[order[i]] += got < wanted ? 1 : -1;
    got += got < wanted ? 1 : -1;
  }
  return rows;
}

/// Of the rank that has most.
std::vector<std::int64_t> heaviest_rank(const std::vector<std::int64_t>& rows, std::int64_t local) {
  auto best = rows.begin();
  std::int64_t most = -1;
  for (auto at = rows.begin(); rows.end() - at >= local; at += local) {
    std::int64_t sum = 0;
    for (auto expert = at; expert != at + local; ++expert) sum += *expert;
    if (sum <= most) continue;
    most = sum;
    best = at;
  }
  return {best, best + local};
}

ExpertLoad mean_of_draws(const Routing& routing, double exponent) {
  std::uint64_t state = 0;
  ExpertLoad sum;
  for (int i = 0; i < kDraws; ++i) {
    const ExpertLoad load =
        load_of(heaviest_rank(power_law(routing, exponent, state), routing.local_experts));
    sum.rows += load.rows;
    sum.touched += load.touched;
    sum.heaviest += load.heaviest;
    sum.tiles += load.tiles;
  }
  const auto mean = [](std::int64_t x) { return (x + kDraws / 2) / kDraws; };
  return {mean(sum.rows), mean(sum.touched), mean(sum.heaviest), mean(sum.tiles)};
}

}  // namespace

std::optional<ExpertLoad> aiconfigurator_load(std::string_view distribution,
                                              const Routing& routing) {
  if (distribution == "balanced") return load_of(balanced(routing));
  constexpr std::string_view kPowerLaw = "power_law_";
  if (!distribution.starts_with(kPowerLaw)) return std::nullopt;
  const std::string_view text = distribution.substr(kPowerLaw.size());
  double exponent = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || !(exponent > 1)) {
    return std::nullopt;
  }
  return mean_of_draws(routing, exponent);
}

}  // namespace orrery
