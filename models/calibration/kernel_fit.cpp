// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/kernel_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "models/calibration/least_squares.h"
#include "sim/core/check.h"
#include "sim/core/errors.h"
#include "sim/core/math.h"

namespace orrery {
namespace {

constexpr std::size_t kFolds = 5;
/// Rows that the physics is fitted on; its few parameters need no more.
constexpr std::size_t kPhysicsRows = 2500;
constexpr double kHuber = 0.15;
/// Added to an error before its logarithm: what repeats of one measurement differ by.
constexpr double kNoise = 0.003;
constexpr double kCoverage = 0.9;
/// Sizes from here times the largest down are left out to see how far a fit foretells beyond its
/// range: as near the edge as leaves enough of them.
constexpr std::int64_t kHeldSizes = 3;

std::vector<double> values_of(const KernelPhysics& physics, const FitRecord& record) {
  std::vector<double> values;
  for (const Parameter& parameter : physics.parameters()) {
    const auto found = std::find_if(record.parameters.begin(), record.parameters.end(),
                                    [&](const auto& p) { return p.first == parameter.name; });
    if (found == record.parameters.end()) {
      throw ConfigError(fmt::format("the calibration of {} lacks the parameter {}",
                                    record.set.text(), parameter.name));
    }
    values.push_back(found->second);
  }
  return values;
}

double quantile(std::vector<double> values, double share) {
  ORRERY_CHECK(!values.empty());
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

/// All the steps of one fit over one set of rows.
class Fitter {
 public:
  Fitter(const GpuSpec& gpu, std::span<const MeasuredRow> rows, std::uint64_t salt)
      : rows_(rows), salt_(salt), physics_(gpu, set_of(rows[0])), fold_(rows.size()) {
    std::map<std::uint64_t, std::size_t> families;
    for (const MeasuredRow& row : rows) {
      families.emplace(family_of(row.op, row.shape), 0);
      logs_.push_back(math::log(row.latency_us));
    }
    by_size_ = families.size() < kFolds;
    if (by_size_) families.clear();
    for (const MeasuredRow& row : rows) families.emplace(group_of(row), 0);
    // In the order of their hashes families go to the folds in turn: as even as can be.
    std::size_t next = 0;
    for (auto& [family, fold] : families) fold = next++ % kFolds;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      fold_[i] = families.at(group_of(rows[i]));
    }
    families_ = families.size();
  }

  FitRecord run() {
    FitRecord record;
    record.set = set_of(rows_[0]);
    record.device = rows_[0].device;
    record.source = rows_[0].source;
    const std::vector<double> error = errors_left_out();
    record.range = range_of(rows_where([](std::size_t) { return true; }));
    const std::vector<std::uint32_t> all = rows_where([](std::size_t) { return true; });
    const std::vector<double> values = fit_physics(all);
    const FeatureTable table = features(values);
    record.residual = boost(table, residuals(table_times_), all, residual_options());
    for (std::size_t i = 0; i < values.size(); ++i) {
      record.parameters.emplace_back(physics_.parameters()[i].name, values[i]);
    }
    spread(table, error, record);
    record.widen_outside = widen_outside(record);
    return record;
  }

 private:
  template <class Keep>
  std::vector<std::uint32_t> rows_where(const Keep& keep) const {
    std::vector<std::uint32_t> kept;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (keep(i)) kept.push_back(static_cast<std::uint32_t>(i));
    }
    return kept;
  }
  [[nodiscard]] std::uint64_t group_of(const MeasuredRow& row) const {
    // An odd multiplier keeps families apart and changes their order.
    if (!by_size_) return family_of(row.op, row.shape) * (2 * salt_ + 1);
    const KernelShape size{0, row.shape.m, row.shape.batch * 1'000'000 + row.shape.query};
    return family_of(MeasuredOp::kGemm, size);
  }
  [[nodiscard]] BoostingOptions residual_options() const { return {}; }
  [[nodiscard]] BoostingOptions spread_options() const {
    BoostingOptions options;
    options.trees = 120;
    options.depth = 5;
    options.rate = 0.15;
    options.shrinkage = 10;
    options.clip = 2;
    return options;
  }

  std::vector<double> fit_physics(std::span<const std::uint32_t> rows) const {
    const std::size_t count = std::min(rows.size(), kPhysicsRows);
    std::vector<std::uint32_t> some;
    for (std::size_t i = 0; i < count; ++i) some.push_back(rows[i * rows.size() / count]);
    const auto residuals = [&](std::span<const double> values, std::span<double> out) {
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = math::log(physics_.time_us(rows_[some[i]].shape, values)) - logs_[some[i]];
      }
    };
    return fit_with_choice(physics_.parameters(), count, kHuber, residuals);
  }

  /// Of all rows; keeps their physical times.
  FeatureTable features(std::span<const double> values) {
    FeatureTable table;
    table.rows = rows_.size();
    table_times_.resize(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const KernelView view = physics_.view(rows_[i].shape, values);
      if (i == 0) {
        table.features = view.features;
        table.values.resize(view.features * rows_.size());
      }
      for (std::size_t f = 0; f < view.features; ++f) {
        table.values[f * rows_.size() + i] = view.feature[f];
      }
      table_times_[i] = math::log(view.time_us);
    }
    return table;
  }
  std::vector<double> residuals(const std::vector<double>& times) const {
    std::vector<double> left(rows_.size());
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = logs_[i] - times[i];
    return left;
  }

  static std::vector<float> row_of(const FeatureTable& table, std::size_t i) {
    std::vector<float> row(kMostFeatures);
    for (std::size_t f = 0; f < table.features; ++f) row[f] = table.at(i, f);
    return row;
  }

  /// Of each row, by a fit that saw none of its fold; ln(predicted / measured).
  std::vector<double> errors_left_out() {
    std::vector<double> error(rows_.size());
    for (std::size_t fold = 0; fold < kFolds; ++fold) {
      const auto train = rows_where([&](std::size_t i) { return fold_[i] != fold; });
      const FeatureTable table = features(fit_physics(train));
      const Boosted trees = boost(table, residuals(table_times_), train, residual_options());
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (fold_[i] != fold) continue;
        error[i] = table_times_[i] + trees.predict(row_of(table, i)) - logs_[i];
      }
    }
    return error;
  }

  /// How large errors are where: learnt from errors on rows left out, and tested likewise.
  void spread(const FeatureTable& table, const std::vector<double>& error, FitRecord& record) {
    std::vector<double> size(rows_.size());
    for (std::size_t i = 0; i < size.size(); ++i) size[i] = math::log(std::abs(error[i]) + kNoise);
    std::vector<double> share(rows_.size());
    std::vector<double> scale(rows_.size());
    for (std::size_t fold = 0; fold < kFolds; ++fold) {
      const auto train = rows_where([&](std::size_t i) { return fold_[i] != fold; });
      const Boosted trees = boost(table, size, train, spread_options());
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (fold_[i] != fold) continue;
        scale[i] = math::exp(trees.predict(row_of(table, i)));
        share[i] = std::abs(error[i]) / scale[i];
      }
    }
    const std::vector<std::uint32_t> all = rows_where([](std::size_t) { return true; });
    record.spread = boost(table, size, all, spread_options());
    record.widen = quantile(share, kCoverage);
    // Each fold is judged by what the others say the interval has to be.
    std::vector<double> half(rows_.size());
    for (std::size_t fold = 0; fold < kFolds; ++fold) {
      std::vector<double> others;
      for (std::size_t i = 0; i < share.size(); ++i) {
        if (fold_[i] != fold) others.push_back(share[i]);
      }
      const double widen = quantile(std::move(others), kCoverage);
      for (std::size_t i = 0; i < half.size(); ++i) {
        if (fold_[i] == fold) half[i] = widen * scale[i];
      }
    }
    judge(error, half, record);
  }

  void judge(const std::vector<double>& error, const std::vector<double>& half,
             FitRecord& record) const {
    std::vector<double> relative;
    std::int64_t within = 0;
    for (std::size_t i = 0; i < error.size(); ++i) {
      relative.push_back(std::abs(math::exp(error[i]) - 1));
      within += std::abs(error[i]) <= half[i] ? 1 : 0;
    }
    record.held_out.rows = static_cast<std::int64_t>(error.size());
    record.held_out.families = static_cast<std::int64_t>(families_);
    record.held_out.by_size = by_size_;
    record.held_out.median = quantile(relative, 0.5);
    record.held_out.p90 = quantile(relative, 0.9);
    record.held_out.coverage = static_cast<double>(within) / static_cast<double>(error.size());
    record.held_out.half_width = quantile(half, 0.5);
  }

  /// What grows with use: tokens, queries or context.
  [[nodiscard]] std::int64_t size_of(const KernelShape& shape) const {
    switch (rows_[0].op) {
      case MeasuredOp::kPrefillAttention:
        return shape.query;
      case MeasuredOp::kDecodeAttention:
        return shape.context + 1;
      case MeasuredOp::kGemm:
      case MeasuredOp::kMoe:
        return shape.m;
    }
    ORRERY_CHECK(false);
  }

  /// Half an interval beyond the measured range, in units of the spread: what the largest decade of
  /// sizes needs when it is foretold from the smaller ones.
  double widen_outside(const FitRecord& record) {
    std::int64_t largest = 0;
    for (const MeasuredRow& row : rows_) largest = std::max(largest, size_of(row.shape));
    const auto inside = [&](std::size_t i) {
      return size_of(rows_[i].shape) * kHeldSizes <= largest;
    };
    const std::vector<std::uint32_t> train = rows_where(inside);
    if (train.size() < kFolds || train.size() == rows_.size()) return record.widen;
    const FeatureTable table = features(fit_physics(train));
    const Boosted trees = boost(table, residuals(table_times_), train, residual_options());
    std::vector<double> shares;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (inside(i)) continue;
      const std::vector<float> row = row_of(table, i);
      const double error = std::abs(table_times_[i] + trees.predict(row) - logs_[i]);
      shares.push_back(error);
    }
    return quantile(std::move(shares), kCoverage);
  }

  MeasuredRange range_of(const std::vector<std::uint32_t>& rows) const {
    MeasuredRange range;
    range.low = range.high = figures_of(rows_[rows[0]].shape);
    for (const std::uint32_t row : rows) {
      const auto figures = figures_of(rows_[row].shape);
      for (std::size_t i = 0; i < figures.size(); ++i) {
        range.low[i] = std::min(range.low[i], figures[i]);
        range.high[i] = std::max(range.high[i], figures[i]);
      }
    }
    return range;
  }

  std::span<const MeasuredRow> rows_;
  std::uint64_t salt_;
  KernelPhysics physics_;
  std::vector<std::size_t> fold_;
  std::vector<double> logs_;
  std::vector<double> table_times_;
  std::size_t families_ = 0;
  bool by_size_ = false;
};

}  // namespace

bool MeasuredRange::holds(const KernelShape& shape) const { return distance(shape) == 0; }

double MeasuredRange::distance(const KernelShape& shape) const {
  const auto figures = figures_of(shape);
  double most = 0;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    // Contexts and windows begin at none.
    const auto beyond = [](std::int64_t far, std::int64_t near) {
      return math::log(static_cast<double>(far + 1) / static_cast<double>(near + 1));
    };
    if (figures[i] < low[i]) most = std::max(most, beyond(low[i], figures[i]));
    if (figures[i] > high[i]) most = std::max(most, beyond(figures[i], high[i]));
  }
  return most;
}

KernelFit::KernelFit(const GpuSpec& gpu, FitRecord record)
    : record_(std::move(record)),
      physics_(gpu, record_.set),
      values_(values_of(physics_, record_)) {}

double KernelFit::time_us(const KernelShape& shape) const {
  const KernelView view = physics_.view(shape, values_);
  return view.time_us * math::exp(record_.residual.predict(view.feature));
}

Prediction KernelFit::predict(const KernelShape& shape) const {
  const KernelView view = physics_.view(shape, values_);
  Prediction prediction;
  prediction.us = view.time_us * math::exp(record_.residual.predict(view.feature));
  const double outside = record_.range.distance(shape);
  // Tested over one decade; in proportion to the logarithm beyond.
  const double half = outside > 0 ? record_.widen_outside * std::max(1.0, outside / math::log(10))
                                  : record_.widen * math::exp(record_.spread.predict(view.feature));
  prediction.low_us = prediction.us * math::exp(-half);
  prediction.high_us = prediction.us * math::exp(half);
  prediction.extrapolated = outside > 0;
  prediction.bound = view.bound(values_[0]);
  return prediction;
}

std::string KernelFit::basis() const {
  return fmt::format(
      "{} measured {} rows of {} on {}, error on {} left out {:.1f} % (p90 {:.1f} %)",
      record_.held_out.rows, record_.set.dtype, record_.source, record_.device,
      record_.held_out.by_size ? "sizes" : "shapes", 100 * record_.held_out.median,
      100 * record_.held_out.p90);
}

const KernelFit* find_fit(std::span<const KernelFit> fits, const KernelSet& set) {
  for (const KernelFit& fit : fits) {
    if (fit.record().set == set) return &fit;
  }
  return nullptr;
}

FitRecord fit_kernels(const GpuSpec& gpu, std::span<const MeasuredRow> rows, std::uint64_t salt) {
  ORRERY_CHECK(!rows.empty());
  return Fitter(gpu, rows, salt).run();
}

}  // namespace orrery
