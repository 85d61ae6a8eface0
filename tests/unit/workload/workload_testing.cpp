// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/workload/workload_testing.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/workload/trace_source.h"

namespace orrery::testing {

WorkloadOptions read_workload(const std::string& yaml) {
  WorkloadOptions options;
  read(parse_yaml(yaml, "s.yaml"), options, "workload");
  return options;
}

std::unique_ptr<RequestSource> open_yaml(const std::string& yaml, std::uint64_t seed) {
  return open_workload(read_workload(yaml), ORRERY_SOURCE_DIR, seed);
}

std::unique_ptr<RequestSource> open_text(std::string_view format, std::string_view text,
                                         const std::string& more) {
  const std::string yaml = "trace: {format: " + std::string(format) + ", path: t" +
                           (more.empty() ? "" : ", " + more) + "}";
  return open_trace(*read_workload(yaml).trace, open_memory(text, "t"), "t", ORRERY_SOURCE_DIR, 0);
}

std::vector<Request> drain(RequestSource& source) {
  std::vector<Request> requests;
  while (source.next_arrival()) source.pop(requests.emplace_back());
  return requests;
}

std::string error_of(std::string_view format, std::string_view text, const std::string& more) {
  try {
    const auto source = open_text(format, text, more);
    return "no error but " + std::to_string(drain(*source).size()) + " requests";
  } catch (const TraceError& error) {
    return error.what();
  }
}

std::string config_error_of(const std::string& yaml) {
  try {
    static_cast<void>(read_workload(yaml));
    return "no error";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

std::string remark_with(const RequestSource& source, std::string_view word) {
  std::string found;
  for (const std::string& remark : source.remarks()) {
    if (remark.find(word) == std::string::npos) continue;
    if (!found.empty()) return {};
    found = remark;
  }
  return found;
}

std::optional<std::filesystem::path> shared_file(const std::string& below) {
  const char* set = std::getenv("ORRERY_SHARED");
  const std::filesystem::path root =
      set != nullptr && *set != '\0'
          ? std::filesystem::path(set)
          : std::filesystem::path(ORRERY_SOURCE_DIR).parent_path() / "shared";
  if (std::filesystem::exists(root / below)) return root / below;
  std::printf("ORRERY_TEST_SKIPPED no shared %s\n", below.c_str());
  return {};
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double seconds_of(Instant when) { return to_seconds(when.since_start()); }

}  // namespace orrery::testing
