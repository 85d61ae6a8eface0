// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/study/calibration/memory_fit.h"

namespace orrery {
namespace {

/// A folded scalar over the lines of a file, whose own line ends are spaces.
std::string folded(const std::string& text, std::size_t indent) {
  constexpr std::size_t kColumns = 98;
  const std::string begin = "\n" + std::string(indent, ' ');
  std::string out = ">-";
  std::size_t width = kColumns;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t from = text.find_first_not_of(" \n", at);
    if (from == std::string::npos) break;
    at = std::min(text.find_first_of(" \n", from), text.size());
    const std::string word = text.substr(from, at - from);
    if (width + 1 + word.size() > kColumns) {
      out += begin;
      width = indent;
    } else {
      out += ' ';
      ++width;
    }
    out += word;
    width += word.size();
  }
  return out;
}

std::string bandwidth(Bandwidth rate) {
  return fmt::format("{:.1f} GB/s", static_cast<double>(rate.units_per_second()) * 1e-9);
}

std::string time(Duration duration) { return fmt::format("{:.1f} ns", to_seconds(duration) * 1e9); }

std::string front_end_text(const gpu_memory::FrontEndOptions& front) {
  return fmt::format(
      "  front_end:\n    dram_latency: {}\n    l2_latency: {}\n    bytes_in_flight: {} B\n"
      "    sm_bandwidth: {}\n    l2_bandwidth: {}\n    page: {} B\n    tlb_reach: {} B\n"
      "    tlb_miss: {}\n    tlb_walks: {}\n    sources: {}\n",
      time(front.dram_latency), time(front.l2_latency), front.bytes_in_flight.count(),
      bandwidth(front.sm_bandwidth), bandwidth(front.l2_bandwidth), front.page.count(),
      front.tlb_reach.count(), time(front.tlb_miss), front.tlb_walks, folded(front.sources, 6));
}

}  // namespace

std::string memory_system_text(const MemoryFit& fit) {
  const gpu_memory::MemorySystemOptions& o = fit.options;
  const bool fitted = o.address_map_origin == gpu_memory::MemorySystemOptions::MapOrigin::kFitted;
  std::string text = fmt::format(
      "memory_system:\n  device: {}\n  channels: {}\n  address_map: '{}'\n"
      "  address_map_origin: {}\n",
      o.device, o.channels, o.address_map, fitted ? "fitted" : "inferred");
  if (o.read_queue) text += fmt::format("  read_queue: {}\n", *o.read_queue);
  if (o.write_queue) text += fmt::format("  write_queue: {}\n", *o.write_queue);
  if (o.measured_stream)
    text += fmt::format("  measured_stream: {}\n", bandwidth(*o.measured_stream));
  return text + fmt::format("  sources: {}\n", folded(o.sources, 4)) + front_end_text(o.front_end);
}

}  // namespace orrery
