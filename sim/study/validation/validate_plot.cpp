// SPDX-License-Identifier: Apache-2.0
#include "sim/study/validation/validate_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <map>

#include "sim/core/check.h"
#include "sim/core/math.h"

namespace orrery {
namespace {

constexpr double kSide = 640;
constexpr double kMargin = 60;
constexpr double kLegend = 330;
/// A power of ten begins its decade, whatever the last digit of its logarithm.
constexpr double kRounding = 1e-9;
/// Okabe and Ito's colours, which the colour-blind tell apart too.
constexpr std::array<const char*, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#999999", "#000000"};

double log10_of(double x) { return math::log(x) / math::log(10); }
double ten_to(int decade) { return math::exp(decade * math::log(10)); }

/// Decades that hold all times, and where a time lies on either axis.
class Scale {
 public:
  explicit Scale(const Validation& validation) {
    double least = validation.points[0].row.latency_us;
    double most = least;
    for (const ValidatedPoint& point : validation.points) {
      least = std::min({least, point.row.latency_us, point.predicted_us});
      most = std::max({most, point.row.latency_us, point.predicted_us});
    }
    first = static_cast<int>(std::floor(log10_of(least) + kRounding));
    last = std::max(first + 1, static_cast<int>(std::ceil(log10_of(most) - kRounding)));
  }
  [[nodiscard]] double along(double us) const {
    return kMargin + kSide * (log10_of(us) - first) / (last - first);
  }
  [[nodiscard]] double x(double us) const { return along(us); }
  [[nodiscard]] double y(double us) const { return 2 * kMargin + kSide - along(us); }

  int first = 0;
  int last = 1;
};

void draw_frame(std::string& svg, const Scale& scale) {
  const auto out = std::back_inserter(svg);
  const double low = kMargin;
  const double high = kMargin + kSide;
  fmt::format_to(out,
                 "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" "
                 "stroke=\"#444\"/>\n",
                 low, low, kSide, kSide);
  for (int decade = scale.first; decade <= scale.last; ++decade) {
    const double us = ten_to(decade);
    const double x = scale.x(us);
    const double y = scale.y(us);
    fmt::format_to(out, "<path d=\"M{:.1f} {}V{}M{} {:.1f}H{}\" stroke=\"#ddd\"/>\n", x, low, high,
                   low, y, high);
    fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>\n", x,
                   high + 18, us);
    fmt::format_to(out, "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>\n", low - 6,
                   y + 4, us);
  }
  fmt::format_to(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">measured, us</text>\n",
                 low + kSide / 2, high + 40);
  fmt::format_to(
      out,
      "<text transform=\"translate(16 {}) rotate(-90)\" text-anchor=\"middle\">predicted, "
      "us</text>\n",
      low + kSide / 2);
  for (const double error : {1.0, 1.1, 1 / 1.1}) {
    const double from = ten_to(scale.first) * (error < 1 ? 1 / error : 1);
    const double to = ten_to(scale.last) / (error > 1 ? error : 1);
    fmt::format_to(out, "<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"#444\"{}/>\n",
                   scale.x(from), scale.y(from * error), scale.x(to), scale.y(to * error),
                   error == 1.0 ? "" : " stroke-dasharray=\"3 4\"");
  }
}

}  // namespace

std::string scatter_svg(const Validation& validation) {
  ORRERY_CHECK(!validation.points.empty());
  const Scale scale(validation);
  std::map<std::string, const char*> colours;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"white\"/>\n",
      kSide + 2 * kMargin + kLegend, kSide + 2 * kMargin);
  draw_frame(svg, scale);
  const auto out = std::back_inserter(svg);
  double line = kMargin + 12;
  for (const ErrorGroup& group : validation.groups) {
    const char* colour = kColours[colours.size() % kColours.size()];
    colours.emplace(group.name, colour);
    const double left = kSide + kMargin + 16;
    fmt::format_to(out, "<rect x=\"{}\" y=\"{}\" width=\"9\" height=\"9\" fill=\"{}\"/>\n", left,
                   line - 9, colour);
    fmt::format_to(out, "<text x=\"{}\" y=\"{}\">{}: {}, median {:.1f} %, p90 {:.1f} %</text>\n",
                   left + 14, line, group.name, group.n, 100 * group.median_abs_error,
                   100 * group.p90_abs_error);
    line += 18;
  }
  for (const ValidatedPoint& point : validation.points) {
    fmt::format_to(out,
                   "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"1.6\" fill=\"{}\" "
                   "fill-opacity=\"0.5\"/>\n",
                   scale.x(point.row.latency_us), scale.y(point.predicted_us),
                   colours.at(set_of(point.row).text()));
  }
  svg += "</svg>\n";
  return svg;
}

}  // namespace orrery
