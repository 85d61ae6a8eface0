// SPDX-License-Identifier: Apache-2.0
//
// The accesses of a pattern in the order in which memory sees them: time and again one of the
// requesters, any of them, asks for its next granule. All advance at one rate in the mean, and none
// keeps step with another for long, but for those that share a block and ask together.
#ifndef ORRERY_SIM_HARDWARE_GPU_MEMORY_ACCESS_STREAM_H_
#define ORRERY_SIM_HARDWARE_GPU_MEMORY_ACCESS_STREAM_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/core/random.h"
#include "sim/hardware/gpu_memory/pattern.h"

namespace orrery::gpu_memory {

/// A memory as a run of accesses.
struct Accesses {
  std::uint64_t count = 0;
  std::int64_t bytes = 32;
};

class AccessStream {
 public:
  /// `pattern` is canonical. Where regions and blocks lie comes from the seed alone.
  AccessStream(const Pattern& pattern, const Accesses& memory, std::uint64_t seed);

  /// Calls visit(access, write) for each access of the next granules: of one requester, or of those
  /// that share a block.
  template <class Visit>
  void step(Visit&& visit) {
    const std::size_t first = static_cast<std::size_t>(random_.below(clusters_)) * together_;
    const std::size_t end = std::min(first + together_, requesters_);
    for (std::size_t r = first; r < end; ++r) {
      Walker& walker = walkers_[r * flows_.size() + choose(r)];
      const Flow& flow = flows_[walker.flow];
      if (walker.left == 0) take(walker, flow, r);
      for (std::uint64_t i = 0; i < flow.granule; ++i) visit(walker.at + i, walker.write);
      walker.at += flow.stride;
      --walker.left;
    }
  }

 private:
  /// A stream in accesses.
  struct Flow {
    StreamKind kind;
    std::uint64_t granule, stride;
    std::uint64_t granules;  ///< Of a block, of one requester.
    std::uint64_t block;     ///< From a block's begin to where the next may begin.
    std::uint64_t lanes;     ///< Requesters that share a block.
    std::uint64_t origin;    ///< Where its region begins, and how many blocks of it are read from.
    std::uint64_t blocks;
    std::uint64_t reads;  ///< Percent.
    std::uint64_t seed;
    std::int64_t bytes;  ///< Of a granule, as the pattern counts.
    std::int64_t share;
    std::uint64_t front = 0;        ///< Of what is read in turn,
    std::uint64_t write_front = 0;  ///< and of what is written.
  };
  /// One requester in one stream.
  struct Walker {
    std::size_t flow = 0;
    std::uint64_t taken = 0;  ///< Blocks so far.
    std::uint64_t left = 0;   ///< Granules of this block.
    std::uint64_t at = 0;
    std::int64_t given = 0;  ///< Bytes so far, for the streams' shares.
    bool write = false;
  };

  [[nodiscard]] Flow flow_of(const Stream& stream, const Accesses& memory,
                             std::uint64_t seed) const;
  /// Which stream the requester goes on with: the one furthest behind its share.
  [[nodiscard]] std::size_t choose(std::size_t requester);
  void take(Walker& walker, const Flow& flow, std::size_t requester);
  [[nodiscard]] std::uint64_t next_block(Walker& walker, std::uint64_t group);

  std::size_t requesters_;
  /// Requesters that ask together, and how many such there are.
  std::size_t together_ = 1;
  std::uint64_t clusters_ = 1;
  RandomStream random_;
  std::vector<Flow> flows_;
  std::vector<Walker> walkers_;
};

}  // namespace orrery::gpu_memory

#endif  // ORRERY_SIM_HARDWARE_GPU_MEMORY_ACCESS_STREAM_H_
