// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/transformer.h"

#include <doctest/doctest.h>

#include <vector>

#include "sim/core/errors.h"
#include "sim/core/random.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

using test::Batch;
using test::explained;

Plan tensor_parallel(std::int64_t ranks) {
  Plan plan;
  plan.tensor_parallel = ranks;
  return plan;
}

std::unique_ptr<CostModel> model_8b(const ExecutionOptions& options = {}) {
  return make_roofline(test::llama_8b(), test::round_gpu(), Plan(), options);
}

TEST_CASE("explain sums to cost exactly, whatever the batch") {
  RandomStream random(7, "transformer", "shapes");
  for (const CudagraphMode mode : {CudagraphMode::kFullAndPiecewise, CudagraphMode::kNone}) {
    for (const std::int64_t ranks : {1, 8}) {
      ExecutionOptions options;
      options.graphs.mode = mode;
      const auto model =
          make_roofline(test::llama_70b(), test::round_gpu(), tensor_parallel(ranks), options);
      for (int i = 0; i < 200; ++i) {
        Batch batch;
        batch.decode(static_cast<std::int32_t>(random.between(0, 600)), random.between(1, 9000));
        for (std::int64_t n = random.between(0, 3); n > 0; --n) {
          batch.prefill(static_cast<std::int32_t>(random.between(1, 6000)),
                        static_cast<std::int32_t>(random.between(0, 50'000)));
        }
        CHECK(explained(*model, batch.shape()) == model->cost(batch.shape()).device);
      }
    }
  }
}

TEST_CASE("a single decode is bound by reading the weights") {
  const auto model = model_8b();
  const Batch batch = Batch().decode(1, 2048);
  // 8.03e9 parameters less the embedding (0.525e9), 2 bytes each, at 4 TB/s: 3.75 ms. Each of
  // 32 x 11 + 8 kernels adds 2 us: norms 2, QKV, rotary, KV write, attention 2, O, gate_up, SiLU,
  // down are 11 a layer; embedding, final norm, gather, LM head and 3 of the sampler 7 a step.
  const double weights = 2 * (8'030'261'248.0 - 128256.0 * 4096) / 4e12;
  const double kernels = (32 * 11 + 7) * 2e-6;
  const double seconds = to_seconds(model->cost(batch.shape()).device);
  CHECK(seconds > weights + kernels);
  // KV, activations and logits of one token are small beside them.
  CHECK(seconds < (weights + kernels) * 1.03);
}

TEST_CASE("a long prefill is bound by the tensor rate") {
  const auto model = model_8b();
  const Batch batch = Batch().prefill(8192);
  // 2 flops a parameter and token without embedding and LM head: 2 x 6.98e9 x 8192 = 114 TFLOP,
  // and attention over 8192^2 / 2 pairs x 4 x 4096 x 32 layers = 17.6 TFLOP, at 1 PFLOP/s.
  const double flops =
      2 * (8'030'261'248.0 - 2 * 128256.0 * 4096) * 8192 + 4.0 * 4096 * 32 * 8192 * 8192 / 2;
  const double seconds = to_seconds(model->cost(batch.shape()).device);
  CHECK(seconds > flops / 1e15);
  CHECK(seconds < flops / 1e15 * 1.15);  // norms, SiLU and the like read memory
}

TEST_CASE("more work never takes less time") {
  const auto model = model_8b();
  Duration before;
  for (const std::int32_t count : {1, 2, 7, 8, 64, 100, 256}) {
    const Duration now = model->cost(Batch().decode(count, 2000).shape()).device;
    CHECK(now > before);
    before = now;
  }
  before = Duration();
  for (const std::int64_t context : {1, 128, 4096, 65536, 1'000'000}) {
    const Duration now = model->cost(Batch().decode(8, context).shape()).device;
    CHECK(now >= before);
    before = now;
  }
  before = Duration();
  for (const std::int32_t tokens : {1, 16, 128, 512, 2048, 8192}) {
    const Duration now = model->cost(Batch().prefill(tokens, 1000).shape()).device;
    CHECK(now > before);
    before = now;
  }
}

TEST_CASE("GEMMs see the padded batch, attention the real one") {
  const auto model = model_8b();
  const auto gemm_rows = [&](const BatchShape& shape) {
    Breakdown breakdown;
    model->explain(shape, breakdown);
    for (const OperatorCost& op : breakdown.operators) {
      if (op.name == "qkv_proj") return op.shape;
    }
    return std::string();
  };
  CHECK(gemm_rows(Batch().decode(5, 100).shape()) == "8 x 6144 x 4096");
  CHECK(gemm_rows(Batch().decode(8, 100).shape()) == "8 x 6144 x 4096");
  CHECK(gemm_rows(Batch().prefill(513).shape()) == "513 x 6144 x 4096");
  Breakdown breakdown;
  model->explain(Batch().decode(5, 100).shape(), breakdown);
  CHECK(breakdown.launch_mode == "full graph of 8");
}

TEST_CASE("without graphs a small step waits for its launches") {
  ExecutionOptions eager;
  eager.graphs.enforce_eager = true;
  eager.sampling = Sampling::kGreedy;
  GpuSpec slow_host = test::round_gpu();
  slow_host.launch.launch = microseconds(20);
  const auto model = make_roofline(test::llama_8b(), slow_host, Plan(), eager);
  const Batch batch = Batch().decode(1, 100);
  // 32 x 11 + 7 kernels of 20 us of host time, more than the 4.5 ms the device needs.
  CHECK(model->cost(batch.shape()).device == microseconds(20) * (32 * 11 + 7));
  CHECK(explained(*model, batch.shape()) == model->cost(batch.shape()).device);
  // A long prefill hides them.
  CHECK(model->cost(Batch().prefill(8192).shape()).device ==
        model_8b(eager)->cost(Batch().prefill(8192).shape()).device);
}

TEST_CASE("logits are computed for every scheduled request, as vLLM does") {
  const auto model = model_8b();
  Batch partial = Batch().prefill(2048);
  const Batch ending = partial;
  partial.chunks[0].samples = false;
  partial.totals.sampled_rows = 0;
  CHECK(model->cost(partial.shape()).device == model->cost(ending.shape()).device);
}

TEST_CASE("an idle step costs nothing") {
  CHECK(model_8b()->cost(BatchShape()).device == Duration());
  CHECK(model_8b()->cost(BatchShape()).host == Duration());
  CHECK(explained(*model_8b(), BatchShape()) == Duration());
}

TEST_CASE("batches beyond the engine's limits are still costed, by the same sums") {
  ExecutionOptions small;
  small.max_num_batched_tokens = 512;
  small.max_num_seqs = 256;
  ExecutionOptions large = small;
  large.max_num_batched_tokens = 16384;
  const Batch batch = Batch().prefill(8000).decode(300, 1000);
  CHECK(model_8b(small)->cost(batch.shape()).device == model_8b(large)->cost(batch.shape()).device);
}

TEST_CASE("tensor parallelism speeds up a large prefill, and pays for its links") {
  const auto prefill = [](std::int64_t ranks, bool fast_links) {
    GpuSpec gpu = test::round_gpu();
    if (fast_links) {
      gpu.links.nvlink = Bandwidth::per_second(1'000'000'000'000'000'000);
      gpu.roofline.one_shot_all_reduce = gpu.roofline.two_shot_all_reduce = Duration();
      gpu.launch.kernel = Duration();
    }
    const auto model =
        make_roofline(test::llama_70b(), gpu, tensor_parallel(ranks), ExecutionOptions());
    return to_seconds(model->cost(Batch().prefill(8192).shape()).device);
  };
  CHECK(prefill(4, false) < prefill(1, false));
  CHECK(prefill(4, false) > prefill(1, false) / 4);
  // With free links only the norms, which every rank does in full, keep it from a quarter.
  CHECK(prefill(4, true) / prefill(1, true) == doctest::Approx(0.25).epsilon(0.06));
}

TEST_CASE("a dtype the GPU has no rate for is refused") {
  GpuSpec gpu = test::round_gpu();
  gpu.compute.bf16.reset();
  CHECK_THROWS_WITH_AS(
      static_cast<void>(make_roofline(test::llama_8b(), gpu, Plan(), ExecutionOptions())),
      "dtype: round has no bfloat16 tensor rate", ConfigError);
}

TEST_CASE("a window leaves short contexts as they are and cuts long ones") {
  ModelCard card = test::llama_8b();
  card.sliding_window = 4096;
  const auto model = make_roofline(card, test::round_gpu(), Plan(), ExecutionOptions());
  const Batch near = Batch().decode(8, 4000);
  CHECK(model->cost(near.shape()).device == model_8b()->cost(near.shape()).device);
  const Batch far = Batch().decode(8, 40'000);
  CHECK(model->cost(far.shape()).device < model_8b()->cost(far.shape()).device);
  CHECK(explained(*model, far.shape()) == model->cost(far.shape()).device);
}

}  // namespace
}  // namespace orrery
