// SPDX-License-Identifier: Apache-2.0
//
// What a stack of high-bandwidth memory is: its geometry, its timings in clocks as the standard
// counts them, and what each command costs in energy.
#ifndef ORRERY_SIM_HARDWARE_HBM_DEVICE_H_
#define ORRERY_SIM_HARDWARE_HBM_DEVICE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery::hbm {

/// Fixes what is not a number: the lengths of commands and the clock edges they may start on.
enum class Standard : std::uint8_t { kHbm2, kHbm3, kHbm4 };

struct Geometry {
  std::int64_t channels = 0;
  std::int64_t pseudo_channels = 2;  ///< Of a channel.
  std::int64_t stack_ids = 1;        ///< Of a pseudo-channel.
  std::int64_t bank_groups = 4;      ///< Of a stack id.
  std::int64_t banks = 4;            ///< Of a bank group.
  std::int64_t rows = 0;
  std::int64_t columns = 32;  ///< Accesses of a row.
  Bytes access = Bytes(32);
  std::string sources;
  void describe(Describer& d);

  [[nodiscard]] std::int64_t banks_of_pseudo_channel() const {
    return stack_ids * bank_groups * banks;
  }
  [[nodiscard]] std::int64_t banks_of_channel() const {
    return pseudo_channels * banks_of_pseudo_channel();
  }
  [[nodiscard]] Bytes channel_capacity() const {
    return access * (columns * rows) * banks_of_channel();
  }
};

/// In clocks (CK), except for refresh, which standards give in time.
struct Timing {
  Frequency clock;
  std::int64_t burst = 0;  ///< Clocks that an access holds the data bus.
  std::int64_t cl = 0, cwl = 0;
  std::int64_t rcd_read = 0, rcd_write = 0, rp = 0, ras = 0, rc = 0;
  std::int64_t wr = 0, rtp = 0;
  std::int64_t ccd_s = 0, ccd_l = 0;
  std::int64_t ccd_r = 0;  ///< Between reads of different stack ids; 0 where there are none.
  std::int64_t rrd_s = 0, rrd_l = 0, faw = 0;
  std::int64_t wtr_s = 0, wtr_l = 0;  ///< From the end of the write's data.
  std::int64_t rtw = 0;               ///< From the read to the write command.
  std::int64_t ppd = 0;               ///< Between precharges; 0 where the standard has none.
  std::int64_t rrefd = 0;             ///< From a per-bank refresh to another or to an activate.
  Duration rfc_all_bank, rfc_per_bank;
  Duration refi;  ///< Each bank is to be refreshed once in this time, on average.
  std::string sources;
  void describe(Describer& d);

  /// The fewest whole clocks that last as long.
  [[nodiscard]] std::int64_t clocks(Duration d) const;
};

/// Refresh management: a bank that is activated so often between its refreshes that its rows
/// disturb their neighbours is to be given a command (RFM) in which it restores those. The
/// controller keeps a rolling count of activates (RAA) of each bank; activation_counts.h says what
/// follows from it. The thresholds are the vendor's: HBM3 has them in its DEVICE_ID register
/// (JESD238), DDR5 in MR58 and MR59 (JESD79-5: RAAIMT 32 to 80 in steps of 8, RAAMMT 3 to 6 times
/// that, a REF lowers the count by RAAIMT or by half of it).
struct RefreshManagement {
  Duration rfm_per_bank, rfm_all_bank;
  std::int64_t raaimt = 0;  ///< Activates of a bank after which it is to be given an RFM.
  std::int64_t raammt = 0;  ///< So many times RAAIMT it is given no activate without one.
  enum class Lowers : std::uint8_t { kWhole, kHalf };
  Lowers refresh_lowers = Lowers::kWhole;
  std::string sources;
  void describe(Describer& d);

  [[nodiscard]] std::int64_t most() const { return raaimt * raammt; }
  [[nodiscard]] std::int64_t lowered_by_refresh() const {
    return refresh_lowers == Lowers::kWhole ? raaimt : raaimt / 2;
  }
};

/// Power-down and self-refresh, which the two pseudo-channels of a channel enter and leave
/// together: HBM2 has one CKE a channel (JESD235, recalled), HBM3 the row commands PDE, PDX, SRE
/// and SRX, which are common to both (JESD238, by what others write of it). In power-down nothing
/// refreshes the rows, in self-refresh the device does so itself. In clocks (CK) but for `xs`,
/// which follows a refresh.
struct LowPower {
  std::int64_t cke = 0;    ///< Stay in power-down (tPD) and out of it again (tCKE).
  std::int64_t xp = 0;     ///< From leaving power-down to the first command.
  std::int64_t ckesr = 0;  ///< Stay in self-refresh.
  Duration xs;             ///< From leaving self-refresh to the first command.
  // Background of a channel in each state; that of standby with rows open is Energy's.
  double precharge_standby_mw = 0;
  double active_power_down_mw = 0;
  double precharge_power_down_mw = 0;
  double self_refresh_mw = 0;  ///< With the device's own refreshes.
  std::string sources;
  void describe(Describer& d);
};

struct Energy {
  double activate_pj = 0;  ///< With the precharge that ends it.
  double read_pj = 0;
  double write_pj = 0;
  double refresh_row_pj = 0;  ///< Of each row that a refresh command restores.
  double background_mw = 0;   ///< Of a channel in standby, rows open.
  std::string sources;
  void describe(Describer& d);
};

struct Device {
  std::string name;
  Standard standard = Standard::kHbm3;
  Geometry geometry;
  Timing timing;
  Energy energy;
  std::optional<RefreshManagement> refresh_management;
  std::optional<LowPower> low_power;

  void describe(Describer& d);
  /// Bytes per second of all channels with a burst on every data clock.
  [[nodiscard]] double peak_bytes_per_second() const;
  /// Rows of one bank that a refresh restores: all of them in 8192 refreshes. An RFM command is
  /// taken to restore as many: which rows it does is the device's own affair, and it takes as long.
  [[nodiscard]] double rows_of_refresh() const {
    return static_cast<double>(geometry.rows) / 8192.0;
  }
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_DEVICE_H_
