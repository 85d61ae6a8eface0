// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/link_spec.h"

#include "sim/core/check.h"
#include "sim/hardware/sources.h"

namespace orrery {

void LinkWay::describe(Describer& d) {
  d.required().field("rate", rate, Range::positive(), "What is sent in all, headers included.");
  d.required().field("packet_payload", packet_payload, Range::positive(),
                     "Data in a packet of a long transfer.");
  d.required().field("packet_header", packet_header, Range::not_negative(),
                     "What each packet adds to its data.");
  d.required().field("latency", latency, Range::not_negative(), "One way.");
  d.required().field("start", start, Range::not_negative(),
                     "From a transfer's submit to its first byte.");
  d.optional_field("measured", measured, Range::positive(),
                   "What long transfers were measured to reach.");
}

Bytes LinkWay::wire(Bytes payload) const {
  const Int128 whole = Int128(payload.count()) * (packet_payload + packet_header).count();
  const Int128 room = packet_payload.count();
  return Bytes(static_cast<std::int64_t>((whole + room - 1) / room));
}

std::optional<double> LinkWay::residual() const {
  if (!measured) return std::nullopt;
  const auto whole = static_cast<double>((packet_payload + packet_header).count());
  const double room = static_cast<double>(rate.units_per_second()) *
                      static_cast<double>(packet_payload.count()) / whole;
  return 1 - static_cast<double>(measured->units_per_second()) / room;
}

void LinkSpec::describe(Describer& d) {
  d.required().field("name", name, "The link's name.");
  d.required().field("ends", ends, "Names of its two ends.");
  d.required().object_of("there", there, "From the first end to the second.");
  d.required().object_of("back", back, "From the second to the first.");
  describe_sources(d, sources);
  if (!d.reading()) return;
  if (ends.size() != 2 || ends[0] == ends[1]) d.refuse("ends", "are not two different names");
}

Topology LinkSpec::topology() const {
  ORRERY_CHECK(ends.size() == 2);
  Topology topology;
  const PortId first = topology.add_port(ends[0]);
  const PortId second = topology.add_port(ends[1]);
  topology.add_link(first, second, there.rate, there.latency);
  topology.add_link(second, first, back.rate, back.latency);
  return topology;
}

}  // namespace orrery
