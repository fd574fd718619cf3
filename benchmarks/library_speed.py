"""Speed of matrix products, solvers and Fourier transforms beside CuPy, PyTorch and JAX.

``python -m benchmarks.library_speed [--peers cupy,torch,jax] [--only NAME,...] [--json FILE]``. In:
a CUDA device. Out: a table; a `!` marks results that are wrong by more than rounding. The targets
are an H200's, where there are any. It ends within 90 s.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import gpuarray
from benchmarks.environment import environment
from benchmarks.library_works import Work, works
from benchmarks.ours import Ours
from benchmarks.peers import CuPy, Jax, Peer, Torch
from benchmarks.timing import Clock, measure

__all__ = ["main"]

Array = np.ndarray[Any, Any]
Record = dict[str, Any]
# Batches of this many seconds, and how many of them are timed.
BATCH_SECONDS, REPEATS = 0.01, 7
# A target is the best time that another library was seen to take; clocks and hosts differ by this.
ALLOWANCE = 1.05


def namespace(peer: Peer) -> Any:
    """A library's functions under one set of names."""
    if isinstance(peer, Torch):
        torch = peer.torch
        return SimpleNamespace(
            matmul=torch.matmul,
            linalg=torch.linalg,
            fft=torch.fft,
            svdvals=torch.linalg.svdvals,
            fft_columns=lambda x: torch.fft.fft(x, dim=0),
        )
    xp = gpuarray if isinstance(peer, Ours) else peer.namespace
    return SimpleNamespace(
        matmul=xp.matmul,
        linalg=xp.linalg,
        fft=xp.fft,
        svdvals=xp.linalg.svdvals
        if isinstance(peer, Ours)
        else lambda a: xp.linalg.svd(a, compute_uv=False),
        fft_columns=lambda x: xp.fft.fft(x, axis=0),
    )


def bound(peer: Peer, work: Work) -> Callable[..., Any]:
    """A call of the operation, which starts it and does not wait."""
    xp, function = namespace(peer), work.function
    return peer.prepared(lambda *arrays: function(xp, *arrays), dynamic=False)


def run_one(peer: Peer, work: Work, host: Sequence[Array]) -> Record:
    """Check and time an operation on one library."""
    inputs = [peer.array(x) for x in host]
    call = bound(peer, work)
    found = call(*inputs)
    peer.wait(found)
    results = [peer.host(x) for x in (found if isinstance(found, tuple) else (found,))]
    kind = host[0].dtype
    rounding = float(np.finfo(kind).eps) if kind.kind in "fc" else 1.0
    error = work.error(host, results) / rounding
    del found, results
    timing = measure(lambda: call(*inputs), peer.wait, repeats=REPEATS, batch_seconds=BATCH_SECONDS)
    return {"seconds": timing.seconds, "roundings": error, "agrees": error <= work.bound}


def opened(names: Sequence[str], clock: Clock) -> list[Peer]:
    """The libraries that can be imported; the others are named in the log."""
    found: list[Peer] = []
    for name in names:
        clock.log(f"importing {name}")
        try:
            found.append({"cupy": CuPy, "torch": Torch, "jax": Jax}[name]())
        except Exception as error:
            clock.log(f"{name} is left out: {type(error).__name__}: {error}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.library_speed", description=__doc__)
    parser.add_argument("--peers", default="cupy,torch,jax", help="which; empty for none")
    parser.add_argument("--only", default="", help="names of operations, separated by commas")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    parser.add_argument("--seconds", type=float, default=80.0, help="start nothing new after")
    options = parser.parse_args(arguments)

    clock = Clock(options.seconds)
    chosen = [w for w in works() if not options.only or w.name in options.only.split(",")]
    ours = Ours()
    peers: list[Peer] = [ours, *opened([n for n in options.peers.split(",") if n], clock)]
    report: Record = {"environment": environment(ours, peers), "rows": []}
    for work in chosen:
        row: Record = {"name": work.name, "title": work.title, "target": work.milliseconds}
        report["rows"].append(row)
        if clock.left() < 0:
            row["omitted"] = True
            continue
        host = work.inputs()
        for peer in peers:
            clock.log(f"{work.name}: {peer.name}")
            try:
                row[peer.name] = run_one(peer, work, host)
            except Exception as error:  # one library's failure must not end the others' run
                row[peer.name] = {"failed": f"{type(error).__name__}: {error}"[:300]}
            peer.release()
        if options.json:
            options.json.write_text(json.dumps(report, indent=1))
    print()
    print(", ".join(f"{key} {value}" for key, value in report["environment"].items()))
    print(f"milliseconds, medians of {REPEATS} batches of at least {1e3 * BATCH_SECONDS:.0f} ms\n")
    print("\n".join(table(report["rows"], [peer.name for peer in peers])))
    failed = [
        row["name"]
        for row in report["rows"]
        if not row.get("omitted") and not row["gpuarray"].get("agrees", False)
    ]
    if failed:
        print(f"\ngpuarray failed or was wrong: {', '.join(failed)}")
    return 1 if failed else 0


def table(rows: Sequence[Record], names: Sequence[str]) -> list[str]:
    """A line for each operation, and one for each failure."""
    lines = [
        f"{'operation':<44}" + "".join(f"{name:>12}" for name in names) + "   /best  roundings"
    ]
    for row in rows:
        line = f"{row['title']:<44}"
        if row.get("omitted"):
            lines.append(line + "  out of time")
            continue
        for name in names:
            line += f"{_cell(row[name]):>12}"
        others = [row[n]["seconds"] for n in names if n != "gpuarray" and "seconds" in row[n]]
        ours = row["gpuarray"]
        if "seconds" in ours:
            ratio = f"{ours['seconds'] / min(others):.2f}" if others else ""
            line += f"{ratio:>8}{ours['roundings']:>11.2g}"
            if row["target"] is not None:
                most = ALLOWANCE * row["target"]
                reached = 1e3 * ours["seconds"] <= most
                line += f"  <= {most:.3g} ms {'reached' if reached else 'MISSED'}"
        lines.append(line)
        lines += [
            f"    {name}: {row[name]['failed'][:150]}" for name in names if "failed" in row[name]
        ]
    return lines


def _cell(record: Record) -> str:
    if "seconds" not in record:
        return "-"
    return f"{1e3 * record['seconds']:.3f}" + ("" if record["agrees"] else "!")


if __name__ == "__main__":
    sys.exit(main())
