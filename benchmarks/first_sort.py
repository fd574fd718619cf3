"""What the first sort of a process costs, without and with its kernels on disk, and what is said.

``python -m benchmarks.first_sort [--backend cuda]``. In: a device. Out: milliseconds of the first
sort, of `argsort` and of `unique_values` after it, in fresh processes with a cache directory of
their own, and what these wrote to standard error; a status of 1 where the first sort takes 50 ms or
more with a warm cache.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

import gpuarray as xp

__all__ = ["main"]

ELEMENTS = 1 << 24
WARM_RUNS = 3
TARGET_SECONDS = 0.05


def in_this_process(backend: str, elements: int) -> list[float]:
    """Seconds of the first calls, on an array that is there already."""
    seconds = []
    with xp.backend(backend):
        x = xp.asarray(np.random.default_rng(0).random(elements, dtype=np.float32))
        xp.evaluate(x + 1)
        xp.synchronize()
        for function in (xp.sort, xp.argsort, xp.unique_values):
            start = perf_counter()
            xp.evaluate(function(x))
            xp.synchronize()
            seconds.append(perf_counter() - start)
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_sort", description=__doc__)
    parser.add_argument("--backend", default="cuda", help="whose default device")
    parser.add_argument("--elements", type=int, default=ELEMENTS, help="float32 ones to sort")
    parser.add_argument("--here", action="store_true", help="in this process, seconds only")
    options = parser.parse_args(arguments)
    if options.here:
        print(*in_this_process(options.backend, options.elements))
        return 0

    command = [sys.executable, "-m", "benchmarks.first_sort", "--here"]
    command += ["--backend", options.backend, "--elements", str(options.elements)]
    runs: list[list[float]] = []
    with TemporaryDirectory() as directory:
        environment = {**os.environ, "GPUARRAY_CACHE_DIR": directory}
        for _ in range(1 + WARM_RUNS):
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            runs.append([float(part) for part in done.stdout.split()])
            if len(runs) == 1:
                said = done.stderr.replace(directory, "DIRECTORY").strip()
                print(f"said with an empty cache:\n{said or '(nothing)'}")
    warm = [median(times) for times in zip(*runs[1:], strict=True)]
    print(f"{'first call, milliseconds':<28}{'empty cache':>12}{'warm cache':>12}")
    for name, cold, again in zip(("sort", "argsort", "unique_values"), runs[0], warm, strict=True):
        print(f"{name:<28}{1e3 * cold:>12.1f}{1e3 * again:>12.1f}")
    return int(warm[0] >= TARGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
