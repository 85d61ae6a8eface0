// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/nvlink/nvlink.h"

#include <cmath>

#include "sim/core/check.h"
#include "sim/hardware/sources.h"

namespace orrery {

void NvlinkOptions::describe(Describer& d) {
  d.required().field("generation", generation, Range::between(3, 6), "NVLink generation.");
  d.required().field("links", links, Range::between(1, 64), "Links of one GPU.");
  d.required().field("link_rate", link_rate, Range::positive(), "One link, one direction.");
  d.required().field("packet_payload", packet_payload, Range::positive(),
                     "Data in a packet of a long transfer.");
  d.required().field("packet_header", packet_header, Range::not_negative(),
                     "What each packet adds to its data.");
  d.field("reduces_from_ranks", reduces_from_ranks, Range::between(0, 1024),
          "Least ranks for which NCCL reduces in the switch; 0: the switch cannot.");
  describe_sources(d, sources);
}

Bandwidth NvlinkOptions::port_rate() const {
  return Bandwidth::per_second(link_rate.units_per_second() * links);
}

Bytes NvlinkOptions::wire(double payload, double share) const {
  ORRERY_CHECK(payload >= 0 && share > 0);
  const auto room = static_cast<double>(packet_payload.count());
  const auto whole = static_cast<double>((packet_payload + packet_header).count());
  return Bytes(static_cast<std::int64_t>(std::ceil(payload / share * whole / room)));
}

}  // namespace orrery
