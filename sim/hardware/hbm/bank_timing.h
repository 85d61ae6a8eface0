// SPDX-License-Identifier: Apache-2.0
//
// When each bank's next commands may start, kept as one "not before" per level: bank, bank group,
// stack id, pseudo-channel, bus. Issuing a command pushes those it constrains; the earliest tick of
// a command is the latest of its levels.
#ifndef ORRERY_SIM_HARDWARE_HBM_BANK_TIMING_H_
#define ORRERY_SIM_HARDWARE_HBM_BANK_TIMING_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "sim/hardware/hbm/bank_set.h"
#include "sim/hardware/hbm/tick_timing.h"

namespace orrery::hbm {

inline constexpr std::uint32_t kNoRow = UINT32_MAX;

class BankTiming {
 public:
  BankTiming(const Device& device, const TickTiming& timing)
      : t_(timing),
        group_shift_(std::countr_zero(static_cast<std::uint64_t>(device.geometry.banks))),
        stack_shift_(group_shift_ +
                     std::countr_zero(static_cast<std::uint64_t>(device.geometry.bank_groups))),
        pseudo_shift_(stack_shift_ +
                      std::countr_zero(static_cast<std::uint64_t>(device.geometry.stack_ids))),
        stacks_(static_cast<std::uint32_t>(device.geometry.stack_ids)),
        pseudos_(static_cast<std::uint32_t>(device.geometry.pseudo_channels)) {
    open_row_.fill(kNoRow);
    for (auto* ticks : {&bank_act_, &bank_pre_, &bank_read_, &bank_write_, &bank_refresh_,
                        &group_act_, &group_read_, &group_write_}) {
      ticks->fill(kLongAgo);
    }
    stack_read_.fill(kLongAgo);
    for (Pseudo& p : pseudo_) p.window.fill(kLongAgo);
  }

  [[nodiscard]] std::uint32_t open_row(std::uint32_t bank) const { return open_row_[bank]; }
  [[nodiscard]] std::uint32_t pseudo_of(std::uint32_t bank) const { return bank >> pseudo_shift_; }
  [[nodiscard]] std::uint32_t banks_of_pseudo() const { return 1U << pseudo_shift_; }

  [[nodiscard]] const BankSet& open_banks() const { return open_; }

  // What all banks of a pseudo-channel wait for, and with it the first tick at which a command to
  // one of them is legal.
  [[nodiscard]] Tick read_floor(std::uint32_t pseudo, Tick now) const {
    return t_.rising(std::max({now, pseudo_[pseudo].read, column_bus_}));
  }
  [[nodiscard]] Tick write_floor(std::uint32_t pseudo, Tick now) const {
    return t_.rising(std::max({now, pseudo_[pseudo].write, column_bus_}));
  }
  [[nodiscard]] Tick act_floor(std::uint32_t pseudo, Tick now) const {
    return t_.rising(std::max({now, pseudo_[pseudo].act, row_bus_}));
  }
  [[nodiscard]] Tick pre_floor(std::uint32_t pseudo, Tick now) const {
    return std::max({now, pseudo_[pseudo].pre, row_bus_});
  }
  [[nodiscard]] Tick read_at(std::uint32_t bank, Tick floor) const {
    const Tick own = std::max(
        {bank_read_[bank], group_read_[bank >> group_shift_], stack_read_[bank >> stack_shift_]});
    return own <= floor ? floor : t_.rising(own);
  }
  [[nodiscard]] Tick write_at(std::uint32_t bank, Tick floor) const {
    const Tick own = std::max(bank_write_[bank], group_write_[bank >> group_shift_]);
    return own <= floor ? floor : t_.rising(own);
  }
  [[nodiscard]] Tick act_at(std::uint32_t bank, Tick floor) const {
    const Tick own = std::max(bank_act_[bank], group_act_[bank >> group_shift_]);
    return own <= floor ? floor : t_.rising(own);
  }
  /// On either edge.
  [[nodiscard]] Tick pre_at(std::uint32_t bank, Tick floor) const {
    return std::max(bank_pre_[bank], floor);
  }
  [[nodiscard]] Tick earliest_preab(std::uint32_t pseudo, Tick now) const {
    Tick at = std::max({now, pseudo_[pseudo].pre, row_bus_});
    for (std::uint32_t b = first_bank(pseudo); b < first_bank(pseudo + 1); ++b) {
      at = std::max(at, bank_pre_[b]);
    }
    return at;
  }
  /// Of a REFab or an RFMab. All banks of the pseudo-channel are closed.
  [[nodiscard]] Tick earliest_refab(std::uint32_t pseudo, Tick now) const {
    return t_.rising(std::max({now, row_bus_, refreshable(pseudo)}));
  }
  [[nodiscard]] Tick earliest_pde(Tick now) const {
    return t_.rising(std::max({now, power_down_, row_bus_, column_bus_}));
  }
  /// All banks of the channel are closed. An SRE may begin when a refresh of them all may, but for
  /// its length, and when the data of reads is through.
  [[nodiscard]] Tick earliest_sre(Tick now) const {
    Tick at = std::max({now, self_refresh_, row_bus_, column_bus_});
    for (std::uint32_t p = 0; p < pseudos_; ++p) {
      at = std::max(at, refreshable(p) - (t_.entry_length - t_.refresh_length));
    }
    return t_.rising(at);
  }
  /// Of a PDX or an SRX, after the entry.
  [[nodiscard]] Tick earliest_exit(Tick now) const {
    return t_.rising(std::max({now, exit_, row_bus_}));
  }
  [[nodiscard]] Tick earliest_refpb(std::uint32_t bank, Tick now) const {
    const Pseudo& p = pseudo_[bank >> pseudo_shift_];
    return t_.rising(std::max({now, bank_refresh_[bank], p.refresh, p.refresh_bank, row_bus_}));
  }
  /// A lower bound of earliest_refpb() of any bank.
  [[nodiscard]] Tick refpb_floor(std::uint32_t pseudo, Tick now) const {
    const Pseudo& p = pseudo_[pseudo];
    return std::max({now, p.refresh, p.refresh_bank, row_bus_});
  }
  /// Until when the buses are taken.
  [[nodiscard]] Tick row_bus() const { return row_bus_; }
  [[nodiscard]] Tick column_bus() const { return column_bus_; }
  [[nodiscard]] bool any_open(std::uint32_t pseudo) const {
    for (std::uint32_t b = first_bank(pseudo); b < first_bank(pseudo + 1); ++b) {
      if (open_row_[b] != kNoRow) return true;
    }
    return false;
  }
  [[nodiscard]] std::uint32_t first_bank(std::uint32_t pseudo) const {
    return pseudo << pseudo_shift_;
  }

  void read(std::uint32_t bank, Tick now) {
    Pseudo& p = pseudo_[bank >> pseudo_shift_];
    column_bus_ = now + t_.column_length;
    push(bank_pre_[bank], now + t_.read_pre);
    push(group_read_[bank >> group_shift_], now + t_.column_column_group);
    push(p.read, now + t_.column_column);
    push(p.write, now + t_.read_write);
    if (stacks_ == 1) return;
    const std::uint32_t own = bank >> stack_shift_;
    const std::uint32_t first = own & ~(stacks_ - 1);
    for (std::uint32_t s = first; s < first + stacks_; ++s) {
      if (s != own) push(stack_read_[s], now + t_.read_read_stack);
    }
  }
  void write(std::uint32_t bank, Tick now) {
    Pseudo& p = pseudo_[bank >> pseudo_shift_];
    column_bus_ = now + t_.column_length;
    push(bank_pre_[bank], now + t_.write_pre);
    push(group_write_[bank >> group_shift_], now + t_.column_column_group);
    push(group_read_[bank >> group_shift_], now + t_.write_read_group);
    push(p.write, now + t_.column_column);
    push(p.read, now + t_.write_read);
  }
  /// After read() or write(): the bank precharges itself as soon as it may.
  void auto_precharge(std::uint32_t bank) { close(bank, bank_pre_[bank]); }
  void act(std::uint32_t bank, std::uint32_t row, Tick now) {
    Pseudo& p = pseudo_[bank >> pseudo_shift_];
    open_row_[bank] = row;
    open_.insert(bank);
    row_bus_ = now + t_.activate_length;
    push(bank_act_[bank], now + t_.act_act_bank);
    push(bank_refresh_[bank], now + t_.act_refresh);
    push(bank_pre_[bank], now + t_.act_pre);
    push(bank_read_[bank], now + t_.act_read);
    push(bank_write_[bank], now + t_.act_write);
    push(group_act_[bank >> group_shift_], now + t_.act_act_group);
    push(p.act, now + t_.act_act);
    push(p.refresh_bank, now + t_.act_refresh_bank);
    // The fourth activate back bounds the next one.
    p.window[p.activates & 3U] = now;
    p.activates++;
    push(p.act, p.window[p.activates & 3U] + t_.four_activates);
  }
  void pre(std::uint32_t bank, Tick now) {
    close(bank, now);
    row_bus_ = now + t_.precharge_length;
    push(pseudo_[bank >> pseudo_shift_].pre, now + t_.pre_pre);
  }
  void preab(std::uint32_t pseudo, Tick now) {
    for (std::uint32_t b = first_bank(pseudo); b < first_bank(pseudo + 1); ++b) close(b, now);
    row_bus_ = now + t_.precharge_length;
    push(pseudo_[pseudo].pre, now + t_.pre_pre);
  }
  void refab(std::uint32_t pseudo, Tick now) {
    row_bus_ = now + t_.refresh_length;
    push(pseudo_[pseudo].act, now + t_.refresh_act);
    push(pseudo_[pseudo].refresh, now + t_.refresh_refresh);
  }
  void refpb(std::uint32_t bank, Tick now) {
    Pseudo& p = pseudo_[bank >> pseudo_shift_];
    row_bus_ = now + t_.refresh_length;
    push(bank_act_[bank], now + t_.refresh_bank_act);
    push(bank_refresh_[bank], now + t_.refresh_bank_again);
    push(p.act, now + t_.refresh_bank_other_act);
    push(p.refresh_bank, now + t_.refresh_bank_refresh);
  }

  /// May start when a REFab may: earliest_refab().
  void rfmab(std::uint32_t pseudo, Tick now) {
    row_bus_ = now + t_.refresh_length;
    push(pseudo_[pseudo].act, now + t_.rfm_all_act);
    push(pseudo_[pseudo].refresh, now + t_.rfm_all_again);
  }
  /// May start when a REFpb may: earliest_refpb().
  void rfmpb(std::uint32_t bank, Tick now) {
    Pseudo& p = pseudo_[bank >> pseudo_shift_];
    row_bus_ = now + t_.refresh_length;
    push(bank_act_[bank], now + t_.rfm_bank_act);
    push(bank_refresh_[bank], now + t_.rfm_bank_again);
    push(p.act, now + t_.refresh_bank_other_act);
    push(p.refresh_bank, now + t_.refresh_bank_refresh);
  }

  /// After read() or write(), where there is power-down.
  void delay_power_down(bool write, Tick now) {
    const Tick at = now + (write ? t_.write_pde : t_.read_pde);
    push(power_down_, at);
    if (!write) push(self_refresh_, at);
  }
  void pde(Tick now) {
    row_bus_ = now + t_.entry_length;
    column_bus_ = kNever;
    exit_ = now + t_.pde_pdx;
  }
  void pdx(Tick now) {
    row_bus_ = now + t_.refresh_length;
    column_bus_ = now;
    push(power_down_, now + t_.pdx_pde);
    for (std::uint32_t p = 0; p < pseudos_; ++p) {
      Pseudo& pseudo = pseudo_[p];
      push(pseudo.act, now + t_.pdx_act);
      push(pseudo.pre, now + t_.pdx_pre);
      push(pseudo.read, now + t_.pdx_column);
      push(pseudo.write, now + t_.pdx_column);
      push(pseudo.refresh, now + t_.pdx_refresh);
    }
  }
  void sre(Tick now) {
    row_bus_ = now + t_.entry_length;
    column_bus_ = kNever;
    exit_ = now + t_.sre_srx;
  }
  /// No bank is open.
  void srx(Tick now) {
    row_bus_ = now + t_.refresh_length;
    column_bus_ = now;
    push(power_down_, now + t_.srx_pde);
    for (std::uint32_t p = 0; p < pseudos_; ++p) {
      push(pseudo_[p].act, now + t_.srx_act);
      push(pseudo_[p].refresh, now + t_.srx_refresh);
    }
  }

 private:
  /// When all banks of the pseudo-channel may be refreshed, as far as they are concerned.
  [[nodiscard]] Tick refreshable(std::uint32_t pseudo) const {
    Tick at = pseudo_[pseudo].refresh;
    for (std::uint32_t b = first_bank(pseudo); b < first_bank(pseudo + 1); ++b) {
      at = std::max(at, bank_refresh_[b]);
    }
    return at;
  }
  struct Pseudo {
    Tick act = kLongAgo, pre = kLongAgo, read = kLongAgo, write = kLongAgo;
    Tick refresh = kLongAgo, refresh_bank = kLongAgo;
    std::array<Tick, 4> window{};
    std::uint32_t activates = 0;
  };
  static void push(Tick& not_before, Tick at) { not_before = std::max(not_before, at); }
  void close(std::uint32_t bank, Tick now) {
    open_row_[bank] = kNoRow;
    open_.erase(bank);
    push(bank_act_[bank], now + t_.pre_act);
    push(bank_refresh_[bank], now + t_.pre_refresh);
  }

  const TickTiming t_;
  int group_shift_, stack_shift_, pseudo_shift_;
  std::uint32_t stacks_, pseudos_;
  std::array<std::uint32_t, kMaxBanks> open_row_{};
  BankSet open_;
  std::array<Tick, kMaxBanks> bank_act_{}, bank_pre_{}, bank_read_{}, bank_write_{};
  std::array<Tick, kMaxBanks> bank_refresh_{}, group_act_{}, group_read_{}, group_write_{};
  std::array<Tick, 8> stack_read_{};
  std::array<Pseudo, 2> pseudo_;
  Tick row_bus_ = kLongAgo, column_bus_ = kLongAgo;
  Tick power_down_ = kLongAgo, self_refresh_ = kLongAgo, exit_ = kLongAgo;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_BANK_TIMING_H_
