// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "sim/core/errors.h"
#include "sim/study/calibration/table.h"

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
      "op,dtype,kv_dtype,m,n,k,batch,query,context,heads,kv_heads,head_dim,window,experts,"
      "local_experts,top_k,rows,touched,heaviest,tiles,ranks,latency_us,power_w,device,source\n"
      "gemm,bf16,,16,4096,4096,,,,,,,,,,,,,,,1,21.5,310,G,us 1\n"
      "prefill_attention,bf16,fp8,,,,2,512,1024,32,8,128,0,,,,,,,,1,80.25,,G,us 1\n"
      "moe,bf16,,100,1536,4096,,,,,,,,128,16,8,90,15,20,15,1,80.25,,G,us 1\n";
  const MeasuredTable table = table_of(text, TableFormat::kOrrery);
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0].shape.n == 4096);
  CHECK(table.rows[2].shape.heaviest == 20);
  CHECK(table.rows[0].power_w == 310);
  CHECK(table.rows[1].shape.context == 1024);
  CHECK(table.rows[1].kv_dtype == "fp8");
  CHECK(table_text(table.rows) == text);
}

TEST_CASE("what microkernels time beside the fits' operators is read over and counted") {
  const std::string text =
      "# orrery measured table 1\n"
      "op,dtype,m,n,k,detail,operands,load,latency_us,device,source\n"
      "gemm,bf16,16,4096,4096,,cold,burst,21,G,us 1\n"
      "gemm,bf16,16,4096,4096,,warm,burst,11,G,us 1\n"
      "gemm,bf16,16,4096,4096,,cold,sustained,24,G,us 1\n"
      "pcie_to_host,,,,,size=4096,cold,burst,2,G,us 1\n"
      "pcie_to_host,,,,,size=8192,cold,burst,3,G,us 1\n"
      "memory_copy,,,,,pattern=stream sms=4 threads=512 unroll=4 size=8192,cold,burst,3,G,us 1\n"
      "memory_copy,,,,,size=8192,cold,sustained,3,G,us 1\n";
  const MeasuredTable table = table_of(text, TableFormat::kOrrery);
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0].latency_us == 21);
  CHECK(table.skipped ==
        std::vector<std::pair<std::string, std::int64_t>>{{"gemm under sustained load", 1},
                                                          {"gemm with warm operands", 1},
                                                          {"memory_copy", 1},
                                                          {"pcie_to_host", 2}});
  REQUIRE(table.memory.size() == 1);
  CHECK(table.memory[0].bytes() == 2 * 8192);
  CHECK(table.memory[0].bytes_in_flight == 512 * 4 * 16);
  refused(
      "# orrery measured table 1\nop,detail,latency_us,device,source\n"
      "memory_stride,stride=64 sectors=none,4,G,s\n",
      TableFormat::kOrrery, "column detail: sectors=none is not a whole number from 1");
  refused(
      "# orrery measured table 1\nop,detail,latency_us,device,source\n"
      "memory_gather,order=random block=64 blocks=2,4,G,s\n",
      TableFormat::kOrrery, "column detail: has no region=");
  refused(
      "# orrery measured table 1\nop,dtype,m,n,k,operands,latency_us,device,source\n"
      "gemm,bf16,1,2,3,tepid,4,G,s\n",
      TableFormat::kOrrery, "column operands: 'tepid' is neither cold nor warm");
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
  const std::string wide =
      "# orrery measured table 1\nop,dtype,m,n,k,heads,latency_us,device,source\n";
  refused(wide + "gemm,bf16,1,2,3,8,4,G,s\n", ours, "column heads: makes no sense for gemm");
  const std::string moe =
      "# orrery measured table 1\nop,dtype,m,n,k,experts,local_experts,top_k,rows,touched,heaviest,"
      "tiles,latency_us,device,source\n";
  refused(moe + "moe,bf16,4,2,3,8,9,2,8,8,1,8,4,G,s\n", ours,
          "local_experts: are more than experts");
  refused(moe + "moe,bf16,4,2,3,8,8,2,9,8,1,8,4,G,s\n", ours, "rows: are more than m x top_k");
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

TEST_CASE("aiconfigurator: the experts of one rank, and what its way of dealing brings them") {
  const std::string head =
      "framework,version,device,op_name,kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,"
      "topk,num_experts,moe_tp_size,moe_ep_size,distribution,latency\n";
  const auto row = [](const std::string& dtype, const std::string& shape) {
    return "VLLM,0.24.0,H200,moe,t," + dtype + "," + shape + ",0.1\n";
  };
  const MeasuredTable table = table_of(head + row("bfloat16", "4,4096,1536,8,128,2,1,balanced") +
                                           row("int4_wo", "300,4096,1536,8,128,1,8,balanced") +
                                           row("fp8", "1024,4096,1536,8,128,1,1,power_law_1.2"),
                                       TableFormat::kAiconfigurator);
  REQUIRE(table.rows.size() == 3);
  const KernelShape& few = table.rows[0].shape;
  CHECK(table.rows[0].op == MeasuredOp::kMoe);
  CHECK(few.n == 768);  // half of 1536
  CHECK(few.k == 4096);
  // A stride of 128 / 8 = 16 experts, over which 4 tokens spread: 32 experts with one row each.
  CHECK(few.rows == 32);
  CHECK(few.touched == 32);
  CHECK(few.heaviest == 1);
  const KernelShape& share = table.rows[1].shape;
  CHECK(table.rows[1].dtype == "int4");
  CHECK(share.local_experts == 16);
  // 300 tokens x 8 are 2 rounds of 128 tokens (16 rows for each expert), and 44 tokens more whose
  // eight experts begin at 0 to 43: with a stride of 16 experts 0 to 11 get 3 and 12 to 15 get 2.
  CHECK(share.rows == 16 * 16 + 12 * 3 + 4 * 2);
  CHECK(share.heaviest == 19);
  CHECK(share.tiles == 16);
  const KernelShape& skewed = table.rows[2].shape;
  CHECK(skewed.rows == 1024 * 8);
  CHECK(skewed.touched <= 128);
  // Even would be 64.
  CHECK(skewed.heaviest > 200);
  CHECK(skewed.tiles > 128);
  refused(head + row("bfloat16", "4,4096,1536,8,128,2,1,zipf"), TableFormat::kAiconfigurator,
          "column distribution: 'zipf' is neither balanced nor power_law_A");
  refused(head + row("bfloat16", "4,4096,1536,8,128,1,3,balanced"), TableFormat::kAiconfigurator,
          "column num_experts: 128 does not divide by 3");
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
