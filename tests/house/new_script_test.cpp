// SPDX-License-Identifier: Apache-2.0
//
// scripts/new in a copy of the tree: what it writes and what it refuses. Whether that compiles and
// holds its contract takes a build: scripts/try_new.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace orrery::house {
namespace {

namespace fs = std::filesystem;

struct Said {
  int code = 0;
  std::string text;
};

/// A copy of what the script reads and writes; gone when the test ends.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "orrery_new_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    const fs::path source = ORRERY_SOURCE_DIR;
    for (const char* folder : {"scripts", "sim", "models", "configs"}) {
      fs::copy(source / folder, path_ / folder, fs::copy_options::recursive);
    }
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { fs::remove_all(path_); }

  /// Runs scripts/new with `words` behind --files-only.
  [[nodiscard]] Said say(const std::string& words) const {
    const std::string command = (path_ / "scripts/new").string() + " --files-only " + words;
    std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    Said said;
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) said.text += buffer.data();
    said.code = WEXITSTATUS(pclose(pipe));
    return said;
  }

  [[nodiscard]] bool has(const std::string& file) const { return fs::exists(path_ / file); }
  [[nodiscard]] std::string text(const std::string& file) const {
    std::ifstream stream(path_ / file);
    REQUIRE_MESSAGE(stream.good(), file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  fs::path path_;
};

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

TEST_CASE("scripts/new writes a policy, its registration and a scenario for each port") {
  struct Port {
    std::string name;
    std::string folder;
    std::string registry;
    std::string member;
    std::string scenario_line;
  };
  const std::array<Port, 3> ports = {{
      {"eviction", "eviction", "EvictionRegistry", "eviction", "  eviction: {policy: my-own-2, "},
      {"scheduler", "schedulers", "SchedulerRegistry", "schedulers", "  scheduler: my-own-2\n"},
      {"router", "routing", "RouterRegistry", "routers", "router: {policy: my-own-2, "},
  }};
  for (const Port& port : ports) {
    CAPTURE(port.name);
    const Tree tree;
    const std::string before = tree.text("sim/policies/builtin.cpp");
    const Said said = tree.say(port.name + " my-own-2");
    CHECK_MESSAGE(said.code == 0, said.text);
    const std::string source = tree.text("sim/policies/" + port.folder + "/my_own_2.cpp");
    CHECK(contains(source, "class MyOwn2 final"));
    CHECK(contains(source, "void add_my_own_2(" + port.registry + "& registry)"));
    CHECK(contains(source, "registry.add<MyOwn2>(\"my-own-2\","));
    const std::string scenario = tree.text("configs/scenarios/my-own-2.yaml");
    CHECK(contains(scenario, "\n" + port.scenario_line));
    for (const std::string& text : {source, scenario}) CHECK(!contains(text, "@"));
    CHECK(contains(tree.text("sim/policies/builtin.h"),
                   "\nvoid add_my_own_2(" + port.registry + "&);\n"));
    // One line more, and only that.
    const std::string line = "  add_my_own_2(policies." + port.member + ");\n";
    std::string after = tree.text("sim/policies/builtin.cpp");
    REQUIRE(contains(after, line));
    CHECK(after.erase(after.find(line), line.size()) == before);
  }
}

TEST_CASE("scripts/new refuses names that are taken or no names, and writes nothing then") {
  const Tree tree;
  const std::string header = tree.text("sim/policies/builtin.h");
  const auto refused = [&](const std::string& words, const std::string& why) {
    const Said said = tree.say(words);
    CHECK_MESSAGE(said.code == 2, words);
    CHECK_MESSAGE(contains(said.text, why), said.text);
  };
  refused("eviction", "usage: ");
  refused("prefetcher mine", "there is no port 'prefetcher'; known: eviction, scheduler, router");
  refused("eviction My-Lru", "is not a name");
  refused("eviction my_lru", "is not a name");
  refused("eviction 2q", "is not a name");
  refused("eviction my-", "is not a name");
  refused("eviction ../lru", "is not a name");
  refused("eviction lru", "sim/policies/eviction/lru.cpp is there already");
  refused("scheduler lru", "a policy is called 'lru' already");
  refused("router default", "configs/scenarios/default.yaml is there already");
  refused("router replica", "the class would be called Replica");
  refused("eviction options", "the class would be called Options");
  CHECK(tree.text("sim/policies/builtin.h") == header);
  CHECK(!tree.has("sim/policies/routing/replica.cpp"));
  CHECK(!tree.has("configs/scenarios/lru.yaml"));
  // A name is taken once it was given.
  CHECK(tree.say("router mine").code == 0);
  refused("router mine", "is there already");
  refused("eviction mine", "is there already");
}

}  // namespace
}  // namespace orrery::house
