// SPDX-License-Identifier: Apache-2.0
//
// Gradient boosting of symmetric trees: every node of a level asks the same question, so a tree of
// depth d is d questions and 2^d answers. Used for what the physics of a kernel leaves unexplained;
// outside the data an answer stays what it was at the edge.
#ifndef ORRERY_MODELS_CALIBRATION_BOOSTING_H_
#define ORRERY_MODELS_CALIBRATION_BOOSTING_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

struct BoostingOptions {
  int trees = 1000;
  int depth = 7;
  double rate = 0.08;
  /// Rows' worth of zero that each answer is averaged with.
  double shrinkage = 2;
  /// Errors beyond this count as this.
  double clip = 0.15;
  /// Each tree sees these shares of rows and features, drawn by a fixed stream.
  double row_share = 0.7;
  double feature_share = 0.35;
  /// Of the stream that draws them.
  std::uint64_t seed = 0;
};

/// Features of many rows, one column after the other.
struct FeatureTable {
  std::size_t rows = 0;
  std::size_t features = 0;
  std::vector<float> values;
  [[nodiscard]] float at(std::size_t row, std::size_t feature) const {
    return values[feature * rows + row];
  }
};

class Boosted {
 public:
  struct Question {
    std::uint8_t feature;
    /// Which of the feature's borders must be exceeded.
    std::uint8_t border;
  };
  struct Tree {
    std::vector<Question> questions;
    /// In units of `unit`, from -kMostAnswer to kMostAnswer, so that a written ensemble is small
    /// and reads back as it was.
    std::vector<std::int8_t> answers;
  };
  static constexpr int kMostAnswer = 45;
  static constexpr std::size_t kMostBorders = 63;
  static constexpr std::size_t kMostColumns = 64;

  [[nodiscard]] double predict(std::span<const float> features) const {
    // How many borders each feature exceeds answers all questions about it.
    std::array<std::uint8_t, kMostColumns> exceeded{};
    for (std::size_t f = 0; f < borders.size(); ++f) {
      const auto at = std::lower_bound(borders[f].begin(), borders[f].end(), features[f]);
      exceeded[f] = static_cast<std::uint8_t>(at - borders[f].begin());
    }
    std::int32_t sum = 0;
    for (const Tree& tree : trees) {
      std::size_t leaf = 0;
      for (const Question& q : tree.questions) {
        leaf = leaf * 2 + static_cast<std::size_t>(exceeded[q.feature] > q.border);
      }
      sum += tree.answers[leaf];
    }
    return sum * unit;
  }

  double unit = 1;
  std::vector<std::vector<float>> borders;
  std::vector<Tree> trees;
};

/// Fits `target` on the rows listed. The same input gives the same ensemble on any machine.
[[nodiscard]] Boosted boost(const FeatureTable& table, std::span<const double> target,
                            std::span<const std::uint32_t> rows, const BoostingOptions& options);

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_BOOSTING_H_
