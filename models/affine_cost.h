// SPDX-License-Identifier: Apache-2.0
//
// `step: "12ms + 20us * tokens"`: a cost that rests on no model, to compare mechanisms alone.
#ifndef ORRERY_MODELS_AFFINE_COST_H_
#define ORRERY_MODELS_AFFINE_COST_H_

#include <memory>
#include <string>
#include <string_view>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/serving/cost_model.h"

namespace orrery {

struct AffineStep {
  Duration constant;
  Duration per_token;
  Duration per_request;

  friend bool operator==(const AffineStep&, const AffineStep&) = default;
};

/// A sum of terms, each a duration alone or times `tokens` or `requests`, none of them twice.
/// Throws std::invalid_argument with a text that starts with what was given.
[[nodiscard]] AffineStep parse_affine_step(std::string_view text);

/// The `cost:` section of a scenario.
struct AffineOptions {
  std::string text;
  AffineStep step;

  void describe(Describer& d);
};

[[nodiscard]] std::unique_ptr<CostModel> make_affine_cost(const AffineStep& step);

}  // namespace orrery

#endif  // ORRERY_MODELS_AFFINE_COST_H_
