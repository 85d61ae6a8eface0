// SPDX-License-Identifier: Apache-2.0
//
// A GPU's fits as a text file of lines, so that they can be shipped, compared and read quickly.
// Beside the named parameters, ranges and errors it holds the residual ensembles: their borders,
// and a line a tree of its questions (feature and border, a letter each) and answers (a letter
// each). The letters are those of ASCII from '!' up.
#ifndef ORRERY_MODELS_CALIBRATION_FITS_TEXT_H_
#define ORRERY_MODELS_CALIBRATION_FITS_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/kernel_fit.h"

namespace orrery {

[[nodiscard]] std::string write_fits(const std::vector<FitRecord>& records);
/// Reads back exactly what was written. Throws ConfigError with `name` and the line.
[[nodiscard]] std::vector<FitRecord> read_fits(std::string_view text, const std::string& name);

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_FITS_TEXT_H_
