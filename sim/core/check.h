// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CORE_CHECK_H_
#define ORRERY_SIM_CORE_CHECK_H_

#include <stdexcept>
#include <string>

namespace orrery {

/// A bug in Orrery, never something a user's input can cause. It is caught only where a run ends;
/// alone it exits 70.
class InternalError final : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws InternalError naming the condition and where it stands.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace orrery

/// Holds in every build. A failed check is a programmer's error.
#define ORRERY_CHECK(condition)                               \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      ::orrery::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

/// For checks that cost more than the work they guard: only in Debug and sanitizer builds.
#ifdef ORRERY_DEBUG_CHECKS
#define ORRERY_DCHECK(condition) ORRERY_CHECK(condition)
#else
#define ORRERY_DCHECK(condition) \
  do {                           \
  } while (false)
#endif

#endif  // ORRERY_SIM_CORE_CHECK_H_
