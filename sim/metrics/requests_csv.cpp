// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/requests_csv.h"

#include <utility>

#include "sim/metrics/decimal.h"

namespace orrery {
namespace {

constexpr std::size_t kFields = 12;
constexpr std::size_t kMostRow = kFields * (kMostDigits + 1);

}  // namespace

RequestsCsv::RequestsCsv(std::string path) : file_(std::move(path)) { file_.write(kHeader); }

void RequestsCsv::on_leave(const RequestRecord& record, std::string_view) {
  const std::size_t id = index_of(record.id);
  ORRERY_CHECK(id >= next_);
  if (id == next_ && rows_.size() <= 1) {
    write_row(record);
    rows_.clear();
    ++next_;
    return;
  }
  if (id - next_ >= rows_.size()) rows_.resize(id - next_ + 1);
  Row& row = rows_[id - next_];
  ORRERY_CHECK(!row.left);
  row = {record, true};
  for (; !rows_.empty() && rows_.front().left; ++next_) {
    write_row(rows_.front().record);
    rows_.pop_front();
  }
}

void RequestsCsv::write_row(const RequestRecord& record) {
  char* out = file_.room(kMostRow);
  const auto integer = [&out](auto value) {
    out = put_integer(out, value);
    *out++ = ',';
  };
  const auto seconds = [&out](Instant when) {
    out = put_seconds(out, when);
    *out++ = ',';
  };
  integer(index_of(record.id));
  seconds(record.sent);
  integer(record.input_tokens);
  integer(record.output_tokens);
  integer(record.cached_tokens);
  seconds(record.queued);
  seconds(record.first_scheduled);
  seconds(record.first_token);
  seconds(record.last_token);
  integer(record.preemptions);
  integer(index_of(record.replica));
  out = put_text(out, name_of(record.status));
  *out++ = '\n';
  file_.fill(out);
}

void RequestsCsv::close() {
  for (const Row& row : rows_) {
    if (row.left) write_row(row.record);
  }
  rows_.clear();
  file_.close();
}

}  // namespace orrery
