// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_UNIT_CONFIG_CONFIG_ERRORS_H_
#define ORRERY_TESTS_UNIT_CONFIG_CONFIG_ERRORS_H_

#include <string>

#include "sim/core/errors.h"

namespace orrery {

/// The line a user would see, or "no error".
template <class Action>
std::string config_error_of(Action action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace orrery

#endif  // ORRERY_TESTS_UNIT_CONFIG_CONFIG_ERRORS_H_
