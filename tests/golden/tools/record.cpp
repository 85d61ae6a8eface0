// SPDX-License-Identifier: Apache-2.0
//
// Writes our own recordings anew: golden_record FOLDER. They say what the engine did when all of
// vLLM's recordings were reproduced step for step, so that a tree without those still notices when
// a schedule changes. Run it only for a change of behaviour that is meant, with those at hand.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/golden/tools/cases.h"
#include "tests/golden/tools/writer.h"

int main(int count, char** arguments) {
  if (count != 2 || !std::filesystem::is_directory(arguments[1])) {
    std::fputs("usage: golden_record FOLDER\n", stderr);
    return 2;
  }
  constexpr const char* kNote =
      "Orrery's own recording, not vLLM's: made by golden_record when every recording of vLLM's "
      "scheduler was reproduced step for step";
  for (const orrery::golden::Case& golden : orrery::golden::own_cases()) {
    const auto path = std::filesystem::path(arguments[1]) / (golden.name + ".json");
    std::ofstream file(path);
    file << orrery::golden::record(golden, kNote);
    if (!file.flush()) {
      std::fprintf(stderr, "%s cannot be written\n", path.c_str());
      return 1;
    }
  }
  return 0;
}
