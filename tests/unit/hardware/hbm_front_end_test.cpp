// SPDX-License-Identifier: Apache-2.0
//
// Which tick the front end hands over in, and what row policies and fcfs do. Of HBM3 at 6.4 Gb/s in
// half clocks (hbm_bank_timing_test.cpp derives them): a read follows its activate after 64 and its
// data ends 1 + 2 (CL 20 + burst 2) = 45 after its first tick.
#include "sim/hardware/hbm/front_end.h"

#include <doctest/doctest.h>

#include <deque>
#include <vector>

#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

using Issues = std::vector<testing::Issued>;

ControllerOptions without_refresh() {
  ControllerOptions options;
  options.refresh = Refresh::kNone;
  return options;
}

Request read_of(std::uint32_t bank, std::uint32_t row, std::uint32_t column = 0) {
  return Request::make(bank, row, column, false);
}

std::deque<Channel> two_channels(const Device& device, const ControllerOptions& options) {
  std::deque<Channel> channels;
  channels.emplace_back(device, options, nullptr);
  channels.emplace_back(device, options, nullptr);
  return channels;
}

TEST_CASE("the head waits for its channel and all behind it wait with it") {
  const Device device = testing::hbm3();
  ControllerOptions options = without_refresh();
  options.read_queue = 1;
  std::deque<Channel> channels = two_channels(device, options);
  FrontEnd front(channels, 0);
  CHECK(front.hand_over(0, read_of(0, 1), 0) == 0);
  // Its activate has left the queue in tick 0; a channel takes one a tick.
  CHECK(front.hand_over(0, read_of(0, 2), 0) == 1);
  CHECK(front.hand_over(1, read_of(0, 1), 0) == 1);
  // The second of the bank activates its row tRC = 144 after the first. Till then the queue is
  // full.
  CHECK(front.hand_over(0, read_of(1, 1), 0) == 145);
  CHECK(front.hand_over(1, read_of(1, 1), 0) == 145);
  CHECK(front.hand_over(1, read_of(2, 1), 500) == 500);
}

TEST_CASE("a read waits while as many are in flight as may be, a write for no read") {
  const Device device = testing::hbm3();
  std::deque<Channel> channels = two_channels(device, without_refresh());
  FrontEnd front(channels, 2);
  CHECK(front.hand_over(0, read_of(0, 1), 0) == 0);
  CHECK(front.hand_over(1, read_of(0, 1), 0) == 0);
  // Both are read in tick 64 and end at 109. The write goes to the other pseudo-channel.
  CHECK(front.hand_over(1, Request::make(32, 1, 0, true), 0) == 1);
  CHECK(front.hand_over(1, read_of(2, 1), 0) == 109);
  CHECK(front.hand_over(0, read_of(2, 1), 0) == 109);
  // Activated at 109 or, on a rising edge, 110, and so on.
  CHECK(front.hand_over(0, read_of(3, 1), 0) == 110 + 109);
}

/// The commands of one channel under requests.
Issues issued(const Device& device, const ControllerOptions& options,
              const std::vector<Request>& requests) {
  testing::Recorder recorder;
  Channel channel(device, options, &recorder);
  channel.serve(requests, {});
  return recorder.issued;
}

std::int64_t count(const Issues& issues, Command command) {
  std::int64_t n = 0;
  for (const testing::Issued& i : issues) n += i.command == command ? 1 : 0;
  return n;
}

TEST_CASE("a front end of one channel is that channel's own feed") {
  const Device device = testing::hbm3();
  const auto requests = testing::accesses(device, "bgil", 5'000, {30, 50, 16}, 3);
  testing::Recorder recorder;
  std::deque<Channel> channels;
  channels.emplace_back(device, ControllerOptions(), &recorder);
  FrontEnd front(channels, 0);
  for (const Request request : requests) front.hand_over(0, request, 0);
  channels[0].finish();
  const Issues alone = issued(device, ControllerOptions(), requests);
  REQUIRE(alone.size() == recorder.issued.size());
  for (std::size_t i = 0; i < alone.size(); ++i) {
    REQUIRE(alone[i].at == recorder.issued[i].at);
    REQUIRE(alone[i].bank == recorder.issued[i].bank);
  }
}

TEST_CASE("a closed row policy ends every access with its row") {
  ControllerOptions options = without_refresh();
  options.row_policy = RowPolicy::kClosed;
  const Device device = testing::hbm3();
  const auto requests = testing::accesses(device, "bgil", 2'000, {30, 0, 1'024}, 4);
  const Issues issues = issued(device, options, requests);
  CHECK(count(issues, Command::kPre) == 0);
  CHECK(count(issues, Command::kAct) ==
        count(issues, Command::kRda) + count(issues, Command::kWra));
  // Two accesses whose activates go together: the first leaves the row to the one that waits.
  CHECK(count(issues, Command::kRd) + count(issues, Command::kWr) == 0);
}

TEST_CASE("an adaptive one does where another row waits and no access to this one") {
  ControllerOptions options = without_refresh();
  options.row_policy = RowPolicy::kAdaptive;
  const Device device = testing::hbm3();
  // Two of row 1, then one of row 2: the second closes row 1, and nobody wants what row 2 keeps
  // out.
  const Issues issues = issued(device, options, {read_of(0, 1), read_of(0, 1, 1), read_of(0, 2)});
  std::vector<Command> commands;
  for (const testing::Issued& i : issues) commands.push_back(i.command);
  CHECK(commands ==
        std::vector{Command::kAct, Command::kRd, Command::kRda, Command::kAct, Command::kRd});
  // RDA at 64 + 8 (tCCDL) precharges at 72 + 19 = 91 and tRAS at 92, so that tRC 144 binds.
  CHECK(issues[3].at == 144);
}

TEST_CASE("fcfs opens rows in the order of the requests") {
  ControllerOptions options = without_refresh();
  options.scheduler = Scheduler::kFcfs;
  const Device device = testing::hbm3();
  const auto requests = testing::accesses(device, "bgil", 1'000, {0, 0, 1'024}, 5);
  std::vector<std::uint32_t> wanted;
  for (const Request request : requests) wanted.push_back(request.row() << 8 | request.bank());
  std::size_t next = 0;
  for (const testing::Issued& i : issued(device, options, requests)) {
    if (i.command != Command::kAct) continue;
    while (next < wanted.size() && wanted[next] != (i.row << 8 | i.bank)) ++next;
    REQUIRE(next < wanted.size());
  }
  const auto last = [](const Issues& issues) { return issues.back().at; };
  CHECK(last(issued(device, options, requests)) >
        last(issued(device, without_refresh(), requests)));
}

}  // namespace
}  // namespace orrery::hbm
