// SPDX-License-Identifier: Apache-2.0
//
// What the kernels have to compute, in double precision and as plainly as it can be written. Each
// result comes with the error that the kernel's rounding may add to it, derived where it is set.
#ifndef ORRERY_KERNELS_HOST_REFERENCE_H_
#define ORRERY_KERNELS_HOST_REFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace orrery::kernels {

struct Expected {
  std::vector<double> values;
  std::vector<double> tolerances;
};

/// Empty if every value is within its tolerance; else the worst one in a sentence. A value that is
/// no number is never within. Throws std::invalid_argument if there are not equally many.
[[nodiscard]] std::string difference(const Expected& expected, const std::vector<float>& got);

/// [m, k] times the transpose of [n, k], row by row; results are rounded to bf16.
[[nodiscard]] Expected matrix_product(const std::vector<float>& a, const std::vector<float>& b,
                                      std::size_t m, std::size_t n, std::size_t k);

struct AttentionShape {
  std::size_t heads = 1;
  std::size_t kv_heads = 1;
  std::size_t head_dim = 1;
};
/// One sequence: queries [query, heads, head_dim] after `context` earlier tokens; keys and values
/// [context + query, kv_heads, head_dim]; causal; scaled by 1 / sqrt(head_dim). Results bf16.
[[nodiscard]] Expected attention(const AttentionShape& shape, const std::vector<float>& queries,
                                 const std::vector<float>& keys, const std::vector<float>& values,
                                 std::size_t query, std::size_t context);

/// x + residual, then divided by its root mean square and times the weight.
struct NormExpected {
  Expected sums;
  Expected normed;
};
[[nodiscard]] NormExpected rms_norm(const std::vector<float>& x, const std::vector<float>& residual,
                                    const std::vector<float>& weight, std::size_t n,
                                    double epsilon);

/// silu(gate) * up for rows of [gate | up], n each.
[[nodiscard]] Expected silu_mul(const std::vector<float>& rows, std::size_t n);

/// Rotates the two halves of each head of token `t` by t * theta^(-2i/d).
[[nodiscard]] Expected rope(const std::vector<float>& rows, std::size_t heads, std::size_t head_dim,
                            double theta);

/// Per row: the scale that takes its largest value to 448, and the row in fp8 times that scale.
struct QuantiseExpected {
  std::vector<double> scales;
  Expected values;
};
[[nodiscard]] QuantiseExpected quantise(const std::vector<float>& rows, std::size_t n);

/// The tokens that may be drawn from a row of logits: its top_k largest, of those the fewest whose
/// share reaches top_p; the one drawn where the running sum of shares, largest first, passes
/// `uniform`. Equal logits: the lower token is the larger.
[[nodiscard]] std::size_t sample(const std::vector<float>& logits, std::size_t top_k, double top_p,
                                 double uniform);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_REFERENCE_H_
