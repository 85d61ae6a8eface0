// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/lengths.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/math.h"
#include "sim/workload/trace_formats.h"

namespace orrery {
namespace {

constexpr std::string_view kDistributions[] = {"fixed", "uniform", "lognormal", "zipf",
                                               "empirical"};
constexpr std::string_view kColumns[] = {"input_tokens", "output_tokens"};
constexpr std::int64_t kMostTokens = 1 << 30;
/// Ranks of a zipf distribution are held in a table.
constexpr std::int64_t kMostRanks = 1 << 22;

/// One element of 0..count-1 for a share of [0, 1).
std::size_t pick(double share, std::size_t count) {
  const auto index = static_cast<std::size_t>(share * static_cast<double>(count));
  return std::min(index, count - 1);
}

class Fixed final : public Lengths {
 public:
  explicit Fixed(std::int64_t value) : value_(static_cast<std::int32_t>(value)) {}
  [[nodiscard]] std::int32_t at(double) const override { return value_; }

 private:
  std::int32_t value_;
};

class Uniform final : public Lengths {
 public:
  Uniform(std::int64_t min, std::int64_t max)
      : min_(static_cast<std::int32_t>(min)), count_(static_cast<std::size_t>(max - min + 1)) {}
  [[nodiscard]] std::int32_t at(double score) const override {
    return min_ + static_cast<std::int32_t>(pick(normal_share_below(score), count_));
  }

 private:
  std::int32_t min_;
  std::size_t count_;
};

class Lognormal final : public Lengths {
 public:
  explicit Lognormal(const LengthOptions& options)
      : sigma_(std::sqrt(math::log(1 + options.cv * options.cv))),
        // The mean of exp(mu + sigma z) is exp(mu + sigma^2 / 2).
        mu_(math::log(options.mean) - sigma_ * sigma_ / 2),
        min_(static_cast<double>(options.min)),
        max_(static_cast<double>(options.max.value_or(kMostTokens))) {}
  [[nodiscard]] std::int32_t at(double score) const override {
    const double exponent = std::min(mu_ + sigma_ * score, 700.0);
    return static_cast<std::int32_t>(std::clamp(std::floor(math::exp(exponent) + 0.5), min_, max_));
  }

 private:
  double sigma_;
  double mu_;
  double min_;
  double max_;
};

/// Length min + r - 1 with probability proportional to r^-exponent.
class Zipf final : public Lengths {
 public:
  explicit Zipf(const LengthOptions& options) : min_(static_cast<std::int32_t>(options.min)) {
    const std::int64_t ranks = *options.max - options.min + 1;
    cumulative_.reserve(static_cast<std::size_t>(ranks));
    double sum = 0;
    for (std::int64_t rank = 1; rank <= ranks; ++rank) {
      sum += math::pow(static_cast<double>(rank), -options.exponent);
      cumulative_.push_back(sum);
    }
  }
  [[nodiscard]] std::int32_t at(double score) const override {
    const double wanted = normal_share_below(score) * cumulative_.back();
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, wanted);
    return min_ + static_cast<std::int32_t>(found - cumulative_.begin());
  }

 private:
  std::int32_t min_;
  std::vector<double> cumulative_;
};

class Empirical final : public Lengths {
 public:
  explicit Empirical(std::vector<std::int32_t> sorted) : sorted_(std::move(sorted)) {}
  [[nodiscard]] std::int32_t at(double score) const override {
    return sorted_[pick(normal_share_below(score), sorted_.size())];
  }

 private:
  std::vector<std::int32_t> sorted_;
};

std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, int format) {
  LineReader lines(open_file(path), path.string());
  return trace_formats()[static_cast<std::size_t>(format)].open(std::move(lines), {});
}

std::unique_ptr<Lengths> read_empirical(const LengthOptions& options,
                                        const std::filesystem::path& relative_to) {
  const std::filesystem::path path = (relative_to / options.path).lexically_normal();
  const std::unique_ptr<RowReader> rows = open_rows(path, options.format);
  std::vector<std::int32_t> lengths;
  TraceRow row;
  while (rows->next(row)) {
    const bool input = options.column == LengthColumn::kInput;
    lengths.push_back(input ? row.input_tokens : row.output_tokens);
    if (lengths.back() == 0) rows->fail(row, "", "has no output length");
  }
  if (lengths.empty()) throw TraceError(path.string() + ": has no rows");
  std::sort(lengths.begin(), lengths.end());
  return std::make_unique<Empirical>(std::move(lengths));
}

/// Keys that one distribution needs and the others do not know.
struct Needs {
  std::string_view key;
  std::initializer_list<LengthDistribution> required;
  std::initializer_list<LengthDistribution> allowed = {};
};

bool holds(std::initializer_list<LengthDistribution> set, LengthDistribution x) {
  return std::find(set.begin(), set.end(), x) != set.end();
}

void check_keys(const Describer& d, LengthDistribution distribution) {
  using enum LengthDistribution;
  const Needs all[] = {{"value", {kFixed}},
                       {"min", {kUniform}, {kLognormal, kZipf}},
                       {"max", {kUniform, kZipf}, {kLognormal}},
                       {"mean", {kLognormal}},
                       {"cv", {kLognormal}},
                       {"exponent", {kZipf}},
                       {"path", {kEmpirical}},
                       {"format", {}, {kEmpirical}},
                       {"column", {}, {kEmpirical}}};
  const std::string name(kDistributions[static_cast<std::size_t>(distribution)]);
  for (const Needs& needs : all) {
    const bool required = holds(needs.required, distribution);
    if (required && !d.given(needs.key)) d.refuse(needs.key, "is needed by distribution " + name);
    if (!required && !holds(needs.allowed, distribution) && d.given(needs.key)) {
      d.refuse(needs.key, "means nothing to distribution " + name);
    }
  }
}

}  // namespace

int lengths_format() {
  const auto names = trace_format_names();
  return static_cast<int>(std::find(names.begin(), names.end(), "lengths") - names.begin());
}

void LengthOptions::describe(Describer& d) {
  d.required().choice_of(
      "distribution", distribution, kDistributions,
      "fixed {value}, uniform {min, max}, lognormal {mean, cv}, zipf {min, max, exponent}, "
      "empirical {path}.");
  d.field("value", value, Range::between(0, kMostTokens), "fixed: the length.");
  d.field("min", min, Range::between(1, kMostTokens),
          "Smallest length; lognormal: shorter draws are raised to it.");
  d.optional_field("max", max, Range::between(1, kMostTokens),
                   "Largest length; lognormal: longer draws are cut to it.");
  d.field("mean", mean, Range::not_negative(), "lognormal: mean before rounding and limits.");
  d.field("cv", cv, Range::not_negative(), "lognormal: standard deviation over mean.");
  d.field("exponent", exponent, Range::between(0, 20),
          "zipf: length min + r - 1 has a probability proportional to r^-exponent.");
  d.field("path", path, "empirical: a file to draw lengths from, each row equally likely.");
  d.choice("format", format, trace_format_names(), "empirical: the file's format.");
  d.choice_of("column", column, kColumns, "empirical: which lengths of the file.");
  if (!d.reading()) return;
  check_keys(d, distribution);
  if (distribution == LengthDistribution::kFixed && value < 1)
    d.refuse("value", "must be at least 1");
  if (max && *max < min) d.refuse("max", "is below min");
  if (distribution == LengthDistribution::kLognormal && (mean < 1 || mean > kMostTokens)) {
    d.refuse("mean", "must be 1 to 2^30");
  }
  if (distribution == LengthDistribution::kZipf && *max - min >= kMostRanks) {
    d.refuse("max", "is more than 2^22 above min");
  }
}

void LengthPairsOptions::describe(Describer& d) {
  d.required().field("path", path, "A file; each row is equally likely.");
  d.choice("format", format, trace_format_names(), "The file's format.");
}

std::unique_ptr<Lengths> make_lengths(const LengthOptions& options,
                                      const std::filesystem::path& relative_to) {
  switch (options.distribution) {
    case LengthDistribution::kFixed:
      return std::make_unique<Fixed>(options.value);
    case LengthDistribution::kUniform:
      return std::make_unique<Uniform>(options.min, *options.max);
    case LengthDistribution::kLognormal:
      return std::make_unique<Lognormal>(options);
    case LengthDistribution::kZipf:
      return std::make_unique<Zipf>(options);
    case LengthDistribution::kEmpirical:
      return read_empirical(options, relative_to);
  }
  ORRERY_CHECK(false);
}

std::vector<LengthPair> read_length_pairs(const std::filesystem::path& path, int format) {
  const std::unique_ptr<RowReader> rows = open_rows(path, format);
  std::vector<LengthPair> pairs;
  TraceRow row;
  while (rows->next(row)) {
    if (row.output_tokens == 0) rows->fail(row, "", "has no output length");
    pairs.push_back({row.input_tokens, row.output_tokens});
  }
  if (pairs.empty()) throw TraceError(path.string() + ": has no rows");
  return pairs;
}

// Algorithm of Hart (1968) as given by West, "Better approximations to cumulative normal
// functions" (Wilmott, 2005): double precision with only +, *, / and exp.
double normal_share_below(double score) {
  const double x = std::fabs(score);
  if (x > 37) return score > 0 ? 1 : 0;
  const double density = math::exp(-x * x / 2);
  double above = 0;
  if (x < 7.07106781186547) {
    double top = 3.52624965998911e-02 * x + 0.700383064443688;
    for (const double c : {6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931,
                           220.206867912376}) {
      top = top * x + c;
    }
    double bottom = 8.83883476483184e-02 * x + 1.75566716318264;
    for (const double c : {16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831,
                           793.826512519948, 440.413735824752}) {
      bottom = bottom * x + c;
    }
    above = density * top / bottom;
  } else {
    const double fraction = x + 1 / (x + 2 / (x + 3 / (x + 4 / (x + 0.65))));
    above = density / (fraction * 2.506628274631);  // the square root of 2 pi
  }
  return score > 0 ? 1 - above : above;
}

}  // namespace orrery
