// SPDX-License-Identifier: Apache-2.0
//
// `--set engine.max_num_seqs=256 --set workload.stages[0].rate=8/s` on the tree of a file.
#ifndef ORRERY_SIM_CONFIG_OVERRIDES_H_
#define ORRERY_SIM_CONFIG_OVERRIDES_H_

#include <string>
#include <string_view>

#include "sim/config/node.h"

namespace orrery {

/// `key.path=value`, the value as YAML. Its positions say `--set key.path`. Mappings on the way
/// that are not there are made; list elements must be there. Throws ConfigError.
void apply_override(Node& root, std::string_view assignment);

/// The same with a value that is a tree already, whose positions stay.
void set_value(Node& root, std::string_view key_path, Node value);
/// The same for a key path that was written in a file, at `key_at`, which is where keys that are
/// made and errors then point: a point of a sweep.
void set_value(Node& root, std::string_view key_path, Node value, const Position& key_at);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_OVERRIDES_H_
