// SPDX-License-Identifier: Apache-2.0
#include "models/step_law_cost.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {
namespace {

class StepLawCost final : public CostModel {
 public:
  explicit StepLawCost(const StepLaw& law) : law_(law) {}

  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    if (shape.tokens() == 0) return {};
    const std::int64_t requests = shape.scheduled_requests();
    return {law_.step + law_.token * beyond(shape) + law_.request * requests +
                law_.kv_token * shape.decode_context,
            law_.host_step + law_.host_request * requests, 0.0F};
  }

  void explain(const BatchShape& shape, Breakdown& breakdown) const override {
    breakdown = {};
    breakdown.launch_mode = "as logged";
    if (shape.tokens() == 0) return;
    add(breakdown, "step", 1, law_.step);
    add(breakdown, "tokens", beyond(shape), law_.token);
    add(breakdown, "requests", shape.scheduled_requests(), law_.request);
    add(breakdown, "kv_tokens", shape.decode_context, law_.kv_token);
  }

  [[nodiscard]] std::string basis() const override { return "fitted to a log: " + law_.sources; }

 private:
  [[nodiscard]] std::int64_t beyond(const BatchShape& shape) const {
    return std::max<std::int64_t>(0, shape.tokens() - law_.free_tokens);
  }
  void add(Breakdown& breakdown, std::string name, std::int64_t count, Duration each) const {
    if (each == Duration() || count == 0) return;
    breakdown.operators.push_back({std::move(name), fmt::format("{} each", human(each)), count,
                                   Flops(), Bytes(), each * count, "formula", law_.sources});
  }

  StepLaw law_;
};

}  // namespace

std::unique_ptr<CostModel> make_step_law_cost(const StepLaw& law) {
  return std::make_unique<StepLawCost>(law);
}

}  // namespace orrery
