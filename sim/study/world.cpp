// SPDX-License-Identifier: Apache-2.0
#include "sim/study/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/links/fabric_links.h"
#include "models/step_law_cost.h"
#include "models/transformer/transformer.h"
#include "sim/study/calibration/calibrate.h"
#include "sim/study/catalogue.h"
#include "sim/study/devices/clocked_memory.h"

namespace orrery {
namespace {

double host_factor(const World& world) {
  return world.gpu && world.gpu->host ? world.gpu->host->time_factor : 1;
}

/// Batch limits as the engine decides them; a fixed cost without a GPU takes the smallest GPU's.
ExecutionOptions decide_batch(const Scenario& scenario, const World& world) {
  const EngineSettings& settings = scenario.engine;
  const BatchDefaults defaults =
      world.gpu ? batch_defaults(*world.gpu, settings.usage_context) : BatchDefaults();
  ExecutionOptions execution = settings.execution;
  execution.host = execution.host.scaled(host_factor(world));
  execution.sampler_workspace = settings.memory.sampler_workspace;
  execution.decode_attention_elsewhere =
      scenario.placement.decode_attention == PlacementOptions::Where::kPim;
  execution.max_num_batched_tokens =
      settings.max_num_batched_tokens.value_or(defaults.max_num_batched_tokens);
  execution.max_num_seqs = settings.max_num_seqs.value_or(
      std::min(defaults.max_num_seqs, execution.max_num_batched_tokens));
  execution.experts.seed = static_cast<std::uint64_t>(scenario.seed);
  return execution;
}

std::int64_t usable_blocks(const Scenario& scenario, World& world,
                           const ExecutionOptions& execution) {
  MemoryOptions options = scenario.engine.memory;
  options.block_tokens = scenario.engine.block_size;
  if (world.model && world.gpu) {
    world.memory = account_memory(*world.model, *world.gpu, scenario.plan, execution, options);
    if (world.pim && !options.num_gpu_blocks_override) {
      // The GPU keeps the weights, for which it was just seen to have room.
      options.kv_cache_memory_bytes = kv_capacity(*world.pim);
      world.remarks.push_back(fmt::format("the KV cache lies in {} x {} of each GPU: {}",
                                          world.pim->stacks, world.pim->device.name,
                                          human(kv_capacity(*world.pim))));
      world.memory = account_memory(*world.model, *world.gpu, scenario.plan, execution, options);
    }
    return world.memory->usable_blocks();
  }
  if (!options.num_gpu_blocks_override) {
    throw ConfigError({scenario.path, 0, 0}, "engine.num_gpu_blocks_override",
                      "needed where no model and hardware say how many KV blocks there are");
  }
  return *options.num_gpu_blocks_override - 1;
}

/// vLLM refuses to start if one request of max_model_len does not fit in the KV cache; where it is
/// not given, what fits is taken, as its `auto` does.
std::int64_t decide_max_model_len(const Scenario& scenario, World& world) {
  // A request's blocks are all in one data-parallel group.
  const std::int64_t blocks = world.engine.usable_blocks / scenario.plan.data_parallel;
  const std::int64_t fits = blocks * world.engine.block_size;
  const auto& given = scenario.engine.max_model_len;
  if (given) {
    if (*given <= fits) return *given;
    throw ConfigError({scenario.path, 0, 0}, "engine.max_model_len",
                      fmt::format("{} tokens do not fit in the KV cache, which holds {} ({} blocks "
                                  "of {}); the engine would not start",
                                  *given, fits, blocks, world.engine.block_size));
  }
  const std::int64_t wanted = world.model ? world.model->max_position : fits;
  if (wanted > fits) {
    world.remarks.push_back(fmt::format(
        "max_model_len is {}, what the KV cache holds; the model allows {}", fits, wanted));
  }
  return std::min(wanted, fits);
}

/// The clocked rung's packets: what InfiniBand and long NVLink transfers are cut into at most, and
/// what leaves a collective within a hundredth of its flows.
constexpr Bytes kPacket{4096};

/// None: roofline. A replica of one GPU has no links, so that no machine is looked for.
std::shared_ptr<const LinkCost> decide_links(const Scenario& scenario, const World& world) {
  const Fidelity::Links rung = scenario.fidelity.links;
  if (rung == Fidelity::Links::kRoofline && scenario.engine.disable_custom_all_reduce) {
    throw ConfigError({scenario.path, 0, 0}, "engine.disable_custom_all_reduce",
                      "the roofline of links knows one all-reduce only: needs `fidelity: {links: "
                      "calibrated}` or clocked");
  }
  if (rung == Fidelity::Links::kRoofline || scenario.plan.gpus() == 1) return nullptr;
  FabricLinkOptions options;
  options.custom_all_reduce = !scenario.engine.disable_custom_all_reduce;
  if (rung == Fidelity::Links::kClocked) options.packet = kPacket;
  if (world.cluster) return make_fabric_links(*world.cluster, options);
  if (world.node) return make_fabric_links(*world.node, options);
  return make_fabric_links(load_node(*scenario.hardware, scenario.hardware_at, "fidelity.links"),
                           options);
}

std::shared_ptr<const CostModel> decide_gpu_cost(const Scenario& scenario, const World& world,
                                                 const ExecutionOptions& execution) {
  if (!world.model || !world.gpu) {
    throw ConfigError({scenario.path, 0, 0}, world.model ? "hardware" : "model",
                      "needed unless `cost:` gives the time of a step");
  }
  if (scenario.fidelity.compute == Fidelity::Compute::kCalibrated) {
    if (world.gpu->steps) return make_step_law_cost(*world.gpu->steps);
    return make_calibrated(*world.model, *world.gpu, scenario.plan, execution,
                           load_fits(*world.gpu), decide_links(scenario, world),
                           world.memory_rates);
  }
  return make_roofline(*world.model, *world.gpu, scenario.plan, execution,
                       decide_links(scenario, world), world.memory_rates);
}

std::shared_ptr<const CostModel> decide_cost(const Scenario& scenario, const World& world,
                                             const ExecutionOptions& execution) {
  if (scenario.cost) return make_affine_cost(scenario.cost->step);
  std::shared_ptr<const CostModel> gpu = decide_gpu_cost(scenario, world, execution);
  if (!world.pim) return gpu;
  return make_pim_attention(std::move(gpu), *world.model, scenario.plan,
                            execution.kv_bytes(*world.model), *world.pim);
}

/// None: decodes attend on the GPU.
std::optional<PimStacks> decide_pim(const Scenario& scenario, const World& world) {
  if (scenario.placement.decode_attention == PlacementOptions::Where::kGpu) return std::nullopt;
  const Position at{scenario.path, 0, 0};
  if (scenario.cost || !world.model || !world.gpu) {
    throw ConfigError(at, "placement", "needs a model and hardware, and no fixed `cost:`");
  }
  const Plan& plan = scenario.plan;
  if (plan.gpus() != plan.tensor_parallel) {
    throw ConfigError(at, "placement.decode_attention",
                      "pim goes with tensor_parallel alone: other degrees deal decodes to ranks");
  }
  for (std::int64_t i = 0; i < world.model->layers; ++i) {
    const LayerGroup layer = world.model->layer(i);
    if (layer.mixer == Mixer::kAttention && layer.sliding_window == 0 &&
        !world.model->has_cross_attention()) {
      continue;
    }
    throw ConfigError(at, "placement.decode_attention",
                      "pim attends whole heads over all of a context, which not every layer of " +
                          world.model->name + " does");
  }
  return pim_stacks(scenario.placement, *world.gpu, at);
}

/// None: the roofline's shares.
std::shared_ptr<const MemoryRates> decide_memory(const Scenario& scenario, const World& world,
                                                 const ExecutionOptions& execution) {
  const Fidelity::Memory rung = scenario.fidelity.memory;
  if (rung == Fidelity::Memory::kRoofline) return nullptr;
  const Position at{scenario.path, 0, 0};
  if (scenario.cost || !world.memory) {
    throw ConfigError(at, "fidelity.memory",
                      "a fixed cost of a step asks no memory; only roofline goes with `cost:`");
  }
  const bool measured = scenario.fidelity.compute == Fidelity::Compute::kCalibrated;
  try {
    if (rung == Fidelity::Memory::kCalibrated) {
      return std::make_shared<MemoryRates>(measured_memory_rates(*world.gpu, measured));
    }
    KvLayout layout;
    layout.block_tokens = scenario.engine.block_size;
    layout.kv_heads = shard_of(*world.model, scenario.plan).kv_heads;
    layout.head_dim = world.model->head_dim;
    layout.element_bytes = execution.kv_bytes(*world.model);
    layout.cache = world.memory->kv_cache;
    return std::make_shared<MemoryRates>(clock_memory(*world.gpu, layout, measured));
  } catch (const std::invalid_argument& error) {
    throw ConfigError(at, "fidelity.memory", error.what());
  }
}

/// None where a fixed cost compares mechanisms alone.
FrontendOptions default_frontend(const Scenario& scenario, const World& world) {
  if (scenario.cost) return {};
  if (scenario.fidelity.host == Fidelity::Host::kAssumed) return assumed_frontend();
  return fitted_frontend().scaled(host_factor(world));
}

}  // namespace

World build_world(const Scenario& scenario) {
  World world;
  if (scenario.model) world.model = load_model(*scenario.model, scenario.model_at);
  if (scenario.hardware) {
    Hardware hardware = load_hardware(*scenario.hardware, scenario.hardware_at);
    world.gpu = std::move(hardware.gpu);
    world.node = std::move(hardware.node);
    world.cluster = std::move(hardware.cluster);
  }
  if (world.model) check_plan(*world.model, scenario.plan);
  const ExecutionOptions execution = decide_batch(scenario, world);
  world.pim = decide_pim(scenario, world);

  EngineOptions& engine = world.engine;
  engine.block_size = static_cast<std::int32_t>(scenario.engine.block_size);
  engine.enable_prefix_caching = scenario.engine.enable_prefix_caching;
  const Plan& plan = scenario.plan;
  engine.pipeline_stages = static_cast<std::int32_t>(plan.pipeline_parallel);
  // vLLM's V1 runner has no step in flight beyond the stages (max_concurrent_batches).
  engine.async_scheduling = scenario.engine.async_scheduling &&
                            (plan.pipeline_parallel == 1 || scenario.engine.use_v2_model_runner);
  engine.partial_blocks_first =
      scenario.engine.free_partial_blocks == EngineSettings::FreePartialBlocks::kFront;
  // Limits are those of a data-parallel group's engine.
  engine.max_num_seqs = static_cast<std::int32_t>(execution.max_num_seqs * plan.data_parallel);
  engine.max_num_batched_tokens =
      static_cast<std::int32_t>(execution.max_num_batched_tokens * plan.data_parallel);
  engine.usable_blocks = usable_blocks(scenario, world, execution);
  if (engine.usable_blocks < 1) {
    throw ConfigError({scenario.path, 0, 0}, "engine",
                      "no KV block is left besides the null block");
  }
  engine.max_model_len = static_cast<std::int32_t>(decide_max_model_len(scenario, world));
  world.memory_rates = decide_memory(scenario, world, execution);
  world.cost = decide_cost(scenario, world, execution);
  return world;
}

ReplicaSetup replica_setup(const Scenario& scenario, const World& world, ReplicaId id,
                           bool step_by_step) {
  ReplicaSetup setup;
  setup.id = id;
  setup.engine = world.engine;
  setup.frontend = scenario.engine.frontend.value_or(default_frontend(scenario, world));
  setup.scheduler_name = scenario.engine.scheduler;
  setup.scheduler = scenario.engine.scheduler_options->make();
  setup.eviction =
      scenario.engine.eviction_options->make(static_cast<std::size_t>(world.engine.usable_blocks));
  setup.cost = world.cost;
  setup.step_by_step = step_by_step;
  return setup;
}

}  // namespace orrery
