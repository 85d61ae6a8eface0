// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_UNIT_WORKLOAD_WORKLOAD_TESTING_H_
#define ORRERY_TESTS_UNIT_WORKLOAD_WORKLOAD_TESTING_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/workload/open_workload.h"

namespace orrery::testing {

/// A workload as a scenario's `workload:` has it, in YAML.
[[nodiscard]] WorkloadOptions read_workload(const std::string& yaml);
/// ... and opened; relative paths lie under the source tree.
[[nodiscard]] std::unique_ptr<RequestSource> open_yaml(const std::string& yaml,
                                                       std::uint64_t seed = 0);

/// A trace in memory called `t`. `more` are further options in YAML: `limit: 3, sort: true`.
[[nodiscard]] std::unique_ptr<RequestSource> open_text(std::string_view format,
                                                       std::string_view text,
                                                       const std::string& more = "");

/// All requests of a source that needs no on_done().
[[nodiscard]] std::vector<Request> drain(RequestSource& source);

/// The error line of opening and draining it, or what happened instead.
[[nodiscard]] std::string error_of(std::string_view format, std::string_view text,
                                   const std::string& more = "");
/// The error line of reading these options.
[[nodiscard]] std::string config_error_of(const std::string& yaml);

/// The one remark that contains `word`; empty if there is not exactly one.
[[nodiscard]] std::string remark_with(const RequestSource& source, std::string_view word);

/// A file of the data shared beside this tree (or in $ORRERY_SHARED); empty where it is absent,
/// which is printed as a skipped test.
[[nodiscard]] std::optional<std::filesystem::path> shared_file(const std::string& below);

[[nodiscard]] double mean_of(const std::vector<double>& values);
/// Of a population.
[[nodiscard]] double deviation_of(const std::vector<double>& values);
[[nodiscard]] double seconds_of(Instant when);

}  // namespace orrery::testing

#endif  // ORRERY_TESTS_UNIT_WORKLOAD_WORKLOAD_TESTING_H_
