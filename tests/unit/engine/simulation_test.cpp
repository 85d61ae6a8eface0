// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/simulation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/random.h"

namespace orrery {
namespace {

Instant at(std::int64_t ps) { return Instant::at(picoseconds(ps)); }

/// Does what it is told when its alarm rings.
class Bell final : public Component {
 public:
  explicit Bell(std::function<void(Instant)> ring) : ring_(std::move(ring)) {}
  void on_alarm(Instant now) override { ring_(now); }

 private:
  std::function<void(Instant)> ring_;
};

/// Bells that write down who rang when.
class Chime {
 public:
  explicit Chime(std::uint64_t tie_seed = 0) : simulation(tie_seed) {}

  ComponentId add(Turn turn) {
    const auto index = static_cast<int>(bells_.size());
    bells_.push_back(std::make_unique<Bell>([this, index](Instant now) {
      rang.push_back({now.picoseconds(), index});
    }));
    return simulation.add(*bells_.back(), turn, "bell" + std::to_string(index));
  }

  Simulation simulation;
  std::vector<std::pair<std::int64_t, int>> rang;

 private:
  std::vector<std::unique_ptr<Bell>> bells_;
};

using Rang = std::vector<std::pair<std::int64_t, int>>;

TEST_CASE("alarms ring by time, then turn, then component, whoever was set first") {
  Chime chime;
  const ComponentId sample = chime.add(Turn::kSample);
  const ComponentId control = chime.add(Turn::kControl);
  const ComponentId arrival = chime.add(Turn::kArrival);
  const ComponentId completion = chime.add(Turn::kCompletion);
  const ComponentId control2 = chime.add(Turn::kControl);
  const ComponentId late = chime.add(Turn::kCompletion);
  for (const ComponentId id : {control2, sample, arrival, control, completion}) {
    chime.simulation.wake(id, at(5));
  }
  chime.simulation.wake(late, at(6));
  chime.simulation.run();
  CHECK(chime.rang == Rang{{5, 3}, {5, 2}, {5, 1}, {5, 4}, {5, 0}, {6, 5}});
  CHECK(chime.simulation.now() == at(6));
  CHECK(chime.simulation.alarms() == 6);
}

TEST_CASE("wake replaces the alarm, rest clears it") {
  Chime chime;
  const ComponentId a = chime.add(Turn::kControl);
  const ComponentId b = chime.add(Turn::kControl);
  chime.simulation.wake(a, at(10));
  chime.simulation.wake(a, at(30));  // later
  chime.simulation.wake(b, at(20));
  chime.simulation.wake(b, at(7));  // earlier
  chime.simulation.run();
  CHECK(chime.rang == Rang{{7, 1}, {30, 0}});

  chime.simulation.wake(a, at(40));
  chime.simulation.wake(b, at(41));
  chime.simulation.rest(a);
  chime.simulation.rest(a);  // has none: nothing happens
  chime.simulation.run();
  CHECK(chime.rang == Rang{{7, 1}, {30, 0}, {41, 1}});
}

TEST_CASE("the past cannot be woken") {
  Chime chime;
  const ComponentId a = chime.add(Turn::kControl);
  chime.simulation.wake(a, at(10));
  chime.simulation.run();
  chime.simulation.wake(a, at(10));  // now is not the past
  CHECK_THROWS_AS(chime.simulation.wake(a, at(9)), InternalError);
}

TEST_CASE("run stops before the first alarm after its end, and goes on from there") {
  Chime chime;
  const ComponentId a = chime.add(Turn::kControl);
  const ComponentId b = chime.add(Turn::kControl);
  chime.simulation.wake(a, at(10));
  chime.simulation.wake(b, at(11));
  chime.simulation.run(at(10));
  CHECK(chime.rang == Rang{{10, 0}});
  chime.simulation.run();
  CHECK(chime.rang == Rang{{10, 0}, {11, 1}});
}

TEST_CASE("run_ahead moves the clock only if nobody else is due before") {
  Simulation simulation;
  std::vector<std::string> story;
  Bell other([&](Instant now) { story.push_back("other " + std::to_string(now.picoseconds())); });
  ComponentId runner{};
  Bell running([&](Instant now) {
    story.push_back("runner " + std::to_string(now.picoseconds()));
    // The other is due at 20: up to 19 the runner may go, to 20 only if its turn comes before.
    for (const std::int64_t when : {15, 19, 20, 25}) {
      if (at(when) <= now) continue;
      if (!simulation.run_ahead(runner, at(when))) {
        story.push_back("not to " + std::to_string(when));
        simulation.wake(runner, at(when));
        return;
      }
      story.push_back("to " + std::to_string(simulation.now().picoseconds()));
    }
  });

  SUBCASE("whose turn comes later waits for the other") {
    const ComponentId first = simulation.add(other, Turn::kArrival, "other");
    runner = simulation.add(running, Turn::kControl, "runner");
    simulation.wake(first, at(20));
    simulation.wake(runner, at(10));
    simulation.run(at(20));
    CHECK(story == std::vector<std::string>{"runner 10", "to 15", "to 19", "not to 20", "other 20",
                                            "runner 20", "not to 25"});
  }
  SUBCASE("whose turn comes before goes first") {
    runner = simulation.add(running, Turn::kCompletion, "runner");
    const ComponentId second = simulation.add(other, Turn::kArrival, "other");
    simulation.wake(second, at(20));
    simulation.wake(runner, at(10));
    simulation.run(at(24));
    CHECK(story == std::vector<std::string>{"runner 10", "to 15", "to 19", "to 20", "not to 25",
                                            "other 20"});
    CHECK(simulation.run_aheads() == 3);
  }
}

TEST_CASE("run_ahead does not leave the time that was asked for") {
  Simulation simulation;
  bool went = true;
  ComponentId id{};
  Bell bell([&](Instant) { went = simulation.run_ahead(id, at(31)); });
  id = simulation.add(bell, Turn::kControl, "bell");
  simulation.wake(id, at(10));
  simulation.run(at(30));
  CHECK_FALSE(went);
  CHECK(simulation.now() == at(10));
}

/// Everybody rings at one instant in two turns: the order in which they did.
std::vector<int> tie_order(std::uint64_t tie_seed) {
  Chime chime(tie_seed);
  std::vector<ComponentId> ids;
  for (int i = 0; i < 20; ++i)
    ids.push_back(chime.add(i % 2 == 0 ? Turn::kControl : Turn::kArrival));
  for (const ComponentId id : ids) chime.simulation.wake(id, at(1));
  chime.simulation.run();
  std::vector<int> order;
  for (const auto& [when, index] : chime.rang) order.push_back(index);
  return order;
}

TEST_CASE("a tie seed permutes components within a turn, and nothing else") {
  const std::vector<int> plain = tie_order(0);
  CHECK(plain ==
        std::vector<int>{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18});
  const std::vector<int> permuted = tie_order(1);
  CHECK(permuted == tie_order(1));
  CHECK(permuted != plain);
  CHECK(permuted != tie_order(2));
  // All ring, and arrivals (odd) still come before control (even).
  std::vector<int> sorted = permuted;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < 20; ++i) CHECK(sorted[static_cast<std::size_t>(i)] == i);
  CHECK(std::all_of(permuted.begin(), permuted.begin() + 10, [](int i) { return i % 2 == 1; }));
}

TEST_CASE("time that stands still for ever is a bug that is told") {
  Simulation simulation;
  ComponentId id{};
  std::int64_t rings = 0;
  Bell bell([&](Instant now) {
    ++rings;
    simulation.wake(id, now);
  });
  id = simulation.add(bell, Turn::kControl, "bell");
  simulation.wake(id, at(7));
  CHECK_THROWS_WITH_AS(simulation.run(), "time stands still at 0.000000000007 s", InternalError);
  // The first ring moved the clock; the ten million after it did not.
  CHECK(rings == 10'000'001);
}

TEST_CASE("many rings at one instant are no standstill if time goes on") {
  Simulation simulation;
  ComponentId id{};
  std::int64_t rings = 0;
  Bell bell([&](Instant now) {
    if (++rings < 100'000) simulation.wake(id, rings % 1000 == 0 ? now + picoseconds(1) : now);
  });
  id = simulation.add(bell, Turn::kControl, "bell");
  simulation.wake(id, at(0));
  simulation.run();
  CHECK(simulation.now() == at(99));
}

/// The pending alarms in the plainest way: a list that is searched.
struct PlainAlarms {
  struct Alarm {
    std::int64_t when;
    int turn;
    int id;
  };
  std::vector<Alarm> alarms;

  void rest(int id) {
    std::erase_if(alarms, [id](const Alarm& alarm) { return alarm.id == id; });
  }
  void wake(int id, int turn, std::int64_t when) {
    rest(id);
    alarms.push_back({when, turn, id});
  }
  Alarm pop() {
    const auto first =
        std::min_element(alarms.begin(), alarms.end(), [](const Alarm& a, const Alarm& b) {
          return std::tie(a.when, a.turn, a.id) < std::tie(b.when, b.turn, b.id);
        });
    const Alarm alarm = *first;
    alarms.erase(first);
    return alarm;
  }
};

TEST_CASE("the heap agrees with a plain list under random operations") {
  // Each ring checks that it is the one the list says, and then sets and clears some alarms of
  // others.
  constexpr int kBells = 60;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomStream random(seed, "test", "heap");
    Simulation simulation;
    PlainAlarms plain;
    std::vector<std::unique_ptr<Bell>> bells;
    std::vector<ComponentId> ids;
    std::int64_t rings = 0;
    bool agrees = true;
    const auto turn_of = [](int id) { return id % 4; };
    const auto disturb = [&](std::int64_t now) {
      for (std::uint64_t i = random.below(8); i > 0; --i) {
        const auto id = static_cast<int>(random.below(kBells));
        if (random.below(4) == 0) {
          simulation.rest(ids[static_cast<std::size_t>(id)]);
          plain.rest(id);
        } else {
          const std::int64_t when = now + random.between(0, 50);
          simulation.wake(ids[static_cast<std::size_t>(id)], at(when));
          plain.wake(id, turn_of(id), when);
        }
      }
    };
    for (int id = 0; id < kBells; ++id) {
      bells.push_back(std::make_unique<Bell>([&, id](Instant now) {
        const PlainAlarms::Alarm expected = plain.pop();
        agrees = agrees && expected.id == id && expected.when == now.picoseconds();
        if (++rings < 3'000) disturb(now.picoseconds());
      }));
      ids.push_back(simulation.add(*bells.back(), static_cast<Turn>(turn_of(id)), "bell"));
    }
    for (int i = 0; i < 40; ++i) disturb(0);
    while (!plain.alarms.empty() && rings < 3'000) {
      simulation.run();
      disturb(simulation.now().picoseconds());
    }
    simulation.run();
    CHECK(agrees);
    CHECK(plain.alarms.empty());
    CHECK(rings >= 3'000);
  }
}

}  // namespace
}  // namespace orrery
