// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "sim/core/errors.h"
#include "sim/study/calibrate_table.h"

namespace orrery {
namespace {

/// A file that lives as long as this.
class File {
 public:
  explicit File(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / "orrery_calibrate_table_test.csv") {
    std::ofstream(path_) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

MeasuredTable table_of(const std::string& text, TableFormat format) {
  const File file(text);
  return read_table(file.path(), format);
}

void refused(const std::string& text, TableFormat format, const char* what) {
  CHECK_THROWS_WITH_AS(static_cast<void>(table_of(text, format)), doctest::Contains(what),
                       TraceError);
}

TEST_CASE("our table reads back as it was written") {
  const std::string text =
      "# orrery measured table 1\n"
      "op,dtype,kv_dtype,m,n,k,batch,query,context,heads,kv_heads,head_dim,window,ranks,"
      "latency_us,power_w,device,source\n"
      "gemm,bf16,,16,4096,4096,,,,,,,,1,21.5,310,G,us 1\n"
      "prefill_attention,bf16,fp8,,,,2,512,1024,32,8,128,0,1,80.25,,G,us 1\n";
  const MeasuredTable table = table_of(text, TableFormat::kOrrery);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0].shape.n == 4096);
  CHECK(table.rows[0].power_w == 310);
  CHECK(table.rows[1].shape.context == 1024);
  CHECK(table.rows[1].kv_dtype == "fp8");
  CHECK(table_text(table.rows) == text);
}

TEST_CASE("a bad cell of our table is one line with its place") {
  const std::string head = "# orrery measured table 1\nop,dtype,m,n,k,latency_us,device,source\n";
  const auto ours = TableFormat::kOrrery;
  refused("op,dtype\n", ours, "does not begin with '# orrery measured table 1'");
  refused(head + "gem,bf16,1,2,3,4,G,s\n", ours, ":3: column op: 'gem' is not an operator");
  refused(head + "gemm,bf61,1,2,3,4,G,s\n", ours, "column dtype: 'bf61' is not a type");
  refused(head + "gemm,bf16,0,2,3,4,G,s\n", ours, "column m: 0 is not at least 1");
  refused(head + "gemm,bf16,1,2,x,4,G,s\n", ours, "column k: 'x' is not a whole number");
  refused(head + "gemm,bf16,1,2,3,-4,G,s\n", ours, "column latency_us: '-4' is not a positive");
  refused(head + "gemm,bf16,1,2,3,4,G\n", ours, "has 7 cells, the header 8");
  refused(head, ours, "has no row");
  refused("# orrery measured table 1\nop,dtyp\n", ours, "column dtyp: is not a column");
}

TEST_CASE("aiconfigurator: milliseconds, and a KV length of isl + step, the new token among it") {
  const std::string head =
      "framework,version,device,op_name,kernel_source,batch_size,isl,num_heads,"
      "num_key_value_heads,head_dim,beam_width,attn_dtype,kv_cache_dtype,step,latency\n";
  const MeasuredTable table = table_of(
      head + "VLLM,0.14.0,A100,generation_attention,f,32,1,64,1,128,1,bfloat16,fp8,127,0.0137\n" +
          "VLLM,0.14.0,A100,context_attention,f,4,512,64,8,128,1,bfloat16,bfloat16,0,0.2\n" +
          "VLLM,0.14.0,A100,mla_bmm,f,4,512,64,8,128,1,bfloat16,bfloat16,0,0.2\n",
      TableFormat::kAiconfigurator);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0].op == MeasuredOp::kDecodeAttention);
  CHECK(table.rows[0].shape.context == 127);
  CHECK(table.rows[0].shape.query == 1);
  CHECK(table.rows[0].latency_us == doctest::Approx(13.7));
  CHECK(table.rows[0].kv_dtype == "fp8");
  CHECK(table.rows[1].shape.query == 512);
  CHECK(table.rows[1].shape.context == 0);
  REQUIRE(table.skipped.size() == 1);
  CHECK(table.skipped[0] == std::pair<std::string, std::int64_t>("mla_bmm", 1));
  refused(head + "VLLM,0.14.0,A100,context_attention,f,4,512,64,7,128,1,bfloat16,bfloat16,0,1\n",
          TableFormat::kAiconfigurator, "column kv_heads: 64 heads are not a multiple of 7");
}

TEST_CASE("llmservingsim: layers become GEMMs of the model, launches of both kinds are counted") {
  const MeasuredTable dense =
      table_of("layer,tokens,time_us\nqkv_proj,8,30\nact_fn,8,3\n", TableFormat::kLlmservingsim);
  REQUIRE(dense.rows.size() == 1);
  // Llama 3.1 8B: 32 heads and 2 x 8 KV heads of 128 are 6144 columns of 4096.
  CHECK(dense.rows[0].shape.n == 6144);
  CHECK(dense.rows[0].shape.k == 4096);
  const MeasuredTable attention = table_of(
      "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,4,16,9\n64,128,0,0,20\n"
      "64,0,4,16,30\n",
      TableFormat::kLlmservingsim);
  REQUIRE(attention.rows.size() == 2);
  CHECK(attention.rows[0].shape.batch == 4);
  CHECK(attention.rows[0].shape.context == 15);
  CHECK(attention.rows[1].shape.query == 64);
  CHECK(attention.rows[1].shape.context == 128);
  CHECK(attention.skipped.size() == 1);
}

TEST_CASE("a format that is not known is refused with those that are") {
  CHECK_THROWS_WITH_AS(static_cast<void>(table_format("aiconfigurater")),
                       doctest::Contains("did you mean aiconfigurator?"), ConfigError);
}

}  // namespace
}  // namespace orrery
