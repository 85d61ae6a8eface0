// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/boosting.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr std::size_t kBins = Boosted::kMostBorders + 1;
/// Errors are counted in this many steps up to the clip: sums of integers have no order.
constexpr double kSteps = 2048;

/// Values halfway between neighbours, at most kBins - 1 of them, equally many rows between two.
std::vector<float> borders_of(const FeatureTable& table, std::size_t feature,
                              std::span<const std::uint32_t> rows) {
  std::vector<float> values;
  values.reserve(rows.size());
  for (const std::uint32_t row : rows) values.push_back(table.at(row, feature));
  std::sort(values.begin(), values.end());
  std::vector<float> distinct = values;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  const bool few = distinct.size() <= kBins;
  const std::vector<float>& from = few ? distinct : values;
  const std::size_t parts = few ? distinct.size() : kBins;
  std::vector<float> borders;
  for (std::size_t i = 1; i < parts; ++i) {
    const auto at =
        std::lower_bound(distinct.begin(), distinct.end(), from[i * from.size() / parts]);
    if (at == distinct.begin()) continue;
    const float border = (*(at - 1) + *at) / 2;
    if (borders.empty() || border > borders.back()) borders.push_back(border);
  }
  return borders;
}

/// splitmix64: the stream that rows and features are drawn by.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}
  bool with_chance(double share) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) < share * 0x1p53;
  }

 private:
  std::uint64_t state_;
};

class Booster {
 public:
  Booster(const FeatureTable& table, std::span<const double> target,
          std::span<const std::uint32_t> rows, const BoostingOptions& options)
      : options_(options),
        rows_(rows.size()),
        borders_(table.features),
        leaf_(rows_),
        step_(rows_),
        draws_(options.seed) {
    ORRERY_CHECK(rows_ < (std::size_t{1} << 24));
    ORRERY_CHECK(table.features <= Boosted::kMostColumns);
    bins_.resize(table.features * rows_);
    for (std::size_t f = 0; f < table.features; ++f) {
      borders_[f] = borders_of(table, f, rows);
      for (std::size_t i = 0; i < rows_; ++i) {
        const auto at =
            std::lower_bound(borders_[f].begin(), borders_[f].end(), table.at(rows[i], f));
        bins_[f * rows_ + i] = static_cast<std::uint8_t>(at - borders_[f].begin());
      }
    }
    left_.reserve(rows_);
    for (const std::uint32_t row : rows) left_.push_back(target[row]);
  }

  Boosted run() {
    Boosted boosted;
    unit_ = options_.rate * options_.clip / Boosted::kMostAnswer;
    boosted.unit = unit_;
    for (int i = 0; i < options_.trees; ++i) boosted.trees.push_back(grow());
    boosted.borders = borders_;
    return boosted;
  }

 private:
  struct Sum {
    double total = 0;
    double count = 0;
    [[nodiscard]] double score(double shrinkage) const {
      return total * total / (count + shrinkage);
    }
  };
  /// A sum of steps in the high bits and a count of rows in the low 24: one addition for both.
  static Sum unpack(std::int64_t packed) {
    return {static_cast<double>(packed >> 24), static_cast<double>(packed & 0xffffff)};
  }

  Boosted::Tree grow() {
    draw();
    Boosted::Tree tree;
    std::fill(leaf_.begin(), leaf_.end(), std::uint16_t{0});
    for (int depth = 0; depth < options_.depth; ++depth) {
      const auto [feature, border] = best_question(std::size_t{1} << depth);
      if (feature == borders_.size()) break;
      tree.questions.push_back(
          {static_cast<std::uint8_t>(feature), static_cast<std::uint8_t>(border)});
      const std::uint8_t* bins = &bins_[feature * rows_];
      for (std::size_t i = 0; i < rows_; ++i) {
        leaf_[i] = static_cast<std::uint16_t>(leaf_[i] * 2 + (bins[i] > border ? 1 : 0));
      }
    }
    answer(tree);
    return tree;
  }

  /// This tree's rows and features, and the rows' errors in steps.
  void draw() {
    sample_.clear();
    for (std::size_t i = 0; i < rows_; ++i) {
      const double share = std::clamp(left_[i] / options_.clip, -1.0, 1.0);
      step_[i] = static_cast<std::int64_t>(std::lround(share * kSteps));
      if (draws_.with_chance(options_.row_share)) sample_.push_back(static_cast<std::uint32_t>(i));
    }
    features_.clear();
    for (std::size_t f = 0; f < borders_.size(); ++f) {
      if (!borders_[f].empty() && draws_.with_chance(options_.feature_share))
        features_.push_back(f);
    }
  }

  void answer(Boosted::Tree& tree) {
    std::vector<std::int64_t> sums(std::size_t{1} << tree.questions.size(), 0);
    for (const std::uint32_t i : sample_) sums[leaf_[i]] += packed(i);
    for (const std::int64_t packed_sum : sums) {
      const Sum sum = unpack(packed_sum);
      const double mean = sum.total / kSteps / (sum.count + options_.shrinkage);
      tree.answers.push_back(static_cast<std::int8_t>(std::lround(mean * Boosted::kMostAnswer)));
    }
    for (std::size_t i = 0; i < rows_; ++i) left_[i] -= tree.answers[leaf_[i]] * unit_;
  }

  [[nodiscard]] std::int64_t packed(std::size_t i) const {
    return step_[i] * (std::int64_t{1} << 24) + 1;
  }

  /// What each border of one feature explains beyond no border, summed over the leaves.
  void gather_scores(std::size_t leaves, std::size_t borders) {
    score_.assign(borders, 0);
    for (std::size_t leaf = 0; leaf < leaves; ++leaf) {
      const std::int64_t* bin = &histogram_[leaf * kBins];
      std::int64_t all = 0;
      for (std::size_t b = 0; b <= borders; ++b) all += bin[b];
      const double whole = unpack(all).score(options_.shrinkage);
      std::int64_t below = 0;
      for (std::size_t b = 0; b < borders; ++b) {
        below += bin[b];
        score_[b] += unpack(below).score(options_.shrinkage) +
                     unpack(all - below).score(options_.shrinkage) - whole;
      }
    }
  }

  /// The question that explains most, asked in all leaves at once.
  std::pair<std::size_t, std::size_t> best_question(std::size_t leaves) {
    std::pair<std::size_t, std::size_t> best{borders_.size(), 0};
    double best_score = 1e-9;
    for (const std::size_t f : features_) {
      histogram_.assign(leaves * kBins, 0);
      const std::uint8_t* bins = &bins_[f * rows_];
      for (const std::uint32_t i : sample_) histogram_[leaf_[i] * kBins + bins[i]] += packed(i);
      gather_scores(leaves, borders_[f].size());
      for (std::size_t b = 0; b < score_.size(); ++b) {
        if (score_[b] <= best_score) continue;
        best_score = score_[b];
        best = {f, b};
      }
    }
    return best;
  }

  BoostingOptions options_;
  std::size_t rows_;
  double unit_ = 1;
  std::vector<std::vector<float>> borders_;
  std::vector<std::uint8_t> bins_;
  std::vector<double> left_;
  std::vector<std::uint16_t> leaf_;
  std::vector<std::int64_t> step_;
  std::vector<std::uint32_t> sample_;
  std::vector<std::size_t> features_;
  std::vector<std::int64_t> histogram_;
  std::vector<double> score_;
  Draws draws_;
};

}  // namespace

Boosted boost(const FeatureTable& table, std::span<const double> target,
              std::span<const std::uint32_t> rows, const BoostingOptions& options) {
  return Booster(table, target, rows, options).run();
}

}  // namespace orrery
