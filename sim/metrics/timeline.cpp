// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/timeline.h"

#include <algorithm>
#include <utility>

#include "sim/metrics/decimal.h"

namespace orrery {
namespace {

/// Longer than any event below: a dozen numbers and a few hundred characters of names.
constexpr std::size_t kMostEvent = 1024;

/// Requests are on the row before it.
constexpr std::int64_t kDeviceRow = 1;

std::string_view composition(const StepRecord& step) {
  if (step.prefill_tokens == 0) return "decode";
  return step.decodes == 0 ? "prefill" : "prefill + decode";
}

template <class T>
char* put_field(char* out, std::string_view name, T value) {
  out = put_text(out, name);
  return put_integer(out, value);
}

}  // namespace

Timeline::Timeline(std::string path) : file_(std::move(path)) {
  file_.write("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
}

std::string_view Timeline::name_of_phase(Phase phase) {
  switch (phase) {
    case Phase::kQueued:
      return "queued";
    case Phase::kPrefill:
      return "prefill";
    case Phase::kDecode:
      return "decode";
    case Phase::kPreempted:
      return "preempted";
    case Phase::kResumed:
      return "resumed";
    case Phase::kNone:
      break;
  }
  return "none";
}

Timeline::RequestState& Timeline::state_of(RequestId request) {
  const std::size_t index = index_of(request);
  if (index >= requests_.size()) requests_.resize(index + 1 + index / 2);
  return requests_[request];
}

Timeline::Counters& Timeline::counters_of(ReplicaId replica) {
  if (index_of(replica) >= counters_.size()) counters_.resize(index_of(replica) + 1);
  if (!std::exchange(counters_[replica].named, true)) name_replica(replica);
  return counters_[replica];
}

void Timeline::name_replica(ReplicaId replica) {
  char* out = begin_event('M', replica, Instant());
  out = put_text(out, ",\"name\":\"process_name\",\"args\":{\"name\":\"replica ");
  out = put_integer(out, index_of(replica));
  finish_event(out, "\"}");
  out = begin_event('M', replica, Instant());
  finish_event(out, ",\"tid\":1,\"name\":\"thread_name\",\"args\":{\"name\":\"steps\"}");
}

char* Timeline::begin_event(char kind, ReplicaId replica, Instant when) {
  latest_ = std::max(latest_, when);
  char* out = file_.room(kMostEvent);
  out = put_text(out, std::exchange(any_, true) ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
  *out++ = kind;
  out = put_text(out, "\",\"pid\":");
  out = put_integer(out, index_of(replica) + 1);  // a pid of 0 is the idle process to some viewers
  out = put_text(out, ",\"ts\":");
  return put_microseconds(out, when.since_start());
}

void Timeline::finish_event(char* out, std::string_view rest) {
  out = put_text(out, rest);
  *out++ = '}';
  file_.fill(out);
}

void Timeline::count(ReplicaId replica, Instant when, std::string_view name, std::int64_t& shown,
                     std::int64_t value) {
  if (std::exchange(shown, value) == value) return;
  char* out = begin_event('C', replica, when);
  out = put_text(out, ",\"name\":\"");
  out = put_text(out, name);
  out = put_field(out, "\",\"args\":{\"value\":", value);
  finish_event(out, "}");
}

void Timeline::on_step(const StepRecord& step) {
  Counters& counters = counters_of(step.replica);
  count(step.replica, step.scheduled, "KV blocks in use", counters.used_blocks,
        step.usable_blocks - step.free_blocks);
  count(step.replica, step.scheduled, "running", counters.running, step.running);
  count(step.replica, step.scheduled, "waiting", counters.waiting, step.waiting);

  if (step.stages.empty()) {
    draw(step, {step.device_start, step.device_end}, kDeviceRow);
  } else {
    // A row for each stage: a pipeline's steps overlap.
    std::int64_t row = kDeviceRow;
    for (const StageWork& work : step.stages) draw(step, work, row++);
  }
  latest_ = std::max(latest_, step.applied);
}

void Timeline::draw(const StepRecord& step, const StageWork& work, std::int64_t row) {
  char* out = begin_event('X', step.replica, work.start);
  out = put_text(out, ",\"dur\":");
  out = put_microseconds(out, work.end - work.start);
  out = put_field(out, ",\"tid\":", row);
  out = put_text(out, ",\"name\":\"");
  out = put_text(out, composition(step));
  out = put_field(out, "\",\"args\":{\"step\":", step.number);
  out = put_field(out, ",\"prefill_tokens\":", step.prefill_tokens);
  out = put_field(out, ",\"prefill_chunks\":", step.prefill_chunks);
  out = put_field(out, ",\"decodes\":", step.decodes);
  out = put_field(out, ",\"new_blocks\":", step.new_blocks);
  out = put_text(out, ",\"host_us\":");
  out = put_microseconds(out, step.host_time);
  finish_event(out, "}");
}

void Timeline::mark(char kind, ReplicaId replica, RequestId request, Instant when,
                    std::string_view name) {
  char* out = begin_event(kind, replica, when);
  out = put_field(out, ",\"tid\":0,\"cat\":\"request\",\"id\":", index_of(request));
  out = put_text(out, ",\"name\":\"");
  out = put_text(out, name);
  finish_event(out, "\"");
}

void Timeline::outer(char kind, ReplicaId replica, RequestId request, Instant when) {
  char name[kMostDigits + 8];
  const char* end = put_field(name, "request ", index_of(request));
  mark(kind, replica, request, when, {name, static_cast<std::size_t>(end - name)});
}

void Timeline::enter(ReplicaId replica, RequestId request, Instant when, Phase phase) {
  RequestState& state = state_of(request);
  if (state.phase != Phase::kNone) mark('e', replica, request, when, name_of_phase(state.phase));
  if (phase != Phase::kNone) mark('b', replica, request, when, name_of_phase(phase));
  state.phase = phase;
}

void Timeline::on_queued(ReplicaId replica, RequestId request, Instant now) {
  static_cast<void>(counters_of(replica));
  outer('b', replica, request, now);
  enter(replica, request, now, Phase::kQueued);
}

void Timeline::on_admitted(ReplicaId replica, RequestId request, Instant now, std::int32_t) {
  const bool has_token = state_of(request).has_token;
  enter(replica, request, now, has_token ? Phase::kResumed : Phase::kPrefill);
}

void Timeline::on_first_token(ReplicaId replica, RequestId request, Instant now) {
  state_of(request).has_token = true;
  // With steps in flight it may be preempted before its first token is known.
  if (state_of(request).phase == Phase::kPrefill) enter(replica, request, now, Phase::kDecode);
}

void Timeline::on_preempted(ReplicaId replica, RequestId request, Instant now) {
  enter(replica, request, now, Phase::kPreempted);
}

void Timeline::on_leave(const RequestRecord& record, std::string_view) {
  if (record.status == RequestStatus::kRejected) {
    static_cast<void>(counters_of(record.replica));
    return mark('n', record.replica, record.id, record.queued, "rejected");
  }
  if (state_of(record.id).phase == Phase::kNone) return;  // it never reached the queue
  const bool unfinished = record.status == RequestStatus::kUnfinished;
  const Instant end = unfinished ? latest_ : record.last_token;
  enter(record.replica, record.id, end, Phase::kNone);
  outer('e', record.replica, record.id, end);
}

void Timeline::close() {
  file_.write("\n]}\n");
  file_.close();
}

}  // namespace orrery
