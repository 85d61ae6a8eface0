// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hardware/hbm_figures.h"

namespace orrery::hbm::checker {
namespace {

// Constraints from JESD235C (HBM2, HBM2E) and JESD238A (HBM3; HBM4 taken to keep them), with the
// figures of the speed bins. Those of HBM2E and HBM3E are the lower bins' nanoseconds in their own
// clocks: nothing is published.
//
// HBM2 2.0 Gb/s, clock 1 ns, 8 Gb channels: refresh 350 and 160 ns, tREFI 3.9 us.
constexpr Figures kHbm2 = {.both_edges = false,
                           .stacks = 1,
                           .groups = 4,
                           .banks = 4,
                           .rc = 48,
                           .rcd_rd = 14,
                           .rcd_wr = 12,
                           .ras = 34,
                           .rp = 14,
                           .rtp = 5,
                           .rl = 14,
                           .wl = 5,
                           .bl = 2,
                           .wr = 16,
                           .wtr_s = 6,
                           .wtr_l = 8,
                           .rtw = 13,
                           .ccd_s = 2,
                           .ccd_l = 4,
                           .ccd_r = 0,
                           .rrd_s = 4,
                           .rrd_l = 4,
                           .faw = 15,
                           .ppd = 0,
                           .rfc_ab = 350,
                           .rfc_pb = 160,
                           .rrefd = 8,
                           .rfm_pb = 0,
                           .rfm_ab = 0,
                           .cke = 8,
                           .xp = 8,
                           .ckesr = 9,
                           .xs = 358,
                           .refi_half_clocks = 7'800};
// Clock 0.625 ns: RAS 34 ns is 54.4 clocks; tRTW is RL 23 + BL/2 2 + 2 - WL 8; 350 ns 560 clocks.
constexpr Figures kHbm2e = {.both_edges = false,
                            .stacks = 1,
                            .groups = 4,
                            .banks = 4,
                            .rc = 78,
                            .rcd_rd = 23,
                            .rcd_wr = 20,
                            .ras = 55,
                            .rp = 23,
                            .rtp = 8,
                            .rl = 23,
                            .wl = 8,
                            .bl = 2,
                            .wr = 26,
                            .wtr_s = 10,
                            .wtr_l = 13,
                            .rtw = 19,
                            .ccd_s = 2,
                            .ccd_l = 4,
                            .ccd_r = 0,
                            .rrd_s = 7,
                            .rrd_l = 7,
                            .faw = 24,
                            .ppd = 0,
                            .rfc_ab = 560,
                            .rfc_pb = 256,
                            .rrefd = 13,
                            .rfm_pb = 0,
                            .rfm_ab = 0,
                            .cke = 13,
                            .xp = 13,
                            .ckesr = 14,
                            .xs = 573,
                            .refi_half_clocks = 12'480};
// HBM3 6.4 Gb/s, clock 0.625 ns, 16 Gb channels: refresh 350 and 200 ns. RFMs are taken to last as
// long as refreshes, from here on. Of all parts: tCKE and tXP 8 ns, tCKESR a clock more than tCKE,
// tXS 8 ns more than an all-bank refresh.
constexpr Figures kHbm3 = {.both_edges = true,
                           .stacks = 2,
                           .groups = 4,
                           .banks = 4,
                           .rc = 72,
                           .rcd_rd = 31,
                           .rcd_wr = 15,
                           .ras = 45,
                           .rp = 26,
                           .rtp = 9,
                           .rl = 20,
                           .wl = 10,
                           .bl = 2,
                           .wr = 33,
                           .wtr_s = 7,
                           .wtr_l = 10,
                           .rtw = 20,
                           .ccd_s = 2,
                           .ccd_l = 4,
                           .ccd_r = 3,
                           .rrd_s = 4,
                           .rrd_l = 5,
                           .faw = 24,
                           .ppd = 2,
                           .rfc_ab = 560,
                           .rfc_pb = 320,
                           .rrefd = 8,
                           .rfm_pb = 320,
                           .rfm_ab = 560,
                           .cke = 13,
                           .xp = 13,
                           .ckesr = 14,
                           .xs = 573,
                           .refi_half_clocks = 12'480};
// 2300 MHz: RCD 19.375 ns is 44.6 clocks, tRFC 350 ns 805, 200 ns 460, tREFI 3.9 us 8970.
constexpr Figures kHbm3e92 = {.both_edges = true,
                              .stacks = 2,
                              .groups = 4,
                              .banks = 4,
                              .rc = 104,
                              .rcd_rd = 45,
                              .rcd_wr = 22,
                              .ras = 65,
                              .rp = 38,
                              .rtp = 13,
                              .rl = 29,
                              .wl = 15,
                              .bl = 2,
                              .wr = 48,
                              .wtr_s = 11,
                              .wtr_l = 15,
                              .rtw = 29,
                              .ccd_s = 2,
                              .ccd_l = 4,
                              .ccd_r = 3,
                              .rrd_s = 6,
                              .rrd_l = 8,
                              .faw = 35,
                              .ppd = 2,
                              .rfc_ab = 805,
                              .rfc_pb = 460,
                              .rrefd = 12,
                              .rfm_pb = 460,
                              .rfm_ab = 805,
                              .cke = 19,
                              .xp = 19,
                              .ckesr = 20,
                              .xs = 824,
                              .refi_half_clocks = 17'940};
// 2400 MHz: tRFC 350 ns is 840 clocks, 200 ns 480, tREFI 3.9 us 9360.
constexpr Figures kHbm3e96 = {.both_edges = true,
                              .stacks = 2,
                              .groups = 4,
                              .banks = 4,
                              .rc = 108,
                              .rcd_rd = 47,
                              .rcd_wr = 23,
                              .ras = 68,
                              .rp = 39,
                              .rtp = 14,
                              .rl = 30,
                              .wl = 15,
                              .bl = 2,
                              .wr = 50,
                              .wtr_s = 11,
                              .wtr_l = 15,
                              .rtw = 30,
                              .ccd_s = 2,
                              .ccd_l = 4,
                              .ccd_r = 3,
                              .rrd_s = 6,
                              .rrd_l = 8,
                              .faw = 36,
                              .ppd = 2,
                              .rfc_ab = 840,
                              .rfc_pb = 480,
                              .rrefd = 12,
                              .rfm_pb = 480,
                              .rfm_ab = 840,
                              .cke = 20,
                              .xp = 20,
                              .ckesr = 21,
                              .xs = 860,
                              .refi_half_clocks = 18'720};
// HBM4 8 Gb/s (preliminary), clock 0.5 ns: refresh 450 and 280 ns; 2 groups of 8 banks.
constexpr Figures kHbm4 = {.both_edges = true,
                           .stacks = 2,
                           .groups = 2,
                           .banks = 8,
                           .rc = 90,
                           .rcd_rd = 39,
                           .rcd_wr = 19,
                           .ras = 57,
                           .rp = 33,
                           .rtp = 12,
                           .rl = 20,
                           .wl = 10,
                           .bl = 2,
                           .wr = 42,
                           .wtr_s = 9,
                           .wtr_l = 13,
                           .rtw = 25,
                           .ccd_s = 2,
                           .ccd_l = 4,
                           .ccd_r = 2,
                           .rrd_s = 5,
                           .rrd_l = 7,
                           .faw = 30,
                           .ppd = 2,
                           .rfc_ab = 900,
                           .rfc_pb = 560,
                           .rrefd = 16,
                           .rfm_pb = 560,
                           .rfm_ab = 900,
                           .cke = 16,
                           .xp = 16,
                           .ckesr = 17,
                           .xs = 916,
                           .refi_half_clocks = 15'600};
// tRC above tRAS + tRP; four tRRDS below tFAW; tRRDL above tRRDS; precharges 2 clocks apart; RFMs
// longer than refreshes; read data that comes later than its row may be closed; a stay out of
// power-down longer than what a refresh takes in it.
constexpr Figures kMadeUp = {.both_edges = false,
                             .stacks = 2,
                             .groups = 4,
                             .banks = 4,
                             .rc = 56,
                             .rcd_rd = 14,
                             .rcd_wr = 12,
                             .ras = 34,
                             .rp = 14,
                             .rtp = 5,
                             .rl = 30,
                             .wl = 5,
                             .bl = 2,
                             .wr = 16,
                             .wtr_s = 6,
                             .wtr_l = 8,
                             .rtw = 13,
                             .ccd_s = 2,
                             .ccd_l = 4,
                             .ccd_r = 3,
                             .rrd_s = 4,
                             .rrd_l = 6,
                             .faw = 22,
                             .ppd = 2,
                             .rfc_ab = 350,
                             .rfc_pb = 160,
                             .rrefd = 8,
                             .rfm_pb = 200,
                             .rfm_ab = 380,
                             .cke = 24,
                             .xp = 10,
                             .ckesr = 12,
                             .xs = 370,
                             .refi_half_clocks = 7'800};

// The parts of H100, H200 and B200: the 6.4 Gb/s bin's nanoseconds (WL 6.25, RCDRD 19.375, RCDWR
// 9.375, RP 16.25, RAS 28.125, WR 20.625, RTP 5.625, RRD 2.5 and 3.125, FAW 15, WTR 4.375 and 6.25,
// RTW 12.5, RREFD 5) in their clocks, RC = RAS + RP + 1, and refresh of their densities.
constexpr Figures at_1309_mhz() {
  Figures f = kHbm3;
  f.rcd_rd = 26, f.rcd_wr = 13, f.rp = 22, f.ras = 37, f.rc = 60, f.rtp = 8;
  f.wl = 9, f.wr = 27, f.wtr_s = 6, f.wtr_l = 9, f.rtw = 17;
  f.rrd_s = 4, f.rrd_l = 5, f.faw = 20;
  f.rfc_ab = 459, f.rfc_pb = f.rfm_pb = 262, f.rrefd = 7, f.refi_half_clocks = 10'210;
  f.rl = 17, f.rfm_ab = 459, f.cke = f.xp = 11, f.ckesr = 12, f.xs = 469;
  return f;
}
constexpr Figures at_1562_mhz() {
  Figures f = kHbm3;
  f.rcd_rd = 31, f.rcd_wr = 15, f.rp = 26, f.ras = 44, f.rc = 71, f.rtp = 9;
  f.wl = 10, f.wr = 33, f.wtr_s = 7, f.wtr_l = 10, f.rtw = 20;
  f.rrd_s = 4, f.rrd_l = 5, f.faw = 24;
  f.rfc_ab = 704, f.rfc_pb = f.rfm_pb = 313, f.rrefd = 8, f.refi_half_clocks = 12'187;
  f.rl = 20, f.rfm_ab = 704, f.cke = f.xp = 13, f.ckesr = 14, f.xs = 716;
  return f;
}
constexpr Figures at_1998_mhz() {
  Figures f = kHbm3;
  f.rcd_rd = 39, f.rcd_wr = 19, f.rp = 33, f.ras = 57, f.rc = 91, f.rtp = 12;
  f.wl = 13, f.wr = 42, f.wtr_s = 9, f.wtr_l = 13, f.rtw = 25;
  f.rrd_s = 5, f.rrd_l = 7, f.faw = 30;
  f.rfc_ab = 900, f.rfc_pb = f.rfm_pb = 400, f.rrefd = 10, f.refi_half_clocks = 15'584;
  f.rl = 25, f.rfm_ab = 900, f.cke = f.xp = 16, f.ckesr = 17, f.xs = 916;
  return f;
}
// The parts of the two A100: the nanoseconds of HBM2 at 2.0 Gb/s, whose clock is one, in theirs.
constexpr Figures at_1215_mhz() {
  Figures f = kHbm2;
  f.rcd_rd = 18, f.rcd_wr = 15, f.rp = 18, f.ras = 42, f.rc = 60, f.rtp = 7;
  f.wl = 7, f.wr = 20, f.wtr_s = 8, f.wtr_l = 10, f.rtw = 15;
  f.rrd_s = 5, f.rrd_l = 5, f.faw = 19;
  f.rfc_ab = 426, f.rfc_pb = 195, f.rrefd = 10, f.refi_half_clocks = 9'477;
  f.rl = 18, f.cke = f.xp = 10, f.ckesr = 11, f.xs = 435;
  return f;
}
constexpr Figures at_1593_mhz() {
  Figures f = kHbm2e;
  f.rfc_ab = 558, f.rfc_pb = 255, f.refi_half_clocks = 12'425;
  f.rl = 23, f.cke = f.xp = 13, f.ckesr = 14, f.xs = 571;
  return f;
}
constexpr Figures kHbm2At1215 = at_1215_mhz();
constexpr Figures kHbm2At1593 = at_1593_mhz();
constexpr Figures kHbm3At1309 = at_1309_mhz();
constexpr Figures kHbm3At1562 = at_1562_mhz();
constexpr Figures kHbm3At1998 = at_1998_mhz();

}  // namespace

const Figures& figures_of(Part part) {
  switch (part) {
    case Part::kHbm2At2000:
      return kHbm2;
    case Part::kHbm2eAt3200:
      return kHbm2e;
    case Part::kHbm3At6400:
      return kHbm3;
    case Part::kHbm3eAt9200:
      return kHbm3e92;
    case Part::kHbm3eAt9600:
      return kHbm3e96;
    case Part::kHbm4At8000:
      return kHbm4;
    case Part::kHbm3At5236:
      return kHbm3At1309;
    case Part::kHbm3eAt6250:
      return kHbm3At1562;
    case Part::kHbm3eAt7992:
      return kHbm3At1998;
    case Part::kHbm2At2430:
      return kHbm2At1215;
    case Part::kHbm2eAt3186:
      return kHbm2At1593;
    case Part::kMadeUp:
      return kMadeUp;
  }
  return kHbm3;
}

}  // namespace orrery::hbm::checker
