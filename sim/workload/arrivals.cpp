// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/arrivals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/math.h"

namespace orrery {
namespace {

constexpr ArrivalHelp kProcesses[] = {
    {"poisson", "independent arrivals at `rate`"},
    {"constant", "one every 1/rate"},
    {"gamma",
     "gamma-distributed gaps with `burstiness` (vLLM's; 1 is Poisson, less is burstier) or "
     "`cv` = burstiness^-1/2"},
    {"on_off", "Poisson at `rate` for `on`, at `off_rate` for `off`, and again"},
    {"stages",
     "Poisson at the rates of `stages`, one after the other; other processes take "
     "`stages` too"},
    {"all_at_once", "all at time 0, as a benchmark without a request rate sends them"},
};
constexpr auto kProcessNames = [] {
  std::array<std::string_view, std::size(kProcesses)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kProcesses[i].name;
  return names;
}();
constexpr std::string_view kShapes[] = {"linear", "exponential"};
constexpr std::string_view kPhases[] = {"fixed", "exponential"};
constexpr double kMostPerSecond = 1e9;
/// Just below 106.75 days.
constexpr double kLatestSeconds = 9.2e6;

/// Gaps of mean 1 between the points of a renewal process.
class Gaps {
 public:
  Gaps(const ArrivalOptions& options, const RandomStream& draws)
      : process_(options.process), draws_(draws) {
    if (process_ != ArrivalProcess::kGamma) return;
    shape_ = options.burstiness ? *options.burstiness : 1 / (*options.cv * *options.cv);
  }
  [[nodiscard]] double at(std::int64_t k) const {
    if (process_ == ArrivalProcess::kConstant) return 1;
    RandomStream draw = draws_.keyed(static_cast<std::uint64_t>(k));
    if (process_ == ArrivalProcess::kGamma) return draw.gamma(shape_) / shape_;
    return draw.exponential();
  }
  /// So that `count` gaps times this sum to `count`: a first pass over the same draws.
  [[nodiscard]] double factor_for(std::int64_t count) const {
    double sum = 0;
    for (std::int64_t k = 0; k < count; ++k) sum += at(k);
    return sum > 0 ? static_cast<double>(count) / sum : 1;
  }

 private:
  ArrivalProcess process_;
  RandomStream draws_;
  double shape_ = 1;
};

std::optional<Duration> to_duration(std::optional<double> seconds) {
  if (!seconds || *seconds > kLatestSeconds) return {};
  return round_up_to_duration(*seconds);
}

class AllAtOnce final : public Arrivals {
 public:
  std::optional<Duration> next() override { return Duration(); }
};

/// A renewal process whose clock runs at the profile's rate.
class Renewal final : public Arrivals {
 public:
  Renewal(const Gaps& gaps, double factor, RateClock clock)
      : gaps_(gaps), factor_(factor), clock_(std::move(clock)) {}
  std::optional<Duration> next() override {
    return to_duration(clock_.advance(gaps_.at(k_++) * factor_));
  }

 private:
  Gaps gaps_;
  double factor_;
  RateClock clock_;
  std::int64_t k_ = 0;
};

/// vLLM's --ramp-up-strategy: the rate follows the request's number, not the clock.
class RampByRequest final : public Arrivals {
 public:
  RampByRequest(const Gaps& gaps, const RampOptions& ramp, std::int64_t count)
      : gaps_(gaps),
        ramp_(ramp),
        last_(static_cast<double>(std::max<std::int64_t>(count - 1, 1))) {}
  std::optional<Duration> next() override {
    const double progress = std::min(static_cast<double>(k_) / last_, 1.0);
    const double from = ramp_.from.value;
    const double rate = ramp_.shape == RampShape::kLinear
                            ? from + (ramp_.to.value - from) * progress
                            : from * math::pow(ramp_.to.value / from, progress);
    seconds_ += gaps_.at(k_++) / rate;
    return to_duration(seconds_);
  }

 private:
  Gaps gaps_;
  RampOptions ramp_;
  double last_;
  double seconds_ = 0;
  std::int64_t k_ = 0;
};

RateClock level_clock(double rate) {
  return RateClock([rate, given = false]() mutable -> std::optional<RateSegment> {
    if (std::exchange(given, true)) return {};
    return RateSegment{std::numeric_limits<double>::infinity(), rate, rate, RampShape::kLinear};
  });
}

RateClock stages_clock(const std::vector<StageOptions>& stages) {
  return RateClock([stages, i = std::size_t{0}]() mutable -> std::optional<RateSegment> {
    if (i == stages.size()) return {};
    const StageOptions& stage = stages[i++];
    return RateSegment{to_seconds(stage.duration), stage.rate.value,
                       stage.end_rate.value_or(stage.rate).value, stage.shape};
  });
}

RateClock on_off_clock(const ArrivalOptions& options, const RandomStream& draws) {
  return RateClock([options, draws, phase = std::uint64_t{0}]() mutable {
    const bool on = phase % 2 == 0;
    const double mean = to_seconds(on ? options.on : options.off);
    const bool drawn = options.phases == PhaseLengths::kExponential;
    const double length = drawn ? mean * draws.keyed(phase).exponential() : mean;
    const double rate = (on ? options.rate : options.off_rate).value;
    ++phase;
    return std::optional(RateSegment{length, rate, rate, RampShape::kLinear});
  });
}

RateClock clock_of(const ArrivalOptions& options, const RandomStream& phases) {
  if (!options.stages.empty()) return stages_clock(options.stages);
  if (options.process == ArrivalProcess::kOnOff) return on_off_clock(options, phases);
  return level_clock(options.rate.value);
}

/// What each process needs beside its name.
void check_keys(const Describer& d, const ArrivalOptions& options) {
  using enum ArrivalProcess;
  const ArrivalProcess process = options.process;
  const std::string name(kProcessNames[static_cast<std::size_t>(process)]);
  const auto refuse_unless = [&](bool allowed, std::initializer_list<std::string_view> keys) {
    if (allowed) return;
    for (const std::string_view key : keys) {
      if (d.given(key)) d.refuse(key, "means nothing to process " + name + " as given here");
    }
  };
  const bool profiled = !options.stages.empty() || options.ramp.has_value();
  refuse_unless(process != kAllAtOnce && process != kStages && !profiled, {"rate"});
  refuse_unless(process == kGamma, {"burstiness", "cv"});
  refuse_unless(process == kOnOff, {"on", "off", "off_rate", "phases"});
  refuse_unless(process != kAllAtOnce && process != kOnOff, {"stages", "ramp"});
  refuse_unless(process != kAllAtOnce, {"rescale"});
  refuse_unless(options.stages.empty() && process != kStages, {"ramp"});
  refuse_unless(!options.ramp.has_value(), {"rescale"});
  if (process == kStages && options.stages.empty())
    d.refuse("stages", "is needed by process stages");
  const bool rated =
      process == kOnOff || (process != kAllAtOnce && process != kStages && !profiled);
  if (rated && !d.given("rate")) d.refuse("rate", "is needed by process " + name);
  if (rated && options.rate.value <= 0) d.refuse("rate", "must be above 0");
  if (process == kGamma && options.burstiness.has_value() == options.cv.has_value()) {
    d.refuse("", "process gamma needs one of burstiness and cv");
  }
  if (process == kOnOff && (options.on < milliseconds(1) || options.off < milliseconds(1))) {
    d.refuse("", "process on_off needs on and off, both at least 1ms");
  }
}

}  // namespace

std::span<const ArrivalHelp> arrival_processes() { return kProcesses; }

void StageOptions::describe(Describer& d) {
  d.required().field("rate", rate, Range::between(0, kMostPerSecond), "Arrivals per second.");
  d.optional_field("end_rate", end_rate, Range::between(0, kMostPerSecond),
                   "Rate at the stage's end, reached by a ramp; none: level.");
  d.choice_of("shape", shape, kShapes, "How a ramp goes from rate to end_rate over time.");
  d.required().field("duration", duration, Range::positive(), "Length of the stage.");
  if (!d.reading()) return;
  if (d.given("shape") && !end_rate) d.refuse("shape", "means nothing without end_rate");
  if (shape == RampShape::kExponential && (rate.value <= 0 || end_rate->value <= 0)) {
    d.refuse("shape", "exponential needs rates above 0");
  }
}

void RampOptions::describe(Describer& d) {
  d.choice_of("shape", shape, kShapes, "How the rate grows with the request's number.");
  d.required().field("from", from, {0, kMostPerSecond, true}, "Rate at the first request.");
  d.required().field("to", to, {0, kMostPerSecond, true}, "Rate at the last request.");
}

void ArrivalOptions::describe(Describer& d) {
  d.choice_of(
      "process", process, kProcessNames,
      "poisson, constant, gamma {burstiness or cv}, on_off {on, off}, stages, all_at_once.");
  d.field("rate", rate, Range::between(0, kMostPerSecond), "Mean arrivals per second.");
  d.optional_field("burstiness", burstiness, Range::between(1e-3, 1e6),
                   "gamma: the gaps' shape, as vLLM's --burstiness.");
  d.optional_field("cv", cv, Range::between(1e-3, 30),
                   "gamma: standard deviation over mean of the gaps.");
  d.optional_field("rescale", rescale, Range::any(),
                   "Stretch all times so that the last of n arrivals comes at n / rate, as vLLM's "
                   "benchmark does; unset: for gamma where the number is known.");
  d.list_of("stages", stages, "Rates over time instead of `rate`; arrivals end with the last.");
  d.optional_object("ramp", ramp,
                    "A rate that grows with the request's number instead of `rate`, as vLLM's "
                    "--ramp-up-strategy.");
  d.field("on", on, Range::not_negative(), "on_off: (mean) length of the busy phases.");
  d.field("off", off, Range::not_negative(), "on_off: (mean) length of the quiet phases.");
  d.field("off_rate", off_rate, Range::between(0, kMostPerSecond), "on_off: rate while quiet.");
  d.choice_of("phases", phases, kPhases, "on_off: whether phase lengths are drawn.");
  if (d.reading()) check_keys(d, *this);
}

std::unique_ptr<Arrivals> make_arrivals(const ArrivalOptions& options,
                                        std::optional<std::int64_t> count,
                                        const RandomStream& draws) {
  if (options.process == ArrivalProcess::kAllAtOnce) return std::make_unique<AllAtOnce>();
  // Gaps and phases have keys of their own, so that phase 3 is not drawn as gap 3 is.
  const Gaps gaps(options, draws.keyed(0));
  ORRERY_CHECK(count || !options.needs_count());
  if (options.ramp) return std::make_unique<RampByRequest>(gaps, *options.ramp, *count);
  const bool usual = options.process == ArrivalProcess::kGamma && count.has_value();
  const double factor = options.rescale.value_or(usual) ? gaps.factor_for(*count) : 1;
  return std::make_unique<Renewal>(gaps, factor, clock_of(options, draws.keyed(1)));
}

}  // namespace orrery
