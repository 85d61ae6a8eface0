// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_MAX_TOKENS_H_
#define ORRERY_SIM_WORKLOAD_MAX_TOKENS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/describer.h"
#include "sim/workload/request.h"

namespace orrery {

enum class MaxTokensMode { kTrace, kExact, kNone, kFixed, kFactor };

/// What the engine is told of an output's length, apart from what happens.
struct MaxTokensOptions {
  MaxTokensMode mode = MaxTokensMode::kTrace;
  std::int64_t value = 0;
  double factor = 0;

  void describe(Describer& d);
};

/// Sets max_tokens of requests. An output longer than its max_tokens is cut to it, because no
/// engine would generate the rest; cuts are counted.
class MaxTokensRule {
 public:
  explicit MaxTokensRule(const MaxTokensOptions& options) : options_(options) {}

  /// `own` is what the trace says, 0 for nothing.
  void apply(Request& request, std::int32_t own);
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  [[nodiscard]] std::int32_t max_tokens(std::int32_t output, std::int32_t own) const;

  MaxTokensOptions options_;
  std::int64_t cut_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_MAX_TOKENS_H_
