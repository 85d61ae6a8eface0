// SPDX-License-Identifier: Apache-2.0
//
// Requests as real sequences of token ids, and real blocks of them: what prefix caching is about,
// with none of the simulator's shortcuts.
#ifndef ORRERY_TESTS_PROPERTY_TEXT_H_
#define ORRERY_TESTS_PROPERTY_TEXT_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sim/workload/request.h"

namespace orrery::property {

using Token = std::int64_t;

/// A block's name: equal if and only if all tokens up to its end are equal. Names are handed out in
/// order of first use, so there are no collisions.
using BlockName = std::int32_t;
inline constexpr BlockName kNoName = -1;

/// The token sequences of the requests of one run, by id: the prompt, then what it generates.
class Texts {
 public:
  explicit Texts(std::int32_t block_size) : block_size_(block_size) {}

  /// Requests are added in the order of their ids.
  void add(const Request& request);
  /// The name of the request's block number `index`, generated text included.
  [[nodiscard]] BlockName name(RequestId request, std::int32_t index) const;
  [[nodiscard]] std::size_t size() const { return texts_.size(); }
  [[nodiscard]] const Request& request(RequestId id) const { return texts_[index_of(id)].request; }

 private:
  struct Text {
    Request request;
    std::vector<Token> tokens;
    mutable std::vector<BlockName> names;
  };
  [[nodiscard]] Token token(ContentId content, std::int32_t place);

  std::int32_t block_size_;
  std::vector<Text> texts_;
  std::map<ContentId, Token> contents_;
  mutable std::map<std::pair<BlockName, std::vector<Token>>, BlockName> names_;
};

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_TEXT_H_
