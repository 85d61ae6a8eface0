// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::kernels {
namespace {

constexpr std::string_view kFirstLine = "# orrery measured table 1";
constexpr std::string_view kHeader =
    "op,dtype,kv_dtype,m,n,k,batch,query,context,heads,kv_heads,head_dim,window,ranks,detail,"
    "operands,launch,floor,load,pass,latency_us,p10_us,p90_us,repeats,bytes,flops,power_w,sm_mhz,"
    "memory_mhz,temperature_c,device,source,driver,cuda,date";
constexpr std::size_t kColumns = 35;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

/// Six figures say more than a clock knows, and every count up to a million exactly.
std::string figure(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

/// Sizes are counts and lose no digit.
std::string count(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.0f", value);
  return text.data();
}

std::string unless_zero(double value) { return value == 0 ? "" : figure(value); }

void check_text(const std::string& text) {
  if (text.find_first_of(",\n\r") != std::string::npos) {
    throw std::invalid_argument("'" + text + "' has a comma or a line's end");
  }
}

bool is_attention(const std::string& op) {
  return op == "prefill_attention" || op == "decode_attention" || op == "mixed_attention";
}

template <std::size_t N>
std::uint8_t place(const std::array<std::string_view, N>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) throw std::runtime_error("'" + name + "' is not known");
  return static_cast<std::uint8_t>(at - names.begin());
}

std::int64_t whole(const std::string& cell) { return cell.empty() ? 0 : std::stoll(cell); }

Case case_of(const std::vector<std::string>& cells) {
  Case row;
  row.op = cells[0];
  row.dtype = cells[1];
  row.kv_dtype = cells[2];
  std::int64_t* const figures[] = {&row.m,     &row.n,        &row.k,
                                   &row.batch, &row.query,    &row.context,
                                   &row.heads, &row.kv_heads, &row.head_dim};
  for (std::size_t i = 0; i < 9; ++i) *figures[i] = whole(cells[3 + i]);
  row.ranks = whole(cells[13]);
  row.detail = Detail(cells[14]);
  row.operands = static_cast<Operands>(place(kOperandsNames, cells[15]));
  row.launch = static_cast<Launch>(place(kLaunchNames, cells[16]));
  row.load = static_cast<Load>(place(kLoadNames, cells[18]));
  row.pass = static_cast<int>(whole(cells[19]));
  return row;
}

}  // namespace

std::string table_head() { return std::string(kFirstLine) + "\n" + std::string(kHeader) + "\n"; }

std::string table_line(const Case& done, const Spread& spread, const BoardState& board,
                       const Provenance& provenance) {
  for (const std::string& text :
       {done.op, done.dtype, done.kv_dtype, provenance.device, provenance.source, provenance.driver,
        provenance.cuda, provenance.date}) {
    check_text(text);
  }
  const bool attention = is_attention(done.op);
  std::string line = done.op + "," + done.dtype + "," + done.kv_dtype;
  for (const std::int64_t value : {done.m, done.n, done.k}) {
    line += "," + (value == 0 ? "" : std::to_string(value));
  }
  // A context of no tokens is a figure, not a gap.
  for (const std::int64_t value :
       {done.batch, done.query, done.context, done.heads, done.kv_heads, done.head_dim}) {
    line += "," + (value == 0 && !attention ? "" : std::to_string(value));
  }
  line += attention ? ",0" : ",";
  line += "," + std::to_string(done.ranks) + "," + done.detail.all();
  line += "," + std::string(kOperandsNames[static_cast<std::size_t>(done.operands)]);
  line += "," + std::string(kLaunchNames[static_cast<std::size_t>(done.launch)]);
  line += ",included," + std::string(kLoadNames[static_cast<std::size_t>(done.load)]);
  line += "," + std::to_string(done.pass);
  for (const double value : {spread.median, spread.p10, spread.p90}) line += "," + figure(value);
  line += "," + std::to_string(spread.repeats);
  for (const double value : {done.bytes, done.flops}) {
    line += "," + (value == 0 ? "" : count(value));
  }
  for (const double value : {board.power_w, board.sm_mhz, board.memory_mhz, board.temperature_c}) {
    line += "," + unless_zero(value);
  }
  return line + "," + provenance.device + "," + provenance.source + "," + provenance.driver + "," +
         provenance.cuda + "," + provenance.date;
}

Table::Table(const std::string& path, Provenance provenance)
    : path_(path), provenance_(std::move(provenance)) {
  const bool goes_on = std::filesystem::exists(path) && std::filesystem::file_size(path) > 0;
  if (goes_on) {
    std::ifstream old(path);
    std::string line;
    std::getline(old, line);
    std::string header;
    std::getline(old, header);
    if (line != kFirstLine || header != kHeader) {
      throw std::runtime_error(path + " is not a table of this program's");
    }
    for (int number = 3; std::getline(old, line); ++number) {
      const std::vector<std::string> cells = split(line);
      const std::string at = path + ":" + std::to_string(number) + ": ";
      if (cells.size() != kColumns || old.eof()) {
        throw std::runtime_error(at + "is cut short: remove that line to go on");
      }
      if (cells[30] != provenance_.device || cells[31] != provenance_.source ||
          cells[32] != provenance_.driver || cells[33] != provenance_.cuda) {
        throw std::runtime_error(at + "was measured on " + cells[30] + " with " + cells[31] +
                                 ", driver " + cells[32] + " and CUDA " + cells[33] +
                                 ": begin another file");
      }
      keys_.insert(case_of(cells).key());
    }
  }
  file_.open(path, std::ios::app);
  if (!file_) throw std::runtime_error(path + " cannot be written");
  if (!goes_on) file_ << table_head() << std::flush;
}

void Table::add(const Case& done, const Spread& spread, const BoardState& board) {
  file_ << table_line(done, spread, board, provenance_) << "\n" << std::flush;
  if (!file_) throw std::runtime_error(path_ + " cannot be written");
  keys_.insert(done.key());
}

}  // namespace orrery::kernels
