// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_STORAGE_NVME_H_
#define ORRERY_SIM_HARDWARE_STORAGE_NVME_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/machine.h"

namespace orrery {

/// One direction of a drive, as its datasheet has it.
struct NvmeDirection {
  /// Of a command when nothing else is under way, its data's way left out.
  Duration latency;
  /// What large commands reach together.
  Bandwidth rate;
  /// The time between small commands, many of which are under way: 1 / IOPS.
  Duration command;
  void describe(Describer& d);
};

/// configs/hardware/storage/
struct NvmeOptions {
  std::string name;
  NvmeDirection read;
  NvmeDirection write;
  /// Commands under way at most, reads and writes together.
  std::int64_t queue_depth = 0;
  /// What one command moves at most; longer transfers are several.
  Bytes max_transfer;
  std::string sources;
  void describe(Describer& d);
};

/// A drive and its queue. A transfer is commands in the order of submits; up to `queue_depth` of
/// them wait for the medium at once, each for its latency (dies are many), and then move one after
/// another through the drive's one controller, each for max(command, bytes / rate). So one command
/// alone takes latency and way, and the rate of many is min(depth x size / time of one, the
/// controller's): nothing else is assumed. Reads and writes share the controller.
class Nvme final : public Machine {
 public:
  static constexpr PortId kHost{0};
  static constexpr PortId kDrive{1};

  explicit Nvme(const NvmeOptions& options);

  [[nodiscard]] Ticket submit(const Transfer& transfer, Instant now) override;
  [[nodiscard]] Instant next() const override;
  void advance(Instant now, std::vector<Ticket>& done) override;

 private:
  struct Waiting {
    Ticket ticket{};
    bool reads = false;
    Bytes left;
  };
  enum class Kind : std::uint8_t { kMediumDone, kMoved };
  struct Event {
    Instant at;
    std::uint64_t order = 0;
    Kind kind{};
    Ticket ticket{};
    bool reads = false;
    Bytes bytes;
    friend bool operator>(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  [[nodiscard]] const NvmeDirection& direction(bool reads) const {
    return reads ? options_.read : options_.write;
  }
  void issue(Instant now);
  void schedule(Instant at, Kind kind, Ticket ticket, bool reads, Bytes bytes);

  NvmeOptions options_;
  std::deque<Waiting> waiting_;
  /// Bytes of each transfer that have not moved yet.
  std::map<Ticket, Bytes> unfinished_;
  std::int64_t under_way_ = 0;
  Instant controller_idle_at_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  std::uint64_t tickets_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_STORAGE_NVME_H_
