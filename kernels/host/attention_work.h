// SPDX-License-Identifier: Apache-2.0
//
// How a batch is cut into blocks of the attention kernels: tiles of prompts, pieces of decodes.
#ifndef ORRERY_KERNELS_HOST_ATTENTION_WORK_H_
#define ORRERY_KERNELS_HOST_ATTENTION_WORK_H_

#include <vector>

namespace orrery::kernels {

inline constexpr int kPageTokens = 16;
/// Query tokens of one head that a block computes in a prompt.
inline constexpr int kPrefillRows = 128;
/// Keys that it takes at a time: so page tables are padded to a multiple of so many tokens.
inline constexpr int kPrefillKeys = 64;
/// Heads that may share a KV head: rows of the tensor cores' smallest tile.
inline constexpr int kMostGroup = 16;
inline constexpr int kMostSplits = 64;

/// A tile of a prompt: rows [first_row, first_row + 128) of `query` tokens after `context` earlier
/// ones. A piece of a decode: keys [first_key, end_key), piece `split` of `splits`.
struct AttentionWork {
  int sequence = 0;
  int first_query = 0;  // of the sequence, in the packed queries and outputs
  int query = 1;
  int context = 0;
  int first_row = 0;
  int first_key = 0;
  int end_key = 0;
  int split = 0;
  int splits = 1;
};

/// A sequence of a batch: `query` new tokens after `context` earlier ones.
struct AttentionSequence {
  int query = 1;
  int context = 0;
};

struct AttentionPlan {
  std::vector<AttentionWork> prefill;  // most keys first
  std::vector<AttentionWork> decode;
  std::vector<AttentionWork> combine;  // the decodes that are in pieces
  int tokens = 0;                      // queries in all
  int pages_stride = 0;                // of a sequence's page table
  [[nodiscard]] bool splits() const { return !combine.empty(); }
};

/// Pieces of each decode of a batch: the fewest that fill the chip nearly as well as any number
/// would, as FlashAttention chooses them (Dao-AILab/flash-attention, num_splits_heuristic): 85 % of
/// the best share of full waves; at least 256 keys a piece; one if the batch fills 80 % of the chip
/// anyway. `slots`: blocks that run at once.
[[nodiscard]] int splits_for(int blocks, int slots, int keys);

/// Sequences of one query are decodes. Throws std::invalid_argument for an empty one.
[[nodiscard]] AttentionPlan plan_attention(const std::vector<AttentionSequence>& sequences,
                                           int kv_heads, int slots);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_ATTENTION_WORK_H_
