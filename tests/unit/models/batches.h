// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_UNIT_MODELS_BATCHES_H_
#define ORRERY_TESTS_UNIT_MODELS_BATCHES_H_

#include <algorithm>
#include <vector>

#include "sim/serving/cost_model.h"

namespace orrery::test {

/// A batch that owns its chunks, so that it can be copied.
struct Batch {
  std::vector<PrefillChunk> chunks;
  BatchShape totals;

  [[nodiscard]] BatchShape shape() const {
    BatchShape whole = totals;
    whole.chunks = chunks;
    return whole;
  }

  Batch& decode(std::int32_t count, std::int64_t context) {
    totals.decodes += count;
    totals.sampled_rows += count;
    totals.decode_context += count * context;
    totals.decode_context_max = std::max(totals.decode_context_max, context);
    totals.decode_tiles += count * ((context + kDecodeTileTokens - 1) / kDecodeTileTokens);
    return *this;
  }
  Batch& prefill(std::int32_t tokens, std::int32_t context = 0) {
    chunks.push_back({tokens, context, true});
    totals.prefill_tokens += tokens;
    totals.sampled_rows += 1;
    return *this;
  }
};

inline Duration explained(const CostModel& model, const BatchShape& shape) {
  Breakdown breakdown;
  model.explain(shape, breakdown);
  Duration sum;
  for (const OperatorCost& op : breakdown.operators) sum += op.time;
  return sum;
}

/// The line of an explanation; an empty one where there is none.
inline OperatorCost line_of(const CostModel& model, const BatchShape& shape,
                            std::string_view name) {
  Breakdown breakdown;
  model.explain(shape, breakdown);
  for (const OperatorCost& op : breakdown.operators) {
    if (op.name == name) return op;
  }
  return {};
}

}  // namespace orrery::test

#endif  // ORRERY_TESTS_UNIT_MODELS_BATCHES_H_
