// SPDX-License-Identifier: Apache-2.0
//
// What a kernel does to memory, as far as its rate depends on it: a mixture of concurrent streams,
// how many requesters there are and how much each keeps in flight. Never how many bytes in all, for
// how long, or of which batch: so that patterns are few and their rates are remembered.
#ifndef ORRERY_SIM_HARDWARE_GPU_MEMORY_PATTERN_H_
#define ORRERY_SIM_HARDWARE_GPU_MEMORY_PATTERN_H_

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::gpu_memory {

enum class StreamKind : std::uint8_t {
  /// Requesters take the next `block` bytes of one region in turn, and go through them.
  kSequential,
  /// Requesters take the next granule in turn, `stride` bytes after the one before.
  kStrided,
  /// Each requester goes through a `block` anywhere in the region, then through another. Where the
  /// stride is above the granule, as many requesters as granules fit into a stride go through a
  /// block together: KV heads.
  kGathered,
  /// Each granule lies anywhere in the region.
  kRandom,
};

/// Sizes in bytes; 0 where the kind has none.
struct Stream {
  StreamKind kind = StreamKind::kSequential;
  /// What one request asks for.
  std::int64_t granule = 128;
  /// From one granule of a requester to its next.
  std::int64_t stride = 0;
  /// What lies together.
  std::int64_t block = 0;
  /// The region that it goes over, again and again; 0: all of the memory.
  std::int64_t span = 0;
  /// Percent of its blocks that are read; the others are written, to a region of their own.
  int reads = 100;
  /// Percent of the pattern's bytes.
  int share = 100;

  friend auto operator<=>(const Stream&, const Stream&) = default;
};

struct Pattern {
  std::vector<Stream> streams;
  std::int64_t requesters = 1;
  /// That each requester keeps in flight.
  std::int64_t bytes_in_flight = 0;

  friend bool operator==(const Pattern&, const Pattern&) = default;
};

/// The one way to write a pattern: what a kind has no use for is 0, spans are powers of two and 0
/// from the whole memory on, equal streams are one, all in order, shares sum to 100. Throws
/// std::invalid_argument, which names the figure, for what is no pattern.
[[nodiscard]] Pattern canonical(Pattern pattern, std::int64_t memory_bytes);

/// `gather 32768 B blocks, 256 B every 2048 B, in 4294967296 B, 100 % read; 132 x 32768 B in
/// flight`: the whole pattern, so that equal texts are equal patterns.
[[nodiscard]] std::string text_of(const Pattern& pattern);

}  // namespace orrery::gpu_memory

#endif  // ORRERY_SIM_HARDWARE_GPU_MEMORY_PATTERN_H_
