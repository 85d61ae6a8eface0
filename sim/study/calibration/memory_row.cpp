// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/memory_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/study/calibration/cells.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 8> kOps = {"memory_read",   "memory_write",  "memory_copy",
                                                  "memory_mix",    "memory_gather", "memory_stride",
                                                  "pointer_chase", "launch"};
constexpr std::int64_t kSector = 32;
constexpr std::int64_t kLoad = 16;
constexpr std::int64_t kPage = 4096;

/// The words `key=value` of a detail.
class Words {
 public:
  explicit Words(const Cells& cells) : cells_(cells), text_(cells.text("detail")) {}

  [[nodiscard]] std::string_view text(std::string_view key) const {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=') {
        return word.substr(key.size() + 1);
      }
    }
    cells_.fail("detail", fmt::format("has no {}=", key));
  }
  [[nodiscard]] std::int64_t number(std::string_view key, std::int64_t least = 1) const {
    const std::string_view word = text(key);
    std::int64_t value = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
    if (result.ec != std::errc() || result.ptr != word.data() + word.size() || value < least ||
        value > std::int64_t{1} << 40) {
      cells_.fail("detail", fmt::format("{}={} is not a whole number from {}", key, word, least));
    }
    return value;
  }
  [[nodiscard]] bool either(std::string_view key, std::string_view yes, std::string_view no) const {
    const std::string_view word = text(key);
    if (word != yes && word != no) {
      cells_.fail("detail", fmt::format("{}={} is neither {} nor {}", key, word, yes, no));
    }
    return word == yes;
  }

 private:
  const Cells& cells_;
  std::string_view text_;
};

void read_detail(const Words& words, MemoryRow& row) {
  switch (row.op) {
    case MemoryOp::kRead:
    case MemoryOp::kWrite:
    case MemoryOp::kCopy:
      row.in_flight = words.either("pattern", "in_flight", "stream");
      row.sms = words.number("sms");
      row.bytes_in_flight = words.number("threads") * words.number("unroll") * kLoad;
      row.size = words.number("size");
      row.read_percent = row.op == MemoryOp::kRead ? 100 : row.op == MemoryOp::kWrite ? 0 : 50;
      return;
    case MemoryOp::kMix:
      row.read_percent = words.number("read_percent", 0);
      row.size = words.number("size");
      row.block = kPage;
      return;
    case MemoryOp::kGather:
      row.random = words.either("order", "random", "sequential");
      row.block = words.number("block", kSector);
      row.count = words.number("blocks");
      row.size = words.number("region");
      return;
    case MemoryOp::kStride:
      row.stride = words.number("stride", kSector);
      row.count = words.number("sectors");
      row.size = row.stride * row.count;
      return;
    case MemoryOp::kChase:
      row.size = words.number("region");
      row.stride = words.number("stride");
      row.count = words.number("hops");
      return;
    case MemoryOp::kLaunch:
      row.count = words.number("kernels");
      row.grid = words.number("blocks");
      return;
  }
}

std::string detail_of(const MemoryRow& row) {
  switch (row.op) {
    case MemoryOp::kRead:
    case MemoryOp::kWrite:
    case MemoryOp::kCopy:
      return fmt::format("pattern={} sms={} threads={} unroll=1 size={}",
                         row.in_flight ? "in_flight" : "stream", row.sms,
                         row.bytes_in_flight / kLoad, row.size);
    case MemoryOp::kMix:
      return fmt::format("read_percent={} size={}", row.read_percent, row.size);
    case MemoryOp::kGather:
      return fmt::format("order={} block={} blocks={} region={}",
                         row.random ? "random" : "sequential", row.block, row.count, row.size);
    case MemoryOp::kStride:
      return fmt::format("stride={} sectors={}", row.stride, row.count);
    case MemoryOp::kChase:
      return fmt::format("region={} stride={} hops={}", row.size, row.stride, row.count);
    case MemoryOp::kLaunch:
      return fmt::format("kernels={} threads=32 blocks={}", row.count, row.grid);
  }
  return {};
}

}  // namespace

double MemoryRow::bytes() const {
  switch (op) {
    case MemoryOp::kCopy:
      return 2.0 * static_cast<double>(size);
    case MemoryOp::kGather:
      return static_cast<double>(block) * static_cast<double>(count);
    case MemoryOp::kStride:
      return static_cast<double>(kSector) * static_cast<double>(count);
    case MemoryOp::kChase:
    case MemoryOp::kLaunch:
      return 0;
    default:
      return static_cast<double>(size);
  }
}

std::string curve_of(const MemoryRow& row) {
  switch (row.op) {
    case MemoryOp::kRead:
      if (row.in_flight) return row.warm ? "few bytes in flight from L2" : "few bytes in flight";
      return row.warm ? "read again and again" : "stream read";
    case MemoryOp::kWrite:
      return "stream written";
    case MemoryOp::kCopy:
      return "copy";
    case MemoryOp::kMix:
      return "reads and writes";
    case MemoryOp::kGather:
      return row.random ? "gather random" : "gather sequential";
    case MemoryOp::kStride:
      return "stride";
    case MemoryOp::kChase:
      return "pointer chase";
    case MemoryOp::kLaunch:
      return "launch";
  }
  return {};
}

std::string point_of(const MemoryRow& row) {
  switch (row.op) {
    case MemoryOp::kMix:
      return fmt::format("{} % read", row.read_percent);
    case MemoryOp::kGather:
      return fmt::format("blocks of {} B in {} B", row.block, row.size);
    case MemoryOp::kStride:
      return fmt::format("{} B", row.stride);
    case MemoryOp::kChase:
      return fmt::format("{} B by {} B", row.size, row.stride);
    case MemoryOp::kLaunch:
      return fmt::format("{} kernels of {} blocks", row.count, row.grid);
    default:
      return row.in_flight ? fmt::format("{} SMs x {} B", row.sms, row.bytes_in_flight)
                           : fmt::format("{} B", row.size);
  }
}

std::optional<MemoryRow> read_memory_row(const Cells& cells) {
  const auto at = std::find(kOps.begin(), kOps.end(), cells.needed("op"));
  if (at == kOps.end() || cells.text("load") == "sustained") return std::nullopt;
  MemoryRow row;
  row.op = static_cast<MemoryOp>(at - kOps.begin());
  row.warm = cells.text("operands") == "warm";
  row.graph = cells.text("launch") != "stream";
  read_detail(Words(cells), row);
  row.latency_us = cells.positive("latency_us");
  row.device = cells.needed("device");
  row.source = cells.needed("source");
  row.driver = cells.text("driver");
  row.date = cells.text("date");
  return row;
}

std::string memory_table_head() {
  return "# orrery measured table 1\n"
         "op,detail,operands,launch,latency_us,device,source,driver,date\n";
}

std::string memory_table_line(const MemoryRow& row) {
  return fmt::format("{},{},{},{},{},{},{},{},{}\n", kOps[static_cast<std::size_t>(row.op)],
                     detail_of(row), row.warm ? "warm" : "cold", row.graph ? "graph" : "stream",
                     row.latency_us, row.device, row.source, row.driver, row.date);
}

}  // namespace orrery
