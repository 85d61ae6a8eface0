// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sim/metrics/figures.h"

namespace orrery {
namespace {

constexpr double kSecondsBetween = 0.1;
constexpr std::size_t kWidth = 24;
constexpr std::string_view kEraseLine = "\r\x1b[K";

}  // namespace

Progress::Progress(std::FILE* terminal, std::function<double()> seconds,
                   std::optional<std::int64_t> expected)
    : terminal_(terminal),
      seconds_(std::move(seconds)),
      expected_(expected),
      began_(seconds_()),
      drawn_(began_) {}

void Progress::on_leave(const RequestRecord&, std::string_view) {
  if ((++left_ & kRequestMask) == 0) draw_if_due();
}

void Progress::draw_if_due() {
  const double now = seconds_();
  if (now - drawn_ < kSecondsBetween) return;
  drawn_ = now;
  draw(now - began_);
}

void Progress::draw(double elapsed) {
  std::string line(kEraseLine);
  if (expected_ && *expected_ > 0) {
    const double share =
        std::min(1.0, static_cast<double>(left_) / static_cast<double>(*expected_));
    const auto full = static_cast<std::size_t>(share * kWidth);
    line += '[' + std::string(full, '#') + std::string(kWidth - full, '.') + "] ";
    line += fmt::format("{}/{} requests", grouped(left_), grouped(*expected_));
  } else {
    line += fmt::format("{} requests", grouped(left_));
  }
  line += fmt::format(", {} s simulated, {} steps/s", figure(to_seconds(simulated_.since_start())),
                      figure(static_cast<double>(steps_) / elapsed));
  std::fwrite(line.data(), 1, line.size(), terminal_);
  std::fflush(terminal_);
  shown_ = true;
}

void Progress::close() {
  if (!std::exchange(shown_, false)) return;
  std::fwrite(kEraseLine.data(), 1, kEraseLine.size(), terminal_);
  std::fflush(terminal_);
}

}  // namespace orrery
