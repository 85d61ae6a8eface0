// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_TOPOLOGY_H_
#define ORRERY_SIM_HARDWARE_FABRIC_TOPOLOGY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/machine.h"

namespace orrery {

/// One direction of a link: two directions are two links, since they share nothing.
enum class LinkId : std::uint32_t {};

struct Link {
  PortId from{};
  PortId to{};
  Bandwidth capacity;
  Duration latency;
};

using Route = std::vector<LinkId>;

/// Whether routes may lead through a port, or only begin and end there, as at a GPU.
enum class Forwarding : std::uint8_t { kYes, kNo };

/// Ports and the links between them. Routes are shortest in links, and of those the widest (between
/// two GPUs NVLink rather than a PCIe switch); where several are as short and as wide, which one a
/// flow takes depends on its key alone, as in equal-cost multi-path routing.
class Topology {
 public:
  Topology();
  ~Topology();
  Topology(Topology&&) noexcept;
  Topology& operator=(Topology&&) noexcept;

  /// Names are unique.
  PortId add_port(std::string name, Forwarding forwarding = Forwarding::kYes);
  LinkId add_link(PortId from, PortId to, Bandwidth capacity, Duration latency);
  void add_both_ways(PortId a, PortId b, Bandwidth capacity, Duration latency);

  [[nodiscard]] std::optional<PortId> find(std::string_view name) const;
  [[nodiscard]] const std::string& name(PortId port) const;
  [[nodiscard]] std::vector<std::string_view> names() const;
  [[nodiscard]] std::size_t ports() const;
  [[nodiscard]] const std::vector<Link>& links() const;

  /// All shortest routes, in the order of their links' ids, at most `most`. None if `to` cannot be
  /// reached; one without links if it is `from`.
  [[nodiscard]] std::vector<Route> routes(PortId from, PortId to, std::size_t most = 64) const;
  /// The one a flow with this key takes. There must be one.
  [[nodiscard]] Route route(PortId from, PortId to, std::uint64_t flow_key) const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_TOPOLOGY_H_
