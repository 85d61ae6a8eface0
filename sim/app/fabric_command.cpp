// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <variant>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/core/errors.h"
#include "sim/study/devices/fabric_run.h"

namespace orrery {
namespace {

/// `--transfer SRC DST` as one value, since options take one.
std::vector<std::string> with_joined_transfer(std::vector<std::string> words) {
  const auto at = std::find(words.begin(), words.end(), "--transfer");
  if (words.end() - at < 3) return words;
  *(at + 1) += " " + *(at + 2);
  words.erase(at + 2);
  return words;
}

Bytes bytes_of(const Arguments& arguments, const char* option) {
  const std::string name = std::string("--") + option;
  const std::string text = arguments.text(option);
  if (text.empty()) throw ConfigError("orrery fabric: needs " + name + ", as 64MiB");
  try {
    const Bytes bytes = parse_bytes(text);
    if (bytes.count() > 0) return bytes;
  } catch (const std::invalid_argument& error) {
    throw ConfigError(name + ": " + error.what());
  }
  throw ConfigError(name + " " + text + ": is not above 0");
}

FabricRung rung_of(const Arguments& arguments) {
  if (!arguments.has("packets")) return {};
  return {bytes_of(arguments, "packets")};
}

std::int64_t count_of(const Arguments& arguments, const char* option, std::int64_t otherwise) {
  const std::string text = arguments.text(option);
  if (text.empty()) return otherwise;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError(std::string("--") + option + " " + text + ": is not a whole number");
  }
  return count;
}

bool is_floating(const Arguments& arguments) {
  const std::string type = arguments.has("dtype") ? arguments.text("dtype") : "bfloat16";
  for (const char* known : {"bfloat16", "float16", "float32", "half"}) {
    if (type == known) return true;
  }
  for (const char* known : {"int8", "int32"}) {
    if (type == known) return false;
  }
  throw ConfigError("--dtype " + type + ": known: bfloat16, float16, float32, half, int8, int32");
}

bool is_pageable(const Arguments& arguments) {
  const std::string kind = arguments.has("memory") ? arguments.text("memory") : "pinned";
  if (kind == "pinned" || kind == "pageable") return kind == "pageable";
  throw ConfigError("--memory " + kind + ": known: pinned, pageable");
}

TransferJob transfer_of(const Arguments& arguments) {
  const std::string places = arguments.text("transfer");
  const std::size_t blank = places.find(' ');
  if (blank == std::string::npos) {
    throw ConfigError("--transfer " + places + ": needs two places, as --transfer gpu0 gpu1");
  }
  TransferJob job;
  std::istringstream sources(places.substr(0, blank));
  for (std::string source; std::getline(sources, source, ',');) job.from.push_back(source);
  job.to = places.substr(blank + 1);
  job.bytes = bytes_of(arguments, "bytes");
  job.both_ways = arguments.has("both-ways");
  job.pageable = is_pageable(arguments);
  return job;
}

/// A node or a cluster.
template <class Gpus>
FabricResult run_on_gpus(const Arguments& arguments, const Gpus& hardware, std::int64_t gpus) {
  if (arguments.has("transfer")) {
    return run_transfer(hardware, transfer_of(arguments), rung_of(arguments));
  }
  const CollectiveJob job{parse_collective(arguments.text("collective")),
                          bytes_of(arguments, "bytes"), count_of(arguments, "ranks", gpus),
                          is_floating(arguments)};
  return run_collective(hardware, job, arguments.text("algorithm"), rung_of(arguments));
}

TransferJob only_transfer(const Arguments& arguments, const std::string& name) {
  if (arguments.has("transfer")) return transfer_of(arguments);
  throw ConfigError("--collective: " + name + " has no GPUs that could take part");
}

NvmeOptions with_queue(const Arguments& arguments, NvmeOptions drive) {
  drive.queue_depth = count_of(arguments, "queue-depth", drive.queue_depth);
  if (drive.queue_depth < 1) throw ConfigError("--queue-depth: is not above 0");
  if (arguments.has("command")) drive.max_transfer = bytes_of(arguments, "command");
  return drive;
}

FabricResult run(const Arguments& arguments, const FabricHardware& hardware) {
  if (arguments.has("transfer") == arguments.has("collective")) {
    throw ConfigError("orrery fabric: needs either --collective NAME or --transfer SRC DST");
  }
  if (const auto* node = std::get_if<NodeSpec>(&hardware)) {
    return run_on_gpus(arguments, *node, node->gpus);
  }
  if (const auto* cluster = std::get_if<ClusterSpec>(&hardware)) {
    return run_on_gpus(arguments, *cluster, cluster->gpus());
  }
  if (const auto* drive = std::get_if<NvmeOptions>(&hardware)) {
    return run_transfer(with_queue(arguments, *drive), only_transfer(arguments, drive->name));
  }
  const auto& link = std::get<LinkSpec>(hardware);
  return run_transfer(link, only_transfer(arguments, link.name), rung_of(arguments));
}

void print_json(const FabricResult& result) {
  nlohmann::ordered_json document = {{"hardware", result.node},
                                     {"time_us", to_seconds(result.time) * 1e6},
                                     {"algorithm_gb_per_s", result.algorithm_gb_per_s},
                                     {"bus_gb_per_s", result.bus_gb_per_s},
                                     {"algorithm", result.algorithm}};
  if (result.host_residual) document["host_residual"] = *result.host_residual;
  if (result.queue_peak) document["queue_peak_packets"] = *result.queue_peak;
  fmt::print("{}\n", document.dump(2));
}

void print_text(const FabricResult& result) {
  fmt::print("{}: {}\ntime {}   algorithm {:.2f} GB/s   bus {:.2f} GB/s\n", result.node,
             result.algorithm, human(result.time), result.algorithm_gb_per_s, result.bus_gb_per_s);
  if (result.host_residual) {
    fmt::print("host_residual {:.2f} %: measured copies reach that much less than the link\n",
               100 * *result.host_residual);
  }
  if (result.queue_peak) {
    fmt::print("queue_peak {}: packets that waited at once for one link\n", *result.queue_peak);
  }
}

}  // namespace

int fabric_command(const std::vector<std::string>& words, const Policies&) {
  Arguments arguments("fabric", "HARDWARE.yaml");
  arguments.value("collective", "all_reduce, all_gather, reduce_scatter or alltoall");
  arguments.value("bytes", "the vector, as nccl-tests counts it, or what is copied: 64MiB");
  arguments.value("ranks", "GPUs that take part; all of them if not given");
  arguments.value("dtype", "bfloat16 (default), float16, float32, int8 or int32");
  arguments.value("algorithm",
                  "instead of NCCL's choice: vllm, ring[/LL], nvls, hierarchical, ...");
  arguments.value("transfer", "SRC[,SRC...] DST: copies, as gpu0 gpu1, host gpu0, drive host");
  arguments.value("memory", "of the host: pinned (default) or pageable");
  arguments.value("packets", "SIZE: move packets of this size over NVLink and NICs, not flows");
  arguments.value("queue-depth", "commands to a drive under way at most");
  arguments.value("command", "SIZE of a command to a drive at most");
  arguments.flag("both-ways", "another copy goes back at the same time");
  arguments.flag("json", "print one JSON object");
  if (arguments.parse(with_joined_transfer(words))) return 0;
  const FabricResult result = run(arguments, load_fabric_hardware(arguments.file()));
  arguments.has("json") ? print_json(result) : print_text(result);
  return 0;
}

}  // namespace orrery
