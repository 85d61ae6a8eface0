// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_ENGINE_SIMULATION_H_
#define ORRERY_SIM_ENGINE_SIMULATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/units.h"

namespace orrery {

/// Orders what happens at one instant: what completes, what arrives, what is decided, what is
/// sampled.
enum class Turn : std::uint8_t { kCompletion, kArrival, kControl, kSample };

enum class ComponentId : std::uint32_t {};

class Component {
 public:
  virtual ~Component() = default;
  /// Its alarm rang; none is set any more.
  virtual void on_alarm(Instant now) = 0;
};

/// The clock and who wakes when. Every component has at most one alarm; one with many futures keeps
/// its own small heap. Order is (time, turn, component), never the order in which alarms were set.
/// One simulation is one thread.
class Simulation {
 public:
  /// A tie seed other than 0 permutes the components' order at equal (time, turn), to show that
  /// conclusions do not rest on ties.
  explicit Simulation(std::uint64_t tie_seed = 0) : tie_seed_(tie_seed) {}

  /// Ids follow the order of these calls. `path` names the component in messages. The component
  /// must outlive the simulation's run.
  ComponentId add(Component& component, Turn turn, std::string path);

  /// Sets or replaces the component's alarm; `when` is not in the past.
  void wake(ComponentId id, Instant when);
  /// Clears the component's alarm, if it has one.
  void rest(ComponentId id);

  /// True: the component would be next at `when` anyway, so the clock has moved there and it may
  /// carry on without an alarm; the heap was not touched. Only for the component whose alarm just
  /// rang and that has set no other.
  [[nodiscard]] bool run_ahead(ComponentId id, Instant when) {
    const Slot& slot = slots_[static_cast<std::size_t>(id)];
    if (when > until_) return false;
    if (!heap_.empty()) {
      const Slot& top = slots_[heap_.front()];
      if (!(when < top.when || (when == top.when && slot.order < top.order))) {
        return false;
      }
    }
    advance_to(when);
    ++run_aheads_;
    return true;
  }

  /// Rings alarms until none is left or the next is after `until`.
  void run(Instant until = Instant::never());

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::int64_t alarms() const { return alarms_; }
  [[nodiscard]] std::int64_t run_aheads() const { return run_aheads_; }

 private:
  static constexpr std::uint32_t kNotQueued = UINT32_MAX;
  /// A loop at one instant that rings more often than this is a bug, not a simulation.
  static constexpr std::int64_t kMaxAlarmsAnInstant = 10'000'000;

  struct Slot {
    Component* component;
    std::uint64_t order;  // turn, then id (or its permutation)
    Instant when;
    std::uint32_t place = kNotQueued;
    std::string path;
  };

  void advance_to(Instant when);
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const {
    const Slot& x = slots_[a];
    const Slot& y = slots_[b];
    return x.when != y.when ? x.when < y.when : x.order < y.order;
  }
  void put(std::size_t place, std::uint32_t slot);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void remove_at(std::size_t place);

  std::uint64_t tie_seed_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> heap_;  // 4-ary, of slots
  Instant now_;
  Instant until_ = Instant::never();
  std::int64_t alarms_ = 0;
  std::int64_t run_aheads_ = 0;
  std::int64_t alarms_this_instant_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_ENGINE_SIMULATION_H_
