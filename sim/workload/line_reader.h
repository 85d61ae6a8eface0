// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_LINE_READER_H_
#define ORRERY_SIM_WORKLOAD_LINE_READER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/errors.h"
#include "sim/workload/byte_source.h"

namespace orrery {

/// Lines of a trace, one buffer reused for all of them: a file of any length takes the memory of
/// its longest line. Knows the line it gave last, for error lines.
class LineReader {
 public:
  LineReader(std::unique_ptr<ByteSource> bytes, std::string name);

  /// The next line that is not blank, without its end (\n or \r\n). Valid until the next call.
  bool next(std::string_view& line);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int line_number() const { return line_number_; }
  /// Refuses the line given last.
  [[noreturn]] void fail(std::string_view column, std::string_view what) const;

 private:
  bool next_raw(std::string_view& line);
  bool fill();

  std::unique_ptr<ByteSource> bytes_;
  std::string name_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  int line_number_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_LINE_READER_H_
