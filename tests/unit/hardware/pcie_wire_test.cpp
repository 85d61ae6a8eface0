// SPDX-License-Identifier: Apache-2.0
//
// Overheads derived from the PCI Express base specification, generation by generation.
#include "sim/hardware/pcie/pcie_wire.h"

#include <doctest/doctest.h>

namespace orrery {
namespace {

TEST_CASE("line coding and skip ordered sets leave their share of the raw rate") {
  // 32 GT/s x 16 / 8 = 64 GB/s; x 128/130 = 63.0153846 GB/s; x 370/371 = 62.8455318 GB/s.
  CHECK(PcieWire(5, 16, Bytes(256)).packet_rate().units_per_second() == 62'845'531'826);
  // Half the speed, half the lanes: 8 GT/s x 8 / 8 = 8 GB/s -> 7.8556914 GB/s.
  CHECK(PcieWire(3, 8, Bytes(256)).packet_rate().units_per_second() == 7'855'691'478);
  // 64 GT/s x 16 / 8 = 128 GB/s, of which flits carry 236/256: 118 GB/s.
  CHECK(PcieWire(6, 16, Bytes(256)).packet_rate().units_per_second() == 118'000'000'000);
}

TEST_CASE("a packet is token, header, data and CRC, up to a whole symbol time") {
  const PcieWire x16(5, 16, Bytes(256));
  // Completion: 4 + 12 + 256 + 4 = 276 -> 288 (18 symbol times of 16 bytes).
  CHECK(x16.packet(PciePacket::kCompletion, Bytes(256)) == Bytes(288));
  // Write with a 64-bit address: 4 + 16 + 256 + 4 = 280 -> 288.
  CHECK(x16.packet(PciePacket::kWrite, Bytes(256)) == Bytes(288));
  // Read request: 4 + 16 + 4 = 24 -> 32.
  CHECK(x16.packet(PciePacket::kReadRequest, Bytes()) == Bytes(32));
  // A line of 128 bytes: 148 -> 160. One byte takes a double word: 4 + 16 + 4 + 4 = 28 -> 32.
  CHECK(x16.packet(PciePacket::kCompletion, Bytes(128)) == Bytes(160));
  CHECK(x16.packet(PciePacket::kWrite, Bytes(1)) == Bytes(32));
  // On four lanes a symbol time is 4 bytes, which every packet is a multiple of.
  CHECK(PcieWire(4, 4, Bytes(256)).packet(PciePacket::kCompletion, Bytes(256)) == Bytes(276));
}

TEST_CASE("a flit's packets have neither token nor CRC") {
  const PcieWire flits(6, 16, Bytes(256));
  CHECK(flits.packet(PciePacket::kCompletion, Bytes(256)) == Bytes(12 + 256));
  CHECK(flits.packet(PciePacket::kWrite, Bytes(256)) == Bytes(16 + 256));
  CHECK(flits.packet(PciePacket::kReadRequest, Bytes()) == Bytes(16));
}

TEST_CASE("acknowledgements and credit updates of 8 bytes ride where packets leave room") {
  const PcieWire x16(5, 16, Bytes(256));
  // 288 - 276 = 12: one. 288 - 280 = 8: one. 32 - 24 = 8: one. On four lanes none.
  CHECK(x16.free_slots(PciePacket::kCompletion, Bytes(256)) == 1);
  CHECK(x16.free_slots(PciePacket::kWrite, Bytes(256)) == 1);
  CHECK(x16.free_slots(PciePacket::kReadRequest, Bytes()) == 1);
  const PcieWire x4(4, 4, Bytes(256));
  CHECK(x4.free_slots(PciePacket::kCompletion, Bytes(256)) == 0);
  CHECK(x4.control_packet() == Bytes(8));
  CHECK(x16.control_packet() == Bytes(16));
  // (256 + 28) x 3.0 / 16 = 53.25 symbol times and 115 inside: 168 x 16 bytes at 64 GB/s = 42 ns.
  CHECK(x16.control_interval() == nanoseconds(42));
}

TEST_CASE("what is left for data, generation by generation") {
  // Completions of 256 bytes: 256/288 x 128/130 x 370/371 = 0.8728 of 64 GB/s = 55.86 GB/s.
  CHECK(PcieWire(5, 16, Bytes(256)).efficiency(PciePacket::kCompletion) ==
        doctest::Approx(0.87285).epsilon(1e-5));
  CHECK(PcieWire(3, 16, Bytes(128)).efficiency(PciePacket::kCompletion) ==
        doctest::Approx(0.78557).epsilon(1e-5));
  // Flits: 236/256 x 256/268 = 0.88060.
  CHECK(PcieWire(6, 16, Bytes(256)).efficiency(PciePacket::kCompletion) ==
        doctest::Approx(0.88060).epsilon(1e-5));
}

}  // namespace
}  // namespace orrery
