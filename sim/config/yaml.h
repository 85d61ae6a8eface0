// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CONFIG_YAML_H_
#define ORRERY_SIM_CONFIG_YAML_H_

#include <string>
#include <string_view>

#include "sim/config/node.h"

namespace orrery {

/// The one document of a YAML (or JSON, which is YAML) file. Throws ConfigError with the position
/// for what is not YAML, keys that stand twice in a mapping, keys that are not plain names, and
/// what we do not read: anchors and aliases, tags, several documents. An empty file is an error.
[[nodiscard]] Node load_yaml(const std::string& path);

/// The same of a text; `name` is the file its positions speak of. An empty text is nothing.
[[nodiscard]] Node parse_yaml(const std::string& text, const std::string& name);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_YAML_H_
