# SPDX-License-Identifier: Apache-2.0
"""Servers at a fixed concurrency: mean TTFT and TPOT of H100 machines that NVIDIA's AIConfigurator
publishes beside its predictions (ai-dynamo/aiconfigurator, Apache-2.0). Nothing is fitted to them.

How far lengths spread is not stated, nor how many requests were sent: under 5 % is noise. Lengths
are drawn evenly from a fifth less to a fifth more, and ten rounds of the concurrency are sent. TPOT
hardly depends on that, TTFT does: equal lengths end together, and all prompts come in bursts."""
import concurrent.futures
import csv
import gzip
import os

from . import common

TABLE = "groundtruth/kernels/aiconfigurator/silicon_sample.csv.gz"
MODELS = {"meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
          "meta-llama/Llama-3.1-70B": "llama-3.1-70b", "openai/gpt-oss-120b": "gpt-oss-120b"}
HARDWARE = {"h100_sxm": "h100-sxm"}
# The preset nearest to the version; 0.11 and 0.18 differ from 0.15 and 0.19 in nothing that matters
# without preemption.
PRESETS = {"trtllm": "tensorrt-llm@1.0", "vllm": "vllm-v1@0.19"}
# One row in so many: every shape and concurrency is met, in a minute.
EVERY = 2
ROUNDS = 10
SPREAD = 0.2
SCENARIO = """\
model: {model}
hardware: {hardware}
plan: {{tensor_parallel: {tp}, expert_parallel: {ep}}}
engine: {{preset: {preset}, max_num_seqs: 1024, max_num_batched_tokens: 8192, max_model_len: {most}{types}}}
workload:
  closed_loop:
    concurrency: {concurrency}
    requests: {requests}
    input_tokens: {{distribution: uniform, min: {inputs[0]}, max: {inputs[1]}}}
    output_tokens: {{distribution: uniform, min: {outputs[0]}, max: {outputs[1]}}}
fidelity: {{compute: {compute}, links: {links}}}
"""


def rows():
    with gzip.open(common.need(common.SHARED / TABLE), "rt") as file:
        return [row for row in csv.DictReader(file) if row["mode"] == "agg"][::EVERY]


def group_of(row):
    return f"{row['system']}, {row['backend']} {row['backend_version']}, {row['model_path']}"


def lengths(tokens):
    return round(int(tokens) * (1 - SPREAD)), round(int(tokens) * (1 + SPREAD))


def scenario(row):
    if row["model_path"] not in MODELS or row["system"] not in HARDWARE:
        raise common.Skipped(f"{row['model_path']} on {row['system']} is not known here")
    concurrency = int(row["batch_size"])
    inputs, outputs = lengths(row["isl"]), lengths(row["osl"])
    # gpt-oss is mxfp4 as published; what its rows call nvfp4 are those weights.
    fp8 = row["gemm_quant_mode"] == "fp8" and row["model_path"] != "openai/gpt-oss-120b"
    hardware = HARDWARE[row["system"]]
    return SCENARIO.format(
        model=MODELS[row["model_path"]], hardware=hardware, tp=row["tp_size"],
        ep=row["moe_ep_size"] or 1,
        preset=PRESETS[row["backend"]], most=inputs[1] + outputs[1] + 1,
        types=", quantization: fp8" if fp8 else "", concurrency=concurrency,
        requests=ROUNDS * concurrency, inputs=inputs, outputs=outputs,
        **common.fidelity(hardware))


def predict(row, settings=()):
    _, requests, _ = common.simulate(scenario(row), settings)
    if any(not r["status"].startswith("finished") for r in requests):
        raise common.Skipped("the engine does not finish it")
    values = common.latencies([(float(r["arrival_s"]), float(r["first_token_s"]),
                                float(r["last_token_s"]), int(r["output_tokens"]))
                               for r in requests])
    return common.mean(values["TTFT"]), common.mean(values["TPOT"])


def validate(settings=()):
    def one(row):
        try:
            return predict(row, settings), None
        except common.Skipped as why:
            return None, str(why)

    table = rows()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(one, table))
    result = {"rows": [], "skipped": {}}
    for row, (ours, why) in zip(table, answers):
        if why is not None:
            key = f"{group_of(row)}: {why}"
            result["skipped"][key] = result["skipped"].get(key, 0) + 1
            continue
        measured = float(row["silicon_ttft_ms"]), float(row["silicon_tpot_ms"])
        result["rows"].append({
            "id": row["id"], "group": group_of(row), "tp": row["tp_size"], "isl": row["isl"],
            "osl": row["osl"], "concurrency": row["batch_size"],
            "measured_ttft_ms": measured[0], "ttft_ms": ours[0],
            "measured_tpot_ms": measured[1], "tpot_ms": ours[1],
            "ttft_ln": common.log_ratio(ours[0], measured[0]),
            "tpot_ln": common.log_ratio(ours[1], measured[1])})
    return result


def groups(result):
    found = {}
    for row in result["rows"]:
        found.setdefault(row["group"], []).append(row)
    return found


def failures(result):
    del result  # a look at what nobody fitted, without a bound of its own
    return []


def report(result):
    print("## Servers at a fixed concurrency: |ln(simulated / measured)|, nothing fitted\n")
    figure = lambda rows, key: (
        f"{common.median([abs(r[key]) for r in rows]):.3f}, "
        f"{common.percentile([abs(r[key]) for r in rows], 0.9):.3f} "
        f"({common.median([r[key] for r in rows]):+.3f})")
    print(common.markdown(
        ("GPU, engine, model", "n", "TPOT median, p90 (bias)", "TTFT median, p90 (bias)"),
        [(name, len(rows), figure(rows, "tpot_ln"), figure(rows, "ttft_ln"))
         for name, rows in groups(result).items()]))
    for why, n in result["skipped"].items():
        print(f"skipped {n} rows: {why}")
    print()
