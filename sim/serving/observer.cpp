// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/observer.h"

#include <array>

namespace orrery {

std::string_view name_of(RequestStatus status) {
  static constexpr std::array<std::string_view, 4> kNames = {"finished_length", "finished_eos",
                                                             "rejected", "unfinished"};
  return kNames[static_cast<std::size_t>(status)];
}

}  // namespace orrery
