// SPDX-License-Identifier: Apache-2.0
//
// In what form weights lie in memory and are multiplied.
#ifndef ORRERY_MODELS_CARDS_WEIGHT_FORMAT_H_
#define ORRERY_MODELS_CARDS_WEIGHT_FORMAT_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "sim/hardware/gpu.h"

namespace orrery {

/// What activations, norms, embeddings and all that is not quantised are kept in.
enum class WeightType : std::uint8_t { kBfloat16, kFloat16, kFloat32 };
inline constexpr std::array<std::string_view, 3> kWeightTypeNames = {"bfloat16", "float16",
                                                                     "float32"};
[[nodiscard]] std::string_view name_of(WeightType type);
[[nodiscard]] std::int64_t element_bytes(WeightType type);

/// How the weights of linear layers are stored.
/// - fp8, int8: a scale a tensor or channel; activations are quantised too (W8A8).
/// - fp8_block: a 32-bit scale for 128 x 128 weights, and one for 128 activations (DeepSeek-V3).
/// - int4: groups of 128 with a 16-bit scale; activations stay as they are (GPTQ, AWQ, Marlin).
/// - mxfp4: groups of 32 with an 8-bit scale; activations stay as they are (gpt-oss).
/// - nvfp4: groups of 16 with an 8-bit scale; activations are quantised too.
/// - the weight-only ones: what engines run (Marlin kernels) where tensor cores lack the type.
enum class Quantization : std::uint8_t {
  kNone,
  kFp8,
  kFp8Block,
  kInt8,
  kInt4,
  kMxfp4,
  kNvfp4,
  kFp8WeightOnly,
  kNvfp4WeightOnly,
};
inline constexpr std::size_t kQuantizations = 9;
/// Those that a card or an option can ask for.
inline constexpr std::array<std::string_view, 7> kQuantizationNames = {
    "none", "fp8", "fp8_block", "int8", "int4", "mxfp4", "nvfp4"};
[[nodiscard]] std::string_view name_of(Quantization format);

/// The same, as it runs on a GPU: weight-only where its tensor cores do not have the type.
[[nodiscard]] Quantization as_run_on(const GpuSpec& gpu, Quantization format);

/// Of a weight [n, k], scales included.
[[nodiscard]] std::int64_t weight_bytes(Quantization format, WeightType type, std::int64_t n,
                                        std::int64_t k);
/// Whether a GEMM reads activations that were quantised before it.
[[nodiscard]] bool quantises_activations(Quantization format);
/// Of an element that a GEMM reads.
[[nodiscard]] std::int64_t activation_bytes(Quantization format, WeightType type);
/// The type in which tensor cores multiply; none where the GPU has no such rate.
[[nodiscard]] std::optional<ComputeRate> multiply_rate(const GpuSpec& gpu, Quantization format,
                                                       WeightType type);
/// What measured tables call the kernels (models/calibration/measured_row.h); empty: none of them.
[[nodiscard]] std::string_view kernel_dtype(Quantization format, WeightType type);

}  // namespace orrery

#endif  // ORRERY_MODELS_CARDS_WEIGHT_FORMAT_H_
