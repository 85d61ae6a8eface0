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
  const auto comma = [&out] { *out++ = ','; };
  out = put_integer(out, index_of(record.id)), comma();
  out = put_seconds(out, record.sent), comma();
  out = put_integer(out, record.input_tokens), comma();
  out = put_integer(out, record.output_tokens), comma();
  out = put_integer(out, record.cached_tokens), comma();
  out = put_seconds(out, record.queued), comma();
  out = put_seconds(out, record.first_scheduled), comma();
  out = put_seconds(out, record.first_token), comma();
  out = put_seconds(out, record.last_token), comma();
  out = put_integer(out, record.preemptions), comma();
  out = put_integer(out, index_of(record.replica)), comma();
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
