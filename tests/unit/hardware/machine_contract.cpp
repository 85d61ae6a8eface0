// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hardware/machine_contract.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "sim/core/random.h"

namespace orrery {
namespace {

struct Submission {
  Transfer transfer;
  Instant at;
};

std::vector<Submission> some_submissions(const PortPairs& pairs, std::uint64_t seed) {
  RandomStream random(seed, "machine contract", "submissions");
  std::vector<Submission> result;
  Instant at;
  for (int i = 0; i < 24; ++i) {
    if (random.below(3) != 0) at = at + nanoseconds(random.between(0, 3000));
    const auto& [from, to] = pairs[random.below(pairs.size())];
    result.push_back({{from, to, Bytes(random.between(1, 100'000))}, at});
  }
  return result;
}

/// Steps to each event; `every` = true also asks in between, which must change nothing.
std::vector<Completion> drive(Machine& machine, const std::vector<Submission>& submissions,
                              bool in_between) {
  std::vector<Completion> completions;
  std::vector<Ticket> done;
  const auto advance = [&](Instant to) {
    done.clear();
    machine.advance(to, done);
    for (const Ticket ticket : done) completions.push_back({ticket, to});
  };
  std::uint64_t expected = 0;
  for (const Submission& submission : submissions) {
    while (machine.next() <= submission.at) advance(machine.next());
    if (in_between) advance(submission.at);
    CHECK(machine.submit(submission.transfer, submission.at) == static_cast<Ticket>(expected));
    ++expected;
    CHECK(machine.next() >= submission.at);
  }
  while (machine.next() != Instant::never()) {
    const Instant before = machine.next();
    advance(before);
    CHECK(machine.next() >= before);
  }
  return completions;
}

}  // namespace

std::vector<Completion> run_to_end(Machine& machine) {
  std::vector<Completion> completions;
  std::vector<Ticket> done;
  while (machine.next() != Instant::never()) {
    const Instant now = machine.next();
    done.clear();
    machine.advance(now, done);
    for (const Ticket ticket : done) completions.push_back({ticket, now});
  }
  return completions;
}

void check_machine_contract(const MachineMaker& make, const PortPairs& pairs) {
  CHECK(make()->next() == Instant::never());
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const auto submissions = some_submissions(pairs, seed);
    const auto machine = make();
    const auto completions = drive(*machine, submissions, false);

    // Each ticket is done once, and none before it was submitted.
    REQUIRE(completions.size() == submissions.size());
    std::vector<std::uint64_t> tickets;
    for (const Completion& completion : completions) {
      const auto index = static_cast<std::uint64_t>(completion.ticket);
      tickets.push_back(index);
      CHECK(completion.at > submissions.at(index).at);
    }
    std::sort(tickets.begin(), tickets.end());
    for (std::size_t i = 0; i < tickets.size(); ++i) CHECK(tickets[i] == i);

    // The same again, and asking in between changes nothing.
    CHECK(drive(*make(), submissions, false) == completions);
    CHECK(drive(*make(), submissions, true) == completions);

    // Everything at once in one late advance comes in the same order.
    const auto late = make();
    for (const Submission& submission : submissions) {
      static_cast<void>(late->submit({submission.transfer}, Instant()));
    }
    const auto stepped = make();
    for (const Submission& submission : submissions) {
      static_cast<void>(stepped->submit({submission.transfer}, Instant()));
    }
    std::vector<Ticket> order;
    late->advance(Instant::at(seconds(1)), order);
    std::vector<Ticket> expected;
    for (const Completion& completion : run_to_end(*stepped)) expected.push_back(completion.ticket);
    CHECK(order == expected);
  }
}

}  // namespace orrery
