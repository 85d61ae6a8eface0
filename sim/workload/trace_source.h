// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_TRACE_SOURCE_H_
#define ORRERY_SIM_WORKLOAD_TRACE_SOURCE_H_

#include <cstdint>
#include <filesystem>
#include <memory>

#include "sim/workload/byte_source.h"
#include "sim/workload/source.h"
#include "sim/workload/trace_options.h"

namespace orrery {

/// Replays a recorded trace in an open loop. `name` stands in error lines; files that the options
/// name besides the trace are looked for under `relative_to`. A malformed row is a TraceError when
/// the replay comes to it, a malformed header at once; so is a trace that gives no request at all.
[[nodiscard]] std::unique_ptr<RequestSource> open_trace(const TraceOptions& options,
                                                        std::unique_ptr<ByteSource> bytes,
                                                        const std::string& name,
                                                        const std::filesystem::path& relative_to,
                                                        std::uint64_t seed);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_TRACE_SOURCE_H_
