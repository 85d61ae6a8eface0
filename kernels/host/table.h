// SPDX-License-Identifier: Apache-2.0
//
// The measured table, version 1, as sim/study/calibration/table.h documents it: this is its writer
// on the measuring side, which shares no code with the reader, and a test reads what it writes.
#ifndef ORRERY_KERNELS_HOST_TABLE_H_
#define ORRERY_KERNELS_HOST_TABLE_H_

#include <fstream>
#include <set>
#include <string>

#include "kernels/host/case.h"
#include "kernels/host/statistics.h"

namespace orrery::kernels {

/// Where and with what was measured: the same for all rows of a file.
struct Provenance {
  std::string device;
  /// Kernel set and its version: `orrery-kernels 1`.
  std::string source;
  std::string driver;
  std::string cuda;
  /// 2026-11-21, of the day on which a row was measured.
  std::string date;
};

/// What the board said while a case ran; 0: it did not say.
struct BoardState {
  double power_w = 0;
  double sm_mhz = 0;
  double memory_mhz = 0;
  double temperature_c = 0;
};

[[nodiscard]] std::string table_head();
/// One line without its end. Throws std::invalid_argument if a text has a comma or a line's end.
[[nodiscard]] std::string table_line(const Case& done, const Spread& spread,
                                     const BoardState& board, const Provenance& provenance);

/// A file that grows by a row at a time, each written out at once, so that a run that is cut short
/// goes on where it stopped.
class Table {
 public:
  /// Opens `path` to append, or begins it. Throws std::runtime_error if it cannot be written, if
  /// it is no such table, or if its rows came from another device, driver or kernel set.
  Table(const std::string& path, Provenance provenance);

  [[nodiscard]] bool has(const Case& wanted) const { return keys_.contains(wanted.key()); }
  void add(const Case& done, const Spread& spread, const BoardState& board);
  [[nodiscard]] std::size_t rows() const { return keys_.size(); }

 private:
  std::string path_;
  Provenance provenance_;
  std::set<std::string> keys_;
  std::ofstream file_;
};

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_TABLE_H_
