// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_CALIBRATION_CALIBRATE_H_
#define ORRERY_SIM_STUDY_CALIBRATION_CALIBRATE_H_

#include <string>
#include <vector>

#include "models/calibration/kernel_fit.h"
#include "sim/hardware/gpu.h"
#include "sim/study/calibration/table.h"

namespace orrery {

/// Each kernel set of the rows fitted on its own. Rows over several ranks are refused: none of the
/// fitted operators runs over more than one. Throws ConfigError where a set has fewer than 50
/// rows, too few to leave some out.
[[nodiscard]] std::vector<FitRecord> calibrate(const GpuSpec& gpu,
                                               const std::vector<MeasuredRow>& rows);

/// Writes the hardware of `base_path` to `out` (.yaml) with a `calibration:` that names the fits,
/// which are written beside it under the same name with the ending .fits; without records the
/// base's calibration stays. A `memory_system` (memory_fit.h) takes the place of the base's; empty:
/// that stays.
void write_calibrated(const std::string& base_path, const std::vector<FitRecord>& records,
                      const std::string& out, const std::string& memory_system = {});

/// The fits of a GPU's calibration file; none where it names none.
[[nodiscard]] std::vector<KernelFit> load_fits(const GpuSpec& gpu);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_CALIBRATE_H_
