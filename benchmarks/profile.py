"""What limits the kernels of a workload, as Nsight Compute counts it.

``python -m benchmarks.profile NAME [NAME ...]``. In: names of workloads, a CUDA device, and ``ncu``
with the right to read counters. Out: a line for each kernel of one call of ours. ``ncu`` holds the
clocks at their base, so its times are longer than those of ``python -m benchmarks``; the shares of
what the device can do are what it is asked for.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections.abc import Iterable, Sequence

from benchmarks.ours import Ours
from benchmarks.workloads import workloads

__all__ = ["main", "table"]

# Heading, metric, and what its value is divided by.
METRICS = (
    ("us", "gpu__time_duration.sum", 1e3),
    ("MB", "dram__bytes.sum", 1e6),
    ("DRAM %", "dram__throughput.avg.pct_of_peak_sustained_elapsed", 1.0),
    ("L1 %", "l1tex__throughput.avg.pct_of_peak_sustained_elapsed", 1.0),
    ("issue %", "smsp__issue_active.avg.pct_of_peak_sustained_active", 1.0),
    ("FMA %", "sm__inst_executed_pipe_fma.avg.pct_of_peak_sustained_active", 1.0),
    ("ALU %", "sm__inst_executed_pipe_alu.avg.pct_of_peak_sustained_active", 1.0),
    ("warps %", "sm__warps_active.avg.pct_of_peak_sustained_active", 1.0),
    ("regs", "launch__registers_per_thread", 1.0),
    ("M instr.", "smsp__inst_executed.sum", 1e6),
)
# Why warps wait: cycles for each instruction issued, by the names of ncu's metrics.
STALLS = (
    *("long_scoreboard", "short_scoreboard", "barrier", "math_pipe_throttle", "wait"),
    *("lg_throttle", "mio_throttle", "not_selected", "membar", "branch_resolving"),
)
_STALL = "smsp__average_warps_issue_stalled_{}_per_issue_active.ratio"
_SHOWN_STALLS = 2
_NAME = 28


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile the workloads named and print a table; the status of ``ncu``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("names", nargs="+", help="of workloads, as `--only` of `benchmarks` takes")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the arrays")
    parser.add_argument("--backend", default="cuda", choices=("cuda", "numpy"))
    parser.add_argument("--inside", action="store_true", help="run the workload; for ncu itself")
    options = parser.parse_args(arguments)
    known = {w.name: w for w in workloads(options.scale)}
    for name in options.names:
        if name not in known:
            parser.error(f"no {name}; there are {', '.join(sorted(known))}")
    if options.inside:
        (name,) = options.names
        peer = Ours(options.backend)
        workload = known[name]
        inputs = [peer.array(x) for x in workload.inputs()]
        peer.wait(peer.called(workload.function, False)(*inputs))
        return 0
    metrics = [metric for _, metric, _ in METRICS] + [_STALL.format(name) for name in STALLS]
    for name in options.names:
        command = ["ncu", "--csv", "--metrics", ",".join(metrics)]
        command += [sys.executable, "-m", "benchmarks.profile", name, "--inside"]
        command += ["--scale", str(options.scale), "--backend", options.backend]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            parser.error("ncu was not found; it comes with the CUDA toolkit (Nsight Compute)")
        print(f"{name}: {known[name].title}")
        if done.returncode:
            print(done.stdout + done.stderr)
            return done.returncode
        print("\n".join(table(done.stdout.splitlines())))
    return 0


def table(lines: Iterable[str]) -> list[str]:
    """What ``ncu --csv`` has printed, as a line for each kernel under a heading.

    Examples
    --------
    >>> text = '''==PROF== Connected
    ... "ID","Kernel Name","Metric Name","Metric Value"
    ... "0","f","gpu__time_duration.sum","2,500"
    ... "0","f","smsp__average_warps_issue_stalled_wait_per_issue_active.ratio","1.5"'''
    >>> print(*table(text.splitlines())[1].split())
    f 2.5 wait 1.5
    """
    found = [line for line in lines if line.startswith('"')]
    kernels: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    for row in csv.DictReader(found):
        number, metric = row["ID"], row["Metric Name"]
        names[number] = row["Kernel Name"].split("(")[0]
        value = row["Metric Value"].replace(",", "")
        kernels.setdefault(number, {})[metric] = float(value or "nan")
    head = f"{'kernel':<{_NAME}}" + "".join(f"{title:>9}" for title, _, _ in METRICS)
    shown = [head + "  warps wait for (cycles an instruction)"]
    for number, values in kernels.items():
        line = f"{names[number][:_NAME]:<{_NAME}}"
        for _, metric, unit in METRICS:
            line += f"{values[metric] / unit:>9.4g}" if metric in values else f"{'':>9}"
        stalls = [(values.get(_STALL.format(name), 0.0), name) for name in STALLS]
        worst = sorted(stalls, reverse=True)[:_SHOWN_STALLS]
        line += "  " + ", ".join(f"{name} {cycles:.2g}" for cycles, name in worst if cycles)
        shown.append(line)
    return shown


if __name__ == "__main__":
    sys.exit(main())
