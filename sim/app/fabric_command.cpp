// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/core/errors.h"
#include "sim/study/fabric_run.h"

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

std::int64_t ranks_of(const Arguments& arguments, const NodeSpec& node) {
  const std::string text = arguments.text("ranks");
  if (text.empty()) return node.gpus;
  std::int64_t ranks = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ranks);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError("--ranks " + text + ": is not a whole number");
  }
  return ranks;
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

FabricResult run(const Arguments& arguments, const NodeSpec& node) {
  const std::string transfer = arguments.text("transfer");
  if (transfer.empty() == !arguments.has("collective")) {
    throw ConfigError("orrery fabric: needs either --collective NAME or --transfer SRC DST");
  }
  if (transfer.empty()) {
    const CollectiveJob job{parse_collective(arguments.text("collective")),
                            bytes_of(arguments, "bytes"), ranks_of(arguments, node),
                            is_floating(arguments)};
    return run_collective(node, job, arguments.text("algorithm"), rung_of(arguments));
  }
  const std::size_t blank = transfer.find(' ');
  if (blank == std::string::npos) {
    throw ConfigError("--transfer " + transfer + ": needs two places, as --transfer gpu0 gpu1");
  }
  return run_transfer(node, transfer.substr(0, blank), transfer.substr(blank + 1),
                      bytes_of(arguments, "bytes"), arguments.has("both-ways"), rung_of(arguments));
}

void print_json(const FabricResult& result) {
  nlohmann::ordered_json document = {{"hardware", result.node},
                                     {"time_us", to_seconds(result.time) * 1e6},
                                     {"algorithm_gb_per_s", result.algorithm_gb_per_s},
                                     {"bus_gb_per_s", result.bus_gb_per_s},
                                     {"algorithm", result.algorithm}};
  if (result.host_residual) document["host_residual"] = *result.host_residual;
  fmt::print("{}\n", document.dump(2));
}

void print_text(const FabricResult& result) {
  fmt::print("{}: {}\ntime {}   algorithm {:.2f} GB/s   bus {:.2f} GB/s\n", result.node,
             result.algorithm, human(result.time), result.algorithm_gb_per_s, result.bus_gb_per_s);
  if (result.host_residual) {
    fmt::print("host_residual {:.2f} %: measured copies reach that much less than the link\n",
               100 * *result.host_residual);
  }
}

}  // namespace

int fabric_command(const std::vector<std::string>& words, const Policies&) {
  Arguments arguments("fabric", "HARDWARE.yaml");
  arguments.value("collective", "all_reduce, all_gather, reduce_scatter or alltoall");
  arguments.value("bytes", "the vector, as nccl-tests counts it, or what is copied: 64MiB");
  arguments.value("ranks", "GPUs that take part; all of them if not given");
  arguments.value("dtype", "bfloat16 (default), float16, float32, int8 or int32");
  arguments.value("algorithm", "instead of NCCL's choice: vllm, ring[/LL], double-tree, nvls, ...");
  arguments.value("transfer", "SRC DST: a copy between two places, as gpu0 gpu1 or host gpu0");
  arguments.value("packets", "SIZE: move packets of this size over NVLink and NICs, not flows");
  arguments.flag("both-ways", "another copy goes back at the same time");
  arguments.flag("json", "print one JSON object");
  if (arguments.parse(with_joined_transfer(words))) return 0;
  const FabricResult result = run(arguments, load_node(arguments.file()));
  arguments.has("json") ? print_json(result) : print_text(result);
  return 0;
}

}  // namespace orrery
