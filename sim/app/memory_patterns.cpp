// SPDX-License-Identifier: Apache-2.0
#include "sim/app/memory_patterns.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "sim/core/errors.h"
#include "sim/study/catalogue.h"
#include "sim/study/devices/clocked_memory.h"

namespace orrery {
namespace {

double gb(double bytes_per_second) { return bytes_per_second * 1e-9; }
double gb(Bandwidth rate) { return gb(static_cast<double>(rate.units_per_second())); }

nlohmann::ordered_json json_of(const gpu_memory::Rate& rate, double peak) {
  nlohmann::ordered_json maps;
  for (const gpu_memory::MapRate& map : rate.maps) maps[map.map] = gb(map.bytes_per_second);
  return {{"gb_per_s", gb(rate.bytes_per_second)},
          {"share_of_peak", gb(rate.bytes_per_second) / gb(peak)},
          {"low_gb_per_s", gb(rate.low)},
          {"high_gb_per_s", gb(rate.high)},
          {"start_up_ns", to_seconds(rate.start_up) * 1e9},
          {"bound", rate.bound},
          {"source", rate.source},
          {"gb_per_s_by_map", maps}};
}

void print_patterns_json(const PatternReport& report) {
  using nlohmann::ordered_json;
  ordered_json patterns = ordered_json::array();
  for (const PatternReport::Entry& entry : report.entries) {
    ordered_json one = {{"name", entry.what}, {"pattern", entry.pattern}};
    one.update(json_of(entry.rate, report.peak_bytes_per_second));
    patterns.push_back(one);
  }
  ordered_json paging = ordered_json::array();
  for (const PagingCost& cost : report.paging) {
    ordered_json by_map;
    for (std::size_t m = 0; m < report.maps.size(); ++m) by_map[report.maps[m]] = cost.cost[m];
    ordered_json one = {{"block_tokens", cost.block_tokens},
                        {"block_bytes", cost.block_bytes},
                        {"cost_over_contiguous", by_map}};
    one.update(json_of(cost.rate, report.peak_bytes_per_second));
    paging.push_back(one);
  }
  ordered_json document = {{"gpu", report.gpu},
                           {"device", report.device},
                           {"peak_gb_per_s", gb(report.peak_bytes_per_second)},
                           {"address_maps", report.maps},
                           {"address_map_inferred", report.map_is_inferred},
                           {"patterns", patterns},
                           {"paging", paging},
                           {"cpu_s", report.cpu_s}};
  if (report.measured_stream) document["measured_stream_gb_per_s"] = gb(*report.measured_stream);
  fmt::print("{}\n", document.dump(2));
}

void print_patterns(const PatternReport& report) {
  const double peak = report.peak_bytes_per_second;
  fmt::print("{}: {}, peak {:.0f} GB/s, address map {}{}\n\n", report.gpu, report.device, gb(peak),
             report.maps[0],
             report.map_is_inferred ? " (inferred; the range is over all maps)" : "");
  fmt::print("{:<24} {:>9} {:>7} {:>17}  {:<16} {}\n", "pattern", "GB/s", "peak", "range GB/s",
             "bound", "accesses");
  for (const PatternReport::Entry& entry : report.entries) {
    fmt::print("{:<24} {:>9.0f} {:>6.1f}% {:>8.0f}..{:<7.0f}  {:<16} {}\n", entry.what,
               gb(entry.rate.bytes_per_second), 100 * gb(entry.rate.bytes_per_second) / gb(peak),
               gb(entry.rate.low), gb(entry.rate.high), entry.rate.bound, entry.pattern);
  }
  if (report.measured_stream) {
    const double best = gb(*report.measured_stream);
    fmt::print(
        "\nmeasured: weights streamed at up to {:.0f} GB/s, {:.1f} % of peak; clocked {:+.1f} %\n",
        best, 100 * best / gb(peak),
        100 * (gb(report.entries[0].rate.bytes_per_second) / best - 1));
  }
  fmt::print("\npaged KV, {} heads of {}, against contiguous: time by block size\n{:<14} {:>10}",
             report.layout.kv_heads, report.layout.head_dim, "block tokens", "bytes");
  for (const std::string& map : report.maps) fmt::print(" {:>20}", map);
  fmt::print("\n");
  for (const PagingCost& cost : report.paging) {
    fmt::print("{:<14} {:>10}", cost.block_tokens, cost.block_bytes);
    for (std::size_t m = 0; m < report.maps.size(); ++m) {
      fmt::print(" {:>11.0f} {:>+7.1f}%", gb(cost.rate.maps[m].bytes_per_second),
                 100 * cost.cost[m]);
    }
    fmt::print("\n");
  }
}

PatternReport report_of(const Arguments& arguments) {
  const std::string model = arguments.has("model") ? arguments.text("model") : "llama-3.1-8b";
  const GpuSpec gpu = load_gpu(arguments.file(), {});
  try {
    return report_patterns(gpu, load_model(model, {}));
  } catch (const std::invalid_argument& error) {
    throw ConfigError("orrery memory --patterns: " + std::string(error.what()));
  }
}

}  // namespace

int show_memory_patterns(const Arguments& arguments) {
  for (const char* other : {"trace", "rate", "commands", "set"}) {
    if (!arguments.has(other)) continue;
    throw ConfigError(std::string("orrery memory: --") + other + " does not go with --patterns");
  }
  const PatternReport report = report_of(arguments);
  if (arguments.has("json")) {
    print_patterns_json(report);
  } else {
    print_patterns(report);
  }
  return 0;
}

}  // namespace orrery
