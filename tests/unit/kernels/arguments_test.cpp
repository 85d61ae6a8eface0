// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/arguments.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "kernels/host/detail.h"
#include "kernels/host/plan.h"

namespace orrery::kernels {
namespace {

void refused(const std::vector<std::string>& words, const char* what) {
  CHECK_THROWS_WITH_AS(static_cast<void>(parse_arguments(words)), doctest::Contains(what),
                       std::invalid_argument);
}

TEST_CASE("arguments are read") {
  const Arguments all = parse_arguments({"measure", "--out", "t.csv", "--date", "2026-11-21"});
  CHECK(all.command == Command::kMeasure);
  CHECK(all.parts.size() == kParts.size());
  const Arguments some =
      parse_arguments({"measure", "--parts", "gemm,rows", "--out", "t.csv", "--date", "2026-11-21",
                       "--passes", "2", "--seconds", "30.5", "--case-ms", "5", "--device", "1"});
  CHECK(some.parts == std::vector<std::string>{"gemm", "rows"});
  CHECK(some.passes == 2);
  CHECK(some.seconds == 30.5);
  CHECK(some.case_ms == 5);
  CHECK(some.device == 1);
  CHECK(parse_arguments({}).command == Command::kHelp);
  CHECK(parse_arguments({"check"}).command == Command::kCheck);
}

TEST_CASE("what is wrong with arguments is said in a line") {
  refused({"mesure"}, "'mesure' is not a command; known: check, list, measure");
  refused({"measure"}, "needs --out TABLE.csv and --date");
  refused({"check", "--parts"}, "--parts: has no value");
  refused({"check", "--parts", "gemm,atention"}, "'atention' is not a part; known: launch");
  refused({"check", "--part", "gemm"}, "'--part' is not an option; known: --parts");
  refused({"check", "--passes", "0"}, "--passes: '0' is not a number from 1 to 100");
  refused({"check", "--passes", "2x"}, "--passes: '2x' is not a number");
  refused({"check", "--seconds", "nan"}, "--seconds: 'nan' is not a number");
  refused({"check", "--date", "21.11.2026"}, "is not a day like 2026-11-21");
}

TEST_CASE("details keep their order and their words") {
  Detail detail("pattern=stream size=4096");
  detail.set("sms", 132);
  CHECK(detail.all() == "pattern=stream size=4096 sms=132");
  CHECK(detail.text("pattern") == "stream");
  CHECK(detail.number("size") == 4096);
  CHECK(!detail.has("stride"));
  const auto says = [](const auto& call, const char* what) {
    CHECK_THROWS_WITH_AS(static_cast<void>(call()), doctest::Contains(what), std::invalid_argument);
  };
  says([&] { return detail.number("stride"); }, "no 'stride' in 'pattern=stream");
  says([&] { return detail.number("pattern"); }, "'pattern=stream' is not a whole number");
  says([&] { return Detail("a=1 a=2"); }, "'a' is given twice");
  says([&] { return Detail("a"); }, "'a' is not key=value");
  says([&] { return Detail().set("a", "b,c"); }, "has a space, a comma or nothing");
}

}  // namespace
}  // namespace orrery::kernels
