// SPDX-License-Identifier: Apache-2.0
//
// exp, log and pow of our own, because those of libm differ in the last bit between distributions
// and what is drawn with them reaches facts. Only +, -, *, /, sqrt and integer work inside, which
// IEEE 754 fixes. Within 4 units in the last place of the true value.
#ifndef ORRERY_SIM_CORE_MATH_H_
#define ORRERY_SIM_CORE_MATH_H_

namespace orrery::math {

[[nodiscard]] double exp(double x);
/// x > 0.
[[nodiscard]] double log(double x);
/// base > 0.
[[nodiscard]] double pow(double base, double exponent);
[[nodiscard]] double cos_turns(double turns);  ///< cos(2 pi turns).

}  // namespace orrery::math

#endif  // ORRERY_SIM_CORE_MATH_H_
