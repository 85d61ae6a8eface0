// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/fingerprint.h"

namespace orrery {

std::string Fingerprint::text() const {
  std::string digits(16, '0');
  for (std::size_t i = 0; i < 16; ++i) digits[15 - i] = "0123456789abcdef"[hash_ >> (4 * i) & 15U];
  return digits;
}

}  // namespace orrery
