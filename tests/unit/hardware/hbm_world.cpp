// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hardware/hbm_world.h"

#include "sim/core/random.h"
#include "sim/hardware/hbm/address_map.h"

namespace orrery::hbm::testing {

namespace {

/// Thresholds low enough for a few activates to reach them.
RefreshManagement manage(Duration rfm_per_bank, Duration rfm_all_bank) {
  RefreshManagement management;
  management.rfm_per_bank = rfm_per_bank;
  management.rfm_all_bank = rfm_all_bank;
  management.raaimt = 4;
  management.raammt = 3;
  return management;
}

/// Of round figures, each another.
LowPower low_power(std::int64_t cke, std::int64_t xp, std::int64_t ckesr, Duration xs) {
  LowPower low;
  low.cke = cke, low.xp = xp, low.ckesr = ckesr, low.xs = xs;
  low.precharge_standby_mw = 70;
  low.active_power_down_mw = 50;
  low.precharge_power_down_mw = 30;
  low.self_refresh_mw = 20;
  return low;
}

}  // namespace

Device hbm3() {
  Device device;
  device.standard = Standard::kHbm3;
  device.geometry.channels = 1;
  device.geometry.stack_ids = 2;
  device.geometry.rows = 16'384;
  Timing& t = device.timing;
  t.clock = Frequency::per_second(1'600'000'000);
  t.burst = 2;
  t.cl = 20, t.cwl = 10;
  t.rcd_read = 31, t.rcd_write = 15, t.rp = 26, t.ras = 45, t.rc = 72;
  t.wr = 33, t.rtp = 9;
  t.ccd_s = 2, t.ccd_l = 4, t.ccd_r = 3;
  t.rrd_s = 4, t.rrd_l = 5, t.faw = 24;
  t.wtr_s = 7, t.wtr_l = 10, t.rtw = 20, t.ppd = 2, t.rrefd = 8;
  t.rfc_all_bank = nanoseconds(350);
  t.rfc_per_bank = nanoseconds(200);
  t.refi = nanoseconds(3'900);
  device.energy.background_mw = 100;
  device.refresh_management = manage(nanoseconds(200), nanoseconds(350));
  device.low_power = low_power(13, 13, 14, nanoseconds(358));
  return device;
}

Device hbm2() {
  Device device;
  device.standard = Standard::kHbm2;
  device.geometry.channels = 1;
  device.geometry.stack_ids = 1;
  device.geometry.rows = 65'536;
  Timing& t = device.timing;
  t.clock = Frequency::per_second(1'000'000'000);
  t.burst = 2;
  t.cl = 14, t.cwl = 5;
  t.rcd_read = 14, t.rcd_write = 12, t.rp = 14, t.ras = 34, t.rc = 48;
  t.wr = 16, t.rtp = 5;
  t.ccd_s = 2, t.ccd_l = 4;
  t.rrd_s = 4, t.rrd_l = 4, t.faw = 15;
  t.wtr_s = 6, t.wtr_l = 8, t.rtw = 13, t.rrefd = 8;
  t.rfc_all_bank = nanoseconds(350);
  t.rfc_per_bank = nanoseconds(160);
  t.refi = nanoseconds(3'900);
  device.low_power = low_power(8, 8, 9, nanoseconds(358));
  return device;
}

Device hbm2_made_up() {
  Device device = hbm2();
  device.geometry.stack_ids = 2;
  Timing& t = device.timing;
  t.rc = 56, t.rrd_l = 6, t.faw = 22, t.ccd_r = 3, t.ppd = 2, t.cl = 30;
  device.refresh_management = manage(nanoseconds(200), nanoseconds(380));
  device.refresh_management->refresh_lowers = RefreshManagement::Lowers::kHalf;
  device.low_power = low_power(24, 10, 12, nanoseconds(370));
  return device;
}

std::vector<Request> accesses(const Device& device, std::string_view map, std::size_t count,
                              AccessMix mix, std::uint64_t seed) {
  RandomStream random(seed, "hbm", "accesses");
  Geometry geometry = device.geometry;
  const AddressMap places(map, geometry);
  const std::uint64_t blocks =
      places.blocks() / static_cast<std::uint64_t>(geometry.rows) * mix.rows;
  std::vector<Request> requests;
  std::uint64_t block = 0;
  for (std::size_t i = 0; i < count; ++i) {
    block = random.below(100) < mix.near ? (block + 1) % blocks : random.below(blocks);
    const AddressMap::Place at = places.place(block);
    requests.push_back(Request::make(at.bank, at.row, at.column, random.below(100) < mix.writes));
  }
  return requests;
}

}  // namespace orrery::hbm::testing
