// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/case.h"

#include <initializer_list>
#include <stdexcept>

namespace orrery::kernels {

std::string Case::key() const {
  std::string text = op + "|" + dtype + "|" + kv_dtype;
  for (const std::int64_t figure :
       {m, n, k, batch, query, context, heads, kv_heads, head_dim, ranks}) {
    text += "|" + std::to_string(figure);
  }
  text += "|" + detail.all();
  text += "|" + std::string(kOperandsNames[static_cast<std::size_t>(operands)]);
  text += "|" + std::string(kLaunchNames[static_cast<std::size_t>(launch)]);
  text += "|" + std::string(kLoadNames[static_cast<std::size_t>(load)]);
  return text + "|" + std::to_string(pass);
}

double bytes_of(std::string_view dtype) {
  if (dtype == "bf16" || dtype == "fp16") return 2;
  if (dtype == "fp8" || dtype == "int8") return 1;
  if (dtype == "fp32") return 4;
  throw std::invalid_argument("'" + std::string(dtype) + "' is not a type");
}

double attended_pairs(std::int64_t query, std::int64_t context) {
  // Token i of the query sees the context, those before it, and itself.
  const auto q = static_cast<double>(query);
  return q * static_cast<double>(context) + q * (q + 1) / 2;
}

}  // namespace orrery::kernels
