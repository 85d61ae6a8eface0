// SPDX-License-Identifier: Apache-2.0
//
// Runs CUDA kernels on the host, every thread of a block in turn, so that what they compute is
// tested where there is no GPU. Slow, and blind to what only a GPU shows: races between barriers,
// alignment beyond what is checked here, and time. Asynchronous copies land as late as they may:
// when their thread waits for them.
#ifndef ORRERY_TESTS_EMULATED_SIMT_H_
#define ORRERY_TESTS_EMULATED_SIMT_H_

#include <cstdint>
#include <functional>

namespace orrery::simt {

struct Index {
  unsigned x = 0;
  unsigned y = 0;
};

/// Runs `body` as each thread of each block of a grid, one block after the other.
void run(Index grid, unsigned threads, const std::function<void()>& body);

// ---- for the body

[[nodiscard]] Index thread();
[[nodiscard]] Index block();
[[nodiscard]] Index grid();
[[nodiscard]] unsigned threads();
/// Of the block; holds no number before somebody writes there.
[[nodiscard]] char* shared_memory();

/// Waits for the other threads of the warp, or of the block.
void sync_warp();
void sync_block();

/// What a lane of the calling thread's warp shows the others, until the next sync_warp().
struct Shown {
  std::uint32_t words[8];
};
[[nodiscard]] Shown& shown(unsigned lane);
[[nodiscard]] unsigned lane();

/// 16 bytes from memory, or zeros, to a place in shared memory, once the thread has waited for the
/// group that it closes next.
void copy_later(std::uint32_t to, const void* from, bool wanted);
void close_group();
/// Until at most `left` closed groups are under way.
void wait_for_groups(unsigned left);

}  // namespace orrery::simt

#endif  // ORRERY_TESTS_EMULATED_SIMT_H_
