// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/suites.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <set>
#include <utility>

#include "sim/core/random.h"
#include "tests/world/one_replica.h"

namespace orrery::contract {
namespace {

using world::OneReplica;
using world::OneReplicaOptions;
using world::planned;
using world::PlannedRequest;

void note(Findings& findings, bool holds, const std::string& what) {
  if (!holds && std::find(findings.begin(), findings.end(), what) == findings.end()) {
    findings.push_back(what);
  }
}

// ---- schedulers

/// Keeps who left and checks each step's limits.
class Witness final : public ServingObserver {
 public:
  Witness(const EngineOptions& engine, Findings& findings) : engine_(engine), findings_(findings) {}

  void on_step(const StepRecord& step) override {
    note(findings_, step.running <= engine_.max_num_seqs, "more run than max_num_seqs");
    note(findings_, step.prefill_tokens + step.decodes > 0, "a step without tokens was told");
    // Whole prompts may be larger than the budget; nothing else may.
    const bool over = step.prefill_tokens + step.decodes > engine_.max_num_batched_tokens;
    note(findings_, !over || step.admitted > 0,
         "a step exceeds the token budget and admits nobody");
    note(findings_, step.decodes <= engine_.max_num_batched_tokens || step.admitted > 0,
         "more decodes than the token budget");
  }
  void on_leave(const RequestRecord& record, std::string_view) override {
    records.push_back(record);
  }
  std::vector<RequestRecord> records;

 private:
  const EngineOptions& engine_;
  Findings& findings_;
};

struct Load {
  std::string name;
  EngineOptions engine;
  std::vector<PlannedRequest> plan;
};

/// Small worlds in which every request fits alone, with its prompt and all its max_tokens.
std::vector<Load> loads() {
  RandomStream random(0, "contract", "loads");
  const auto some = [&](std::int32_t count, std::int32_t prompt, std::int32_t outputs,
                        std::int64_t spacing_us) {
    std::vector<PlannedRequest> plan;
    std::int64_t now = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      plan.push_back(planned(now, static_cast<std::int32_t>(random.between(1, prompt)),
                             static_cast<std::int32_t>(random.between(1, outputs))));
      if (i % 3 == 0) plan.back().max_tokens += 5;  // these end by EOS
      if (i % 4 == 0) plan.back().shared = {{hashed_content(0, 1), 1 + i}};
      now += random.between(0, 2 * spacing_us);
    }
    return plan;
  };
  EngineOptions engine;
  engine.usable_blocks = 400;
  engine.max_num_seqs = 16;
  engine.max_num_batched_tokens = 256;
  std::vector<Load> all;
  all.push_back({"an idle engine", engine, some(10, 100, 30, 50'000)});
  all.push_back({"a burst", engine, some(60, 200, 60, 0)});
  engine.max_num_batched_tokens = 24;
  all.push_back({"a small budget", engine, some(30, 100, 40, 3'000)});
  engine.max_num_batched_tokens = 256;
  engine.usable_blocks = 16;  // 256 tokens: the largest request has 120 + 30 + 60 + 5
  all.push_back({"hardly any memory", engine, some(30, 120, 60, 2'000)});
  engine.usable_blocks = 400;
  engine.max_num_seqs = 1;
  all.push_back({"one sequence at a time", engine, some(12, 60, 20, 5'000)});
  return all;
}

struct Served {
  std::uint64_t fingerprint = 0;
  std::vector<RequestRecord> records;
};

Served serve(const Policies& policies, std::string_view name, const Load& load, bool async,
             bool step_by_step, Findings& findings) {
  OneReplicaOptions options;
  options.engine = load.engine;
  options.engine.async_scheduling = async;
  options.scheduler = name;
  options.step_by_step = step_by_step;
  options.max_steps = 200'000;
  Witness witness(options.engine, findings);
  Served served;
  try {
    OneReplica world(options, load.plan, witness, policies.schedulers.at(name).prepare()->make());
    world.run();
    served.fingerprint = world.fingerprint();
    note(findings, world.replica().counters().steps < options.max_steps,
         load.name + ": it goes round in circles");
  } catch (const std::exception& error) {
    note(findings, false, load.name + ": " + error.what());
  }
  served.records = std::move(witness.records);
  return served;
}

void check_all_served(const Load& load, const Served& served, Findings& findings) {
  note(findings, served.records.size() == load.plan.size(), load.name + ": not all left");
  for (const RequestRecord& record : served.records) {
    note(findings,
         record.status == RequestStatus::kFinishedLength ||
             record.status == RequestStatus::kFinishedEos,
         load.name + ": a request that fits is " + std::string(name_of(record.status)));
  }
}

// ---- eviction policies

/// Drives policies with the same random calls: released, hit while released or held, evicted.
class EvictionDrill {
 public:
  static constexpr std::size_t kBlocks = 64;

  /// `numbers` renames the blocks for the policy under test.
  EvictionDrill(EvictionPolicy& policy, std::vector<std::uint32_t> numbers, Findings& findings)
      : policy_(policy), numbers_(std::move(numbers)), findings_(findings) {}

  /// The blocks evicted, by our own numbers.
  std::vector<std::uint32_t> run(std::uint64_t seed) {
    RandomStream random(seed, "contract", "eviction");
    for (std::uint32_t i = 0; i < kBlocks; ++i) held_.push_back(i);
    for (std::int32_t i = 0; i < 2'000; ++i) {
      now_ = now_ + microseconds(random.between(0, 5'000'000));
      switch (random.below(3)) {
        case 0:
          release(random);
          break;
        case 1:
          hit(random);
          break;
        default:
          evict(static_cast<std::size_t>(random.below(4)));
      }
    }
    evict(released_.size());
    return evicted_;
  }

 private:
  [[nodiscard]] std::vector<BlockId> named(const std::vector<std::uint32_t>& blocks) const {
    std::vector<BlockId> ids;
    for (const std::uint32_t block : blocks) ids.push_back(BlockId{numbers_[block]});
    return ids;
  }

  [[nodiscard]] static std::vector<std::uint32_t> take_some(std::vector<std::uint32_t>& from,
                                                            RandomStream& random) {
    std::vector<std::uint32_t> taken;
    for (std::uint64_t left = random.below(6); left > 0 && !from.empty(); --left) {
      const auto at = static_cast<std::ptrdiff_t>(random.below(from.size()));
      taken.push_back(from[static_cast<std::size_t>(at)]);
      from.erase(from.begin() + at);
    }
    return taken;
  }

  void release(RandomStream& random) {
    const auto blocks = take_some(held_, random);
    if (blocks.empty()) return;
    policy_.release(named(blocks), now_);
    released_.insert(released_.end(), blocks.begin(), blocks.end());
  }

  /// A request hits some released and some held blocks.
  void hit(RandomStream& random) {
    auto hits = take_some(released_, random);
    if (!hits.empty()) policy_.retain(named(hits));
    const auto shared = take_some(held_, random);
    held_.insert(held_.end(), hits.begin(), hits.end());
    held_.insert(held_.end(), shared.begin(), shared.end());
    hits.insert(hits.end(), shared.begin(), shared.end());
    if (!hits.empty()) policy_.on_hit(named(hits), now_);
  }

  void evict(std::size_t count) {
    for (count = std::min(count, released_.size()); count > 0; --count) {
      const BlockId id = policy_.evict(now_);
      const auto number = std::find(numbers_.begin(), numbers_.end(), index_of(id));
      const auto block = static_cast<std::uint32_t>(number - numbers_.begin());
      const auto found = std::find(released_.begin(), released_.end(), block);
      note(findings_, found != released_.end(), "evicts a block that is not released");
      if (found == released_.end()) return;
      released_.erase(found);
      held_.push_back(block);
      evicted_.push_back(block);
    }
  }

  EvictionPolicy& policy_;
  std::vector<std::uint32_t> numbers_;
  Findings& findings_;
  Instant now_;
  std::vector<std::uint32_t> held_;
  std::vector<std::uint32_t> released_;
  std::vector<std::uint32_t> evicted_;
};

std::vector<std::uint32_t> numbers_from(std::uint32_t stride) {
  // Odd strides give each of 64 numbers once.
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < EvictionDrill::kBlocks; ++i) {
    numbers.push_back(i * stride % EvictionDrill::kBlocks);
  }
  return numbers;
}

// ---- routers

std::vector<std::size_t> routes(Router& router, std::size_t replicas, Findings& findings) {
  RandomStream random(replicas, "contract", "router");
  std::vector<ReplicaSnapshot> snapshots(replicas);
  std::vector<std::size_t> chosen;
  for (std::uint32_t i = 0; i < 500; ++i) {
    for (ReplicaSnapshot& snapshot : snapshots) {
      snapshot = {random.between(0, 9), random.between(0, 9), random.between(0, 9),
                  random.between(0, 100), 100};
    }
    Request request;
    request.id = RequestId{i};
    request.input_tokens = static_cast<std::int32_t>(random.between(1, 1000));
    request.session = SessionId{static_cast<std::uint32_t>(random.below(20))};
    chosen.push_back(router.route(request, snapshots));
    note(findings, chosen.back() < replicas, "chooses a replica that is not there");
  }
  return chosen;
}

}  // namespace

Findings check_scheduler(const Policies& policies, std::string_view name) {
  Findings findings;
  for (const Load& load : loads()) {
    for (const bool async : {false, true}) {
      const Served skipped = serve(policies, name, load, async, false, findings);
      const Served walked = serve(policies, name, load, async, true, findings);
      const Served again = serve(policies, name, load, async, false, findings);
      check_all_served(load, skipped, findings);
      note(findings, walked.fingerprint == skipped.fingerprint,
           load.name + ": steps that it was not asked for differ from those it was");
      note(findings, again.fingerprint == skipped.fingerprint,
           load.name + ": two equal runs differ");
    }
  }
  return findings;
}

Findings check_first_come_first_served(const Policies& policies, std::string_view name) {
  // 200 small requests, one a millisecond, which is faster than they are served; the tenth is
  // large.
  Load load;
  load.name = "a large request among small ones";
  load.engine.usable_blocks = 40;
  load.engine.max_num_seqs = 8;
  load.engine.max_num_batched_tokens = 256;
  for (std::int64_t i = 0; i < 200; ++i) {
    load.plan.push_back(i == 9 ? planned(i * 1000, 500, 20) : planned(i * 1000, 20, 10));
  }
  Findings findings;
  const Served served = serve(policies, name, load, /*async=*/true, false, findings);
  check_all_served(load, served, findings);
  std::vector<RequestRecord> records = served.records;
  std::sort(records.begin(), records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  for (std::size_t i = 1; i < records.size(); ++i) {
    note(findings, records[i - 1].first_scheduled <= records[i].first_scheduled,
         "a request is admitted before one that came earlier");
  }
  return findings;
}

Findings check_eviction(const Policies& policies, std::string_view name) {
  Findings findings;
  const auto& entry = policies.eviction.at(name);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto evicted = [&](std::uint32_t stride) {
      const auto policy = entry.prepare()->make(EvictionDrill::kBlocks);
      return EvictionDrill(*policy, numbers_from(stride), findings).run(seed);
    };
    const auto first = evicted(1);
    note(findings, !first.empty(), "evicts nothing");
    note(findings, first == evicted(1), "told the same twice, it evicts other blocks");
    note(findings, first == evicted(37), "what it evicts depends on the blocks' numbers");
  }
  return findings;
}

Findings check_router(const Policies& policies, std::string_view name) {
  Findings findings;
  const auto& entry = policies.routers.at(name);
  for (const std::size_t replicas : {1, 2, 3, 7, 64}) {
    const auto chosen = routes(*entry.prepare()->make(), replicas, findings);
    note(findings, chosen == routes(*entry.prepare()->make(), replicas, findings),
         "told the same twice, it chooses another replica");
  }
  return findings;
}

}  // namespace orrery::contract
