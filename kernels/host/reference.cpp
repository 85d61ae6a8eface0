// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace orrery::kernels {
namespace {

/// Rounding to bf16 loses at most half of its 2^-7 spacing, to float of 2^-23.
constexpr double kHalfBf16 = 0x1p-8;
constexpr double kHalfFloat = 0x1p-24;

}  // namespace

std::string difference(const Expected& expected, const std::vector<float>& got) {
  if (expected.values.size() != got.size() || expected.tolerances.size() != got.size()) {
    throw std::invalid_argument("results and expectations are not equally many");
  }
  double worst = 1;
  std::size_t where = got.size();
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::fabs(static_cast<double>(got[i]) - expected.values[i]);
    const double share = std::isfinite(got[i]) ? error / std::max(expected.tolerances[i], 1e-300)
                                               : std::numeric_limits<double>::infinity();
    if (share <= worst) continue;
    worst = share;
    where = i;
  }
  if (where == got.size()) return {};
  std::array<char, 200> text{};
  std::snprintf(text.data(), text.size(),
                "value %zu of %zu is %g instead of %g, %g times what "
                "rounding explains",
                where, got.size(), static_cast<double>(got[where]), expected.values[where], worst);
  return text.data();
}

Expected matrix_product(const std::vector<float>& a, const std::vector<float>& b, std::size_t m,
                        std::size_t n, std::size_t k) {
  Expected result;
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      double sum = 0;
      double sizes = 0;
      for (std::size_t i = 0; i < k; ++i) {
        const double product = static_cast<double>(a[row * k + i]) * b[column * k + i];
        sum += product;
        sizes += std::fabs(product);
      }
      result.values.push_back(sum);
      // k additions in float, each off by half of its spacing of at most the sum of sizes; the
      // tensor cores truncate what they align, which is twice that. Then one rounding.
      result.tolerances.push_back(2 * static_cast<double>(k) * kHalfFloat * sizes +
                                  kHalfBf16 * std::fabs(sum));
    }
  }
  return result;
}

Expected attention(const AttentionShape& shape, const std::vector<float>& queries,
                   const std::vector<float>& keys, const std::vector<float>& values,
                   std::size_t query, std::size_t context) {
  const std::size_t d = shape.head_dim;
  const std::size_t group = shape.heads / shape.kv_heads;
  const double scale = 1 / std::sqrt(static_cast<double>(d));
  Expected result;
  for (std::size_t q = 0; q < query; ++q) {
    for (std::size_t head = 0; head < shape.heads; ++head) {
      const float* row = &queries[(q * shape.heads + head) * d];
      const auto at = [&](const std::vector<float>& cache, std::size_t token) {
        return &cache[(token * shape.kv_heads + head / group) * d];
      };
      const std::size_t length = context + q + 1;
      std::vector<double> weights(length);
      double largest = -std::numeric_limits<double>::infinity();
      for (std::size_t token = 0; token < length; ++token) {
        const float* key = at(keys, token);
        double score = 0;
        for (std::size_t i = 0; i < d; ++i) score += static_cast<double>(row[i]) * key[i];
        weights[token] = score * scale;
        largest = std::max(largest, weights[token]);
      }
      double sum = 0;
      for (double& weight : weights) sum += weight = std::exp(weight - largest);
      for (std::size_t i = 0; i < d; ++i) {
        double value = 0;
        double sizes = 0;
        for (std::size_t token = 0; token < length; ++token) {
          const double part = weights[token] / sum * at(values, token)[i];
          value += part;
          sizes += std::fabs(part);
        }
        result.values.push_back(value);
        // Weights are rounded to bf16 for the second product, and so is the result; scores, the
        // exponential and the sums are float's, with errors a few hundred times smaller: 1.1.
        result.tolerances.push_back(1.1 * kHalfBf16 * sizes + kHalfBf16 * std::fabs(value));
      }
    }
  }
  return result;
}

NormExpected rms_norm(const std::vector<float>& x, const std::vector<float>& residual,
                      const std::vector<float>& weight, std::size_t n, double epsilon) {
  NormExpected result;
  for (std::size_t row = 0; row * n < x.size(); ++row) {
    double squares = 0;
    for (std::size_t i = row * n; i < (row + 1) * n; ++i) {
      const double sum = static_cast<double>(x[i]) + residual[i];
      squares += sum * sum;
      result.sums.values.push_back(sum);
      result.sums.tolerances.push_back(kHalfBf16 * std::fabs(sum));
    }
    const double scale = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
    for (std::size_t i = 0; i < n; ++i) {
      const double value = result.sums.values[row * n + i] * scale * weight[i];
      result.normed.values.push_back(value);
      // One rounding, after a sum of n squares in float, all of one sign: 1.01.
      result.normed.tolerances.push_back(1.01 * kHalfBf16 * std::fabs(value));
    }
  }
  return result;
}

Expected silu_mul(const std::vector<float>& rows, std::size_t n) {
  Expected result;
  for (std::size_t row = 0; row * 2 * n < rows.size(); ++row) {
    for (std::size_t i = 0; i < n; ++i) {
      const double gate = rows[row * 2 * n + i];
      const double value = gate / (1 + std::exp(-gate)) * rows[row * 2 * n + n + i];
      result.values.push_back(value);
      // One rounding; the fast exponential is off by a few of float's last places.
      result.tolerances.push_back(1.01 * kHalfBf16 * std::fabs(value));
    }
  }
  return result;
}

Expected rope(const std::vector<float>& rows, std::size_t heads, std::size_t head_dim,
              double theta) {
  Expected result;
  result.values.resize(rows.size());
  result.tolerances.resize(rows.size());
  const std::size_t half = head_dim / 2;
  for (std::size_t at = 0; at < rows.size(); at += head_dim) {
    const auto token = static_cast<double>(at / head_dim / heads);
    for (std::size_t i = 0; i < half; ++i) {
      const double exponent = -2 * static_cast<double>(i) / static_cast<double>(head_dim);
      const double angle = token * std::pow(theta, exponent);
      const double x = rows[at + i];
      const double y = rows[at + half + i];
      result.values[at + i] = x * std::cos(angle) - y * std::sin(angle);
      result.values[at + half + i] = y * std::cos(angle) + x * std::sin(angle);
      // The angle comes from a float power, off by a few last places of up to the token's number;
      // then each result is rounded once.
      const double turned = 8 * kHalfFloat * std::max(angle, 1.0) * (std::fabs(x) + std::fabs(y));
      for (const std::size_t place : {at + i, at + half + i}) {
        result.tolerances[place] = turned + kHalfBf16 * std::fabs(result.values[place]);
      }
    }
  }
  return result;
}

QuantiseExpected quantise(const std::vector<float>& rows, std::size_t n) {
  QuantiseExpected result;
  for (std::size_t row = 0; row * n < rows.size(); ++row) {
    double largest = 0;
    for (std::size_t i = row * n; i < (row + 1) * n; ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(rows[i])));
    }
    const double scale = std::max(largest, 1e-12) / 448;
    result.scales.push_back(scale);
    for (std::size_t i = row * n; i < (row + 1) * n; ++i) {
      const double value = rows[i] / scale;
      result.values.values.push_back(value);
      // Half of fp8's spacing of an eighth of a power of two, or of 2^-9 for the smallest; a scale
      // rounded to float can tip a value that lies between two, which the last term allows.
      result.values.tolerances.push_back(std::max(std::fabs(value) / 16, 0x1p-10) * 1.0001);
    }
  }
  return result;
}

std::size_t sample(const std::vector<float>& logits, std::size_t top_k, double top_p,
                   double uniform) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  order.resize(std::min(top_k, order.size()));
  std::vector<double> shares;
  double sum = 0;
  for (const std::size_t token : order) {
    shares.push_back(std::exp(static_cast<double>(logits[token]) - logits[order[0]]));
    sum += shares.back();
  }
  double kept = 0;
  std::size_t count = 0;
  while (count < shares.size() && kept < top_p * sum) kept += shares[count++];
  double running = 0;
  for (std::size_t i = 0; i < count; ++i) {
    running += shares[i];
    if (running > uniform * kept) return order[i];
  }
  return order[count - 1];
}

}  // namespace orrery::kernels
