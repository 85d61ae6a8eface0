// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/memory_system.h"

#include <array>

#include "sim/hardware/sources.h"

namespace orrery::gpu_memory {
namespace {

constexpr std::array<std::string_view, 2> kOrigins = {"inferred", "fitted"};

}  // namespace

void MemorySystemOptions::describe(Describer& d) {
  d.required().field("device", device, "DRAM: a name in configs/hardware/memory, or a path.");
  d.required().field("channels", channels, Range::between(1, 1024), "Channels of all stacks.");
  d.required().field("address_map", address_map,
                     "A name or widths, as `orrery memory` takes them; `Ch+=hash` last: channels "
                     "turned by a hash.");
  d.required().choice_of("address_map_origin", address_map_origin, kOrigins,
                         "inferred: results carry their range over all named maps.");
  d.optional_field("read_queue", read_queue, Range::between(1, 1024), "Reads a channel holds.");
  d.optional_field("write_queue", write_queue, Range::between(1, 1024), "Writes a channel holds.");
  d.optional_field("measured_stream", measured_stream, Range::positive(),
                   "The best rate at which a kernel was seen to stream from memory.");
  describe_sources(d, sources);
  d.required().object_of("front_end", front_end, "Between the SMs and DRAM.");
}

}  // namespace orrery::gpu_memory
