// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/host.h"

#include "sim/hardware/sources.h"

namespace orrery {

void HostOptions::describe(Describer& d) {
  d.required().field("sockets", sockets, Range::between(1, 16), "Processor sockets.");
  d.required().field("memory_channels", memory_channels, Range::between(1, 64),
                     "Memory channels of a socket.");
  d.required().field("channel_rate", channel_rate, Range::positive(), "Peak of one channel.");
  d.required().field("memory_share", memory_share, Range::fraction(),
                     "Of the channels' peak, what long transfers reach.");
  d.required().field("interconnect", interconnect, Range::positive(),
                     "From socket to socket, one direction.");
  d.required().field("interconnect_latency", interconnect_latency, Range::not_negative(),
                     "One way.");
  d.field("gpus_per_switch", gpus_per_switch, Range::between(1, 64),
          "GPUs that share a PCIe switch and its link to the socket.");
  d.required().field("staging_copy", staging.copy, Range::positive(),
                     "A processor's copy between pageable memory and a pinned buffer.");
  d.required().field("staging_buffer", staging.buffer, Range::positive(), "A pinned buffer.");
  d.field("staging_buffers", staging.buffers, Range::between(1, 64), "How many take turns.");
  describe_sources(d, sources);
}

Bandwidth HostOptions::memory_rate() const {
  const auto peak = static_cast<double>(channel_rate.units_per_second() * memory_channels);
  return Bandwidth::per_second(static_cast<std::int64_t>(peak * memory_share));
}

std::int64_t HostOptions::socket_of(std::int64_t gpu, std::int64_t gpus) const {
  const std::int64_t switches = (gpus + gpus_per_switch - 1) / gpus_per_switch;
  return gpu / gpus_per_switch * sockets / switches;
}

std::vector<PortId> HostOptions::add_to(Topology& topology, const std::string& prefix) const {
  std::vector<PortId> result;
  for (std::int64_t s = 0; s < sockets; ++s) {
    const PortId socket = topology.add_port(prefix + "socket" + std::to_string(s));
    const PortId memory = topology.add_port(prefix + "dram" + std::to_string(s), Forwarding::kNo);
    topology.add_both_ways(socket, memory, memory_rate(), Duration());
    for (const PortId other : result) {
      topology.add_both_ways(socket, other, interconnect, interconnect_latency);
    }
    result.push_back(socket);
  }
  return result;
}

}  // namespace orrery
