// SPDX-License-Identifier: Apache-2.0
//
// Instructions of arkhadem/aim_simulator (README and src/base/request.h, commit 0f28a07), each
// unrolled over columns and channels as its DMA does (aim_DRAM_system.cpp).
#include <optional>

#include "sim/study/devices/pim_lines.h"

namespace orrery {
namespace {

using pim::Kind;
using pim::Part;
using pim::Request;

struct AimCode {
  std::string_view name;
  Kind kind;
  Part purpose;
  /// Which of the words behind the name say how many columns, which channels, which bank and which
  /// row; 0: no such word.
  std::size_t count = 0, mask = 0, bank = 0, row = 0;
};
constexpr AimCode kAimCodes[] = {
    {"MAC_ABK", Kind::kMac, Part::kMac, 1, 2, 0, 3},
    {"MAC_SBK", Kind::kMacBank, Part::kMac, 1, 2, 3, 4},
    {"EWMUL", Kind::kMultiply, Part::kMac, 1, 2, 0, 3},
    {"AF", Kind::kFunction, Part::kMac, 0, 1, 0, 0},
    {"WR_GB", Kind::kBufferWrite, Part::kBroadcast, 1, 3, 0, 0},
    {"WR_BIAS", Kind::kBiasWrite, Part::kBroadcast, 0, 2, 0, 0},
    {"COPY_BKGB", Kind::kCopyOut, Part::kBroadcast, 1, 2, 3, 4},
    {"COPY_GBBK", Kind::kCopyIn, Part::kReadOut, 1, 2, 3, 4},
    {"RD_MAC", Kind::kResultMove, Part::kReadOut, 0, 2, 0, 0},
    {"RD_AF", Kind::kResultMove, Part::kReadOut, 0, 2, 0, 0},
    {"WR_SBK", Kind::kWrite, Part::kHost, 0, 2, 3, 4},
    {"WR_ABK", Kind::kWriteAll, Part::kHost, 0, 2, 0, 3},
    {"RD_SBK", Kind::kRead, Part::kHost, 0, 2, 3, 4},
};

[[nodiscard]] std::uint64_t aim_banks(const PimLine& line, std::size_t word, std::uint64_t all) {
  if (word == 0) return all;
  const std::uint64_t bank = line.value(word);
  if (bank >= 64 || (all >> bank & 1) == 0) line.refuse(fmt::format("there is no bank {}", bank));
  return std::uint64_t{1} << bank;
}

/// The DMA decodes nothing behind it until its data have come.
[[nodiscard]] constexpr bool blocks_dma(Kind kind) { return kind == Kind::kResultMove; }

void read_instruction(const PimLine& line, std::size_t name_at, const pim::Device& device,
                      PimPrograms& channels) {
  const std::string_view name = line.word(name_at);
  // EWADD works on the DMA's registers and takes no time there.
  if (name == "EOC" || name == "EWADD") return;
  if (name == "SYNC") return channels.drain();
  const auto* const code = std::find_if(std::begin(kAimCodes), std::end(kAimCodes),
                                        [&](const AimCode& c) { return c.name == name; });
  if (code == std::end(kAimCodes)) {
    std::string known;
    for (const AimCode& c : kAimCodes) known += fmt::format("{}, ", c.name);
    line.refuse(fmt::format("AiM instruction '{}'; known: {}EWADD, SYNC, EOC", name, known));
  }
  const auto word = [&](std::size_t at) { return at == 0 ? at : name_at + at; };
  const std::uint64_t count = code->count == 0 ? 1 : line.value(word(code->count));
  const std::uint64_t mask = line.value(word(code->mask));
  // The function's table lies in a row of its own, behind the others.
  const bool table = code->kind == Kind::kFunction;
  const std::int64_t row =
      code->row == 0 ? (table ? device.geometry.rows : 0) : line.whole(word(code->row));
  if (count == 0 || count > 1 << 16) line.refuse(fmt::format("{} columns", count));
  const std::uint64_t banks = aim_banks(line, word(code->bank), channels.all_banks());
  for (std::uint64_t channel = 0; channel < 64; ++channel) {
    if ((mask >> channel & 1) == 0) continue;
    for (std::uint64_t i = 0; i < count; ++i) {
      Request request =
          request_of(code->kind, code->purpose, banks, row, static_cast<std::int64_t>(i));
      request.barrier = request.drains = blocks_dma(code->kind);
      channels.put(channel, line, request);
    }
  }
}

/// `R MEM channel bank row` and `W MEM ...`; registers of the DMA (GPR, CFR) take no time.
void read_aim_access(const PimLine& line, std::size_t at, PimPrograms& channels) {
  const std::string_view region = line.word(at + 1);
  if (region == "GPR" || region == "CFR") return;
  if (region != "MEM") line.refuse(fmt::format("region '{}'; known: MEM, GPR, CFR", region));
  const Kind kind = line.word(at) == "R" ? Kind::kRead : Kind::kWrite;
  channels.put(line.value(at + 2), line,
               request_of(kind, Part::kHost, aim_banks(line, at + 3, channels.all_banks()),
                          line.whole(at + 4), 0));
}

/// Where the line's first word of aim_simulator stands; nothing if it is none of its lines.
[[nodiscard]] std::optional<std::size_t> aim_at(const PimLine& line) {
  // A number may stand before: the lines of its CSV files have a column for it.
  for (std::size_t i = 0; i < std::min<std::size_t>(2, line.words.size()); ++i) {
    if (line.words[i] == "AiM" || line.words[i] == "R" || line.words[i] == "W") return i;
  }
  return std::nullopt;
}

}  // namespace

bool read_aim_line(const PimLine& line, const pim::Device& device, PimPrograms& programs) {
  const std::optional<std::size_t> at = aim_at(line);
  if (!at) return false;
  if (device.style != pim::Style::kAim) {
    line.refuse("AiM instructions need a device of style aim");
  }
  if (line.words[*at] == "AiM") {
    read_instruction(line, *at + 1, device, programs);
  } else {
    read_aim_access(line, *at, programs);
  }
  return true;
}

}  // namespace orrery
