// SPDX-License-Identifier: Apache-2.0
//
// What the checker knows of each part, written down by hand.
#ifndef ORRERY_TESTS_UNIT_HARDWARE_HBM_FIGURES_H_
#define ORRERY_TESTS_UNIT_HARDWARE_HBM_FIGURES_H_

#include <cstdint>

#include "tests/unit/hardware/hbm_checker.h"

namespace orrery::hbm::checker {

/// In clocks; the refresh interval in half clocks, for it may end in between.
struct Figures {
  bool both_edges;  ///< HBM3 on: ACT 1.5 clocks, PRE and REF 0.5, precharges on either edge.
  int stacks, groups, banks;
  int rc, rcd_rd, rcd_wr, ras, rp, rtp;
  int rl, wl, bl, wr, wtr_s, wtr_l, rtw;
  int ccd_s, ccd_l, ccd_r;
  int rrd_s, rrd_l, faw, ppd;
  int rfc_ab, rfc_pb, rrefd;
  int rfm_pb, rfm_ab;  ///< 0: the part has no RFM.
  int cke, xp, ckesr, xs;
  std::int64_t refi_half_clocks;
};

[[nodiscard]] const Figures& figures_of(Part part);

}  // namespace orrery::hbm::checker

#endif  // ORRERY_TESTS_UNIT_HARDWARE_HBM_FIGURES_H_
