// SPDX-License-Identifier: Apache-2.0
#include "sim/study/sweep/sweep.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sim/config/yaml.h"
#include "sim/study/sweep/cell.h"
#include "sim/study/sweep/plan.h"
#include "sim/study/sweep/results.h"
#include "sim/study/sweep/workers.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

const char* const kScenario = R"(scenario:
  cost: {step: 1ms}
  engine: {num_gpu_blocks_override: 100}
  workload:
    synthetic:
      arrivals: {process: poisson, rate: 2/s}
      input_tokens: {distribution: fixed, value: 100}
      output_tokens: {distribution: fixed, value: 10}
      requests: 20
  seed: 5
)";

/// A folder that goes when the test ends.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "orrery_sweep_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

const Policies& policies() {
  static const Policies kPolicies = builtin();
  return kPolicies;
}

SweepPlan plan_of(const std::string& rest, const std::string& program = "1.0") {
  return plan_sweep(parse_yaml(kScenario + rest, "sweep.yaml"), policies(), program);
}

std::string error_of(const std::string& text) {
  try {
    static_cast<void>(plan_sweep(parse_yaml(text, "sweep.yaml"), policies(), "1.0"));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::string> names_of(const SweepPlan& plan) {
  std::vector<std::string> names;
  for (const SweepPoint& point : plan.points) names.push_back(name_of(plan, point));
  return names;
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of_file(const std::string& path) {
  std::istringstream text(text_of_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

class Quiet final : public SweepWatcher {};

/// A summary that shows which point it came from.
std::string echo(const Scenario& scenario) {
  return fmt::format(R"({{"duration": {}, "unfinished": 0, "saturated": false}})", scenario.seed);
}

TEST_CASE("a grid is every combination in order, the last key fastest, then come the points") {
  const SweepPlan plan = plan_of(R"(grid:
  engine.num_gpu_blocks_override: [50, 60]
  engine.scheduler: [vllm-v1, orca]
points:
  - {engine.scheduler: sarathi-serve, engine.watermark: 0.5}
)");
  CHECK(plan.columns == std::vector<std::string>{"engine.num_gpu_blocks_override",
                                                 "engine.scheduler", "engine.watermark"});
  REQUIRE(plan.points.size() == 5);
  CHECK(plan.points[0].scenario.engine.scheduler == "vllm-v1");
  CHECK(plan.points[1].scenario.engine.scheduler == "orca");
  CHECK(plan.points[1].scenario.engine.memory.num_gpu_blocks_override == 50);
  CHECK(plan.points[2].scenario.engine.memory.num_gpu_blocks_override == 60);
  // What a point does not set is told as the scenario has it; orca has no watermark at all.
  const std::string blocks = "engine.num_gpu_blocks_override=";
  CHECK(names_of(plan) ==
        std::vector<std::string>{
            blocks + "50, engine.scheduler=vllm-v1, engine.watermark=0",
            blocks + "50, engine.scheduler=orca, engine.watermark=",
            blocks + "60, engine.scheduler=vllm-v1, engine.watermark=0",
            blocks + "60, engine.scheduler=orca, engine.watermark=",
            blocks + "100, engine.scheduler=sarathi-serve, engine.watermark=0.5"});
}

TEST_CASE("replications count up from the scenario's seed") {
  const SweepPlan plan = plan_of("grid: {replicas: [1, 2]}\nreplications: 3\n");
  REQUIRE(plan.points.size() == 6);
  std::vector<std::int64_t> seeds;
  for (const SweepPoint& point : plan.points) seeds.push_back(point.scenario.seed);
  CHECK(seeds == std::vector<std::int64_t>{5, 6, 7, 5, 6, 7});
  CHECK(plan.points[4].replication == 1);
  CHECK(plan.points[4].scenario.replicas == 2);
  // A sweep without a grid is its scenario.
  CHECK(plan_of("").points.size() == 1);
  CHECK(plan_of("replications: 2\n").points.size() == 2);
}

TEST_CASE("a key stands for the configuration and the program") {
  const SweepPlan plan = plan_of("grid: {replicas: [1, 2]}\nreplications: 2\n");
  std::set<std::string> keys;
  for (const SweepPoint& point : plan.points) keys.insert(point.key);
  CHECK(keys.size() == 4);
  for (const std::string& key : keys) CHECK(key.size() == 16);
  // Not for how the configuration came about: a point, and a grid in another order.
  CHECK(plan_of("points: [{replicas: 2}]\n").points[0].key == plan.points[2].key);
  CHECK(plan_of("grid: {replicas: [2, 1]}\n").points[0].key == plan.points[2].key);
  CHECK(plan_of("points: [{replicas: 2}]\n", "1.1").points[0].key != plan.points[2].key);
}

TEST_CASE("a key stands for the files that the scenario names, too") {
  const Folder folder;
  const auto key_with = [&](const std::string& rows) {
    std::ofstream(folder.file("lengths.csv")) << rows;
    const std::string text = std::string(kScenario) +
                             "points: [{workload.synthetic.input_tokens: {distribution: empirical, "
                             "path: lengths.csv}}]\n";
    return plan_sweep(parse_yaml(text, folder.file("sweep.yaml")), policies(), "1.0").points[0].key;
  };
  const std::string key = key_with("TIMESTAMP,ContextTokens,GeneratedTokens\n0,1,1\n");
  CHECK(key_with("TIMESTAMP,ContextTokens,GeneratedTokens\n0,2,1\n") != key);
  CHECK(key_with("TIMESTAMP,ContextTokens,GeneratedTokens\n0,1,1\n") == key);
}

TEST_CASE("the scenario may be a file beside the sweep's") {
  const Folder folder;
  fs::create_directory(folder.file("scenarios"));
  std::ofstream(folder.file("scenarios/one.yaml"))
      << "cost: {step: 1ms}\nengine: {num_gpu_blocks_override: 9}\nworkload:\n  closed_loop: "
         "{concurrency: 1, requests: 1, input_tokens: {distribution: fixed, value: 1}, "
         "output_tokens: {distribution: fixed, value: 1}}\n";
  std::ofstream(folder.file("sweep.yaml")) << "scenario: scenarios/one.yaml\n";
  const SweepPlan plan = load_sweep(folder.file("sweep.yaml"), policies());
  REQUIRE(plan.points.size() == 1);
  CHECK(plan.points[0].scenario.path == folder.file("scenarios/one.yaml"));
  CHECK(plan.points[0].scenario.engine.memory.num_gpu_blocks_override == 9);
}

TEST_CASE("what is wrong is found before anything runs, at its place in the sweep's file") {
  const std::string head = kScenario;  // 10 lines
  const auto starts = [](const std::string& text, const std::string& with) {
    CHECK_MESSAGE(text.starts_with(with), text);
  };
  starts(error_of(head + "grid:\n  engine.nonsense: [1]\n"), "sweep.yaml:12:3: engine.nonsense: ");
  starts(error_of(head + "grid:\n  nonsense: [1]\n"), "sweep.yaml:12:3: nonsense: ");
  starts(error_of(head + "grid:\n  replicas: [1, none]\n"), "sweep.yaml:12:17: replicas: ");
  starts(error_of(head + "grid:\n  replicas: [1, 0]\n"), "sweep.yaml:12:17: replicas: ");
  starts(error_of(head + "grid:\n  seed.deep: [1]\n"), "sweep.yaml:12:3: seed.deep: ");
  starts(error_of(head + "points:\n  - {replicas: 2}\n  - {router: nobody}\n"),
         "sweep.yaml:13:14: router");
  starts(error_of(head + "grid: {replicas: 2}\n"), "sweep.yaml:11:18: grid.replicas: is a list");
  starts(error_of(head + "grid: {replicas: []}\n"), "sweep.yaml:11:18: grid.replicas: is a list");
  starts(error_of(head + "grid: [1]\n"), "sweep.yaml:11:7: grid: is a mapping");
  starts(error_of(head + "points: {replicas: 1}\n"), "sweep.yaml:11:9: points: is a list");
  starts(error_of(head + "points: [1]\n"), "sweep.yaml:11:10: points[0]: is a mapping");
  starts(error_of(head + "replications: 0\n"), "sweep.yaml:11:15: replications: ");
  starts(error_of(head + "repetitions: 2\n"), "sweep.yaml:11:1: repetitions: is not a key");
  starts(error_of("grid: {replicas: [1]}\n"), "sweep.yaml:1:1: scenario: is missing");
  starts(error_of("scenario: [1]\n"), "sweep.yaml:1:11: scenario: is a path or a mapping");
}

TEST_CASE("an error says beside which other values it arose") {
  // orca knows no watermark, vllm-v1 does.
  const std::string error = error_of(std::string(kScenario) +
                                     "grid:\n  engine.scheduler: [vllm-v1, orca]\n"
                                     "  engine.watermark: [0.1]\n");
  CHECK_MESSAGE(error.starts_with("sweep.yaml:13:3: engine.watermark: "), error);
  CHECK_MESSAGE(error.ends_with("(in the point engine.scheduler=orca, engine.watermark=0.1)"),
                error);
}

TEST_CASE("two points that are the same run are refused") {
  CHECK(error_of(std::string(kScenario) + "grid: {replicas: [1, 2]}\npoints: [{replicas: 2}]\n") ==
        "sweep.yaml:12:21: the point replicas=2 (seed 5) is the same run as replicas=2");
  const std::string error =
      error_of(std::string(kScenario) + "grid: {seed: [1, 2]}\nreplications: 2\n");
  CHECK_MESSAGE(error.find("(seed 2) is the same run as seed=1") != std::string::npos, error);
}

TEST_CASE("a value is a number where it looks like one") {
  const Node node = parse_yaml("[4, 0.5, true, 8/s, '4', {a: 1}, [1, x]]", "text");
  std::vector<Cell> cells;
  for (const Node& item : node.items) cells.push_back(cell_of(item));
  CHECK(cells == std::vector<Cell>{std::int64_t{4}, 0.5, std::int64_t{1}, "8/s", "4", "{\"a\": 1}",
                                   "[1, \"x\"]"});
  CHECK(cell_at(R"({"a": {"b": [{"c": 2.5}]}})", "a.b[0].c") == Cell(2.5));
  CHECK(cell_at(R"({"a": {"b": [{"c": 2.5}]}})", "a.b[1].c") == Cell());
  CHECK(cell_at(R"({"a": 1})", "a.b") == Cell());
}

TEST_CASE("a summary becomes columns, the host's apart") {
  const SummaryCells cells = summary_cells(
      R"({"duration": 2.0, "kv_usage": {"mean": 0.5}, "saturated": true, "p99_ttft_ms": null,
          "remarks": ["a"], "config": {"x": 1}, "version": "1", "next": "orrery run",
          "sim_wall_s": 1.5, "host": {"sim_wall_s": 1.5, "step_shares": {"asked": 0.1}}})");
  CHECK(cells.metrics == NamedCells{{"duration", 2.0},
                                    {"kv_usage.mean", 0.5},
                                    {"saturated", std::int64_t{1}},
                                    {"p99_ttft_ms", {}},
                                    {"remarks", "[\"a\"]"}});
  CHECK(cells.host == NamedCells{{"sim_wall_s", 1.5}, {"step_shares.asked", 0.1}});
  const auto names = metric_names();
  for (const char* name : {"duration", "slo.ttft_ms", "p99_itl_ms", "fingerprint", "verdict"}) {
    CHECK_MESSAGE(std::count(names.begin(), names.end(), name) == 1, name);
  }
}

TEST_CASE("workers give texts and errors, and die alone") {
  std::vector<WorkerOutcome> outcomes(5);
  run_in_processes(
      5, 2,
      [](std::size_t i) -> std::string {
        if (i == 1) throw TraceError("a bad trace");
        if (i == 2) throw std::runtime_error("a slip");
        if (i == 3) raise(SIGKILL);
        return i == 4 ? std::string(1'000'000, 'x') : "text";  // more than a pipe holds
      },
      [&](std::size_t i, const WorkerOutcome& outcome) { outcomes[i] = outcome; });
  CHECK(outcomes[0].ok);
  CHECK(outcomes[0].text == "text");
  CHECK(!outcomes[1].ok);
  CHECK(outcomes[1].text == "a bad trace");
  CHECK(outcomes[2].text == "a bug in Orrery: a slip");
  CHECK(!outcomes[3].ok);
  CHECK(outcomes[3].text == "its process was killed; was there too little memory?");
  CHECK(outcomes[4].ok);
  CHECK(outcomes[4].text.size() == 1'000'000);
}

TEST_CASE("no more workers run at a time than jobs") {
  // Each task looks which others have begun and not ended; ends are told by done(), which comes
  // later, so a task may see more than there are, never fewer: at most `jobs` begin before an end.
  const Folder folder;
  std::size_t ended = 0;
  std::size_t most = 0;
  run_in_processes(
      9, 3,
      [&](std::size_t i) {
        std::ofstream(folder.file(std::to_string(i))) << "begun";
        return std::string();
      },
      [&](std::size_t, const WorkerOutcome&) {
        std::size_t begun = 0;
        for (const auto& entry : fs::directory_iterator(folder.file("."))) {
          static_cast<void>(entry);
          ++begun;
        }
        most = std::max(most, begun - ended);
        ++ended;
      });
  CHECK(ended == 9);
  CHECK(most <= 3);
}

TEST_CASE("an exception on this side ends the others") {
  const auto sweep = [] {
    run_in_processes(
        3, 3,
        [](std::size_t i) -> std::string {
          if (i > 0) pause();  // for ever, unless it is killed
          return "";
        },
        [](std::size_t, const WorkerOutcome&) { throw RunError("the disk is full"); });
  };
  CHECK_THROWS_AS(sweep(), RunError);
}

TEST_CASE("a sweep that goes on runs only what is missing, and what failed") {
  const Folder folder;
  const SweepOptions options{folder.file("results.db"), 1, folder.file("rows.csv")};
  Quiet watcher;
  const auto fails_at_6 = [](const Scenario& scenario) {
    if (scenario.seed == 6) throw PolicyError("it slipped");
    return echo(scenario);
  };
  const SweepTally first = run_sweep(plan_of("replications: 2\n"), options, watcher, fails_at_6);
  CHECK(first.ran == 2);
  CHECK(first.failed == 1);
  const auto never = [](const Scenario&) -> std::string { throw RunError("not again"); };
  const SweepTally second = run_sweep(plan_of("replications: 3\n"), options, watcher, echo);
  CHECK(second.points == 3);
  CHECK(second.were_done == 1);
  CHECK(second.ran == 2);
  CHECK(second.failed == 0);
  const std::string rows = text_of_file(options.csv);
  const SweepTally third = run_sweep(plan_of("replications: 3\n"), options, watcher, never);
  CHECK(third.ran == 0);
  CHECK(text_of_file(options.csv) == rows);
  // Another program has yet to run it.
  CHECK(run_sweep(plan_of("replications: 3\n", "1.1"), options, watcher, echo).were_done == 0);
}

TEST_CASE("a point that fails is a row with its error") {
  const Folder folder;
  const SweepOptions options{folder.file("results.db"), 2, folder.file("rows.csv")};
  Quiet watcher;
  const SweepTally tally = run_sweep(plan_of("grid: {seed: [1, 2, 3]}\n"), options, watcher,
                                     [](const Scenario& scenario) {
                                       if (scenario.seed == 1)
                                         throw RunError("out of \"blocks\",\nall");
                                       if (scenario.seed == 2)
                                         return std::string(R"({"unfinished": 4})");
                                       return echo(scenario);
                                     });
  CHECK(tally.failed == 2);
  const auto lines = lines_of_file(options.csv);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].starts_with("key,replication,seed,status,error,duration,num_prompts,"));
  // The error is one line: its newline is spelled out.
  CHECK(lines[1].substr(16).starts_with(",0,1,failed,\"out of \"\"blocks\"\",\\nall\",,"));
  CHECK(lines[2].substr(16).starts_with(",0,2,failed,4 requests were not served to their end,,"));
  CHECK(lines[3].substr(16).starts_with(",0,3,done,,3,"));
}

TEST_CASE("rows do not depend on the number of jobs") {
  const Folder folder;
  Quiet watcher;
  const SweepPlan plan =
      plan_of("grid: {engine.num_gpu_blocks_override: [20, 30], replicas: [1, 2]}\n");
  const SweepOptions one{folder.file("one.db"), 1, folder.file("one.csv")};
  const SweepOptions four{folder.file("four.db"), 4, folder.file("four.csv")};
  CHECK(run_sweep(plan, one, watcher).failed == 0);
  CHECK(run_sweep(plan, four, watcher).failed == 0);
  const std::string rows = text_of_file(one.csv);
  CHECK(rows == text_of_file(four.csv));
  CHECK(lines_of_file(one.csv).size() == 5);
  CHECK(rows.find("sim_wall_s") == std::string::npos);
  // `replicas` is a key of the grid and a metric: one column.
  CHECK(rows.find(",replicas,") == rows.rfind(",replicas,"));
}

TEST_CASE("a file takes a second sweep with other keys") {
  const Folder folder;
  const SweepOptions options{folder.file("results.db"), 1, folder.file("rows.csv")};
  Quiet watcher;
  run_sweep(plan_of("grid: {replicas: [1, 2]}\n"), options, watcher, echo);
  const SweepTally tally = run_sweep(plan_of("grid: {tie_seed: [0, 1]}\n"), options, watcher, echo);
  CHECK(tally.were_done == 1);  // tie_seed 0 is replicas 1
  CHECK(lines_of_file(options.csv)[0].starts_with("key,replication,tie_seed,status,"));
  run_sweep(plan_of("grid: {replicas: [1, 2]}\n"), options, watcher, echo);
  CHECK(lines_of_file(options.csv)[1].substr(16).starts_with(",0,1,done,"));
}

TEST_CASE("every shipped sweep can be planned") {
  std::size_t sweeps = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(ORRERY_SOURCE_DIR) / "configs/sweeps")) {
    CAPTURE(entry.path().string());
    CHECK(!load_sweep(entry.path().string(), policies()).points.empty());
    ++sweeps;
  }
  CHECK(sweeps > 0);
}

TEST_CASE("a file of somebody else is left alone") {
  const Folder folder;
  std::ofstream(folder.file("notes.txt")) << std::string(200, 'x');
  CHECK_THROWS_AS(SweepResults(folder.file("notes.txt")), ConfigError);
  CHECK(text_of_file(folder.file("notes.txt")) == std::string(200, 'x'));
  CHECK_THROWS_AS(SweepResults(folder.file("no/such/folder.db")), ConfigError);
}

}  // namespace
}  // namespace orrery
