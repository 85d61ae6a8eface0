// SPDX-License-Identifier: Apache-2.0
//
// Commands of a PIM device as text: what a run issued, and what a file asks to run.
#ifndef ORRERY_SIM_STUDY_DEVICES_PIM_STREAM_H_
#define ORRERY_SIM_STUDY_DEVICES_PIM_STREAM_H_

#include <cstdio>
#include <string>

#include "sim/hardware/pim/channel.h"

namespace orrery {

/// Reads a file of commands in one of three forms, told apart by its first line:
/// - what write_pim_commands wrote: its column commands are replayed, rows, modes and refresh are
///   the channel's own business again;
/// - instructions of aim_simulator: `AiM MAC_ABK 64 0xffffffff 0`, blanks or commas between, with
///   the words that its README gives them, and `R MEM 0 2 8` (all but WR_AFLUT);
/// - requests of attacc_simulator: `PIM_MAC_AB 0x00000000`, with MAC_SB, MAC_PB, WR_GB, MV_GB,
///   MV_SB, SFM and BARRIER.
/// Throws TraceError with the line for what is none of these.
[[nodiscard]] pim::Plan read_pim_commands(const pim::Device& device, const std::string& path);

/// A line a command of one channel of each kind of channel.
class PimCommandFile final {
 public:
  explicit PimCommandFile(const std::string& path);
  ~PimCommandFile();
  PimCommandFile(const PimCommandFile&) = delete;
  PimCommandFile& operator=(const PimCommandFile&) = delete;

  void write(std::int64_t channels, const pim::ChannelRun& run);
  /// Throws RunError if anything was not written.
  void close();

 private:
  std::string path_;
  std::FILE* file_;
  std::int64_t kind_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_DEVICES_PIM_STREAM_H_
