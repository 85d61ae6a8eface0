// SPDX-License-Identifier: Apache-2.0
#include "sim/app/arguments.h"

#include <boost/program_options.hpp>
#include <iostream>

#include "sim/core/errors.h"

namespace orrery {

namespace po = boost::program_options;

struct Arguments::Parser {
  po::options_description described;
  po::variables_map given;
};

Arguments::Arguments(std::string_view command, std::string_view file)
    : command_(command), file_kind_(file), parser_(std::make_unique<Parser>()) {
  parser_->described.add_options()("help,h", "show this");
}

Arguments::~Arguments() = default;

bool Arguments::has(const char* name) const { return parser_->given.count(name) > 0; }

void Arguments::flag(const char* name, const char* help) {
  parser_->described.add_options()(name, help);
}

void Arguments::value(const char* name, const char* help) {
  parser_->described.add_options()(name, po::value<std::string>(), help);
}

void Arguments::values(const char* name, const char* help) {
  parser_->described.add_options()(name, po::value<std::vector<std::string>>()->composing(), help);
}

bool Arguments::parse(const std::vector<std::string>& words) {
  po::options_description all;
  all.add(parser_->described);
  all.add_options()("file", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("file", -1);
  try {
    namespace style = po::command_line_style;
    po::store(po::command_line_parser(words)
                  .options(all)
                  .positional(positions)
                  .style(style::unix_style & ~style::allow_guessing)
                  .run(),
              parser_->given);
  } catch (const po::error& error) {
    throw ConfigError("orrery " + command_ + ": " + error.what());
  }
  if (parser_->given.count("help") > 0) {
    std::cout << "orrery " << command_ << " " << file_kind_ << "\n" << parser_->described;
    return true;
  }
  const std::vector<std::string> files = texts("file");
  const std::size_t wanted = file_kind_.empty() ? 0 : 1;
  if (files.size() < wanted) throw ConfigError("orrery " + command_ + ": needs " + file_kind_);
  if (files.size() > wanted) {
    throw ConfigError("orrery " + command_ + ": '" + files[wanted] + "' is one argument too many");
  }
  if (wanted == 1) file_ = files.front();
  return false;
}

std::string Arguments::text(const char* name) const {
  return has(name) ? parser_->given[name].as<std::string>() : std::string();
}

std::vector<std::string> Arguments::texts(const char* name) const {
  return has(name) ? parser_->given[name].as<std::vector<std::string>>()
                   : std::vector<std::string>();
}

}  // namespace orrery
