// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "kernels/host/plan_parts.h"
#include "kernels/host/random.h"

namespace orrery::kernels {
namespace {

using Lister = void (*)(const DeviceFacts&, std::vector<Case>&);
constexpr std::array<std::pair<std::string_view, Lister>, 14> kListers = {{
    {"launch", list_launch},
    {"memory", list_memory},
    {"chase", list_chase},
    {"gemm", list_gemm},
    {"attention", list_attention},
    {"mixed", list_mixed},
    {"rows", list_rows},
    {"sampling", list_sampling},
    {"moe", list_moe},
    {"host", list_host},
    {"layer", list_layer},
    {"partition", list_partition},
    {"peers", list_peers},
    {"sustained", list_sustained},
}};

}  // namespace

std::vector<Case> cases_of(std::string_view part, const DeviceFacts& device) {
  for (const auto& [name, lister] : kListers) {
    if (name != part) continue;
    std::vector<Case> cases;
    lister(device, cases);
    return cases;
  }
  std::string known;
  for (const std::string_view name : kParts) known += " " + std::string(name);
  throw std::invalid_argument("'" + std::string(part) + "' is not a part; known:" + known);
}

std::vector<Case> in_order_of_pass(std::vector<Case> cases, int pass) {
  Random random(static_cast<std::uint64_t>(pass));
  for (std::size_t left = cases.size(); left > 1; --left) {
    std::swap(cases[left - 1], cases[random.below(left)]);
  }
  constexpr std::size_t kTogether = 64;
  for (std::size_t from = 0; from < cases.size(); from += kTogether) {
    const std::size_t to = std::min(from + kTogether, cases.size());
    std::stable_sort(cases.begin() + static_cast<std::ptrdiff_t>(from),
                     cases.begin() + static_cast<std::ptrdiff_t>(to),
                     [](const Case& a, const Case& b) { return a.dtype < b.dtype; });
  }
  for (Case& one : cases) one.pass = pass;
  return cases;
}

int rotations_for(double case_bytes, std::int64_t l2_bytes) {
  if (!(case_bytes > 0)) throw std::invalid_argument("operands of no bytes cannot rotate");
  const double needed = 3.0 * static_cast<double>(l2_bytes) / case_bytes;
  return static_cast<int>(std::clamp(std::floor(needed) + 2, 2.0, 64.0));
}

}  // namespace orrery::kernels
