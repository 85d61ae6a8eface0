// SPDX-License-Identifier: Apache-2.0
#include "models/cards/weight_format.h"

#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, kQuantizations> kAllNames = {
    "none", "fp8", "fp8_block", "int8", "int4", "mxfp4", "nvfp4", "fp8 weights", "nvfp4 weights"};

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// `bits` a weight, and a scale of `scale_bytes` for each `group` of a row.
std::int64_t grouped(std::int64_t n, std::int64_t k, std::int64_t bits, std::int64_t group,
                     std::int64_t scale_bytes) {
  return ceil_div(n * k * bits, 8) + n * ceil_div(k, group) * scale_bytes;
}

}  // namespace

std::string_view name_of(WeightType type) {
  return kWeightTypeNames[static_cast<std::size_t>(type)];
}

std::string_view name_of(Quantization format) {
  return kAllNames[static_cast<std::size_t>(format)];
}

std::int64_t element_bytes(WeightType type) { return type == WeightType::kFloat32 ? 4 : 2; }

Quantization as_run_on(const GpuSpec& gpu, Quantization format) {
  const bool fp8 = format == Quantization::kFp8 || format == Quantization::kFp8Block;
  if (fp8 && !gpu.compute.fp8) return Quantization::kFp8WeightOnly;
  if (format == Quantization::kNvfp4 && !gpu.compute.fp4) return Quantization::kNvfp4WeightOnly;
  return format;
}

std::int64_t weight_bytes(Quantization format, WeightType type, std::int64_t n, std::int64_t k) {
  switch (format) {
    case Quantization::kNone:
      return n * k * element_bytes(type);
    case Quantization::kFp8:
    case Quantization::kInt8:
    case Quantization::kFp8WeightOnly:
      return n * k + 4 * n;
    case Quantization::kFp8Block:
      return n * k + 4 * ceil_div(n, 128) * ceil_div(k, 128);
    case Quantization::kInt4:
      return grouped(n, k, 4, 128, 2);
    case Quantization::kMxfp4:
      return grouped(n, k, 4, 32, 1);
    case Quantization::kNvfp4:
    case Quantization::kNvfp4WeightOnly:
      return grouped(n, k, 4, 16, 1);
  }
  ORRERY_CHECK(false);
}

bool quantises_activations(Quantization format) {
  return format == Quantization::kFp8 || format == Quantization::kFp8Block ||
         format == Quantization::kInt8 || format == Quantization::kNvfp4;
}

std::int64_t activation_bytes(Quantization format, WeightType type) {
  // nvfp4 activations are half a byte and a scale for 16: counted as one byte.
  return quantises_activations(format) ? 1 : element_bytes(type);
}

std::optional<ComputeRate> multiply_rate(const GpuSpec& gpu, Quantization format, WeightType type) {
  if (format == Quantization::kFp8 || format == Quantization::kFp8Block) return gpu.compute.fp8;
  if (format == Quantization::kInt8) return gpu.compute.int8;
  if (format == Quantization::kNvfp4) return gpu.compute.fp4;
  if (type == WeightType::kFloat16) return gpu.compute.fp16;
  // Engines leave TF32 off, as PyTorch does.
  return type == WeightType::kFloat32 ? gpu.compute.fp32 : gpu.compute.bf16;
}

std::string_view kernel_dtype(Quantization format, WeightType type) {
  switch (format) {
    case Quantization::kNone:
      if (type == WeightType::kFloat32) return "";
      return type == WeightType::kFloat16 ? "fp16" : "bf16";
    case Quantization::kFp8WeightOnly:
    case Quantization::kNvfp4WeightOnly:
      return "";
    case Quantization::kNvfp4:
      return "nvfp4";
    default:
      return name_of(format);
  }
}

}  // namespace orrery
