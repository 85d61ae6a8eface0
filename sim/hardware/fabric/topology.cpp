// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/topology.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/reverse_graph.hpp>
#include <map>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/hash.h"
#include "sim/core/ids.h"

namespace orrery {
namespace {

using Edges = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS,
                                    boost::no_property, LinkId>;

constexpr std::size_t kFar = SIZE_MAX;

/// The ports that a route between two may touch.
struct OnTheWay {
  const std::vector<Forwarding>* forwarding = nullptr;
  std::size_t from = 0;
  std::size_t to = 0;
  bool operator()(std::size_t port) const {
    return port == from || port == to || (*forwarding)[port] == Forwarding::kYes;
  }
};

/// How many links each port is away from way.to, over ports on the way.
std::vector<std::size_t> distances(const Edges& edges, const OnTheWay& way) {
  std::vector<std::size_t> distance(boost::num_vertices(edges), kFar);
  distance[way.to] = 0;
  const auto recorder =
      boost::make_bfs_visitor(boost::record_distances(distance.data(), boost::on_tree_edge()));
  const boost::filtered_graph<Edges, boost::keep_all, OnTheWay> open(edges, boost::keep_all(), way);
  const auto backwards = boost::make_reverse_graph(open);
  boost::breadth_first_search(backwards, way.to, boost::visitor(recorder));
  return distance;
}

/// Those whose narrowest link is the widest.
std::vector<Route> widest(const std::vector<Link>& links, std::vector<Route> routes) {
  const auto width = [&](const Route& route) {
    Bandwidth least = Bandwidth::per_second(INT64_MAX);
    for (const LinkId link : route) least = std::min(least, links[index_of(link)].capacity);
    return least;
  };
  Bandwidth most;
  for (const Route& route : routes) most = std::max(most, width(route));
  std::erase_if(routes, [&](const Route& route) { return width(route) < most; });
  return routes;
}

}  // namespace

/// A const Topology answers alike whatever was asked before; `known` is filled behind its back.
struct Topology::Graph {
  Edges edges;
  std::vector<std::string> names;
  std::vector<Forwarding> forwarding;
  std::vector<Link> links;
  /// Of pairs that were asked for, since flows ask again and again.
  std::map<std::pair<PortId, PortId>, std::vector<Route>> known;

  /// The links that lead from `at` one step nearer to where `distance` counts from, by id.
  [[nodiscard]] std::vector<LinkId> nearer(PortId at,
                                           const std::vector<std::size_t>& distance) const {
    std::vector<LinkId> result;
    const auto [begin, end] = boost::out_edges(index_of(at), edges);
    for (auto edge = begin; edge != end; ++edge) {
      const std::size_t beyond = distance[boost::target(*edge, edges)];
      if (beyond != kFar && beyond + 1 == distance[index_of(at)]) result.push_back(edges[*edge]);
    }
    std::sort(result.begin(), result.end());
    return result;
  }
};

Topology::Topology() : graph_(std::make_unique<Graph>()) {}
Topology::~Topology() = default;
Topology::Topology(Topology&&) noexcept = default;
Topology& Topology::operator=(Topology&&) noexcept = default;

PortId Topology::add_port(std::string name, Forwarding forwarding) {
  ORRERY_CHECK(!find(name).has_value());
  graph_->names.push_back(std::move(name));
  graph_->forwarding.push_back(forwarding);
  return static_cast<PortId>(boost::add_vertex(graph_->edges));
}

LinkId Topology::add_link(PortId from, PortId to, Bandwidth capacity, Duration latency) {
  ORRERY_CHECK(index_of(from) < ports() && index_of(to) < ports() && from != to);
  ORRERY_CHECK(capacity.units_per_second() > 0 && latency >= Duration());
  const auto id = static_cast<LinkId>(graph_->links.size());
  graph_->links.push_back({from, to, capacity, latency});
  graph_->known.clear();
  boost::add_edge(index_of(from), index_of(to), id, graph_->edges);
  return id;
}

void Topology::add_both_ways(PortId a, PortId b, Bandwidth capacity, Duration latency) {
  add_link(a, b, capacity, latency);
  add_link(b, a, capacity, latency);
}

std::optional<PortId> Topology::find(std::string_view name) const {
  const auto& names = graph_->names;
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<PortId>(at - names.begin());
}

const std::string& Topology::name(PortId port) const { return graph_->names.at(index_of(port)); }

std::vector<std::string_view> Topology::names() const {
  return {graph_->names.begin(), graph_->names.end()};
}

std::size_t Topology::ports() const { return graph_->names.size(); }

const std::vector<Link>& Topology::links() const { return graph_->links; }

std::vector<Route> Topology::routes(PortId from, PortId to, std::size_t most) const {
  ORRERY_CHECK(index_of(from) < ports() && index_of(to) < ports());
  const std::vector<std::size_t> distance =
      distances(graph_->edges, {&graph_->forwarding, index_of(from), index_of(to)});
  if (distance[index_of(from)] == kFar) return {};
  std::vector<Route> partial = {{}};
  for (std::size_t left = distance[index_of(from)]; left > 0; --left) {
    std::vector<Route> longer;
    for (const Route& route : partial) {
      const PortId at = route.empty() ? from : graph_->links[index_of(route.back())].to;
      for (const LinkId link : graph_->nearer(at, distance)) {
        if (longer.size() == most) break;
        longer.push_back(route);
        longer.back().push_back(link);
      }
    }
    partial = std::move(longer);
  }
  return partial;
}

Route Topology::route(PortId from, PortId to, std::uint64_t flow_key) const {
  const auto [found, is_new] = graph_->known.try_emplace({from, to});
  std::vector<Route>& all = found->second;
  if (is_new) all = widest(graph_->links, routes(from, to));
  ORRERY_CHECK(!all.empty());
  return all.size() == 1 ? all.front() : all[mix(0, flow_key) % all.size()];
}

}  // namespace orrery
