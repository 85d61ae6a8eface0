// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pcie/staged_copy.h"

#include <algorithm>
#include <vector>

#include "sim/core/check.h"

namespace orrery {
namespace {

/// The link, whose copies are asked for in order and awaited in order.
class Engine {
 public:
  Engine(const PcieOptions& options, PortId from)
      : link_(options),
        from_(from),
        to_(from == PcieLink::kHost ? PcieLink::kDevice : PcieLink::kHost) {}

  void start(Bytes bytes, Instant now) {
    run_until(now);
    static_cast<void>(link_.submit({from_, to_, bytes}, now));
  }
  Instant end_of(std::size_t copy) {
    while (ends_.size() <= copy) run_until(link_.next());
    return ends_[copy];
  }

 private:
  void run_until(Instant now) {
    while (link_.next() <= now) {
      const Instant at = link_.next();
      std::vector<Ticket> done;
      link_.advance(at, done);
      ends_.insert(ends_.end(), done.size(), at);
    }
  }

  PcieLink link_;
  PortId from_;
  PortId to_;
  std::vector<Instant> ends_;
};

/// The pieces of a copy, all of them whole but the last.
std::vector<Bytes> pieces_of(Bytes bytes, Bytes most) {
  std::vector<Bytes> pieces;
  for (Bytes left = bytes; left.count() > 0; left -= pieces.back()) {
    pieces.push_back(std::min(left, most));
  }
  return pieces;
}

Instant to_device(Engine& engine, const StagingOptions& staging, const std::vector<Bytes>& pieces) {
  const auto buffers = static_cast<std::size_t>(staging.buffers);
  Instant processor;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i >= buffers) processor = std::max(processor, engine.end_of(i - buffers));
    processor = processor + staging.copy.time_for(pieces[i]);
    engine.start(pieces[i], processor);
  }
  return engine.end_of(pieces.size() - 1);
}

Instant to_host(Engine& engine, const StagingOptions& staging, const std::vector<Bytes>& pieces) {
  const auto buffers = static_cast<std::size_t>(staging.buffers);
  for (std::size_t i = 0; i < std::min(buffers, pieces.size()); ++i) {
    engine.start(pieces[i], Instant());
  }
  Instant processor;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    processor = std::max(processor, engine.end_of(i)) + staging.copy.time_for(pieces[i]);
    if (i + buffers < pieces.size()) engine.start(pieces[i + buffers], processor);
  }
  return processor;
}

}  // namespace

Duration staged_copy_time(const PcieOptions& pcie, const StagingOptions& staging, PortId from,
                          Bytes bytes) {
  ORRERY_CHECK(bytes.count() > 0 && staging.buffer.count() > 0 && staging.buffers > 0);
  Engine engine(pcie, from);
  const std::vector<Bytes> pieces = pieces_of(bytes, staging.buffer);
  const Instant end = from == PcieLink::kHost ? to_device(engine, staging, pieces)
                                              : to_host(engine, staging, pieces);
  return end.since_start();
}

}  // namespace orrery
