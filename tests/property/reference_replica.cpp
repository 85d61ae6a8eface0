// SPDX-License-Identifier: Apache-2.0
#include "tests/property/reference_replica.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "tests/property/reference_pool.h"

namespace orrery::property {
namespace {

constexpr std::int32_t kNoLimit = INT32_MAX;

/// A request as vLLM counts it.
struct Live {
  RequestId id{};
  std::int32_t prompt = 0;
  std::int32_t most_outputs = 0;  // what the engine knows
  std::int32_t outputs = 0;       // what will come
  std::int32_t priority = 0;
  Instant arrival;
  std::int32_t known = 0;
  std::int32_t in_flight = 0;
  std::int32_t computed = 0;
  std::int64_t next_decode_eligible = 0;  // vLLM's next_decode_eligible_step
  bool running = false;
  bool admitted = false;
  bool ended = false;
  std::int32_t named = 0;
  ReferencePool::Table table;
};

class Reference {
 public:
  Reference(const Scenario& scenario, const Run& run, std::size_t replica, Failures& failures)
      : scenario_(scenario),
        engine_(scenario.engine),
        texts_(run.texts),
        failures_(failures),
        pool_({engine_.usable_blocks, engine_.enable_prefix_caching, engine_.partial_blocks_first,
               scenario.eviction}) {
    for (const Heard::Leaving& leaving : run.heard.leaving) {
      if (index_of(leaving.record.replica) != replica) continue;
      enter(texts_.request(leaving.record.id), leaving.record.queued);
    }
    threshold_ = static_cast<std::int32_t>(scenario.number("long_prefill_token_threshold", 0));
    if (threshold_ == 0) threshold_ = kNoLimit;
  }

  /// False as soon as the log differs: what follows would be noise.
  bool play(const LogEntry& entry) {
    entry_ = &entry;
    if (entry.kind == LogEntry::Kind::kQueued) {
      enqueue(entry.queued, /*first=*/false);
      return true;
    }
    if (entry.kind == LogEntry::Kind::kApply) {
      apply(entry);
      return failures_.empty();
    }
    budget_ = engine_.max_num_batched_tokens;
    granted_.clear();
    victims_ = 0;
    admitted_.clear();
    if (scenario_.is_vllm()) {
      run_in_order();
    } else {
      run_pass(/*decodes=*/true) && run_pass(/*decodes=*/false);
    }
    // Orca reserves all it may need, so it never preempts, and has no budget.
    const bool orca = scenario_.scheduler == "orca";
    while (!waiting_.empty() && static_cast<std::int64_t>(running_.size()) < engine_.max_num_seqs &&
           (orca || (victims_ == 0 && budget_ > 0))) {
      const RequestId* next = next_waiting();
      if (next == nullptr || !admit(*next)) break;
    }
    return compare();
  }
  [[nodiscard]] std::int64_t hit_tokens() const { return hit_tokens_; }

 private:
  void enter(const Request& request, Instant queued) {
    Live live;
    live.id = request.id;
    live.prompt = live.known = request.input_tokens;
    const std::int32_t room = engine_.max_model_len - request.input_tokens;
    live.most_outputs = request.max_tokens == 0 ? room : std::min(room, request.max_tokens);
    live.outputs = std::min(request.output_tokens, live.most_outputs);
    live.priority = request.priority;
    live.arrival = queued;
    all_[request.id] = live;
  }

  [[nodiscard]] std::string at(const std::string& what) const {
    return "reference: call " + std::to_string(entry_->number) + ": " + what;
  }
  static std::string named(RequestId id) { return "request " + std::to_string(index_of(id)); }

  [[nodiscard]] std::int64_t blocks_for_tokens(std::int64_t tokens) const {
    return (tokens + engine_.block_size - 1) / engine_.block_size;
  }

  [[nodiscard]] std::int32_t tokens_for(const Live& live, std::int32_t limit) const {
    if (!engine_.async_scheduling) {
      // vLLM counts no tokens in flight here: nothing is left to compute until they have come.
      return std::min(
          {live.known - live.computed, limit, budget_, engine_.max_model_len - 1 - live.computed});
    }
    if (entry_->number < live.next_decode_eligible) return 0;
    // The end by length is foreseen once the outputs in flight are sure to reach it.
    if (live.in_flight > 0 &&
        live.computed + 2 - live.in_flight >= live.prompt + live.most_outputs) {
      return 0;
    }
    return std::min({live.known + live.in_flight - live.computed, limit, budget_,
                     engine_.max_model_len - 1 - live.computed});
  }

  void name_through(Live& live, std::int32_t tokens) {
    if (!engine_.enable_prefix_caching) return;
    while ((live.named + 1) * engine_.block_size <= tokens) {
      pool_.set_name(live.table[static_cast<std::size_t>(live.named)],
                     texts_.name(live.id, live.named));
      ++live.named;
    }
  }

  /// The preempted go to the head of the line; by priority everybody has a place.
  void enqueue(RequestId id, bool first) {
    auto place = first ? waiting_.begin() : waiting_.end();
    if (scenario_.by_priority()) {
      const auto rank = [this](RequestId one) {
        return std::tuple(all_[one].priority, all_[one].arrival, one);
      };
      place = std::find_if(waiting_.begin(), waiting_.end(),
                           [&](RequestId other) { return rank(id) < rank(other); });
    }
    waiting_.insert(place, id);
  }

  void drop(Live& live) {
    pool_.release(live.table);
    live.table.clear();
    live.named = live.computed = 0;
    live.running = false;
    running_.erase(std::find(running_.begin(), running_.end(), live.id));
  }

  /// The log says whom; the rule says whom it should be.
  RequestId preempt_next() {
    RequestId chosen = running_.back();
    if (scenario_.by_priority()) {
      chosen = running_.front();
      for (const RequestId id : running_) {
        const Live& a = all_[id];
        const Live& b = all_[chosen];
        if (std::pair(a.priority, a.arrival) > std::pair(b.priority, b.arrival)) chosen = id;
      }
    }
    const bool logged =
        victims_ < entry_->preempted.size() && entry_->preempted[victims_] == chosen;
    failures_.expect(logged, at(named(chosen) + " should have been preempted"));
    ++victims_;
    drop(all_[chosen]);
    enqueue(chosen, /*first=*/true);
    return chosen;
  }

  void grant(Live& live, std::int32_t tokens) {
    pool_.take(std::max<std::int64_t>(0, missing(live, live.computed + tokens)), live.table);
    name_through(live, std::min(live.computed + tokens, live.known));
    granted_.push_back({live.id, tokens, live.computed});
    budget_ -= tokens;
  }

  [[nodiscard]] std::int64_t missing(const Live& live, std::int64_t tokens) const {
    return blocks_for_tokens(tokens) - static_cast<std::int64_t>(live.table.size());
  }

  /// vLLM's loop over `running`, with its index and its list that shrinks under it.
  void run_in_order() {
    std::size_t index = 0;
    while (index < running_.size() && budget_ > 0) {
      const RequestId id = running_[index];
      const std::int32_t tokens = tokens_for(all_[id], threshold_);
      if (tokens <= 0) {
        ++index;
        continue;
      }
      while (missing(all_[id], all_[id].computed + tokens) > pool_.free()) {
        const RequestId victim = preempt_next();
        if (victim == id) return;
        if (take_back(victim)) --index;
      }
      grant(all_[id], tokens);
      ++index;
    }
  }

  bool take_back(RequestId victim) {
    for (std::size_t i = 0; i < granted_.size(); ++i) {
      if (granted_[i].request != victim) continue;
      budget_ += granted_[i].tokens;
      granted_.erase(granted_.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return false;
  }

  /// Sarathi-Serve's two passes. Orca's one is the same: it never lacks blocks nor splits prompts.
  bool run_pass(bool decodes) {
    for (std::size_t i = 0; i < running_.size() && budget_ > 0; ++i) {
      const RequestId id = running_[i];
      const Live& live = all_[id];
      const bool decoding = live.computed >= live.prompt && live.computed + 1 >= live.known;
      const bool granted = std::any_of(granted_.begin(), granted_.end(),
                                       [&](const auto& share) { return share.request == id; });
      if (granted || decoding != decodes) continue;
      const std::int32_t tokens = tokens_for(live, kNoLimit);
      if (tokens <= 0) continue;
      while (missing(live, live.computed + tokens) > pool_.free()) {
        const RequestId victim = preempt_next();
        take_back(victim);
        if (victim == id) return false;
      }
      grant(all_[id], tokens);
    }
    return true;
  }

  [[nodiscard]] ReferencePool::Table hits_of(const Live& live) const {
    // At least one token is computed anew.
    std::vector<BlockName> names;
    for (std::int32_t i = 0; (i + 1) * engine_.block_size <= live.known - 1; ++i) {
      names.push_back(texts_.name(live.id, i));
    }
    return pool_.lookup(names);
  }

  /// How many tokens an admission computes in this call; 0 if the budget does not allow it.
  [[nodiscard]] std::int32_t chunk_of(const Live& live, std::int32_t cached) const {
    const std::int32_t left = live.known - cached;
    if (scenario_.scheduler == "orca") return left;
    const std::int32_t tokens = std::min(left, threshold_);
    const bool whole = scenario_.number("enable_chunked_prefill", 1) == 0;
    return whole && tokens > budget_ ? 0 : std::min(tokens, budget_);
  }

  [[nodiscard]] std::int64_t watermark_blocks() const {
    if (running_.empty() || scenario_.scheduler == "orca") return 0;
    // vLLM counts the null block too. Sarathi-Serve keeps a hundredth if nothing is said.
    const std::int64_t blocks = engine_.usable_blocks + (scenario_.is_vllm() ? 1 : 0);
    const double share = scenario_.number("watermark", scenario_.is_vllm() ? 0 : 0.01);
    return static_cast<std::int64_t>(share * static_cast<double>(blocks));
  }

  /// The first that is not waiting for a token computed before it was preempted. Only vLLM looks
  /// past it.
  [[nodiscard]] const RequestId* next_waiting() const {
    for (const RequestId& id : waiting_) {
      if (all_.at(id).in_flight == 0) return &id;
      if (!scenario_.is_vllm()) break;
    }
    return nullptr;
  }

  bool admit(RequestId id) {
    Live& live = all_[id];
    const ReferencePool::Table hits = hits_of(live);
    const auto cached = static_cast<std::int32_t>(hits.size()) * engine_.block_size;
    const std::int32_t tokens = chunk_of(live, cached);
    if (tokens == 0) return false;
    const std::int64_t reserved = reserved_tokens(live, cached + tokens);
    const auto fits = [&](std::int64_t wanted) {
      const std::int64_t anew = blocks_for_tokens(wanted) - static_cast<std::int64_t>(hits.size());
      return anew + pool_.unheld(hits) + watermark_blocks() <= pool_.free();
    };
    const bool gate = scenario_.is_vllm() && scenario_.number("scheduler_reserve_full_isl", 1) != 0;
    if (gate && !fits(std::min(live.known, engine_.max_model_len))) return false;
    if (!fits(reserved)) return false;

    std::erase(waiting_, id);
    hit_tokens_ += cached;
    pool_.hold(hits);
    live.table = hits;
    live.named = static_cast<std::int32_t>(hits.size());
    live.computed = cached;
    running_.push_back(id);
    live.running = true;
    pool_.take(std::max<std::int64_t>(0, missing(live, reserved)), live.table);
    name_through(live, std::min(cached + tokens, live.known));
    granted_.push_back({id, tokens, cached});
    admitted_.push_back({id, cached, live.admitted});
    live.admitted = true;
    budget_ -= tokens;
    return true;
  }

  /// What an admission takes blocks for: vLLM for its chunk, Sarathi-Serve for all that is known,
  /// Orca for all that may come.
  [[nodiscard]] std::int64_t reserved_tokens(const Live& live, std::int64_t chunk_end) const {
    if (scenario_.is_vllm()) return chunk_end;
    if (scenario_.scheduler == "sarathi-serve") {
      return std::max<std::int64_t>(chunk_end, live.known);
    }
    return static_cast<std::int64_t>(live.prompt) + live.most_outputs;
  }

  bool compare() {
    const auto same = [](const LogEntry::Share& a, const LogEntry::Share& b) {
      return a.request == b.request && a.tokens == b.tokens &&
             a.computed_before == b.computed_before;
    };
    const bool equal = std::equal(granted_.begin(), granted_.end(), entry_->shares.begin(),
                                  entry_->shares.end(), same);
    failures_.expect(equal, at("other requests or tokens, or in another order"));
    const bool same_admitted = std::equal(
        admitted_.begin(), admitted_.end(), entry_->admitted.begin(), entry_->admitted.end(),
        [](const LogEntry::Admitted& a, const LogEntry::Admitted& b) {
          return a.request == b.request && a.cached_tokens == b.cached_tokens &&
                 a.resumed == b.resumed;
        });
    failures_.expect(same_admitted, at("others are admitted, or hit other tokens"));
    failures_.expect(waiting_.size() == entry_->waiting, at("another number of waiting requests"));
    failures_.expect(victims_ == entry_->preempted.size(), at("preempted more than need be"));
    failures_.expect(running_ == entry_->running, at("another list of the running"));
    failures_.expect(pool_.free() == entry_->free_blocks,
                     at(std::to_string(pool_.free()) + " blocks should be free, not " +
                        std::to_string(entry_->free_blocks)));
    for (const LogEntry::Share& share : granted_) {
      Live& live = all_[share.request];
      live.computed += share.tokens;
      if (live.computed != live.known + live.in_flight) continue;
      ++live.in_flight;
      live.next_decode_eligible = entry_->number + engine_.pipeline_stages;
      sampled_[entry_->number].push_back(live.id);
    }
    return failures_.empty();
  }

  void apply(const LogEntry& entry) {
    for (const RequestId id : sampled_[entry.number]) {
      Live& live = all_[id];
      if (live.ended) continue;
      ++live.known;
      --live.in_flight;
      if (engine_.async_scheduling && live.running) {
        name_through(live, live.computed - live.in_flight);
      }
    }
    std::vector<RequestId> finished;
    for (const RequestId id : sampled_[entry.number]) {
      Live& live = all_[id];
      if (live.ended || live.known - live.prompt < live.outputs) continue;
      live.ended = true;
      finished.push_back(id);
    }
    sampled_.erase(entry.number);
    failures_.expect(std::set(finished.begin(), finished.end()) ==
                         std::set(entry.finished.begin(), entry.finished.end()),
                     at("others finish"));
    for (const RequestId id : entry.finished) {
      if (all_[id].running) drop(all_[id]);
      std::erase(waiting_, id);
    }
  }

  const Scenario& scenario_;
  const EngineOptions& engine_;
  const Texts& texts_;
  Failures& failures_;
  ReferencePool pool_;
  std::int32_t threshold_ = kNoLimit;
  std::map<RequestId, Live> all_;
  std::vector<RequestId> running_;
  std::vector<RequestId> waiting_;
  std::map<std::int64_t, std::vector<RequestId>> sampled_;  // by call, not yet applied
  const LogEntry* entry_ = nullptr;
  std::int32_t budget_ = 0;
  std::size_t victims_ = 0;
  std::vector<LogEntry::Share> granted_;
  std::vector<LogEntry::Admitted> admitted_;
  std::int64_t hit_tokens_ = 0;
};

}  // namespace

std::int64_t check_against_reference(const Scenario& scenario, const Run& run, Failures& failures) {
  std::int64_t hit_tokens = 0;
  for (std::size_t replica = 0; replica < run.logs.size(); ++replica) {
    Reference reference(scenario, run, replica, failures);
    for (const LogEntry& entry : run.logs[replica]) {
      if (!reference.play(entry)) return hit_tokens;
    }
    hit_tokens += reference.hit_tokens();
  }
  return hit_tokens;
}

}  // namespace orrery::property
