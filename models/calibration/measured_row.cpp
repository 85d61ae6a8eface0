// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/measured_row.h"

namespace orrery {
namespace {

/// The finaliser of splitmix64 over what came so far.
std::uint64_t mix(std::uint64_t hash, std::int64_t value) {
  hash += 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(value);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

}  // namespace

ShapeFigures figures_of(const KernelShape& s) {
  return {s.m,     s.n,        s.k,        s.batch,    s.query,   s.context,
          s.heads, s.kv_heads, s.head_dim, s.window,   s.experts, s.local_experts,
          s.top_k, s.rows,     s.touched,  s.heaviest, s.tiles};
}

KernelShape shape_of(const ShapeFigures& f) {
  return {f[0], f[1],  f[2],  f[3],  f[4],  f[5],  f[6],  f[7], f[8],
          f[9], f[10], f[11], f[12], f[13], f[14], f[15], f[16]};
}

bool has_figure(MeasuredOp op, std::size_t dimension) {
  constexpr std::size_t kAttention = 3;
  constexpr std::size_t kExperts = 10;
  if (op == MeasuredOp::kGemm) return dimension < kAttention;
  if (op == MeasuredOp::kMoe) return dimension < kAttention || dimension >= kExperts;
  return dimension >= kAttention && dimension < kExperts;
}

std::string_view name_of(MeasuredOp op) { return kMeasuredOpNames[static_cast<std::size_t>(op)]; }

std::string KernelSet::text() const {
  std::string text(name_of(op));
  text += " " + dtype;
  if (!kv_dtype.empty() && kv_dtype != dtype) text += ", " + kv_dtype + " KV";
  return text;
}

KernelSet set_of(const MeasuredRow& row) { return {row.op, row.dtype, row.kv_dtype}; }

std::uint64_t family_of(MeasuredOp op, const KernelShape& shape) {
  if (op == MeasuredOp::kGemm) return mix(mix(1, shape.n), shape.k);
  if (op == MeasuredOp::kMoe) {
    const std::uint64_t weight = mix(mix(3, shape.n), shape.k);
    return mix(mix(mix(weight, shape.experts), shape.local_experts), shape.top_k);
  }
  return mix(mix(mix(2, shape.heads), shape.kv_heads), shape.head_dim);
}

double element_bytes(std::string_view dtype) {
  if (dtype == "bf16" || dtype == "fp16") return 2;
  if (dtype == "fp8" || dtype == "fp8_block" || dtype == "int8") return 1;
  if (dtype == "int4" || dtype == "mxfp4") return 0.5;
  return 0;
}

}  // namespace orrery
