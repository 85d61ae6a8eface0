// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/byte_source.h"

#include <doctest/doctest.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

#include "sim/workload/line_reader.h"

namespace orrery {
namespace {

std::string gzip(std::string_view text) {
  std::string packed(text.size() + 1024, '\0');
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string input(text);
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

/// Read in pieces of `piece`, so that every boundary is met.
std::string read_all(std::string_view bytes, std::size_t piece) {
  const auto source = open_memory(bytes, "t");
  std::string text;
  std::vector<char> buffer(piece);
  while (const std::size_t got = source->read(buffer)) text.append(buffer.data(), got);
  return text;
}

std::string failure(std::string_view bytes) {
  try {
    return "no error but " + std::to_string(read_all(bytes, 1000).size()) + " bytes";
  } catch (const TraceError& error) {
    return error.what();
  }
}

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

TEST_CASE("plain, gzip and zstd give the same bytes, told apart by content") {
  const std::string text = numbers(30'000);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{777}, std::size_t{1} << 20}) {
    CHECK(read_all(text, piece) == text);
    CHECK(read_all(gzip(text), piece) == text);
    CHECK(read_all(zstd(text), piece) == text);
  }
  CHECK(read_all("", 10).empty());
  CHECK(read_all("ab", 10) == "ab");
}

TEST_CASE("several members or frames one after the other are one file") {
  CHECK(read_all(gzip("one\n") + gzip("two\n"), 3) == "one\ntwo\n");
  CHECK(read_all(zstd("one\n") + zstd("two\n"), 3) == "one\ntwo\n");
}

TEST_CASE("packed data that is cut off or damaged is an error, not a shorter trace") {
  const std::string text = numbers(30'000);
  std::string packed = gzip(text);
  CHECK(failure(packed.substr(0, packed.size() / 2)) == "t: the gzip data ends early");
  CHECK(failure(packed.substr(0, packed.size() - 4)) == "t: the gzip data ends early");
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x55);
  CHECK(failure(packed) == "t: the gzip data is damaged");
  packed = zstd(text);
  CHECK(failure(packed.substr(0, packed.size() / 2)) == "t: the zstd data ends early");
  packed[10] = static_cast<char>(packed[10] ^ 0x55);
  CHECK(failure(packed) == "t: the zstd data is damaged");
}

TEST_CASE("a file that is not there or is a folder") {
  CHECK_THROWS_WITH_AS(static_cast<void>(open_file("/no/such/file.csv")),
                       "/no/such/file.csv: cannot be opened: No such file or directory",
                       TraceError);
  CHECK_THROWS_WITH_AS(static_cast<void>(open_file("/")), "/: is a folder", TraceError);
}

std::vector<std::string> lines_of(std::string_view text) {
  LineReader lines(open_memory(text, "t"), "t");
  std::vector<std::string> result;
  std::string_view line;
  while (lines.next(line))
    result.push_back(std::to_string(lines.line_number()) + std::string(line));
  return result;
}

TEST_CASE("lines end in LF or CRLF or with the file; blank ones are passed over but counted") {
  const std::vector<std::string> wanted = {"1a", "2b", "5c"};
  CHECK(lines_of("a\nb\n\n \nc\n") == wanted);
  CHECK(lines_of("a\r\nb\r\n\r\n\r\nc") == wanted);
  CHECK(lines_of("\xef\xbb\xbf"
                 "a\nb\n\n\nc") == wanted);
  CHECK(lines_of("").empty());
  CHECK(lines_of("\n\n").empty());
}

TEST_CASE("a line longer than the buffer makes it grow") {
  const std::string longer(1'000'000, 'x');
  const std::string text = "a\n" + longer + "\nb";
  LineReader lines(open_memory(text, "t"), "t");
  std::string_view line;
  REQUIRE(lines.next(line));
  REQUIRE(lines.next(line));
  CHECK(line == longer);
  REQUIRE(lines.next(line));
  CHECK(line == "b");
  CHECK_FALSE(lines.next(line));
}

TEST_CASE("a line without end is refused before it takes all memory") {
  std::string text;
  text.resize(80'000'000, 'x');
  LineReader lines(open_memory(text, "t"), "t");
  std::string_view line;
  CHECK_THROWS_WITH_AS(static_cast<void>(lines.next(line)), "t:1: the line is longer than 64 MiB",
                       TraceError);
}

}  // namespace
}  // namespace orrery
