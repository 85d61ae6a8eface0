// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_DETAIL_H_
#define ORRERY_KERNELS_HOST_DETAIL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::kernels {

/// What the shape columns of a table have no place for: `pattern=gather block=4096`, words with
/// neither spaces nor commas, in the order in which they were given.
class Detail {
 public:
  Detail() = default;
  /// Throws std::invalid_argument for a word without `=`, or given twice.
  explicit Detail(std::string_view text);

  Detail& set(std::string_view key, std::string_view value);
  Detail& set(std::string_view key, std::int64_t value);

  [[nodiscard]] bool has(std::string_view key) const;
  /// Throws std::invalid_argument that names the key if it is missing, or no whole number.
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] std::int64_t number(std::string_view key) const;
  [[nodiscard]] std::string all() const;

 private:
  std::vector<std::pair<std::string, std::string>> words_;
};

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_DETAIL_H_
