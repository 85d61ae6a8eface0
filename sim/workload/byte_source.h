// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_BYTE_SOURCE_H_
#define ORRERY_SIM_WORKLOAD_BYTE_SOURCE_H_

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace orrery {

/// A trace file's bytes, already decompressed, from its beginning to its end.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills as much of `buffer` as it can; 0 means the end. Damaged data is a TraceError.
  virtual std::size_t read(std::span<char> buffer) = 0;
};

/// Opens a file that may be plain, gzip or zstd. Its first bytes tell which, not its name, so that
/// a renamed file still reads. A file that cannot be opened is a TraceError.
[[nodiscard]] std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path);

/// The same over memory that outlives the source. `name` stands in error lines.
[[nodiscard]] std::unique_ptr<ByteSource> open_memory(std::string_view bytes, std::string name);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_BYTE_SOURCE_H_
