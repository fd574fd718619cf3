"""Speed on a GPU beside CuPy, PyTorch (eager and compiled) and JAX, all in one run.

``python -m benchmarks.spine [--peers cupy,torch,jax] [--only NAME,...] [--json FILE]``. In: a CUDA
device. Out: a table with the targets of the issue, a second one without targets, and what the host
and the compiler cost. Every result is compared with NumPy's in float64 before it is timed.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.host_costs import first_call, host_costs
from benchmarks.peers import PEERS, Ours, Peer
from benchmarks.timing import BATCH_SECONDS, Clock, measure
from benchmarks.workloads import Workload, workloads

__all__ = ["main"]

GIB = 1 << 30
# Inputs in rotation have this many bytes together, several times the L2 of an H200 (60 MB).
ROTATED_BYTES = 256 << 20
# Elements at each end, and at random between, that are compared for elementwise workloads.
COMPARED_ENDS = 4096
COMPARED = 1 << 20
PACKAGES = ("numpy", "cuda-core", "cuda-bindings", "nvidia-cuda-nvrtc")

Record = dict[str, Any]


def copy_bandwidth(ours: Ours, nbytes: int) -> float:
    """Bytes read and written in a second by a copy within the device."""
    executor = ours.executor
    source, destination = (executor.allocate(nbytes) for _ in range(2))
    values = np.random.default_rng(5).integers(0, 256, nbytes, np.uint8)
    executor.runtime.copy_in(source.pointer, values, executor.stream)

    def copy() -> None:
        executor.runtime.copy(destination.pointer, source.pointer, nbytes, executor.stream)

    return 2 * nbytes / measure(copy, ours.wait).seconds


def reference(workload: Workload, inputs: Sequence[np.ndarray[Any, Any]]) -> tuple[Any, Any]:
    """NumPy's results in float64, and at which elements of them a result is compared."""
    where: Any = ...
    if workload.elementwise:
        size = inputs[0].shape[0]
        ends = min(COMPARED_ENDS, size)
        random = np.random.default_rng(3).integers(0, size, COMPARED)
        where = np.unique(np.concatenate([np.arange(ends), np.arange(size - ends, size), random]))
        inputs = [x[where] for x in inputs]
    wide = {"f": np.float64, "c": np.complex128}
    # A copy, since a workload may write in place.
    found = workload.function(np, *(x.astype(wide.get(x.dtype.kind, x.dtype)) for x in inputs))
    return found if isinstance(found, tuple) else (found,), where


def worst_error(results: Sequence[np.ndarray[Any, Any]], expected: Any, where: Any) -> float:
    """The norm of the difference over the norm of the reference; infinite if shapes differ."""
    worst = 0.0
    for x, e in zip(results, expected, strict=True):
        e = np.asarray(e)
        x = x[where]
        if x.shape != e.shape:
            return math.inf
        if e.dtype.kind not in "fc":
            error = float(np.count_nonzero(x != e))
        else:
            error = float(np.linalg.norm((x - e).ravel()) / np.linalg.norm(e.ravel()))
        worst = max(worst, error if error == error else math.inf)
    return worst


def run_one(
    peer: Peer, workload: Workload, host: Sequence[np.ndarray[Any, Any]], expected: Any, where: Any
) -> Record:
    """Check and time a workload on one library."""
    nbytes = sum(x.nbytes for x in host)
    small = nbytes < 1 << 20
    sets = 1 if small else max(1, -(-ROTATED_BYTES // nbytes))
    inputs = [tuple(peer.array(x) for x in host) for _ in range(sets)]
    function = peer.bound(workload.function, workload.dynamic)
    found = function(*inputs[0])
    peer.wait(found)
    results = [peer.host(x) for x in (found if isinstance(found, tuple) else (found,))]
    error = worst_error(results, expected, where)
    record: Record = {"error": error, "agrees": error <= workload.tolerance}
    del found, results
    turns = cycle(inputs)
    if isinstance(peer, Ours):
        record["kernels"] = peer.kernels(lambda: function(*next(turns)))
    timing = measure(lambda: function(*next(turns)), peer.wait)
    record |= {"seconds": timing.seconds, "low": timing.low, "high": timing.high}
    record |= {"calls": timing.calls, "GB/s": workload.moved / timing.seconds / 1e9}
    return record


def compare(workload: Workload, peers: Sequence[Peer], clock: Clock) -> Record:
    """A workload on every library; what fails is part of the record."""
    host = workload.inputs()
    expected, where = reference(workload, host)
    row: Record = {"name": workload.name, "title": workload.title, "moved": workload.moved}
    row["peers"] = {}
    for peer in peers:
        clock.log(f"{workload.name}: {peer.name}")
        try:
            row["peers"][peer.name] = run_one(peer, workload, host, expected, where)
        except Exception as error:  # one library's failure must not end the others' run
            row["peers"][peer.name] = {"failed": f"{type(error).__name__}: {error}"[:300]}
            clock.log(f"{workload.name}: {peer.name} failed: {type(error).__name__}: {error}")
        peer.release()
    ours = row["peers"].get("gpuarray", {})
    others = [
        (record["seconds"], name)
        for name, record in row["peers"].items()
        if name != "gpuarray" and "seconds" in record
    ]
    if others and "seconds" in ours:
        seconds, name = min(others)
        row["best peer"], row["ratio to best peer"] = name, ours["seconds"] / seconds
    if workload.target is not None:
        row["target"] = str(workload.target)
        row["reached"] = "seconds" in ours and workload.target.reached(
            ours["seconds"], workload.moved
        )
    return row


def formatted(rows: Sequence[Record], peers: Sequence[str], copy: float) -> list[str]:
    """The table."""
    head = f"{'work':<36}{'gpuarray':>10}{'GB/s':>7}{'/copy':>7}{'kernels':>8}"
    head += "".join(f"{name:>14}" for name in peers if name != "gpuarray")
    head += f"{'/best':>7}  target"
    lines = [head, "-" * len(head)]
    for row in rows:
        ours = row["peers"].get("gpuarray", {})
        line = f"{row['title']:<36}{_cell(ours):>10}"
        if "seconds" in ours:
            rate = ours["GB/s"]
            line += f"{rate:>7.0f}{1e9 * rate / copy:>7.2f}{ours['kernels']:>8}"
        else:
            line += f"{'':>22}"
        for name in peers:
            if name != "gpuarray":
                line += f"{_cell(row['peers'].get(name, {})):>14}"
        ratio = row.get("ratio to best peer")
        line += f"{ratio:>7.2f}" if ratio is not None else f"{'':>7}"
        if "target" in row:
            line += f"  {row['target']} {'reached' if row['reached'] else 'MISSED'}"
        lines.append(line)
        for name, record in row["peers"].items():
            if "failed" in record:
                lines.append(f"    {name}: {record['failed'][:150]}")
            elif not record["agrees"]:
                lines.append(f"    {name}: WRONG by {record['error']:.2g} (relative to float64)")
    return lines


def _cell(record: Record) -> str:
    if "seconds" not in record:
        return "-"
    seconds = record["seconds"]
    text = f"{1e6 * seconds:.2f} us" if seconds < 50e-6 else f"{1e3 * seconds:.4f} ms"
    return text if record["agrees"] else text + " !"


def environment(ours: Ours, peers: Sequence[Peer]) -> Record:
    """Device, date and versions."""
    properties = ours.executor.runtime.properties
    found: Record = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "device": properties.name,
        "compute capability": ".".join(map(str, properties.compute_capability)),
        "Python": platform.python_version(),
    }
    found |= {peer.name: peer.version for peer in peers}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def opened_peers(names: Sequence[str], clock: Clock) -> list[Peer]:
    """The libraries that can be imported; the others are named in the log."""
    found: list[Peer] = []
    for name in names:
        for make in PEERS[name]:
            clock.log(f"importing {name}")
            try:
                found.append(make())
            except Exception as error:
                clock.log(f"{name} is left out: {type(error).__name__}: {error}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spine", description=__doc__)
    parser.add_argument("--peers", default="cupy,torch,jax", help="which; empty for none")
    parser.add_argument("--only", default="", help="names of workloads, separated by commas")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    parser.add_argument("--seconds", type=float, default=330.0, help="start nothing new after")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the arrays, to try out")
    parser.add_argument("--no-extras", action="store_true", help="only rows that have targets")
    options = parser.parse_args(arguments)

    clock = Clock(options.seconds)
    chosen = workloads(options.scale)
    if options.only:
        names = options.only.split(",")
        chosen = [w for w in chosen if w.name in names]
    elif options.no_extras:
        chosen = [w for w in chosen if w.target is not None]
    # What the host bounds comes first: the compilers of the peers leave threads and processes
    # behind that take the processor from whoever is measured after them.
    chosen.sort(key=lambda w: w.target is None or w.target.unit != "us")
    ours = Ours()
    nbytes = max(int(GIB * options.scale), 1 << 16)
    clock.log(f"copy of {nbytes / GIB:.3g} GiB within the device")
    copy = copy_bandwidth(ours, nbytes)
    peers: list[Peer] = [ours, *opened_peers([n for n in options.peers.split(",") if n], clock)]
    found = environment(ours, peers)
    found["copy GB/s"] = copy / 1e9
    report: Record = {"environment": found, "scale": options.scale, "rows": []}

    def save() -> None:
        if options.json:
            options.json.write_text(json.dumps(report, indent=1))

    omitted = []
    sections: dict[str, Callable[[], Record]] = {
        "host": lambda: host_costs(ours),
        "first call": first_call,
    }
    measured_sections = bool(options.only)
    for workload in chosen:
        if workload.target is None and not measured_sections:
            measured_sections = True
            _measure_sections(sections, report, clock)
        if clock.left() < 0:
            omitted.append(workload.name)
            continue
        # torch.compile takes seconds for each; it is there for the rows with targets.
        wanted = [p for p in peers if workload.target is not None or p.name != "torch.compile"]
        report["rows"].append(compare(workload, wanted, clock))
        save()
    if not measured_sections:
        _measure_sections(sections, report, clock)
    report["omitted"] = omitted
    save()

    print()
    print(", ".join(f"{key} {value}" for key, value in found.items() if key != "copy GB/s"))
    print(f"copy within the device: {copy / 1e9:.0f} GB/s, bytes read and written")
    print(
        f"medians of 20 batches of at least {1e3 * BATCH_SECONDS:.0f} ms; targets are an H200's\n"
    )
    names = [peer.name for peer in peers]
    aimed = [row for row in report["rows"] if "target" in row]
    others = [row for row in report["rows"] if "target" not in row]
    for rows in (aimed, others):
        if rows:
            print("\n".join(formatted(rows, names, copy)) + "\n")
    for section in sections:
        for key, value in report.get(section, {}).items():
            print(f"{section + ': ' + key:<58}{value}")
    if omitted:
        print(f"out of time, not run: {', '.join(omitted)}")
    wrong = [
        row["name"]
        for row in report["rows"]
        if not row["peers"].get("gpuarray", {}).get("agrees", False)
    ]
    if wrong:
        print(f"gpuarray failed or was wrong: {', '.join(wrong)}")
    return 1 if wrong else 0


def _measure_sections(
    sections: dict[str, Callable[[], Record]], report: Record, clock: Clock
) -> None:
    for name, measured in sections.items():
        clock.log(f"{name}")
        try:
            report[name] = measured()
        except Exception as error:  # the tables are worth printing without it
            report[name] = {"failed": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    sys.exit(main())
