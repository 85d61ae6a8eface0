// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/step_kernels.h"

#include <algorithm>
#include <bit>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

/// Every row count up to here has its own figure; beyond, each 32nd.
constexpr std::int64_t kFineRows = 256;
constexpr std::int64_t kRowStep = 32;

/// fp16 and bf16 kernels move the same bytes and run on the same tensor cores at the same rate, so
/// where one was not measured the other stands for it; the basis names the dtype that was.
std::string twin_of(const std::string& dtype) {
  if (dtype == "fp16") return "bf16";
  return dtype == "bf16" ? "fp16" : dtype;
}

const KernelFit& find(const std::vector<KernelFit>& fits, const KernelSet& set) {
  if (const KernelFit* fit = find_fit(fits, set)) return *fit;
  const KernelSet twin{set.op, twin_of(set.dtype), twin_of(set.kv_dtype)};
  if (const KernelFit* fit = find_fit(fits, twin)) return *fit;
  throw ConfigError({}, "fidelity.compute",
                    "the hardware has no calibration of " + set.text() + "; roofline needs none");
}

/// 1, 2, 3, 4, 6, 8, 12, 16, ...: knot i.
constexpr std::int64_t knot(std::size_t i) {
  if (i == 0) return 1;
  const std::int64_t power = std::int64_t{1} << ((i + 1) / 2);
  return i % 2 == 1 ? power : power + power / 2;
}
static_assert(knot(1) == 2 && knot(2) == 3 && knot(3) == 4 && knot(4) == 6 && knot(5) == 8);

/// Where a value lies between two knots. Beyond the last the line goes on.
struct Place {
  std::size_t below;
  double share;
};
Place place(std::int64_t value, std::size_t knots) {
  std::size_t at = 0;
  if (value >= 2) {
    const auto octave = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(value)));
    at = 2 * octave - 3;
    if (value >= knot(at + 1)) ++at;
  }
  at = std::min(at, knots - 2);
  const std::int64_t low = knot(at);
  const std::int64_t high = knot(at + 1);
  return {at, static_cast<double>(value - low) / static_cast<double>(high - low)};
}

FittedTime mix(const FittedTime& a, const FittedTime& b, double share) {
  return {a.us + share * (b.us - a.us), a.guessed_us + share * (b.guessed_us - a.guessed_us)};
}

FittedTime ask(const KernelFit& fit, const KernelShape& shape) {
  const double us = fit.time_us(shape);
  return {us, fit.record().range.holds(shape) ? 0 : us};
}

}  // namespace

StepKernels::StepKernels(const std::vector<KernelFit>& fits, const std::string& dtype,
                         const std::string& kv_dtype, const HeadShape& heads)
    : gemm_(find(fits, {MeasuredOp::kGemm, dtype, ""})),
      prefill_(find(fits, {MeasuredOp::kPrefillAttention, dtype, kv_dtype})),
      decode_(find(fits, {MeasuredOp::kDecodeAttention, dtype, kv_dtype})),
      heads_(heads) {
  fill_decodes();
  fill_chunks();
}

void StepKernels::add_weight(std::int64_t n, std::int64_t k) {
  std::vector<FittedTime>& times = weights_[{n, k}];
  if (!times.empty()) return;
  KernelShape shape;
  shape.n = n;
  shape.k = k;
  const std::int64_t most = 16384;
  for (std::int64_t rows = 1; rows <= most; rows += rows < kFineRows ? 1 : kRowStep) {
    shape.m = rows;
    times.push_back(ask(gemm_, shape));
  }
}

FittedTime StepKernels::gemm(std::int64_t rows, std::int64_t n, std::int64_t k) const {
  const auto found = weights_.find({n, k});
  ORRERY_CHECK(found != weights_.end() && rows >= 1);
  const std::vector<FittedTime>& times = found->second;
  if (rows <= kFineRows) return times[static_cast<std::size_t>(rows - 1)];
  const std::int64_t most =
      kFineRows + (static_cast<std::int64_t>(times.size()) - kFineRows) * kRowStep;
  if (rows > most) {
    // Beyond the table all is arithmetic, which grows with the rows.
    const double share = static_cast<double>(rows) / static_cast<double>(most);
    return {times.back().us * share, times.back().us * share};
  }
  const std::int64_t beyond = rows - kFineRows;
  const auto last = static_cast<std::int64_t>(times.size()) - kFineRows - 1;
  const std::int64_t step = std::min(beyond / kRowStep, last - 1);
  const auto at = static_cast<std::size_t>(kFineRows - 1 + step);
  return mix(times[at], times[at + 1],
             static_cast<double>(beyond - step * kRowStep) / static_cast<double>(kRowStep));
}

void StepKernels::fill_decodes() {
  KernelShape shape;
  shape.query = 1;
  shape.heads = heads_.heads;
  shape.kv_heads = heads_.kv_heads;
  shape.head_dim = heads_.head_dim;
  for (std::size_t b = 0; b < kBatchKnots; ++b) {
    shape.batch = knot(b);
    for (std::size_t c = 0; c < kContextKnots; ++c) {
      shape.context = knot(c) - 1;
      decode_times_.push_back(ask(decode_, shape));
    }
  }
}

FittedTime StepKernels::decodes(const BatchShape& shape) const {
  if (shape.decodes == 0) return {};
  const Place batch = place(shape.decodes, kBatchKnots);
  const Place context =
      place(std::max<std::int64_t>(1, shape.decode_context / shape.decodes), kContextKnots);
  const FittedTime* low = &decode_times_[batch.below * kContextKnots + context.below];
  const FittedTime* high = low + kContextKnots;
  return mix(mix(low[0], low[1], context.share), mix(high[0], high[1], context.share), batch.share);
}

void StepKernels::fill_chunks() {
  KernelShape shape;
  shape.heads = heads_.heads;
  shape.kv_heads = heads_.kv_heads;
  shape.head_dim = heads_.head_dim;
  for (std::size_t n = 0; n < kChunkKnots; ++n) {
    shape.batch = std::int64_t{1} << n;
    for (std::size_t q = 0; q < kQueryKnots; ++q) {
      shape.query = knot(q);
      for (std::size_t c = 0; c < kContextKnots; ++c) {
        // Contexts are kept plus one, so that none has a knot.
        shape.context = knot(c) - 1;
        FittedTime time = ask(prefill_, shape);
        const double each = 1 / static_cast<double>(shape.batch);
        chunk_times_.push_back({time.us * each, time.guessed_us * each});
      }
    }
  }
}

FittedTime StepKernels::chunk(std::size_t count_knot, const PrefillChunk& chunk) const {
  const Place query = place(chunk.tokens, kQueryKnots);
  const Place context = place(std::int64_t{chunk.context} + 1, kContextKnots);
  const FittedTime* low =
      &chunk_times_[(count_knot * kQueryKnots + query.below) * kContextKnots + context.below];
  const FittedTime* high = low + kContextKnots;
  return mix(mix(low[0], low[1], context.share), mix(high[0], high[1], context.share), query.share);
}

FittedTime StepKernels::chunks(const BatchShape& shape) const {
  if (shape.chunks.empty()) return {};
  const auto octave = static_cast<std::size_t>(std::bit_width(shape.chunks.size()) - 1);
  const std::size_t count_knot = std::min(octave, kChunkKnots - 1);
  FittedTime sum;
  for (const PrefillChunk& each : shape.chunks) {
    const FittedTime time = chunk(count_knot, each);
    sum.us += time.us;
    sum.guessed_us += time.guessed_us;
  }
  return sum;
}

}  // namespace orrery
