// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/metrics/records.h"

#include <zlib.h>

#include <cstdlib>
#include <stdexcept>

namespace orrery::testing {

RequestRecord sent_request(std::uint32_t id, Instant sent) {
  RequestRecord record;
  record.id = RequestId{id};
  record.sent = record.queued = sent;
  record.first_scheduled = record.first_token = record.last_token = Instant::never();
  record.client_first_token = record.client_last_token = Instant::never();
  return record;
}

RequestRecord finished_request(std::uint32_t id, const Life& life) {
  RequestRecord record = sent_request(id, life.sent);
  record.status = RequestStatus::kFinishedLength;
  record.input_tokens = 1;
  record.output_tokens = life.output_tokens;
  record.first_scheduled = life.scheduled;
  record.first_token = record.client_first_token = life.first_token;
  record.last_token = record.client_last_token = life.last_token;
  return record;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "orrery-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string text_of(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw std::runtime_error("cannot read " + path);
  std::string text;
  char part[4096];
  for (int size = 0; (size = gzread(file, part, sizeof part)) > 0;) {
    text.append(part, static_cast<std::size_t>(size));
  }
  const bool whole = gzeof(file) != 0;
  gzclose(file);
  if (!whole) throw std::runtime_error("cannot inflate " + path);
  return text;
}

}  // namespace orrery::testing
