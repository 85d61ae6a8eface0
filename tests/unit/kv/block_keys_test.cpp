// SPDX-License-Identifier: Apache-2.0
#include "sim/kv/block_keys.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/random.h"

namespace orrery {
namespace {

using Key = std::pair<std::uint64_t, std::uint32_t>;
/// A token is a place in a content; different contents share none.
using Tokens = std::vector<std::pair<ContentId, std::int32_t>>;

Request request_of(std::uint32_t id, std::vector<ContentSpan> prompt) {
  Request request;
  request.id = RequestId{id};
  for (const ContentSpan& span : prompt) request.input_tokens += span.tokens;
  request.prompt = std::move(prompt);
  return request;
}

ContentId content(std::uint64_t name) { return hashed_content(0, name); }

/// The keys of the first `count` blocks, asked for at most `limit` at a time.
std::vector<Key> keys_of(const Request& request, std::int32_t block_tokens, std::size_t count,
                         std::uint32_t limit) {
  std::vector<Key> keys;
  KeyCursor cursor(request, block_tokens);
  while (keys.size() < count) {
    const auto left = static_cast<std::uint32_t>(count - keys.size());
    const KeyRun run = cursor.next(request, std::min(limit, left));
    REQUIRE(run.count >= 1);
    REQUIRE(run.count <= std::min(limit, left));
    REQUIRE(run.first + run.count <= kBlocksPerGroup);
    for (std::uint32_t i = 0; i < run.count; ++i) keys.push_back({run.group, run.first + i});
  }
  return keys;
}

/// The real tokens: the prompt, then generated text to fill the blocks.
Tokens tokens_of(const Request& request, std::size_t count) {
  std::vector<ContentSpan> spans = request.prompt;
  if (spans.empty()) spans.push_back({unique_content(request.id), request.input_tokens});
  spans.push_back({generated_content(request.id), static_cast<std::int32_t>(count)});
  Tokens tokens;
  for (const ContentSpan& span : spans) {
    for (std::int32_t i = 0; i < span.tokens && tokens.size() < count; ++i) {
      tokens.push_back({span.content, i});
    }
  }
  return tokens;
}

/// Prompts of few contents, so that many share prefixes; some quote what another generated.
std::vector<Request> some_requests(RandomStream& random, std::int32_t block_tokens) {
  std::vector<Request> requests;
  for (std::uint32_t id = 0; id < 40; ++id) {
    std::vector<ContentSpan> prompt;
    if (id > 0 && random.below(3) == 0) {
      const Request& before = requests[random.below(requests.size())];
      prompt = before.prompt;
      if (prompt.empty()) prompt.push_back({unique_content(before.id), before.input_tokens});
      prompt.push_back({generated_content(before.id),
                        static_cast<std::int32_t>(random.between(0, 2 * block_tokens))});
    }
    for (std::uint64_t spans = random.below(4); spans > 0; --spans) {
      // Empty ones, ends at a block's edge, ends one off it, and any.
      const std::int64_t lengths[] = {0, block_tokens, 2 * block_tokens, block_tokens + 1,
                                      random.between(1, 3 * block_tokens)};
      prompt.push_back(
          {content(random.below(3)), static_cast<std::int32_t>(lengths[random.below(5)])});
    }
    Request request = request_of(id, prompt);
    if (prompt.empty()) request.input_tokens = static_cast<std::int32_t>(random.between(1, 99));
    requests.push_back(std::move(request));
  }
  return requests;
}

TEST_CASE("two blocks have one key if and only if all tokens up to their ends are equal") {
  for (const std::int32_t block_tokens : {1, 2, 16, 32, 48, 256}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      RandomStream random(seed, "test", "keys");
      std::map<Key, Tokens> by_key;
      std::map<Tokens, Key> by_prefix;
      std::size_t shared = 0;
      bool one_to_one = true;
      for (const Request& request : some_requests(random, block_tokens)) {
        const std::size_t blocks =
            static_cast<std::size_t>(request.input_tokens / block_tokens) + 3;
        const auto keys = keys_of(request, block_tokens, blocks, kBlocksPerGroup);
        Tokens tokens = tokens_of(request, blocks * static_cast<std::size_t>(block_tokens));
        while (!tokens.empty()) {
          const Key key = keys[tokens.size() / static_cast<std::size_t>(block_tokens) - 1];
          const auto [at_key, fresh_key] = by_key.insert({key, tokens});
          const auto [at_prefix, fresh_prefix] = by_prefix.insert({tokens, key});
          one_to_one = one_to_one && at_key->second == tokens && at_prefix->second == key;
          shared += fresh_prefix ? 0 : 1;
          static_cast<void>(fresh_key);
          tokens.resize(tokens.size() - static_cast<std::size_t>(block_tokens));
        }
      }
      INFO("block_tokens ", block_tokens, " seed ", seed);
      CHECK(one_to_one);
      CHECK(by_key.size() == by_prefix.size());
      CHECK(shared > 5);
    }
  }
}

TEST_CASE("it does not matter how many keys are asked for at a time") {
  RandomStream random(0, "test", "limits");
  for (const std::int32_t block_tokens : {1, 16, 48}) {
    for (const Request& request : some_requests(random, block_tokens)) {
      const auto all = keys_of(request, block_tokens, 80, kBlocksPerGroup);
      CHECK(keys_of(request, block_tokens, 80, 1) == all);
      CHECK(keys_of(request, block_tokens, 80, 7) == all);
      CHECK(keys_of(request, block_tokens, 80, 1000) == all);
    }
  }
}

TEST_CASE("whole blocks of a span stand side by side, 32 to a group") {
  // 40 blocks of 16 tokens in one span: 32 in the first group, 8 in the second.
  const Request request = request_of(0, {{content(1), 40 * 16}});
  KeyCursor cursor(request, 16);
  const KeyRun first = cursor.next(request, 100);
  CHECK(first.first == 0);
  CHECK(first.count == 32);
  const KeyRun second = cursor.next(request, 100);
  CHECK(second.group != first.group);
  CHECK(second.first == 0);
  CHECK(second.count == 8);
  // Then the generated text, which has no end.
  const KeyRun generated = cursor.next(request, 100);
  CHECK(generated.first == 0);
  CHECK(generated.count == 32);
}

TEST_CASE("a longer span begins with the shorter one's blocks") {
  // 100 tokens are 6 whole blocks; the 7th of the longer one holds tokens that the other lacks.
  const Request shorter = request_of(0, {{content(1), 100}, {content(2), 60}});
  const Request longer = request_of(1, {{content(1), 128}});
  const auto a = keys_of(shorter, 16, 10, 100);
  const auto b = keys_of(longer, 16, 8, 100);
  for (std::size_t i = 0; i < 6; ++i) CHECK(a[i] == b[i]);
  CHECK(a[6] != b[6]);
  CHECK(a[7] != b[7]);
}

TEST_CASE("a block across two spans is told from others by what it takes of each") {
  // The third block has 8 tokens of span 1 and 8 of span 2, 3, or of one token fewer and one more.
  const auto third = [](std::vector<ContentSpan> prompt) {
    return keys_of(request_of(0, std::move(prompt)), 16, 3, 100)[2];
  };
  const Key key = third({{content(1), 40}, {content(2), 40}});
  CHECK(third({{content(1), 40}, {content(2), 8}}) == key);
  CHECK(third({{content(1), 40}, {content(2), 9}, {content(3), 9}}) == key);
  CHECK(third({{content(1), 40}, {content(9), 0}, {content(2), 40}}) == key);
  CHECK(third({{content(1), 40}, {content(3), 40}}) != key);
  CHECK(third({{content(1), 39}, {content(2), 40}}) != key);
  CHECK(third({{content(1), 40}, {content(2), 7}, {content(3), 9}}) != key);
  CHECK(third({{content(2), 40}, {content(2), 40}}) != key);
}

TEST_CASE("the same text in another place is another block") {
  // Span 2 begins at a block's edge in both, after prompts of different text and equal length.
  const auto a = keys_of(request_of(0, {{content(1), 16}, {content(2), 16}}), 16, 2, 100);
  const auto b = keys_of(request_of(1, {{content(3), 16}, {content(2), 16}}), 16, 2, 100);
  CHECK(a[1] != b[1]);
}

TEST_CASE("a prompt without spans is one span of its own text") {
  Request plain = request_of(7, {});
  plain.input_tokens = 50;
  const Request spelled = request_of(7, {{unique_content(RequestId{7}), 50}});
  CHECK(keys_of(plain, 16, 10, 100) == keys_of(spelled, 16, 10, 100));
  Request other = request_of(8, {});
  other.input_tokens = 50;
  CHECK(keys_of(other, 16, 1, 100) != keys_of(plain, 16, 1, 100));
}

TEST_CASE("the next turn finds the blocks that the turn before generated") {
  // 20 prompt tokens and 44 generated ones are 4 blocks, the second of which has some of both.
  const Request turn = request_of(0, {{content(1), 20}});
  const Request next =
      request_of(1, {{content(1), 20}, {generated_content(RequestId{0}), 44}, {content(2), 30}});
  const auto a = keys_of(turn, 16, 5, 100);
  const auto b = keys_of(next, 16, 5, 100);
  for (std::size_t i = 0; i < 4; ++i) CHECK(a[i] == b[i]);
  CHECK(a[4] != b[4]);
}

}  // namespace
}  // namespace orrery
