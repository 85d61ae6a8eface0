// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/least_squares.h"

// The width of the machine's vectors would decide the order of sums, and with it the last digits.
#define EIGEN_DONT_VECTORIZE
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/core/math.h"

namespace orrery {
namespace {

constexpr int kIterations = 30;
constexpr double kStep = 1e-3;

/// Logarithmic between the bounds, so that a share and a size are searched alike.
double value_at(const Parameter& parameter, double u) {
  const double low = math::log(parameter.low);
  const double high = math::log(parameter.high);
  return math::exp(low + (high - low) / (1 + math::exp(-u)));
}

double place_of(const Parameter& parameter) {
  const double low = math::log(parameter.low);
  const double high = math::log(parameter.high);
  const double share = (math::log(parameter.first) - low) / (high - low);
  return math::log(share / (1 - share));
}

class Search {
 public:
  Search(std::span<const Parameter> parameters, std::size_t count, double huber,
         const Residuals& residuals)
      : parameters_(parameters), huber_(huber), residuals_(residuals), scratch_(count) {}

  std::vector<double> values(const Eigen::VectorXd& u) const {
    std::vector<double> values(parameters_.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = value_at(parameters_[i], u[static_cast<Eigen::Index>(i)]);
    }
    return values;
  }
  Eigen::VectorXd at(const Eigen::VectorXd& u) {
    residuals_(values(u), scratch_);
    return Eigen::Map<const Eigen::VectorXd>(scratch_.data(),
                                             static_cast<Eigen::Index>(scratch_.size()));
  }
  double loss_at(const Eigen::VectorXd& u) { return loss(at(u)); }
  double loss(const Eigen::VectorXd& r) const {
    double sum = 0;
    for (const double x : r) {
      const double a = std::abs(x);
      sum += a <= huber_ ? a * a / 2 : huber_ * (a - huber_ / 2);
    }
    return sum;
  }
  Eigen::VectorXd run() {
    const auto size = static_cast<Eigen::Index>(parameters_.size());
    Eigen::VectorXd u(size);
    for (Eigen::Index i = 0; i < size; ++i)
      u[i] = place_of(parameters_[static_cast<std::size_t>(i)]);
    Eigen::VectorXd r = at(u);
    double best = loss(r);
    double damping = 1e-2;
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      const Eigen::MatrixXd slopes = jacobian(u, r);
      const Eigen::VectorXd weight = r.unaryExpr(
          [this](double x) { return std::abs(x) <= huber_ ? 1.0 : huber_ / std::abs(x); });
      const Eigen::MatrixXd normal = slopes.transpose() * weight.asDiagonal() * slopes;
      const Eigen::VectorXd pull = slopes.transpose() * weight.cwiseProduct(r);
      bool better = false;
      double gain = 0;
      for (int attempt = 0; attempt < 6 && !better; ++attempt) {
        Eigen::MatrixXd damped = normal;
        for (Eigen::Index i = 0; i < size; ++i) damped(i, i) += damping * normal(i, i) + 1e-9;
        const Eigen::VectorXd next = (u - damped.ldlt().solve(pull)).cwiseMax(-12.0).cwiseMin(12.0);
        const Eigen::VectorXd there = at(next);
        const double now = loss(there);
        better = now < best;
        if (better) {
          gain = (best - now) / best;
          u = next;
          r = there;
          best = now;
          damping = std::max(damping / 5, 1e-7);
        } else {
          damping *= 6;
        }
      }
      if (!better || gain < 1e-5) break;
    }
    return u;
  }

 private:
  Eigen::MatrixXd jacobian(const Eigen::VectorXd& u, const Eigen::VectorXd& r) {
    Eigen::MatrixXd slopes(r.size(), u.size());
    for (Eigen::Index i = 0; i < u.size(); ++i) {
      Eigen::VectorXd moved = u;
      moved[i] += kStep;
      slopes.col(i) = (at(moved) - r) / kStep;
    }
    return slopes;
  }

  std::span<const Parameter> parameters_;
  double huber_;
  const Residuals& residuals_;
  std::vector<double> scratch_;
};

}  // namespace

std::vector<double> least_squares(std::span<const Parameter> parameters, std::size_t count,
                                  double huber, const Residuals& residuals) {
  Search search(parameters, count, huber, residuals);
  return search.values(search.run());
}

std::vector<double> fit_with_choice(std::span<const Parameter> parameters, std::size_t count,
                                    double huber, const Residuals& residuals) {
  if (parameters.empty() || !parameters.back().choice) {
    return least_squares(parameters, count, huber, residuals);
  }
  const Parameter& choice = parameters.back();
  const auto sizes = parameters.first(parameters.size() - 1);
  std::vector<double> best;
  double least = std::numeric_limits<double>::infinity();
  for (double chosen = choice.low; chosen <= choice.high; ++chosen) {
    const Residuals with = [&](std::span<const double> values, std::span<double> out) {
      std::vector<double> all(values.begin(), values.end());
      all.push_back(chosen);
      residuals(all, out);
    };
    Search search(sizes, count, huber, with);
    const Eigen::VectorXd place = search.run();
    const double loss = search.loss_at(place);
    if (loss >= least) continue;
    least = loss;
    best = search.values(place);
    best.push_back(chosen);
  }
  return best;
}

}  // namespace orrery
