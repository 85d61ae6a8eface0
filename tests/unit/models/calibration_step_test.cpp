// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "models/calibration/fits_text.h"
#include "models/transformer/transformer.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

const std::string kConfigs = std::string(ORRERY_SOURCE_DIR) + "/configs/";

template <class Card>
Card load(const std::string& name) {
  Card card;
  read(load_yaml(kConfigs + name + ".yaml"), card);
  return card;
}

TEST_CASE("a calibrated step sums to its operators, and only what is not measured is a guess") {
  const auto gpu = load<GpuSpec>("hardware/h100-sxm");
  const auto card = load<ModelCard>("models/llama-3.1-8b");
  std::ostringstream text;
  text << std::ifstream(gpu.calibration).rdbuf();
  std::vector<KernelFit> fits;
  for (FitRecord& record : read_fits(text.str(), gpu.calibration)) {
    fits.emplace_back(gpu, std::move(record));
  }
  const auto model = make_calibrated(card, gpu, Plan(), ExecutionOptions(), fits);
  const std::vector<PrefillChunk> chunks = {{512, 0, true}, {100, 0, false}};
  BatchShape shape;
  shape.decodes = 40;
  shape.decode_context = 40 * 1500;
  shape.decode_context_max = 1500;
  shape.decode_tiles = 40 * 12;
  shape.chunks = chunks;
  shape.prefill_tokens = 612;
  shape.sampled_rows = 41;
  Breakdown breakdown;
  model->explain(shape, breakdown);
  Duration sum;
  for (const OperatorCost& op : breakdown.operators) sum += op.time;
  const StepCost cost = model->cost(shape);
  CHECK(sum == cost.device);
  // Norms, copies and the sampler are not measured: some of the step, not most of it.
  CHECK(cost.extrapolated_share > 0.0F);
  CHECK(cost.extrapolated_share < 0.3F);
  // No prefill table has a context before the chunk.
  const std::vector<PrefillChunk> later = {{512, 4096, true}};
  shape.chunks = later;
  shape.prefill_tokens = 512;
  CHECK(model->cost(shape).extrapolated_share > cost.extrapolated_share);

  // Half precision takes the kernels of its twin, which the basis names.
  ExecutionOptions half;
  half.dtype = DtypeOption::kFloat16;
  const auto twin = make_calibrated(card, gpu, Plan(), half, fits);
  CHECK(twin->cost(shape).device == model->cost(shape).device);
  CHECK(twin->basis().find("measured bf16 rows") != std::string::npos);

  CHECK_THROWS_WITH_AS(
      static_cast<void>(make_calibrated(card, gpu, Plan(), ExecutionOptions(), {})),
      doctest::Contains("has no calibration of gemm bf16"), ConfigError);
}

}  // namespace
}  // namespace orrery
