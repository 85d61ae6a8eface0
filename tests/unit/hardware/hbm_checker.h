// SPDX-License-Identifier: Apache-2.0
//
// Replays the commands of one channel against constraints written down a second time, by hand, from
// the standards' tables: neither code nor figures are the controller's. Times are in half clocks
// and, as in the standards, count between the last cycles of two commands.
#ifndef ORRERY_TESTS_UNIT_HARDWARE_HBM_CHECKER_H_
#define ORRERY_TESTS_UNIT_HARDWARE_HBM_CHECKER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace orrery::hbm::checker {

enum class Op : std::uint8_t {
  kAct,
  kPre,
  kPreab,
  kRd,
  kWr,
  kRefab,
  kRefpb,
  kRda,
  kWra,
  kRfmpb,
  kRfmab,
  kPde,
  kPdx,
  kSre,
  kSrx
};
inline constexpr std::size_t kOps = 15;

struct Event {
  std::int64_t half_clock = 0;
  Op op = Op::kAct;
  int pseudo = 0, stack = 0, group = 0, bank = 0;
  std::uint32_t row = 0;
};

/// kMadeUp is no part: HBM2 with two stack ids and figures of which none follows from the others,
/// so that each can be seen to bind.
enum class Part : std::uint8_t {
  kHbm2At2000,
  kHbm2eAt3200,
  kHbm3At6400,
  kHbm3eAt9200,
  kHbm3eAt9600,
  kHbm4At8000,
  kHbm3At5236,
  kHbm3eAt6250,
  kHbm3eAt7992,
  kHbm2At2430,
  kHbm2eAt3186,
  kMadeUp
};

/// Whether banks must be refreshed as often as the standards say: each pseudo-channel may owe
/// eight intervals of refreshes, and less than one when it begins to refresh itself.
enum class Refreshes : std::uint8_t { kNotDue, kAllBank, kPerBank };

/// What a bank's activates are counted against: `most` without an RFM; a refresh takes
/// `by_refresh` off the count and an RFM `by_rfm`. 0: nothing is counted.
struct Activates {
  std::int64_t most = 0, by_rfm = 0, by_refresh = 0;
};

struct Figures;

class Checker {
 public:
  explicit Checker(Part part, Refreshes refreshes = Refreshes::kNotDue, Activates activates = {});

  /// Null if the command may follow those before; else what it violates.
  [[nodiscard]] const char* check(const Event& e);

 private:
  static constexpr std::size_t kBanks = 256;
  struct Bank {
    bool open = false;
    std::uint32_t row = 0;
    bool refreshed = false;  ///< In this round.
    /// Last cycles of its last commands; `closed`: of its precharge, own or its pseudo-channel's.
    std::int64_t act, rd, wr, closed, refpb, rfmpb;
    std::int64_t activates = 0;  ///< The rolling count.
  };
  struct Group {
    std::int64_t act, rd, wr;
  };
  struct Pseudo {
    std::int64_t act, rd, wr, pre, refab, refpb, rfmpb, rfmab;
    std::array<std::int64_t, 4> stack_rd;
    std::array<std::int64_t, 4> window;  ///< Of the last four activates, in turns.
    std::size_t activates = 0;
    /// Since the channel was last in self-refresh, less what is owed then.
    std::int64_t refreshes = 0;
    int refreshed = 0;  ///< Banks of this round.
  };

  enum class Power : std::uint8_t { kUp, kDown, kSelfRefresh };

  [[nodiscard]] const char* bus(const Event& e);
  [[nodiscard]] const char* power(const Event& e) const;
  [[nodiscard]] std::int64_t refreshes_due(const Event& e) const;
  [[nodiscard]] std::int64_t refreshes_of_interval() const;
  [[nodiscard]] const char* owed(const Event& e) const;
  [[nodiscard]] const char* activate(const Event& e);
  [[nodiscard]] const char* precharge(const Event& e);
  [[nodiscard]] const char* precharge_all(const Event& e);
  [[nodiscard]] const char* read(const Event& e);
  [[nodiscard]] const char* write(const Event& e);
  [[nodiscard]] const char* refresh_all(const Event& e);
  [[nodiscard]] const char* refresh_bank(const Event& e);
  [[nodiscard]] const char* manage_bank(const Event& e);
  [[nodiscard]] const char* manage_all(const Event& e);
  [[nodiscard]] const char* power_down();
  [[nodiscard]] const char* power_up();
  [[nodiscard]] const char* begin_self_refresh(const Event& e);
  [[nodiscard]] const char* end_self_refresh();
  /// What a refresh of all banks of a pseudo-channel, by whichever command, has to wait for.
  [[nodiscard]] const char* may_refresh_all(int pseudo) const;
  /// What a REFpb and an RFMpb have to wait for alike.
  [[nodiscard]] const char* may_refresh(const Bank& b, const Pseudo& p) const;
  [[nodiscard]] const char* may_precharge(const Bank& b) const;
  void auto_precharge(Bank& b, std::int64_t earliest);
  [[nodiscard]] std::int64_t length(Op op) const;
  /// Whether fewer than so many clocks have passed since.
  [[nodiscard]] bool early(std::int64_t last, int clocks) const {
    return last_cycle_ - last < 2 * clocks;
  }
  [[nodiscard]] std::size_t group_of(const Event& e) const;
  [[nodiscard]] std::size_t bank_of(const Event& e) const;

  const Figures& f_;
  const Refreshes due_;
  const Activates count_;
  std::int64_t last_cycle_ = 0;  ///< Of the command being checked.
  std::int64_t column_free_ = INT64_MIN, row_free_ = INT64_MIN;
  Power power_ = Power::kUp;
  std::int64_t pde_, pdx_, sre_, srx_;
  std::int64_t due_from_ = 0;  ///< Refreshes fall due from here on.
  bool slept_ = false;
  std::array<Bank, kBanks> banks_;
  std::array<Group, kBanks> groups_;
  std::array<Pseudo, 2> pseudos_;
};

/// Empty if all is well; else what the first violation is.
[[nodiscard]] std::string first_violation(Part part, const std::vector<Event>& events,
                                          Refreshes refreshes = Refreshes::kNotDue,
                                          Activates activates = {});

}  // namespace orrery::hbm::checker

#endif  // ORRERY_TESTS_UNIT_HARDWARE_HBM_CHECKER_H_
