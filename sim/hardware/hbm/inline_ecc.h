// SPDX-License-Identifier: Apache-2.0
//
// Inline ECC: the check bytes lie in the memory that they protect, and cost it accesses.
//
// Each 8 bytes have one check byte (SECDED), so that one access of check bytes protects a span of
// eight accesses of data, 32 bytes for 256. So does TI's DDR subsystem (PHYTEC, phyCORE-AM67x BSP
// manual, "Inline ECC") and AMD's controller (PG456: "every ninth cycle is occupied by ECC", more
// with partial writes). A controller keeps the check accesses of a few spans in a buffer, the
// least recently used leaving first (TI, US 2020/0183826: caching ECC data of a burst):
//
//   a read   needs its span's check access: it is read ahead of the data, unless the buffer has it
//   a write  changes its part of it in the buffer; what leaves the buffer changed is written. A
//            span that was not written as a whole is read first, unless it was before.
//
// Where the check bytes lie is nobody's published choice but this model's: in the last eighth of
// the rows, of which they fill seven in eight, and for a bank in the one half a pseudo-channel of
// banks away, so that a row of data and its check bytes can be open together. Eight rows share one
// row of check bytes.
//
// What it leaves out: a read's data does not wait for its check access, and in the statistics of
// a channel reads of check bytes are reads like others, in latencies too.
#ifndef ORRERY_SIM_HARDWARE_HBM_INLINE_ECC_H_
#define ORRERY_SIM_HARDWARE_HBM_INLINE_ECC_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/hardware/hbm/bank_queues.h"
#include "sim/hardware/hbm/device.h"

namespace orrery::hbm {

enum class Ecc : std::uint8_t { kNone, kInline };

/// Where check bytes lie.
class EccLayout {
 public:
  static constexpr std::uint32_t kSpan = 8;
  /// Null, or why this device cannot have it.
  [[nodiscard]] static const char* unfit(const Geometry& geometry);
  /// Of a device that is fit.
  explicit EccLayout(const Geometry& geometry);

  /// Rows from here on hold no data.
  [[nodiscard]] std::uint32_t first_row() const { return first_row_; }
  [[nodiscard]] Bytes usable() const { return usable_; }
  /// The read of the check bytes of an access.
  [[nodiscard]] Request check_of(Request data) const {
    const std::uint32_t row = data.row();
    return Request::make(data.bank() ^ other_bank_, first_row_ + row / kSpan,
                         row % kSpan * spans_ + data.column() / kSpan, false);
  }

 private:
  std::uint32_t first_row_;
  std::uint32_t other_bank_;
  std::uint32_t spans_;  ///< Of a row.
  Bytes usable_;
};

struct EccCounts {
  std::int64_t reads = 0;
  std::int64_t writes = 0;
};

/// The buffer of one channel.
class EccBuffer {
 public:
  EccBuffer(const EccLayout& layout, std::int64_t entries)
      : layout_(layout), most_(static_cast<std::size_t>(entries)) {}

  /// Appends the accesses of check bytes that go ahead of `data`.
  void access(Request data, std::vector<Request>& checks);
  /// Appends those that write back what is left, and empties the buffer.
  void write_back(std::vector<Request>& checks);
  [[nodiscard]] const EccCounts& counts() const { return counts_; }

 private:
  struct Entry {
    Request check;
    std::uint8_t written = 0;  ///< A bit an access of the span.
    bool fetched = false;
  };
  /// The entry of a span, now the last in the buffer.
  [[nodiscard]] Entry& entry_of(Request check, std::vector<Request>& checks);
  void evict(const Entry& entry, std::vector<Request>& checks);
  void read(Request check, std::vector<Request>& checks);

  EccLayout layout_;
  std::size_t most_;
  std::vector<Entry> entries_;  ///< The least recently used first.
  EccCounts counts_;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_INLINE_ECC_H_
