// SPDX-License-Identifier: Apache-2.0
#include "tests/property/accounting.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace orrery::property {
namespace {

std::string named(RequestId request) { return "request " + std::to_string(index_of(request)); }

/// A request's life as the log tells it.
struct Life {
  std::size_t replica = 0;
  bool admitted_once = false;
  bool running = false;
  bool ended = false;
  std::int32_t computed = 0;
  std::int32_t delivered = 0;
  std::vector<std::int64_t> samples;  // the steps that computed an output, in order
  std::int64_t scheduled_tokens = 0;
  std::int64_t computed_anew = 0;  // sum over admissions of (computed at their end - hits)
  std::int32_t admission_hits = 0;
  std::int32_t first_hits = 0;
  std::int32_t preemptions = 0;
  Instant first_scheduled = Instant::never();
  std::int64_t ended_in_step = -1;
};

class Accounts {
 public:
  Accounts(const Scenario& scenario, const Run& run, Failures& failures)
      : scenario_(scenario), run_(run), failures_(failures), lives_(run.texts.size()) {}

  Totals check() {
    for (const StepRecord& step : run_.heard.steps) {
      const bool fresh = steps_.insert({{index_of(step.replica), step.number}, &step}).second;
      failures_.expect(fresh, "a step was told twice");
    }
    for (std::size_t replica = 0; replica < run_.logs.size(); ++replica) walk(replica);
    check_steps();
    check_frontends();
    check_records();
    check_gaps();
    return totals_;
  }

 private:
  [[nodiscard]] std::int32_t most_outputs(const Request& request) const {
    const std::int32_t room = scenario_.engine.max_model_len - request.input_tokens;
    return request.max_tokens == 0 ? room : std::min(room, request.max_tokens);
  }
  /// What the trace says, cut by max_tokens and by max_model_len.
  [[nodiscard]] std::int32_t outputs(const Request& request) const {
    return std::min(request.output_tokens, most_outputs(request));
  }
  [[nodiscard]] const Request& request(RequestId id) const { return run_.texts.request(id); }
  [[nodiscard]] Life& life(RequestId id) { return lives_[index_of(id)]; }

  void fail(const LogEntry& entry, const std::string& what) {
    failures_.add("accounts: call " + std::to_string(entry.number) + ": " + what);
  }

  // ---- the log

  void walk(std::size_t replica) {
    replica_ = replica;
    running_.clear();
    std::int64_t calls = 0;
    std::int64_t applied = 0;
    Instant newest;
    for (const LogEntry& entry : run_.logs[replica]) {
      if (entry.kind == LogEntry::Kind::kQueued) continue;
      if (entry.when < newest) fail(entry, "time ran back");
      newest = entry.when;
      if (entry.kind == LogEntry::Kind::kSchedule) {
        if (entry.number != calls++) fail(entry, "calls are not numbered one by one");
        schedule(entry);
      } else {
        if (entry.number != applied++) fail(entry, "steps are not applied in order");
        apply(entry);
      }
      const std::int64_t in_flight = calls - applied;
      // As many as there are stages, and one more where the scheduler runs ahead.
      const std::int64_t most =
          scenario_.engine.pipeline_stages + (scenario_.engine.async_scheduling ? 1 : 0);
      if (in_flight < 0 || in_flight > most) fail(entry, "too many steps in flight");
    }
  }

  void schedule(const LogEntry& entry) {
    for (const RequestId id : entry.preempted) preempt(entry, id);
    for (const LogEntry::Admitted& admitted : entry.admitted) admit(entry, admitted);
    std::int64_t tokens = 0;
    std::set<RequestId> seen;
    for (const LogEntry::Share& share : entry.shares) {
      if (!seen.insert(share.request).second) fail(entry, named(share.request) + " runs twice");
      run_share(entry, share);
      const bool admitted =
          std::any_of(entry.admitted.begin(), entry.admitted.end(),
                      [&](const LogEntry::Admitted& a) { return a.request == share.request; });
      // Orca has no token budget: it never splits a prompt, and max_num_seqs alone bounds its
      // batch. Ours heeds the budget only for requests that already run.
      if (scenario_.scheduler != "orca" || !admitted) tokens += share.tokens;
    }
    if (tokens > scenario_.engine.max_num_batched_tokens) fail(entry, "the budget is exceeded");
    if (static_cast<std::int64_t>(running_.size()) > scenario_.engine.max_num_seqs) {
      fail(entry, "max_num_seqs is exceeded");
    }
    if (running_ != entry.running) fail(entry, "the running list is not in order of admission");
    if (entry.free_blocks < 0 || entry.free_blocks > scenario_.engine.usable_blocks) {
      fail(entry, "free blocks out of range");
    }
  }

  void preempt(const LogEntry& entry, RequestId id) {
    Life& who = life(id);
    if (!who.running || who.replica != replica_) fail(entry, named(id) + " preempted, did not run");
    who.running = false;
    who.computed_anew += who.computed - who.admission_hits;
    ++who.preemptions;
    ++totals_.preemptions;
    std::erase(running_, id);
  }

  void admit(const LogEntry& entry, const LogEntry::Admitted& admitted) {
    Life& who = life(admitted.request);
    if (who.running || who.ended) fail(entry, named(admitted.request) + " admitted, did not wait");
    if (admitted.resumed != who.admitted_once) fail(entry, "resumed is wrong");
    if (!who.admitted_once) {
      who.replica = replica_;
      who.first_scheduled = entry.when;
      who.first_hits = admitted.cached_tokens;
      if (entry.when < sent_and_queued(admitted.request)) {
        fail(entry, named(admitted.request) + " admitted before it was queued");
      }
    }
    if (who.replica != replica_) fail(entry, named(admitted.request) + " changed its replica");
    who.admitted_once = true;
    who.running = true;
    who.computed = who.admission_hits = admitted.cached_tokens;
    running_.push_back(admitted.request);
  }

  [[nodiscard]] Instant sent_and_queued(RequestId id) {
    if (queued_.empty()) {
      for (const Heard::Leaving& leaving : run_.heard.leaving) {
        queued_[leaving.record.id] = leaving.record.queued;
      }
    }
    return queued_[id];
  }

  void run_share(const LogEntry& entry, const LogEntry::Share& share) {
    Life& who = life(share.request);
    if (!who.running) fail(entry, named(share.request) + " runs and is not running");
    if (share.tokens < 1) fail(entry, named(share.request) + " runs nothing");
    if (share.computed_before != who.computed) fail(entry, named(share.request) + " has a gap");
    // A pipeline's steps share nobody whose token has not left it; pieces of a prompt may follow
    // one another.
    if (!who.samples.empty() &&
        entry.number - who.samples.back() < scenario_.engine.pipeline_stages) {
      fail(entry, named(share.request) + " is in two steps of the pipeline");
    }
    who.computed += share.tokens;
    who.scheduled_tokens += share.tokens;
    const auto known =
        request(share.request).input_tokens + static_cast<std::int32_t>(who.samples.size());
    if (who.computed > known) fail(entry, named(share.request) + " computes what is not known");
    if (who.computed != known) return;
    if (!who.samples.empty() && who.samples.back() == entry.number) fail(entry, "sampled twice");
    who.samples.push_back(entry.number);
    sampled_[{replica_, entry.number}].push_back(share.request);
  }

  void apply(const LogEntry& entry) {
    std::vector<RequestId> due;
    for (const RequestId id : sampled_[{replica_, entry.number}]) {
      Life& who = life(id);
      if (who.ended) {
        ++totals_.wasted_tokens;
        continue;
      }
      ++who.delivered;
      ++delivered_[{replica_, entry.number}];
      if (who.delivered == outputs(request(id))) due.push_back(id);
    }
    if (std::set(due.begin(), due.end()) !=
            std::set(entry.finished.begin(), entry.finished.end()) ||
        due.size() != entry.finished.size()) {
      fail(entry, "other requests finish than have all their tokens");
    }
    for (const RequestId id : due) finish(entry, id);
  }

  void finish(const LogEntry& entry, RequestId id) {
    Life& who = life(id);
    who.ended = true;
    who.ended_in_step = entry.number;
    ++totals_.finished;
    if (who.running) {
      who.computed_anew += who.computed - who.admission_hits;
    } else {
      ++totals_.finished_while_waiting;
    }
    const std::int64_t wasted = static_cast<std::int64_t>(who.samples.size()) - who.delivered;
    const bool eos = who.delivered < most_outputs(request(id));
    totals_.ended_by_eos += eos ? 1 : 0;
    // An end by length is foreseen; an EOS is seen one step too late, if steps overlap.
    if (wasted > (eos && scenario_.engine.async_scheduling ? 1 : 0)) {
      fail(entry, named(id) + " wasted a token");
    }
    if (who.running) {
      const std::int64_t whole = request(id).input_tokens + who.delivered - 1 + wasted;
      if (who.computed != whole) fail(entry, named(id) + " ends with tokens not computed");
    }
    if (who.scheduled_tokens != who.computed_anew)
      fail(entry, named(id) + "'s tokens do not add up");
    who.running = false;
    std::erase(running_, id);
  }

  // ---- what the observer heard

  void check_steps() {
    std::size_t told = 0;
    for (std::size_t replica = 0; replica < run_.logs.size(); ++replica) {
      Instant device_free;
      stage_free_.assign(static_cast<std::size_t>(scenario_.engine.pipeline_stages), Instant());
      for (const LogEntry& entry : run_.logs[replica]) {
        if (entry.kind != LogEntry::Kind::kSchedule || entry.shares.empty()) continue;
        const auto found = steps_.find({replica, entry.number});
        if (found == steps_.end()) {
          failures_.expect(run_.cut, "a step was not told");
          continue;
        }
        ++told;
        check_step(entry, *found->second, device_free);
        device_free = found->second->device_end;
      }
    }
    failures_.expect(told == run_.heard.steps.size(), "a step was told that was not scheduled");
  }

  void check_step(const LogEntry& entry, const StepRecord& step, Instant device_free) {
    std::int64_t tokens = 0;
    for (const LogEntry::Share& share : entry.shares) tokens += share.tokens;
    if (step.prefill_tokens + step.decodes != tokens) fail(entry, "the record has other tokens");
    if (step.prefill_chunks + step.decodes != static_cast<std::int64_t>(entry.shares.size())) {
      fail(entry, "the record has another number of requests");
    }
    if (step.admitted != static_cast<std::int32_t>(entry.admitted.size()) ||
        step.preempted != static_cast<std::int32_t>(entry.preempted.size()) ||
        step.running != static_cast<std::int32_t>(entry.running.size()) ||
        step.waiting != static_cast<std::int32_t>(entry.waiting) ||
        step.free_blocks != entry.free_blocks ||
        step.usable_blocks != scenario_.engine.usable_blocks) {
      fail(entry, "the record counts otherwise");
    }
    if (step.scheduled != entry.when) fail(entry, "the record has another time");
    if (step.applied < step.device_end || step.visible < step.applied) {
      fail(entry, "the times of the record are out of order");
    }
    if (scenario_.engine.pipeline_stages > 1) return check_stages(entry, step);
    if (step.device_start != std::max(step.scheduled + step.host_time, device_free)) {
      fail(entry, "the device does not start when it is free and the host is ready");
    }
    if (step.device_end != step.device_start + step.device_time) {
      fail(entry, "the times of the record are out of order");
    }
  }

  /// Stage by stage: when the stage before has handed it over and the step before has left.
  void check_stages(const LogEntry& entry, const StepRecord& step) {
    const auto index = static_cast<std::size_t>(&step - run_.heard.steps.data());
    const std::vector<StageWork>& stages = run_.heard.stages[index];
    if (stages.size() != stage_free_.size()) return fail(entry, "not every stage is told");
    const Duration way = picoseconds(scenario_.cost.hand_over);
    Instant ready = step.scheduled + step.host_time;
    if (scenario_.engine.async_scheduling) ready = std::max(ready, tokens_back(entry));
    Duration worked;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      if (stages[i].start != std::max(ready, stage_free_[i])) {
        fail(entry, "stage " + std::to_string(i) + " begins at another time");
      }
      stage_free_[i] = stages[i].end;
      ready = stages[i].end + way;
      worked += stages[i].end - stages[i].start + (i > 0 ? way : Duration());
    }
    if (worked != step.device_time) fail(entry, "the stages' times do not add up");
    if (step.device_start != stages.front().start || step.device_end != stages.back().end) {
      fail(entry, "the device's times are not its stages'");
    }
  }

  /// When the tokens from which the entry's requests go on are at the first stage: they come from
  /// the last one without the scheduler, which has not seen them.
  [[nodiscard]] Instant tokens_back(const LogEntry& entry) {
    Instant back;
    for (const LogEntry::Share& share : entry.shares) {
      const Life& who = life(share.request);
      const auto mine = std::lower_bound(who.samples.begin(), who.samples.end(), entry.number);
      if (mine == who.samples.begin() || mine == who.samples.end() || *mine != entry.number) {
        continue;
      }
      const auto before = steps_.find({who.replica, *std::prev(mine)});
      if (before == steps_.end()) continue;
      if (entry.number - *std::prev(mine) == scenario_.engine.pipeline_stages) {
        back = std::max(back, before->second->device_end + picoseconds(scenario_.cost.hand_over));
      }
    }
    return back;
  }

  /// The API process is one server for arrivals and outputs, in the order in which they come.
  void check_frontends() {
    const FrontendOptions& cost = scenario_.frontend;
    std::vector<Instant> free(run_.logs.size());
    std::map<RequestId, const RequestRecord*> records;
    for (const Heard::Leaving& leaving : run_.heard.leaving) {
      records[leaving.record.id] = &leaving.record;
    }
    for (const FrontendWork& work : run_.frontend_work) {
      if (work.arrival) {
        const auto found = records.find(work.request);
        if (found == records.end()) continue;  // check_records() says so
        const RequestRecord& record = *found->second;
        Instant& busy = free[index_of(record.replica)];
        busy = std::max(busy, record.sent) + cost.per_request +
               cost.per_input_token * record.input_tokens;
        failures_.expect(record.queued == busy, named(record.id) + " queued at another time");
        failures_.expect(record.sent == request(record.id).arrival,
                         named(record.id) + " sent at another time");
        continue;
      }
      const auto found = steps_.find({work.replica, work.step});
      if (found == steps_.end()) continue;
      const StepRecord& step = *found->second;
      const std::int64_t tokens = delivered_[{work.replica, work.step}];
      Instant visible = step.applied;
      if (tokens > 0) {
        visible = free[work.replica] = std::max(free[work.replica], step.applied) + cost.per_step +
                                       cost.per_output_token * tokens;
      }
      failures_.expect(step.visible == visible, "the " + std::to_string(tokens) +
                                                    " tokens of step " + std::to_string(work.step) +
                                                    " are seen at another time");
    }
  }

  void check_records() {
    std::set<RequestId> left;
    for (const Heard::Leaving& leaving : run_.heard.leaving) {
      const RequestRecord& record = leaving.record;
      failures_.expect(left.insert(record.id).second, named(record.id) + " left twice");
      check_record(record, leaving.reason);
    }
    failures_.expect(
        static_cast<std::int64_t>(left.size()) == run_.sent,
        std::to_string(run_.sent) + " were sent, " + std::to_string(left.size()) + " left");
    if (scenario_.may_stall || run_.cut) return;
    failures_.expect(totals_.unfinished == 0, "a request was not finished");
    failures_.expect(run_.sent == static_cast<std::int64_t>(scenario_.plan.size()),
                     "not all that was planned was sent");
  }

  void check_record(const RequestRecord& record, const std::string& reason) {
    const Request& asked = request(record.id);
    const std::string who = named(record.id);
    failures_.expect(record.input_tokens == asked.input_tokens, who + ": other input_tokens");
    if (record.status == RequestStatus::kRejected) return check_rejected(record, reason);
    // Whoever was left in the API process was not looked at.
    failures_.expect(asked.input_tokens < scenario_.engine.max_model_len ||
                         record.status == RequestStatus::kUnfinished,
                     who + " should have been rejected");
    const Life& life = lives_[index_of(record.id)];
    failures_.expect(record.output_tokens == life.delivered, who + ": other output_tokens");
    failures_.expect(record.preemptions == life.preemptions, who + ": other preemptions");
    failures_.expect(record.cached_tokens == life.first_hits, who + ": other cached_tokens");
    failures_.expect(record.first_scheduled == life.first_scheduled, who + ": first_scheduled");
    check_token_times(record, life);
    if (record.status == RequestStatus::kUnfinished) {
      ++totals_.unfinished;
      failures_.expect(!life.ended, who + " finished and is said not to");
      failures_.expect(!reason.empty(), who + " is unfinished for no reason");
      return;
    }
    const bool eos = outputs(asked) < most_outputs(asked);
    failures_.expect(life.ended && reason.empty(), who + " did not finish");
    failures_.expect(record.output_tokens == outputs(asked), who + ": not all its tokens");
    failures_.expect((record.status == RequestStatus::kFinishedEos) == eos, who + ": status");
  }

  void check_token_times(const RequestRecord& record, const Life& life) {
    const std::string who = named(record.id);
    const auto step_of = [&](std::size_t output) {
      return steps_.find({life.replica, life.samples[output]});
    };
    if (life.delivered == 0) {
      failures_.expect(record.first_token == Instant::never() &&
                           record.last_token == Instant::never() &&
                           record.client_first_token == Instant::never() &&
                           record.client_last_token == Instant::never(),
                       who + " has times of tokens and no tokens");
      return;
    }
    const auto first = step_of(0);
    const auto last = step_of(static_cast<std::size_t>(life.delivered - 1));
    if (first == steps_.end() || last == steps_.end()) return failures_.add(who + ": steps lost");
    failures_.expect(record.first_token == first->second->applied, who + ": first_token");
    failures_.expect(record.last_token == last->second->applied, who + ": last_token");
    failures_.expect(record.client_first_token == first->second->visible,
                     who + ": client_first_token");
    failures_.expect(record.client_last_token == last->second->visible,
                     who + ": client_last_token");
  }

  void check_rejected(const RequestRecord& record, const std::string& reason) {
    ++totals_.rejected;
    const Request& asked = request(record.id);
    const bool too_long = asked.input_tokens >= scenario_.engine.max_model_len;
    // Orca cannot reserve what the machine does not have.
    const std::int64_t most = static_cast<std::int64_t>(asked.input_tokens) + most_outputs(asked);
    const bool too_large = scenario_.scheduler == "orca" &&
                           most > scenario_.engine.usable_blocks * scenario_.engine.block_size;
    failures_.expect(too_long || too_large, named(record.id) + " was rejected without need");
    failures_.expect(!reason.empty(), named(record.id) + " was rejected for no reason");
    failures_.expect(!lives_[index_of(record.id)].admitted_once,
                     named(record.id) + " was rejected and ran");
  }

  /// Every two consecutive tokens of a request are one gap, told by its step or by itself.
  void check_gaps() {
    using Gap = std::tuple<Duration, Duration>;
    std::map<Gap, std::int64_t> balance;
    for (const Life& life : lives_) {
      for (std::int32_t i = 1; i < life.delivered; ++i) {
        const auto output = static_cast<std::size_t>(i);
        const auto a = steps_.find({life.replica, life.samples[output - 1]});
        const auto b = steps_.find({life.replica, life.samples[output]});
        if (a == steps_.end() || b == steps_.end()) return failures_.add("a token without a step");
        ++balance[{b->second->applied - a->second->applied,
                   b->second->visible - a->second->visible}];
      }
    }
    std::int64_t told = 0;
    for (const StepRecord& step : run_.heard.steps) {
      if (step.continuing_tokens == 0) continue;
      balance[{step.engine_gap, step.client_gap}] -= step.continuing_tokens;
      told += step.continuing_tokens;
    }
    for (const Heard::Gap& gap : run_.heard.gaps) --balance[{gap.engine, gap.client}];
    std::int64_t missing = 0;
    std::int64_t excess = 0;
    for (const auto& [gap, count] : balance) (count > 0 ? missing : excess) += count;
    failures_.expect(missing == 0 && excess == 0,
                     "gaps between tokens: " + std::to_string(missing) + " were not told, " +
                         std::to_string(-excess) + " were told that are none (of " +
                         std::to_string(told) + ")");
  }

  const Scenario& scenario_;
  const Run& run_;
  Failures& failures_;
  std::vector<Life> lives_;
  std::map<RequestId, Instant> queued_;
  std::size_t replica_ = 0;
  std::vector<RequestId> running_;
  using StepKey = std::pair<std::size_t, std::int64_t>;
  std::map<StepKey, const StepRecord*> steps_;
  std::map<StepKey, std::vector<RequestId>> sampled_;
  std::map<StepKey, std::int64_t> delivered_;
  std::vector<Instant> stage_free_;
  Totals totals_;
};

}  // namespace

Totals check_accounts(const Scenario& scenario, const Run& run, Failures& failures) {
  return Accounts(scenario, run, failures).check();
}

}  // namespace orrery::property
