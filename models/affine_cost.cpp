// SPDX-License-Identifier: Apache-2.0
#include "models/affine_cost.h"

#include <fmt/format.h>

#include <stdexcept>

namespace orrery {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void refuse(std::string_view whole, std::string_view what) {
  throw std::invalid_argument(fmt::format("'{}': {}", whole, what));
}

Duration duration_in(std::string_view whole, std::string_view text) {
  try {
    return parse_duration(trimmed(text));
  } catch (const std::invalid_argument& error) {
    refuse(whole, error.what());
  }
}

/// Which part of the sum a term sets, by what its duration is multiplied with.
struct Slot {
  std::string_view factor;
  Duration AffineStep::*member;
  bool given = false;
};

void read_term(std::string_view whole, std::string_view term, std::span<Slot> slots,
               AffineStep& step) {
  const std::size_t star = term.find('*');
  if (trimmed(term.substr(0, star)).empty()) refuse(whole, "a term without a duration");
  const bool times = star != std::string_view::npos;
  const std::string_view factor = times ? trimmed(term.substr(star + 1)) : std::string_view();
  for (Slot& slot : slots) {
    if (slot.factor != factor || times == slot.factor.empty()) continue;
    if (slot.given) {
      refuse(whole, times ? fmt::format("two terms with {}", factor) : "two constant terms");
    }
    slot.given = true;
    step.*slot.member = duration_in(whole, term.substr(0, star));
    return;
  }
  refuse(whole, fmt::format("unknown factor '{}'; known: tokens, requests", factor));
}

class AffineCost final : public CostModel {
 public:
  explicit AffineCost(const AffineStep& step) : step_(step) {}

  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    return {step_.constant + step_.per_token * shape.tokens() +
                step_.per_request * shape.scheduled_requests(),
            Duration(), 0.0F};
  }
  void explain(const BatchShape& shape, Breakdown& breakdown) const override {
    breakdown = {};
    breakdown.launch_mode = "none: a given formula";
    add(breakdown, "constant", 1, step_.constant);
    add(breakdown, "tokens", shape.tokens(), step_.per_token);
    add(breakdown, "requests", shape.scheduled_requests(), step_.per_request);
  }
  [[nodiscard]] std::string basis() const override {
    std::string text = "a given formula, no model: " + human(step_.constant);
    if (step_.per_token.count() > 0) text += " + " + human(step_.per_token) + " * tokens";
    if (step_.per_request.count() > 0) text += " + " + human(step_.per_request) + " * requests";
    return text;
  }

 private:
  static void add(Breakdown& breakdown, std::string name, std::int64_t count, Duration each) {
    if (each == Duration()) return;
    breakdown.operators.push_back({std::move(name), fmt::format("{} each", human(each)), count,
                                   Flops(), Bytes(), each * count, "formula",
                                   "cost.step of the scenario"});
  }

  AffineStep step_;
};

}  // namespace

AffineStep parse_affine_step(std::string_view text) {
  Slot slots[] = {{"", &AffineStep::constant},
                  {"tokens", &AffineStep::per_token},
                  {"requests", &AffineStep::per_request}};
  AffineStep step;
  std::size_t begin = 0;
  while (true) {
    const std::size_t plus = text.find('+', begin);
    read_term(text, text.substr(begin, plus - begin), slots, step);
    if (plus == std::string_view::npos) break;
    begin = plus + 1;
  }
  if (step == AffineStep()) refuse(text, "a step that takes no time");
  return step;
}

void AffineOptions::describe(Describer& d) {
  d.required().field("step", text, "What a step costs: `12ms + 20us * tokens + 5us * requests`.");
  if (!d.reading()) return;
  try {
    step = parse_affine_step(text);
  } catch (const std::invalid_argument& error) {
    d.refuse("step", error.what());
  }
}

std::unique_ptr<CostModel> make_affine_cost(const AffineStep& step) {
  return std::make_unique<AffineCost>(step);
}

}  // namespace orrery
