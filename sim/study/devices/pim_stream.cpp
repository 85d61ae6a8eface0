// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/pim_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sim/core/errors.h"
#include "sim/study/devices/pim_lines.h"
#include "sim/workload/byte_source.h"

namespace orrery {
namespace {

using pim::Kind;
using pim::Part;
using pim::Request;

constexpr std::string_view kHeader =
    "ck,kind,channels,command,purpose,banks,row,column,barrier,host";

std::string text_of(const std::string& path) {
  const auto source = open_file(path);
  std::string text;
  std::string buffer(1 << 16, '\0');
  while (const std::size_t got = source->read({buffer.data(), buffer.size()})) {
    text.append(buffer, 0, got);
  }
  return text;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view kBetween = ", \t\r";
  while (true) {
    const std::size_t begin = text.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(kBetween), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// --- attacc_simulator ---------------------------------------------------------------------------

struct AttaccCode {
  std::string_view name;
  Kind kind;
  Part purpose;
};
constexpr AttaccCode kAttaccCodes[] = {
    {"PIM_MAC_AB", Kind::kMac, Part::kMac},
    {"PIM_MAC_SB", Kind::kMacBank, Part::kMac},
    {"PIM_MAC_PB", Kind::kMacBank, Part::kMac},
    {"PIM_WR_GB", Kind::kBufferWrite, Part::kBroadcast},
    {"PIM_MV_GB", Kind::kBufferMove, Part::kBroadcast},
    {"PIM_MV_SB", Kind::kResultMove, Part::kReadOut},
    {"PIM_SFM", Kind::kSoftmax, Part::kReadOut},
};

/// Addresses are, from the top: channel, pseudo-channel, rank, bank group, bank, row, column, byte.
void read_attacc_line(const PimLine& line, const pim::Device& device, PimPrograms& channels) {
  const pim::Geometry& g = device.geometry;
  std::uint64_t address = line.value(1) / static_cast<std::uint64_t>(g.access.count());
  const auto field = [&](std::int64_t size) {
    const auto n = static_cast<std::uint64_t>(size);
    const std::uint64_t value = address % n;
    address /= n;
    return static_cast<std::int64_t>(value);
  };
  const std::int64_t column = field(g.columns);
  const std::int64_t row = field(g.rows);
  const std::int64_t bank = field(g.banks_of_channel());
  if (line.words[0] == "PIM_BARRIER") {
    pim::Program& program = channels.at(address, line);
    if (!program.empty()) program.back().barrier = true;
    return;
  }
  const auto* const code =
      std::find_if(std::begin(kAttaccCodes), std::end(kAttaccCodes),
                   [&](const AttaccCode& c) { return c.name == line.words[0]; });
  if (code == std::end(kAttaccCodes)) {
    line.refuse(
        fmt::format("request '{}'; known: PIM_MAC_AB, PIM_MAC_SB, PIM_MAC_PB, PIM_WR_GB, "
                    "PIM_MV_GB, PIM_MV_SB, PIM_SFM, PIM_BARRIER",
                    line.words[0]));
  }
  const bool same_bank = line.words[0] == "PIM_MAC_SB";
  if (same_bank && device.compute.level != pim::Level::kBankGroup) {
    line.refuse("PIM_MAC_SB needs a device with compute.level: bank-group");
  }
  std::uint64_t banks = std::uint64_t{1} << bank;
  if (code->kind == Kind::kMac) banks = channels.all_banks();
  if (code->kind == Kind::kMacBank) {
    // It reaches the same bank of all pseudo-channels, or of all bank groups of them.
    const std::int64_t step = same_bank ? g.banks : g.banks_of_channel() / g.pseudo_channels;
    banks = 0;
    for (std::int64_t b = bank % step; b < g.banks_of_channel(); b += step) {
      banks |= std::uint64_t{1} << b;
    }
  }
  channels.put(address, line, request_of(code->kind, code->purpose, banks, row, column));
}

// --- our own ------------------------------------------------------------------------------------

template <class Names>
std::size_t name_index(const PimLine& line, std::size_t at, const Names& names) {
  const auto it = std::find(names.begin(), names.end(), line.word(at));
  if (it == names.end()) line.refuse(fmt::format("'{}' is not known here", line.word(at)));
  return static_cast<std::size_t>(it - names.begin());
}

/// Which channels they were is not in the file: they are counted up.
void add_kind(const PimLine& line, pim::Plan& plan) {
  pim::ChannelWork work;
  std::int64_t first = 0;
  for (const pim::ChannelWork& earlier : plan) first += earlier.channels();
  const std::uint64_t count = line.value(2);
  if (count == 0 || count > 1024) line.refuse(fmt::format("{} channels", count));
  for (std::uint64_t i = 0; i < count; ++i) {
    work.members.push_back(first + static_cast<std::int64_t>(i));
  }
  plan.push_back(std::move(work));
}

/// Row commands, modes and refresh are left out: the channel makes them anew.
void read_own_line(const PimLine& line, pim::Plan& plan) {
  const std::uint64_t kind = line.value(1);
  if (kind > plan.size()) line.refuse("the kinds of channels are not counted up");
  if (kind == plan.size()) add_kind(line, plan);
  Request request;
  request.kind = static_cast<Kind>(name_index(line, 3, pim::kKindNames));
  request.purpose = static_cast<Part>(name_index(line, 4, pim::kPartNames));
  request.banks = line.value(5);
  request.row = static_cast<std::int32_t>(line.value(6));
  request.column = static_cast<std::int32_t>(line.value(7));
  request.barrier = line.value(8) != 0;
  request.drains = line.value(8) == 2;
  if (is_column(request.kind) && line.value(9) == 0) plan[kind].program.push_back(request);
}

}  // namespace

pim::Plan read_pim_commands(const pim::Device& device, const std::string& path) {
  const std::string text = text_of(path);
  PimPrograms channels(device);
  pim::Plan own;
  bool is_own = false;
  PimLine line{&path, 0, {}};
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++line.number;
    if (content == kHeader) {
      is_own = true;
      continue;
    }
    line.words = words_of(content);
    if (line.words.empty() || line.words[0].starts_with("#")) continue;
    if (is_own) {
      read_own_line(line, own);
    } else if (read_aim_line(line, device, channels)) {
      continue;
    } else if (line.words[0].starts_with("PIM_")) {
      if (device.style != pim::Style::kAttacc) {
        line.refuse("PIM_ requests need a device of style attacc");
      }
      read_attacc_line(line, device, channels);
    } else {
      line.refuse("is neither a written command file, nor an AiM instruction, nor a PIM_ request");
    }
  }
  return is_own ? own : channels.plan();
}

PimCommandFile::PimCommandFile(const std::string& path)
    : path_(path), file_(std::fopen(path.c_str(), "w")) {
  if (file_ == nullptr) throw RunError(path + ": cannot be written");
  fmt::print(file_, "{}\n", kHeader);
}

PimCommandFile::~PimCommandFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void PimCommandFile::write(std::int64_t channels, const pim::ChannelRun& run) {
  std::string lines;
  for (const pim::Issued& c : run.commands) {
    fmt::format_to(std::back_inserter(lines), "{},{},{},{},{},{:#x},{},{},{},{}\n", c.at, kind_,
                   channels, pim::kKindNames[pim::index_of(c.kind)],
                   pim::kPartNames[pim::index_of(c.purpose)], c.banks, c.row, c.column,
                   c.drains    ? 2
                   : c.barrier ? 1
                               : 0,
                   c.host ? 1 : 0);
  }
  ++kind_;
  if (std::fwrite(lines.data(), 1, lines.size(), file_) != lines.size()) {
    throw RunError(path_ + ": cannot be written");
  }
}

void PimCommandFile::close() {
  const int result = std::fclose(file_);
  file_ = nullptr;
  if (result != 0) throw RunError(path_ + ": cannot be written");
}

}  // namespace orrery
