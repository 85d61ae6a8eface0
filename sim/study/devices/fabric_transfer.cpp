// SPDX-License-Identifier: Apache-2.0
//
// Copies between two places: over a machine's links, a cluster's network, to a drive, or over a
// link by itself.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/core/errors.h"
#include "sim/core/ids.h"
#include "sim/hardware/fabric/packet_fabric.h"
#include "sim/study/devices/fabric_run.h"

namespace orrery {
namespace {

constexpr std::string_view kHost = "host";

PortId port_of(const Topology& topology, std::string_view name) {
  if (const auto port = topology.find(name)) return *port;
  throw ConfigError(
      fmt::format("--transfer: there is no '{}'; {}", name, known_names(name, topology.names())));
}

/// 3 for `gpu3` and a kind of `gpu`.
std::optional<std::int64_t> number_of(std::string_view kind, std::string_view name) {
  if (!name.starts_with(kind)) return std::nullopt;
  std::int64_t number = 0;
  const char* last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + kind.size(), last, number);
  if (error != std::errc() || end != last) return std::nullopt;
  return number;
}

bool is_gpu(std::string_view name) { return number_of("gpu", name).has_value(); }

/// Until `count` transfers are done.
Duration end_of(Machine& machine, std::size_t count) {
  std::vector<Ticket> done;
  Instant now;
  while (done.size() < count) {
    now = machine.next();
    machine.advance(now, done);
  }
  return now.since_start();
}

void set_bandwidth(const TransferJob& job, FabricResult& result) {
  const auto copies = static_cast<double>(job.from.size() * (job.both_ways ? 2 : 1));
  result.algorithm_gb_per_s = result.bus_gb_per_s =
      static_cast<double>(job.bytes.count()) * copies / to_seconds(result.time) * 1e-9;
}

const std::string& only_source(const TransferJob& job) {
  if (job.from.size() == 1) return job.from.front();
  throw ConfigError("--transfer: only GPUs and NICs of one fabric can be several sources");
}

void refuse_pageable(const TransferJob& job) {
  if (job.pageable) throw ConfigError("--memory pageable: is for copies between host and a GPU");
}

std::int64_t queue_peak(const Topology& topology, const PacketFabric& fabric) {
  std::int64_t peak = 0;
  for (std::uint32_t link = 0; link < topology.links().size(); ++link) {
    peak = std::max(peak, fabric.queue_peak(static_cast<LinkId>(link)));
  }
  return peak;
}

/// All of them at once over one fabric.
void run_flows(const Topology& topology, const std::vector<Transfer>& transfers,
               const FabricRung& rung, FabricResult& result) {
  const auto fabric = make_fabric(topology, rung);
  for (const Transfer& transfer : transfers) {
    static_cast<void>(fabric->submit(transfer, Instant()));
  }
  result.time = end_of(*fabric, transfers.size());
  if (const auto* packets = dynamic_cast<const PacketFabric*>(fabric.get())) {
    result.queue_peak = queue_peak(topology, *packets);
  }
}

/// From each source, and back from the sink where both ways are asked for.
std::vector<Transfer> transfers_of(const Topology& topology, const TransferJob& job, Bytes wire) {
  std::vector<Transfer> transfers;
  const PortId sink = port_of(topology, job.to);
  for (const std::string& name : job.from) {
    const PortId source = port_of(topology, name);
    if (source == sink) {
      throw ConfigError(fmt::format("--transfer {} {}: is nowhere to go", name, job.to));
    }
    transfers.push_back({source, sink, wire});
    if (job.both_ways) transfers.push_back({sink, source, wire});
  }
  return transfers;
}

void run_pcie(const NodeSpec& node, const TransferJob& job, bool to_device, FabricResult& result) {
  const PortId source = to_device ? PcieLink::kHost : PcieLink::kDevice;
  const PortId sink = to_device ? PcieLink::kDevice : PcieLink::kHost;
  result.algorithm = fmt::format("PCIe {} x{}, copy engine", node.pcie.generation, node.pcie.lanes);
  if (job.pageable) {
    if (job.both_ways) throw ConfigError("--memory pageable: goes one way at a time");
    const StagingOptions& staging = node.host.staging;
    result.time = staged_copy_time(node.pcie, staging, source, job.bytes);
    result.algorithm +=
        fmt::format(", over {} buffers of {}", staging.buffers, human(staging.buffer));
    return;
  }
  PcieLink link(node.pcie);
  static_cast<void>(link.submit({source, sink, job.bytes}, Instant()));
  if (job.both_ways) static_cast<void>(link.submit({sink, source, job.bytes}, Instant()));
  result.time = end_of(link, job.both_ways ? 2 : 1);
  const auto& measured = to_device ? node.pcie.measured_to_device : node.pcie.measured_to_host;
  if (job.both_ways || !measured) return;
  result.host_residual =
      1 - static_cast<double>(measured->units_per_second()) /
              static_cast<double>(derived_copy_rate(node.pcie, source).units_per_second());
}

/// The memory that `host` means beside `other`.
std::string memory_beside(const NodeSpec& node, std::string_view other) {
  std::optional<std::int64_t> gpu = number_of("gpu", other);
  if (!gpu) gpu = number_of("nic", other);
  const bool there_is = gpu && *gpu < node.gpus;
  return "dram" + std::to_string(there_is ? node.host.socket_of(*gpu, node.gpus) : 0);
}

TransferJob with_memory_named(const NodeSpec& node, TransferJob job) {
  if (job.to == kHost) job.to = memory_beside(node, job.from.front());
  for (std::string& name : job.from) {
    if (name == kHost) name = memory_beside(node, job.to);
  }
  return job;
}

Bytes network_wire(const NetworkOptions& network, Bytes bytes) {
  const Int128 whole =
      Int128(bytes.count()) * (network.packet_payload + network.packet_header).count();
  const Int128 room = network.packet_payload.count();
  return Bytes(static_cast<std::int64_t>((whole + room - 1) / room));
}

}  // namespace

FabricResult run_transfer(const NodeSpec& node, const TransferJob& given, const FabricRung& rung) {
  FabricResult result;
  result.node = node.name;
  const bool alone = given.from.size() == 1;
  const bool down = alone && given.from.front() == kHost && is_gpu(given.to);
  const bool up = alone && given.to == kHost && is_gpu(given.from.front());
  const Topology topology = node.topology();
  if (down || up) {
    static_cast<void>(port_of(topology, down ? given.to : given.from.front()));
    run_pcie(node, given, down, result);
  } else {
    refuse_pageable(given);
    const TransferJob job = with_memory_named(node, given);
    const bool peers = is_gpu(job.to) && std::all_of(job.from.begin(), job.from.end(), is_gpu);
    const Bytes wire = peers ? node.nvlink.wire(static_cast<double>(job.bytes.count())) : job.bytes;
    run_flows(topology, transfers_of(topology, job, wire), rung, result);
    if (peers) result.time += node.copy.start;
    result.algorithm = peers ? fmt::format("NVLink {}, copy engine", node.nvlink.generation)
                             : std::string("shortest route");
  }
  set_bandwidth(given, result);
  return result;
}

FabricResult run_transfer(const ClusterSpec& cluster, const TransferJob& job,
                          const FabricRung& rung) {
  refuse_pageable(job);
  const Topology topology = cluster.topology();
  const auto node_of = [](std::string_view name) { return name.substr(0, name.find('.')); };
  const bool network = std::any_of(job.from.begin(), job.from.end(), [&](const auto& name) {
    return node_of(name) != node_of(job.to);
  });
  if (!network) {
    throw ConfigError(fmt::format("--transfer: {} and {} are in one node: ask '{}' for that",
                                  job.from.front(), job.to, cluster.node_name));
  }
  FabricResult result;
  result.node = cluster.name;
  run_flows(topology, transfers_of(topology, job, network_wire(cluster.network, job.bytes)), rung,
            result);
  result.time += cluster.network.start;
  result.algorithm = "RDMA, equal-cost routes by flow";
  set_bandwidth(job, result);
  return result;
}

FabricResult run_transfer(const NvmeOptions& drive, const TransferJob& job) {
  refuse_pageable(job);
  const std::string& from = only_source(job);
  const bool reads = from == "drive" && job.to == kHost;
  if (!reads && !(from == kHost && job.to == "drive")) {
    throw ConfigError(
        fmt::format("--transfer {} {}: a drive's ends are drive and host", from, job.to));
  }
  Nvme nvme(drive);
  const PortId source = reads ? Nvme::kDrive : Nvme::kHost;
  const PortId sink = reads ? Nvme::kHost : Nvme::kDrive;
  static_cast<void>(nvme.submit({source, sink, job.bytes}, Instant()));
  if (job.both_ways) static_cast<void>(nvme.submit({sink, source, job.bytes}, Instant()));
  FabricResult result;
  result.node = drive.name;
  result.time = end_of(nvme, job.both_ways ? 2 : 1);
  result.algorithm = fmt::format("commands of up to {}, {} under way", human(drive.max_transfer),
                                 drive.queue_depth);
  set_bandwidth(job, result);
  return result;
}

FabricResult run_transfer(const LinkSpec& link, const TransferJob& job, const FabricRung& rung) {
  refuse_pageable(job);
  const Topology topology = link.topology();
  const PortId source = port_of(topology, only_source(job));
  const PortId sink = port_of(topology, job.to);
  if (source == sink) {
    throw ConfigError(fmt::format("--transfer {} {}: is nowhere to go", job.to, job.to));
  }
  const bool forward = only_source(job) == link.ends[0];
  const LinkWay& way = forward ? link.there : link.back;
  const LinkWay& other = forward ? link.back : link.there;
  std::vector<Transfer> transfers = {{source, sink, way.wire(job.bytes)}};
  if (job.both_ways) transfers.push_back({sink, source, other.wire(job.bytes)});
  FabricResult result;
  result.node = link.name;
  run_flows(topology, transfers, rung, result);
  result.time += job.both_ways ? std::max(way.start, other.start) : way.start;
  result.algorithm = "the link alone";
  if (!job.both_ways) result.host_residual = way.residual();
  set_bandwidth(job, result);
  return result;
}

}  // namespace orrery
