// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/queue_growth.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace orrery {
namespace {

constexpr double kLeastShareOfSent = 0.02;
constexpr double kLeastRootsOfSent = 2;
constexpr std::size_t kLeastBinsInHalf = 8;

/// Slope of the least-squares line through equally spaced points, per point.
double slope_of(std::span<const double> queue) {
  const auto n = static_cast<double>(queue.size());
  const double middle = (n - 1) / 2;
  double covariance = 0;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    covariance += (static_cast<double>(i) - middle) * queue[i];
  }
  return covariance / (n * (n * n - 1) / 12);
}

double mean_of(std::span<const double> queue) {
  double sum = 0;
  for (const double q : queue) sum += q;
  return sum / static_cast<double>(queue.size());
}

}  // namespace

QueueGrowth::QueueGrowth() : bins_(kBins) {}

void QueueGrowth::halve() {
  for (std::size_t i = 0; i < kBins / 2; ++i) {
    bins_[i] = {bins_[2 * i].sent + bins_[2 * i + 1].sent,
                bins_[2 * i].change + bins_[2 * i + 1].change};
  }
  std::fill(bins_.begin() + kBins / 2, bins_.end(), Bin());
  ++width_bits_;
}

QueueGrowth::Bin& QueueGrowth::bin_of(Instant when) {
  ORRERY_CHECK(when.picoseconds() >= 0);
  while (index_of_time(when) >= kBins) halve();
  return bins_[index_of_time(when)];
}

void QueueGrowth::add(const RequestRecord& record) {
  if (record.status == RequestStatus::kRejected) return;
  first_sent_ = std::min(first_sent_, record.sent);
  last_sent_ = std::max(last_sent_, record.sent);
  bin_of(record.sent).sent += 1;
  bin_of(record.sent).change += 1;
  if (record.first_scheduled == Instant::never()) return;
  bin_of(record.first_scheduled).change -= 1;
  if (record.last_token == Instant::never() || record.client_last_token == Instant::never()) return;
  bin_of(record.last_token).change += 1;
  bin_of(record.client_last_token).change -= 1;
}

std::optional<QueueTrend> QueueGrowth::trend() const {
  if (first_sent_ >= last_sent_) return {};
  const Instant middle = first_sent_ + Duration((last_sent_ - first_sent_).count() / 2);
  const std::size_t begin = index_of_time(middle) + 1;
  const std::size_t end = index_of_time(last_sent_);  // the last bin is not full
  if (end < begin + kLeastBinsInHalf) return {};

  std::vector<double> queue;  // at the end of each bin of the second half
  std::int64_t waiting = 0;
  std::int64_t sent = 0;
  for (std::size_t i = 0; i < end; ++i) {
    waiting += bins_[i].change;
    if (i < begin) continue;
    queue.push_back(static_cast<double>(waiting));
    sent += bins_[i].sent;
  }
  const double bin_seconds = std::ldexp(1e-12, width_bits_);
  const auto bins = static_cast<double>(queue.size());
  const double slope = slope_of(queue);
  QueueTrend trend;
  trend.growth_per_s = slope / bin_seconds;
  trend.sent_per_s = static_cast<double>(sent) / (bins * bin_seconds);

  const double rise = slope * bins;
  const auto n = static_cast<double>(sent);
  const std::span<const double> third(queue.data(), queue.size() / 2);
  const auto last = queue.begin() + static_cast<std::ptrdiff_t>(queue.size() / 2);
  trend.saturated = rise >= kLeastShareOfSent * n && rise >= kLeastRootsOfSent * std::sqrt(n) &&
                    *std::min_element(last, queue.end()) > mean_of(third);
  return trend;
}

}  // namespace orrery
