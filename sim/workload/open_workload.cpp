// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/open_workload.h"

#include "sim/core/check.h"
#include "sim/workload/byte_source.h"
#include "sim/workload/trace_source.h"

namespace orrery {

void WorkloadOptions::describe(Describer& d) {
  d.optional_object("trace", trace, "Requests recorded in a file, replayed by its clock.");
  d.optional_object("synthetic", synthetic, "Requests drawn from distributions, by a clock.");
  d.optional_object("closed_loop", closed_loop,
                    "Requests drawn from distributions, sent by clients that wait for answers.");
  if (!d.reading()) return;
  const int kinds = (trace ? 1 : 0) + (synthetic ? 1 : 0) + (closed_loop ? 1 : 0);
  if (kinds != 1) d.refuse("", "needs exactly one of trace, synthetic, closed_loop");
}

std::unique_ptr<RequestSource> open_workload(const WorkloadOptions& options,
                                             const std::filesystem::path& relative_to,
                                             std::uint64_t seed) {
  if (options.trace) {
    const auto path = (relative_to / options.trace->path).lexically_normal();
    return open_trace(*options.trace, open_file(path), path.string(), relative_to, seed);
  }
  if (options.synthetic) return open_synthetic(*options.synthetic, relative_to, seed);
  ORRERY_CHECK(options.closed_loop);
  return open_closed_loop(*options.closed_loop, relative_to, seed);
}

}  // namespace orrery
