# SPDX-License-Identifier: Apache-2.0
"""Kernels: `orrery validate` on the public tables that the shipped calibrations were fitted to. The
errors on whole shapes left out of the fits stand in the .fits files and in `orrery explain`."""
import json

from . import common

FOLDER = "groundtruth/kernels"
TABLES = (
    ("h100-sxm", "aiconfigurator", "aiconfigurator/h100_sxm_gemm_vllm_0.24.0_gemm_perf.csv.gz"),
    ("h100-sxm", "aiconfigurator",
     "aiconfigurator/h100_sxm_attention_vllm_0.24.0_context_attention_perf.csv.gz"),
    ("h100-sxm", "aiconfigurator",
     "aiconfigurator/h100_sxm_attention_vllm_0.24.0_generation_attention_perf.csv.gz"),
    ("a100-sxm-80gb", "aiconfigurator",
     "aiconfigurator/a100_sxm_gemm_vllm_0.14.0_gemm_perf.csv.gz"),
    ("a100-sxm-80gb", "aiconfigurator",
     "aiconfigurator/a100_sxm_attention_vllm_0.14.0_context_attention_perf.csv.gz"),
    ("a100-sxm-80gb", "aiconfigurator",
     "aiconfigurator/a100_sxm_attention_vllm_0.14.0_generation_attention_perf.csv.gz"),
)


def validate(settings=()):
    del settings  # no scenario here
    folder = common.need(common.SHARED / FOLDER)
    rows = []
    for hardware, form, name in TABLES:
        path = folder / name
        if not path.exists():
            continue
        found = json.loads(common.orrery("validate", str(path), "--hardware", hardware, "--format",
                                         form, "--json"))
        rows += [{"hardware": hardware, "kernels": kernels, **group}
                 for kernels, group in found["groups"].items()]
    return {"rows": rows}


def failures(result):
    del result  # the bounds are of shapes left out, which the fits' own records hold
    return []


def report(result):
    print("## Kernels against the tables they were fitted to (shapes left out: see the fits)\n")
    print(common.markdown(("GPU", "kernels", "rows", "median", "p90", "bias"), [
        (r["hardware"], r["kernels"], r["n"], f"{100 * r['median_abs_error']:.1f} %",
         f"{100 * r['p90_abs_error']:.1f} %", f"{100 * r['bias']:+.1f} %")
        for r in result["rows"]]))
    print()
