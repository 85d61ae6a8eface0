// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/attention.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "kernels/device/cuda_check.h"
#include "kernels/device/suites.h"
#include "kernels/host/formats.h"
#include "kernels/host/random.h"
#include "kernels/host/reference.h"

namespace orrery::kernels {
namespace {

/// Hands out pieces of a stretch of device memory, one after another.
class Room {
 public:
  Room(std::byte* begin, std::size_t bytes) : next_(begin), end_(begin + bytes) {}

  template <class Value>
  Value* take(std::size_t count) {
    constexpr std::size_t kAlign = 1024;
    const std::size_t bytes = (count * sizeof(Value) + kAlign - 1) / kAlign * kAlign;
    if (bytes > left()) throw Skipped("does not fit the device's memory");
    auto* const taken = reinterpret_cast<Value*>(next_);
    next_ += bytes;
    return taken;
  }
  template <class Value>
  Value* upload(const std::vector<Value>& values) {
    if (values.empty()) return nullptr;
    Value* const to = take<Value>(values.size());
    ORRERY_CUDA(
        cudaMemcpy(to, values.data(), values.size() * sizeof(Value), cudaMemcpyHostToDevice));
    return to;
  }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

 private:
  std::byte* next_;
  std::byte* end_;
};

std::size_t pages_of(const AttentionSequence& one) {
  return static_cast<std::size_t>((one.query + one.context + kPageTokens - 1) / kPageTokens);
}

}  // namespace

int attention_slots(int multiprocessors) { return 2 * multiprocessors; }

AttentionBatch::AttentionBatch(const AttentionHeads& heads,
                               const std::vector<AttentionSequence>& sequences, int slots,
                               int rotations, std::byte* operands, std::size_t operand_bytes,
                               std::byte* results, std::size_t result_bytes)
    : plan_(plan_attention(sequences, heads.kv_heads, slots)) {
  Room operand_room(operands, operand_bytes);
  Room room(results, result_bytes);
  const std::size_t rows = static_cast<std::size_t>(plan_.tokens) * heads.heads;
  AttentionCall call;
  call.heads = heads.heads;
  call.kv_heads = heads.kv_heads;
  call.dim = heads.dim;
  call.query_stride = static_cast<std::size_t>(heads.heads) * heads.dim;
  call.queries = operand_room.take<__nv_bfloat16>(rows * heads.dim);
  const std::size_t page_values =
      static_cast<std::size_t>(heads.kv_heads) * kPageTokens * heads.dim;
  const std::size_t room_for = operand_room.left() / (2 * 2 * page_values + 1024);
  std::size_t pages_of_one = 0;
  for (const AttentionSequence& one : sequences) pages_of_one += pages_of(one);
  rotations_ = static_cast<int>(std::min<std::size_t>(rotations, room_for / pages_of_one));
  if (rotations_ < 1) throw Skipped("its keys and values do not fit the device's memory");
  pages_in_all_ = rotations_ * pages_of_one;
  call.keys = operand_room.take<__nv_bfloat16>(pages_in_all_ * page_values);
  call.values = operand_room.take<__nv_bfloat16>(pages_in_all_ * page_values);
  call.out = room.take<__nv_bfloat16>(rows * heads.dim);
  if (plan_.splits()) {
    call.partial_out = room.take<float>(rows * kMostSplits * heads.dim);
    call.partial_scale = room.take<float>(rows * kMostSplits);
  }
  call.prefill = room.upload(plan_.prefill);
  call.prefill_items = static_cast<int>(plan_.prefill.size());
  call.decode = room.upload(plan_.decode);
  call.decode_items = static_cast<int>(plan_.decode.size());
  call.combine = room.upload(plan_.combine);
  call.combine_items = static_cast<int>(plan_.combine.size());
  call.pages_stride = plan_.pages_stride;

  std::vector<int> numbers(pages_in_all_);
  std::iota(numbers.begin(), numbers.end(), 0);
  Random random(pages_in_all_);
  for (std::size_t left = numbers.size(); left > 1; --left) {
    std::swap(numbers[left - 1], numbers[random.below(left)]);
  }
  auto next = numbers.begin();
  for (int rotation = 0; rotation < rotations_; ++rotation) {
    // What lies beyond a sequence names a page that is there; its keys are masked.
    std::vector<int> table(sequences.size() * plan_.pages_stride, numbers[0]);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const auto count = static_cast<std::ptrdiff_t>(pages_of(sequences[i]));
      std::copy(next, next + count, table.begin() + i * plan_.pages_stride);
      next += count;
    }
    call.pages = room.upload(table);
    tables_.push_back(std::move(table));
    calls_.push_back(call);
  }
}

namespace {

AttentionHeads heads_of(const Case& one) {
  return {static_cast<int>(one.heads), static_cast<int>(one.kv_heads),
          static_cast<int>(one.head_dim)};
}

std::vector<AttentionSequence> sequences_of(const Case& one) {
  const AttentionSequence sequence{static_cast<int>(one.query), static_cast<int>(one.context)};
  std::vector<AttentionSequence> sequences(static_cast<std::size_t>(one.batch), sequence);
  if (one.op == "mixed_attention") {
    const AttentionSequence decode{1, static_cast<int>(one.detail.number("decode_context"))};
    sequences.insert(sequences.end(), static_cast<std::size_t>(one.detail.number("decodes")),
                     decode);
  }
  return sequences;
}

/// Keys and values of a sequence, collected from its pages.
std::vector<float> collected(const std::vector<std::uint16_t>& pool, const int* table, int tokens,
                             const AttentionHeads& heads) {
  std::vector<float> rows;
  for (int token = 0; token < tokens; ++token) {
    const std::size_t page = table[token / kPageTokens];
    for (int head = 0; head < heads.kv_heads; ++head) {
      const std::size_t at =
          ((page * heads.kv_heads + head) * kPageTokens + token % kPageTokens) * heads.dim;
      for (int i = 0; i < heads.dim; ++i) rows.push_back(from_bf16(pool[at + i]));
    }
  }
  return rows;
}

template <class Value>
std::vector<Value> downloaded(const void* from, std::size_t count) {
  std::vector<Value> values(count);
  ORRERY_CUDA(cudaMemcpy(values.data(), from, count * sizeof(Value), cudaMemcpyDeviceToHost));
  return values;
}

std::string wrong_of(Bench& bench, const AttentionHeads& heads,
                     const std::vector<AttentionSequence>& sequences, std::uint64_t seed) {
  std::byte* const operands = bench.operands(Fill::kBf16);
  // `slots` decides how often decodes are cut; few blocks here, so they are.
  const AttentionBatch batch(heads, sequences, 64, 2, operands, bench.operand_bytes(),
                             bench.results(), bench.result_bytes());
  const AttentionCall& call = batch.call(1);
  const std::size_t page_values =
      static_cast<std::size_t>(heads.kv_heads) * kPageTokens * heads.dim;
  const std::size_t pool = batch.pages_in_all() * page_values;
  const std::size_t rows = static_cast<std::size_t>(batch.plan().tokens) * heads.heads * heads.dim;
  const auto queries = random_bf16(rows, seed);
  const auto keys = random_bf16(pool, seed + 1);
  const auto values = random_bf16(pool, seed + 2);
  const auto upload = [](const __nv_bfloat16* to, const std::vector<std::uint16_t>& from) {
    ORRERY_CUDA(cudaMemcpy(const_cast<__nv_bfloat16*>(to), from.data(), 2 * from.size(),
                           cudaMemcpyHostToDevice));
  };
  upload(call.queries, queries);
  upload(call.keys, keys);
  upload(call.values, values);
  // Not a number: what is not written shows.
  ORRERY_CUDA(cudaMemset(call.out, 0xff, 2 * rows));
  launch_attention(call, bench.stream());
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  const auto out = floats_of(downloaded<std::uint16_t>(call.out, rows));
  const auto query_rows = floats_of(queries);
  std::size_t first = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const int* const table = batch.pages(1).data() + i * batch.plan().pages_stride;
    const AttentionSequence& one = sequences[i];
    const std::size_t count = static_cast<std::size_t>(one.query) * heads.heads * heads.dim;
    const auto from = static_cast<std::ptrdiff_t>(first);
    const auto to = static_cast<std::ptrdiff_t>(first + count);
    const Expected expected =
        attention({static_cast<std::size_t>(heads.heads), static_cast<std::size_t>(heads.kv_heads),
                   static_cast<std::size_t>(heads.dim)},
                  {query_rows.begin() + from, query_rows.begin() + to},
                  collected(keys, table, one.query + one.context, heads),
                  collected(values, table, one.query + one.context, heads),
                  static_cast<std::size_t>(one.query), static_cast<std::size_t>(one.context));
    const std::string wrong = difference(expected, {out.begin() + from, out.begin() + to});
    if (!wrong.empty()) return "sequence " + std::to_string(i) + ": " + wrong;
    first += count;
  }
  return {};
}

}  // namespace

Spread run_attention(Bench& bench, const Case& one) {
  std::byte* const operands = bench.operands(Fill::kBf16);
  const AttentionBatch batch(heads_of(one), sequences_of(one),
                             attention_slots(bench.facts().multiprocessors),
                             rotations_for(one.bytes, bench.facts().l2_bytes), operands,
                             bench.operand_bytes(), bench.results(), bench.result_bytes());
  const auto launch = [&](cudaStream_t stream, int i) { launch_attention(batch.call(i), stream); };
  if (one.load == Load::kSustained) return bench.time_sustained(3, batch.rotations(), launch);
  return bench.time(one, batch.rotations(), launch);
}

void check_attention(Bench& bench, const Report& report) {
  struct Checked {
    const char* name;
    AttentionHeads heads;
    std::vector<AttentionSequence> sequences;
  };
  const std::vector<Checked> all = {
      {"decode, one head each", {4, 4, 128}, {{1, 0}, {1, 15}, {1, 16}, {1, 99}}},
      {"decode, grouped, in pieces", {8, 1, 128}, {{1, 2000}, {1, 511}, {1, 3}}},
      {"decode, groups of 7, narrow", {7, 1, 64}, {{1, 700}, {1, 64}}},
      {"prefill", {4, 2, 128}, {{2, 0}, {64, 0}, {130, 0}, {257, 0}}},
      {"prefill after a context", {4, 1, 128}, {{33, 100}, {200, 63}, {16, 500}}},
      {"prefill, narrow", {2, 1, 64}, {{150, 7}, {65, 0}}},
      {"chunks and decodes in one launch", {8, 2, 128}, {{140, 20}, {1, 300}, {1, 17}, {5, 0}}},
      {"chunks and decodes, narrow", {8, 1, 64}, {{20, 300}, {1, 1500}}},
  };
  std::uint64_t seed = 100;
  for (const Checked& one : all) {
    report(std::string("attention: ") + one.name,
           wrong_of(bench, one.heads, one.sequences, seed += 10));
  }
}

}  // namespace orrery::kernels
