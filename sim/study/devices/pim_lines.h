// SPDX-License-Identifier: Apache-2.0
//
// Files of PIM commands line by line: what the readers of each form of them share.
#ifndef ORRERY_SIM_STUDY_DEVICES_PIM_LINES_H_
#define ORRERY_SIM_STUDY_DEVICES_PIM_LINES_H_

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/errors.h"
#include "sim/hardware/pim/command.h"
#include "sim/hardware/pim/device.h"

namespace orrery {

/// One line, cut at commas and blanks, with where it stands for the errors.
struct PimLine {
  const std::string* path = nullptr;
  int number = 0;
  std::vector<std::string_view> words;

  [[noreturn]] void refuse(const std::string& what) const {
    throw TraceError(fmt::format("{}:{}: {}", *path, number, what));
  }
  [[nodiscard]] std::string_view word(std::size_t i) const {
    if (i >= words.size()) refuse(fmt::format("ends before its value {}", i + 1));
    return words[i];
  }
  [[nodiscard]] std::uint64_t value(std::size_t i) const {
    std::string_view text = word(i);
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
      text.remove_prefix(2);
      base = 16;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) {
      refuse(fmt::format("'{}' is not a whole number", word(i)));
    }
    return value;
  }
  [[nodiscard]] std::int64_t whole(std::size_t i) const {
    const std::uint64_t text = value(i);
    if (text > std::uint64_t{1} << 30) refuse(fmt::format("{} is too large", text));
    return static_cast<std::int64_t>(text);
  }
};

/// A program a channel while a file is read.
class PimPrograms {
 public:
  explicit PimPrograms(const pim::Device& device)
      : device_(device), programs_(static_cast<std::size_t>(device.geometry.channels)) {
    const std::int64_t banks = device.geometry.banks_of_channel();
    all_ = banks == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << banks) - 1;
  }
  [[nodiscard]] std::uint64_t all_banks() const { return all_; }

  pim::Program& at(std::uint64_t channel, const PimLine& line) {
    if (channel >= programs_.size()) {
      line.refuse(fmt::format("channel {} is not among the {} of {}", channel, programs_.size(),
                              device_.name));
    }
    return programs_[channel];
  }
  void put(std::uint64_t channel, const PimLine& line, const pim::Request& request) {
    const pim::Geometry& g = device_.geometry;
    const std::int64_t rows = g.rows + (request.kind == pim::Kind::kFunction ? 1 : 0);
    if (request.row < 0 || request.row >= rows) {
      line.refuse(fmt::format("row {} is not among the {} of a bank", request.row, g.rows));
    }
    if (pim::uses_rows(request.kind) && (request.column < 0 || request.column >= g.columns)) {
      line.refuse(fmt::format("column {} is not among the {} of a row", request.column, g.columns));
    }
    at(channel, line).push_back(request);
  }

  /// What is behind waits for what is before, and for its data.
  void drain() {
    for (pim::Program& program : programs_) {
      if (!program.empty()) program.back().barrier = program.back().drains = true;
    }
  }

  [[nodiscard]] pim::Plan plan() const {
    pim::Plan plan;
    for (std::int64_t channel = -1; const pim::Program& program : programs_) {
      ++channel;
      if (program.empty()) continue;
      const auto same = std::find_if(plan.begin(), plan.end(), [&](const pim::ChannelWork& work) {
        return work.program == program;
      });
      if (same != plan.end()) {
        same->members.push_back(channel);
      } else {
        plan.push_back({program, {channel}});
      }
    }
    return plan;
  }

 private:
  const pim::Device& device_;
  std::vector<pim::Program> programs_;
  std::uint64_t all_ = 0;
};

[[nodiscard]] inline pim::Request request_of(pim::Kind kind, pim::Part purpose, std::uint64_t banks,
                                             std::int64_t row, std::int64_t column) {
  pim::Request request;
  request.kind = kind;
  request.purpose = purpose;
  request.banks = banks;
  request.row = static_cast<std::int32_t>(row);
  request.column = static_cast<std::int32_t>(column);
  return request;
}

/// Puts a line of aim_simulator's into the programs; false if it is none. Throws TraceError.
bool read_aim_line(const PimLine& line, const pim::Device& device, PimPrograms& programs);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_DEVICES_PIM_LINES_H_
