#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the kernels that PyTorch brings, on the shapes that orrery-kernels lists.

    orrery-kernels list --parts gemm,attention,rows,sampling > LIST
    python3 kernels/torch_kernels.py --list LIST --out torch.csv --date 2026-11-21 --seconds 120

Engines built on PyTorch launch these: cuBLASLt through torch.nn.functional.linear and
torch._scaled_mm, its flash attention over packed sequences of different lengths, and its own norms,
gates and sampling. The table is the one of orrery-kernels (sim/study/calibration/table.h), as another
kernel set; rows that it has already are not measured again. --self-test needs no GPU and no PyTorch:
it checks the arithmetic of this file.
"""
import argparse
import os
import random
import sys
import time

FIRST_LINE = "# orrery measured table 1"
COLUMNS = ("op,dtype,kv_dtype,m,n,k,batch,query,context,heads,kv_heads,head_dim,window,ranks,detail,"
           "operands,launch,floor,load,pass,latency_us,p10_us,p90_us,repeats,bytes,flops,power_w,"
           "sm_mhz,memory_mhz,temperature_c,device,source,driver,cuda,date").split(",")
FIGURES = ["m", "n", "k", "batch", "query", "context", "heads", "kv_heads", "head_dim", "ranks"]
# What a case's key consists of, in its order (kernels/host/case.cpp).
KEY = ["op", "dtype", "kv_dtype"] + FIGURES + ["detail", "operands", "launch", "load", "pass"]
ATTENTION = {"prefill_attention", "decode_attention"}
TIMED = {"gemm", "rmsnorm", "silu_mul", "quantise", "sample_greedy"} | ATTENTION


def case_of(line):
    """The case of one line of `orrery-kernels list`."""
    cells = line.rstrip("\n").split("|")
    if len(cells) != len(KEY):
        raise ValueError(f"'{line.strip()}' is not a case: {len(cells)} figures, not {len(KEY)}")
    case = dict(zip(KEY, cells))
    for name in FIGURES + ["pass"]:
        case[name] = int(case[name])
    return case


def quantile(ordered, share):
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def row_of(case, samples, board, origin):
    ordered = sorted(samples)
    if ordered[0] <= 0:
        raise ValueError("a timing that is not positive")
    row = dict.fromkeys(COLUMNS, "")
    attention = case["op"] in ATTENTION
    for name in KEY:
        value = case[name]
        keep = name in ("ranks", "pass") or value != 0 or (
            attention and name in ("batch", "query", "context", "heads", "kv_heads", "head_dim"))
        row[name] = str(value) if keep else ""
    if attention:
        row["window"] = "0"
        row["detail"] = ""  # nothing is paged here
    row["floor"] = "included"
    if case["op"] == "gemm":
        row["flops"] = str(2 * case["m"] * case["n"] * case["k"])
    row["latency_us"] = f"{quantile(ordered, 0.5):.6g}"
    row["p10_us"] = f"{quantile(ordered, 0.1):.6g}"
    row["p90_us"] = f"{quantile(ordered, 0.9):.6g}"
    row["repeats"] = str(len(ordered))
    for name, value in {**board, **origin}.items():
        if "," in str(value):
            raise ValueError(f"{name}: '{value}' has a comma")
        row[name] = str(value)
    return row


class Table:
    """Grows by a row at a time, each written out at once."""

    def __init__(self, path, origin):
        self.path = path
        self.keys = set()
        if os.path.exists(path) and os.path.getsize(path) > 0:
            with open(path, encoding="utf-8") as file:
                lines = file.read().split("\n")
            if lines[0] != FIRST_LINE or lines[1] != ",".join(COLUMNS) or lines[-1] != "":
                raise SystemExit(f"{path} is no such table, or its last line is cut short")
            for number, line in enumerate(lines[2:-1], start=3):
                row = dict(zip(COLUMNS, line.split(",")))
                for name in ("device", "source", "driver", "cuda"):
                    if row[name] != str(origin[name]):
                        raise SystemExit(f"{path}:{number}: was measured with {name} {row[name]}: "
                                         "begin another file")
                self.keys.add(self.key_of(row))
        self.file = open(path, "a", encoding="utf-8")
        if not self.keys and self.file.tell() == 0:
            self.file.write(FIRST_LINE + "\n" + ",".join(COLUMNS) + "\n")

    @staticmethod
    def key_of(row):
        attention = row["op"] in ATTENTION
        return tuple(str(row[name]) if str(row[name]) not in ("", "0") else ""
                     for name in KEY if not (attention and name == "detail"))

    def has(self, case):
        return self.key_of(case) in self.keys

    def add(self, row):
        self.file.write(",".join(row[name] for name in COLUMNS) + "\n")
        self.file.flush()
        self.keys.add(self.key_of(row))


def effort(once_us, rotations, budget_us, stretch_us=400.0):
    """As kernels/host/statistics.cpp shares it."""
    launches = int(min(max(-(-stretch_us // once_us), 1), 400))
    launches = max(launches, min(rotations, 400))
    return launches, int(min(max(budget_us / (once_us * launches), 5), 40))


class Board:
    def __init__(self, torch, device):
        self.nvml = None
        try:
            import pynvml
            pynvml.nvmlInit()
            bus = torch.cuda.get_device_properties(device).pci_bus_id
            domain = torch.cuda.get_device_properties(device).pci_domain_id
            number = torch.cuda.get_device_properties(device).pci_device_id
            self.handle = pynvml.nvmlDeviceGetHandleByPciBusId(
                f"{domain:08x}:{bus:02x}:{number:02x}.0".encode())
            self.nvml = pynvml
        except Exception as error:  # whatever is missing, the columns stay empty
            print(f"torch_kernels: no clocks: {error}", file=sys.stderr)

    def state(self):
        if self.nvml is None:
            return {}
        n, h = self.nvml, self.handle
        # Now (NVML_FI_DEV_POWER_INSTANT), not the mean of a second, where the board says so.
        field = n.nvmlDeviceGetFieldValues(h, [186])[0]
        mw = field.value.uiVal if field.nvmlReturn == 0 else n.nvmlDeviceGetPowerUsage(h)
        return {"power_w": round(mw / 1000, 1),
                "sm_mhz": n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_SM),
                "memory_mhz": n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_MEM),
                "temperature_c": n.nvmlDeviceGetTemperature(h, n.NVML_TEMPERATURE_GPU)}

    def driver(self):
        if self.nvml is None:
            return "unknown"
        version = self.nvml.nvmlSystemGetDriverVersion()
        return version.decode() if isinstance(version, bytes) else version


class Unsupported(Exception):
    """This PyTorch has no kernel for it."""


class Bench:
    """Operands at random places of one large tensor, and CUDA graphs of many launches."""

    def __init__(self, torch, case_ms):
        self.torch = torch
        self.case_us = 1000 * case_ms
        free, _ = torch.cuda.mem_get_info()
        values = int(min(48 << 30, free * 0.5)) // 2
        self.pool = torch.empty(values, dtype=torch.bfloat16, device="cuda")
        self.pool.uniform_(-1, 1)
        self.l2 = torch.cuda.get_device_properties(0).L2_cache_size

    def rotations(self, size):
        return int(min(max(3 * self.l2 // max(size, 1) + 2, 2), 64))

    def views(self, count, *shapes):
        """`count` lists of views of these shapes, as many as have room."""
        values = [((size_of(shape) + 1023) // 1024) * 1024 for shape in shapes]
        count = min(count, self.pool.numel() // sum(values))
        if count < 1:
            raise Unsupported("does not fit the device's memory")
        result, at = [], 0
        for _ in range(count):
            views = []
            for shape, size in zip(shapes, values):
                views.append(self.pool[at:at + size_of(shape)].view(shape))
                at += size
            result.append(views)
        return result

    def time(self, calls, graph=True):
        """Microseconds of one call each, for several stretches; calls[i]() launches rotation i."""
        torch = self.torch
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for call in (calls[0], calls[-1], calls[0]):
                call()
            stream.synchronize()
            once = self.stretch(stream, calls[-1])
            launches, repeats = effort(once, len(calls), self.case_us)
            if graph:
                # Not torch.cuda.graph(): it collects garbage each time, which takes longer than a case.
                recorded = torch.cuda.CUDAGraph()
                recorded.capture_begin()
                try:
                    for i in range(launches):
                        calls[i % len(calls)]()
                finally:
                    recorded.capture_end()
                run = recorded.replay
            else:
                def run():
                    for i in range(launches):
                        calls[i % len(calls)]()
            self.stretch(stream, run)
            return [self.stretch(stream, run) / launches for _ in range(repeats)]

    def stretch(self, stream, run):
        begin = self.torch.cuda.Event(enable_timing=True)
        end = self.torch.cuda.Event(enable_timing=True)
        begin.record(stream)
        run()
        end.record(stream)
        end.synchronize()
        return 1000 * begin.elapsed_time(end)


def size_of(shape):
    size = 1
    for side in shape:
        size *= side
    return size


def gemm_calls(torch, bench, case):
    m, n, k = case["m"], case["n"], case["k"]
    linear = torch.nn.functional.linear
    views = bench.views(bench.rotations(2 * (m * k + n * k)), (m, k), (n, k))
    if case["dtype"] == "bf16":
        return [lambda x=x, w=w: linear(x, w) for x, w in views]
    if case["dtype"] == "fp16":
        halves = [(x.half(), w.half()) for x, w in views[:4]]
        return [lambda x=x, w=w: linear(x, w) for x, w in halves]
    if case["dtype"] == "fp8":
        one = torch.ones((), device="cuda")
        small = [(x.to(torch.float8_e4m3fn), w.to(torch.float8_e4m3fn)) for x, w in views]
        return [lambda x=x, w=w: torch._scaled_mm(x, w.t(), scale_a=one, scale_b=one,
                                                  out_dtype=torch.bfloat16, use_fast_accum=True)
                for x, w in small]
    raise Unsupported(f"{case['dtype']} is not timed through PyTorch")


def attention_calls(torch, bench, case):
    """Packed sequences: PyTorch's flash attention with cumulative lengths, as varlen_attn calls it.
    Causal masks are aligned at the end, so queries after a context see it whole."""
    batch, query, context = case["batch"], case["query"], case["context"]
    heads, kv_heads, dim = case["heads"], case["kv_heads"], case["head_dim"]
    length = query + context
    cu_q = torch.arange(0, (batch + 1) * query, query, dtype=torch.int32, device="cuda")
    cu_k = torch.arange(0, (batch + 1) * length, length, dtype=torch.int32, device="cuda")
    size = 2 * batch * (2 * length * kv_heads + query * heads) * dim
    views = bench.views(bench.rotations(size), (batch * query, heads, dim),
                        (batch * length, kv_heads, dim), (batch * length, kv_heads, dim))
    scale = dim ** -0.5

    def call(q, k, v):
        return torch.ops.aten._flash_attention_forward(
            q, k, v, cu_q, cu_k, query, length, 0.0, True, False, scale=scale)[0]

    def varlen(q, k, v):
        from torch.nn.attention.varlen import varlen_attn
        return varlen_attn(q, k, v, cu_q, cu_k, query, length, is_causal=True)

    chosen = varlen if case.get("public") else call
    return [lambda q=q, k=k, v=v: chosen(q, k, v) for q, k, v in views]


def row_calls(torch, bench, case):
    m, n = case["m"], case["n"]
    functional = torch.nn.functional
    views = bench.views(bench.rotations(8 * m * n), (m, n), (m, n))
    if case["op"] == "rmsnorm":
        weight = torch.rand(n, device="cuda", dtype=torch.bfloat16)
        return [lambda x=x, r=r: functional.rms_norm(x + r, (n,), weight, 1e-5) for x, r in views]
    if case["op"] == "silu_mul":
        return [lambda x=x, r=r: functional.silu(x) * r for x, r in views]

    def quantise(x):
        scale = x.abs().amax(dim=-1, keepdim=True).float().clamp(min=1e-12) / 448
        return (x / scale).to(torch.float8_e4m3fn), scale

    return [lambda x=x: quantise(x) for x, _ in views]


def sampling_calls(torch, bench, case):
    m, n = case["m"], case["n"]
    views = bench.views(bench.rotations(4 * m * n), (m, n))
    return [lambda x=x.float(): x.argmax(dim=-1) for (x,) in views[:8]]


def calls_of(torch, bench, case):
    if case["op"] == "gemm":
        return gemm_calls(torch, bench, case)
    if case["op"] in ATTENTION:
        return attention_calls(torch, bench, case)
    if case["op"] == "sample_greedy":
        return sampling_calls(torch, bench, case)
    return row_calls(torch, bench, case)


def attention_of(torch, bench):
    """How this PyTorch's flash attention is called, as figures of a case: the operator itself, or its
    public face. None where neither computes what SDPA does, whose cases are then left out."""
    for public in (False, True):
        try:
            error = check(torch, bench, {"public": public})
        except Exception as refusal:  # a signature that moved, no such module, no such kernel
            print(f"torch_kernels: flash attention: {str(refusal).splitlines()[0]}", file=sys.stderr)
            continue
        # Weights and results in bf16: 2^-8 each at most, and the mean of such errors is smaller.
        if error < 2 ** -7:
            print(f"torch_kernels: flash attention against SDPA: {error:.2e}", file=sys.stderr)
            return {"public": public}
        print(f"torch_kernels: flash attention differs from SDPA by {error}", file=sys.stderr)
    return None


def check(torch, bench, how):
    """The relative error against SDPA."""
    case = {"batch": 2, "query": 33, "context": 70, "heads": 8, "kv_heads": 2, "head_dim": 128, **how}
    out = attention_calls(torch, bench, case)[0]().view(2, 33, 8, 128).transpose(1, 2).float()
    q, k, v = bench.views(1, (66, 8, 128), (206, 2, 128), (206, 2, 128))[0]
    q = q.view(2, 33, 8, 128).transpose(1, 2).float()
    k = k.view(2, 103, 2, 128).transpose(1, 2).repeat_interleave(4, dim=1).float()
    v = v.view(2, 103, 2, 128).transpose(1, 2).repeat_interleave(4, dim=1).float()
    mask = torch.ones(33, 103, dtype=torch.bool, device="cuda").tril(diagonal=70)
    reference = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return ((out - reference).norm() / reference.norm()).item()


def measure(arguments):
    try:
        import torch
    except ImportError:
        raise SystemExit("torch_kernels: there is no PyTorch here")
    if not torch.cuda.is_available():
        raise SystemExit("torch_kernels: PyTorch sees no GPU")
    torch.cuda.set_device(arguments.device)
    torch.manual_seed(0)
    board = Board(torch, arguments.device)
    origin = {"device": torch.cuda.get_device_name(), "source": f"torch {torch.__version__}",
              "driver": board.driver(), "cuda": torch.version.cuda, "date": arguments.date}
    table = Table(arguments.out, origin)
    bench = Bench(torch, arguments.case_ms)
    how = attention_of(torch, bench)
    with open(arguments.list, encoding="utf-8") as file:
        cases = [case for case in map(case_of, file)
                 if case["op"] in TIMED and case["operands"] == "cold" and case["load"] == "burst"
                 and (how is not None or case["op"] not in ATTENTION)]
    start, done, skipped = time.monotonic(), 0, 0
    for number in range(arguments.passes):
        random.Random(number).shuffle(cases)
        for case in cases:
            case["pass"] = number
            case.update(how or {})
            if table.has(case):
                continue
            if time.monotonic() - start > arguments.seconds:
                print(f"torch_kernels: out of time after {done}: the same command goes on",
                      file=sys.stderr)
                return
            try:
                samples = bench.time(calls_of(torch, bench, case), graph=case["launch"] == "graph")
                table.add(row_of(case, samples, board.state(), origin))
                done += 1
            except (Unsupported, RuntimeError, TypeError, AttributeError) as error:
                if "CUDA error" in str(error):
                    raise  # sticky: nothing can be measured in this process any more
                skipped += 1
                print(f"skipped {case['op']} {case['dtype']}: {str(error).splitlines()[0]}",
                      file=sys.stderr)
                torch.cuda.empty_cache()
    print(f"torch_kernels: {done} measured, {skipped} skipped, "
          f"{time.monotonic() - start:.0f} s", file=sys.stderr)


def self_test():
    line = "gemm|bf16||16|6144|4096|0|0|0|0|0|0|1||cold|graph|burst|0\n"
    case = case_of(line)
    assert case["n"] == 6144 and case["ranks"] == 1 and case["detail"] == ""
    assert abs(quantile([1, 2, 4, 8], 0.9) - 6.8) < 1e-12
    assert effort(2, 10, 12000) == (200, 30) and effort(5000, 2, 12000) == (2, 5)
    origin = {"device": "A GPU", "source": "torch 2", "driver": "1", "cuda": "13.0",
              "date": "2026-11-21"}
    row = row_of(case, [21.0, 22.0, 23.0], {"power_w": 310}, origin)
    assert row["latency_us"] == "22" and row["batch"] == "" and row["ranks"] == "1"
    decode = case_of("decode_attention|bf16|bf16|0|0|0|4|1|0|32|8|128|1|page=16|cold|graph|burst|0")
    row_decode = row_of(decode, [5.0] * 5, {}, origin)
    assert row_decode["context"] == "0" and row_decode["detail"] == "" and row_decode["m"] == ""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "t.csv")
        table = Table(path, origin)
        assert not table.has(case)
        table.add(row)
        table.add(row_decode)
        table.file.close()
        again = Table(path, origin)
        assert again.has(case) and again.has(decode)
        again.file.close()
        with open(path, encoding="utf-8") as file:
            assert file.read().count(FIRST_LINE) == 1
        try:
            Table(path, {**origin, "driver": "2"})
            raise AssertionError("another driver was accepted")
        except SystemExit as refusal:
            assert "driver 1" in str(refusal)
        print(open(path, encoding="utf-8").read(), end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--list", help="cases, as `orrery-kernels list` prints them")
    parser.add_argument("--out")
    parser.add_argument("--date")
    parser.add_argument("--device", type=int, default=0)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--case-ms", type=float, default=8)
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if not (arguments.list and arguments.out and arguments.date):
        parser.error("needs --list, --out and --date")
    return measure(arguments)


if __name__ == "__main__":
    main()
