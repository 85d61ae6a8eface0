// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_APP_ARGUMENTS_H_
#define ORRERY_SIM_APP_ARGUMENTS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// The options of one command and, first of all, the file it is about (if `file` is not empty).
/// Throws ConfigError for what does not parse.
class Arguments {
 public:
  Arguments(std::string_view command, std::string_view file);
  ~Arguments();

  /// Adds an option: `--name` (a flag), or `--name VALUE`, once or several times.
  void flag(const char* name, const char* help);
  void value(const char* name, const char* help);
  void values(const char* name, const char* help);

  /// True if help was asked for and printed.
  [[nodiscard]] bool parse(const std::vector<std::string>& words);

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool has(const char* name) const;
  /// Empty where it was not given.
  [[nodiscard]] std::string text(const char* name) const;
  [[nodiscard]] std::vector<std::string> texts(const char* name) const;

 private:
  struct Parser;

  std::string command_;
  std::string file_kind_;
  std::string file_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_APP_ARGUMENTS_H_
