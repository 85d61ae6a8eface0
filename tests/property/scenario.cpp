// SPDX-License-Identifier: Apache-2.0
#include "tests/property/scenario.h"

#include <algorithm>

#include "sim/core/random.h"
#include "sim/serving/live_request.h"

namespace orrery::property {
namespace {

using world::PlannedRequest;

/// One draw after another from the scenario's seed.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed, "property", "scenario") { s_.seed = seed; }

  Scenario make() {
    choose_engine();
    choose_policies();
    choose_costs();
    plan_requests();
    fit_kv();
    fit_budget();
    choose_pipeline();
    return std::move(s_);
  }

 private:
  [[nodiscard]] bool chance(double share) { return random_.uniform() < share; }
  [[nodiscard]] std::int32_t between(std::int32_t low, std::int32_t high) {
    return static_cast<std::int32_t>(random_.between(low, high));
  }
  template <class T>
  [[nodiscard]] T one_of(std::initializer_list<T> items) {
    return *(items.begin() + random_.below(items.size()));
  }

  void choose_engine() {
    EngineOptions& engine = s_.engine;
    engine.block_size = one_of({16, 16, 16, 32, 48, 1, 256});
    engine.enable_prefix_caching = chance(0.85);
    engine.async_scheduling = chance(0.5);
    engine.partial_blocks_first = chance(0.8);
    engine.max_num_seqs = chance(0.3) ? between(1, 6) : between(7, 40);
    engine.idle_sleep = chance(0.5) ? milliseconds(1) : microseconds(between(1, 3000));
    unit_ = engine.block_size == 1 ? 12 : engine.block_size;
  }

  /// Drawn last, so that worlds without a pipeline are what they were before there was one.
  void choose_pipeline() {
    if (!chance(0.4)) return;
    s_.engine.pipeline_stages = between(2, 4);
    s_.cost.stages = s_.engine.pipeline_stages;
    if (chance(0.5)) s_.cost.hand_over = between(0, 300'000'000);
    if (chance(0.5)) s_.cost.last_stage = between(0, 2'000'000'000);
  }

  void choose_policies() {
    s_.scheduler = one_of({"vllm-v1", "vllm-v1", "vllm-v1", "sarathi-serve", "orca"});
    s_.eviction = one_of({"lru", "lru", "lfu", "fifo"});
    s_.router = one_of({"round-robin", "least-outstanding"});
    s_.replicas = chance(0.65) ? 1 : between(2, 3);
    auto& numbers = s_.scheduler_options.numbers;
    if (s_.scheduler != "orca" && chance(0.4)) numbers["watermark"] = random_.uniform() * 0.3;
    if (!s_.is_vllm()) return;
    if (chance(0.4)) s_.scheduler_options.words["scheduling_policy"] = "priority";
    if (chance(0.3)) numbers["long_prefill_token_threshold"] = between(1, unit_ * 3);
    if (chance(0.2)) numbers["enable_chunked_prefill"] = 0;
    if (chance(0.4)) numbers["scheduler_reserve_full_isl"] = 0;
    s_.may_circle = s_.by_priority() && s_.number("scheduler_reserve_full_isl", 1) == 0;
  }

  void choose_costs() {
    world::ShapeCostOptions& cost = s_.cost;
    if (chance(0.6)) {
      cost.base = between(1, 2'000'000'000);
      cost.token = between(0, 20'000'000);
      cost.decode_context = between(0, 1000);
      cost.decode_context_max = between(0, 1000);
      cost.decode_tile = between(0, 100'000);
      cost.sampled_row = between(0, 100'000);
      cost.chunk = between(0, 1'000'000);
      cost.chunk_token_context = between(0, 100);
    }
    if (chance(0.5)) {
      // As long as the device at times, so that either may bound a step.
      cost.host_base = between(0, 1'000'000'000);
      cost.host_request = between(0, 20'000'000);
      cost.host_new_block = between(0, 5'000'000);
      cost.host_hashed_block = between(0, 5'000'000);
    }
    if (chance(0.5)) {
      s_.frontend = {microseconds(between(0, 2000)), nanoseconds(between(0, 5000)),
                     microseconds(between(0, 300)), microseconds(between(0, 40))};
    }
  }

  [[nodiscard]] std::int32_t some_tokens() {
    // Whole blocks are the edge cases of prefix hits.
    if (chance(0.3)) return unit_ * between(1, 6);
    return between(1, unit_ * 6);
  }
  [[nodiscard]] std::int32_t some_outputs() {
    if (chance(0.15)) return between(1, 2);
    return chance(0.15) ? between(60, 400) : between(1, 60);
  }

  void plan_requests() {
    const std::int32_t count = between(8, 45);
    const double burst = random_.uniform();
    const std::int64_t spacing = between(1, 30'000);  // us
    const double sessions = chance(0.6) ? random_.uniform() * 0.7 : 0;
    const bool closed = chance(0.6);
    const bool by_eos = chance(0.6);
    const std::int32_t most_priority = chance(0.5) ? 0 : between(1, 3);
    std::int64_t now = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      if (!chance(burst)) now += random_.between(0, 2 * spacing);
      PlannedRequest request;
      request.arrival = Instant::at(microseconds(now));
      request.priority = between(0, most_priority);
      request.output_tokens = some_outputs();
      if (by_eos && chance(0.5)) {
        request.max_tokens = chance(0.3) ? 0 : request.output_tokens + between(1, 40);
      } else {
        request.max_tokens = chance(0.2) ? std::max(1, request.output_tokens - between(0, 10))
                                         : request.output_tokens;
      }
      if (i > 0 && chance(sessions)) {
        continue_session(request, closed);
      } else {
        begin(request);
      }
      s_.plan.push_back(std::move(request));
      lengths_.push_back(length_of(s_.plan.back()));
    }
  }

  void begin(PlannedRequest& request) {
    if (chance(0.5)) {
      // The same text at several lengths: one is a prefix of the other.
      request.shared.push_back({hashed_content(1, random_.below(3)), some_tokens()});
      if (chance(0.1)) request.shared.push_back({hashed_content(2, 0), 0});
      if (chance(0.4)) {
        request.shared.push_back({hashed_content(3, random_.below(2)), some_tokens()});
      }
    }
    request.own_tokens = !request.shared.empty() && chance(0.2) ? 0 : some_tokens();
  }

  void continue_session(PlannedRequest& request, bool closed) {
    const auto before = static_cast<std::size_t>(random_.below(s_.plan.size()));
    const PlannedRequest& turn = s_.plan[before];
    request.before = before;
    // Only a client knows when a closed-loop turn is sent, so what follows it is closed too.
    request.closed = closed || turn.closed;
    request.think = chance(0.3) ? Duration() : microseconds(random_.between(0, 20'000));
    request.generated =
        turn.max_tokens == 0 ? turn.output_tokens : std::min(turn.output_tokens, turn.max_tokens);
    request.own_tokens = chance(0.2) ? 0 : some_tokens();
  }

  /// Prompt tokens of a planned request; for a turn, with all its predecessors.
  [[nodiscard]] std::int32_t length_of(const PlannedRequest& request) const {
    std::int32_t tokens = request.own_tokens;
    for (const ContentSpan& span : request.shared) tokens += span.tokens;
    if (request.before != world::kNoTurn) tokens += lengths_[request.before] + request.generated;
    return tokens;
  }

  [[nodiscard]] static std::int32_t outputs_of(const PlannedRequest& request) {
    return request.max_tokens == 0 ? request.output_tokens
                                   : std::min(request.output_tokens, request.max_tokens);
  }

  void fit_kv() {
    EngineOptions& engine = s_.engine;
    std::int32_t longest = 0;
    for (std::size_t i = 0; i < s_.plan.size(); ++i) {
      longest = std::max(longest, lengths_[i] + outputs_of(s_.plan[i]));
    }
    if (chance(0.3)) {
      engine.max_model_len = std::max(2, between(longest / 3, longest + 1));
    } else if (chance(0.7)) {
      engine.max_model_len = longest + between(0, 2 * unit_);
    }
    const std::int32_t largest =
        blocks_for(std::min(longest, engine.max_model_len), engine.block_size);
    engine.usable_blocks = largest;
    if (chance(0.6)) {
      engine.usable_blocks += between(0, 3);
    } else {
      engine.usable_blocks *= between(1, 6);
    }
    // Too small on purpose at times, where a standstill is sure to be one: the gate is on.
    const bool gated = s_.scheduler == "sarathi-serve" ||
                       (s_.is_vllm() && s_.number("scheduler_reserve_full_isl", 1) != 0);
    if (gated && chance(0.08)) {
      engine.usable_blocks = std::max<std::int64_t>(1, engine.usable_blocks * between(3, 9) / 10);
      s_.may_stall = engine.usable_blocks < largest;
    }
  }

  void fit_budget() {
    EngineOptions& engine = s_.engine;
    std::int32_t longest = 0;
    std::int64_t all = 0;
    for (std::size_t i = 0; i < s_.plan.size(); ++i) {
      longest = std::max(longest, lengths_[i] + outputs_of(s_.plan[i]));
      all += lengths_[i] + outputs_of(s_.plan[i]);
    }
    // The floor keeps the number of steps small enough to walk.
    const auto floor = static_cast<std::int32_t>(all / 1500 + 1);
    engine.max_num_batched_tokens =
        std::max(floor, chance(0.25) ? between(1, 12) : between(1, unit_ * 12));
    if (s_.number("enable_chunked_prefill", 1) == 0 && !chance(0.1)) {
      engine.max_num_batched_tokens = longest + between(1, unit_ * 6);
    }
    if (s_.number("enable_chunked_prefill", 1) == 0 && engine.max_num_batched_tokens < longest) {
      s_.may_stall = true;
    }
  }

  RandomStream random_;
  Scenario s_;
  std::int32_t unit_ = 16;
  std::vector<std::int32_t> lengths_;
};

}  // namespace

std::string Scenario::text() const {
  std::string options;
  for (const auto& [key, value] : scheduler_options.numbers) {
    options += " " + key + "=" + std::to_string(value);
  }
  for (const auto& [key, value] : scheduler_options.words) options += " " + key + "=" + value;
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  return scheduler + options + ", " + eviction + ", " + number(replicas) + " replicas by " +
         router + ", " + (engine.async_scheduling ? "async" : "sync") + ", " +
         number(engine.pipeline_stages) + " stages, " + number(engine.usable_blocks) +
         " blocks of " + number(engine.block_size) + ", budget " +
         number(engine.max_num_batched_tokens) + ", max_num_seqs " + number(engine.max_num_seqs) +
         ", max_model_len " + number(engine.max_model_len) + ", caching " +
         number(engine.enable_prefix_caching ? 1 : 0) + ", partial first " +
         number(engine.partial_blocks_first ? 1 : 0) + ", " +
         number(static_cast<std::int64_t>(plan.size())) + " requests";
}

Scenario make_scenario(std::uint64_t seed) { return Maker(seed).make(); }

}  // namespace orrery::property
