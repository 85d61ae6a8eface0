// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/cuda_graphs.h"

#include <doctest/doctest.h>

#include <array>

namespace orrery {
namespace {

BatchShape decodes(std::int32_t count) {
  BatchShape shape;
  shape.decodes = count;
  return shape;
}

TEST_CASE("capture sizes are vLLM's list") {
  // As vLLM 0.19 prints it for max_num_seqs 256: 3 small ones, 31 steps of 8, 17 of 16.
  const std::vector<std::int64_t> sizes = CudaGraphs(CudagraphOptions{}, 256, 8192).capture_sizes();
  CHECK(sizes.size() == 3 + 31 + 17);
  const std::vector<std::int64_t> head(sizes.begin(), sizes.begin() + 6);
  CHECK(head == std::vector<std::int64_t>{1, 2, 4, 8, 16, 24});
  CHECK(sizes[33] == 248);
  CHECK(sizes[34] == 256);
  CHECK(sizes[35] == 272);
  CHECK(sizes.back() == 512);
  CHECK(default_capture_sizes(5) == std::vector<std::int64_t>{1, 2, 4});
  // 2 x 6 = 12 lies between 8 and 16.
  CHECK(CudaGraphs(CudagraphOptions{}, 6, 8192).capture_sizes().back() == 8);
  CHECK(CudaGraphs(CudagraphOptions{}, 256, 300).capture_sizes().back() == 288);
}

TEST_CASE("decodes replay full graphs, mixed batches piecewise ones, large batches none") {
  const CudaGraphs graphs(CudagraphOptions{}, 1024, 8192);
  CHECK(graphs.launch(decodes(5)).mode == LaunchMode::kFullGraph);
  CHECK(graphs.launch(decodes(5)).padded_tokens == 8);
  CHECK(graphs.launch(decodes(257)).padded_tokens == 272);
  CHECK(graphs.launch(decodes(512)).mode == LaunchMode::kFullGraph);
  CHECK(graphs.launch(decodes(513)).mode == LaunchMode::kNoGraph);
  CHECK(graphs.launch(decodes(513)).padded_tokens == 513);

  std::array<PrefillChunk, 1> chunks = {{{100, 0, true}}};
  BatchShape mixed = decodes(5);
  mixed.chunks = chunks;
  mixed.prefill_tokens = 100;
  CHECK(graphs.launch(mixed).mode == LaunchMode::kPiecewiseGraphs);
  CHECK(graphs.launch(mixed).padded_tokens == 112);  // 105 up to a multiple of 8
  chunks[0].tokens = 1;  // the last token of a cached prompt looks like a decode
  mixed.prefill_tokens = 1;
  CHECK(graphs.launch(mixed).mode == LaunchMode::kFullGraph);
}

TEST_CASE("full graphs are captured up to max_num_seqs only") {
  const CudaGraphs graphs(CudagraphOptions{}, 100, 8192);
  CHECK(graphs.launch(decodes(96)).mode == LaunchMode::kFullGraph);
  // 98 pads to 104, which is more than 100 decodes can ever be.
  CHECK(graphs.launch(decodes(98)).mode == LaunchMode::kPiecewiseGraphs);
  CHECK(graphs.full_graphs() == 3 + 12);       // 1, 2, 4, 8 to 96
  CHECK(graphs.piecewise_graphs() == 3 + 25);  // up to 200
}

TEST_CASE("the mode decides what is captured") {
  const auto mode_of = [](CudagraphMode mode, bool eager, const BatchShape& shape) {
    CudagraphOptions options;
    options.mode = mode;
    options.enforce_eager = eager;
    return CudaGraphs(options, 256, 8192).launch(shape).mode;
  };
  const std::array<PrefillChunk, 1> chunks = {{{100, 0, true}}};
  BatchShape prefill;
  prefill.chunks = chunks;
  prefill.prefill_tokens = 100;
  CHECK(mode_of(CudagraphMode::kFull, false, prefill) == LaunchMode::kFullGraph);
  CHECK(mode_of(CudagraphMode::kFullDecodeOnly, false, prefill) == LaunchMode::kNoGraph);
  CHECK(mode_of(CudagraphMode::kFullDecodeOnly, false, decodes(4)) == LaunchMode::kFullGraph);
  CHECK(mode_of(CudagraphMode::kPiecewise, false, decodes(4)) == LaunchMode::kPiecewiseGraphs);
  CHECK(mode_of(CudagraphMode::kNone, false, decodes(4)) == LaunchMode::kNoGraph);
  CHECK(mode_of(CudagraphMode::kFullAndPiecewise, true, decodes(4)) == LaunchMode::kNoGraph);
}

TEST_CASE("given sizes replace the engine's list") {
  CudagraphOptions options;
  options.capture_sizes = {64, 16, 16};
  const CudaGraphs graphs(options, 256, 8192);
  CHECK(graphs.capture_sizes() == std::vector<std::int64_t>{16, 64});
  CHECK(graphs.launch(decodes(1)).padded_tokens == 16);
  CHECK(graphs.launch(decodes(17)).padded_tokens == 64);
}

}  // namespace
}  // namespace orrery
