// SPDX-License-Identifier: Apache-2.0
//
// Who may see whom is a table, tests/layering.csv. Every #include is an arrow; an arrow that is not
// in the table fails here, and so does a CMakeLists.txt that says otherwise.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/house/source_file.h"

namespace orrery::house {
namespace {

using Words = std::set<std::string>;

struct Room {
  /// Rooms, or single files of rooms (`serving/cost_model.h`), without the `sim/` in front.
  Words sees;
  /// First parts of include paths: `fmt`, `sqlite3.h`.
  Words libraries;
};
using Table = std::map<std::string, Room>;

/// What an `orrery_room(folder SEES ... USES ...)` of CMakeLists.txt says.
struct LinkedRoom {
  std::string folder;
  Words sees;
};

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.insert(word);
  return words;
}

Table parse_table(const std::string& text) {
  Table table;
  const auto lines = lines_of(text);
  REQUIRE(lines.at(0) == "room,sees,libraries");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::istringstream row{std::string(lines[i])};
    std::string name;
    std::string sees;
    std::string libraries;
    std::getline(row, name, ',');
    std::getline(row, sees, ',');
    std::getline(row, libraries);
    REQUIRE_MESSAGE(table.emplace(name, Room{words_of(sees), words_of(libraries)}).second, name);
  }
  return table;
}

/// `sim/kv/pool/block.h` is of the room `sim/kv`, `models/plans/plan.h` of `models`.
std::string room_of(const std::string& path) {
  const std::size_t first = path.find('/');
  const std::string top = path.substr(0, first);
  if (top != "sim" || first == std::string::npos) return top;
  const std::size_t second = path.find('/', first + 1);
  return second == std::string::npos ? top : path.substr(0, second);
}

std::string short_name(const std::string& path) {
  return path.starts_with("sim/") ? path.substr(4) : path;
}

/// Standard headers have neither a folder nor an ending.
bool is_standard(const std::string& header) {
  return header.find('/') == std::string::npos && !header.ends_with(".h") &&
         !header.ends_with(".hpp");
}

std::string objection(const Table& table, const SourceFile& file, const Include& include) {
  const std::string room = room_of(file.path);
  const auto row = table.find(room);
  if (row == table.end()) return room + " is not in tests/layering.csv";
  if (include.angled) {
    const std::string library = include.path.substr(0, include.path.find('/'));
    if (is_standard(include.path) || row->second.libraries.contains(library)) return {};
    return room + " does not use the library <" + include.path + ">";
  }
  const std::string other = room_of(include.path);
  if (other == room || row->second.sees.contains(short_name(other)) ||
      row->second.sees.contains(short_name(include.path))) {
    return {};
  }
  return room + " does not see " + include.path;
}

Findings layering_findings(const Table& table, const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    for (const Include& include : file.includes) {
      const std::string what = objection(table, file, include);
      if (!what.empty()) findings.push_back(finding(file.path, include.line, what));
    }
  }
  return findings;
}

std::vector<LinkedRoom> rooms_of_cmake(const std::string& text) {
  std::vector<LinkedRoom> rooms;
  const std::string call = "orrery_room(";
  for (std::size_t at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
    const std::size_t open = at + call.size();
    std::istringstream words(text.substr(open, text.find(')', open) - open));
    std::string folder;
    words >> folder;
    bool seeing = false;
    Words& sees = rooms.emplace_back(LinkedRoom{folder, {}}).sees;
    for (std::string word; words >> word;) {
      if (word == "SEES" || word == "USES") {
        seeing = word == "SEES";
      } else if (seeing) {
        sees.insert(word);
      }
    }
  }
  return rooms;
}

TEST_CASE("every include is an arrow of tests/layering.csv") {
  const Table table = parse_table(read_from_tree("tests/layering.csv"));
  const auto files = sources_below({"sim", "models", "kernels"});
  REQUIRE(files.size() > 10);
  const Findings findings = layering_findings(table, files);
  CHECK_MESSAGE(findings.empty(), joined(findings));
}

TEST_CASE("an arrow that is not in the table is found") {
  const Table table = parse_table(
      "room,sees,libraries\n"
      "sim/core,,fmt\n"
      "sim/kv,core,\n"
      "models,core serving/cost_model.h,\n");
  const std::vector<SourceFile> files = {
      parse_source("sim/kv/pool.h",
                   "#include <vector>\n#include \"sim/core/units.h\"\n"
                   "#include \"sim/kv/block.h\"\n#include \"sim/serving/step.h\"\n"),
      parse_source("sim/kv/deep/down.cpp", "#include <fmt/core.h>\n"),
      parse_source("sim/core/text.cpp", "#include <fmt/core.h>\n#include \"sim/kv/pool.h\"\n"),
      parse_source("models/gemm.h",
                   "#include \"sim/serving/cost_model.h\"\n#include \"sim/serving/router.h\"\n"),
      parse_source("sim/new/room.h", "#include <vector>\n")};
  const Findings expected = {"sim/kv/pool.h:4: sim/kv does not see sim/serving/step.h",
                             "sim/kv/deep/down.cpp:1: sim/kv does not use the library <fmt/core.h>",
                             "sim/core/text.cpp:2: sim/core does not see sim/kv/pool.h",
                             "models/gemm.h:2: models does not see sim/serving/router.h",
                             "sim/new/room.h:1: sim/new is not in tests/layering.csv"};
  CHECK(joined(layering_findings(table, files)) == joined(expected));
}

TEST_CASE("CMakeLists.txt links what tests/layering.csv allows, and all of it") {
  const Table table = parse_table(read_from_tree("tests/layering.csv"));
  const auto rooms = rooms_of_cmake(read_from_tree("CMakeLists.txt"));
  REQUIRE(rooms.size() > 5);
  std::map<std::string, Words> reached;  // a library's headers are also seen by those who link it
  for (const LinkedRoom& room : rooms) {
    const std::string& folder = room.folder;
    REQUIRE_MESSAGE(table.contains(folder), folder);
    Words seen;  // whole rooms: a single file of a room needs that room linked
    for (const std::string& entry : table.at(folder).sees) {
      seen.insert(entry.substr(0, entry.find('/')));
    }
    Words& reach = reached[short_name(folder)];
    for (const std::string& other : room.sees) {
      CHECK_MESSAGE(seen.contains(other), folder, " links ", other);
      // Rooms are listed from the bottom up, which also keeps them free of cycles.
      REQUIRE_MESSAGE(reached.contains(other), folder, " links ", other, ", listed below it");
      reach.insert(other);
      reach.insert(reached[other].begin(), reached[other].end());
    }
    for (const std::string& other : seen) {
      CHECK_MESSAGE(reach.contains(other), folder, " does not link ", other);
    }
  }
}

}  // namespace
}  // namespace orrery::house
