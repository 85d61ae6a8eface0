// SPDX-License-Identifier: Apache-2.0
//
// Short ways to write down records and to read files back.
#ifndef ORRERY_TESTS_UNIT_METRICS_RECORDS_H_
#define ORRERY_TESTS_UNIT_METRICS_RECORDS_H_

#include <filesystem>
#include <string>

#include "sim/serving/observer.h"

namespace orrery::testing {

[[nodiscard]] constexpr Instant at_ms(std::int64_t ms) { return Instant::at(milliseconds(ms)); }

/// A request that was sent and of which nothing else happened.
[[nodiscard]] RequestRecord sent_request(std::uint32_t id, Instant sent);

/// One that finished; engine and clients see its tokens at the same time.
struct Life {
  Instant sent;
  Instant scheduled;
  Instant first_token;
  Instant last_token;
  std::int32_t output_tokens = 2;
};
[[nodiscard]] RequestRecord finished_request(std::uint32_t id, const Life& life);

/// A folder of its own, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The whole file, inflated if it is gzipped.
[[nodiscard]] std::string text_of(const std::string& path);

}  // namespace orrery::testing

#endif  // ORRERY_TESTS_UNIT_METRICS_RECORDS_H_
