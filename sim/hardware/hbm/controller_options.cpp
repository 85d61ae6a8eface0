// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/controller_options.h"

#include <array>

namespace orrery::hbm {
namespace {

constexpr std::array<std::string_view, 2> kControllers = {"default", "reference"};
constexpr std::array<std::string_view, 3> kSchedulers = {"fr-fcfs", "fr-fcfs-row-hit", "fcfs"};
constexpr std::array<std::string_view, 3> kRowPolicies = {"open", "closed", "adaptive"};
constexpr std::array<std::string_view, 3> kRefreshes = {"all-bank", "per-bank", "none"};
constexpr std::array<std::string_view, 3> kRfms = {"off", "on", "all-bank"};
constexpr std::array<std::string_view, 3> kPowerDowns = {"off", "active", "precharge"};
constexpr std::array<std::string_view, 2> kSelfRefreshes = {"off", "on"};
constexpr double kMostIdleClocks = 1e9;

}  // namespace

void ControllerOptions::describe(Describer& d) {
  d.choice_of("controller", controller, kControllers,
              "default: per-bank refresh; reference: all-bank refresh as Ramulator 2.1 does it.");
  d.choice_of("scheduler", scheduler, kSchedulers,
              "Oldest ready request (row-hit: rows stay open while the oldest request hits them); "
              "fcfs: the oldest request.");
  d.choice_of("row_policy", row_policy, kRowPolicies,
              "open: until another row is wanted; closed: every access closes its row; adaptive: "
              "it does if another row is wanted and no queued request hits this one.");
  d.choice_of("refresh", refresh, kRefreshes, "How refresh is done; the controller's if absent.");
  d.choice_of("rfm", rfm, kRfms,
              "on: banks activated often are given RFM commands, by the device's "
              "refresh_management; all-bank: their whole pseudo-channel is.");
  d.choice_of("power_down", power_down, kPowerDowns,
              "A channel that nobody wants powers down, with its rows as they are (active) or "
              "closed (precharge); the device's low_power has the times.");
  d.field("power_down_after", power_down_after, Range::between(0, kMostIdleClocks),
          "Clocks without a request after which a channel powers down.");
  d.choice_of("self_refresh", self_refresh, kSelfRefreshes,
              "on: a channel that nobody wants is put into self-refresh.");
  d.field("self_refresh_after", self_refresh_after, Range::between(0, kMostIdleClocks),
          "Clocks without a request after which a channel goes into self-refresh.");
  d.field("address_map", address_map,
          "Widths, most significant first (Ro14 Si1 Ba2 Co5 Bg2 Pc1 Ch4), or a name.");
  d.field("read_queue", read_queue, Range::between(1, 1024), "Reads a channel holds.");
  d.field("write_queue", write_queue, Range::between(1, 1024), "Writes a channel holds.");
  d.field("write_high_watermark", write_high_watermark, Range::between(0, 1),
          "Share of the write queue above which it is drained.");
  d.field("write_low_watermark", write_low_watermark, Range::between(0, 1),
          "Share of the write queue below which reads go first again.");
  if (!d.reading()) return;
  if (write_low_watermark > write_high_watermark) {
    d.refuse("write_low_watermark", "is above write_high_watermark");
  }
  if (self_refresh == SelfRefresh::kOn && refresh == Refresh::kNone) {
    d.refuse("self_refresh", "on does not go with refresh: none, which leaves rows to fade");
  }
  if (controller != Controller::kReference) return;
  if (!d.given("refresh")) refresh = Refresh::kAllBank;
  if (refresh == Refresh::kPerBank) {
    d.refuse("refresh", "per-bank does not exist with controller: reference");
  }
}

}  // namespace orrery::hbm
