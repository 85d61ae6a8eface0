// SPDX-License-Identifier: Apache-2.0
#include "sim/study/scenario.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sim/config/dump.h"
#include "sim/config/options.h"
#include "sim/config/overrides.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/study/catalogue.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 2> kHostRungs = {"assumed", "calibrated"};
constexpr std::array<std::string_view, 2> kComputeRungs = {"roofline", "calibrated"};
constexpr std::array<std::string_view, 3> kMemoryRungs = {"roofline", "calibrated", "clocked"};
constexpr std::array<std::string_view, 3> kLinkRungs = {"roofline", "calibrated", "clocked"};
constexpr std::array<std::string_view, 1> kPimRungs = {"clocked"};
constexpr std::string_view kNewestVllm = "vllm-v1@0.28";

/// What `base` says and `top` does not contradict.
void lay_under(const Node& base, Node& top) {
  for (const Node::Entry& entry : base.entries) {
    Node* over = top.find(entry.key);
    if (over == nullptr) {
      top.entries.push_back(entry);
    } else if (over->is(Node::Kind::kMapping) && entry.value.is(Node::Kind::kMapping)) {
      lay_under(entry.value, *over);
    }
  }
}

/// Takes from a preset the options of its scheduler where the scenario has another one.
void drop_other_schedulers_options(const Node& engine, const Policies& policies, Node& preset) {
  const Node* chosen = engine.find("scheduler");
  const Node* usual = preset.find("scheduler");
  if (chosen == nullptr || usual == nullptr || chosen->text == usual->text) return;
  const auto* entry = policies.schedulers.find(usual->text);
  if (entry == nullptr) return;
  const auto options = entry->prepare();
  for (const Option& option : collect_options([&](Describer& d) { options->describe(d); })) {
    static_cast<void>(preset.take(option.key));
  }
}

/// Puts the preset that `engine.preset` names under what the scenario says of the engine.
void lay_preset(Node& root, const Policies& policies) {
  Node* engine = root.find("engine");
  if (engine == nullptr) {
    root.entries.push_back({"engine", root.at, {}});
    root.entries.back().value.kind = Node::Kind::kMapping;
    root.entries.back().value.at = root.at;
    engine = &root.entries.back().value;
  }
  if (!engine->is(Node::Kind::kMapping)) return;
  Node* preset = engine->find("preset");
  if (preset == nullptr) {
    engine->entries.push_back({"preset", engine->at, {}});
    preset = &engine->entries.back().value;
    preset->kind = Node::Kind::kScalar;
    preset->at = engine->at;
    preset->text = "vllm-v1";
  }
  if (preset->text == "vllm-v1") preset->text = kNewestVllm;
  const std::string path = find_config("engines", preset->text, preset->at, "engine.preset");
  Node settings = load_yaml(path);
  drop_other_schedulers_options(*engine, policies, settings);
  lay_under(settings, *engine);
}

Position place_of(const Node& root, std::string_view key) {
  const Node* node = root.find(key);
  return node == nullptr ? root.at : node->at;
}

}  // namespace

void Fidelity::describe(Describer& d) {
  d.choice_of("compute", compute, kComputeRungs, "How a step's time on the GPU is found.");
  d.choice_of("memory", memory, kMemoryRungs,
              "What memory gives: stated shares, measured rates, or DRAM commands by pattern.");
  d.choice_of("links", links, kLinkRungs,
              "How GPUs of a replica talk: two latencies and a rate, schedules, or packets.");
  d.choice_of("pim", pim, kPimRungs, "How attention in PIM stacks is timed: by its commands.");
  d.choice_of(
      "host", host, kHostRungs,
      "The frontend's times where `engine.frontend` gives none: stated, or fitted to runs.");
}

Scenario::Scenario(const Policies& policies)
    : router_options(policies.routers.at(router).prepare()),
      engine(policies),
      policies_(policies) {}

void Scenario::describe(Describer& d) {
  d.optional_field("model", model, Range::any(),
                   "Name in configs/models, or a path to a Hugging Face config.json.");
  d.optional_field("hardware", hardware, Range::any(),
                   "Name in configs/hardware, its nodes or clusters, or a path.");
  d.field("replicas", replicas, Range::between(1, 4096), "Engines, each on its own GPUs.");
  d.object(
      "router",
      [this](Describer& inside) {
        const auto names = policies_.routers.names();
        int index = static_cast<int>(std::find(names.begin(), names.end(), router) - names.begin());
        inside.shorthand().choice("policy", index, names, "Which replica a request goes to.");
        router = names[static_cast<std::size_t>(index)];
        router_options = policies_.routers.at(router).prepare();
        router_options->describe(inside);
      },
      "How requests are spread over replicas.");
  d.object_of("plan", plan, "How the model is spread over a replica's GPUs.");
  d.object_of("engine", engine, "The serving engine, with its own option names.");
  d.required();
  d.object_of("workload", workload, "Requests: a trace or a synthetic process.");
  d.optional_object("cost", cost,
                    "A fixed cost of a step instead of a model, to compare mechanisms alone.");
  d.object_of("placement", placement, "What of a step runs beside the GPU.");
  d.object_of("slo", slo, "What a client must see for a request to count as good.");
  d.object_of("fidelity", fidelity, "How true each resource is simulated.");
  d.object_of("measure", measure, "Which requests the latency statistics are about.");
  d.field("seed", seed, Range::not_negative(), "Of all random streams.");
  d.field("tie_seed", tie_seed, Range::not_negative(),
          "Other than 0: shuffles the order of components at equal times.");
}

Scenario read_scenario(Node root, const std::string& path, const Policies& policies) {
  if (root.is(Node::Kind::kMapping)) lay_preset(root, policies);
  Scenario scenario(policies);
  scenario.path = path;
  read(root, scenario);
  scenario.model_at = place_of(root, "model");
  scenario.hardware_at = place_of(root, "hardware");
  scenario.config_json = dump_text(scenario);
  return scenario;
}

Scenario load_scenario(const std::string& path, std::span<const std::string> overrides,
                       const Policies& policies) {
  Node root = load_yaml(path);
  for (const std::string& assignment : overrides) apply_override(root, assignment);
  return read_scenario(std::move(root), path, policies);
}

}  // namespace orrery
