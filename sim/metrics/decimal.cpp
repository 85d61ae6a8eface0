// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/decimal.h"

#include "sim/core/check.h"

namespace orrery {

char* put_microseconds(char* out, Duration d) {
  constexpr std::int64_t kPicoseconds = 1'000'000;  // in a microsecond
  ORRERY_CHECK(d.count() >= 0);
  out = put_integer(out, d.count() / kPicoseconds);
  *out++ = '.';
  std::int64_t rest = d.count() % kPicoseconds;
  for (int digit = 5; digit >= 0; --digit, rest /= 10)
    out[digit] = static_cast<char>('0' + rest % 10);
  return out + 6;
}

}  // namespace orrery
