// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/byte_source.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::size_t kPackedBuffer = std::size_t{1} << 16;

class FileBytes final : public ByteSource {
 public:
  explicit FileBytes(const std::filesystem::path& path) : name_(path.string()) {
    if (std::filesystem::is_directory(path)) throw TraceError(name_ + ": is a folder");
    file_.reset(std::fopen(name_.c_str(), "rb"));
    if (!file_) {
      throw TraceError(name_ + ": cannot be opened: " + std::generic_category().message(errno));
    }
  }
  std::size_t read(std::span<char> buffer) override {
    const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file_.get());
    if (got == 0 && std::ferror(file_.get()) != 0) throw TraceError(name_ + ": cannot be read");
    return got;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
};

class MemoryBytes final : public ByteSource {
 public:
  explicit MemoryBytes(std::string_view bytes) : rest_(bytes) {}
  std::size_t read(std::span<char> buffer) override {
    const std::size_t count = std::min(buffer.size(), rest_.size());
    if (count > 0) std::memcpy(buffer.data(), rest_.data(), count);
    rest_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view rest_;
};

/// The packed bytes, of which the first few have been looked at already.
class Packed {
 public:
  explicit Packed(std::unique_ptr<ByteSource> from)
      : from_(std::move(from)), buffer_(kPackedBuffer) {
    while (end_ < 4) {
      const std::size_t got = from_->read(std::span(buffer_).subspan(end_));
      if (got == 0) break;
      end_ += got;
    }
  }
  [[nodiscard]] bool begins_with(std::string_view magic) const {
    return std::string_view(buffer_.data() + begin_, end_ - begin_).starts_with(magic);
  }
  /// What is not yet consumed; empty only at the end of the file.
  std::span<char> window() {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = from_->read(buffer_);
    }
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  void consume(std::size_t count) { begin_ += count; }

 private:
  std::unique_ptr<ByteSource> from_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class PlainBytes final : public ByteSource {
 public:
  explicit PlainBytes(Packed packed) : packed_(std::move(packed)) {}
  std::size_t read(std::span<char> buffer) override {
    const std::span<char> window = packed_.window();
    const std::size_t count = std::min(window.size(), buffer.size());
    if (count > 0) std::memcpy(buffer.data(), window.data(), count);
    packed_.consume(count);
    return count;
  }

 private:
  Packed packed_;
};

/// gzip, also several members one after the other, as `cat a.gz b.gz` leaves them.
class GzipBytes final : public ByteSource {
 public:
  GzipBytes(Packed packed, std::string name) : packed_(std::move(packed)), name_(std::move(name)) {
    ORRERY_CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK);  // 15: largest window; 16: gzip header
  }
  GzipBytes(const GzipBytes&) = delete;
  GzipBytes& operator=(const GzipBytes&) = delete;
  ~GzipBytes() override { inflateEnd(&stream_); }

  std::size_t read(std::span<char> buffer) override {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(buffer.size(), 1U << 30));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted) {
      const std::span<char> window = packed_.window();
      if (window.empty()) {
        if (in_member_) throw TraceError(name_ + ": the gzip data ends early");
        return 0;
      }
      step(window);
    }
    return wanted - stream_.avail_out;
  }

 private:
  void step(std::span<char> window) {
    in_member_ = true;
    stream_.next_in = reinterpret_cast<Bytef*>(window.data());
    stream_.avail_in = static_cast<uInt>(window.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    packed_.consume(window.size() - stream_.avail_in);
    if (result == Z_STREAM_END) {
      in_member_ = false;
      inflateReset(&stream_);
    } else if (result != Z_OK) {
      throw TraceError(name_ + ": the gzip data is damaged");
    }
  }

  Packed packed_;
  std::string name_;
  z_stream stream_{};
  bool in_member_ = false;
};

class ZstdBytes final : public ByteSource {
 public:
  ZstdBytes(Packed packed, std::string name)
      : packed_(std::move(packed)), name_(std::move(name)), stream_(ZSTD_createDStream()) {
    ORRERY_CHECK(stream_ != nullptr);
  }

  std::size_t read(std::span<char> buffer) override {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    while (out.pos == 0) {
      const std::span<char> window = packed_.window();
      if (window.empty() && !in_frame_) return 0;
      ZSTD_inBuffer in{window.data(), window.size(), 0};
      const std::size_t hint = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(hint) != 0) throw TraceError(name_ + ": the zstd data is damaged");
      packed_.consume(in.pos);
      // The decoder may still hold output after the last byte went in; only then is it no progress.
      if (window.empty() && out.pos == 0) throw TraceError(name_ + ": the zstd data ends early");
      in_frame_ = hint != 0;
    }
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  Packed packed_;
  std::string name_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool in_frame_ = false;
};

std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> raw, std::string name) {
  Packed packed(std::move(raw));
  if (packed.begins_with("\x1f\x8b")) {
    return std::make_unique<GzipBytes>(std::move(packed), std::move(name));
  }
  if (packed.begins_with("\x28\xb5\x2f\xfd")) {
    return std::make_unique<ZstdBytes>(std::move(packed), std::move(name));
  }
  return std::make_unique<PlainBytes>(std::move(packed));
}

}  // namespace

std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path) {
  return unpack(std::make_unique<FileBytes>(path), path.string());
}

std::unique_ptr<ByteSource> open_memory(std::string_view bytes, std::string name) {
  return unpack(std::make_unique<MemoryBytes>(bytes), std::move(name));
}

}  // namespace orrery
