// SPDX-License-Identifier: Apache-2.0
//
// Round figures of one GPU and two models, so that expected numbers can be derived by hand.
#ifndef ORRERY_TESTS_UNIT_MODELS_CARDS_H_
#define ORRERY_TESTS_UNIT_MODELS_CARDS_H_

#include "models/cards/model_card.h"
#include "sim/hardware/gpu.h"

namespace orrery::test {

/// 1 PFLOP/s, 4 TB/s, 400 GB/s of NVLink, and every share 1.
inline GpuSpec round_gpu() {
  GpuSpec gpu;
  gpu.name = "round";
  gpu.memory.capacity = Bytes(std::int64_t{80} << 30);
  gpu.memory.driver_total = Bytes(std::int64_t{80} << 30);
  gpu.memory.bandwidth = Bandwidth::per_second(4'000'000'000'000);
  gpu.memory.l2 = Bytes(50 << 20);
  gpu.compute.sms = 128;
  gpu.compute.bf16 = ComputeRate::per_second(1'000'000'000'000'000);
  gpu.compute.fp16 = gpu.compute.bf16;
  gpu.links.nvlink_generation = 4;
  gpu.links.nvlink = Bandwidth::per_second(400'000'000'000);
  gpu.links.pcie_generation = 5;
  gpu.links.pcie_lanes = 16;
  gpu.launch.kernel = microseconds(2);
  gpu.launch.launch = microseconds(5);
  gpu.launch.graph_replay = microseconds(10);
  gpu.roofline = {1, 1, 1, 1, 1, microseconds(5), microseconds(9), "round"};
  gpu.runtime = {Bytes(200 << 20), Bytes(350 << 20), "round"};
  return gpu;
}

inline ModelCard llama_8b() {
  ModelCard card;
  card.name = "llama-3.1-8b";
  card.layers = 32;
  card.hidden = 4096;
  card.heads = 32;
  card.kv_heads = 8;
  card.head_dim = 128;
  card.intermediate = 14336;
  card.vocab = 128256;
  card.max_position = 131072;
  return card;
}

inline ModelCard llama_70b() {
  ModelCard card = llama_8b();
  card.name = "llama-3.1-70b";
  card.layers = 80;
  card.hidden = 8192;
  card.heads = 64;
  card.intermediate = 28672;
  return card;
}

}  // namespace orrery::test

#endif  // ORRERY_TESTS_UNIT_MODELS_CARDS_H_
