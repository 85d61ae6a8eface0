// SPDX-License-Identifier: Apache-2.0
//
// What a PCIe link carries besides data, as the PCI Express base specification (3.0 to 6.0) has it.
//
// 3.0 to 5.0: 130 bits carry 128, a skip ordered set of one block follows each 370 blocks, and a
// packet is a start token of 4 bytes, its header, its data and a CRC of 4: 5 or 6 double words, as
// Intel counts them too (AN 829, "Understanding PCI Express Throughput", where acknowledgements and
// credits are two double words and skip ordered sets 16 bytes). Here it begins on the first lane,
// so it fills whole symbol times: a byte on each lane. (The specification lets it begin on every
// fourth lane; what published copies reach fits the first.) The room that this leaves holds
// acknowledgements and credit updates of 8 bytes, which otherwise take a symbol time.
//
// 6.0: flits of 256 bytes hold 236 of packets, which have no token and no CRC of their own;
// acknowledgements and credits have their own bytes in each flit.
#ifndef ORRERY_SIM_HARDWARE_PCIE_PCIE_WIRE_H_
#define ORRERY_SIM_HARDWARE_PCIE_PCIE_WIRE_H_

#include <cstdint>

#include "sim/core/units.h"

namespace orrery {

enum class PciePacket : std::uint8_t { kReadRequest, kWrite, kCompletion };

class PcieWire {
 public:
  /// Generations 3 to 6; 1, 2, 4, 8 or 16 lanes.
  PcieWire(std::int64_t generation, std::int64_t lanes, Bytes max_payload);

  /// Bytes of packets a second, one direction, when nothing but packets is sent.
  [[nodiscard]] Bandwidth packet_rate() const { return packet_rate_; }
  /// A packet on the wire, from token to CRC and up to where the next can begin. A read request has
  /// no data.
  [[nodiscard]] Bytes packet(PciePacket kind, Bytes payload) const;
  /// How many acknowledgements or credit updates find room behind such a packet.
  [[nodiscard]] std::int64_t free_slots(PciePacket kind, Bytes payload) const;
  /// One that finds none.
  [[nodiscard]] Bytes control_packet() const;
  /// The longest that a receiver may wait with both (table 3-7 of 3.0: payload, width, delay).
  [[nodiscard]] Duration control_interval() const { return control_interval_; }
  [[nodiscard]] bool flits() const { return generation_ >= 6; }

  /// Most of what is sent that can be data, when packets are full and follow each other.
  [[nodiscard]] double efficiency(PciePacket kind) const;

 private:
  [[nodiscard]] std::int64_t unpadded(PciePacket kind, Bytes payload) const;

  std::int64_t generation_;
  std::int64_t lanes_;
  Bytes max_payload_;
  Bandwidth raw_rate_;
  Bandwidth packet_rate_;
  Duration control_interval_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_PCIE_PCIE_WIRE_H_
