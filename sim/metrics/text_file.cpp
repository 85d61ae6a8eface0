// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/text_file.h"

#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {

class TextFile::Sink {
 public:
  virtual ~Sink() = default;
  /// Both are false if it did not arrive.
  [[nodiscard]] virtual bool write(const char* data, std::size_t size) = 0;
  [[nodiscard]] virtual bool close() = 0;
};

class TextFile::PlainSink final : public TextFile::Sink {
 public:
  explicit PlainSink(std::FILE* file) : file_(file) { std::setvbuf(file, nullptr, _IONBF, 0); }
  ~PlainSink() override {
    if (file_ != nullptr) std::fclose(file_);
  }
  bool write(const char* data, std::size_t size) override {
    return std::fwrite(data, 1, size, file_) == size;
  }
  bool close() override { return std::fclose(std::exchange(file_, nullptr)) == 0; }

 private:
  std::FILE* file_;
};

class TextFile::GzipSink final : public TextFile::Sink {
 public:
  explicit GzipSink(gzFile file) : file_(file) {}
  ~GzipSink() override {
    if (file_ != nullptr) gzclose(file_);
  }
  bool write(const char* data, std::size_t size) override {
    return gzwrite(file_, data, static_cast<unsigned>(size)) == static_cast<int>(size);
  }
  bool close() override { return gzclose(std::exchange(file_, nullptr)) == Z_OK; }

 private:
  gzFile file_;
};

TextFile::TextFile(std::string path) : path_(std::move(path)), buffer_(new char[kBuffer]) {
  errno = 0;
  if (path_.ends_with(".gz")) {
    // Level 3 halves the time of zlib's default and costs a few per cent of size.
    if (gzFile const file = gzopen(path_.c_str(), "wb3")) sink_ = std::make_unique<GzipSink>(file);
  } else {
    if (std::FILE* const file = std::fopen(path_.c_str(), "wb")) {
      sink_ = std::make_unique<PlainSink>(file);
    }
  }
  if (!sink_) throw ConfigError("cannot write " + path_ + ": " + std::strerror(errno));
}

TextFile::~TextFile() = default;

void TextFile::flush() {
  ORRERY_CHECK(sink_ != nullptr);
  if (used_ > 0 && !sink_->write(buffer_.get(), used_)) {
    throw RunError("cannot write " + path_ + ": " + std::strerror(errno));
  }
  used_ = 0;
}

void TextFile::write(std::string_view text) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, kBuffer);
    std::memcpy(room(part.size()), part.data(), part.size());
    used_ += part.size();
    text.remove_prefix(part.size());
  }
}

void TextFile::close() {
  if (!sink_) return;
  flush();
  const bool arrived = sink_->close();
  sink_.reset();
  if (!arrived) throw RunError("cannot write " + path_ + ": " + std::strerror(errno));
}

}  // namespace orrery
