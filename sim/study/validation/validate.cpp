// SPDX-License-Identifier: Apache-2.0
#include "sim/study/validation/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "models/calibration/kernel_fit.h"
#include "sim/study/calibration/calibrate.h"

namespace orrery {
namespace {

/// Physics of a set that nobody measured on this GPU.
struct Assumed {
  Assumed(const GpuSpec& gpu, const KernelSet& set) : physics(gpu, set) {
    for (const Parameter& parameter : physics.parameters()) values.push_back(parameter.first);
  }
  KernelPhysics physics;
  std::vector<double> values;
};

class Predictor {
 public:
  explicit Predictor(const GpuSpec& gpu) : gpu_(gpu), fits_(load_fits(gpu)) {}

  ValidatedPoint predict(const MeasuredRow& row) {
    ValidatedPoint point;
    point.row = row;
    const KernelSet set = set_of(row);
    for (const KernelFit& fit : fits_) {
      if (fit.record().set != set) continue;
      const Prediction prediction = fit.predict(row.shape);
      point.predicted_us = prediction.us;
      point.interval = prediction.high_us / prediction.us - 1;
      point.extrapolated = prediction.extrapolated;
      point.basis =
          prediction.extrapolated ? "calibrated; outside the measured range" : "calibrated";
      return point;
    }
    const Assumed& assumed = assumed_.try_emplace(set, gpu_, set).first->second;
    point.predicted_us = assumed.physics.time_us(row.shape, assumed.values);
    point.extrapolated = true;
    point.basis = "physics with assumed parameters; not calibrated";
    return point;
  }

 private:
  const GpuSpec& gpu_;
  std::vector<KernelFit> fits_;
  std::map<KernelSet, Assumed> assumed_;
};

bool within(const ValidatedPoint& point) {
  const double ratio = point.row.latency_us / point.predicted_us;
  return ratio <= 1 + point.interval && ratio >= 1 / (1 + point.interval);
}

double middle(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

ErrorGroup judge(std::string name, const std::vector<const ValidatedPoint*>& points) {
  std::vector<double> errors;
  for (const ValidatedPoint* point : points) {
    errors.push_back(point->predicted_us / point->row.latency_us - 1);
  }
  ErrorGroup group = group_of(std::move(name), std::move(errors));
  for (const ValidatedPoint* point : points) {
    group.extrapolated += point->extrapolated ? 1 : 0;
    if (point->interval < 0) continue;
    ++group.with_interval;
    group.within_interval += within(*point) ? 1 : 0;
  }
  return group;
}

std::string shape_text(const MeasuredRow& row) {
  const KernelShape& s = row.shape;
  if (row.op == MeasuredOp::kGemm) return fmt::format("{}x{}x{}", s.m, s.n, s.k);
  if (row.op == MeasuredOp::kMoe) {
    return fmt::format("{} tokens {}x{} experts {}/{} top {} rows {} touched {}", s.m, s.n, s.k,
                       s.local_experts, s.experts, s.top_k, s.rows, s.touched);
  }
  return fmt::format("{}x{}@{} heads {}/{} dim {} window {}", s.batch, s.query, s.context, s.heads,
                     s.kv_heads, s.head_dim, s.window);
}

}  // namespace

ErrorGroup group_of(std::string name, std::vector<double> errors) {
  ErrorGroup group;
  group.name = std::move(name);
  group.n = static_cast<std::int64_t>(errors.size());
  std::vector<double> sizes;
  for (const double error : errors) sizes.push_back(std::abs(error));
  group.median_abs_error = middle(sizes, 0.5);
  group.p90_abs_error = middle(sizes, 0.9);
  group.worst_abs_error = sizes.back();
  group.bias = middle(errors, 0.5);
  return group;
}

Validation validate(const GpuSpec& gpu, const std::vector<MeasuredRow>& rows) {
  Validation validation;
  Predictor predictor(gpu);
  validation.points.reserve(rows.size());
  for (const MeasuredRow& row : rows) validation.points.push_back(predictor.predict(row));
  std::map<KernelSet, std::vector<const ValidatedPoint*>> sets;
  std::vector<const ValidatedPoint*> all;
  for (const ValidatedPoint& point : validation.points) {
    sets[set_of(point.row)].push_back(&point);
    all.push_back(&point);
  }
  for (const auto& [set, points] : sets) validation.groups.push_back(judge(set.text(), points));
  if (!all.empty()) validation.overall = judge("overall", all);
  return validation;
}

std::string points_csv(const Validation& validation) {
  std::string text = "op,dtype,kv_dtype,shape,measured,predicted,interval,basis\n";
  const auto out = std::back_inserter(text);
  for (const ValidatedPoint& point : validation.points) {
    const MeasuredRow& row = point.row;
    fmt::format_to(out, "{},{},{},{},{:.6g},{:.6g},{},{}\n", name_of(row.op), row.dtype,
                   row.kv_dtype, shape_text(row), row.latency_us, point.predicted_us,
                   point.interval < 0 ? "" : fmt::format("{:.4g}", point.interval), point.basis);
  }
  return text;
}

}  // namespace orrery
