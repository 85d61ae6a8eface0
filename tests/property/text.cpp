// SPDX-License-Identifier: Apache-2.0
#include "tests/property/text.h"

namespace orrery::property {

Token Texts::token(ContentId content, std::int32_t place) {
  const auto [found, added] = contents_.insert({content, static_cast<Token>(contents_.size())});
  static_cast<void>(added);
  return found->second * 10'000'000 + place;
}

void Texts::add(const Request& request) {
  Text text;
  text.request = request;
  std::vector<ContentSpan> spans = request.prompt;
  if (spans.empty()) spans.push_back({unique_content(request.id), request.input_tokens});
  // A wasted token after an EOS, and a block's rest, lie beyond what is generated.
  spans.push_back({generated_content(request.id), request.output_tokens + 2 + block_size_});
  for (const ContentSpan& span : spans) {
    for (std::int32_t i = 0; i < span.tokens; ++i) text.tokens.push_back(token(span.content, i));
  }
  texts_.push_back(std::move(text));
}

BlockName Texts::name(RequestId request, std::int32_t index) const {
  const Text& text = texts_[index_of(request)];
  while (static_cast<std::int32_t>(text.names.size()) <= index) {
    const BlockName before = text.names.empty() ? kNoName : text.names.back();
    const auto first = static_cast<std::ptrdiff_t>(text.names.size()) * block_size_;
    if (first + block_size_ > static_cast<std::ptrdiff_t>(text.tokens.size())) return kNoName;
    std::vector<Token> tokens(text.tokens.begin() + first,
                              text.tokens.begin() + first + block_size_);
    const auto [found, added] =
        names_.insert({{before, std::move(tokens)}, static_cast<BlockName>(names_.size())});
    static_cast<void>(added);
    text.names.push_back(found->second);
  }
  return text.names[static_cast<std::size_t>(index)];
}

}  // namespace orrery::property
