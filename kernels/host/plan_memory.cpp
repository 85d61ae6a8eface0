// SPDX-License-Identifier: Apache-2.0
//
// Parts that ask what the memory, the links and the launcher can do.
#include <algorithm>
#include <bit>
#include <initializer_list>
#include <utility>

#include "kernels/host/plan_parts.h"

namespace orrery::kernels {
namespace {

constexpr std::int64_t kKiB = 1LL << 10;
constexpr std::int64_t kMiB = 1LL << 20;
constexpr std::int64_t kGiB = 1LL << 30;

Case memory_case(std::string_view op, std::int64_t bytes) {
  Case one;
  one.op = op;
  one.bytes = static_cast<double>(bytes);
  return one;
}

/// Streams by size: small ones rotate their operands, so that none of it is left in the L2.
void list_streams(const DeviceFacts& device, std::vector<Case>& cases) {
  for (std::int64_t bytes = 256 * kKiB; bytes <= 4 * kGiB; bytes *= 4) {
    for (const std::string_view op : {"memory_read", "memory_write", "memory_copy"}) {
      // A copy reads them and writes as many.
      Case one = memory_case(op, op == "memory_copy" ? 2 * bytes : bytes);
      one.detail.set("pattern", "stream").set("sms", device.multiprocessors);
      one.detail.set("threads", 512).set("unroll", 4).set("size", bytes);
      cases.push_back(one);
    }
  }
  // The same bytes again and again: what the L2 gives, and where it ends.
  for (const std::int64_t mib : {1, 4, 8, 16, 24, 32, 40, 48, 64, 96, 160}) {
    Case one = memory_case("memory_read", mib * kMiB);
    one.operands = Operands::kWarm;
    one.detail.set("pattern", "stream").set("sms", device.multiprocessors);
    one.detail.set("threads", 512).set("unroll", 4).set("size", mib * kMiB);
    cases.push_back(one);
  }
}

/// Bandwidth against multiprocessors and bytes in flight on each: threads * unroll * 16 bytes.
void list_in_flight(const DeviceFacts& device, std::vector<Case>& cases) {
  for (const int eighths : {0, 1, 2, 3, 4, 5, 6, 7, 8}) {
    const int sms = std::max(1, device.multiprocessors * eighths / 8);
    for (const auto& [threads, unroll] :
         {std::pair{128, 1}, {256, 1}, {512, 1}, {1024, 1}, {512, 4}, {1024, 4}}) {
      // One multiprocessor reads some 30 GB/s at the least: half a gigabyte takes 20 ms.
      Case one = memory_case("memory_read", eighths == 0 ? kGiB / 4 : 2 * kGiB);
      one.detail.set("pattern", "in_flight").set("sms", sms);
      one.detail.set("threads", threads).set("unroll", unroll);
      one.detail.set("size", static_cast<std::int64_t>(one.bytes));
      cases.push_back(one);
    }
  }
}

/// The same out of the L2: what its ports let a multiprocessor take in.
void list_ports(const DeviceFacts& device, std::vector<Case>& cases) {
  for (const int eighths : {0, 1, 4}) {
    for (const int unroll : {1, 4}) {
      Case one = memory_case("memory_read", 8 * kMiB);
      one.operands = Operands::kWarm;
      one.detail.set("pattern", "in_flight");
      one.detail.set("sms", std::max(1, device.multiprocessors * eighths / 8));
      one.detail.set("threads", 1024).set("unroll", unroll).set("size", 8 * kMiB);
      cases.push_back(one);
    }
  }
}

void list_patterns(const DeviceFacts& device, std::vector<Case>& cases) {
  for (const int percent : {0, 10, 25, 33, 50, 67, 75, 90, 100}) {
    Case one = memory_case("memory_mix", 2 * kGiB);
    one.detail.set("read_percent", percent).set("size", 2 * kGiB);
    cases.push_back(one);
  }
  // A power of two, so that a mask folds a hash into it.
  const auto half = static_cast<std::uint64_t>(device.operand_bytes / 2);
  const auto region =
      static_cast<std::int64_t>(std::bit_floor(std::min<std::uint64_t>(16ULL << 30, half)));
  for (std::int64_t block = 64; block <= 256 * kKiB; block *= 2) {
    for (const std::string_view order : {"random", "sequential"}) {
      // At most a gigabyte, and at most four million blocks.
      const std::int64_t blocks = std::min<std::int64_t>(kGiB / block, 4 * kMiB);
      Case one = memory_case("memory_gather", blocks * block);
      one.detail.set("order", order).set("block", block).set("blocks", blocks);
      one.detail.set("region", region);
      cases.push_back(one);
    }
  }
  // Beyond what a TLB may reach, where there is as much: how many misses it serves at a time.
  const auto all =
      static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(device.operand_bytes)));
  for (const std::int64_t block : {std::int64_t{128}, 4 * kKiB}) {
    if (all <= region) continue;
    const std::int64_t blocks = std::min<std::int64_t>(kGiB / block, 4 * kMiB);
    Case one = memory_case("memory_gather", blocks * block);
    one.detail.set("order", "random").set("block", block).set("blocks", blocks);
    one.detail.set("region", all);
    cases.push_back(one);
  }
  for (std::int64_t stride = 32; stride <= 4 * kMiB; stride *= 2) {
    const std::int64_t sectors = std::min<std::int64_t>(region / stride, 8 * kMiB);
    Case one = memory_case("memory_stride", sectors * 32);
    one.detail.set("stride", stride).set("sectors", sectors);
    cases.push_back(one);
  }
}

}  // namespace

void list_launch(const DeviceFacts&, std::vector<Case>& cases) {
  for (const int kernels : {1, 10, 100, 300}) {
    for (const Launch launch : {Launch::kGraph, Launch::kStream}) {
      Case one;
      one.op = "launch";
      one.operands = Operands::kWarm;
      one.launch = launch;
      one.detail.set("kernels", kernels).set("threads", 32).set("blocks", 1);
      cases.push_back(one);
    }
  }
  // What a replay costs, and what the call costs the host, whatever is in the graph.
  for (const int kernels : {1, 10, 100, 320}) {
    for (const char* clock : {"device", "host"}) {
      Case one;
      one.op = "graph_replay";
      one.operands = Operands::kWarm;
      one.detail.set("kernels", kernels).set("clock", clock);
      cases.push_back(one);
    }
  }
  // A grid that fills the chip costs more than one block.
  Case wide;
  wide.op = "launch";
  wide.operands = Operands::kWarm;
  wide.detail.set("kernels", 100).set("threads", 1024).set("blocks", 1056);
  cases.push_back(wide);
}

void list_memory(const DeviceFacts& device, std::vector<Case>& cases) {
  list_streams(device, cases);
  list_in_flight(device, cases);
  list_ports(device, cases);
  list_patterns(device, cases);
  std::erase_if(cases, [&](const Case& one) {
    return one.bytes > static_cast<double>(device.operand_bytes) / 2;
  });
}

void list_chase(const DeviceFacts& device, std::vector<Case>& cases) {
  const auto add = [&](std::int64_t region, std::int64_t stride) {
    if (region > device.operand_bytes) return;
    Case one;
    one.op = "pointer_chase";
    one.operands = Operands::kWarm;
    one.launch = Launch::kStream;
    one.detail.set("region", region).set("stride", stride).set("hops", 8192);
    cases.push_back(one);
  };
  // Lines of the L2 and beyond it.
  for (const std::int64_t mib : {1, 2, 4, 8, 16, 24, 32, 48, 64, 128, 512}) add(mib * kMiB, 128);
  // Few lines, far apart: what is left is the way through the address translation.
  for (std::int64_t region = kGiB / 4; region <= 64 * kGiB; region *= 2) {
    for (const std::int64_t stride : {64 * kKiB, 2 * kMiB}) add(region, stride + 128);
  }
}

void list_host(const DeviceFacts&, std::vector<Case>& cases) {
  for (const std::string_view op : {"pcie_to_device", "pcie_to_host"}) {
    for (const std::string_view memory : {"pinned", "pageable"}) {
      for (std::int64_t bytes = 4 * kKiB; bytes <= kGiB; bytes *= 4) {
        Case one;
        one.op = op;
        one.bytes = static_cast<double>(bytes);
        one.launch = Launch::kStream;
        one.detail.set("memory", memory).set("size", bytes);
        cases.push_back(one);
      }
    }
  }
}

void list_peers(const DeviceFacts& device, std::vector<Case>& cases) {
  if (device.devices < 2) return;
  for (std::int64_t bytes = 64 * kKiB; bytes <= 256 * kMiB; bytes *= 8) {
    Case one;
    one.op = "peer_copy";
    one.bytes = static_cast<double>(bytes);
    one.ranks = 2;
    one.launch = Launch::kStream;
    one.detail.set("size", bytes);
    cases.push_back(one);
  }
  for (int ranks = 2; ranks <= device.devices; ranks *= 2) {
    for (const std::string_view kind :
         {"all_reduce", "all_gather", "reduce_scatter", "all_to_all"}) {
      for (std::int64_t bytes = kKiB; bytes <= kGiB; bytes *= 4) {
        Case one;
        one.op = "collective";
        one.dtype = "bf16";
        one.bytes = static_cast<double>(bytes);
        one.ranks = ranks;
        one.launch = Launch::kStream;
        one.detail.set("kind", kind).set("size", bytes);
        cases.push_back(one);
      }
    }
  }
}

}  // namespace orrery::kernels
