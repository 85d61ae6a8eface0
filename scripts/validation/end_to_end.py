# SPDX-License-Identifier: Apache-2.0
"""Published end-to-end figures: static batches, offline runs, in-flight maxima.

Each row is driven as it was measured: a static batch is that many requests sent at once, with room
for all of them in a step; an in-flight maximum is a long queue under the engine's own limits."""
import concurrent.futures
import csv
import math
import os

from . import common

MODELS = {
    "llama2-70b": "llama-2-70b", "Llama-2-70b-hf": "llama-2-70b", "LLaMA 70B": "llama-2-70b",
    "Llama-2-7b-hf": "llama-2-7b", "LLaMA 7B": "llama-2-7b",
    "Meta-Llama-3-8B": "llama-3.1-8b", "LLaMA v3.1 8B": "llama-3.1-8b",
    "LLaMA v3.1 70B": "llama-3.1-70b", "Llama-3.1-405B": "llama-3.1-405b-fp8",
    "Mistral-7B-v0.1": "mistral-7b", "Mistral 7B": "mistral-7b",
}
HARDWARE = {"A100-SXM-80": "a100-sxm-80gb", "A100-SXM-40": "a100-sxm-40gb",
            "H100-SXM-80": "h100-sxm", "H200-SXM-141": "h200-sxm"}
PRESETS = {"vLLM(2023)": "vllm-v0@2023", "vLLM": "vllm-v0@0.5", "TensorRT-LLM": "tensorrt-llm@0.9"}
SCENARIO = """\
model: {model}
hardware: {hardware}
plan: {{tensor_parallel: {tp}}}
engine: {{preset: {preset}, max_num_seqs: {seqs}, max_num_batched_tokens: {budget}, max_model_len: {most}, enable_prefix_caching: false{types}}}
workload:
  closed_loop:
    concurrency: {concurrency}
    requests: {requests}
    input_tokens: {{distribution: fixed, value: {isl}}}
    output_tokens: {{distribution: fixed, value: {osl}}}
fidelity: {{compute: calibrated, links: calibrated}}
"""
# What might be behind a group over its bound: one assumption of the old engines changed at a time.
SWEEP = (
    ("CPU loop of 1 ms a step", ("engine.host.step=1ms",)),
    ("CPU loop of 3 ms a step and 60 us a request", ("engine.host.step=3ms", "engine.host.request=60us")),
    ("all-reduces by NCCL alone", ("engine.disable_custom_all_reduce=true",)),
    ("NCCL, CPU loop of 0.5 ms a step and 30 us a request",
     ("engine.disable_custom_all_reduce=true", "engine.host.step=500us",
      "engine.host.request=30us")),
)
# Its times go up in steps from here on: requests wait for the KV cache. That was read off the measured
# times, so what is left of it is shown and counts towards no bound.
DSTACK_TOKENS = 70_000
APART = "dstack-405b-fp8"
BOUNDS = {"splitwise": 0.08, "all": 0.12, "group": 0.25, "groups_over": 2}


def rows():
    with open(common.need(common.SHARED / "groundtruth/end_to_end.csv")) as file:
        return list(csv.DictReader(file))


def group_of(row):
    return (f"{row['source']}, {row['framework']}, {row['gpu_norm']}, {row['model']}, "
            f"{row['precision']}, {row['metric']}")


def static_scenario(row):
    batch, isl = int(row["batch_or_conc"]), int(row["isl"])
    return batch, SCENARIO.format(
        model=model_of(row), hardware=HARDWARE[row["gpu_norm"]], tp=row["tp"] or 1,
        preset=preset_of(row), seqs=max(batch, 1), budget=budget_of(row), most=isl + int(row["osl"]) + 1,
        concurrency=batch, requests=batch, isl=isl, osl=row["osl"], types=types_of(row))


def budget_of(row):
    """A static batch is one prefill; a server takes prompts as its own limits let them in."""
    if row["load_kind"] == "static_batch":
        return max(int(row["batch_or_conc"]) * int(row["isl"]), 2048)
    return 8192


def types_of(row):
    """FP8 rows quantise the KV cache too where TensorRT-LLM's published recipe does."""
    if row["precision"] not in ("FP8", "fp8"):
        return ""
    kv = ", kv_cache_dtype: fp8" if row["framework"].startswith("TensorRT") else ""
    return ", quantization: fp8" + kv


def model_of(row):
    if row["source"] == APART and row["metric"] != "e2e_batch_s":
        raise common.Skipped("the same runs as e2e_batch_s, in another unit")
    if row["source"] == APART and int(row["batch_or_conc"]) * (
            int(row["isl"]) + int(row["osl"])) > DSTACK_TOKENS:
        raise common.Skipped("its server keeps about half of the KV that is left by our account, "
                             "and nothing says why; rows that fit are driven")
    if row["model"] not in MODELS:
        raise common.Skipped(f"no card of {row['model']}")
    return MODELS[row["model"]]


def preset_of(row):
    return PRESETS[row["framework"]]


def inflight(row, settings):
    """Output tokens a second from a queue that is long enough for several rounds of what the KV
    cache holds (400,000 tokens of an 8B model on 80 GB)."""
    isl, osl = int(row["isl"]), int(row["osl"])
    requests = min(max(1_600_000 // (isl + osl), 128), 8192)
    summary, done, _ = common.simulate(SCENARIO.format(
        model=model_of(row), hardware=HARDWARE[row["gpu_norm"]], tp=row["tp"] or 1,
        preset=preset_of(row), seqs=2048, budget=8192, most=isl + osl + 1, concurrency=requests,
        requests=requests, isl=isl, osl=osl, types=types_of(row)), settings)
    if any(not r["status"].startswith("finished") for r in done):
        raise common.Skipped("the engine does not finish it")
    return requests * osl / max(float(r["last_token_s"]) for r in done)


def predict(row, settings=()):
    """The row's figure, simulated."""
    if row["load_kind"] == "inflight_max":
        return inflight(row, settings)
    if row["isl"] == "dataset":
        raise common.Skipped("the lengths of its prompts are not in the row, and no source of their "
                             "mean is at hand (outputs: 292 tokens)")
    batch, scenario = static_scenario(row)
    summary, requests, _ = common.simulate(scenario, settings)
    if any(not r["status"].startswith("finished") for r in requests):
        raise common.Skipped("the engine does not finish it")
    sent = min(float(r["arrival_s"]) for r in requests)
    first = max(float(r["first_token_s"]) for r in requests) - sent
    last = max(float(r["last_token_s"]) for r in requests) - sent
    osl = int(row["osl"])
    metric = row["metric"]
    if metric == "prefill_ms":
        return 1e3 * first
    if metric == "decode_step_ms":
        return 1e3 * common.mean((float(r["last_token_s"]) - float(r["first_token_s"])) / (osl - 1)
                                 for r in requests)
    if metric in ("e2e_latency_s", "e2e_batch_s"):
        return last
    if metric == "total_tok_s":
        return batch * (int(row["isl"]) + osl) / last
    if metric == "out_tok_s_per_gpu":
        return batch * osl / last / int(row["n_gpus"])
    raise common.Skipped(f"{metric} is not known")


def sweep(result, settings=()):
    """Each group over its bound again, under every change of SWEEP."""
    return {name: [("as it is", group)] + [
        (what, groups(drive((*settings, *change), name)).get(name)) for what, change in SWEEP]
        for name, group in groups(result).items() if group["median"] > BOUNDS["group"]}


def validate(settings=()):
    result = drive(settings)
    result["sweep"] = sweep(result, settings)
    return result


def drive(settings=(), only=""):
    def one(row):
        try:
            return predict(row, settings), None
        except common.Skipped as why:
            return None, str(why)

    table = [row for row in rows() if only in group_of(row)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(one, table))
    result = {"rows": [], "skipped": {}}
    for row, (ours, why) in zip(table, answers):
        if why is not None:
            result["skipped"].setdefault(f"{group_of(row)}: {why}", 0)
            result["skipped"][f"{group_of(row)}: {why}"] += 1
            continue
        result["rows"].append({"id": row["id"], "group": group_of(row), "tp": row["tp"],
                               "isl": row["isl"], "osl": row["osl"], "batch": row["batch_or_conc"],
                               "measured": float(row["value"]), "orrery": ours,
                               "ln": math.log(ours / float(row["value"]))})
    return result


def groups(result):
    found = {}
    for row in result["rows"]:
        found.setdefault(row["group"], []).append(row["ln"])
    return {name: {"n": len(values), "median": common.median([abs(v) for v in values]),
                   "bias": common.median(values)} for name, values in found.items()}


def overall(result):
    splitwise = [abs(r["ln"]) for r in result["rows"] if r["group"].startswith("splitwise")]
    medians = [group["median"] for name, group in groups(result).items()
               if not name.startswith(APART)]
    return {"splitwise": common.median(splitwise) if splitwise else None,
            "all": common.median(medians) if medians else None,
            "groups_over": sum(median > BOUNDS["group"] for median in medians)}


def failures(result):
    return [f"{key} is {value:.3f}" for key, value in overall(result).items()
            if value is not None and value > BOUNDS[key]]


def report(result):
    print("## Published end-to-end figures: |ln(simulated / measured)|\n")
    print(common.markdown(("source, engine, GPU, model, precision, figure", "n", "median", "bias"), [
        (name, g["n"], f"{g['median']:.3f}", f"{g['bias']:+.3f}")
        for name, g in groups(result).items()]))
    found = overall(result)
    text = lambda value: "none" if value is None else f"{value:.3f}"
    print(f"\nsplitwise rows, median {text(found['splitwise'])}; median of all groups "
          f"{text(found['all'])}; {found['groups_over']} groups over {BOUNDS['group']}; {APART} "
          "is shown, and not counted")
    for name, changes in result["sweep"].items():
        print(f"\nOver its bound: {name}\n")
        print(common.markdown(("changed", "median", "bias"), [
            (what, f"{g['median']:.3f}", f"{g['bias']:+.3f}") if g else (what, "refused", "")
            for what, g in changes]))
    for why, n in result["skipped"].items():
        print(f"skipped {n} rows: {why}")
    print()
