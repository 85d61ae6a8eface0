// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/slo.h"

#include "sim/core/describer.h"

namespace orrery {

void Slo::describe(Describer& d) {
  d.optional_field("ttft", ttft, Range::positive(),
                   "Longest time to first token at the client that still counts as good.");
  d.optional_field("tpot", tpot, Range::positive(),
                   "Longest time per output token after the first that still counts as good.");
  d.optional_field("e2el", e2el, Range::positive(),
                   "Longest time from send to last token that still counts as good.");
}

bool Slo::met_by(const RequestRecord& record) const {
  const bool finished = record.status == RequestStatus::kFinishedLength ||
                        record.status == RequestStatus::kFinishedEos;
  if (!finished || record.client_last_token == Instant::never()) return false;
  if (ttft && record.client_first_token - record.sent > *ttft) return false;
  if (e2el && record.client_last_token - record.sent > *e2el) return false;
  if (!tpot || record.output_tokens <= 1) return true;
  // Multiplied out, so that nothing is rounded.
  const Duration decoding = record.client_last_token - record.client_first_token;
  return static_cast<Int128>(decoding.count()) <=
         static_cast<Int128>(tpot->count()) * (record.output_tokens - 1);
}

void MeasureWindow::describe(Describer& d) {
  d.field("warmup", warmup, Range::not_negative(),
          "Requests sent this soon after the first are left out of latency statistics.");
  d.field("cooldown", cooldown, Range::not_negative(),
          "Requests sent this shortly before the last are left out of latency statistics.");
}

}  // namespace orrery
