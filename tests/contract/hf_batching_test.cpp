// SPDX-License-Identifier: Apache-2.0
//
// What transformers' continuous batching decides, derived by hand from its source.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/world/one_replica.h"

namespace orrery::contract {
namespace {

using world::OneReplica;
using world::OneReplicaOptions;
using world::planned;
using world::PlannedRequest;

/// Who was given what in each step that ran, who was let in and who was taken out.
class Diary final : public ServingObserver, public ScheduleRecorder {
 public:
  [[nodiscard]] bool wants_events() const override { return true; }
  void on_admitted(ReplicaId, RequestId id, Instant, std::int32_t) override {
    moves += "+" + std::to_string(index_of(id)) + " ";
  }
  void on_preempted(ReplicaId, RequestId id, Instant) override {
    moves += "-" + std::to_string(index_of(id)) + " ";
  }
  void on_schedule(const Call& call) override {
    std::string line;
    for (const StepBuilder::Share& share : call.step.shares()) {
      line += std::to_string(index_of(call.state.requests[share.slot].request.id)) + ":" +
              std::to_string(share.tokens) + "@" + std::to_string(share.computed_before) + " ";
    }
    if (!line.empty()) steps.push_back(line);
  }
  void on_run(std::int64_t, Instant, Instant) override {}
  void on_apply(std::int64_t, Instant, std::span<const RequestId>) override {}
  void on_pause(std::int64_t, Duration) override {}

  std::vector<std::string> steps;
  std::string moves;
};

OneReplicaOptions engine(std::int64_t blocks, std::int32_t budget, double margin) {
  OneReplicaOptions options;
  options.engine.usable_blocks = blocks;
  options.engine.max_num_batched_tokens = budget;
  options.engine.enable_prefix_caching = false;
  options.engine.async_scheduling = false;
  options.scheduler = "hf-continuous-batching";
  options.scheduler_options.numbers["safety_margin"] = margin;
  options.step_by_step = true;
  return options;
}

Diary serve(const OneReplicaOptions& options, const std::vector<PlannedRequest>& plan) {
  Diary diary;
  OneReplica world(options, plan, diary);
  world.replica().set_recorder(&diary);
  world.run();
  return diary;
}

using Steps = std::vector<std::string>;

TEST_CASE("hf: decodes run before a prompt that was begun, and it before who waits") {
  // Budget 64. 0 is cut at 64 of 100; its other 36 leave 28 of 64 for 1, whose rest comes after the
  // decode of 0 in the next step, and leaves room for 2.
  const Diary diary =
      serve(engine(100, 64, 0), {planned(0, 100, 3), planned(0, 40, 2), planned(0, 10, 1)});
  CHECK(diary.steps ==
        Steps{"0:64@0 ", "0:36@64 1:28@0 ", "0:1@100 1:12@28 2:10@0 ", "0:1@101 1:1@40 "});
}

TEST_CASE("hf: below the margin a prompt joins only an empty step") {
  // 10 blocks of 16 and a margin of 5. 0 and 1 take 3 blocks each: then 4 are free, and 2 waits
  // although it would fit, until both are done; it then runs alone in its step, as the first.
  const Diary diary =
      serve(engine(10, 256, 0.5), {planned(0, 40, 2), planned(0, 40, 2), planned(0, 100, 1)});
  CHECK(diary.steps == Steps{"0:40@0 1:40@0 ", "0:1@40 1:1@40 ", "2:100@0 "});
}

TEST_CASE("hf: who finds no blocks is passed over, and smaller ones behind get in") {
  // 10 blocks: 0 takes 4, 1 needs 7 and waits; 2 needs 2.
  const Diary diary =
      serve(engine(10, 256, 0), {planned(0, 60, 3), planned(0, 100, 1), planned(0, 20, 1)});
  CHECK(diary.moves == "+0 +2 +1 ");
  CHECK(diary.steps == Steps{"0:60@0 2:20@0 ", "0:1@60 ", "0:1@61 ", "1:100@0 "});
}

TEST_CASE("hf: when nobody can run the newest goes to the end of the line") {
  // 4 blocks. 0, 1 and 2 hold one each; 0 takes the last for its first decode and runs 16 steps
  // alone. Nobody can run then: 2 is taken out and 0 takes its block; 16 steps later 1 is. While
  // they wait nobody is let in, not 3 either, who came first in line; then 3, 2 and 1 are.
  const std::vector<PlannedRequest> plan = {planned(0, 16, 40), planned(0, 16, 40),
                                            planned(0, 16, 3), planned(1'000, 16, 1)};
  const OneReplicaOptions options = engine(4, 256, 0);
  const Diary diary = serve(options, plan);
  CHECK(diary.moves.starts_with("+0 +1 +2 -2 -1 +3 +2 "));
  CHECK(diary.steps[0] == "0:16@0 1:16@0 2:16@0 ");
  for (std::size_t step = 1; step < 40; ++step) {
    CHECK(diary.steps[step] == "0:1@" + std::to_string(15 + step) + " ");
  }
  // All that 2 had is computed again, its first output included.
  CHECK(diary.steps[40].find("2:17@0") != std::string::npos);

  // The oldest is the first victim of versions before that, the newest the next ones.
  OneReplicaOptions older = options;
  older.scheduler_options.words["offload_victim"] = "oldest_then_newest";
  CHECK(serve(older, plan).moves.starts_with("+0 +1 +2 -0 "));
}

TEST_CASE("hf: the margin may be looked at once a step") {
  // 10 blocks, margin 6: 0 and 1 take 3 each. Looked at once, 9 and 6 of 10 no longer matter;
  // looked at before each, 2 finds 4 free.
  const std::vector<PlannedRequest> plan = {planned(0, 40, 1), planned(0, 40, 1),
                                            planned(0, 40, 1)};
  OneReplicaOptions options = engine(10, 256, 0.6);
  CHECK(serve(options, plan).steps == Steps{"0:40@0 1:40@0 ", "2:40@0 "});
  options.scheduler_options.words["margin_check"] = "each_step";
  CHECK(serve(options, plan).steps == Steps{"0:40@0 1:40@0 2:40@0 "});
}

}  // namespace
}  // namespace orrery::contract
