// SPDX-License-Identifier: Apache-2.0
//
// Any bytes, read as every format: requests or one UserError, and nothing else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sim/core/errors.h"
#include "sim/workload/trace_source.h"

namespace {

/// More than this and a small input has been blown up by its packing; enough has been seen.
constexpr int kMostRequests = 20'000;

void check(const orrery::Request& request, orrery::Instant before) {
  std::int64_t prompt = 0;
  for (const orrery::ContentSpan& span : request.prompt) {
    if (span.tokens <= 0) std::abort();
    prompt += span.tokens;
  }
  if (!request.prompt.empty() && prompt != request.input_tokens) std::abort();
  if (request.input_tokens <= 0 || request.output_tokens <= 0) std::abort();
  if (request.arrival < before) std::abort();
}

void replay(const orrery::TraceOptions& options, std::string_view bytes) {
  try {
    const auto source =
        orrery::open_trace(options, orrery::open_memory(bytes, "fuzz"), "fuzz", {}, 1);
    orrery::Request request;
    orrery::Instant before;
    for (int i = 0; i < kMostRequests && source->next_arrival(); ++i) {
      source->pop(request);
      check(request, before);
      before = request.arrival;
    }
    static_cast<void>(source->remarks());
  } catch (const orrery::UserError&) {
    // What a user can mend is what malformed bytes are.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (std::size_t format = 0; format < orrery::trace_formats().size(); ++format) {
    orrery::TraceOptions strict;
    strict.format = static_cast<int>(format);
    strict.path = "fuzz";
    if (!strict.trace_format().timed) {
      strict.arrivals.emplace();
      strict.arrivals->rate = {2};
    }
    replay(strict, bytes);

    orrery::TraceOptions lenient = strict;
    lenient.zero_tokens = orrery::ZeroTokens::kSkip;
    lenient.sort = true;
    lenient.sample = 0.5;
    lenient.rate_scale = 0.3;
    lenient.jitter = orrery::seconds(3);
    lenient.sessions = orrery::SessionPrompts::kChained;
    lenient.max_tokens = {orrery::MaxTokensMode::kFixed, 100, 0};
    replay(lenient, bytes);
  }
  return 0;
}
