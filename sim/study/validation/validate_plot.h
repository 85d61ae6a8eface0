// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_VALIDATION_VALIDATE_PLOT_H_
#define ORRERY_SIM_STUDY_VALIDATION_VALIDATE_PLOT_H_

#include <string>

#include "sim/study/validation/validate.h"

namespace orrery {

/// Predicted over measured microseconds as an SVG picture: both axes logarithmic, a dot a point in
/// its kernel set's colour, the line of no error with 10 % to each side, and each set's errors in
/// the legend. There has to be a point.
[[nodiscard]] std::string scatter_svg(const Validation& validation);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_VALIDATION_VALIDATE_PLOT_H_
