// SPDX-License-Identifier: Apache-2.0
//
// The harness that all microkernels share: one stream, two stretches of device memory, a way to
// time a launch, and what the board said meanwhile.
#ifndef ORRERY_KERNELS_DEVICE_BENCH_H_
#define ORRERY_KERNELS_DEVICE_BENCH_H_

#include <cuda_runtime.h>

#include <cstddef>
#include <functional>
#include <string>

#include "kernels/device/board.h"
#include "kernels/host/plan.h"
#include "kernels/host/statistics.h"

namespace orrery::kernels {

/// Values that operands are filled with. Random bits, but numbers of the type: never zeros, which
/// draw less power and run faster, and never NaN.
enum class Fill : std::uint8_t { kBf16, kFp16, kFp8, kInt8, kFp32 };
[[nodiscard]] Fill fill_of(std::string_view dtype);

class Bench {
 public:
  /// Takes three fifths of the device's free memory, and 64 GiB at most.
  Bench(int device, double case_ms);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  [[nodiscard]] const DeviceFacts& facts() const { return facts_; }
  [[nodiscard]] const cudaDeviceProp& properties() const { return properties_; }
  [[nodiscard]] cudaStream_t stream() const { return stream_; }
  [[nodiscard]] Board& board() { return board_; }

  /// Operands, filled with random values of that type; the same memory for every case.
  [[nodiscard]] std::byte* operands(Fill fill);
  [[nodiscard]] std::size_t operand_bytes() const { return operand_bytes_; }
  /// Where results go; nobody relies on what stands there.
  [[nodiscard]] std::byte* results() const { return results_; }
  [[nodiscard]] std::size_t result_bytes() const { return result_bytes_; }

  /// Times one launch. `launch(stream, i)` enqueues it with the operands of rotation
  /// i % rotations. Graph: as many launches in one graph as a stretch holds, replayed.
  [[nodiscard]] Spread time(const Case& one, int rotations,
                            const std::function<void(cudaStream_t, int)>& launch);
  /// Launches for `seconds` on end and reports stretches of the last third.
  [[nodiscard]] Spread time_sustained(double seconds, int rotations,
                                      const std::function<void(cudaStream_t, int)>& launch);
  /// Replays of a graph of `kernels` launches, one replay a sample's part: on the device's clock
  /// from one to the next, or on the host's what the call takes it.
  [[nodiscard]] Spread time_replays(int kernels, bool host,
                                    const std::function<void(cudaStream_t)>& launch);
  /// Keeps the chip busy, for an idle one's clocks take a while to rise.
  void warm_up(double seconds);
  /// What the board said during the last time().
  [[nodiscard]] const BoardState& board_state() const { return board_state_; }

 private:
  [[nodiscard]] double stretch(const std::function<void()>& enqueue);
  [[nodiscard]] Spread time_graph(const Effort& effort, int rotations,
                                  const std::function<void(cudaStream_t, int)>& launch);

  cudaDeviceProp properties_{};
  DeviceFacts facts_;
  double case_us_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
  std::byte* operands_ = nullptr;
  std::byte* results_ = nullptr;
  std::size_t operand_bytes_ = 0;
  std::size_t result_bytes_ = 0;
  int filled_with_ = -1;
  Board board_;
  BoardState board_state_;
};

/// `name of the device as CUDA knows it`, bus id and versions.
[[nodiscard]] std::string pci_bus_id(int device);
[[nodiscard]] std::string cuda_version();

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_BENCH_H_
