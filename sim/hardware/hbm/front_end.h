// SPDX-License-Identifier: Apache-2.0
//
// What couples the channels of a device: requests are handed out in their order, and the one at the
// head keeps back all behind it. It waits for the tick after its channel took one, for room in its
// channel's queue, and, where there is a bound, until one of the reads in flight has ended. More
// than one may go in a tick, to different channels.
//
// There is no common clock. The front end's time is that of its head; a channel lives on when it is
// handed a request, up to that tick. Only a bound makes the front end ask all channels what ends
// next.
#ifndef ORRERY_SIM_HARDWARE_HBM_FRONT_END_H_
#define ORRERY_SIM_HARDWARE_HBM_FRONT_END_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "sim/hardware/hbm/channel.h"

namespace orrery::hbm {

class FrontEnd {
 public:
  /// `in_flight`: reads handed out whose data is not through are at most so many (a writer waits
  /// for nothing); 0: as many as the queues hold. The channels outlive the front end, and nobody
  /// else feeds them.
  FrontEnd(std::deque<Channel>& channels, std::int64_t in_flight);
  ~FrontEnd();
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  /// Hands the next request to its channel, in tick `at` or as soon after it as it can; returns
  /// that tick. Its latency counts from `arrive` (Channel::kWhenTaken: from the hand-over).
  Tick hand_over(std::uint32_t channel, Request request, Tick at,
                 Tick arrive = Channel::kWhenTaken);

 private:
  /// Until one of the reads in flight has ended.
  void wait_for_an_end();
  /// The channel in which something happens next, and when.
  [[nodiscard]] Channel& first_channel(Tick& at);
  void collect_ends();

  std::deque<Channel>& channels_;
  const std::int64_t most_in_flight_;
  std::int64_t in_flight_ = 0;
  Tick now_ = 0;
  std::vector<Channel::End> new_ends_;
  /// Of reads. A heap, the earliest first.
  std::vector<Tick> ends_;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_FRONT_END_H_
