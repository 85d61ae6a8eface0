// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/observers.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "sim/metrics/progress.h"
#include "tests/unit/metrics/records.h"

namespace orrery {
namespace {

using testing::sent_request;
using testing::TemporaryFolder;
using testing::text_of;

/// Notes what it is told into a log it shares.
class Note final : public ServingObserver {
 public:
  Note(std::string name, bool events, std::string& log)
      : name_(std::move(name)), events_(events), log_(log) {}
  void on_step(const StepRecord& step) override { note("step", step.number); }
  void on_gap(Duration engine, Duration client) override {
    note("gap", engine.count() * 10 + client.count());
  }
  void on_leave(const RequestRecord& record, std::string_view reason) override {
    note("leave:" + std::string(reason), static_cast<std::int64_t>(record.id));
  }
  [[nodiscard]] bool wants_events() const override { return events_; }
  void on_queued(ReplicaId, RequestId id, Instant) override { note("queued", index_of(id)); }
  void on_admitted(ReplicaId, RequestId, Instant, std::int32_t cached) override {
    note("admitted", cached);
  }
  void on_first_token(ReplicaId, RequestId id, Instant) override { note("token", index_of(id)); }
  void on_preempted(ReplicaId, RequestId id, Instant) override { note("preempted", index_of(id)); }

 private:
  template <class T>
  void note(const std::string& what, T value) {
    log_ += name_ + "." + what + "=" + std::to_string(value) + " ";
  }
  std::string name_;
  bool events_;
  std::string& log_;
};

TEST_CASE("observers: all are told in the order added, events only to those who want them") {
  std::string log;
  Note a("a", false, log);
  Note b("b", true, log);
  Observers observers;
  CHECK(&observers.observer() == &observers);  // nobody to tell
  observers.add(a);
  CHECK(&observers.observer() == &a);
  CHECK_FALSE(observers.wants_events());
  observers.add(b);
  CHECK(observers.wants_events());
  ServingObserver& all = observers.observer();
  StepRecord step;
  step.number = 3;
  all.on_step(step);
  all.on_gap(picoseconds(1), picoseconds(2));
  all.on_leave(sent_request(4, Instant()), "why");
  all.on_queued({}, RequestId{5}, {});
  all.on_admitted({}, RequestId{5}, {}, 6);
  all.on_first_token({}, RequestId{7}, {});
  all.on_preempted({}, RequestId{8}, {});
  CHECK(log ==
        "a.step=3 b.step=3 a.gap=12 b.gap=12 a.leave:why=4 b.leave:why=4 "
        "b.queued=5 b.admitted=6 b.token=7 b.preempted=8 ");
}

TEST_CASE("progress: drawn by the clock it was given, and taken away") {
  const TemporaryFolder folder;
  const std::string path = folder.path("terminal");
  std::FILE* terminal = std::fopen(path.c_str(), "wb");
  REQUIRE(terminal != nullptr);
  double now = 100;
  Progress progress(
      terminal, [&now] { return now; }, 256);
  StepRecord step;
  step.applied = Instant::at(seconds(50));
  for (int i = 0; i < 4000; ++i) progress.on_step(step);
  for (std::uint32_t i = 0; i < 64; ++i) progress.on_leave(sent_request(i, Instant()), {});
  now = 104;  // 64 requests later the clock is read again
  for (std::uint32_t i = 0; i < 63; ++i) progress.on_leave(sent_request(i, Instant()), {});
  std::fflush(terminal);
  CHECK(text_of(path).empty());  // not yet due
  progress.on_leave(sent_request(0, Instant()), {});
  std::fflush(terminal);
  // 128 of 256: 12 of 24 signs; 4000 steps in 4 s.
  const std::string bar =
      "\r\x1b[K[############............] 128/256 requests, 50.00 s simulated, 1,000 steps/s";
  CHECK(text_of(path) == bar);
  for (int i = 0; i < 96; ++i) progress.on_step(step);  // step 4096, but no time has passed
  progress.close();
  progress.close();
  std::fclose(terminal);
  CHECK(text_of(path) == bar + "\r\x1b[K");
}

}  // namespace
}  // namespace orrery
