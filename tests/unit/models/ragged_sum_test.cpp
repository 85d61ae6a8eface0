// SPDX-License-Identifier: Apache-2.0
//
// A step is costed from sums over its requests. How far that is from the sum over each request
// alone: nothing for whole attention, something for windows and for groups that share a batch.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/operators/attention.h"
#include "models/transformer/transformer.h"
#include "sim/core/random.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

using test::Batch;

constexpr int kBatches = 200;
constexpr std::int32_t kDecodes = 256;
constexpr std::int64_t kWindow = 4096;

Attention attention(std::int64_t window) {
  const ModelCard card = test::llama_8b();
  return Attention(card, shard_of(card, 1), 2, window);
}

Batch batch_of(const std::vector<std::int64_t>& contexts) {
  Batch batch;
  for (const std::int64_t context : contexts) batch.decode(1, context);
  return batch;
}

struct Error {
  double mean = 0;
  double most = 0;
};

/// KV tokens read by the statistics over those of each request, less one; contexts even in 1 to
/// `windows` windows.
Error window_error(double windows) {
  const Attention windowed = attention(kWindow);
  const auto longest = static_cast<std::int64_t>(windows * kWindow);
  RandomStream random(5, "ragged", "contexts");
  Error error;
  for (int i = 0; i < kBatches; ++i) {
    std::vector<std::int64_t> contexts(kDecodes);
    std::int64_t exact = 0;
    for (std::int64_t& each : contexts) {
      each = random.between(1, longest);
      exact += std::min(each, kWindow);
    }
    const std::int64_t seen = windowed.seen(batch_of(contexts).shape());
    CHECK(seen >= exact);
    const double off = static_cast<double>(seen) / static_cast<double>(exact) - 1;
    error.mean += off / kBatches;
    error.most = std::max(error.most, off);
  }
  MESSAGE("KV of " << kDecodes << " windowed decodes, contexts even up to " << windows
                   << " windows: too much by " << 100 * error.mean << " % on average, "
                   << 100 * error.most << " % at most");
  return error;
}

TEST_CASE("whole attention: statistics and ragged sum are equal") {
  RandomStream random(6, "ragged", "whole");
  const Attention whole = attention(0);
  for (int i = 0; i < kBatches; ++i) {
    Batch batch;
    AttentionWork exact;
    for (std::int64_t n = random.between(1, 40); n > 0; --n) {
      const Batch one = Batch().decode(1, random.between(1, 20'000));
      const AttentionWork work = whole.decodes(one.shape());
      exact.flops += work.flops;
      exact.bytes += work.bytes;
      batch.decode(1, one.totals.decode_context);
    }
    CHECK(whole.decodes(batch.shape()).flops == exact.flops);
    CHECK(whole.decodes(batch.shape()).bytes == exact.bytes);
  }
}

TEST_CASE("chunks are listed one by one: no error, windows or not") {
  RandomStream random(7, "ragged", "chunks");
  for (const std::int64_t window : {std::int64_t{0}, kWindow}) {
    for (int i = 0; i < kBatches; ++i) {
      Batch batch;
      std::int64_t flops = 0;
      for (std::int64_t n = random.between(1, 8); n > 0; --n) {
        const auto tokens = static_cast<std::int32_t>(random.between(1, 3000));
        const auto context = static_cast<std::int32_t>(random.between(0, 20'000));
        flops += attention(window).chunks(Batch().prefill(tokens, context).shape()).flops;
        batch.prefill(tokens, context);
      }
      CHECK(attention(window).chunks(batch.shape()).flops == flops);
    }
  }
}

TEST_CASE("windowed decodes: the mean's window reads too much where contexts lie on both sides") {
  // Contexts even in (0, a w]: the statistics say min(a / 2, 1) w a decode. A request reads
  // w (1 - 1 / (2 a)). A batch of 256 deviates by sqrt(1/3) / 16 at most, and the mean of 200
  // batches by 0.0026 of the ratio: 0.011 is four times that.
  const double margin = 0.011;
  CHECK(window_error(1).most == 0);
  CHECK(std::abs(window_error(1.5).mean - (0.75 / (1 - 1 / 3.0) - 1)) < margin);
  CHECK(std::abs(window_error(4).mean - (1 / (1 - 1 / 8.0) - 1)) < margin);
  CHECK(std::abs(window_error(8).mean - (1 / (1 - 1 / 16.0) - 1)) < margin);
  // At a = 2 the mean is the window itself, and the smaller of the two is less than either by
  // 0.4 of the deviation 0.577 / 16: 0.0144 of 4/3.
  CHECK(std::abs(window_error(2).mean - (4.0 / 3 * (1 - 0.0144) - 1)) < margin);
}

TEST_CASE("groups get the mean share of a batch: the fullest one has more") {
  // 256 decodes with exponential contexts over 4 groups, dealt in turn: a group's sum of 64
  // deviates by 1/8 of its mean, and the largest of four normals lies 1.03 deviations above:
  // 0.129. The mean of 200 such deviates by 0.7 / 8 / sqrt(200) = 0.006; and sums of 64
  // exponentials are skewed by 2 / 8, which moves their largest by about 0.25 / 6 x (1.03^2 +
  // 0.49 - 1) deviations, 0.003.
  ModelCard card = test::expert_card();
  card.layers = 1;
  Plan plan;
  plan.data_parallel = 4;
  const auto model = make_roofline(card, test::round_gpu(), plan, ExecutionOptions());
  RandomStream random(8, "ragged", "groups");
  double error = 0;
  for (int i = 0; i < kBatches; ++i) {
    std::vector<std::int64_t> contexts(kDecodes);
    std::vector<std::int64_t> group(4, 0);
    for (std::size_t d = 0; d < contexts.size(); ++d) {
      contexts[d] = 1 + static_cast<std::int64_t>(4000 * random.exponential());
      group[d % 4] += contexts[d];
    }
    const Batch batch = batch_of(contexts);
    // 4096 B a KV token, 16384 B of query and output each.
    const Bytes bytes = test::line_of(*model, batch.shape(), "attention_decode").bytes;
    const std::int64_t kv = (bytes.count() - 64 * 16384) / 4096;
    const std::int64_t fullest = *std::max_element(group.begin(), group.end());
    CHECK(kv <= fullest);
    error += (static_cast<double>(fullest) / static_cast<double>(kv) - 1) / kBatches;
  }
  MESSAGE("KV of the fullest of 4 groups of 64 decodes, exponential contexts: too little by "
          << 100 * error << " % on average");
  CHECK(std::abs(error - 0.129 - 0.003) < 4 * 0.0062);
}

}  // namespace
}  // namespace orrery
