// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_CALIBRATION_DEVICE_H_
#define ORRERY_SIM_STUDY_CALIBRATION_DEVICE_H_

#include <string>

namespace orrery {

/// The microkernels' program, as it is called where PATH leads to it.
inline constexpr const char* kKernelsProgram = "orrery-kernels";

/// Lets the microkernels' program time a GPU of this machine, into a measured table (one that is
/// there is gone on with). Orrery itself links no CUDA. Throws ConfigError where there is no such
/// program, and UserError where it ends with an error, of which it has spoken on stderr.
void measure_device(const std::string& program, int device, const std::string& table);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_DEVICE_H_
