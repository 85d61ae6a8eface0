// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/case_world.h"

#include <algorithm>

#include "tests/world/options_by_name.h"
#include "tests/world/shape_cost.h"

namespace orrery::golden {
namespace {

class CaseSource final : public RequestSource {
 public:
  CaseSource(const Case& golden, const Names& names) {
    for (const Case::Request& row : golden.requests) {
      Request request;
      request.id = names.id(row.id);
      request.arrival = Instant::at(microseconds(row.arrival_us));
      request.priority = row.priority;
      request.input_tokens = row.prompt_len;
      request.max_tokens = row.max_tokens;
      request.output_tokens =
          row.eos_at_output > 0 ? std::min(row.eos_at_output, row.max_tokens) : row.max_tokens;
      for (const auto& [content, tokens] : row.segments) {
        const ContentId id = content.starts_with("gen:")
                                 ? generated_content(names.id(content.substr(4)))
                                 : hashed_content(0, hash_text(content));
        request.prompt.push_back({id, tokens});
      }
      requests_.push_back(std::move(request));
    }
    std::stable_sort(requests_.begin(), requests_.end(),
                     [](const Request& a, const Request& b) { return a.arrival < b.arrival; });
  }

  std::optional<Instant> next_arrival() override {
    if (next_ == requests_.size()) return {};
    return requests_[next_].arrival;
  }
  void pop(Request& request) override { request = requests_[next_++]; }

 private:
  std::vector<Request> requests_;
  std::size_t next_ = 0;
};

std::unique_ptr<Scheduler> make_scheduler(const Policies& policies, const Case& golden) {
  world::NamedOptions options;
  options.words["scheduling_policy"] = golden.priority ? "priority" : "fcfs";
  options.numbers["enable_chunked_prefill"] = golden.enable_chunked_prefill ? 1 : 0;
  options.numbers["scheduler_reserve_full_isl"] = golden.scheduler_reserve_full_isl ? 1 : 0;
  options.numbers["long_prefill_token_threshold"] =
      static_cast<double>(golden.long_prefill_token_threshold);
  options.numbers["watermark"] = golden.watermark;
  return world::make_by_name(policies.schedulers, "vllm-v1", options);
}

}  // namespace

Names::Names(const Case& golden) {
  for (const Case::Request& request : golden.requests) names_.push_back(request.id);
  std::sort(names_.begin(), names_.end());
}

RequestId Names::id(const std::string& name) const {
  const auto found = std::lower_bound(names_.begin(), names_.end(), name);
  return RequestId{static_cast<std::uint32_t>(found - names_.begin())};
}

CaseWorld::CaseWorld(const Case& golden, const Names& names, bool step_by_step,
                     ServingObserver& observer)
    : cluster_(std::make_unique<CaseSource>(golden, names),
               policies_.routers.at("round-robin").prepare()->make(), simulation_) {
  ReplicaSetup setup;
  setup.engine = {.usable_blocks = golden.num_gpu_blocks - 1,
                  .block_size = golden.block_size,
                  .max_num_seqs = golden.max_num_seqs,
                  .max_num_batched_tokens = golden.max_num_batched_tokens,
                  .max_model_len = golden.max_model_len,
                  .enable_prefix_caching = golden.enable_prefix_caching,
                  .async_scheduling = golden.async,
                  .partial_blocks_first = true,
                  .idle_sleep = microseconds(golden.idle_sleep_us)};
  setup.scheduler_name = "vllm-v1";
  setup.scheduler = make_scheduler(policies_, golden);
  setup.eviction = policies_.eviction.at("lru").prepare()->make(
      static_cast<std::size_t>(golden.num_gpu_blocks - 1));
  world::ShapeCostOptions cost;
  cost.base = microseconds(golden.step_base_us).count();
  cost.token = microseconds(golden.step_per_token_us).count();
  setup.cost = std::make_shared<world::ShapeCost>(cost);
  setup.step_by_step = step_by_step;
  setup.idle_turns = 4;
  setup.max_steps = golden.max_steps;
  setup.max_fruitless_preemptions = INT64_MAX / 2;
  cluster_.add(std::make_unique<Replica>(std::move(setup), simulation_, fingerprint_, observer));
}

void CaseWorld::run() {
  cluster_.start();
  simulation_.run();
}

}  // namespace orrery::golden
