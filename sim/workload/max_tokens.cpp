// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/max_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery {
namespace {

constexpr std::string_view kModes[] = {"trace", "exact", "none", "fixed", "factor"};

}  // namespace

void MaxTokensOptions::describe(Describer& d) {
  d.shorthand().choice_of(
      "mode", mode, kModes,
      "trace: the trace's own figure where it has one, else exact. exact: output_tokens, as "
      "benchmarks with ignore_eos send it. none: the engine knows only its max_model_len. fixed: "
      "`value` for all. factor: output_tokens times `factor`.");
  d.field("value", value, Range::between(0, 1 << 30), "Tokens, for mode fixed.");
  d.field("factor", factor, Range::not_negative(), "At least 1, for mode factor.");
  if (!d.reading()) return;
  const bool fixed = mode == MaxTokensMode::kFixed;
  const bool scaled = mode == MaxTokensMode::kFactor;
  if (fixed != d.given("value")) {
    d.refuse("value", fixed ? "is needed by mode fixed" : "is only for mode fixed");
  }
  if (scaled != d.given("factor")) {
    d.refuse("factor", scaled ? "is needed by mode factor" : "is only for mode factor");
  }
  if (fixed && value < 1) d.refuse("value", "must be at least 1");
  if (scaled && (factor < 1 || factor > 1e6)) d.refuse("factor", "must be 1 to 1e6");
}

std::int32_t MaxTokensRule::max_tokens(std::int32_t output, std::int32_t own) const {
  switch (options_.mode) {
    case MaxTokensMode::kTrace:
      return own > 0 ? own : output;
    case MaxTokensMode::kExact:
      return output;
    case MaxTokensMode::kNone:
      return 0;
    case MaxTokensMode::kFixed:
      return static_cast<std::int32_t>(options_.value);
    case MaxTokensMode::kFactor:
      return static_cast<std::int32_t>(
          std::min(std::ceil(output * options_.factor), static_cast<double>(1 << 30)));
  }
  ORRERY_CHECK(false);
}

void MaxTokensRule::apply(Request& request, std::int32_t own) {
  request.max_tokens = max_tokens(request.output_tokens, own);
  if (request.max_tokens == 0 || request.output_tokens <= request.max_tokens) return;
  request.output_tokens = request.max_tokens;
  ++cut_;
}

std::vector<std::string> MaxTokensRule::remarks() const {
  if (cut_ == 0) return {};
  return {fmt::format("{} outputs are longer than their max_tokens and end there.", cut_)};
}

}  // namespace orrery
