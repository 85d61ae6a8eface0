// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/steps_csv.h"

#include <charconv>
#include <utility>

#include "sim/metrics/decimal.h"

namespace orrery {
namespace {

constexpr std::size_t kFields = 23;
constexpr std::size_t kMostRow = kFields * (kMostDigits + 1);

}  // namespace

StepsCsv::StepsCsv(std::string path) : file_(std::move(path)) { file_.write(kHeader); }

void StepsCsv::on_step(const StepRecord& step) {
  char* out = file_.room(kMostRow);
  const auto integer = [&out](auto value) {
    out = put_integer(out, value);
    *out++ = ',';
  };
  const auto seconds = [&out](auto value) {
    out = put_seconds(out, value);
    *out++ = ',';
  };
  integer(index_of(step.replica));
  integer(step.number);
  seconds(step.scheduled);
  seconds(step.device_start);
  seconds(step.device_end);
  seconds(step.applied);
  seconds(step.visible);
  integer(step.prefill_tokens);
  integer(step.prefill_chunks);
  integer(step.decodes);
  integer(step.admitted);
  integer(step.preempted);
  integer(step.running);
  integer(step.waiting);
  integer(step.new_blocks);
  integer(step.usable_blocks - step.free_blocks);
  integer(step.usable_blocks);
  seconds(step.device_time);
  seconds(step.host_time);
  out = std::to_chars(out, out + kMostDigits, step.extrapolated_share).ptr;
  *out++ = ',';
  integer(step.continuing_tokens);
  // What no token had is no gap.
  if (step.continuing_tokens > 0) out = put_seconds(out, step.engine_gap);
  *out++ = ',';
  if (step.continuing_tokens > 0) out = put_seconds(out, step.client_gap);
  *out++ = '\n';
  file_.fill(out);
}

}  // namespace orrery
