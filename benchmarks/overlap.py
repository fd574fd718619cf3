"""Copies beside kernels: data in pinned memory, processed in chunks on two streams.

``python -m benchmarks.overlap [--gib N]``: in, the default CUDA device. Out: the time of the copies
alone, of the kernels alone, and of both on two streams; a status of 1 if that takes more than 1.1
times the longer of the two, or the result is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

import gpuarray as xp
from benchmarks.ours import Ours
from gpuarray.cuda import Stream, copy_to_device, pinned_empty

__all__ = ["main"]

CHUNK = 16 << 20
PINNED_CHUNKS = 8
ALLOWED = 1.1
REPEATS = 3


def work(x: xp.Array, steps: int) -> xp.Array:
    """Some operations on each element, and their sum."""
    y = x
    for _ in range(steps):
        y = xp.sin(y) + x
    return xp.sum(y)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the times; 1 if the copies are not hidden, or a sum is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overlap", description=__doc__)
    parser.add_argument("--gib", type=float, default=8.0, help="how much is processed")
    parser.add_argument("--steps", type=int, default=60, help="operations on each element")
    options = parser.parse_args(arguments)
    ours = Ours()
    count = max(int(options.gib * 2**30 / 4 / CHUNK), 2)
    hosts = [pinned_empty(CHUNK, "float32") for _ in range(min(PINNED_CHUNKS, count))]
    generator = np.random.default_rng(1)
    for host in hosts:
        host[...] = generator.random(CHUNK, np.float32)
    streams = [Stream(), Stream()]
    on_device = ours.array(hosts[0])

    def copies() -> None:
        for k in range(count):
            copy_to_device(hosts[k % len(hosts)])

    def kernels() -> None:
        for _ in range(count):
            xp.evaluate(work(on_device, options.steps))

    sums: list[xp.Array] = []

    def both() -> None:
        sums.clear()
        for k in range(count):
            with streams[k % 2]:
                found = work(copy_to_device(hosts[k % len(hosts)]), options.steps)
                xp.evaluate(found)
                sums.append(found)

    times = {call.__name__: _best(call) for call in (copies, kernels, both)}
    ratio = times["both"] / max(times["copies"], times["kernels"])
    text = ", ".join(f"{name} {1e3 * seconds:.1f} ms" for name, seconds in times.items())
    print(f"{ours.device_name}, {count * CHUNK * 4 / 2**30:.2f} GiB in {count} chunks: {text}")
    rate = count * CHUNK * 4e-9 / times["copies"]
    print(f"both / the longer one: {ratio:.3f}; copies {rate:.1f} GB/s")
    expected = [float(work(ours.array(host), options.steps)) for host in hosts]
    wrong = [k for k, x in enumerate(sums) if float(x) != expected[k % len(hosts)]]
    if wrong:
        print(f"WRONG sums: {wrong}")
    return int(ratio > ALLOWED or bool(wrong))


def _best(call: Callable[[], None]) -> float:
    call()
    xp.synchronize()
    found = []
    for _ in range(REPEATS):
        start = perf_counter()
        call()
        xp.synchronize()
        found.append(perf_counter() - start)
    return min(found)


if __name__ == "__main__":
    sys.exit(main())
