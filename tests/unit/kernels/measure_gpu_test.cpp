// SPDX-License-Identifier: Apache-2.0
//
// scripts/measure_gpu with a program that only says what orrery-kernels would: what the script
// makes of checks that fail, of a process that breaks, and of tables that are there in part.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace orrery::kernels {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("orrery_measure_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Notes each call in a file; `body` decides what `measure` does, $calls of which went before.
std::string program_of(const Folder& folder, const std::string& check, const std::string& body) {
  std::string path = folder.file("program");
  std::ofstream(path) << "#!/bin/sh\ncalls=$(grep -c ^measure '" << folder.file("calls")
                      << "' 2>/dev/null)\necho \"$@\" >>'" << folder.file("calls")
                      << "'\ncase $1 in\ncheck) " << check << " ;;\nmeasure) " << body
                      << " ;;\nesac\n";
  fs::permissions(path, fs::perms::owner_all);
  return path;
}

/// Its exit code.
int measure(const Folder& folder, const std::string& program, const std::string& arguments) {
  const std::string command = std::string(ORRERY_SOURCE_DIR) + "/scripts/measure_gpu --no-torch" +
                              " --out '" + folder.file("out") + "' --program '" + program + "' " +
                              arguments + " 2>'" + folder.file("stderr") + "' >/dev/null";
  return WEXITSTATUS(std::system(command.c_str()));
}

TEST_CASE("a wrong kernel takes its parts with it, and no others") {
  const Folder folder;
  const std::string program = program_of(
      folder, "echo 'gemm bf16 ok'; echo 'sound parts: launch,memory,gemm'; exit 1", "exit 0");
  CHECK(measure(folder, program, "--seconds 60") == 1);
  CHECK(text_of(folder.file("calls")).find("--parts launch,memory,gemm") != std::string::npos);
  CHECK(text_of(folder.file("stderr")).find("only sound parts are measured") != std::string::npos);
  CHECK(measure(folder, program, "--seconds 60 --parts attention,gemm") == 1);
  CHECK(text_of(folder.file("calls")).find("--parts gemm\n") != std::string::npos);
  CHECK(text_of(folder.file("out/origin.txt")).find("kernels ") != std::string::npos);
  // A check that broke off before it could say what is sound.
  CHECK(measure(folder, program_of(folder, "exit 1", "exit 0"), "") == 1);
  CHECK(text_of(folder.file("stderr")).find("nothing was measured") != std::string::npos);
}

TEST_CASE(
    "a process that a launch broke is followed by another, and the summary is of what is there") {
  const Folder folder;
  const std::string row =
      "memory_copy,,,,,,,,,,,,,1,pattern=stream size=8,cold,graph,included,burst,0,2,2,2,5,16,,,,,,"
      "A GPU,orrery-kernels 1,580,13.0,2026-12-01";
  const std::string program = program_of(
      folder, "exit 0",
      "[ \"$calls\" = 0 ] && exit 3; printf '# orrery measured table 1\\n"
      "op,dtype,kv_dtype,m,n,k,batch,query,context,heads,kv_heads,head_dim,window,ranks,detail,"
      "operands,launch,floor,load,pass,latency_us,p10_us,p90_us,repeats,bytes,flops,power_w,sm_mhz,"
      "memory_mhz,temperature_c,device,source,driver,cuda,date\\n" +
          row + "\\n' >\"$3\"; exit 0");
  // One case failed, so the whole is not ok, but all else is there.
  CHECK(measure(folder, program, "--seconds 60") == 1);
  const std::string calls = text_of(folder.file("calls"));
  CHECK(calls.find("measure") != calls.rfind("measure"));
  CHECK(text_of(folder.file("out/summary.txt")).find("best copy, read and written: 0.000 TB/s") !=
        std::string::npos);
  CHECK(measure(folder, program, "--seconds 60") == 0);
}

TEST_CASE("bad usage and the runbook") {
  const Folder folder;
  CHECK(measure(folder, "none", "--seconds soon") == 2);
  CHECK(measure(folder, "none", "--help") == 0);
}

}  // namespace
}  // namespace orrery::kernels
