// SPDX-License-Identifier: Apache-2.0
#include "models/operators/operators.h"

#include <algorithm>

#include "sim/core/check.h"

namespace orrery {

BoundTime Operator::time(const Roofline& roofline, const LinkCost& links, std::int64_t rows) const {
  switch (kind) {
    case OperatorKind::kGemm:
      return roofline.gemm(flops(rows), bytes(rows), kernels, format);
    case OperatorKind::kStream: {
      BoundTime time = roofline.stream(bytes(rows), rides(rows) ? 0 : kernels);
      time.time += serial;
      return time;
    }
    case OperatorKind::kKvWrite:
      return roofline.kv_write(bytes(rows), kernels);
    case OperatorKind::kCollective:
      return links.time(collective, bytes(rows), ranks);
    case OperatorKind::kExperts:
    case OperatorKind::kDispatch:
    case OperatorKind::kCombine:
      break;
  }
  ORRERY_CHECK(false);
}

Operator gemm(std::string name, std::int64_t count, std::int64_t n, std::int64_t k, WeightType type,
              Quantization format) {
  Operator op{OperatorKind::kGemm, std::move(name), count, 1};
  op.n = n;
  op.k = k;
  op.format = format;
  op.fixed_bytes = weight_bytes(format, type, n, k);
  op.bytes_per_row = element_bytes(type) * n + activation_bytes(format, type) * k;
  return op;
}

Operator stream(std::string name, std::int64_t count, std::int64_t bytes_per_row,
                std::int64_t kernels) {
  Operator op{OperatorKind::kStream, std::move(name), count, kernels};
  op.bytes_per_row = bytes_per_row;
  return op;
}

Operator collective(Collective what, std::string name, std::int64_t count,
                    std::int64_t bytes_per_row, std::int64_t ranks) {
  Operator op{OperatorKind::kCollective, std::move(name), count, 1};
  op.bytes_per_row = bytes_per_row;
  op.collective = what;
  op.ranks = ranks;
  return op;
}

std::int64_t kernels_of(const std::vector<Operator>& ops) {
  std::int64_t kernels = 0;
  for (const Operator& op : ops) kernels += op.count * op.kernels;
  return kernels;
}

std::int64_t riding_kernels(const std::vector<Operator>& ops, std::int64_t rows) {
  std::int64_t kernels = 0;
  for (const Operator& op : ops) kernels += op.rides(rows) ? op.count * op.kernels : 0;
  return kernels;
}

void merge(std::vector<Operator>& ops, const std::vector<Operator>& more) {
  for (const Operator& each : more) {
    const auto same = std::find_if(ops.begin(), ops.end(),
                                   [&](const Operator& op) { return op.name == each.name; });
    if (same == ops.end()) {
      ops.push_back(each);
    } else {
      same->count += each.count;
    }
  }
}

}  // namespace orrery
