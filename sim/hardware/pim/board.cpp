// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pim/board.h"

#include <algorithm>

namespace orrery::pim {

Board::Board(const Geometry& geometry, const std::vector<Rule>& rules) : rules_(rules) {
  const std::int64_t banks = geometry.banks_of_channel();
  const std::array<std::int64_t, kScopes> sizes = {banks, banks / geometry.pseudo_channels,
                                                   geometry.bank_groups * geometry.banks,
                                                   geometry.banks, 1};
  for (std::size_t scope = 0; scope < kScopes; ++scope) {
    const std::int64_t size = sizes[scope];
    const BankSet ones = size == 64 ? ~BankSet{0} : (BankSet{1} << size) - 1;
    for (std::int64_t first = 0; first < banks; first += size) {
      Node node;
      node.banks = ones << first;
      nodes_[scope].push_back(node);
    }
  }
  for (std::size_t r = 0; r < rules.size(); ++r) {
    by_after_[index_of(rules[r].after)].push_back(static_cast<std::int32_t>(r));
    looked_at_[index_of(rules[r].before)][static_cast<std::size_t>(rules[r].scope)] = true;
  }
}

Board::Ready Board::ready(Kind kind, BankSet banks) const {
  Ready latest;
  for (const std::int32_t r : by_after_[index_of(kind)]) {
    const Rule& rule = rules_[static_cast<std::size_t>(r)];
    for (const Node& node : nodes_[static_cast<std::size_t>(rule.scope)]) {
      if ((node.banks & banks) == 0) continue;
      const Mark& mark = rule.window == 1
                             ? node.last[index_of(rule.before)]
                             : node.activates[kWindow - static_cast<std::size_t>(rule.window)];
      if (mark.command < 0 || mark.at + rule.clocks <= latest.at) continue;
      latest = {mark.at + rule.clocks, r, mark.command};
    }
  }
  return latest;
}

void Board::note(Node& node, Kind kind, Mark mark) {
  node.last[index_of(kind)] = mark;
  if (kind != Kind::kActivate) return;
  std::rotate(node.activates.begin(), node.activates.begin() + 1, node.activates.end());
  node.activates.back() = mark;
}

void Board::issue(Kind kind, BankSet banks, std::int64_t at, std::int32_t command) {
  for (std::size_t scope = 0; scope < kScopes; ++scope) {
    if (!looked_at_[index_of(kind)][scope]) continue;
    for (Node& node : nodes_[scope]) {
      if ((node.banks & banks) != 0) note(node, kind, {at, command});
    }
  }
}

}  // namespace orrery::pim
