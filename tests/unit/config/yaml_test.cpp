// SPDX-License-Identifier: Apache-2.0
#include "sim/config/yaml.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/config/config_errors.h"

namespace orrery {
namespace {

std::string error_of(const std::string& text) {
  return config_error_of([&] { static_cast<void>(parse_yaml(text, "f.yaml")); });
}

TEST_CASE("the tree keeps text, order and places") {
  const Node root = parse_yaml(
      "model: llama\nslo: {ttft: 500ms,\n  tpot: \"50ms\"}\nlist:\n  - 0x10\n  - yes\n", "f.yaml");
  REQUIRE(root.is(Node::Kind::kMapping));
  REQUIRE(root.entries.size() == 3);
  CHECK(root.entries[1].key == "slo");
  CHECK(root.entries[1].at.text() == "f.yaml:2:1");
  const Node* tpot = root.find("slo")->find("tpot");
  REQUIRE(tpot != nullptr);
  CHECK(tpot->text == "50ms");
  CHECK(tpot->quoted);
  CHECK(tpot->at.text() == "f.yaml:3:9");
  CHECK_FALSE(root.find("model")->quoted);
  // yaml-cpp would make 16 and true of these.
  CHECK(root.find("list")->items[0].text == "0x10");
  CHECK(root.find("list")->items[1].text == "yes");
  CHECK(root.find("list")->items[1].at.text() == "f.yaml:6:5");
  CHECK(root.find("nothing") == nullptr);
}

TEST_CASE("a key without a value is nothing, at its key") {
  const Node root = parse_yaml("a:\nb: ~\n", "f.yaml");
  CHECK(root.find("a")->is(Node::Kind::kNothing));
  CHECK(root.find("a")->at.text() == "f.yaml:1:1");
  CHECK(root.find("b")->is(Node::Kind::kNothing));
  CHECK(parse_yaml("", "f.yaml").is(Node::Kind::kNothing));
}

TEST_CASE("blocks are texts") {
  const Node root = parse_yaml("a: >\n  two\n  lines\nb: |\n  3", "f.yaml");
  CHECK(root.find("a")->text == "two lines\n");
  CHECK(root.find("b")->text == "3");
  CHECK(root.find("b")->quoted);
  CHECK(root.find("b")->at.text() == "f.yaml:4:4");
}

TEST_CASE("JSON is read as the YAML it is") {
  const Node root = parse_yaml(
      "{\n\t\"hidden_size\":4096,\n\t\"rope\": {\"type\": null, \"t\": 1e4},"
      "\n\t\"name\": \"a\\\"b\"\n}\n",
      "config.json");
  CHECK(root.find("hidden_size")->text == "4096");
  CHECK_FALSE(root.find("hidden_size")->quoted);
  CHECK(root.find("rope")->find("type")->is(Node::Kind::kNothing));
  CHECK(root.find("name")->text == "a\"b");
  CHECK(root.find("name")->quoted);
}

TEST_CASE("a key that stands twice is an error where the second stands") {
  CHECK(error_of("a: 3\nb: 1\na: 4\n") == "f.yaml:3:1: a: stands twice; first in line 1");
  CHECK(error_of("w:\n  stages:\n    - {rate: 1, rate: 2}\n") ==
        "f.yaml:3:17: w.stages[0].rate: stands twice; first in line 3");
}

TEST_CASE("what is not read is refused with its place") {
  CHECK(error_of("a: &x 1\nb: *x\n") ==
        "f.yaml:1:4: a: anchors (&name) are not read: write the value out");
  CHECK(error_of("a: !!int 3\n") ==
        "f.yaml:1:4: a: has the tag 'tag:yaml.org,2002:int'; tags are not read");
  CHECK(error_of("a: 1\n---\nb: 2\n").find("a second document begins; one is read") !=
        std::string::npos);
  CHECK(error_of("[1, 2]: 3\n") ==
        "f.yaml:1:1: a key must be a plain name; is a bracket left open?");
  CHECK(error_of("a: {~: 3}\n") == "f.yaml:1:5: a: a key must be a plain name");
  CHECK(error_of("a: {\"\": 3}\n") == "f.yaml:1:5: a: a key must be a plain name");
}

TEST_CASE("what is not YAML says where") {
  CHECK(error_of("a: [1, 2\nb: 3\n").starts_with("f.yaml:2:2: not YAML: "));
  CHECK(error_of("a: 1\n b: 2\n").starts_with("f.yaml:2:3: not YAML: "));
  CHECK(error_of("a:\n  - b\n\tc: 1\n").starts_with("f.yaml:3:1: not YAML: "));
  CHECK(error_of("[1") == "f.yaml:1:1: a key must be a plain name; is a bracket left open?");
  CHECK(error_of(std::string(2000, '[') + std::string(2000, ']')).ends_with("nests too deeply"));
}

TEST_CASE("what the parser would take silently is refused") {
  // A quote that is open where the file ends.
  CHECK(error_of("a: 1\nb: \"half\n") == "f.yaml:2:4: b: not YAML: the quote is not closed");
  CHECK(error_of("b: \"half\\\"\n") == "f.yaml:1:4: b: not YAML: the quote is not closed");
  CHECK(error_of("b: 'it''s\n") == "f.yaml:1:4: b: not YAML: the quote is not closed");
  CHECK(parse_yaml("b: 'it''s'\n", "f.yaml").find("b")->text == "it's");
  CHECK(parse_yaml("\xc3\xa9: \"\xc3\xa9\"\n", "f.yaml").find("\xc3\xa9")->quoted);
  // A byte that the parser's stream takes for its end.
  CHECK(error_of("a: 1\n\x04"
                 "b: 2\n") == "f.yaml:2:1: a control character (0x04) in the text");
  CHECK(error_of(std::string("a: \0", 4)) == "f.yaml:1:4: a control character (0x00) in the text");
  CHECK(error_of("\xff\xfe: 1") == "f.yaml:1:1: is not UTF-8");
  // Cut short, overlong, a surrogate, past the last character.
  for (const char* wrong : {"\xc3", "\xe2\x82", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\x80"}) {
    CHECK(error_of(std::string("a: 1\nb: ") + wrong) == "f.yaml:2:4: is not UTF-8");
  }
  for (const char* right : {"\xc2\x80", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(parse_yaml(std::string("b: ") + right, "f.yaml").find("b")->text == right);
  }
  CHECK(error_of("a: ! b\n") == "f.yaml:1:4: a: has the tag '!'; tags are not read");
  // A byte order mark is no part of the first key.
  CHECK(parse_yaml("\xef\xbb\xbf"
                   "a: 1\n",
                   "f.yaml")
            .find("a")
            ->at.text() == "f.yaml:1:4");
}

TEST_CASE("files that cannot be read say why") {
  CHECK(config_error_of([] { static_cast<void>(load_yaml("/no/such.yaml")); }) ==
        "/no/such.yaml: cannot be read: No such file or directory");
  CHECK(config_error_of([] { static_cast<void>(load_yaml("/tmp")); }) ==
        "/tmp: cannot be read: Is a directory");
  const std::string path =
      (std::filesystem::temp_directory_path() / "orrery_config_test_empty.yaml").string();
  std::ofstream(path) << "# only a comment\n";
  CHECK(config_error_of([&] { static_cast<void>(load_yaml(path)); }) == path + ": is empty");
  std::ofstream(path) << "a: 1\n";
  CHECK(load_yaml(path).find("a")->at.text() == path + ":1:4");
  std::filesystem::remove(path);
}

TEST_CASE("paths are looked for beside the file that names them") {
  CHECK(resolve_path({"configs/scenarios/a.yaml", 3, 4}, "../traces/x.csv") ==
        "configs/traces/x.csv");
  CHECK(resolve_path({"a.yaml", 3, 4}, "x.csv") == "x.csv");
  CHECK(resolve_path({"configs/a.yaml", 3, 4}, "/data/x.csv") == "/data/x.csv");
  // The command line speaks of the current folder.
  CHECK(resolve_path({"--set trace.path", 0, 0}, "x.csv") == "x.csv");
}

}  // namespace
}  // namespace orrery
