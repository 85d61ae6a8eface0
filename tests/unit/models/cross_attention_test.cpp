// SPDX-License-Identifier: Apache-2.0
//
// Whisper-large's cross-attention (arXiv 2212.04356): 20 heads of 64 over 1500 tokens.
#include <doctest/doctest.h>

#include "models/operators/attention.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

using test::Batch;

std::unique_ptr<SequenceMixer> cross() {
  ModelCard card = test::llama_8b();
  card.heads = card.kv_heads = 20;
  card.head_dim = 64;
  card.encoder = EncoderShape();
  card.encoder->heads = 20;
  card.encoder->output_tokens = 1500;
  card.encoder->cross_attention = true;
  return make_cross_attention(card, shard_of(card, 1), 2);
}

TEST_CASE("every query sees all of the encoder's tokens, without a mask") {
  const AttentionWork work = cross()->chunks(Batch().prefill(200).prefill(4).shape());
  // 1500 tokens are 12 tiles; 200 queries 2, and 4 queries 1.
  CHECK(work.flops == std::int64_t{20} * (2 + 1) * 12 * 4 * 64 * 128 * 128);
  // Keys and values of 1500 x 20 x 64 for each request; queries in, outputs out.
  CHECK(work.bytes == 2 * (2 * 1500 * 2 * 20 * 64) + 204 * 2 * 20 * 64 * 2);
}

TEST_CASE("decodes read the encoder's keys and values, not more with their own context") {
  const AttentionWork work = cross()->decodes(Batch().decode(5, 10).shape());
  // Of the 64 rows of a tensor tile each head fills one.
  CHECK(work.flops == std::int64_t{5} * 12 * 4 * 20 * 64 * 64 * 128);
  CHECK(work.kv_bytes == 5 * 1500 * 2 * 20 * 64 * 2);
  CHECK(work.bytes == work.kv_bytes + 5 * 2 * 20 * 64 * 2);
  CHECK(cross()->decodes(Batch().decode(5, 400).shape()).bytes == work.bytes);
}

}  // namespace
}  // namespace orrery
