// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/pattern.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace orrery::gpu_memory {
namespace {

/// The sector of NVIDIA's caches: sizes from here on are whole numbers of it.
constexpr std::int64_t kSector = 32;

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("pattern: " + what);
}

void need(bool holds, const char* what) {
  if (!holds) refuse(what);
}

void check_granule(const Stream& s) {
  need(s.granule > 0, "granule: is not above 0");
  need(s.granule >= kSector ? s.granule % kSector == 0
                            : std::has_single_bit(static_cast<std::uint64_t>(s.granule)),
       "granule: is neither a power of two below 32 B nor a multiple of 32 B");
}

void tidy_sequential(Stream& s) {
  check_granule(s);
  need(s.granule >= kSector, "granule: a sequential stream needs at least 32 B");
  s.stride = 0;
  if (s.block == 0) s.block = s.granule;
  need(s.block % s.granule == 0, "block: is not a multiple of the granule");
}

void tidy_strided(Stream& s) {
  check_granule(s);
  need(s.stride >= s.granule && s.stride % kSector == 0,
       "stride: is not a multiple of 32 B that holds the granule");
  s.block = 0;
}

void tidy_gathered(Stream& s) {
  check_granule(s);
  need(s.granule >= kSector, "granule: a gathered stream needs at least 32 B");
  if (s.stride == 0) s.stride = s.granule;
  need(s.stride % s.granule == 0, "stride: is not a multiple of the granule");
  need(s.block >= s.stride && s.block % s.stride == 0, "block: is not a multiple of the stride");
}

void tidy_random(Stream& s) {
  check_granule(s);
  s.stride = 0;
  s.block = 0;
}

void tidy(Stream& s, std::int64_t memory_bytes) {
  switch (s.kind) {
    case StreamKind::kSequential:
      tidy_sequential(s);
      break;
    case StreamKind::kStrided:
      tidy_strided(s);
      break;
    case StreamKind::kGathered:
      tidy_gathered(s);
      break;
    case StreamKind::kRandom:
      tidy_random(s);
      break;
  }
  need(s.span >= 0, "span: is below 0");
  s.span = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(s.span)));
  if (s.span <= 1 || s.span >= memory_bytes) s.span = 0;
  const std::int64_t region = s.span == 0 ? memory_bytes : s.span;
  // Reads and writes have half of it each.
  need(std::max({s.granule, s.stride, s.block}) * 2 <= region, "block: is above half of the span");
  need(s.reads >= 0 && s.reads <= 100, "reads: is not between 0 and 100 %");
  need(s.share > 0, "share: is not above 0");
}

std::vector<Stream> merged(std::vector<Stream> streams) {
  std::sort(streams.begin(), streams.end());
  std::vector<Stream> result;
  for (const Stream& s : streams) {
    Stream same = s;
    if (!result.empty()) same.share = result.back().share;
    if (!result.empty() && same == result.back()) {
      result.back().share += s.share;
    } else {
      result.push_back(s);
    }
  }
  return result;
}

/// To whole percent; the largest takes what is left over by rounding.
void scale_shares(std::vector<Stream>& streams) {
  int sum = 0;
  for (const Stream& s : streams) sum += s.share;
  int left = 100;
  for (Stream& s : streams) {
    s.share = std::max(1, (s.share * 200 + sum) / (2 * sum));
    left -= s.share;
  }
  const auto larger = [](const Stream& a, const Stream& b) { return a.share < b.share; };
  std::max_element(streams.begin(), streams.end(), larger)->share += left;
}

std::string text_of(const Stream& s) {
  const auto bytes = [](std::int64_t n) { return std::to_string(n) + " B"; };
  std::string text;
  switch (s.kind) {
    case StreamKind::kSequential:
      text = "stream by " + bytes(s.block) + ", " + bytes(s.granule) + " a request";
      break;
    case StreamKind::kStrided:
      text = "stride " + bytes(s.stride) + ", " + bytes(s.granule) + " each";
      break;
    case StreamKind::kGathered:
      text =
          "gather " + bytes(s.block) + " blocks, " + bytes(s.granule) + " every " + bytes(s.stride);
      break;
    case StreamKind::kRandom:
      text = "random " + bytes(s.granule);
      break;
  }
  if (s.span > 0) text += ", in " + bytes(s.span);
  return text + ", " + std::to_string(s.reads) + " % read";
}

}  // namespace

Pattern canonical(Pattern pattern, std::int64_t memory_bytes) {
  need(!pattern.streams.empty(), "streams: there are none");
  need(pattern.requesters >= 1, "requesters: are not above 0");
  need(pattern.bytes_in_flight >= kSector, "bytes_in_flight: are below 32 B");
  for (Stream& s : pattern.streams) tidy(s, memory_bytes);
  pattern.streams = merged(std::move(pattern.streams));
  scale_shares(pattern.streams);
  return pattern;
}

std::string text_of(const Pattern& pattern) {
  std::string text;
  for (const Stream& s : pattern.streams) {
    if (!text.empty()) text += " + ";
    if (s.share != 100) text += std::to_string(s.share) + " % ";
    text += text_of(s);
  }
  return text + "; " + std::to_string(pattern.requesters) + " x " +
         std::to_string(pattern.bytes_in_flight) + " B in flight";
}

}  // namespace orrery::gpu_memory
