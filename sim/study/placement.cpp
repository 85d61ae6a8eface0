// SPDX-License-Identifier: Apache-2.0
#include "sim/study/placement.h"

#include <array>
#include <stdexcept>

#include "sim/study/devices/pim_run.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 2> kWhere = {"gpu", "pim"};

void set_link(const PlacementOptions& options, const GpuSpec& gpu, const Position& at,
              PimStacks& stacks) {
  if (options.link == "nvlink") {
    if (!gpu.links.nvlink) throw ConfigError(at, "placement.link", gpu.name + " has no NVLink");
    stacks.link = *gpu.links.nvlink;
    stacks.link_name = "NVLink " + std::to_string(gpu.links.nvlink_generation);
    return;
  }
  if (options.link == "pcie") {
    stacks.link = gpu.links.pcie();
    stacks.link_name = "PCIe " + std::to_string(gpu.links.pcie_generation);
    return;
  }
  try {
    stacks.link = parse_bandwidth(options.link);
  } catch (const std::invalid_argument& error) {
    throw ConfigError(at, "placement.link", std::string(error.what()) + "; or nvlink, pcie");
  }
  stacks.link_name = options.link;
}

}  // namespace

void PlacementOptions::describe(Describer& d) {
  d.choice_of("decode_attention", decode_attention, kWhere,
              "Where decodes attend to their KV: on the GPU, or in PIM stacks that hold it.");
  d.field("device", device, "The stacks' device, in configs/hardware/pim; or a path.");
  d.field("stacks", stacks, Range::between(1, 1024), "PIM stacks of each GPU.");
  d.field("link", link,
          "Between a GPU and its stacks, one way: nvlink, pcie (the GPU's own), or a rate.");
  d.field("link_latency", link_latency, Range::not_negative(),
          "Of a transfer to or from the stacks, besides its bytes.");
  d.field("sub_batches", sub_batches, Range::between(1, 2),
          "2: halves of the decodes take turns on GPU and stacks; 1: they wait for each other.");
  if (d.reading() && decode_attention == Where::kPim && device.empty()) {
    d.refuse("device", "is needed where decode attention is placed in PIM");
  }
}

PimStacks pim_stacks(const PlacementOptions& options, const GpuSpec& gpu, const Position& at) {
  PimStacks stacks;
  stacks.device = load_pim(options.device, {});
  stacks.stacks = options.stacks;
  stacks.link_latency = options.link_latency;
  stacks.sub_batches = options.sub_batches;
  set_link(options, gpu, at, stacks);
  return stacks;
}

}  // namespace orrery
