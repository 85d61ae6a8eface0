// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_CATALOGUE_H_
#define ORRERY_SIM_STUDY_CATALOGUE_H_

#include <string>
#include <string_view>
#include <vector>

#include "models/cards/model_card.h"
#include "sim/core/errors.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// The folder of shipped configs: $ORRERY_CONFIGS, or `configs` in the binary's folder or one above
/// it. Throws ConfigError if there is none.
[[nodiscard]] std::string configs_folder();

/// Names of configs/<kind>/*.yaml without their ending, sorted.
[[nodiscard]] std::vector<std::string> shipped(std::string_view kind);

/// The file that `name` means: a path (one with a slash or an ending) beside the file it was
/// written in, else configs/<kind>/<name>.yaml. Throws ConfigError with the position and the known
/// names.
[[nodiscard]] std::string find_config(std::string_view kind, const std::string& name,
                                      const Position& at, std::string_view key);

/// A model card of ours or a Hugging Face config.json.
[[nodiscard]] ModelCard load_model(const std::string& name, const Position& at);
[[nodiscard]] GpuSpec load_gpu(const std::string& name, const Position& at);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CATALOGUE_H_
