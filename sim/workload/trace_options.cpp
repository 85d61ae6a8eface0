// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/trace_options.h"

#include <initializer_list>
#include <string_view>

namespace orrery {
namespace {

constexpr std::string_view kZeroTokens[] = {"error", "skip"};
constexpr std::string_view kSessions[] = {"apart", "chained"};

void refuse_given(const Describer& d, std::initializer_list<std::string_view> keys,
                  std::string_view why) {
  for (const std::string_view key : keys) {
    if (d.given(key)) d.refuse(key, why);
  }
}

void check_times(const Describer& d, const TraceOptions& options) {
  const TraceFormat& format = options.trace_format();
  if (options.arrivals) {
    refuse_given(d, {"rate_scale", "jitter"}, "means nothing where `arrivals` gives the times");
    if (options.arrivals->needs_count()) {
      d.refuse("arrivals",
               "ramp and rescale need the number of requests, which a trace does not "
               "tell beforehand");
    }
  }
  if (format.timed) return;
  if (!options.arrivals) d.refuse("arrivals", "is needed: this format has no times");
  refuse_given(d, {"start", "duration", "sort", "reorder_window"},
               "means nothing: this format has no times");
}

void check_formats(const Describer& d, const TraceOptions& options) {
  const std::string_view name = options.trace_format().name;
  if (name != "burstgpt") refuse_given(d, {"model"}, "is for format burstgpt only");
  if (name != "lengths") refuse_given(d, {"output_tokens"}, "is for format lengths only");
  if (name != "plain" && name != "burstgpt") {
    refuse_given(d, {"sessions"}, "is for formats with sessions: plain, burstgpt");
  }
  if (name != "timed-trace") {
    refuse_given(d,
                 {"chunk_hash_size", "sec_multiplier", "timestamp_label", "input_label",
                  "output_label", "hash_label"},
                 "is for format timed-trace only");
  }
  if (options.sort) refuse_given(d, {"reorder_window"}, "means nothing with sort: true");
}

}  // namespace

void TraceOptions::describe(Describer& d) {
  d.required().choice("format", format, trace_format_names(),
                      "The file's format; `orrery list traces` explains them.");
  d.required().field("path", path,
                     "The file, plain, .gz or .zst; relative to the file that names it.");
  d.field("start", start, Range::not_negative(),
          "Leave out what arrives earlier; the rest is counted from here.");
  d.optional_field("duration", duration, Range::positive(),
                   "Length of the window, on the trace's clock; none: to the end.");
  d.optional_field("limit", limit, Range::between(1, INT32_MAX),
                   "At most so many requests; none: all.");
  d.field("sample", sample, Range::fraction(), "Share of the rows to keep, drawn by row.");
  d.field("rate_scale", rate_scale, Range::between(1e-3, 1e6),
          "Arrivals come so many times as fast.");
  d.field("jitter", jitter, Range::not_negative(),
          "Spread each arrival evenly over so long after its recorded time, for traces whose clock "
          "moves in steps (3s for Mooncake's conversation).");
  d.field("sort", sort, "Order the rows by arrival, which holds all of them in memory.");
  d.optional_field(
      "reorder_window", reorder_window, Range::not_negative(),
      "Rows may arrive so much before a row above them, on the trace's clock; none: as "
      "the format is known to need.");
  d.choice_of("zero_tokens", zero_tokens, kZeroTokens,
              "A row without input or output tokens is an error, or skipped and counted.");
  d.object_of("max_tokens", max_tokens, "What the engine is told of the output's length.");
  d.field("output_scale", output_scale, {0, 1000, true},
          "Multiply output lengths, rounded, at least 1 (a data set's reference outputs are not "
          "what a model generates).");
  d.choice_of("sessions", sessions, kSessions,
              "chained: a turn whose prompt is long enough begins with the session's last prompt "
              "and answer. apart: rows share nothing.");
  d.optional_object("arrivals", arrivals, "A synthetic process instead of the file's times.");
  d.optional_object("output_tokens", output_tokens,
                    "lengths: outputs where the file has only inputs.");
  d.field("model", model, "burstgpt: only rows of this model, such as GPT-4; empty: all.");
  d.field("chunk_hash_size", chunk_hash_size, Range::between(1, 1 << 20),
          "timed-trace: tokens in a hashed block (512 for Mooncake's files).");
  d.field("sec_multiplier", sec_multiplier, {0, 1e6, true},
          "timed-trace: seconds in one unit of the timestamp (0.001 for Mooncake's files).");
  d.field("timestamp_label", timestamp_label, "timed-trace: key of the arrival.");
  d.field("input_label", input_label, "timed-trace: key of the input length.");
  d.field("output_label", output_label, "timed-trace: key of the output length.");
  d.field("hash_label", hash_label, "timed-trace: key of the block ids; empty: none.");
  if (!d.reading()) return;
  if (path.empty()) d.refuse("path", "is empty");
  check_times(d, *this);
  check_formats(d, *this);
}

const TraceFormat& TraceOptions::trace_format() const {
  return trace_formats()[static_cast<std::size_t>(format)];
}

FormatOptions TraceOptions::format_options() const {
  return {zero_tokens,  model,      timestamp_label, input_label,
          output_label, hash_label, sec_multiplier};
}

}  // namespace orrery
