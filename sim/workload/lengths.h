// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_LENGTHS_H_
#define ORRERY_SIM_WORKLOAD_LENGTHS_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/describer.h"

namespace orrery {

enum class LengthDistribution { kFixed, kUniform, kLognormal, kZipf, kEmpirical };
enum class LengthColumn { kInput, kOutput };

/// The index of the format `lengths` in trace_formats().
[[nodiscard]] int lengths_format();

/// How many tokens, or turns: a distribution over whole numbers from 1.
struct LengthOptions {
  LengthDistribution distribution = LengthDistribution::kFixed;
  std::int64_t value = 0;
  std::int64_t min = 1;
  std::optional<std::int64_t> max;
  double mean = 0;
  double cv = 0;
  double exponent = 0;
  std::string path;
  int format = lengths_format();
  LengthColumn column = LengthColumn::kInput;

  void describe(Describer& d);
};

/// The same, reading the output column of a file unless told otherwise.
struct OutputLengthOptions : LengthOptions {
  OutputLengthOptions() { column = LengthColumn::kOutput; }
};

/// A file whose rows give an input and an output together, so that their dependence is the file's.
struct LengthPairsOptions {
  std::string path;
  int format = lengths_format();

  void describe(Describer& d);
};

/// A distribution as its quantile function over a standard normal score: two lengths are made
/// dependent by making their scores so (a Gaussian copula).
class Lengths {
 public:
  virtual ~Lengths() = default;
  [[nodiscard]] virtual std::int32_t at(double score) const = 0;
};

[[nodiscard]] std::unique_ptr<Lengths> make_lengths(const LengthOptions& options,
                                                    const std::filesystem::path& relative_to);

struct LengthPair {
  std::int32_t input = 0;
  std::int32_t output = 0;
};
/// All rows of a file, in its order; a file that cannot give both is refused.
[[nodiscard]] std::vector<LengthPair> read_length_pairs(const std::filesystem::path& path,
                                                        int format);

/// The share of the standard normal distribution below `score`.
[[nodiscard]] double normal_share_below(double score);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_LENGTHS_H_
