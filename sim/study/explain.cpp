// SPDX-License-Identifier: Apache-2.0
#include "sim/study/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/study/world.h"

namespace orrery {
namespace {

constexpr std::int64_t kMost = 1 << 24;

/// A whole number in [1, 2^24] (or from 0, where nothing is meant too).
bool parse_count(std::string_view text, std::int64_t least, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= least &&
         value <= kMost;
}

PrefillChunk parse_prefill(const std::string& text) {
  const std::size_t at = text.find('@');
  std::int64_t tokens = 0;
  std::int64_t context = 0;
  if (!parse_count(text.substr(0, at), 1, tokens) ||
      (at != std::string::npos && !parse_count(text.substr(at + 1), 0, context))) {
    throw ConfigError("--prefill " + text + ": is not TOKENS or TOKENS@CONTEXT, as 512@2048");
  }
  return {static_cast<std::int32_t>(tokens), static_cast<std::int32_t>(context), true};
}

BatchDescription::Decodes parse_decode(const std::string& text) {
  const std::size_t at = text.find('@');
  std::int64_t count = 0;
  std::int64_t context = 0;
  if (at == std::string::npos || !parse_count(text.substr(0, at), 1, count) ||
      !parse_count(text.substr(at + 1), 1, context)) {
    throw ConfigError("--decode " + text + ": is not COUNT@CONTEXT, as 64@2048");
  }
  return {static_cast<std::int32_t>(count), context};
}

std::string words_for(const BatchDescription& batch, const BatchShape& shape) {
  std::string text = fmt::format("{} tokens:", shape.tokens());
  for (const PrefillChunk& chunk : batch.chunks) {
    text += fmt::format(" prefill {} after {},", chunk.tokens, chunk.context);
  }
  for (const auto& decode : batch.decodes) {
    text += fmt::format(" {} decodes at {},", decode.count, decode.context);
  }
  text.pop_back();
  return text;
}

std::vector<std::string> memory_lines(const MemoryAccount& account) {
  std::vector<std::string> lines = {
      "", fmt::format("memory of one GPU: budget {}", human(account.budget))};
  for (const MemoryItem& item : account.taken) {
    lines.push_back(fmt::format("  {:<28} {:>12}   {}", item.name, human(item.bytes), item.basis));
  }
  lines.push_back(fmt::format("  {:<28} {:>12}   {} blocks of {}, one of them the null block",
                              "KV cache", human(account.kv_cache), account.num_blocks,
                              human(account.block_bytes)));
  return lines;
}

std::vector<std::string> pipeline_lines(const std::vector<StageLine>& stages,
                                        const PipelineRates& rates) {
  std::vector<std::string> lines = {""};
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const StageCost& cost = stages[i].cost;
    lines.push_back(fmt::format("stage {}: {} layers, {}, then {} {}", i + 1, stages[i].layers,
                                human(cost.busy), human(cost.hand_over),
                                i + 1 < stages.size() ? "to the next" : "for tokens to the first"));
  }
  lines.push_back(fmt::format("one step alone takes {}: stages wait {:.1f} % of the time (bubble)",
                              human(rates.lone_step), 100 * rates.lone_bubble));
  lines.push_back(fmt::format(
      "{} such steps in flight: one every {}, {:.1f}/s; stages wait {:.1f} %", stages.size(),
      human(rates.period), 1 / to_seconds(rates.period), 100 * rates.full_bubble));
  return lines;
}

void add_rates(std::vector<std::string>& lines, const MemoryRates& rates) {
  lines.insert(lines.end(), {"", rates.basis});
  const auto gb = [](Bandwidth rate) {
    return static_cast<double>(rate.units_per_second()) * 1e-9;
  };
  for (const MemoryRates::Line& line : rates.lines) {
    lines.push_back(fmt::format("  {:<22} {:>6.0f} GB/s  {:>6.0f}..{:<6.0f} {:<16} {}", line.what,
                                gb(line.rate), gb(line.low), gb(line.high), line.bound,
                                line.pattern));
  }
}

}  // namespace

BatchDescription parse_batch(std::span<const std::string> prefills,
                             std::span<const std::string> decodes) {
  BatchDescription batch;
  for (const std::string& text : prefills) batch.chunks.push_back(parse_prefill(text));
  for (const std::string& text : decodes) batch.decodes.push_back(parse_decode(text));
  if (prefills.empty() && decodes.empty()) {
    throw ConfigError("orrery explain: needs --prefill TOKENS[@CONTEXT] or --decode COUNT@CONTEXT");
  }
  return batch;
}

BatchShape shape_of(const BatchDescription& batch) {
  BatchShape shape;
  shape.chunks = batch.chunks;
  for (const PrefillChunk& chunk : batch.chunks) {
    shape.prefill_tokens += chunk.tokens;
    if (chunk.samples) ++shape.sampled_rows;
  }
  for (const auto& decode : batch.decodes) {
    shape.decodes += decode.count;
    shape.sampled_rows += decode.count;
    shape.decode_context += decode.count * decode.context;
    shape.decode_context_max = std::max(shape.decode_context_max, decode.context);
    shape.decode_tiles +=
        decode.count * ((decode.context + kDecodeTileTokens - 1) / kDecodeTileTokens);
  }
  return shape;
}

Explanation explain(const Scenario& scenario, const BatchDescription& batch) {
  const World world = build_world(scenario);
  const BatchShape shape = shape_of(batch);
  Explanation result;
  result.batch = words_for(batch, shape);
  result.cost = world.cost->cost(shape);
  world.cost->explain(shape, result.breakdown);
  result.basis = world.cost->basis();
  if (!result.breakdown.stages.empty()) {
    std::vector<StageCost> stages;
    for (const StageLine& stage : result.breakdown.stages) stages.push_back(stage.cost);
    result.rates = pipeline_rates(stages);
    result.pipeline = pipeline_lines(result.breakdown.stages, *result.rates);
  }
  if (world.memory) result.memory = memory_lines(*world.memory);
  if (world.memory_rates) add_rates(result.memory, *world.memory_rates);
  return result;
}

}  // namespace orrery
