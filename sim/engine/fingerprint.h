// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_ENGINE_FINGERPRINT_H_
#define ORRERY_SIM_ENGINE_FINGERPRINT_H_

#include <cstdint>
#include <string>

#include "sim/core/hash.h"
#include "sim/core/units.h"

namespace orrery {

/// What a run did, whatever the code that did it looked like. Only these reach the fingerprint.
enum class Fact : std::uint8_t { kAdmitted, kBatch, kFirstToken, kPreempted, kFinished, kRejected };

/// A hash of the facts of a run in their order. Same binary, config, trace and seed give the same
/// one; a refactoring that keeps the facts keeps it.
class Fingerprint {
 public:
  void add(Fact fact, std::uint64_t subject, Instant when) {
    hash_ = mix(hash_, (subject << 3 | static_cast<std::uint64_t>(fact)) ^
                           static_cast<std::uint64_t>(when.picoseconds()) * 0x9e3779b97f4a7c15U);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }
  /// 16 hexadecimal digits.
  [[nodiscard]] std::string text() const;

 private:
  std::uint64_t hash_ = 0x6f7272657279U;
};

}  // namespace orrery

#endif  // ORRERY_SIM_ENGINE_FINGERPRINT_H_
