// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated/simt.h"

#include <ucontext.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <vector>

namespace orrery::simt {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;
constexpr std::size_t kSharedBytes = 228 * 1024;

struct Copy {
  std::uint32_t to;
  const void* from;
  bool wanted;
};

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  unsigned number = 0;
  bool done = false;
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;
};

struct Barrier {
  unsigned arrived = 0;
  long passed = 0;
};

struct Warp {
  Barrier barrier;
  std::array<Shown, 32> shown{};
};

/// One block at a time, so one of these.
struct Machine {
  ucontext_t scheduler{};
  std::vector<std::unique_ptr<Fiber>> fibers;
  Fiber* current = nullptr;
  const std::function<void()>* body = nullptr;
  Index grid, block;
  unsigned threads = 0;
  Barrier barrier;
  std::vector<Warp> warps;
  alignas(1024) std::array<char, kSharedBytes> shared{};
};

Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

void yield() {
  Machine& m = machine();
  swapcontext(&m.current->context, &m.scheduler);
}

void pass(Barrier& barrier, unsigned all) {
  const long before = barrier.passed;
  if (++barrier.arrived == all) {
    barrier.arrived = 0;
    ++barrier.passed;
    return;
  }
  while (barrier.passed == before) yield();
}

void run_body() {
  Machine& m = machine();
  (*m.body)();
  m.current->done = true;
  yield();
}

void run_block() {
  Machine& m = machine();
  m.barrier = Barrier();
  m.warps.assign((m.threads + 31) / 32, Warp());
  m.shared.fill(static_cast<char>(0xff));  // not a number, of any type
  for (unsigned i = 0; i < m.threads; ++i) {
    Fiber& fiber = *m.fibers[i];
    fiber.number = i;
    fiber.done = false;
    fiber.open.clear();
    fiber.groups.clear();
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run_body, 0);
  }
  for (unsigned left = m.threads; left > 0;) {
    left = 0;
    for (unsigned i = 0; i < m.threads; ++i) {
      if (m.fibers[i]->done) continue;
      ++left;
      m.current = m.fibers[i].get();
      swapcontext(&m.scheduler, &m.current->context);
    }
  }
}

}  // namespace

void run(Index grid, unsigned threads, const std::function<void()>& body) {
  Machine& m = machine();
  if (threads % 32 != 0) throw std::invalid_argument("a block of broken warps");
  while (m.fibers.size() < threads) m.fibers.push_back(std::make_unique<Fiber>());
  m.body = &body;
  m.grid = grid;
  m.threads = threads;
  for (m.block.y = 0; m.block.y < grid.y; ++m.block.y) {
    for (m.block.x = 0; m.block.x < grid.x; ++m.block.x) run_block();
  }
}

Index thread() { return {machine().current->number, 0}; }
Index block() { return machine().block; }
Index grid() { return machine().grid; }
unsigned threads() { return machine().threads; }
char* shared_memory() { return machine().shared.data(); }
unsigned lane() { return machine().current->number % 32; }

void sync_warp() { pass(machine().warps[machine().current->number / 32].barrier, 32); }
void sync_block() { pass(machine().barrier, machine().threads); }

Shown& shown(unsigned lane) { return machine().warps[machine().current->number / 32].shown[lane]; }

void copy_later(std::uint32_t to, const void* from, bool wanted) {
  if (to % 16 != 0 || reinterpret_cast<std::uintptr_t>(from) % 16 != 0) {
    throw std::invalid_argument("16 bytes are copied between places that are not aligned to 16");
  }
  machine().current->open.push_back({to, from, wanted});
}

void close_group() {
  Fiber& fiber = *machine().current;
  fiber.groups.push_back(std::move(fiber.open));
  fiber.open.clear();
}

void wait_for_groups(unsigned left) {
  std::deque<std::vector<Copy>>& groups = machine().current->groups;
  while (groups.size() > left) {
    for (const Copy& copy : groups.front()) {
      char* const to = shared_memory() + copy.to;
      if (copy.wanted) {
        std::memcpy(to, copy.from, 16);
      } else {
        std::memset(to, 0, 16);
      }
    }
    groups.pop_front();
  }
}

}  // namespace orrery::simt
