// SPDX-License-Identifier: Apache-2.0
//
// What a measured table says of the device memory: rows of the operators below. Their `detail`
// holds what was asked for (kernels/host/plan_memory.cpp writes it):
//
//   memory_read, memory_write, memory_copy
//                   pattern=stream|in_flight sms threads unroll size: each of `sms` SMs keeps
//                   threads x unroll x 16 B on their way (in_flight), or as much as it can
//                   (stream); operands warm: the same bytes again and again
//   memory_mix      read_percent size: each 4 KiB read or written as a whole
//   memory_gather   order=random|sequential block blocks region: whole blocks, anywhere in a region
//   memory_stride   stride sectors: 32 B each
//   pointer_chase   region stride hops: each load waits for the one before
//   launch          kernels blocks: kernels that do nothing
#ifndef ORRERY_SIM_STUDY_CALIBRATION_MEMORY_ROW_H_
#define ORRERY_SIM_STUDY_CALIBRATION_MEMORY_ROW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

class Cells;

enum class MemoryOp : std::uint8_t {
  kRead,
  kWrite,
  kCopy,
  kMix,
  kGather,
  kStride,
  kChase,
  kLaunch
};

/// Zero where a figure makes no sense for the operator; bytes.
struct MemoryRow {
  MemoryOp op = MemoryOp::kRead;
  /// Streams: a block on each SM, whose loads are counted.
  bool in_flight = false;
  bool warm = false;
  /// Gathers: anywhere, not one after the other.
  bool random = false;
  bool graph = true;
  std::int64_t sms = 0;
  std::int64_t bytes_in_flight = 0;
  /// Of all that is read, or of the region that is gone over.
  std::int64_t size = 0;
  std::int64_t read_percent = 100;
  std::int64_t block = 0;
  std::int64_t stride = 0;
  /// Blocks, sectors, hops or kernels.
  std::int64_t count = 0;
  std::int64_t grid = 0;
  double latency_us = 0;
  std::string device, source, driver, date;

  /// Useful bytes that a launch moves; 0 of chases and launches.
  [[nodiscard]] double bytes() const;
};

/// `stream read`, `gather random`: rows that are looked at together.
[[nodiscard]] std::string curve_of(const MemoryRow& row);
/// What tells rows of a curve apart: `block 4096`.
[[nodiscard]] std::string point_of(const MemoryRow& row);

/// None where the line is of another operator, or under sustained load. Throws TraceError.
[[nodiscard]] std::optional<MemoryRow> read_memory_row(const Cells& cells);

/// A line of a table with the columns op, detail, operands, launch, latency_us, device, source,
/// driver and date; for tests.
[[nodiscard]] std::string memory_table_head();
[[nodiscard]] std::string memory_table_line(const MemoryRow& row);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_MEMORY_ROW_H_
