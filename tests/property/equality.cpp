// SPDX-License-Identifier: Apache-2.0
#include "tests/property/equality.h"

#include <algorithm>
#include <tuple>

namespace orrery::property {
namespace {

auto fields(const RequestRecord& r) {
  return std::tie(r.id, r.replica, r.status, r.input_tokens, r.output_tokens, r.cached_tokens,
                  r.preemptions, r.sent, r.client_first_token, r.client_last_token, r.queued,
                  r.first_scheduled, r.first_token, r.last_token);
}

auto fields(const StepRecord& s) {
  return std::tie(s.replica, s.number, s.scheduled, s.device_start, s.device_end, s.applied,
                  s.visible, s.prefill_tokens, s.decodes, s.prefill_chunks, s.new_blocks,
                  s.preempted, s.admitted, s.running, s.waiting, s.free_blocks, s.usable_blocks,
                  s.device_time, s.host_time, s.extrapolated_share, s.continuing_tokens,
                  s.engine_gap, s.client_gap);
}

/// Which field differs first, by its place in the list above.
template <std::size_t I = 0, class... Types>
std::string first_difference(const std::tuple<Types...>& a, const std::tuple<Types...>& b) {
  if constexpr (I == sizeof...(Types)) {
    return "none";
  } else {
    if (std::get<I>(a) != std::get<I>(b)) return "field " + std::to_string(I);
    return first_difference<I + 1>(a, b);
  }
}

template <class Items>
bool same_size(const Items& a, const Items& b, const std::string& what, Failures& failures) {
  if (a.size() == b.size()) return true;
  failures.add(std::to_string(a.size()) + " " + what + " walked, " + std::to_string(b.size()) +
               " skipped");
  return false;
}

void check_heard(const Heard& a, const Heard& b, Failures& failures) {
  for (std::size_t i = 0; i < std::min(a.steps.size(), b.steps.size()); ++i) {
    if (fields(a.steps[i]) == fields(b.steps[i])) continue;
    failures.add("step " + std::to_string(a.steps[i].number) + " of replica " +
                 std::to_string(index_of(a.steps[i].replica)) +
                 " differs: " + first_difference(fields(a.steps[i]), fields(b.steps[i])));
    break;
  }
  same_size(a.steps, b.steps, "steps", failures);
  failures.expect(std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(),
                             [](const auto& one, const auto& other) {
                               return std::ranges::equal(one, other, [](StageWork x, StageWork y) {
                                 return x.start == y.start && x.end == y.end;
                               });
                             }),
                  "stages work at other times");
  if (same_size(a.gaps, b.gaps, "gaps", failures)) {
    for (std::size_t i = 0; i < a.gaps.size(); ++i) {
      failures.expect(a.gaps[i].engine == b.gaps[i].engine && a.gaps[i].client == b.gaps[i].client,
                      "gap " + std::to_string(i) + " differs");
    }
  }
  for (std::size_t i = 0; i < std::min(a.leaving.size(), b.leaving.size()); ++i) {
    const RequestRecord& x = a.leaving[i].record;
    const RequestRecord& y = b.leaving[i].record;
    failures.expect(fields(x) == fields(y) && a.leaving[i].reason == b.leaving[i].reason,
                    "the record that left as number " + std::to_string(i) + ", request " +
                        std::to_string(index_of(x.id)) +
                        ", differs: " + first_difference(fields(x), fields(y)));
  }
  same_size(a.leaving, b.leaving, "records", failures);
}

}  // namespace

void check_equal_runs(const Run& walked, const Run& skipped, Failures& failures) {
  check_heard(walked.heard, skipped.heard, failures);
  failures.expect(walked.fingerprint == skipped.fingerprint, "the fingerprints differ");
  failures.expect(walked.end == skipped.end, "the runs end at different times");
  failures.expect(walked.sent == skipped.sent, "the runs send different numbers of requests");
  for (std::size_t i = 0; i < std::min(walked.counters.size(), skipped.counters.size()); ++i) {
    const Replica::Counters& a = walked.counters[i];
    const Replica::Counters& b = skipped.counters[i];
    failures.expect(
        a.steps == b.steps && a.empty_steps == b.empty_steps && a.cut_requests == b.cut_requests,
        "the counters of replica " + std::to_string(i) + " differ");
    failures.expect(a.quiet_steps == 0, "a walk with quiet steps");
    failures.expect(b.quiet_steps <= b.steps, "more quiet steps than steps");
  }
}

}  // namespace orrery::property
