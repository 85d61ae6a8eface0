// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>

#include "sim/core/check.h"
#include "sim/core/errors.h"
#include "sim/metrics/decimal.h"
#include "sim/metrics/requests_csv.h"
#include "sim/metrics/steps_csv.h"
#include "sim/metrics/text_file.h"
#include "tests/unit/metrics/records.h"

namespace orrery {
namespace {

using testing::at_ms;
using testing::finished_request;
using testing::Life;
using testing::sent_request;
using testing::TemporaryFolder;
using testing::text_of;

TEST_CASE("decimal: microseconds with picoseconds behind the dot") {
  const auto text = [](std::int64_t ps) {
    char out[kMostDigits];
    return std::string(out, put_microseconds(out, picoseconds(ps)));
  };
  CHECK(text(0) == "0.000000");
  CHECK(text(1) == "0.000001");
  CHECK(text(12'000'345) == "12.000345");
  CHECK(text(INT64_MAX) == "9223372036854.775807");
}

TEST_CASE("text file: what is written past the buffer arrives, plain and gzipped") {
  const TemporaryFolder folder;
  std::string all;
  for (int i = 0; all.size() < 1'000'000; ++i) all += std::to_string(i) + ",";
  for (const char* name : {"a.txt", "a.txt.gz"}) {
    TextFile file(folder.path(name));
    file.write(all);
    char* out = file.room(3);
    file.fill(put_text(out, "end"));
    file.close();
    file.close();
    CHECK(text_of(folder.path(name)) == all + "end");
  }
  CHECK(std::filesystem::file_size(folder.path("a.txt")) == all.size() + 3);
  CHECK(std::filesystem::file_size(folder.path("a.txt.gz")) < all.size() / 2);
}

TEST_CASE("text file: a path that cannot be written is the user's error") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(TextFile(folder.path("no/such/file")), ConfigError);
  CHECK_THROWS_AS(TextFile(folder.path("no/such/file.gz")), ConfigError);
}

TEST_CASE("text file: a full disk fails the run") {
  if (!std::filesystem::exists("/dev/full")) {
    MESSAGE("ORRERY_TEST_SKIPPED there is no /dev/full here");
    return;
  }
  TextFile file("/dev/full");
  file.write("x");
  CHECK_THROWS_AS(file.close(), RunError);
}

TEST_CASE("requests.csv: exact decimals, empty for what did not happen") {
  const TemporaryFolder folder;
  RequestsCsv csv(folder.path("requests.csv"));
  RequestRecord done = finished_request(
      0, Life{Instant::at(picoseconds(1)), Instant::at(picoseconds(1'500'000'000'000)),
              Instant::at(picoseconds(2'000'000'000'000)),
              Instant::at(picoseconds(12'000'345'000'000)), 17});
  done.queued = Instant::at(picoseconds(1'000'000));
  done.input_tokens = 100, done.cached_tokens = 64, done.preemptions = 2;
  done.replica = ReplicaId{3};
  done.client_last_token = Instant::at(seconds(99));  // the client's times have no column
  csv.on_leave(done, {});
  RequestRecord refused = sent_request(1, at_ms(250));
  refused.status = RequestStatus::kRejected;
  csv.on_leave(refused, "too long");
  csv.close();
  CHECK(text_of(folder.path("requests.csv")) ==
        "id,arrival_s,input_tokens,output_tokens,cached_tokens,queued_s,first_scheduled_s,"
        "first_token_s,last_token_s,preemptions,replica,status\n"
        "0,0.000000000001,100,17,64,0.000001,1.5,2,12.000345,2,3,finished_length\n"
        "1,0.25,0,0,0,0.25,,,,0,0,rejected\n");
}

TEST_CASE("requests.csv: rows come in the order of ids, whatever the order of leaving") {
  const TemporaryFolder folder;
  std::string expected(RequestsCsv::kHeader);
  for (int i = 0; i < 6; ++i) {
    if (i != 4) expected += std::to_string(i) + ",0,0,0,0,0,,,,0,0,unfinished\n";
  }
  RequestsCsv csv(folder.path("requests.csv.gz"));
  for (const std::uint32_t id : {2U, 0U, 1U, 3U, 5U}) csv.on_leave(sent_request(id, Instant()), {});
  CHECK_THROWS_AS(csv.on_leave(sent_request(1, Instant()), {}), InternalError);  // it has left
  CHECK_THROWS_AS(csv.on_leave(sent_request(5, Instant()), {}), InternalError);
  csv.close();  // 4 never left; 5 is told all the same
  CHECK(text_of(folder.path("requests.csv.gz")) == expected);
}

TEST_CASE("steps.csv: a column for each thing a step says") {
  const TemporaryFolder folder;
  StepsCsv csv(folder.path("steps.csv"));
  StepRecord step;
  step.replica = ReplicaId{1};
  step.number = 7;
  step.scheduled = at_ms(1), step.device_start = at_ms(2), step.device_end = at_ms(3);
  step.applied = at_ms(4), step.visible = at_ms(5);
  step.prefill_tokens = 11, step.prefill_chunks = 12, step.decodes = 13;
  step.admitted = 14, step.preempted = 15, step.running = 16, step.waiting = 17;
  step.new_blocks = 18, step.free_blocks = 30, step.usable_blocks = 100;
  step.device_time = microseconds(19), step.host_time = nanoseconds(20);
  step.extrapolated_share = 0.25F;
  csv.on_step(step);
  step.continuing_tokens = 2, step.engine_gap = milliseconds(8), step.client_gap = milliseconds(9);
  csv.on_step(step);
  csv.close();
  const std::string row =
      "1,7,0.001,0.002,0.003,0.004,0.005,11,12,13,14,15,16,17,18,70,100,0.000019,0.00000002,0.25,";
  CHECK(text_of(folder.path("steps.csv")) ==
        std::string(StepsCsv::kHeader) + row + "0,,\n" + row + "2,0.008,0.009\n");
}

}  // namespace
}  // namespace orrery
