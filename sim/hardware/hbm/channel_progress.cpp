// SPDX-License-Identifier: Apache-2.0
//
// A channel that gets nowhere says so, instead of running for ever.
#include <string>

#include "sim/core/check.h"
#include "sim/hardware/hbm/channel.h"

namespace orrery::hbm {
namespace {

std::string pending(Tick at, std::uint32_t bank) {
  if (at >= kNever) return "none";
  return "at tick " + std::to_string(at) + " for bank " + std::to_string(bank);
}

}  // namespace

/// Asked as refreshes fall due, of which there is always one to come. Requests that wait are served
/// in a few row cycles, or after what keeps the whole channel from it: refreshes, RFMs, an exit.
void Channel::check_progress() {
  constexpr Tick kMany = 64;
  const std::int64_t served = statistics_.requests();
  if (queues_.empty() || served != progress_) {
    progress_ = served;
    progress_at_ = now_;
    return;
  }
  const TickTiming& t = timing_;
  const Tick longest = t.refresh_interval + t.refresh_refresh + t.refresh_bank_again +
                       t.rfm_all_again + t.rfm_bank_again + t.srx_refresh + t.act_act_bank +
                       t.write_pre + t.pre_act;
  if (now_ - progress_at_ > kMany * longest) stuck("requests wait and none is served");
}

void Channel::stuck(const char* why) const {
  constexpr std::array kActions = {"none",  "ACT",      "PRE", "PREab", "REFab", "REFpb", "RFMpb",
                                   "RFMab", "time-out", "PDE", "PDX",   "SRE",   "SRX"};
  const auto number = [](auto n) { return std::to_string(n); };
  throw InternalError(
      "hbm channel " + number(number_) + " at tick " + number(now_) + ": " + why + "; " +
      number(queues_.size(BankQueues::kRead)) + " reads, " +
      number(queues_.size(BankQueues::kWrite)) + " writes and " +
      (queues_.any_active() ? "some" : "no") + " activated requests wait; column command " +
      pending(column_.at, column_.bank) + "; row command " +
      kActions[static_cast<std::size_t>(row_.action)] + " " + pending(row_.at, row_.bank) + "; " +
      number(refresh_count_ - refresh_front_) + " all-bank refreshes wait; the next is due " +
      pending(due_, 0) + "; " + std::string(kPowerStateNames[index_of(power_.state())]));
}

}  // namespace orrery::hbm
