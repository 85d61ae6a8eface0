#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a measured table says at a glance: best rates, how near our kernels come, and the noise.

    python3 kernels/summary.py kernels.csv [torch.csv ...]
"""
import csv
import statistics
import sys
from collections import defaultdict


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        if file.readline().rstrip("\n") != "# orrery measured table 1":
            raise SystemExit(f"{path} is not a measured table")
        return list(csv.DictReader(file))


def detail(row):
    return dict(word.split("=", 1) for word in row["detail"].split())


def rate(row, column):
    """Bytes or operations a second."""
    return float(row[column]) / (float(row["latency_us"]) * 1e-6) if row[column] else None


def best(rows, op, keep=lambda row: True, column="bytes"):
    rates = [rate(row, column) for row in rows if row["op"] == op and keep(row)]
    return max((r for r in rates if r), default=None)


def cold(row):
    return row["operands"] == "cold" and row["load"] == "burst"


def tb(value):
    return "-" if value is None else f"{value / 1e12:.3f} TB/s"


def share(value, of):
    return "" if not value or not of else f" ({100 * value / of:.1f} % of the best copy)"


def lines_of(rows):
    copy = best(rows, "memory_copy", cold)
    yield f"best copy, read and written: {tb(copy)}"
    read = best(rows, "memory_read", lambda r: cold(r) and detail(r).get("pattern") == "stream")
    yield f"best streaming read: {tb(read)}{share(read, copy)}; bar: 90 %"
    long = [r for r in rows if r["op"] == "decode_attention" and cold(r) and
            int(r["context"]) >= 8191 and float(r["bytes"] or 0) > 1e9]
    if long:
        rates = [rate(r, "bytes") for r in long]
        yield (f"decode attention, contexts of 8k and more, over 1 GB: median {tb(statistics.median(rates))}"
               f"{share(statistics.median(rates), copy)}, worst {tb(min(rates))}"
               f"{share(min(rates), copy)}; bar: 80 %")
    for dtype in ("bf16", "fp8", "fp16", "int8"):
        value = best(rows, "gemm", lambda r, d=dtype: r["dtype"] == d and r["load"] == "burst", "flops")
        if value:
            yield f"best {dtype} GEMM: {value / 1e12:.0f} TFLOP/s"
    for row in rows:
        if row["load"] == "sustained":
            what = f"{row['op']} {row['dtype']}".strip()
            value = rate(row, "flops" if row["op"] == "gemm" else "bytes")
            yield (f"sustained {what}: {value / 1e12:.3f} T/s at {row['power_w'] or '-'} W, "
                   f"{row['sm_mhz'] or '-'} MHz")
    value = best(rows, "prefill_attention", cold, "flops")
    if value:
        yield f"best prefill attention: {value / 1e12:.0f} TFLOP/s"
    for op in ("pcie_to_device", "pcie_to_host"):
        for memory in ("pinned", "pageable"):
            value = best(rows, op, lambda r, m=memory: detail(r).get("memory") == m)
            if value:
                yield f"{op} {memory}: {value / 1e9:.1f} GB/s"
    for row in rows:
        if row["op"] == "launch":
            count = int(detail(row)["kernels"])
            yield (f"launch of {count} empty kernels, {row['launch']}: "
                   f"{float(row['latency_us']) / count:.2f} us each")
    yield from steps_of(rows)
    for row in rows:
        if row["op"] == "graph_replay":
            d = detail(row)
            yield (f"replay of {d['kernels']} empty kernels, {d['clock']} clock: "
                   f"{float(row['latency_us']):.2f} us")
    for row in sorted((r for r in rows if r["op"] == "pointer_chase"),
                      key=lambda r: (int(detail(r)["stride"]), int(detail(r)["region"]))):
        d = detail(row)
        yield (f"chase over {int(d['region']) >> 20} MiB by {d['stride']}: "
               f"{1000 * float(row['latency_us']) / int(d['hops']):.0f} ns a hop")


LAYER = ("norm", "qkv", "rope", "store", "attention", "out", "norm", "gate_up", "silu", "down")
LAYERS = {"llama-3.1-8b": 32}


def steps_of(rows):
    """What a step takes beyond its kernels one by one, each of which holds its own launch."""
    batches = defaultdict(dict)
    for row in rows:
        if row["op"] in ("layer", "layer_part", "step"):
            d = detail(row)
            what = d.get("part", row["op"] + " " + row["launch"])
            batch = (d["model"], row["batch"], row["query"], row["context"])
            batches[batch][what] = float(row["latency_us"])
    for (model, batch, query, context), us in sorted(batches.items()):
        if not all(part in us for part in LAYER + ("lm_head", "argmax", "step graph")):
            continue
        layer = sum(us[part] for part in LAYER)
        step = LAYERS[model] * layer + us["norm"] + us["lm_head"] + us["argmax"]
        line = (f"{model} {batch} x {query} after {context}: step {us['step graph']:.0f} us, its "
                f"kernels alone {step:.0f} us ({100 * (us['step graph'] / step - 1):+.1f} %)")
        if "layer graph" in us:
            line += f"; layer {us['layer graph']:.1f}, {layer:.1f} us"
        if "step stream" in us:
            line += f"; launched one by one {us['step stream']:.0f} us"
        yield line


def noise_of(rows):
    spreads = defaultdict(list)
    for row in rows:
        spreads[row["op"]].append(
            (float(row["p90_us"]) - float(row["p10_us"])) / float(row["latency_us"]))
    yield "noise within a case, (p90 - p10) / median: median and p90 over its cases"
    for op in sorted(spreads):
        ordered = sorted(spreads[op])
        p90 = ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
        yield f"  {op:<20} {100 * statistics.median(ordered):6.2f} % {100 * p90:6.2f} %  ({len(ordered)})"
    again = defaultdict(list)
    for row in rows:
        again[tuple(v for k, v in row.items() if k not in (
            "pass", "latency_us", "p10_us", "p90_us", "repeats", "power_w", "sm_mhz", "memory_mhz",
            "temperature_c", "date"))].append(float(row["latency_us"]))
    pairs = [abs(a[1] - a[0]) / a[0] for a in again.values() if len(a) > 1]
    if pairs:
        yield f"between two passes: median {100 * statistics.median(pairs):.2f} % of {len(pairs)}"


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for path in sys.argv[1:]:
        rows = rows_of(path)
        if not rows:
            print(f"{path}: no rows")
            continue
        print(f"{path}: {len(rows)} rows of {rows[0]['source']} on {rows[0]['device']}, "
              f"driver {rows[0]['driver']}, CUDA {rows[0]['cuda']}, {rows[0]['date']}")
        for line in list(lines_of(rows)) + list(noise_of(rows)):
            print("  " + line)


if __name__ == "__main__":
    main()
