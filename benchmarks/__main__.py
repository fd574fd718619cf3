"""Speed beside CuPy, PyTorch (eager and compiled), JAX and NumPy: all in one run and one process.

Every result is compared with NumPy's in float64 before it is timed. ``--only`` takes names of
workloads and of groups: ``limit`` and ``spine`` have targets, ``more`` has none.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.chart import chart
from benchmarks.environment import environment
from benchmarks.first_call import FIRST_CALLS
from benchmarks.ours import Ours
from benchmarks.peers import PEERS, Record
from benchmarks.report import COMPILED, rows, summary
from benchmarks.runner import Runner, opened
from benchmarks.table import memory_table, speed_table, summary_lines
from benchmarks.timing import BATCH_SECONDS, REPEATS, Clock
from benchmarks.workloads import workloads

__all__ = ["main"]

GIB = 1 << 30
# Few and short batches, to try things out.
QUICK = {"repeats": 3, "batch_seconds": 1e-5}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write down; 1 if a result of ours is wrong or not always the same."""
    options = _options(arguments)
    clock = Clock(options.seconds)
    chosen = [w for w in workloads(options.scale) if {w.name, w.group} & options.only]
    calls = [name for name, _, _ in FIRST_CALLS if {name, "limit"} & options.only]
    ours = Ours(options.backend)
    nbytes = max(int(GIB * options.scale), 1 << 16)
    clock.log(f"copy of {nbytes / GIB:.3g} GiB within the device")
    copy = ours.copy_bandwidth(nbytes)
    peers = opened(options.peers, ours, clock)
    # A program has one of these libraries; here the objects of all of them would be gone through by
    # each collection that any of them sets off.
    gc.collect()
    gc.freeze()
    pace = QUICK if options.quick else {"repeats": REPEATS, "batch_seconds": BATCH_SECONDS}
    runner = Runner(peers, clock, **pace)
    report: Record = {"environment": environment(ours, peers), "scale": options.scale}
    report["copy GB/s"] = copy / 1e9

    def reported() -> list[Record]:
        at_scale = options.scale == 1.0
        found = rows(chosen, calls, runner.measured, ours.device_name, copy, at_scale)
        report.update(rows=found, summary=summary(found), omitted=runner.omitted)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1))
        return found

    runner.after = reported
    runner.run(chosen, late=False)
    for late in (False, True):
        runner.run_first_calls(calls, late)
    runner.run(chosen, late=True)
    found = reported()

    names = [peer.name for peer in peers if peer.name != COMPILED]
    print("\n" + ", ".join(f"{key} {value}" for key, value in report["environment"].items()))
    print(f"copy within the device: {copy / 1e9:.0f} GB/s, bytes read and written; TF32 is off")
    print(f"medians of {pace['repeats']} batches of at least {1e3 * pace['batch_seconds']:g} ms,")
    print("spread: tenth to ninetieth percentile; kernels + calls of NVIDIA's libraries\n")
    for table in (speed_table(found, names, copy), memory_table(found, names)):
        print("\n".join(table) + "\n")
    print("\n".join(summary_lines(report["summary"], runner.omitted)))
    if options.chart:
        options.chart.write_text(
            chart(found, names, f"time / gpuarray's time, {ours.device_name}"), "utf-8"
        )
    return (
        1 if report["summary"]["wrong or failed"] or report["summary"]["not the same bits"] else 0
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", default="cupy,torch,jax", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--only", default="limit,spine", help="names, separated by commas")
    parser.add_argument("--backend", default="cuda", choices=("cuda", "numpy"), help="of gpuarray")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the arrays, to try out")
    parser.add_argument("--quick", action="store_true", help="few and short batches, to try out")
    parser.add_argument("--seconds", type=float, default=270.0, help="start nothing new after")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    parser.add_argument("--chart", type=Path, help="draw a bar chart, FILE.svg")
    options = parser.parse_args(arguments)
    options.peers = [name for name in options.peers.split(",") if name]
    options.only = set(options.only.split(","))
    known = {w.name for w in workloads(1e-9)} | {name for name, _, _ in FIRST_CALLS}
    for what, given, names in (
        ("--peers", set(options.peers), set(PEERS)),
        ("--only", options.only, known | {"limit", "spine", "more"}),
    ):
        if given - names:
            parser.error(
                f"{what}: no {', '.join(sorted(given - names))}; there are {sorted(names)}"
            )
    if options.chart and options.chart.suffix != ".svg":
        parser.error(f"--chart: a file that ends in .svg, got {options.chart}")
    return options


if __name__ == "__main__":
    sys.exit(main())
