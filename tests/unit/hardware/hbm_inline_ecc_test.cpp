// SPDX-License-Identifier: Apache-2.0
//
// Inline ECC on one channel of HBM3, whose map `bgil` gives a stream 2 pseudo-channels times 4 bank
// groups in turns: eight spans are under way at once.
#include "sim/hardware/hbm/inline_ecc.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "sim/core/errors.h"
#include "sim/hardware/hbm/memory_system.h"
#include "tests/unit/hardware/hbm_replay.h"
#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

MemoryConfig with_ecc(std::int64_t buffer = 16) {
  MemoryConfig config;
  config.device = testing::hbm3();
  config.ecc = Ecc::kInline;
  config.ecc_buffer = buffer;
  return config;
}

/// Accesses `stride` apart.
MemoryTrace trace_of(std::uint64_t count, std::uint64_t stride, bool write) {
  MemoryTrace trace;
  trace.name = "made";
  for (std::uint64_t i = 0; i < count; ++i) {
    trace.accesses.push_back(i * stride * 32 | (write ? MemoryTrace::kWrite : 0));
  }
  return trace;
}

constexpr std::uint64_t kStream = 1;
/// All bits of pseudo-channel, group and column: every access is in a row of its own.
constexpr std::uint64_t kRowEach = 256;

class Heard final : public SystemListener {
 public:
  explicit Heard(const Device& device)
      : first_row_(EccLayout(device.geometry).first_row()),
        checker_(device, checker::Part::kHbm3At6400, Refresh::kPerBank) {}
  void begin_channel(std::uint32_t) override {}
  void on_command(Tick at, Command command, std::uint32_t bank, std::uint32_t row,
                  std::uint32_t column) override {
    checker_.on_command(at, command, bank, row, column);
    if (row < first_row_) return;
    if (command == Command::kRd) ++reads;
    if (command == Command::kWr) ++writes;
  }
  [[nodiscard]] const std::string& wrong() const { return checker_.wrong(); }
  std::int64_t reads = 0, writes = 0;

 private:
  std::uint32_t first_row_;
  testing::Replay checker_;
};

struct Counts {
  std::int64_t reads, writes;
  bool operator==(const Counts&) const = default;
};

/// Of check bytes; what is counted is what the commands show, and both feeds do the same.
Counts checks(MemoryConfig config, const MemoryTrace& trace) {
  Counts counts{};
  for (const Feed feed : {Feed::kPerChannel, Feed::kInOrder}) {
    config.feed = feed;
    Heard heard(config.device);
    const Served served = serve(config, trace, {.bytes_per_second = {}, .listener = &heard});
    CHECK(heard.wrong() == "");
    CHECK(heard.reads == served.ecc.reads);
    CHECK(heard.writes == served.ecc.writes);
    const auto data = static_cast<std::int64_t>(trace.accesses.size());
    CHECK(served.statistics.requests() == data + served.ecc.reads + served.ecc.writes);
    if (feed == Feed::kInOrder) CHECK(counts == Counts{served.ecc.reads, served.ecc.writes});
    counts = {served.ecc.reads, served.ecc.writes};
  }
  return counts;
}

TEST_CASE("a stream costs one access of check bytes in eight, scattered reads one each") {
  CHECK(checks(with_ecc(), trace_of(4'096, kStream, false)) == Counts{512, 0});
  CHECK(checks(with_ecc(), trace_of(1'000, kRowEach, false)) == Counts{1'000, 0});
  // Eight spans in turns fit into eight entries; in seven, the one that left last comes next.
  CHECK(checks(with_ecc(8), trace_of(4'096, kStream, false)) == Counts{512, 0});
  CHECK(checks(with_ecc(7), trace_of(4'096, kStream, false)) == Counts{4'096, 0});
}

TEST_CASE("spans written as a whole are written alone, others are read first") {
  CHECK(checks(with_ecc(), trace_of(4'096, kStream, true)) == Counts{0, 512});
  CHECK(checks(with_ecc(), trace_of(1'000, kRowEach, true)) == Counts{1'000, 1'000});
}

TEST_CASE("a stream of reads is slower by the share of check bytes at least") {
  MemoryConfig config = with_ecc();
  const MemoryTrace trace = trace_of(64'000, kStream, false);
  const Tick with = serve(config, trace, {}).statistics.end;
  config.ecc = Ecc::kNone;
  const Tick without = serve(config, trace, {}).statistics.end;
  // 72,000 bursts of 2 clocks on each of two data buses, in half clocks.
  CHECK(with >= 72'000 / 2 * 4);
  // Without, 0.9 and more of the peak are reached (a stream's bar), so that the ratio is no more
  // than 9/8 over 0.9 where the check bytes cost bandwidth alone.
  CHECK(static_cast<double>(with) <= static_cast<double>(without) * 1.125 / 0.9);
  MESSAGE("stream: ", static_cast<double>(with) / static_cast<double>(without), " of the time");
}

TEST_CASE("each span has check bytes of its own, in another bank of its pseudo-channel") {
  const Geometry geometry = testing::hbm3().geometry;
  const EccLayout layout(geometry);
  CHECK(layout.first_row() == 14'336);  // 7/8 of 16384
  // 64 banks of 14336 rows of 1 KiB.
  CHECK(layout.usable() == Bytes(std::int64_t{64} * 14'336 * 1'024));
  std::set<std::uint64_t> seen;
  std::size_t spans = 0;
  for (const std::uint32_t bank : {0U, 16U, 31U, 32U, 63U}) {
    for (const std::uint32_t row : {0U, 1U, 7U, 8U, 14'335U}) {
      for (std::uint32_t column = 0; column < 32; ++column) {
        const Request check = layout.check_of(Request::make(bank, row, column, true));
        CHECK_FALSE(check.write());
        CHECK(check.bank() != bank);
        CHECK(check.bank() / 32 == bank / 32);
        CHECK(check.row() >= layout.first_row());
        CHECK(check.row() < 16'384);
        CHECK(check.column() < 32);
        if (column % 8 == 0) ++spans;
        seen.insert(check.packed);
      }
    }
  }
  CHECK(seen.size() == spans);
}

TEST_CASE("what a span's check access needs depends on what the buffer knows of it") {
  const EccLayout layout(testing::hbm3().geometry);
  const auto after = [&](const std::vector<Request>& requests) {
    EccBuffer buffer(layout, 2);
    std::vector<Request> checks;
    for (const Request request : requests) buffer.access(request, checks);
    buffer.write_back(checks);
    CHECK(static_cast<std::int64_t>(checks.size()) ==
          buffer.counts().reads + buffer.counts().writes);
    return Counts{buffer.counts().reads, buffer.counts().writes};
  };
  const auto at = [](std::uint32_t column, bool write) {
    return Request::make(0, 0, column, write);
  };
  CHECK(after({at(0, false), at(7, false)}) == Counts{1, 0});
  CHECK(after({at(0, false), at(8, false)}) == Counts{2, 0});
  CHECK(after({at(0, true), at(0, false)}) == Counts{1, 1});  // known, and partly written
  CHECK(after({at(0, true), at(1, false)}) == Counts{1, 1});  // read for the one, then known
  CHECK(after({at(1, false), at(0, true)}) == Counts{1, 1});
  // The span used least recently leaves: of 0, 8, 0, 16 the one of 8.
  CHECK(after({at(0, false), at(8, false), at(0, false), at(16, false), at(0, false)}) ==
        Counts{3, 0});
  CHECK(after({at(0, false), at(8, false), at(0, false), at(16, false), at(8, false)}) ==
        Counts{4, 0});
}

TEST_CASE("the last eighth of the rows is refused, as are devices too small for spans") {
  const MemoryConfig config = with_ecc();
  const auto usable =
      static_cast<std::uint64_t>(EccLayout(config.device.geometry).usable().count());
  MemoryTrace trace = trace_of(1, kStream, false);
  trace.accesses = {usable - 32};
  CHECK(serve(config, trace, {}).ecc.reads == 1);
  trace.accesses = {0, usable};
  CHECK_THROWS_WITH_AS(static_cast<void>(serve(config, trace, {})),
                       doctest::Contains("inline ECC leaves"), TraceError);
  Geometry geometry = config.device.geometry;
  CHECK(EccLayout::unfit(geometry) == nullptr);
  geometry.columns = 4;
  CHECK(EccLayout::unfit(geometry) != nullptr);
}

}  // namespace
}  // namespace orrery::hbm
