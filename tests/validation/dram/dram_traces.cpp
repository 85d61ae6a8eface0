// SPDX-License-Identifier: Apache-2.0
#include "tests/validation/dram/dram_traces.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <system_error>

namespace orrery {

namespace fs = std::filesystem;

fs::path shared_dram() {
  const char* shared = std::getenv("ORRERY_SHARED");
  return (shared != nullptr ? fs::path(shared) : fs::path(ORRERY_SOURCE_DIR) / "../shared") /
         "dram";
}

bool shared_is_there() {
  if (fs::exists(shared_dram() / "reference.csv")) return true;
  std::cout << "ORRERY_TEST_SKIPPED no " << shared_dram().string() << "\n";
  return false;
}

std::string memory_file(const std::string& name) {
  return ORRERY_SOURCE_DIR "/configs/hardware/memory/" + name + ".yaml";
}

// Tests of one build may run side by side, each a process of its own.
DramTraces::DramTraces()
    : folder_(fs::temp_directory_path() / ("orrery-dram-traces-" + std::to_string(getpid()))) {
  const std::string command = "/usr/bin/python3 '" + (shared_dram() / "gen_traces.py").string() +
                              "' '" + folder_.string() + "' > /dev/null";
  made_ = std::system(command.c_str()) == 0;
}

DramTraces::~DramTraces() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

const DramTraces& DramTraces::instance() {
  static const DramTraces kTraces;
  return kTraces;
}

std::string DramTraces::file(const std::string& kind, bool stack, int access) const {
  const std::string name = kind + "_g" + std::to_string(access) + (stack ? "_s" : "_c") + ".bin";
  return (folder_ / name).string();
}

}  // namespace orrery
