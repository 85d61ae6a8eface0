// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/tools/cases.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "sim/core/random.h"

namespace orrery::golden {
namespace {

/// Draws a case's requests, named q0, q1, ... in the order of arrival.
class Author {
 public:
  Author(std::string name, bool async) : random_(20'261'121, "golden", name) {
    case_.name = std::move(name) + (async ? "_async" : "_sync");
    case_.async = async;
    case_.max_num_seqs = 16;
    case_.max_num_batched_tokens = 256;
    case_.max_model_len = 2048;
    case_.num_gpu_blocks = 400;
    case_.step_base_us = 1000;
    case_.step_per_token_us = 10;
    case_.idle_sleep_us = 1000;
    case_.max_steps = 20'000;
  }

  [[nodiscard]] Case& options() { return case_; }
  [[nodiscard]] std::int32_t between(std::int32_t low, std::int32_t high) {
    return static_cast<std::int32_t>(random_.between(low, high));
  }

  /// A request a while after the last one, with text of its own behind `shared`.
  Case::Request& add(std::int64_t latest_us,
                     std::vector<std::pair<std::string, std::int32_t>> shared, std::int32_t own,
                     std::int32_t max_tokens) {
    now_us_ += random_.between(0, latest_us);
    Case::Request request;
    request.id = "q" + std::to_string(case_.requests.size());
    request.arrival_us = now_us_;
    request.segments = std::move(shared);
    if (own > 0) request.segments.push_back({"u:" + request.id, own});
    for (const auto& segment : request.segments) request.prompt_len += segment.second;
    request.max_tokens = max_tokens;
    case_.requests.push_back(std::move(request));
    return case_.requests.back();
  }
  Case::Request& add(std::int64_t latest_us, std::int32_t prompt, std::int32_t max_tokens) {
    return add(latest_us, {}, prompt, max_tokens);
  }
  /// The next turn of an earlier request, long enough after it to quote it.
  Case::Request& turn(std::size_t before, std::int64_t pause_us, std::int32_t own,
                      std::int32_t max_tokens) {
    const Case::Request last = case_.requests[before];
    now_us_ += pause_us;
    auto spans = last.segments;
    const std::int32_t generated =
        last.eos_at_output > 0 ? std::min(last.eos_at_output, last.max_tokens) : last.max_tokens;
    spans.push_back({"gen:" + last.id, generated});
    return add(0, std::move(spans), own, max_tokens);
  }

  [[nodiscard]] Case done() { return std::move(case_); }

 private:
  RandomStream random_;
  Case case_;
  std::int64_t now_us_ = 0;
};

Case plain(bool async) {
  Author author("plain", async);
  for (int i = 0; i < 10; ++i) author.add(1'200, author.between(5, 90), author.between(1, 14));
  return author.done();
}

Case chunked(bool async) {
  Author author("chunked", async);
  author.options().max_num_batched_tokens = 40;
  for (int i = 0; i < 8; ++i) author.add(1'500, author.between(20, 130), author.between(2, 10));
  return author.done();
}

Case whole_prompts() {
  Author author("whole_prompts", /*async=*/true);
  author.options().enable_chunked_prefill = false;
  author.options().max_num_batched_tokens = 130;
  for (int i = 0; i < 9; ++i) author.add(2'000, author.between(20, 120), author.between(2, 9));
  return author.done();
}

Case preemption(bool async) {
  Author author("preemption", async);
  author.options().num_gpu_blocks = 15;  // 14 to use: 224 tokens for six that grow to 40 to 90
  for (int i = 0; i < 6; ++i) author.add(700, author.between(10, 50), author.between(20, 48));
  return author.done();
}

Case priority() {
  Author author("priority", /*async=*/false);
  Case& options = author.options();
  options.priority = true;
  options.scheduler_reserve_full_isl = false;
  options.num_gpu_blocks = 16;
  options.max_num_batched_tokens = 24;
  for (int i = 0; i < 8; ++i) {
    const std::int32_t rank = author.between(0, 2);
    author.add(2'500, author.between(10, 70), author.between(8, 24)).priority = rank;
  }
  return author.done();
}

Case prefixes(bool async) {
  Author author("prefixes", async);
  for (int i = 0; i < 8; ++i) {
    // One text at several lengths, some of them whole blocks; at times nothing behind it.
    const std::int32_t shared = i % 3 == 0 ? 64 : author.between(20, 100);
    author.add(2'500, {{"system", shared}}, i % 4 == 3 ? 0 : author.between(1, 40),
               author.between(2, 18));
  }
  author.turn(1, 40'000, 20, 8);
  author.turn(8, 30'000, 0, 5);
  author.turn(2, 1'000, 12, 4);
  return author.done();
}

Case eviction() {
  Author author("eviction", /*async=*/true);
  author.options().num_gpu_blocks = 22;
  for (int i = 0; i < 12; ++i) {
    author.add(2'000, {{"tool" + std::to_string(i % 3), 48 + 16 * (i % 2)}}, author.between(5, 40),
               author.between(3, 12));
  }
  return author.done();
}

Case watermark() {
  Author author("watermark", /*async=*/false);
  author.options().watermark = 0.15;
  author.options().num_gpu_blocks = 24;
  for (int i = 0; i < 9; ++i) author.add(1'500, author.between(20, 90), author.between(8, 24));
  return author.done();
}

Case threshold() {
  Author author("threshold", /*async=*/true);
  author.options().long_prefill_token_threshold = 30;
  author.options().max_num_batched_tokens = 80;
  for (int i = 0; i < 7; ++i) author.add(1'000, author.between(10, 140), author.between(2, 10));
  return author.done();
}

Case eos(bool async) {
  Author author("eos", async);
  author.options().num_gpu_blocks = 18;
  for (int i = 0; i < 9; ++i) {
    Case::Request& request = author.add(2'500, 16 * author.between(1, 3), 30);
    if (i % 3 != 2) request.eos_at_output = i == 4 ? 1 : author.between(2, 20);
  }
  author.turn(0, 30'000, 10, 6);
  return author.done();
}

Case no_gate() {
  Author author("no_gate", /*async=*/true);
  author.options().scheduler_reserve_full_isl = false;
  author.options().num_gpu_blocks = 17;
  author.options().max_num_batched_tokens = 48;
  for (int i = 0; i < 7; ++i) author.add(3'000, author.between(30, 120), author.between(4, 16));
  return author.done();
}

Case never_fits() {
  Author author("never_fits", /*async=*/true);
  author.options().num_gpu_blocks = 12;
  author.options().max_model_len = 200;
  author.add(0, 40, 6);
  author.add(2'000, 190, 4);  // 12 blocks, and there are 11
  author.add(2'000, 30, 4);
  author.add(2'000, 200, 4);  // refused by the front end
  return author.done();
}

Case spinning() {
  // Nothing can be scheduled from the first call on, until somebody more important comes.
  Author author("spinning", /*async=*/true);
  author.options().priority = true;
  author.options().num_gpu_blocks = 12;
  author.add(0, 190, 4).priority = 1;
  author.add(0, 20, 3).priority = 2;
  author.add(2'500, 40, 5);  // before the fourth idle turn, after which a recording ends
  author.add(4'000, 30, 4);
  return author.done();
}

Case few_sequences() {
  Author author("few_sequences", /*async=*/false);
  author.options().max_num_seqs = 3;
  author.options().max_num_batched_tokens = 5;
  author.options().max_model_len = 24;
  for (int i = 0; i < 6; ++i) author.add(3'000, author.between(1, 14), author.between(2, 12));
  return author.done();
}

}  // namespace

std::vector<Case> own_cases() {
  return {plain(false),     plain(true), chunked(false),  whole_prompts(), preemption(false),
          preemption(true), priority(),  prefixes(false), prefixes(true),  eviction(),
          watermark(),      threshold(), eos(false),      eos(true),       no_gate(),
          never_fits(),     spinning(),  few_sequences()};
}

}  // namespace orrery::golden
