// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/arguments.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "kernels/host/plan.h"

namespace orrery::kernels {
namespace {

template <class Number>
Number number_of(std::string_view option, const std::string& word, Number least, Number most) {
  Number value{};
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  if (result.ec != std::errc() || result.ptr != word.data() + word.size() || !(value >= least) ||
      !(value <= most)) {
    std::ostringstream text;
    text << option << ": '" << word << "' is not a number from " << least << " to " << most;
    throw std::invalid_argument(text.str());
  }
  return value;
}

std::vector<std::string> parts_of(const std::string& word) {
  std::vector<std::string> parts;
  std::istringstream stream(word);
  for (std::string part; std::getline(stream, part, ',');) {
    if (std::find(kParts.begin(), kParts.end(), part) == kParts.end()) {
      std::string known;
      for (const std::string_view name : kParts) known += " " + std::string(name);
      throw std::invalid_argument("--parts: '" + part + "' is not a part; known:" + known);
    }
    parts.push_back(part);
  }
  return parts;
}

void check_date(const std::string& date) {
  const auto digits = [&](std::size_t from, std::size_t to) {
    return std::all_of(date.begin() + static_cast<std::ptrdiff_t>(from),
                       date.begin() + static_cast<std::ptrdiff_t>(to),
                       [](char c) { return c >= '0' && c <= '9'; });
  };
  if (date.size() == 10 && date[4] == '-' && date[7] == '-' && digits(0, 4) && digits(5, 7) &&
      digits(8, 10)) {
    return;
  }
  throw std::invalid_argument("--date: '" + date + "' is not a day like 2026-11-21");
}

Command command_of(const std::string& word) {
  if (word == "list") return Command::kList;
  if (word == "check") return Command::kCheck;
  if (word == "measure") return Command::kMeasure;
  if (word == "help" || word == "--help") return Command::kHelp;
  throw std::invalid_argument("'" + word + "' is not a command; known: check, list, measure");
}

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  if (words.empty()) return arguments;
  arguments.command = command_of(words[0]);
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string& option = words[i];
    if (i + 1 == words.size()) throw std::invalid_argument(option + ": has no value");
    const std::string& value = words[i + 1];
    if (option == "--parts") {
      arguments.parts = parts_of(value);
    } else if (option == "--out") {
      arguments.out = value;
    } else if (option == "--date") {
      check_date(value);
      arguments.date = value;
    } else if (option == "--device") {
      arguments.device = number_of(option, value, 0, 63);
    } else if (option == "--passes") {
      arguments.passes = number_of(option, value, 1, 100);
    } else if (option == "--seconds") {
      arguments.seconds = number_of(option, value, 1.0, 86400.0);
    } else if (option == "--case-ms") {
      arguments.case_ms = number_of(option, value, 0.1, 10000.0);
    } else {
      throw std::invalid_argument("'" + option + "' is not an option; known: --parts --out " +
                                  "--date --device --passes --seconds --case-ms");
    }
  }
  if (arguments.parts.empty()) arguments.parts.assign(kParts.begin(), kParts.end());
  if (arguments.command == Command::kMeasure && (arguments.out.empty() || arguments.date.empty())) {
    throw std::invalid_argument("measure: needs --out TABLE.csv and --date YYYY-MM-DD");
  }
  return arguments;
}

std::string usage() {
  return "orrery-kernels check   [--device N]                  kernels against their references\n"
         "orrery-kernels list    [--parts a,b]                 what would be measured\n"
         "orrery-kernels measure --out TABLE.csv --date DAY [--parts a,b] [--passes N]\n"
         "                       [--seconds S] [--case-ms MS] [--device N]\n"
         "A table that is there is gone on with: rows that it has are not measured again.\n";
}

}  // namespace orrery::kernels
