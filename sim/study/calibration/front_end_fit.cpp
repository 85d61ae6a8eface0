// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "sim/core/math.h"
#include "sim/study/calibration/memory_fit.h"
#include "sim/study/calibration/memory_model.h"

namespace orrery {
namespace {

/// Chases whose lines lie side by side show caches; those further apart, the address translation.
constexpr std::int64_t kDense = 1024;
constexpr std::int64_t kApart = 32 << 10;
/// A step of the TLB below a tenth of the latency before it is not told from noise.
constexpr double kLeastStep = 0.1;
constexpr double kSteps = 16;  // of a doubling, where the TLB may end

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double size_of(Bytes bytes) { return static_cast<double>(bytes.count()); }

Duration of_ns(double ns) { return picoseconds(std::llround(1000 * ns)); }

Bandwidth of_rate(double bytes_per_second) {
  return Bandwidth::per_second(std::llround(bytes_per_second));
}

/// y = at + slope * x, each point weighed alike. The points are not all at one x.
struct Line {
  double at = 0;
  double slope = 0;
  double squares = 0;
};
Line line_through(const std::vector<std::pair<double, double>>& points) {
  const auto n = static_cast<double>(points.size());
  double x = 0, y = 0, xx = 0, xy = 0;
  for (const auto& [px, py] : points) x += px, y += py, xx += px * px, xy += px * py;
  Line line;
  const double spread = n * xx - x * x;
  line.slope = spread > 0 ? (n * xy - x * y) / spread : 0;
  line.at = (y - line.slope * x) / n;
  for (const auto& [px, py] : points) {
    const double off = py - line.at - line.slope * px;
    line.squares += off * off;
  }
  return line;
}

class FrontEndFit {
 public:
  FrontEndFit(const GpuSpec& gpu, const std::vector<MemoryRow>& rows,
              std::vector<std::string>& remarks)
      : gpu_(gpu),
        rows_(rows),
        remarks_(remarks),
        floor_(floor_of(rows, gpu)),
        fitted_(gpu.memory_system->front_end) {}

  gpu_memory::FrontEndOptions fit() {
    remarks_.push_back(fmt::format("launch floor: {:.3g} us, {}", floor_.us, floor_.source));
    fit_latencies();
    fit_tlb();
    fit_sms();
    fit_l2();
    fit_walks();
    return fitted_;
  }

 private:
  void kept(std::string_view figure, std::string_view why) {
    remarks_.push_back(fmt::format("{}: kept, {}", figure, why));
  }
  [[nodiscard]] double hop_ns(const MemoryRow& row) const {
    return 1000 * (row.latency_us - floor_.us) / static_cast<double>(row.count);
  }
  [[nodiscard]] double rate(const MemoryRow& row) const {
    return row.bytes() / ((row.latency_us - floor_.us) * 1e-6);
  }
  [[nodiscard]] ChaseShares shares(const MemoryRow& row) const {
    return shares_of(row, gpu_.memory.l2, fitted_.tlb_reach);
  }

  /// L2 from regions of at most half of it; DRAM from those of four times it and more, less the
  /// share that L2 still holds.
  void fit_latencies() {
    std::vector<double> l2;
    for (const MemoryRow& row : rows_) {
      if (row.op != MemoryOp::kChase || row.stride > kDense) continue;
      if (2 * row.size <= gpu_.memory.l2.count()) l2.push_back(hop_ns(row));
    }
    if (l2.empty()) return kept("l2_latency, dram_latency", "no chase within half of the L2");
    const double near = middle(l2);
    fitted_.l2_latency = of_ns(near);
    remarks_.push_back(
        fmt::format("l2_latency: median of {} chases within half of the L2", l2.size()));
    std::vector<double> far;
    for (const MemoryRow& row : rows_) {
      if (row.op != MemoryOp::kChase || row.stride > kDense) continue;
      if (row.size < 4 * gpu_.memory.l2.count()) continue;
      const double held = shares(row).l2;
      far.push_back((hop_ns(row) - held * near) / (1 - held));
    }
    if (far.empty()) return kept("dram_latency", "no chase beyond four times the L2");
    fitted_.dram_latency = of_ns(std::max(near, middle(far)));
    remarks_.push_back(
        fmt::format("dram_latency: median of {} chases beyond four times the L2, "
                    "less what it holds",
                    far.size()));
  }

  [[nodiscard]] double cached_ns(const MemoryRow& row) const {
    const double held = shares(row).l2;
    return 1e9 *
           (held * to_seconds(fitted_.l2_latency) + (1 - held) * to_seconds(fitted_.dram_latency));
  }

  /// What chases over few lines cost beyond their caches: nothing within the reach, beyond it a
  /// miss for the share of pages that is not held.
  void fit_tlb() {
    std::vector<const MemoryRow*> apart;
    for (const MemoryRow& row : rows_) {
      if (row.op == MemoryOp::kChase && row.stride >= kApart) apart.push_back(&row);
    }
    const std::string_view figures = "tlb_reach, tlb_miss";
    if (apart.size() < 4) return kept(figures, "fewer than 4 chases over pages");
    const auto smaller = [](const MemoryRow* a, const MemoryRow* b) { return a->size < b->size; };
    const auto [least, most] = std::minmax_element(apart.begin(), apart.end(), smaller);
    const double from = static_cast<double>((*least)->size);
    const double to = static_cast<double>((*most)->size);
    Line best;
    double reach = 0;
    for (double r = from; r < to; r *= math::exp(math::log(2) / kSteps)) {
      std::vector<std::pair<double, double>> points;
      points.reserve(apart.size());
      for (const MemoryRow* row : apart) {
        points.emplace_back(1 - std::min(1.0, r / static_cast<double>(row->size)),
                            hop_ns(*row) - cached_ns(*row));
      }
      const Line line = line_through(points);
      if (reach > 0 && line.squares >= best.squares) continue;
      best = line;
      reach = r;
    }
    if (best.slope < kLeastStep * 1e9 * to_seconds(fitted_.dram_latency)) {
      return kept(figures, fmt::format("no step up to {} GiB", (*most)->size >> 30));
    }
    fitted_.tlb_reach = Bytes(std::llround(reach));
    fitted_.tlb_miss = of_ns(best.slope);
    remarks_.push_back(fmt::format("{}: the step in {} chases over pages", figures, apart.size()));
  }

  /// Rate a SM of the best row on few SMs, which DRAM does not bound.
  [[nodiscard]] const MemoryRow* best_on_few(bool warm) const {
    const MemoryRow* best = nullptr;
    const auto each = [this](const MemoryRow& row) {
      return rate(row) / static_cast<double>(row.sms);
    };
    for (const MemoryRow& row : rows_) {
      if (row.op != MemoryOp::kRead || !row.in_flight || row.warm != warm) continue;
      if (8 * row.sms > gpu_.compute.sms) continue;
      if (best == nullptr || each(row) > each(*best)) best = &row;
    }
    return best;
  }

  void fit_sms() {
    if (const MemoryRow* cold = best_on_few(false)) {
      // Little's law: what an SM gets from DRAM over a load's latency was on its way.
      const double taken =
          rate(*cold) / static_cast<double>(cold->sms) * to_seconds(fitted_.dram_latency);
      fitted_.bytes_in_flight = Bytes(std::llround(taken));
      remarks_.push_back(
          fmt::format("bytes_in_flight: the best rate of an SM times dram_latency, "
                      "{}{}",
                      point_of(*cold),
                      taken > 0.9 * static_cast<double>(cold->bytes_in_flight)
                          ? "; at least, for more was not asked for"
                          : ""));
    } else {
      kept("bytes_in_flight", "no read on an eighth of the SMs");
    }
    const MemoryRow* warm = best_on_few(true);
    if (warm == nullptr) return kept("sm_bandwidth", "no read of L2 on an eighth of the SMs");
    fitted_.sm_bandwidth = of_rate(rate(*warm) / static_cast<double>(warm->sms));
    remarks_.push_back("sm_bandwidth: the best rate of an SM out of L2, " + point_of(*warm));
  }

  /// The slope of time over bytes of what is read again and again from within half of the L2.
  void fit_l2() {
    std::vector<std::pair<double, double>> points;
    for (const MemoryRow& row : rows_) {
      if (row.op != MemoryOp::kRead || row.in_flight || !row.warm) continue;
      if (2 * row.size <= gpu_.memory.l2.count()) points.emplace_back(row.size, row.latency_us);
    }
    if (points.size() < 3) return kept("l2_bandwidth", "fewer than 3 reads within half of the L2");
    const double slope = line_through(points).slope;
    if (slope <= 0) return kept("l2_bandwidth", "its reads take no longer for more bytes");
    fitted_.l2_bandwidth = of_rate(1e6 / slope);
    remarks_.push_back(
        fmt::format("l2_bandwidth: the slope of {} reads within half of the L2", points.size()));
  }

  /// Little's law again, of misses: those that gathers beyond the reach have on their way.
  void fit_walks() {
    double most = 0;
    for (const MemoryRow& row : rows_) {
      if (row.op != MemoryOp::kGather || !row.random) continue;
      if (Bytes(row.size) <= fitted_.tlb_reach || row.block > fitted_.page.count()) continue;
      const double missed = 1 - size_of(fitted_.tlb_reach) / static_cast<double>(row.size);
      most = std::max(
          most, rate(row) / static_cast<double>(row.block) * missed * to_seconds(fitted_.tlb_miss));
    }
    if (most < 1) return kept("tlb_walks", "no gather beyond the TLB's reach");
    fitted_.tlb_walks = std::llround(most);
    remarks_.emplace_back(
        "tlb_walks: the most misses that a gather beyond the reach had on its "
        "way; at least");
  }

  const GpuSpec& gpu_;
  const std::vector<MemoryRow>& rows_;
  std::vector<std::string>& remarks_;
  LaunchFloor floor_;
  gpu_memory::FrontEndOptions fitted_;
};

}  // namespace

gpu_memory::FrontEndOptions fit_front_end(const GpuSpec& gpu, const std::vector<MemoryRow>& rows,
                                          std::vector<std::string>& remarks) {
  return FrontEndFit(gpu, rows, remarks).fit();
}

}  // namespace orrery
