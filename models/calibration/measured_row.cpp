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

std::string KernelSet::text() const {
  std::string text(kMeasuredOpNames[static_cast<std::size_t>(op)]);
  text += " " + dtype;
  if (!kv_dtype.empty() && kv_dtype != dtype) text += ", " + kv_dtype + " KV";
  return text;
}

KernelSet set_of(const MeasuredRow& row) { return {row.op, row.dtype, row.kv_dtype}; }

std::uint64_t family_of(MeasuredOp op, const KernelShape& shape) {
  if (op == MeasuredOp::kGemm) return mix(mix(1, shape.n), shape.k);
  return mix(mix(mix(2, shape.heads), shape.kv_heads), shape.head_dim);
}

double element_bytes(std::string_view dtype) {
  if (dtype == "bf16" || dtype == "fp16") return 2;
  if (dtype == "fp8" || dtype == "fp8_block" || dtype == "int8") return 1;
  return 0;
}

}  // namespace orrery
