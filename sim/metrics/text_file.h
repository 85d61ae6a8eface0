// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_TEXT_FILE_H_
#define ORRERY_SIM_METRICS_TEXT_FILE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace orrery {

/// A file that is written from front to back through one buffer, gzipped if its name ends in
/// `.gz`. It throws ConfigError if it cannot be opened, RunError if the disk does not take it.
///
///   char* out = file.room(64);      // a place for 64 characters
///   out = put_integer(out, 42);     // decimal.h
///   file.fill(out);                 // they are written up to here
class TextFile {
 public:
  explicit TextFile(std::string path);
  /// Without close() what is buffered is lost; that is how a failed run ends.
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  [[nodiscard]] char* room(std::size_t characters) {
    if (kBuffer - used_ < characters) flush();
    return buffer_.get() + used_;
  }
  void fill(const char* end) { used_ = static_cast<std::size_t>(end - buffer_.get()); }
  void write(std::string_view text);

  /// Writes the rest and says whether all of it arrived, by throwing if not. Again does nothing.
  void close();

 private:
  class Sink;
  class PlainSink;
  class GzipSink;
  static constexpr std::size_t kBuffer = std::size_t{1} << 18;

  void flush();

  std::string path_;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
  std::unique_ptr<Sink> sink_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_TEXT_FILE_H_
