// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "sim/study/calibration/memory_fit.h"
#include "tests/unit/study/memory_fit_world.h"

namespace orrery {
namespace {

using namespace memory_world;

TEST_CASE("out of the whole family the map is found that predicts what it was not shown") {
  std::vector<MemoryRow> rows = plain_rows();
  const std::vector<MemoryRow> more = curves(1);
  rows.insert(rows.end(), more.begin(), more.end());
  const MemoryFit fit = fit_memory(base(), device(), measured(truth(), rows), memory_family());
  // Among 63 maps there are neighbours that no table tells apart; what is told apart is how many
  // columns lie together in a channel and that channels are hashed.
  CHECK(fit.options.address_map.find(" Ch Co3") != std::string::npos);
  CHECK(fit.options.address_map.ends_with("Ch+=hash"));
  for (const HeldOutCurve& curve : fit.held_out) {
    INFO(fit.options.address_map, ", ", fit.options.read_queue.value_or(0), ", ", curve.curve, ": ",
         curve.worst_point);
    CHECK(curve.rows >= 3);
    // As in tests/unit/study/memory_fit_test.cpp.
    CHECK(std::abs(curve.worst) < 0.05);
    CHECK(curve.median < 0.03);
  }
}

}  // namespace
}  // namespace orrery
