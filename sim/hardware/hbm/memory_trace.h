// SPDX-License-Identifier: Apache-2.0
//
// Traces of memory accesses. A binary one is little-endian 64-bit words: bit 63 says write, the
// rest is a byte address. A text one has a line an access, in any of these forms:
//
//   R 0x1000          W 0x1000               ours
//   LD 0x1000         ST 0x1000              Ramulator 2
//   0x1000 R          0x1000 W               Ramulator
//   0x1000 READ 12    0x1000 WRITE 15        DRAMsim3: with the clock at which it arrives
#ifndef ORRERY_SIM_HARDWARE_HBM_MEMORY_TRACE_H_
#define ORRERY_SIM_HARDWARE_HBM_MEMORY_TRACE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::hbm {

struct MemoryTrace {
  static constexpr std::uint64_t kWrite = std::uint64_t{1} << 63;

  std::string name;
  /// As in a binary trace.
  std::vector<std::uint64_t> accesses;
  /// Clocks, not decreasing; empty if the trace has no times.
  std::vector<std::int64_t> arrivals;
  /// Where access `index` stands: `file:line`, or `file: access N` of a binary trace.
  [[nodiscard]] std::string place(std::size_t index) const;
  /// Line of each access; empty for a binary trace.
  std::vector<std::uint32_t> lines;
};

/// Which form it is, the bytes tell: text has no control characters. Throws TraceError with the
/// line.
[[nodiscard]] MemoryTrace parse_memory_trace(std::string_view bytes, std::string name);

/// The same of the first `bytes` bytes of a buffer, which a binary trace keeps as its own.
[[nodiscard]] MemoryTrace parse_memory_trace(std::vector<std::uint64_t> buffer, std::size_t bytes,
                                             std::string name);

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_MEMORY_TRACE_H_
