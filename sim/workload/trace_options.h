// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_TRACE_OPTIONS_H_
#define ORRERY_SIM_WORKLOAD_TRACE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "sim/core/describer.h"
#include "sim/workload/arrivals.h"
#include "sim/workload/lengths.h"
#include "sim/workload/max_tokens.h"
#include "sim/workload/trace_formats.h"

namespace orrery {

/// What a later turn of a recorded session holds of the earlier ones.
enum class SessionPrompts { kApart, kChained };

/// `workload: {trace: ...}`.
struct TraceOptions {
  /// An index into trace_formats().
  int format = 0;
  std::string path;
  Duration start;
  std::optional<Duration> duration;
  std::optional<std::int64_t> limit;
  double sample = 1;
  double rate_scale = 1;
  Duration jitter;
  bool sort = false;
  std::optional<Duration> reorder_window;
  ZeroTokens zero_tokens = ZeroTokens::kError;
  MaxTokensOptions max_tokens;
  double output_scale = 1;
  SessionPrompts sessions = SessionPrompts::kApart;
  std::optional<ArrivalOptions> arrivals;
  std::optional<OutputLengthOptions> output_tokens;
  std::string model;
  std::int64_t chunk_hash_size = 16;
  double sec_multiplier = 1;
  std::string timestamp_label = "timestamp";
  std::string input_label = "input_length";
  std::string output_label = "output_length";
  std::string hash_label = "hash_ids";

  void describe(Describer& d);
  [[nodiscard]] const TraceFormat& trace_format() const;
  [[nodiscard]] FormatOptions format_options() const;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_TRACE_OPTIONS_H_
