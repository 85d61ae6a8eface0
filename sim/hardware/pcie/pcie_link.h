// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_PCIE_PCIE_LINK_H_
#define ORRERY_SIM_HARDWARE_PCIE_PCIE_LINK_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/machine.h"
#include "sim/hardware/pcie/pcie_wire.h"

namespace orrery {

/// What two ends of a link agreed on, how fast the host answers, and what its copies were measured
/// to reach.
struct PcieOptions {
  std::int64_t generation = 0;
  std::int64_t lanes = 0;
  /// Most data of a write or a completion.
  Bytes max_payload = Bytes(256);
  /// What the device asks for at a time.
  Bytes read_request = Bytes(512);
  /// Read requests under way at most.
  std::int64_t tags = 256;
  /// Writes, and their data in units of 16 bytes, that the host has room for; without a number it
  /// always has.
  std::optional<std::int64_t> write_headers;
  std::optional<std::int64_t> write_data;
  /// From a request's end at the host to the first completion's start.
  Duration read_latency;
  /// From a write's end at the host until its room is free.
  Duration write_latency;
  /// One way, from the last bit sent to the last bit there: wire, retimers, switches.
  Duration wire_latency;
  /// From a copy's submit until its engine's first packet.
  Duration copy_start;
  std::optional<Bandwidth> measured_to_device;
  std::optional<Bandwidth> measured_to_host;
  std::string sources;
  void describe(Describer& d);
};

/// A PCIe link between a host's memory and a device whose copy engines move data packet by packet:
/// one engine reads from the host (requests up, completions down), one writes to it. Each engine
/// takes copies in the order of submits, one at a time. Requests and writes take turns on the way
/// up.
class PcieLink final : public Machine {
 public:
  static constexpr PortId kHost{0};
  static constexpr PortId kDevice{1};

  explicit PcieLink(const PcieOptions& options);

  [[nodiscard]] Ticket submit(const Transfer& transfer, Instant now) override;
  [[nodiscard]] Instant next() const override;
  void advance(Instant now, std::vector<Ticket>& done) override;

 private:
  enum class Kind : std::uint8_t {
    kReaderStarts,
    kWriterStarts,
    kUpIdle,
    kRequestArrives,
    kRequestServed,
    kReadComplete,
    kWriteArrives,
    kRoomFreed,
  };
  struct Event {
    Instant at;
    std::uint64_t order = 0;
    Kind kind{};
    Bytes bytes;
    friend bool operator>(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  /// One direction: when it is idle, and the control packets that wait to be sent on it.
  struct Lane {
    Instant idle_at;
    std::int64_t owed = 0;
    Instant owes_again_at;
  };
  struct Copy {
    Ticket ticket{};
    Bytes to_send;
    Bytes to_finish;
  };
  struct Engine {
    std::deque<Copy> copies;
    bool runs = false;
  };

  void schedule(Instant at, Kind kind, Bytes bytes = Bytes());
  void handle(const Event& event, std::vector<Ticket>& done);
  void start_next(Engine& engine, Kind kind, Instant now);
  void finish(Engine& engine, Bytes bytes, Kind starts, Instant now, std::vector<Ticket>& done);
  void pump(Instant now);
  [[nodiscard]] bool can_request() const;
  [[nodiscard]] bool can_write() const;
  void request(Instant now);
  void write(Instant now);
  void serve(Instant now, Bytes bytes);
  void owe_control(Lane& lane, Instant now);
  Instant send(Lane& lane, Instant now, PciePacket kind, Bytes payload);

  PcieOptions options_;
  PcieWire wire_;
  Lane up_;
  Lane down_;
  Engine reader_;
  Engine writer_;
  std::int64_t tags_used_ = 0;
  std::int64_t headers_used_ = 0;
  std::int64_t data_used_ = 0;
  bool request_is_next_ = true;
  bool up_is_watched_ = false;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  std::uint64_t tickets_ = 0;
};

/// What a long copy reaches by these options alone.
[[nodiscard]] Bandwidth derived_copy_rate(const PcieOptions& options, PortId from);

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_PCIE_PCIE_LINK_H_
