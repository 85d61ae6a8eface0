// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pim/critical_path.h"

#include <algorithm>
#include <tuple>

namespace orrery::pim {
namespace {

[[nodiscard]] bool opens_or_closes(Kind kind) {
  switch (kind) {
    case Kind::kActivate:
    case Kind::kPrecharge:
    case Kind::kActivateAll:
    case Kind::kPrechargeAll:
    case Kind::kActivateFour:
    case Kind::kActivateSome:
    case Kind::kPrechargePim:
      return true;
    default:
      return false;
  }
}

/// What the time between two commands was spent on. Refresh and modes have their row commands for
/// themselves; otherwise rows go to act_pre, and of two column commands the one that is not a MAC
/// gives the name (a turn of the bus belongs to the move that made it).
Part part_between(const Issued* before, const Issued& after) {
  const auto either = [&](Part part) {
    return after.purpose == part || (before != nullptr && before->purpose == part);
  };
  if (either(Part::kRefresh)) return Part::kRefresh;
  if (either(Part::kMode) || after.kind == Kind::kModeSwitch ||
      (before != nullptr && before->kind == Kind::kModeSwitch)) {
    return Part::kMode;
  }
  if (opens_or_closes(after.kind) || (before != nullptr && opens_or_closes(before->kind))) {
    return Part::kActPre;
  }
  for (const Part part : {Part::kHost, Part::kReadOut, Part::kBroadcast}) {
    if (either(part)) return part;
  }
  return Part::kMac;
}

std::string name_of(const Link& link, const std::vector<Rule>& rules) {
  switch (link.wait) {
    case Wait::kRule:
      return std::string(rules[static_cast<std::size_t>(link.rule)].name);
    case Wait::kBus:
      return "command slot";
    case Wait::kBarrier:
      return "slot after a barrier";
    case Wait::kData:
      return "slot after the data before a barrier";
    case Wait::kQueue:
      return "entry into the window";
    case Wait::kRefresh:
      return "wait for refi";
    case Wait::kStart:
      return "start";
  }
  return {};
}

void add(std::vector<PathTerm>& terms, PathTerm term) {
  for (PathTerm& t : terms) {
    if (t.part == term.part && t.clocks == term.clocks && t.timing == term.timing) {
      t.count += term.count;
      return;
    }
  }
  terms.push_back(std::move(term));
}

}  // namespace

CriticalPath critical_path(const Device& device, const std::vector<Rule>& rules,
                           const ChannelRun& run) {
  CriticalPath path;
  if (run.program_last < 0) return path;
  std::int32_t at = run.program_last;
  const Issued& last = run.commands[static_cast<std::size_t>(at)];
  const Part last_part = last.purpose == Part::kActPre ? Part::kActPre : last.purpose;
  add(path.terms, {last_part, "end of the last command", completion_clocks(device, last.kind), 1});
  while (at >= 0) {
    const Issued& after = run.commands[static_cast<std::size_t>(at)];
    const Link& link = after.link;
    const Issued* const before =
        link.from < 0 ? nullptr : &run.commands[static_cast<std::size_t>(link.from)];
    if (link.clocks > 0) {
      const bool slot = link.wait == Wait::kBus || link.wait == Wait::kQueue;
      const Part part = slot && !after.host && after.purpose != Part::kMode
                            ? Part::kQueue
                            : part_between(before, after);
      add(path.terms, {part, name_of(link, rules), link.clocks, 1});
    }
    at = link.from;
  }
  std::sort(path.terms.begin(), path.terms.end(), [](const PathTerm& a, const PathTerm& b) {
    return std::tie(a.part, a.timing, a.clocks) < std::tie(b.part, b.timing, b.clocks);
  });
  for (const PathTerm& t : path.terms) path.clocks[index_of(t.part)] += t.clocks * t.count;
  return path;
}

}  // namespace orrery::pim
