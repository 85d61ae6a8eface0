// SPDX-License-Identifier: Apache-2.0
//
// The traces on which memories are compared, made by the script that defines them.
#ifndef ORRERY_TESTS_VALIDATION_DRAM_DRAM_TRACES_H_
#define ORRERY_TESTS_VALIDATION_DRAM_DRAM_TRACES_H_

#include <filesystem>
#include <string>

namespace orrery {

/// Where the script and the results on its traces are.
[[nodiscard]] std::filesystem::path shared_dram();
/// Says that the test is skipped if they are not there.
[[nodiscard]] bool shared_is_there();

/// configs/hardware/memory/NAME.yaml.
[[nodiscard]] std::string memory_file(const std::string& name);

/// The traces, made once for all cases of a program.
class DramTraces {
 public:
  static const DramTraces& instance();
  [[nodiscard]] bool made() const { return made_; }
  /// `kind`: stream, random or mix, for accesses of 32 or 64 bytes to a stack or to one channel.
  [[nodiscard]] std::string file(const std::string& kind, bool stack, int access = 32) const;

 private:
  DramTraces();
  ~DramTraces();
  std::filesystem::path folder_;
  bool made_ = false;
};

}  // namespace orrery

#endif  // ORRERY_TESTS_VALIDATION_DRAM_DRAM_TRACES_H_
