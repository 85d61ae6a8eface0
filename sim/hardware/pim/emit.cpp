// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pim/emit.h"

#include <algorithm>
#include <map>

#include "sim/core/errors.h"

namespace orrery::pim {

void Emit::put(Kind kind, Part purpose, const Place& place, std::int64_t operand) {
  Request request;
  request.kind = kind;
  request.purpose = purpose;
  request.banks = place.banks;
  request.row = static_cast<std::int32_t>(place.row);
  request.column = static_cast<std::int32_t>(place.column);
  request.operand = static_cast<std::int32_t>(operand);
  program_.push_back(request);
}

void Emit::barrier() {
  if (!program_.empty()) program_.back().barrier = true;
}

void Emit::drain() {
  barrier();
  if (!program_.empty()) program_.back().drains = true;
}

void Emit::append(const Program& more) {
  program_.insert(program_.end(), more.begin(), more.end());
}

Plan plan_channels(std::int64_t channels,
                   const std::function<std::vector<std::int64_t>(std::int64_t)>& key,
                   const std::function<Program(std::int64_t)>& program) {
  Plan plan;
  std::map<std::vector<std::int64_t>, std::size_t> known;
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto [it, is_new] = known.emplace(key(c), plan.size());
    if (is_new) plan.push_back({program(c), {}});
    plan[it->second].members.push_back(c);
  }
  std::erase_if(plan, [](const ChannelWork& work) { return work.program.empty(); });
  return plan;
}

std::vector<std::vector<HeadPart>> deal_heads(const Device& device, const Attention& attention) {
  const std::int64_t channels = device.geometry.channels;
  // AttAcc keeps a head in one channel: its softmax unit sits on the channel's buffer die.
  const bool cut = device.style != Style::kAttacc;
  const std::int64_t parts =
      cut ? std::max<std::int64_t>(1, channels / attention.kv_heads) : std::int64_t{1};
  const std::int64_t length = ceil_div(attention.context, parts);
  std::vector<std::vector<HeadPart>> dealt(static_cast<std::size_t>(channels));
  for (std::int64_t unit = 0; unit < attention.kv_heads * parts; ++unit) {
    const std::int64_t first = unit % parts * length;
    const std::int64_t tokens = std::min(length, attention.context - first);
    if (tokens <= 0) continue;
    dealt[static_cast<std::size_t>(unit % channels)].push_back({unit / parts, first, tokens});
  }
  return dealt;
}

namespace {

std::vector<std::int64_t> token_counts(const std::vector<HeadPart>& parts) {
  std::vector<std::int64_t> tokens;
  for (const HeadPart& part : parts) tokens.push_back(part.tokens);
  return tokens;
}

void check_attention(const Attention& a) {
  if (a.heads < 1 || a.kv_heads < 1 || a.dim < 1 || a.context < 1) {
    throw ConfigError("attention: heads, KV heads, dimension and context must be above 0");
  }
  if (a.heads % a.kv_heads != 0) {
    throw ConfigError("attention: " + std::to_string(a.heads) + " heads are not a multiple of " +
                      std::to_string(a.kv_heads) + " KV heads");
  }
}

}  // namespace

Plan plan_heads(const Device& device, const Attention& attention,
                const std::function<Program(const std::vector<std::int64_t>&)>& program) {
  check_attention(attention);
  const auto dealt = deal_heads(device, attention);
  const auto tokens = [&](std::int64_t c) {
    return token_counts(dealt[static_cast<std::size_t>(c)]);
  };
  return plan_channels(device.geometry.channels, tokens, [&](std::int64_t c) {
    return tokens(c).empty() ? Program{} : program(tokens(c));
  });
}

Located locate(const Device& device, const Attention& attention, std::int64_t kv_head,
               std::int64_t token) {
  const auto dealt = deal_heads(device, attention);
  for (std::size_t c = 0; c < dealt.size(); ++c) {
    for (std::size_t p = 0; p < dealt[c].size(); ++p) {
      const HeadPart& part = dealt[c][p];
      if (part.kv_head != kv_head || token < part.first_token ||
          token >= part.first_token + part.tokens) {
        continue;
      }
      return {static_cast<std::int64_t>(c), static_cast<std::int64_t>(p), token - part.first_token,
              token_counts(dealt[c])};
    }
  }
  throw ConfigError("attention: token " + std::to_string(token) + " is not in the context");
}

void check_rows(const Device& device, std::int64_t rows, std::int64_t available) {
  if (rows <= available) return;
  throw ConfigError(device.name + ": the operands need " + std::to_string(rows) +
                    " rows of a bank, of which " + std::to_string(available) + " hold operands");
}

Plan Mapper::elementwise(const Elementwise&) const {
  throw ConfigError("element-wise operations: only devices of the samsung style have them");
}

std::unique_ptr<Mapper> make_mapper(const Device& device) {
  switch (device.style) {
    case Style::kSamsung:
      return make_samsung_mapper(device);
    case Style::kAttacc:
      return make_attacc_mapper(device);
    default:
      return make_newton_mapper(device);
  }
}

Plan host_accesses(const Device& device, Bytes read, Bytes written) {
  const Geometry& g = device.geometry;
  const std::int64_t banks = g.banks_of_channel();
  const std::int64_t per_row = banks * g.columns;
  const std::int64_t reads = ceil_div(read.count(), g.access.count());
  const std::int64_t writes = ceil_div(written.count(), g.access.count());
  const auto of_channel = [&](std::int64_t all, std::int64_t c) {
    return (all - c + g.channels - 1) / g.channels;
  };
  const auto key = [&](std::int64_t c) {
    return std::vector<std::int64_t>{of_channel(reads, c), of_channel(writes, c)};
  };
  return plan_channels(g.channels, key, [&](std::int64_t c) {
    Emit emit;
    const std::int64_t all = of_channel(reads, c) + of_channel(writes, c);
    for (std::int64_t i = 0; i < all; ++i) {
      if (i == of_channel(reads, c)) emit.drain();
      emit.put(i < of_channel(reads, c) ? Kind::kRead : Kind::kWrite, Part::kHost,
               {BankSet{1} << (i % banks), i / per_row, i % per_row / banks});
    }
    return emit.take();
  });
}

}  // namespace orrery::pim
