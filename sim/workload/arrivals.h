// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_ARRIVALS_H_
#define ORRERY_SIM_WORKLOAD_ARRIVALS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/random.h"
#include "sim/core/units.h"
#include "sim/workload/rate_profile.h"

namespace orrery {

enum class ArrivalProcess { kPoisson, kConstant, kGamma, kOnOff, kStages, kAllAtOnce };
enum class PhaseLengths { kFixed, kExponential };

struct StageOptions {
  PerSecond rate;
  std::optional<PerSecond> end_rate;
  RampShape shape = RampShape::kLinear;
  Duration duration;

  void describe(Describer& d);
};

struct RampOptions {
  RampShape shape = RampShape::kLinear;
  PerSecond from;
  PerSecond to;

  void describe(Describer& d);
};

struct ArrivalOptions {
  ArrivalProcess process = ArrivalProcess::kPoisson;
  PerSecond rate;
  std::optional<double> burstiness;
  std::optional<double> cv;
  std::optional<bool> rescale;
  std::vector<StageOptions> stages;
  std::optional<RampOptions> ramp;
  Duration on;
  Duration off;
  PerSecond off_rate;
  PhaseLengths phases = PhaseLengths::kFixed;

  void describe(Describer& d);
  /// Whether the process ends by itself.
  [[nodiscard]] bool ends() const { return process == ArrivalProcess::kStages || !stages.empty(); }
  /// Whether it can only be made for a number of arrivals known beforehand.
  [[nodiscard]] bool needs_count() const { return ramp.has_value() || rescale.value_or(false); }
};

/// One line of `orrery list arrivals`.
struct ArrivalHelp {
  std::string_view name;
  std::string_view help;
};
[[nodiscard]] std::span<const ArrivalHelp> arrival_processes();

/// When requests come, one after the other, from the run's start.
class Arrivals {
 public:
  virtual ~Arrivals() = default;
  /// Empty once the process has ended, or where time is no longer kept (106 days).
  [[nodiscard]] virtual std::optional<Duration> next() = 0;
};

/// The gap before arrival k is drawn from a stream keyed by k. `count` is the number of arrivals
/// that will be asked for, where it is known.
[[nodiscard]] std::unique_ptr<Arrivals> make_arrivals(const ArrivalOptions& options,
                                                      std::optional<std::int64_t> count,
                                                      const RandomStream& draws);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_ARRIVALS_H_
