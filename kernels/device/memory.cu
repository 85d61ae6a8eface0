// SPDX-License-Identifier: Apache-2.0
//
// What the memory gives by pattern: streams, mixes, gathers of blocks, strides; and how long one
// access takes when the next depends on it.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/suites.h"
#include "kernels/host/random.h"

namespace orrery::kernels {
namespace {

using Vector = uint4;

__device__ Vector load_once(const Vector* from) {
  Vector value;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from));
  return value;
}

__device__ unsigned folded(const Vector& value) { return value.x ^ value.y ^ value.z ^ value.w; }

/// Keeps the loads alive: the compiler cannot know that this never comes true.
__device__ void keep(unsigned sum, unsigned* sink) {
  if (sum == 0x9e3779b9U) *sink = sum;
}

/// A thread has kUnroll loads on their way and no more: the loop is not unrolled, and the next
/// loads stand behind the first use of the last.
template <int kUnroll>
__global__ void read_kernel(const Vector* from, std::size_t vectors, unsigned* sink) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  unsigned sum = 0;
#pragma unroll 1
  for (; i + (kUnroll - 1) * step < vectors; i += kUnroll * step) {
    Vector values[kUnroll];
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) values[j] = load_once(from + i + j * step);
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) sum ^= folded(values[j]);
  }
#pragma unroll 1
  for (; i < vectors; i += step) sum ^= folded(load_once(from + i));
  keep(sum, sink);
}

/// The same through the caches, for what should stay in the L2.
__global__ void sum_kernel(const unsigned* from, std::size_t words, unsigned* sum) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  unsigned mine = 0;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < words; i += step) {
    mine += from[i];
  }
  atomicAdd(sum, mine);
}

__global__ void write_kernel(Vector* to, std::size_t vectors, unsigned value) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < vectors; i += step) {
    const auto low = static_cast<unsigned>(i);
    to[i] = make_uint4(value ^ low, value + low, value - low, ~low);
  }
}

template <int kUnroll>
__global__ void copy_kernel(const Vector* from, Vector* to, std::size_t vectors) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i + (kUnroll - 1) * step < vectors; i += kUnroll * step) {
    Vector values[kUnroll];
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) values[j] = load_once(from + i + j * step);
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) to[i + j * step] = values[j];
  }
  for (; i < vectors; i += step) to[i] = load_once(from + i);
}

__device__ unsigned hash(unsigned value) {
  value = (value ^ 61U) ^ (value >> 16);
  value *= 9U;
  value ^= value >> 4;
  value *= 0x27d4eb2dU;
  return value ^ (value >> 15);
}

/// Each 4 KiB is read or written as a whole, in a random order of the two. What is written depends
/// on nothing that is read, and looks random.
__global__ void mix_kernel(Vector* at, std::size_t vectors, unsigned read_percent, unsigned* sink) {
  constexpr int kUnroll = 4;
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  const auto reads = [&](std::size_t i) {
    return hash(static_cast<unsigned>(i >> 8)) % 100 < read_percent;
  };
  const auto write = [&](std::size_t i) {
    const unsigned word = static_cast<unsigned>(i) * 0x9e3779b9U;
    at[i] = make_uint4(word, word ^ (word >> 7), ~word, word * 3U);
  };
  unsigned sum = 0;
  std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i + (kUnroll - 1) * step < vectors; i += kUnroll * step) {
    Vector values[kUnroll] = {};
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) {
      if (reads(i + j * step)) values[j] = load_once(at + i + j * step);
    }
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) {
      if (!reads(i + j * step)) write(i + j * step);
    }
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) sum ^= folded(values[j]);
  }
  for (; i < vectors; i += step) {
    if (reads(i)) {
      sum ^= folded(load_once(at + i));
    } else {
      write(i);
    }
  }
  keep(sum, sink);
}

/// Reads whole blocks of 2^block_shift vectors, in sequence or as a hash throws them over a region
/// of a power of two of blocks.
__global__ void gather_kernel(const Vector* from, std::size_t vectors, int block_shift,
                              unsigned region_mask, bool random, unsigned seed, unsigned* sink) {
  constexpr int kUnroll = 4;
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  const auto place = [&](std::size_t i) {
    const auto number = static_cast<unsigned>(i >> block_shift);
    const std::size_t block = (random ? hash(number + seed) : number + seed) & region_mask;
    return (block << block_shift) + (i & ((std::size_t{1} << block_shift) - 1));
  };
  unsigned sum = 0;
  std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i + (kUnroll - 1) * step < vectors; i += kUnroll * step) {
    Vector values[kUnroll];
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) values[j] = load_once(from + place(i + j * step));
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) sum ^= folded(values[j]);
  }
  for (; i < vectors; i += step) sum ^= folded(load_once(from + place(i)));
  keep(sum, sink);
}

/// One 32-byte sector every `stride` bytes.
__global__ void stride_kernel(const std::byte* from, std::size_t sectors, std::size_t stride,
                              unsigned* sink) {
  constexpr int kUnroll = 4;
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  const auto place = [&](std::size_t i) {
    return reinterpret_cast<const Vector*>(from + i * stride);
  };
  unsigned sum = 0;
  std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i + (kUnroll - 1) * step < sectors; i += kUnroll * step) {
    Vector values[kUnroll];
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) values[j] = load_once(place(i + j * step));
#pragma unroll
    for (int j = 0; j < kUnroll; ++j) sum ^= folded(values[j]);
  }
  for (; i < sectors; i += step) sum ^= folded(load_once(place(i)));
  keep(sum, sink);
}

__global__ void lay_chain_kernel(std::byte* region, const unsigned* next, std::size_t nodes,
                                 std::size_t stride) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < nodes; i += step) {
    *reinterpret_cast<unsigned long long*>(region + i * stride) = next[i] * stride;
  }
}

/// Goes on where the last launch stopped, so that a long chain is not a short one again and again.
__global__ void chase_kernel(const std::byte* region, int hops, unsigned long long* cursor) {
  unsigned long long at = *cursor;
  for (int i = 0; i < hops; ++i) {
    at = __ldcg(reinterpret_cast<const unsigned long long*>(region + at));
  }
  *cursor = at;
}

__global__ void empty_kernel() {}

unsigned* sink_of(Bench& bench) { return reinterpret_cast<unsigned*>(bench.results()); }

int full_grid(const Bench& bench, int threads) {
  return bench.facts().multiprocessors * (2048 / threads);
}

/// Operands of one rotation after another, each on its own 2 MiB; as many as fit.
struct Rotation {
  std::size_t step = 0;
  int count = 1;
};
Rotation rotation_of(const Bench& bench, double bytes, std::size_t room) {
  constexpr std::size_t kAlign = 2 << 20;
  Rotation rotation;
  rotation.step = (static_cast<std::size_t>(bytes) + kAlign - 1) / kAlign * kAlign;
  if (rotation.step > room) throw Skipped("does not fit the device's memory");
  rotation.count = static_cast<int>(
      std::min<std::size_t>(rotations_for(bytes, bench.facts().l2_bytes), room / rotation.step));
  return rotation;
}

Spread run_stream(Bench& bench, const Case& one) {
  const auto size = static_cast<std::size_t>(one.detail.number("size"));
  const auto threads = static_cast<int>(one.detail.number("threads"));
  const auto sms = static_cast<int>(one.detail.number("sms"));
  const int unroll = static_cast<int>(one.detail.number("unroll"));
  // A block on each multiprocessor shows what its bytes in flight give; else they are filled.
  const bool one_each = one.detail.text("pattern") == "in_flight";
  const int grid = one_each ? sms : sms * (2048 / threads);
  std::byte* const operands = bench.operands(Fill::kBf16);
  const bool writes = one.op != "memory_read";
  const std::size_t room =
      writes ? std::min(bench.operand_bytes(), bench.result_bytes()) : bench.operand_bytes();
  const Rotation rotation = rotation_of(bench, static_cast<double>(size), room);
  const std::size_t vectors = size / sizeof(Vector);
  return bench.time(one, rotation.count, [=, &bench, &one](cudaStream_t stream, int i) {
    const auto* from = reinterpret_cast<const Vector*>(operands + i * rotation.step);
    auto* to = reinterpret_cast<Vector*>(bench.results() + i * rotation.step);
    if (one.op == "memory_write") {
      write_kernel<<<grid, threads, 0, stream>>>(to, vectors, 77U);
    } else if (one.op == "memory_copy") {
      copy_kernel<4><<<grid, threads, 0, stream>>>(from, to, vectors);
    } else if (unroll == 1) {
      read_kernel<1><<<grid, threads, 0, stream>>>(from, vectors, sink_of(bench));
    } else {
      read_kernel<4><<<grid, threads, 0, stream>>>(from, vectors, sink_of(bench));
    }
    ORRERY_LAUNCHED();
  });
}

Spread run_gather(Bench& bench, const Case& one) {
  const auto block = static_cast<std::size_t>(one.detail.number("block"));
  const auto blocks = static_cast<std::size_t>(one.detail.number("blocks"));
  const auto region = static_cast<std::size_t>(one.detail.number("region"));
  if (region > bench.operand_bytes()) throw Skipped("does not fit the device's memory");
  int shift = 0;
  while ((sizeof(Vector) << shift) < block) ++shift;
  const bool random = one.detail.text("order") == "random";
  const auto mask = static_cast<unsigned>(region / block - 1);
  const auto* from = reinterpret_cast<const Vector*>(bench.operands(Fill::kBf16));
  const std::size_t vectors = blocks * block / sizeof(Vector);
  // A new seed a launch: other blocks of a region that is far larger than the L2.
  return bench.time(one, 8, [=, &bench](cudaStream_t stream, int i) {
    gather_kernel<<<full_grid(bench, 512), 512, 0, stream>>>(
        from, vectors, shift, mask, random, static_cast<unsigned>(i * blocks), sink_of(bench));
    ORRERY_LAUNCHED();
  });
}

Spread run_stride(Bench& bench, const Case& one) {
  const auto stride = static_cast<std::size_t>(one.detail.number("stride"));
  const auto sectors = static_cast<std::size_t>(one.detail.number("sectors"));
  const std::byte* const from = bench.operands(Fill::kBf16);
  // Rotations lie a line apart. A stride too short for that touches more than the L2 holds anyway.
  const double touched = 32.0 * static_cast<double>(sectors);
  const int rotations = std::clamp(
      static_cast<int>(3.0 * static_cast<double>(bench.facts().l2_bytes) / touched) + 2, 2, 400);
  constexpr std::size_t kLine = 128;
  if (stride * sectors + rotations * kLine > bench.operand_bytes()) {
    throw Skipped("does not fit the device's memory");
  }
  return bench.time(one, rotations, [=, &bench](cudaStream_t stream, int i) {
    stride_kernel<<<full_grid(bench, 512), 512, 0, stream>>>(from + i * kLine, sectors, stride,
                                                             sink_of(bench));
    ORRERY_LAUNCHED();
  });
}

Spread run_mix(Bench& bench, const Case& one) {
  const auto size = static_cast<std::size_t>(one.detail.number("size"));
  const auto percent = static_cast<unsigned>(one.detail.number("read_percent"));
  const Rotation rotation = rotation_of(bench, static_cast<double>(size), bench.result_bytes());
  return bench.time(one, rotation.count, [=, &bench](cudaStream_t stream, int i) {
    mix_kernel<<<full_grid(bench, 512), 512, 0, stream>>>(
        reinterpret_cast<Vector*>(bench.results() + i * rotation.step), size / sizeof(Vector),
        percent, reinterpret_cast<unsigned*>(bench.operands(Fill::kBf16)));
    ORRERY_LAUNCHED();
  });
}

/// One cycle through all nodes in random order (Sattolo's shuffle).
std::vector<unsigned> cycle_of(std::size_t nodes) {
  std::vector<unsigned> next(nodes);
  std::iota(next.begin(), next.end(), 0U);
  Random random(nodes);
  for (std::size_t i = nodes - 1; i > 0; --i) std::swap(next[i], next[random.below(i)]);
  return next;
}

}  // namespace

Spread run_memory(Bench& bench, const Case& one) {
  if (one.op == "memory_gather") return run_gather(bench, one);
  if (one.op == "memory_stride") return run_stride(bench, one);
  if (one.op == "memory_mix") return run_mix(bench, one);
  if (one.load == Load::kSustained) {
    const auto size = static_cast<std::size_t>(one.detail.number("size"));
    const auto* from = reinterpret_cast<const Vector*>(bench.operands(Fill::kBf16));
    return bench.time_sustained(3, 1, [=, &bench](cudaStream_t stream, int) {
      copy_kernel<4><<<full_grid(bench, 512), 512, 0, stream>>>(
          from, reinterpret_cast<Vector*>(bench.results()), size / sizeof(Vector));
      ORRERY_LAUNCHED();
    });
  }
  return run_stream(bench, one);
}

Spread run_chase(Bench& bench, const Case& one) {
  const auto region = static_cast<std::size_t>(one.detail.number("region"));
  const auto stride = static_cast<std::size_t>(one.detail.number("stride"));
  const auto hops = static_cast<int>(one.detail.number("hops"));
  if (region > bench.operand_bytes()) throw Skipped("does not fit the device's memory");
  const std::vector<unsigned> next = cycle_of(region / stride);
  // Whatever is filled next is filled anew, except for int8, of which any bits are numbers.
  std::byte* const memory = bench.operands(Fill::kInt8);
  auto* cursor = reinterpret_cast<unsigned long long*>(bench.results());
  auto* list = reinterpret_cast<unsigned*>(bench.results() + 4096);
  if (4096 + next.size() * sizeof(unsigned) > bench.result_bytes()) throw Skipped("too many nodes");
  ORRERY_CUDA(cudaMemset(cursor, 0, sizeof(*cursor)));
  ORRERY_CUDA(
      cudaMemcpy(list, next.data(), next.size() * sizeof(unsigned), cudaMemcpyHostToDevice));
  lay_chain_kernel<<<full_grid(bench, 512), 512, 0, bench.stream()>>>(memory, list, next.size(),
                                                                      stride);
  ORRERY_LAUNCHED();
  // Once through as many nodes as some samples visit, so that few far ones are met again, too: what
  // is left of them is the way through the address translation.
  chase_kernel<<<1, 1, 0, bench.stream()>>>(
      memory, static_cast<int>(std::min<std::size_t>(next.size(), 1 << 16)), cursor);
  ORRERY_LAUNCHED();
  // What fits the L2 is brought there before the first hop.
  if (region <= static_cast<std::size_t>(bench.facts().l2_bytes)) {
    sum_kernel<<<full_grid(bench, 512), 512, 0, bench.stream()>>>(
        reinterpret_cast<const unsigned*>(memory), region / sizeof(unsigned), list);
    ORRERY_LAUNCHED();
  }
  return bench.time(one, 1, [=](cudaStream_t stream, int) {
    chase_kernel<<<1, 1, 0, stream>>>(memory, hops, cursor);
    ORRERY_LAUNCHED();
  });
}

Spread run_replay(Bench& bench, const Case& one) {
  const auto kernels = static_cast<int>(one.detail.number("kernels"));
  const bool host = one.detail.text("clock") == "host";
  return bench.time_replays(kernels, host, [](cudaStream_t stream) {
    empty_kernel<<<1, 32, 0, stream>>>();
    ORRERY_LAUNCHED();
  });
}

Spread run_launch(Bench& bench, const Case& one) {
  const auto kernels = static_cast<int>(one.detail.number("kernels"));
  const auto threads = static_cast<int>(one.detail.number("threads"));
  const auto blocks = static_cast<int>(one.detail.number("blocks"));
  return bench.time(one, 1, [=](cudaStream_t stream, int) {
    for (int i = 0; i < kernels; ++i) empty_kernel<<<blocks, threads, 0, stream>>>();
    ORRERY_LAUNCHED();
  });
}

namespace {

/// Reads go nowhere; what a kernel reads shows only in its sum, which it tells if it is `sum`.
std::string wrong_of_reads(Bench& bench, unsigned sum, const std::function<void(unsigned*)>& launch,
                           bool wanted) {
  unsigned* const sink = sink_of(bench);
  ORRERY_CUDA(cudaMemset(sink, 0, sizeof(*sink)));
  launch(sink);
  ORRERY_LAUNCHED();
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  unsigned got = 0;
  ORRERY_CUDA(cudaMemcpy(&got, sink, sizeof(got), cudaMemcpyDeviceToHost));
  return (got == sum) == wanted ? "" : "it reads something else";
}

/// One thread over few vectors: its sum is all that is there.
void check_reads(Bench& bench, const Report& report) {
  constexpr unsigned kAwaited = 0x9e3779b9U;  // as keep() has it
  constexpr std::size_t kVectors = 64;
  std::vector<unsigned> words(4 * kVectors);
  Random random(5);
  for (unsigned& word : words) word = static_cast<unsigned>(random.next());
  unsigned all = 0;
  for (const unsigned word : words) all ^= word;
  words[77] ^= all ^ kAwaited;
  auto* const from = bench.operands(Fill::kInt8);
  const auto* const vectors = reinterpret_cast<const Vector*>(from);
  for (const bool wanted : {true, false}) {
    if (!wanted) words[200] ^= 1U;
    ORRERY_CUDA(cudaMemcpy(from, words.data(), 4 * words.size(), cudaMemcpyHostToDevice));
    const std::string name = wanted ? "" : ", one bit off";
    const auto run = [&](const char* what, const std::function<void(unsigned*)>& launch) {
      report(what + name, wrong_of_reads(bench, kAwaited, launch, wanted));
    };
    run("read", [&](unsigned* sink) {
      read_kernel<4><<<1, 1, 0, bench.stream()>>>(vectors, kVectors, sink);
    });
    run("read, one load", [&](unsigned* sink) {
      read_kernel<1><<<1, 1, 0, bench.stream()>>>(vectors, kVectors, sink);
    });
    // Blocks of four vectors in sequence, which wrap around the region.
    run("gather", [&](unsigned* sink) {
      gather_kernel<<<1, 1, 0, bench.stream()>>>(vectors, kVectors, 2, 15, false, 3, sink);
    });
    run("stride", [&](unsigned* sink) {
      stride_kernel<<<1, 1, 0, bench.stream()>>>(from, kVectors, sizeof(Vector), sink);
    });
    run("mix of reads alone", [&](unsigned* sink) {
      mix_kernel<<<1, 1, 0, bench.stream()>>>(reinterpret_cast<Vector*>(from), kVectors, 100, sink);
    });
  }
}

}  // namespace

void check_memory(Bench& bench, const Report& report) {
  check_reads(bench, report);
  constexpr std::size_t kWords = (1 << 20) + 12;
  std::vector<unsigned> words(kWords);
  Random random(3);
  for (unsigned& word : words) word = static_cast<unsigned>(random.next());
  auto* from = reinterpret_cast<unsigned*>(bench.operands(Fill::kInt8));
  auto* to = reinterpret_cast<unsigned*>(bench.results());
  ORRERY_CUDA(cudaMemcpy(from, words.data(), 4 * kWords, cudaMemcpyHostToDevice));
  ORRERY_CUDA(cudaMemset(to, 0xff, 4 * kWords));
  copy_kernel<4><<<100, 512, 0, bench.stream()>>>(reinterpret_cast<const Vector*>(from),
                                                  reinterpret_cast<Vector*>(to), kWords / 4);
  ORRERY_LAUNCHED();
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  std::vector<unsigned> got(kWords);
  ORRERY_CUDA(cudaMemcpy(got.data(), to, 4 * kWords, cudaMemcpyDeviceToHost));
  report("copy", got == words ? "" : "what was copied differs");

  const std::vector<unsigned> next = cycle_of(1000);
  std::size_t hops = 0;
  for (unsigned at = next[0]; at != 0 && hops < 2000; at = next[at]) ++hops;
  report("pointer chain", hops == 999 ? "" : "the chain is not one cycle through all nodes");
  std::byte* const memory = bench.operands(Fill::kInt8);
  auto* cursor = reinterpret_cast<unsigned long long*>(bench.results());
  auto* list = reinterpret_cast<unsigned*>(bench.results() + 4096);
  ORRERY_CUDA(cudaMemset(cursor, 0, sizeof(*cursor)));
  ORRERY_CUDA(cudaMemcpy(list, next.data(), 4000, cudaMemcpyHostToDevice));
  lay_chain_kernel<<<4, 256, 0, bench.stream()>>>(memory, list, 1000, 256);
  chase_kernel<<<1, 1, 0, bench.stream()>>>(memory, 137, cursor);
  ORRERY_LAUNCHED();
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  unsigned long long at = 0;
  ORRERY_CUDA(cudaMemcpy(&at, cursor, sizeof(at), cudaMemcpyDeviceToHost));
  unsigned expected = 0;
  for (int i = 0; i < 137; ++i) expected = next[expected];
  report("pointer chase", at == expected * 256ULL ? "" : "it ends at another node");
}

}  // namespace orrery::kernels
