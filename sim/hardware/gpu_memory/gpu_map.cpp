// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/gpu_map.h"

#include "sim/core/hash.h"
#include "sim/core/units.h"

namespace orrery::gpu_memory {
namespace {

constexpr std::string_view kHash = "Ch+=hash";

bool ends_hashed(std::string_view text) { return text.ends_with(kHash); }

std::string_view without_hash(std::string_view text) {
  return ends_hashed(text) ? text.substr(0, text.size() - kHash.size()) : text;
}

/// Named maps are looked up by the whole text.
std::string_view trimmed(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

GpuMap::GpuMap(std::string_view text, const hbm::Geometry& geometry)
    : hashed_(ends_hashed(text)),
      map_(trimmed(without_hash(text)), geometry),
      channels_(static_cast<std::uint64_t>(geometry.channels)) {
  if (channels_ == 1) return;
  while (map_.channel(std::uint64_t{1} << line_bits_) == map_.channel(0)) ++line_bits_;
}

std::uint64_t GpuMap::turned(std::uint64_t access) const {
  const std::uint64_t line = access >> line_bits_;
  const std::uint64_t turn = line / channels_;
  const auto shift =
      static_cast<std::uint64_t>(static_cast<UInt128>(mix(turn, 1)) * channels_ >> 64);
  std::uint64_t at = line - turn * channels_ + shift;
  if (at >= channels_) at -= channels_;
  const std::uint64_t within = access & ((std::uint64_t{1} << line_bits_) - 1);
  return (turn * channels_ + at) << line_bits_ | within;
}

}  // namespace orrery::gpu_memory
