# SPDX-License-Identifier: Apache-2.0
"""Real vLLM 0.15.1 servers under load by stage (inference-sim's published measurements).

The load generator (kubernetes-sigs/inference-perf) calls it constant, but draws exponential gaps
and stretches them to fill the stage (load_timer.py, ConstantLoadTimer): Poisson arrivals. Prompts
are a few dozen distinct texts sent in circles (its shared-prefix generator), so nearly all of each
is found in the prefix cache. A chat template and retokenising make them 25 to 35 tokens longer.

Two habits of the generator that a scenario cannot say yet matter in overload only: it gives a
request up 300 s after it sent it (aiohttp's default, openai_client.py), and begins a stage when the
last request of the one before is answered (load_generator.py)."""
import csv

from . import common

MODELS = {
    "codellama/CodeLlama-34b-Instruct-hf": "codellama-34b",
    "meta-llama/Llama-2-7b-hf": "llama-2-7b",
    "meta-llama/Llama-2-70b-hf": "llama-2-70b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
    "meta-llama/Llama-3.1-70B-Instruct": "llama-3.1-70b",
    "mistralai/Mixtral-8x7B-v0.1": "mixtral-8x7b",
    "mistralai/Mixtral-8x22B-Instruct-v0.1": "mixtral-8x22b",
    "mistralai/Mistral-Nemo-Instruct-2407": "mistral-nemo-12b",
    "Qwen/Qwen2.5-7B-Instruct": "qwen2.5-7b",
    "Qwen/Qwen3-14B": "qwen3-14b",
    "01-ai/Yi-34B": "yi-34b",
    "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic": "llama-4-scout",
}
HARDWARE = {"H100": "h100-sxm", "A100-80GB": "a100-sxm-80gb", "L40S": "l40s"}
# The frontend's default times are fitted to these (scripts/fit_host); the others are the test.
FITTED = ("16-", "19-")
TEMPLATE_TOKENS = (25, 35)
SCENARIO = """\
model: {model}
hardware: {hardware}
plan: {{tensor_parallel: {tp}}}
engine:
  preset: vllm-v1@0.15
  max_num_seqs: 128
  max_num_batched_tokens: {budget}
  max_model_len: 4096{quantization}
workload:
  synthetic:
    arrivals: {{process: stages, stages: [{stages}]}}
    input_tokens: {{distribution: uniform, min: {least}, max: {most}}}
    output_tokens: {{distribution: fixed, value: {output}}}
    shared_prefix: {{groups: {groups}, tokens: {system}, prompts_per_group: {prompts}, order: round_robin}}
fidelity: {{compute: {compute}, links: {links}, host: calibrated}}
"""
METRICS = ("e2e_mean_ms", "tpot_recomputed_ms", "ttft_mean_ms", "ttft_p99_ms")
BOUNDS = {"e2e_mean_ms": 0.05, "tpot_recomputed_ms": 0.04, "ttft_mean_ms": 0.10,
          "ttft_p99_ms": 0.20}
# Mean absolute errors on the published set these runs are from, all stages (recomputed from
# inference-sim/sim-to-real-accuracy-validation's records; TPOT against a field known to be high).
PEERS = (("BLIS trained-physics, fitted on a part", 8.8, 9.4, 19.4, 46.3),
         ("BLIS evolved", 10.1, 10.9, 21.4, 47.8), ("AIConfigurator 0.9", 19.9, 15.4, 787, None),
         ("BLIS roofline", 36.2, 43.6, 624, 999), ("LLM-Optimizer", 59.7, 67, 1180, None),
         ("Vidur", 856, 219, 53418, 85061))


def experiments():
    table = common.need(common.SHARED / "groundtruth/vllm_v0151.csv")
    found = {}
    with open(table) as file:
        for row in csv.DictReader(file):
            found.setdefault(row["exp"], []).append(row)
    return found


def stages(row):
    """Rates, and how long each lasts: two of ten minutes or one of twenty."""
    rates = [float(rate) for rate in row["rates_rps"].split("/")]
    return rates, 1200 // len(rates)


def scenario(row):
    rates, seconds = stages(row)
    groups, prompts = row["unique_prompts_groups"].split("x")
    if row["model"] not in MODELS or row["hardware"] not in HARDWARE:
        raise common.Skipped(f"{row['model']} on {row['hardware']} is not known here")
    least, most = (int(row["question_len"]) + extra for extra in TEMPLATE_TOKENS)
    return SCENARIO.format(
        model=MODELS[row["model"]], hardware=HARDWARE[row["hardware"]], tp=row["tp"],
        budget=row["max_num_batched_tokens"], least=least, most=most, output=row["output_len"],
        stages=", ".join(f"{{rate: {rate:g}/s, duration: {seconds}s}}" for rate in rates),
        groups=groups, prompts=prompts, system=row["system_prompt_len"],
        quantization="\n  quantization: fp8" if row["precision"] == "FP8" else "",
        **common.fidelity(HARDWARE[row["hardware"]]))


def figures(requests):
    rows = [(float(r["arrival_s"]), float(r["first_token_s"]), float(r["last_token_s"]),
             int(r["output_tokens"])) for r in requests]
    values = common.latencies(rows)
    return {"e2e_mean_ms": common.mean(values["E2E"]),
            "tpot_recomputed_ms": common.mean(values["TPOT"]),
            "ttft_mean_ms": common.mean(values["TTFT"]),
            "ttft_p99_ms": common.percentile(values["TTFT"], 0.99)}


def run(rows, settings=()):
    """Figures by stage of one experiment; -1 is the whole run."""
    _, requests, _ = common.simulate(scenario(rows[0]), settings)
    requests = [r for r in requests if r["status"].startswith("finished")]
    _, seconds = stages(rows[0])
    found = {}
    for row in rows:
        stage = int(row["stage"])
        found[stage] = figures(r for r in requests if stage < 0 or
                               seconds * stage <= float(r["arrival_s"]) < seconds * (stage + 1))
    return found


def validate(settings=()):
    result = {"rows": [], "skipped": {}}
    for name, rows in experiments().items():
        try:
            ours = run(rows, settings)
        except common.Skipped as why:
            result["skipped"][name] = str(why)
            continue
        for row in rows:
            stage = int(row["stage"])
            result["rows"].append({"experiment": name, "stage": stage, "metrics": {
                metric: {"measured": float(row[metric]), "orrery": ours[stage][metric],
                         "error": ours[stage][metric] / float(row[metric]) - 1}
                for metric in METRICS}})
    return result


def averages(result, left_out=FITTED):
    """Mean absolute error by metric over whole runs of the experiments that were not fitted."""
    whole = [row for row in result["rows"] if row["stage"] == -1
             and not row["experiment"].startswith(tuple(left_out))]
    if not whole:
        return {}, 0
    return {metric: common.mean(abs(row["metrics"][metric]["error"]) for row in whole)
            for metric in METRICS}, len(whole)


def failures(result, left_out=FITTED):
    found, _ = averages(result, left_out)
    return [f"{metric}: mean |error| {100 * error:.1f} %" for metric, error in found.items()
            if error > BOUNDS[metric]]


def report(result, left_out=FITTED):
    print("## vLLM 0.15.1 servers under load (measured, Orrery, error)\n")
    names = ("E2E mean", "TPOT", "TTFT mean", "TTFT p99")
    rows = []
    for row in result["rows"]:
        stage = "whole" if row["stage"] == -1 else f"stage {row['stage']}"
        fitted = row["experiment"].startswith(tuple(left_out))
        rows.append((row["experiment"] + (" (fitted)" if fitted else ""), stage) + tuple(
            f"{m['measured']:.1f}, {m['orrery']:.1f}, {100 * m['error']:+.1f} %"
            for m in row["metrics"].values()))
    print(common.markdown(("experiment", "", *names), rows))
    for name, why in result["skipped"].items():
        print(f"skipped {name}: {why}")
    found, n = averages(result, left_out)
    if not found:
        return
    print("\nMean |error|, whole runs:\n")
    text = lambda value: "" if value is None else f"{value:,} %"
    print(common.markdown(("simulator", *names), [
        (f"Orrery, {n} runs not fitted", *(f"{100 * e:.1f} %" for e in found.values()))] + [
            (peer[0], *map(text, peer[1:])) for peer in PEERS]))
    print("\nPeers: all stages of the 38 runs that these are from, recomputed from the records that "
          "inference-sim/sim-to-real-accuracy-validation publishes.\n")
