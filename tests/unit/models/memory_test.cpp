// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/memory.h"

#include <doctest/doctest.h>

#include "sim/core/errors.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

Bytes item(const MemoryAccount& account, std::string_view name) {
  for (const MemoryItem& line : account.taken) {
    if (line.name == name) return line.bytes;
  }
  return {};
}

TEST_CASE("the account adds up, and one block is the null block") {
  MemoryOptions options;
  options.gpu_memory_utilization = 0.9;
  options.estimate_cudagraphs = false;
  const MemoryAccount account =
      account_memory(test::llama_8b(), test::round_gpu(), Plan(), ExecutionOptions(), options);
  CHECK(account.budget == Bytes((std::int64_t{80} << 30) / 10 * 9));
  CHECK(item(account, "weights") == Bytes(2 * 8'030'261'248));
  // 131072 positions x 128 x 2 B.
  CHECK(item(account, "rotary table") == Bytes(32 << 20));
  // max_num_batched_tokens 8192: 2 x (2 x 4096 + 3 x 14336) B a token is 835 MB; the sampler has
  // 256 x 128256 x 14 B and 8192 x 8192 B of hidden states, 527 MB.
  CHECK(item(account, "activations") == Bytes(std::int64_t{8192} * 2 * (8192 + 43008)));
  Bytes left = account.budget;
  for (const MemoryItem& line : account.taken) left -= line.bytes;
  CHECK(account.kv_cache == left);
  // 16 tokens x 128 KiB.
  CHECK(account.block_bytes == Bytes(2 << 20));
  CHECK(account.num_blocks == left.count() / (2 << 20));
  CHECK(account.usable_blocks() == account.num_blocks - 1);
}

TEST_CASE("the sampler's sort can be the peak") {
  ExecutionOptions execution;
  execution.max_num_batched_tokens = 2048;
  MemoryOptions options;
  options.sampler_workspace = SamplerWorkspace::kSort;
  const MemoryAccount account =
      account_memory(test::llama_8b(), test::round_gpu(), Plan(), execution, options);
  CHECK(item(account, "activations") ==
        Bytes(std::int64_t{256} * 128256 * 56 + std::int64_t{2048} * 4096 * 2));
}

TEST_CASE("graphs are subtracted only where the engine's version does") {
  MemoryOptions options;
  ExecutionOptions execution;
  const auto graphs = [&] {
    return item(account_memory(test::llama_8b(), test::round_gpu(), Plan(), execution, options),
                "CUDA graphs");
  };
  CHECK(graphs() > Bytes(256 << 20));
  execution.graphs.enforce_eager = true;
  CHECK(graphs() == Bytes());
  execution.graphs.enforce_eager = false;
  options.estimate_cudagraphs = false;
  CHECK(graphs() == Bytes());
}

TEST_CASE("fp8 KV doubles the blocks that the same memory holds") {
  ExecutionOptions execution;
  const auto account = [&] {
    return account_memory(test::llama_8b(), test::round_gpu(), Plan(), execution, MemoryOptions());
  };
  const MemoryAccount full = account();
  execution.kv_cache_dtype = KvCacheDtype::kFp8;
  CHECK(account().num_blocks / 2 == full.num_blocks);
}

TEST_CASE("given sizes bypass the account") {
  MemoryOptions options;
  options.kv_cache_memory_bytes = Bytes(std::int64_t{10} << 30);
  const auto account = [&] {
    return account_memory(test::llama_8b(), test::round_gpu(), Plan(), ExecutionOptions(), options);
  };
  CHECK(account().num_blocks == 5120);
  options.num_gpu_blocks_override = 2588;
  CHECK(account().num_blocks == 2588);
  CHECK(account().usable_blocks() == 2587);
}

TEST_CASE("a model that does not fit is refused") {
  CHECK_THROWS_WITH_AS(
      static_cast<void>(account_memory(test::llama_70b(), test::round_gpu(), Plan(),
                                       ExecutionOptions(), MemoryOptions())),
      doctest::Contains("plan.tensor_parallel: llama-3.1-70b does not fit on 1 of round"),
      ConfigError);
}

}  // namespace
}  // namespace orrery
