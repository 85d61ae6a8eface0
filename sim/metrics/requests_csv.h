// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_REQUESTS_CSV_H_
#define ORRERY_SIM_METRICS_REQUESTS_CSV_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "sim/metrics/text_file.h"
#include "sim/serving/observer.h"

namespace orrery {

/// Writes requests.csv, one row a request in the order of ids, gzipped if the path ends in `.gz`.
///
/// arrival_s is when the client sent. queued_s, first_scheduled_s, first_token_s and last_token_s
/// are the engine's: when the request reached the engine's queue, when it was first in a step, and
/// when the outputs of its first and last token were applied. Seconds are exact decimals of
/// picoseconds, without trailing zeros; a field of what did not happen is empty. output_tokens are
/// those generated.
///
/// A row is written when all smaller ids have left, so that memory holds what is in flight and what
/// overtook it.
class RequestsCsv final : public ServingObserver {
 public:
  static constexpr std::string_view kHeader =
      "id,arrival_s,input_tokens,output_tokens,cached_tokens,queued_s,first_scheduled_s,"
      "first_token_s,last_token_s,preemptions,replica,status\n";

  explicit RequestsCsv(std::string path);

  void on_leave(const RequestRecord& record, std::string_view reason) override;
  /// Writes the rest, also rows that wait for an id which never left, and closes the file.
  void close();

 private:
  struct Row {
    RequestRecord record;
    bool left = false;
  };

  void write_row(const RequestRecord& record);

  TextFile file_;
  /// Rows from next_ on, some of which have not left yet.
  std::deque<Row> rows_;
  std::size_t next_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_REQUESTS_CSV_H_
