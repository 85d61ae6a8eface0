# SPDX-License-Identifier: Apache-2.0
"""What the validations share: where measurements lie, how a scenario is run, statistics, tables."""
import csv
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHARED = pathlib.Path(os.environ.get("ORRERY_SHARED", ROOT / "../shared"))
ORRERY = os.environ.get("ORRERY_BINARY", str(ROOT / "build/release/orrery"))


class Skipped(Exception):
    """The measurements, or what they need, are not here."""


def need(path):
    """A file or folder of measurements, or Skipped."""
    if not path.exists():
        raise Skipped(f"there is no {path}")
    return path


def percentile(values, q):
    """numpy's linear interpolation."""
    values = sorted(values)
    at = (len(values) - 1) * q
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def median(values):
    return percentile(values, 0.5)


def orrery(*words):
    """Runs the program; its complaint becomes Skipped, so that what is not built yet shows."""
    done = subprocess.run([ORRERY, *words], capture_output=True, text=True)
    if done.returncode != 0:
        complaint = done.stderr.strip().splitlines()[-1] if done.stderr else "orrery failed"
        # Where in a file that is gone by now helps nobody, and keeps equal complaints apart.
        raise Skipped(re.sub(r"^\S+\.yaml:\d+:\d+: ", "", complaint))
    return done.stdout


def simulate(scenario, settings=(), steps=False):
    """Runs a scenario (YAML text). Returns its summary, requests and, where wanted, steps."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "scenario.yaml").write_text(scenario)
        words = ["run", str(folder / "scenario.yaml"), "--out", name]
        for setting in settings:
            words += ["--set", setting]
        orrery(*words, *(["--steps"] if steps else []))
        read = lambda file: list(csv.DictReader(open(folder / file)))
        summary = json.loads((folder / "summary.json").read_text())
        return summary, read("requests.csv"), read("steps.csv") if steps else None


def latencies(rows):
    """TTFT, TPOT, E2E in ms of rows (sent, first token, last token, output tokens) in seconds."""
    return {
        "TTFT": [1e3 * (first - sent) for sent, first, _, _ in rows],
        "TPOT": [1e3 * (last - first) / (n - 1) for _, first, last, n in rows if n > 1],
        "E2E": [1e3 * (last - sent) for sent, _, last, _ in rows],
    }


def fidelity(hardware):
    """The best rungs that a GPU has: measured kernels where there is a calibration, schedules of
    collectives where a machine is full of it. What falls back to roofline says so in the result."""
    card = (ROOT / f"configs/hardware/{hardware}.yaml").read_text()
    machines = [path.read_text() for path in (ROOT / "configs/hardware/nodes").glob("*.yaml")]
    full = any(re.search(rf"^(gpu|also):.*\b{re.escape(hardware)}\b", machine, re.M)
               for machine in machines)
    return {"compute": "calibrated" if re.search("^calibration:", card, re.M) else "roofline",
            "links": "calibrated" if full else "roofline"}


def log_ratio(simulated, measured):
    return math.log(simulated / measured)


def markdown(header, rows):
    """A table for the README."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])
