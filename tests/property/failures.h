// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_FAILURES_H_
#define ORRERY_TESTS_PROPERTY_FAILURES_H_

#include <string>
#include <vector>

namespace orrery::property {

/// What checkers found; the first few say enough.
class Failures {
 public:
  void expect(bool holds, const std::string& what) {
    if (!holds) add(what);
  }
  void add(const std::string& what) {
    if (lines_.size() < 6) lines_.push_back(what);
  }
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& line : lines_) all += "\n  " + line;
    return all;
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_FAILURES_H_
