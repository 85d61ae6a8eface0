// SPDX-License-Identifier: Apache-2.0
//
// Places matrices and KV caches on the banks of a PIM device and writes the commands that work on
// them. Where an element lies is one function (a Cell), used by what stores it and by the tests;
// the commands follow from the same layout.
#ifndef ORRERY_SIM_HARDWARE_PIM_MAPPER_H_
#define ORRERY_SIM_HARDWARE_PIM_MAPPER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/hardware/pim/command.h"
#include "sim/hardware/pim/device.h"

namespace orrery::pim {

/// y = A x with A of `outputs` rows and `inputs` columns, for each of `batch` vectors x.
struct Gemv {
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;
  std::int64_t batch = 1;
};

/// z = x + y, z = x * y or z = max(x, 0), number by number.
struct Elementwise {
  enum class Operation : std::uint8_t { kAdd, kMultiply, kRelu };
  Operation operation = Operation::kAdd;
  std::int64_t elements = 0;
  [[nodiscard]] std::int64_t operands() const { return operation == Operation::kRelu ? 1 : 2; }
};

/// Decode attention of one token: `heads` queries share `kv_heads` key and value heads evenly.
struct Attention {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t dim = 0;
  std::int64_t context = 0;
  [[nodiscard]] std::int64_t group() const { return heads / kv_heads; }
};

/// Where one number lies.
struct Cell {
  std::int64_t channel = 0;
  std::int64_t bank = 0;
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t lane = 0;
  friend auto operator<=>(const Cell&, const Cell&) = default;
};

/// A part of a key or value head that one channel works on: a head, or a run of its tokens.
struct HeadPart {
  std::int64_t kv_head = 0;
  std::int64_t first_token = 0;
  std::int64_t tokens = 0;
};

/// The head parts of each channel in the order in which it works on them. Heads are dealt to the
/// channels in turn; where there are fewer heads than channels and the device's style allows it,
/// a head's tokens are cut into runs of equal length.
[[nodiscard]] std::vector<std::vector<HeadPart>> deal_heads(const Device& device,
                                                            const Attention& attention);

class Mapper {
 public:
  virtual ~Mapper() = default;
  [[nodiscard]] virtual Cell weight(const Gemv& gemv, std::int64_t output,
                                    std::int64_t input) const = 0;
  [[nodiscard]] virtual Cell key(const Attention& attention, std::int64_t kv_head,
                                 std::int64_t token, std::int64_t dim) const = 0;
  [[nodiscard]] virtual Cell value(const Attention& attention, std::int64_t kv_head,
                                   std::int64_t token, std::int64_t dim) const = 0;
  [[nodiscard]] virtual Plan gemv(const Gemv& gemv) const = 0;
  [[nodiscard]] virtual Plan attention(const Attention& attention) const = 0;
  /// Throws ConfigError where the style has no such command.
  [[nodiscard]] virtual Plan elementwise(const Elementwise& job) const;
};

/// For the device's style. The device must outlive it. Sizes that do not fit the banks or buffers
/// are a ConfigError.
[[nodiscard]] std::unique_ptr<Mapper> make_mapper(const Device& device);

/// The host's way: reads `read_bytes` of consecutive addresses, then writes `written_bytes`, with
/// consecutive accesses going to channels, then banks, then bank groups, then columns (the
/// PIMSimulator's Scheme8).
[[nodiscard]] Plan host_accesses(const Device& device, Bytes read, Bytes written);

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_MAPPER_H_
