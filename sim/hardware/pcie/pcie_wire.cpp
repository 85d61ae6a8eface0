// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pcie/pcie_wire.h"

#include <array>

#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr std::array<std::int64_t, 4> kMegaTransfers = {8'000, 16'000, 32'000, 64'000};
constexpr std::int64_t kTokenAndCrc = 8;
constexpr std::int64_t kControlBytes = 8;
constexpr std::int64_t kDoubleWord = 4;
/// A requester's 64-bit address takes 4 double words, a completer's identity 3.
constexpr std::int64_t kRequestHeader = 16;
constexpr std::int64_t kCompletionHeader = 12;
/// Blocks between skip ordered sets where both ends share a clock (370 to 375).
constexpr std::int64_t kBlocksPerSkip = 370;
/// Of the acknowledgement latency limit: header and framing in bytes, and symbol times inside.
constexpr std::int64_t kAckOverhead = 28;
constexpr std::int64_t kAckInternalDelay = 115;

/// Ten times the specification's AckFactor.
std::int64_t ack_factor(std::int64_t lanes) {
  if (lanes <= 4) return 14;
  return lanes == 8 ? 25 : 30;
}

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

PcieWire::PcieWire(std::int64_t generation, std::int64_t lanes, Bytes max_payload)
    : generation_(generation), lanes_(lanes), max_payload_(max_payload) {
  ORRERY_CHECK(generation >= 3 && generation <= 6 && max_payload.count() > 0);
  ORRERY_CHECK(lanes == 1 || lanes == 2 || lanes == 4 || lanes == 8 || lanes == 16);
  const std::int64_t mega = kMegaTransfers[static_cast<std::size_t>(generation - 3)];
  const std::int64_t raw = mega * 1'000'000 / 8 * lanes;
  raw_rate_ = Bandwidth::per_second(raw);
  // 15.9 GB/s x 128 x 370 fits; 128 GB/s x 236 does as well.
  const std::int64_t carried = flits()
                                   ? raw / 256 * 236
                                   : static_cast<std::int64_t>(Int128(raw) * 128 * kBlocksPerSkip /
                                                               (130 * (kBlocksPerSkip + 1)));
  packet_rate_ = Bandwidth::per_second(carried);
  const std::int64_t symbols =
      (max_payload.count() + kAckOverhead) * ack_factor(lanes) / (10 * lanes) + kAckInternalDelay;
  control_interval_ = raw_rate_.time_for(Bytes(symbols * lanes));
}

std::int64_t PcieWire::unpadded(PciePacket kind, Bytes payload) const {
  const std::int64_t header = kind == PciePacket::kCompletion ? kCompletionHeader : kRequestHeader;
  const std::int64_t data =
      kind == PciePacket::kReadRequest ? 0 : rounded_up(payload.count(), kDoubleWord);
  ORRERY_CHECK(data <= max_payload_.count());
  return header + data + (flits() ? 0 : kTokenAndCrc);
}

Bytes PcieWire::packet(PciePacket kind, Bytes payload) const {
  return Bytes(rounded_up(unpadded(kind, payload), flits() ? kDoubleWord : lanes_));
}

std::int64_t PcieWire::free_slots(PciePacket kind, Bytes payload) const {
  return (packet(kind, payload).count() - unpadded(kind, payload)) / kControlBytes;
}

Bytes PcieWire::control_packet() const { return Bytes(rounded_up(kControlBytes, lanes_)); }

double PcieWire::efficiency(PciePacket kind) const {
  return static_cast<double>(max_payload_.count()) /
         static_cast<double>(packet(kind, max_payload_).count()) *
         static_cast<double>(packet_rate_.units_per_second()) /
         static_cast<double>(raw_rate_.units_per_second());
}

}  // namespace orrery
