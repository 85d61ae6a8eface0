// SPDX-License-Identifier: Apache-2.0
//
// Each case states who crosses what and derives the shares by hand.
#include "sim/hardware/fabric/max_min.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "sim/core/ids.h"
#include "sim/core/random.h"

namespace orrery {
namespace {

std::vector<Link> links_of(std::initializer_list<std::int64_t> capacities) {
  std::vector<Link> links;
  links.reserve(capacities.size());
  for (const std::int64_t capacity : capacities) {
    links.push_back({PortId{0}, PortId{1}, Bandwidth::per_second(capacity), Duration()});
  }
  return links;
}

std::vector<FineRate> shares(const std::vector<Link>& links, const std::vector<Route>& flows) {
  std::vector<const Route*> pointers;
  for (const Route& flow : flows) pointers.push_back(&flow);
  return max_min_rates(links, pointers);
}

constexpr LinkId kA{0};
constexpr LinkId kB{1};
constexpr LinkId kC{2};

TEST_CASE("flows of one link get equal parts") {
  // 900 / 3.
  CHECK(shares(links_of({900}), {{kA}, {kA}, {kA}}) ==
        std::vector<FineRate>(3, 300 * kFinePerByte));
}

TEST_CASE("what a flow cannot use elsewhere, the others share") {
  // x crosses A (1000) and B (200), y and z cross A alone. B is full first: its flow gets 200.
  // A has 1000 - 200 left for two: 400 each.
  CHECK(shares(links_of({1000, 200}), {{kA, kB}, {kA}, {kA}}) ==
        std::vector<FineRate>{200 * kFinePerByte, 400 * kFinePerByte, 400 * kFinePerByte});
}

TEST_CASE("the parking lot: a long flow and a short one on each of three links") {
  // All links 600. Each link has two flows: 300 each, the long one too.
  CHECK(shares(links_of({600, 600, 600}), {{kA, kB, kC}, {kA}, {kB}, {kC}}) ==
        std::vector<FineRate>(4, 300 * kFinePerByte));
  // With links 600, 400, 1000, B is full first at 200; then A has 600 - 200 for one flow, C 800.
  CHECK(shares(links_of({600, 400, 1000}), {{kA, kB, kC}, {kA}, {kB}, {kC}}) ==
        std::vector<FineRate>{200 * kFinePerByte, 400 * kFinePerByte, 200 * kFinePerByte,
                              800 * kFinePerByte});
}

TEST_CASE("a share that is no whole number is rounded down to the fine unit") {
  // 100 / 3 B/s = 6553600 / 3 fine units = 2184533.33...
  CHECK(shares(links_of({100}), {{kA}, {kA}, {kA}}) == std::vector<FineRate>(3, 2'184'533));
}

TEST_CASE("every flow has a link that is full and on which nobody has more") {
  // The definition of max-min fairness, on random worlds of 12 links and up to 40 flows.
  RandomStream random(1, "max-min test", "worlds");
  for (int world = 0; world < 200; ++world) {
    std::vector<Link> links;
    links.reserve(12);
    for (int i = 0; i < 12; ++i) {
      links.push_back({PortId{0}, PortId{1},
                       Bandwidth::per_second(1 + static_cast<std::int64_t>(random.below(1000))),
                       Duration()});
    }
    std::vector<Route> flows(1 + random.below(40));
    for (Route& flow : flows) {
      for (std::uint32_t link = 0; link < 12; ++link) {
        if (random.below(4) == 0) flow.push_back(LinkId{link});
      }
      if (flow.empty()) flow.push_back(kA);
    }
    const auto rates = shares(links, flows);
    std::vector<FineRate> used(links.size());
    std::vector<FineRate> most(links.size());
    for (std::size_t i = 0; i < flows.size(); ++i) {
      for (const LinkId link : flows[i]) {
        used[index_of(link)] += rates[i];
        most[index_of(link)] = std::max(most[index_of(link)], rates[i]);
      }
    }
    for (std::size_t i = 0; i < links.size(); ++i) {
      CHECK(used[i] <= links[i].capacity.units_per_second() * kFinePerByte);
    }
    for (std::size_t i = 0; i < flows.size(); ++i) {
      bool held_back = false;
      for (const LinkId link : flows[i]) {
        const FineRate room =
            links[index_of(link)].capacity.units_per_second() * kFinePerByte - used[index_of(link)];
        // Rounding leaves less than one fine unit a flow.
        held_back = held_back || (room < 40 && most[index_of(link)] <= rates[i] + 40);
      }
      CHECK(held_back);
    }
  }
}

}  // namespace
}  // namespace orrery
