// SPDX-License-Identifier: Apache-2.0
//
// What the mappers of all styles share: writing programs, and channels that do the same.
#ifndef ORRERY_SIM_HARDWARE_PIM_EMIT_H_
#define ORRERY_SIM_HARDWARE_PIM_EMIT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/hardware/pim/mapper.h"

namespace orrery::pim {

[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

class Emit {
 public:
  struct Place {
    BankSet banks = 0;
    std::int64_t row = 0;
    std::int64_t column = 0;
  };
  void put(Kind kind, Part purpose, const Place& place, std::int64_t operand = -1);
  /// What is behind waits for all that is before.
  void barrier();
  /// And for its data.
  void drain();
  void append(const Program& more);
  [[nodiscard]] Program take() { return std::move(program_); }

 private:
  Program program_;
};

/// A program a channel, alike ones together: `same` tells which channels do the same by a key.
[[nodiscard]] Plan plan_channels(std::int64_t channels,
                                 const std::function<std::vector<std::int64_t>(std::int64_t)>& key,
                                 const std::function<Program(std::int64_t)>& program);

/// For attention: channels whose head parts have the same numbers of tokens do the same.
[[nodiscard]] Plan plan_heads(
    const Device& device, const Attention& attention,
    const std::function<Program(const std::vector<std::int64_t>&)>& program);

/// The head part that holds a token, and the tokens of all parts of its channel.
struct Located {
  std::int64_t channel = 0;
  std::int64_t part = 0;   ///< Among the channel's.
  std::int64_t token = 0;  ///< Within the part.
  std::vector<std::int64_t> tokens;
};
[[nodiscard]] Located locate(const Device& device, const Attention& attention, std::int64_t kv_head,
                             std::int64_t token);

/// Throws ConfigError where `rows` of a bank are more than the `available`.
void check_rows(const Device& device, std::int64_t rows, std::int64_t available);

[[nodiscard]] std::unique_ptr<Mapper> make_samsung_mapper(const Device& device);
[[nodiscard]] std::unique_ptr<Mapper> make_attacc_mapper(const Device& device);
/// AiM and NeuPIMs lay out data as Newton does: a row of a bank belongs to one output.
[[nodiscard]] std::unique_ptr<Mapper> make_newton_mapper(const Device& device);

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_EMIT_H_
