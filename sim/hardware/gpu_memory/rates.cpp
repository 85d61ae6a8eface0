// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/rates.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/core/hash.h"
#include "sim/hardware/gpu_memory/gpu_map.h"

namespace orrery::gpu_memory {
namespace {

/// How well a rate is to be known under the maps that only show a range (which is the wider for
/// it).
constexpr double kWantedOfRange = 0.03;

/// The device as the GPU has it.
hbm::MemoryConfig of_gpu(hbm::MemoryConfig config, const MemorySystemOptions& options) {
  config.device.geometry.channels = options.channels;
  hbm::ControllerOptions& controller = config.controller;
  controller.read_queue = options.read_queue.value_or(controller.read_queue);
  controller.write_queue = options.write_queue.value_or(controller.write_queue);
  return config;
}

Bandwidth to_bandwidth(double bytes_per_second) {
  return Bandwidth::per_second(static_cast<std::int64_t>(std::llround(bytes_per_second)));
}

}  // namespace

Rates::Rates(const MemorySystemOptions& options, hbm::MemoryConfig device, FrontEndGpu gpu,
             double wanted)
    : wanted_(wanted), options_(options), gpu_(gpu), dram_(of_gpu(std::move(device), options)) {
  gpu_.memory_bytes = dram_.memory_bytes();
  maps_.push_back(options_.address_map);
  if (map_is_inferred()) {
    for (const hbm::NamedMap& named : hbm::named_maps()) {
      if (named.name != options_.address_map) maps_.emplace_back(named.name);
    }
  }
  for (const std::string& map : maps_) {
    static_cast<void>(GpuMap(map, dram_.device().geometry));
  }
}

std::uint64_t Rates::seed_of(const std::string& pattern, std::string_view map) const {
  return mix(mix(hash_text(dram_.device().name), hash_text(map)), hash_text(pattern));
}

const Rate& Rates::rate(const Pattern& pattern) {
  const Pattern key = canonical(pattern, memory_bytes());
  const std::string text = text_of(key);
  const auto known = answers_.find(text);
  if (known != answers_.end()) return known->second;
  return answers_.emplace(text, answer(key, text)).first->second;
}

double Rates::front_end_bound(const Pattern& pattern) const {
  return bounds_of(canonical(pattern, memory_bytes()), options_.front_end, gpu_).least();
}

Rate Rates::answer(const Pattern& pattern, const std::string& text) const {
  const FrontEndBounds bounds = bounds_of(pattern, options_.front_end, gpu_);
  const double most = bounds.least();
  Rate rate;
  rate.start_up = bounds.latency;
  rate.bound = bounds.which();
  double low = most;
  double high = 0;
  for (const std::string& map : maps_) {
    MapRate own{map, most, {}};
    double half_width = 0;
    // Where L2 holds all, DRAM has no say.
    if (bounds.dram_per_byte > 0) {
      const double wanted = rate.maps.empty() ? wanted_ : kWantedOfRange;
      own.dram = dram_.sample(pattern, map, seed_of(text, map), wanted);
      const double dram = own.dram.bytes_per_second / bounds.dram_per_byte;
      if (dram < most) {
        own.bytes_per_second = dram;
        half_width = own.dram.half_width;
      }
    }
    low = std::min(low, own.bytes_per_second * (1 - half_width));
    high = std::max(high, std::min(most, own.bytes_per_second * (1 + half_width)));
    rate.maps.push_back(std::move(own));
  }
  const double own = rate.maps.front().bytes_per_second;
  if (own < most) rate.bound = "DRAM";
  rate.bytes_per_second = to_bandwidth(own);
  rate.low = to_bandwidth(low);
  rate.high = to_bandwidth(high);
  rate.source = "clocked: " + dram_.device().name + ", address map " + options_.address_map +
                (map_is_inferred() ? " (inferred)" : " (fitted)") + ", bound by " + rate.bound;
  return rate;
}

}  // namespace orrery::gpu_memory
