// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_STEP_LAW_H_
#define ORRERY_SIM_HARDWARE_STEP_LAW_H_

#include <cstdint>
#include <string>

#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery {

/// What an engine's steps cost on one machine with one model and plan, as a log of its steps tells
/// (`orrery calibrate --from-log`), without any kernel:
///
///   device = step + token max(0, tokens - free_tokens) + request requests + kv_token KV tokens
///   host   = host_step + host_request requests
///
/// Up to free_tokens the weights are read and the arithmetic hides behind that. Tokens are those of
/// prompts and of decodes, requests all that are scheduled, KV tokens what decodes attend to.
struct StepLaw {
  Duration step;
  Duration token;
  std::int64_t free_tokens = 0;
  Duration request;
  Duration kv_token;
  Duration host_step;
  Duration host_request;
  std::string sources;

  void describe(Describer& d) {
    const Range time = Range::not_negative();
    d.required().field("step", step, time, "Time of any step on the device.");
    d.field("token", token, time, "Of each token beyond free_tokens.");
    d.field("free_tokens", free_tokens, time, "Tokens that hide behind reading the weights.");
    d.field("request", request, time, "Of each request.");
    d.field("kv_token", kv_token, time, "Of each KV token that a decode attends to.");
    d.field("host_step", host_step, time, "CPU time of any step.");
    d.field("host_request", host_request, time, "CPU time of each request in it.");
    d.required().field("sources", sources, "Which log, of which model, and the error left.");
  }
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_STEP_LAW_H_
