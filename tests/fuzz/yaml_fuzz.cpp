// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a YAML file of options and, up to a newline after a first `=`, as a --set. Only an
// error a user can mend may come out, and what is read must survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sim/config/dump.h"
#include "sim/config/json.h"
#include "sim/config/overrides.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "tests/unit/config/sample_options.h"

namespace orrery {
namespace {

/// Aborts where `holds` is false, which is how libFuzzer is told.
void expect(bool holds) {
  if (!holds) std::abort();
}

void read_and_write(const Node& tree) {
  SampleOptions options;
  read(tree, options);
  const std::string written = dump_text(options);
  SampleOptions again;
  read(parse_yaml(written, "written"), again);
  expect(dump_text(again) == written);
}

void one_input(const std::string& text) {
  Node tree = parse_yaml(text, "fuzz.yaml");
  const std::string json = json_text(tree);
  expect(json_text(parse_yaml(json, "json")) == json);
  const std::string assignment = text.substr(0, text.find('\n'));
  if (assignment.find('=') != std::string::npos) apply_override(tree, assignment);
  read_and_write(tree);
}

}  // namespace
}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    orrery::one_input(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const orrery::UserError&) {
  }
  return 0;
}
