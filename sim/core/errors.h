// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CORE_ERRORS_H_
#define ORRERY_SIM_CORE_ERRORS_H_

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace orrery {

/// Where a user wrote something: 1-based line and column, 0 where they make no sense.
struct Position {
  std::string file;
  int line = 0;
  int column = 0;

  /// `file:line:col`, leaving out what is 0.
  [[nodiscard]] std::string text() const;
};

/// An error a user can mend. what() is one line, ready to print; nothing else is printed with it.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Bad configuration or usage: `file:line:col: key.path: what is wrong`. Exit code 2.
class ConfigError final : public UserError {
 public:
  explicit ConfigError(const std::string& what) : UserError(what) {}
  ConfigError(const Position& at, std::string_view key_path, std::string_view what);
};

/// A malformed trace row: `trace.csv:17: column output_tokens: what is wrong`. Exit code 3.
class TraceError final : public UserError {
 public:
  explicit TraceError(const std::string& what) : UserError(what) {}
  TraceError(const Position& at, std::string_view column, std::string_view what);
};

/// A policy did what the mechanism forbids, or promised what did not hold. Exit code 1.
class PolicyError final : public UserError {
 public:
  using UserError::UserError;
};

/// A run that could not be carried to its end for a reason that is the scenario's. Exit code 1.
class RunError final : public UserError {
 public:
  using UserError::UserError;
};

/// The known name nearest to `given`, or empty when none is near enough to be a slip of the finger.
[[nodiscard]] std::string_view nearest(std::string_view given,
                                       std::span<const std::string_view> known);

/// `known: a, b, c (did you mean b?)`, for the end of an error line.
[[nodiscard]] std::string known_names(std::string_view given,
                                      std::span<const std::string_view> known);

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_ERRORS_H_
