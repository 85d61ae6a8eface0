// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_EXPERT_LOAD_H_
#define ORRERY_KERNELS_HOST_EXPERT_LOAD_H_

#include <cstdint>
#include <vector>

namespace orrery::kernels {

/// Rows of each expert if they are spread as evenly as whole rows can be.
[[nodiscard]] std::vector<std::int64_t> even_load(std::int64_t experts, std::int64_t rows);

/// Rows in proportion to 1, 1/2, 1/3 ..., at most `most` each (a token goes to an expert once),
/// what is cut off shared by those after it in the same proportion; in all exactly `rows`. Throws
/// std::invalid_argument if experts * most rows are fewer.
[[nodiscard]] std::vector<std::int64_t> zipf_load(std::int64_t experts, std::int64_t rows,
                                                  std::int64_t most);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_EXPERT_LOAD_H_
