// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pim/rows.h"

#include <bit>

namespace orrery::pim {
namespace {

/// Calls `visit` with the index of each bank of the set.
template <class Visit>
void for_each_bank(BankSet banks, Visit visit) {
  for (; banks != 0; banks &= banks - 1) visit(static_cast<std::size_t>(std::countr_zero(banks)));
}

}  // namespace

Rows::Rows(const Device& device)
    : dual_(device.style == Style::kNeupims),
      all_at_once_(device.style == Style::kAim || device.style == Style::kAttacc),
      activate_for_mac_(device.style == Style::kAttacc ? Kind::kActivateSome : Kind::kActivate) {
  const std::int64_t banks = device.geometry.banks_of_channel();
  all_ = banks == 64 ? ~BankSet{0} : (BankSet{1} << banks) - 1;
}

BankSet Rows::at_row(int buffer, std::int32_t row, BankSet banks) const {
  const auto b = static_cast<std::size_t>(buffer);
  BankSet found = 0;
  for_each_bank(banks & open_[b], [&](std::size_t bank) {
    if (row_[b][bank] == row) found |= BankSet{1} << bank;
  });
  return found;
}

Rows::Need Rows::need_all(const Request& request) const {
  if (at_row(0, request.row, all_) == all_) return {};
  if (open_[0] != 0) return {false, Kind::kPrechargeAll, all_};
  return {false, Kind::kActivateAll, all_};
}

Rows::Need Rows::need_four(const Request& request) const {
  const BankSet right = at_row(1, request.row, all_);
  if (right == all_) return {};
  if ((open_[1] & ~right) != 0) return {false, Kind::kPrechargePim, all_};
  const BankSet closed = all_ & ~open_[1];
  const int first = std::countr_zero(closed);
  return {false, Kind::kActivateFour, (BankSet{0xF} << first) & all_};
}

Rows::Need Rows::need(const Request& request) const {
  if (!uses_rows(request.kind)) return {};
  if (request.kind == Kind::kMac && dual_) return need_four(request);
  if (reaches_all(request.kind)) return need_all(request);
  const BankSet right = at_row(0, request.row, request.banks);
  if (right == request.banks) return {};
  const BankSet wrong = request.banks & open_[0] & ~right;
  if (wrong != 0) {
    return {false, Kind::kPrecharge, unit_[static_cast<std::size_t>(std::countr_zero(wrong))]};
  }
  const bool mac = request.kind == Kind::kMacBank;
  return {false, mac ? activate_for_mac_ : Kind::kActivate, request.banks & ~right};
}

bool Rows::hits(const Request& request, BankSet banks, bool pim_buffers) const {
  if (!uses_rows(request.kind) || in_pim_buffers(request) != pim_buffers) return false;
  return at_row(pim_buffers ? 1 : 0, request.row, request.banks & banks) != 0;
}

void Rows::apply(Kind kind, BankSet banks, std::int32_t row) {
  const std::size_t b = kind == Kind::kActivateFour || kind == Kind::kPrechargePim ? 1 : 0;
  switch (kind) {
    case Kind::kActivate:
    case Kind::kActivateAll:
    case Kind::kActivateFour:
    case Kind::kActivateSome:
      open_[b] |= banks;
      for_each_bank(banks, [&](std::size_t bank) {
        row_[b][bank] = row;
        // What all-bank commands open, single precharges may close bank by bank.
        const bool singly = all_at_once_ && kind != Kind::kActivateSome;
        if (b == 0) unit_[bank] = singly ? BankSet{1} << bank : banks;
      });
      break;
    case Kind::kPrecharge:
    case Kind::kPrechargeAll:
    case Kind::kPrechargePim:
    case Kind::kWriteAll:
      open_[b] &= ~banks;
      break;
    default:
      break;
  }
}

}  // namespace orrery::pim
