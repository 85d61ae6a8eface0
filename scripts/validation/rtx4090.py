# SPDX-License-Identifier: Apache-2.0
"""One real vLLM 0.19 run on an RTX 4090, per request (casys-kaist/LLMServingSim, MIT: 300 requests,
2,588 KV blocks). Nothing is fitted to it; the kernel tables are of the same GPU and model."""
import bisect
import csv
import json

from . import common

# The replay sends token ids to AsyncLLM in the same process, with its own SamplingParams: the
# times are the engine's, there is no HTTP, and the model's sampling defaults do not apply.
SCENARIO = """\
model: llama-3.1-8b
hardware: rtx-4090
engine:
  preset: vllm-v1@0.19
  num_gpu_blocks_override: 2588
  max_num_seqs: 256
  max_num_batched_tokens: 2048
  max_model_len: 32768
  sampling: greedy
  frontend: {{per_request: 0s}}
workload:
  trace: {{format: block-ids, path: {path}}}
fidelity: {{compute: calibrated}}
"""
STATISTICS = (("mean", common.mean), ("p50", lambda v: common.percentile(v, 0.5)),
              ("p90", lambda v: common.percentile(v, 0.9)),
              ("p99", lambda v: common.percentile(v, 0.99)))
# What an issue of this project asks for: shares, and requests.
BOUNDS = {"latency": 0.02, "ttft_per_request": 0.01, "running_matched": 1.0}


def folder():
    return common.need(common.SHARED / "groundtruth/vllm-rtx4090")


def measured_rows():
    with open(folder() / "RTX4090_Llama-3.1-8B__requests.jsonl") as lines:
        rows = [json.loads(line) for line in lines]
    # Two clocks: the first request waited for nobody, so its queueing marks both zeros.
    wall = min(row["arrival_time"] for row in rows)
    engine = min(row["queued_ts"] for row in rows)
    return [(row["arrival_time"] - wall, row["first_token_ts"] - engine,
             row["last_token_ts"] - engine, row["output_toks"]) for row in rows]


def simulated_rows(requests):
    start = min(float(row["arrival_s"]) for row in requests)
    return start, [(float(row["arrival_s"]) - start, float(row["first_token_s"]) - start,
                    float(row["last_token_s"]) - start, int(row["output_tokens"]))
                   for row in requests]


def counts_error(steps, start, factor):
    """Mean absolute difference of running and waiting counts at the log's seconds."""
    steps = [(factor * (float(r["scheduled_s"]) - start), int(r["running"]), int(r["waiting"]))
             for r in steps]
    times = [step[0] for step in steps]
    running, waiting, n = 0.0, 0.0, 0
    with open(folder() / "RTX4090_Llama-3.1-8B__timeseries.csv") as file:
        for row in csv.DictReader(file):
            at = bisect.bisect_right(times, float(row["t"])) - 1
            ours = (0, 0) if at < 0 or float(row["t"]) > times[-1] else steps[at][1:]
            running += abs(ours[0] - int(row["running"]))
            waiting += abs(ours[1] - int(row["waiting"]))
            n += 1
    return running / n, waiting / n


def validate(settings=()):
    workload = (folder() / "workload_blocks16.jsonl").resolve()
    _, requests, steps = common.simulate(SCENARIO.format(path=workload), settings, steps=True)
    theirs = measured_rows()
    start, ours = simulated_rows(requests)
    real, sim = common.latencies(theirs), common.latencies(ours)
    rows = []
    for metric in ("TTFT", "TPOT", "E2E"):
        for label, statistic in STATISTICS:
            a, b = statistic(real[metric]), statistic(sim[metric])
            rows.append({"metric": f"{metric} {label}", "measured_ms": a, "orrery_ms": b,
                         "error": b / a - 1})
    each = [abs(b / a - 1) for a, b in zip(real["TTFT"], sim["TTFT"])]
    makespan = max(row[2] for row in theirs), max(row[2] for row in ours)
    as_it_comes = counts_error(steps, start, 1.0)
    matched = counts_error(steps, start, makespan[0] / makespan[1])
    return {"rows": rows, "ttft_per_request": common.median(each), "makespan_s": makespan,
            "running": as_it_comes[0], "waiting": as_it_comes[1],
            "running_matched": matched[0], "waiting_matched": matched[1]}


def failures(result):
    found = [f"{row['metric']} is off by {100 * row['error']:+.2f} %" for row in result["rows"]
             if abs(row["error"]) > BOUNDS["latency"]]
    found += [f"{key} is {result[key]:.4f}" for key in ("ttft_per_request", "running_matched")
              if result[key] > BOUNDS[key]]
    return found


def report(result):
    print("## One vLLM 0.19 run on an RTX 4090, 300 requests (nothing fitted to it)\n")
    print(common.markdown(("ms", "measured", "Orrery", "error"), (
        (row["metric"], f"{row['measured_ms']:.1f}", f"{row['orrery_ms']:.1f}",
         f"{100 * row['error']:+.1f} %") for row in result["rows"])))
    print(f"\nmedian |error| of each request's TTFT {100 * result['ttft_per_request']:.2f} %; "
          f"makespan {result['makespan_s'][0]:.1f} s measured, {result['makespan_s'][1]:.1f} s "
          f"simulated; running count off by {result['running']:.2f} on average as it comes, "
          f"{result['running_matched']:.2f} with the makespan matched (waiting "
          f"{result['waiting']:.2f}, {result['waiting_matched']:.2f})")
    print("LLMServingSim 2.0, which published this run, states all of them within 1 %.\n")
