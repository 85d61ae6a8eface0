// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CORE_IDS_H_
#define ORRERY_SIM_CORE_IDS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/core/check.h"

namespace orrery {

/// The request's ordinal in its workload, from 0. Never reused.
enum class RequestId : std::uint32_t {};
enum class SessionId : std::uint32_t {};
enum class ReplicaId : std::uint32_t {};
/// A physical KV block of one replica. Which one a request holds never changes a result.
enum class BlockId : std::uint32_t {};

inline constexpr SessionId kNoSession{UINT32_MAX};
inline constexpr BlockId kNoBlock{UINT32_MAX};

template <class Id>
[[nodiscard]] constexpr std::size_t index_of(Id id) {
  return static_cast<std::size_t>(id);
}

/// A vector that only its own kind of id opens.
template <class Id, class T>
class IdVector {
 public:
  IdVector() = default;
  explicit IdVector(std::size_t count, const T& value = T()) : items_(count, value) {}

  [[nodiscard]] T& operator[](Id id) {
    ORRERY_DCHECK(index_of(id) < items_.size());
    return items_[index_of(id)];
  }
  [[nodiscard]] const T& operator[](Id id) const {
    ORRERY_DCHECK(index_of(id) < items_.size());
    return items_[index_of(id)];
  }
  Id push_back(T value) {
    items_.push_back(std::move(value));
    return static_cast<Id>(items_.size() - 1);
  }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  void resize(std::size_t count, const T& value = T()) { items_.resize(count, value); }
  void reserve(std::size_t count) { items_.reserve(count); }

  [[nodiscard]] auto begin() { return items_.begin(); }
  [[nodiscard]] auto end() { return items_.end(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }

 private:
  std::vector<T> items_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_IDS_H_
