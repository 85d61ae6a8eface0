// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/memory_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>

#include "sim/core/errors.h"
#include "sim/core/math.h"
#include "sim/hardware/hbm/address_map.h"
#include "sim/study/calibration/memory_model.h"

namespace orrery {
namespace {

/// Of a launch that takes longer by its floor than by its bytes, the time says little of memory.
constexpr double kMostFloor = 0.3;
/// While maps are told apart, and of those that are left.
constexpr double kWantedAtFirst = 0.03;
constexpr double kWantedAtLast = 0.01;
/// Rows that all maps are tried on, and candidates that all rows are tried on.
constexpr std::size_t kFirstRows = 6;
constexpr std::size_t kFinalists = 10;

/// Rows in two halves: every second of each curve, in the order of its points.
struct Halves {
  std::vector<const MemoryRow*> fitted, held;
};

bool by_point(const MemoryRow* a, const MemoryRow* b) {
  const auto key = [](const MemoryRow& r) {
    return std::tuple(curve_of(r), r.size * (r.op == MemoryOp::kGather ? 1 : 0), r.block, r.stride,
                      r.read_percent);
  };
  return key(*a) < key(*b);
}

Halves halves_of(std::vector<const MemoryRow*> rows) {
  std::stable_sort(rows.begin(), rows.end(), by_point);
  Halves halves;
  std::string curve;
  std::size_t place = 0;
  for (const MemoryRow* row : rows) {
    if (curve_of(*row) != curve) curve = curve_of(*row), place = 0;
    (place++ % 2 == 0 ? halves.fitted : halves.held).push_back(row);
  }
  return halves;
}

class MapFit {
 public:
  MapFit(const GpuSpec& gpu, const hbm::MemoryConfig& device, LaunchFloor floor)
      : gpu_(gpu), device_(device), floor_(std::move(floor)) {}

  /// Mean square of ln(predicted / measured).
  [[nodiscard]] double loss(const gpu_memory::MemorySystemOptions& options,
                            const std::vector<const MemoryRow*>& rows, double wanted) const {
    MemoryModel model = model_of(options, wanted);
    double sum = 0;
    for (const MemoryRow* row : rows) {
      const double off = math::log(model.time_us(*row) / row->latency_us);
      sum += off * off;
    }
    return sum / static_cast<double>(rows.size());
  }

  [[nodiscard]] std::vector<HeldOutCurve> held_out(const gpu_memory::MemorySystemOptions& options,
                                                   const Halves& halves) const {
    MemoryModel model = model_of(options, kWantedAtLast);
    std::map<std::string, HeldOutCurve> curves;
    std::map<std::string, std::vector<double>> errors;
    for (const MemoryRow* row : halves.fitted) ++curves[curve_of(*row)].fitted;
    for (const MemoryRow* row : halves.held) {
      HeldOutCurve& curve = curves[curve_of(*row)];
      const double error = model.time_us(*row) / row->latency_us - 1;
      ++curve.rows;
      errors[curve_of(*row)].push_back(std::abs(error));
      if (std::abs(error) < std::abs(curve.worst)) continue;
      curve.worst = error;
      curve.worst_point = point_of(*row);
    }
    std::vector<HeldOutCurve> result;
    for (auto& [name, curve] : curves) {
      std::vector<double>& own = errors[name];
      std::sort(own.begin(), own.end());
      if (!own.empty()) curve.median = (own[(own.size() - 1) / 2] + own[own.size() / 2]) / 2;
      curve.curve = name;
      result.push_back(curve);
    }
    return result;
  }

 private:
  [[nodiscard]] MemoryModel model_of(const gpu_memory::MemorySystemOptions& options,
                                     double wanted) const {
    GpuSpec gpu = gpu_;
    gpu.memory_system = options;
    return {gpu, device_, floor_, wanted};
  }

  const GpuSpec& gpu_;
  const hbm::MemoryConfig& device_;
  LaunchFloor floor_;
};

/// The value under which the loss is least; the first of equals.
template <class Value, class Set>
void choose(const MapFit& fit, gpu_memory::MemorySystemOptions& options,
            const std::vector<Value>& values, const std::vector<const MemoryRow*>& rows,
            double wanted, const Set& set) {
  if (values.empty() || rows.empty()) return;
  std::optional<double> least;
  gpu_memory::MemorySystemOptions best = options;
  for (const Value& value : values) {
    gpu_memory::MemorySystemOptions tried = options;
    set(tried, value);
    const double loss = fit.loss(tried, rows, wanted);
    if (least && loss >= *least) continue;
    least = loss;
    best = tried;
  }
  options = best;
}

/// Some of the rows, spread over all.
std::vector<const MemoryRow*> some_of(const std::vector<const MemoryRow*>& rows) {
  if (rows.size() <= kFirstRows) return rows;
  std::vector<const MemoryRow*> some;
  for (std::size_t i = 0; i < kFirstRows; ++i) {
    some.push_back(rows[(2 * i + 1) * rows.size() / (2 * kFirstRows)]);
  }
  return some;
}

/// A map with a queue: a shorter one reorders less, so that each stands in for something of the
/// other and they have to be tried together.
struct Candidate {
  std::string map;
  std::optional<std::int64_t> read_queue;
};

std::vector<Candidate> candidates_of(const MemoryFamily& family, const hbm::Geometry& geometry) {
  std::vector<Candidate> candidates;
  for (const std::string& map : family.maps) {
    try {
      static_cast<void>(gpu_memory::GpuMap(map, geometry));
    } catch (const std::invalid_argument&) {
      continue;  // it has more columns below the channel than the device has in all
    }
    for (const std::int64_t entries : family.read_queues) candidates.push_back({map, entries});
  }
  return candidates;
}

void take(gpu_memory::MemorySystemOptions& options, const Candidate& candidate) {
  options.address_map = candidate.map;
  options.read_queue = candidate.read_queue;
}

/// Those that come nearest to some of the rows, the nearest first.
std::vector<Candidate> finalists(const MapFit& fit, gpu_memory::MemorySystemOptions options,
                                 const std::vector<Candidate>& candidates,
                                 const std::vector<const MemoryRow*>& rows) {
  std::vector<std::pair<double, const Candidate*>> found;
  for (const Candidate& candidate : candidates) {
    take(options, candidate);
    found.emplace_back(fit.loss(options, some_of(rows), kWantedAtFirst), &candidate);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Candidate> best;
  for (const auto& [loss, candidate] : found) {
    if (best.size() < kFinalists) best.push_back(*candidate);
  }
  return best;
}

void check_one_gpu(const std::vector<MemoryRow>& rows) {
  for (const MemoryRow& row : rows) {
    if (row.device == rows.front().device) continue;
    throw ConfigError(fmt::format("memory rows of {} and of {} cannot be fitted together",
                                  rows.front().device, row.device));
  }
}

void fit_map(const GpuSpec& gpu, const hbm::MemoryConfig& device,
             const std::vector<MemoryRow>& rows, const MemoryFamily& family, MemoryFit& fit) {
  const LaunchFloor floor = floor_of(rows, gpu);
  std::vector<const MemoryRow*> curves;
  std::vector<const MemoryRow*> mixes;
  std::int64_t left_out = 0;
  for (const MemoryRow& row : rows) {
    const bool curve = row.op == MemoryOp::kGather || row.op == MemoryOp::kStride;
    if (!curve && row.op != MemoryOp::kMix) continue;
    if (floor.us > kMostFloor * row.latency_us || !predictable(row, gpu.memory.l2)) {
      ++left_out;
    } else {
      (curve ? curves : mixes).push_back(&row);
    }
  }
  if (left_out > 0) {
    fit.remarks.push_back(
        fmt::format("{} gathers, strides and mixes are left out: their launch costs over {:.0f} %, "
                    "or their sectors fit into L2",
                    left_out, 100 * kMostFloor));
  }
  if (curves.size() < 8) {
    fit.remarks.push_back(
        fmt::format("address_map: kept, {} gathers and strides are fewer than 8", curves.size()));
    return;
  }
  using Options = gpu_memory::MemorySystemOptions;
  const MapFit search(gpu, device, floor);
  const Halves halves = halves_of(curves);
  const Halves of_mixes = halves_of(mixes);
  hbm::Geometry geometry = device.device.geometry;
  geometry.channels = fit.options.channels;
  fit.options.address_map_origin = Options::MapOrigin::kFitted;
  // Of neighbours that reads do not tell apart, writes between them tell some.
  std::vector<const MemoryRow*> fitted = halves.fitted;
  fitted.insert(fitted.end(), of_mixes.fitted.begin(), of_mixes.fitted.end());
  choose(search, fit.options,
         finalists(search, fit.options, candidates_of(family, geometry), halves.fitted), fitted,
         kWantedAtLast, take);
  choose(search, fit.options, family.write_queues, of_mixes.fitted, kWantedAtLast,
         [](Options& o, std::int64_t entries) { o.write_queue = entries; });
  fit.remarks.push_back(
      fmt::format("address_map, read_queue: of {} maps the nearest to {} of {} gathers and "
                  "strides, every second "
                  "of each curve; write_queue to {} of {} mixes",
                  family.maps.size(), halves.fitted.size(), curves.size(), of_mixes.fitted.size(),
                  mixes.size()));
  fit.held_out = search.held_out(fit.options, halves);
  for (HeldOutCurve& curve : search.held_out(fit.options, of_mixes)) {
    fit.held_out.push_back(std::move(curve));
  }
}

void fit_stream(const std::vector<MemoryRow>& rows, MemoryFit& fit) {
  double best = 0;
  for (const MemoryRow& row : rows) {
    if (row.op != MemoryOp::kRead || row.in_flight || row.warm) continue;
    best = std::max(best, row.bytes() / (row.latency_us * 1e-6));
  }
  if (best == 0) {
    fit.remarks.emplace_back("measured_stream: kept, no streaming read");
    return;
  }
  fit.options.measured_stream = Bandwidth::per_second(std::llround(best));
  fit.remarks.emplace_back("measured_stream: the best streaming read");
}

std::string sources_of(const std::vector<MemoryRow>& rows, const std::vector<std::string>& remarks,
                       const std::string& before) {
  const MemoryRow& first = rows.front();
  std::string text = fmt::format("Fitted by `orrery calibrate --from` to {} rows of {} on {}",
                                 rows.size(), first.source, first.device);
  if (!first.driver.empty()) text += ", driver " + first.driver;
  if (!first.date.empty()) text += ", " + first.date;
  for (const std::string& remark : remarks) text += ". " + remark;
  return text + ". What was kept: " + before;
}

}  // namespace

MemoryFamily memory_family() {
  MemoryFamily family;
  for (const hbm::NamedMap& named : hbm::named_maps()) family.maps.emplace_back(named.name);
  for (const char* above :
       {"Ro Si Ba Co Bg Pc Ch", "Ro Si Ba Bg Co Pc Ch", "Ro Co Si Ba Bg Pc Ch"}) {
    for (int columns = 0; columns <= 4; ++columns) {
      std::string map = above;
      if (columns > 0) map += " Co" + std::to_string(columns);
      for (const char* banks : {"", " Ba^=Ro[1:0] Bg^=Ro[3:2]"}) {
        for (const char* channels : {"", " Ch+=hash"})
          family.maps.push_back(map + banks + channels);
      }
    }
  }
  family.read_queues = {64, 32, 16};
  family.write_queues = {64, 32, 128, 256};
  return family;
}

MemoryFit fit_memory(const GpuSpec& gpu, const hbm::MemoryConfig& device,
                     const std::vector<MemoryRow>& rows, const MemoryFamily& family) {
  check_one_gpu(rows);
  MemoryFit fit;
  fit.options = *gpu.memory_system;
  std::vector<std::string> of_front_end;
  fit.options.front_end = fit_front_end(gpu, rows, of_front_end);
  fit.options.front_end.sources =
      sources_of(rows, of_front_end, gpu.memory_system->front_end.sources);
  fit_stream(rows, fit);
  fit_map(gpu, device, rows, family, fit);
  fit.options.sources = sources_of(rows, fit.remarks, gpu.memory_system->sources);
  fit.remarks.insert(fit.remarks.begin(), of_front_end.begin(), of_front_end.end());
  return fit;
}

}  // namespace orrery
