"""What gpuarray costs on the host of a real device: ``python -m benchmarks.host_costs``.

In: a CUDA device. Out: microseconds for each step. `benchmarks.overhead` measures the same
recording and flushing without a device.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import gpuarray as xp
from benchmarks.ours import Ours
from benchmarks.overhead import FLUSHED_OPERATIONS, RECORDED_OPERATIONS, chain

__all__ = ["host_costs"]

ELEMENTS = 1000
REPEATS = 300
# Fewer launches than the driver queues (1024), so that the host never waits for the device.
LAUNCHES = 500

FLUSHES = 100


class _LastLaunch:
    """Stands in for a runtime, and remembers the arguments of the last launch."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self.arguments: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def launch(self, *arguments: Any) -> None:
        self.arguments = arguments
        self._runtime.launch(*arguments)


def host_costs(ours: Ours) -> dict[str, str]:
    """Microseconds of the host for each step, the device running beside it."""
    device = ours.device
    x, y = (
        xp.asarray(np.linspace(0, 1, ELEMENTS, dtype=np.float32), device=device) for _ in range(2)
    )

    def recorded() -> float:
        start = perf_counter()
        pending = chain(x, y, RECORDED_OPERATIONS)
        seconds = perf_counter() - start
        del pending
        return seconds / RECORDED_OPERATIONS

    def flushed(operations: int) -> Callable[[], float]:
        def once() -> float:
            # Not one at a time: what the host does after it has waited runs with cold caches.
            seconds = []
            for _ in range(FLUSHES):
                pending = chain(x, y, operations)
                start = perf_counter()
                xp.evaluate(pending)
                seconds.append(perf_counter() - start)
            xp.synchronize(device)
            return median(seconds)

        return once

    runtime, stream = ours.executor.runtime, ours.executor.stream
    nbytes = 4 * ELEMENTS

    def allocated() -> float:
        start = perf_counter()
        for _ in range(LAUNCHES):
            runtime.free(runtime.allocate(nbytes, stream), nbytes, stream)
        return (perf_counter() - start) / LAUNCHES

    def hooked() -> float:
        allocate = ours.device.hook.gpuarray_allocate
        start = perf_counter()
        for _ in range(LAUNCHES):
            allocate(device=ours.device, nbytes=nbytes)
        return (perf_counter() - start) / LAUNCHES

    watched = _LastLaunch(runtime)
    ours.executor.runtime = watched  # type: ignore[assignment]
    try:
        result = x + y
        xp.evaluate(result)
    finally:
        ours.executor.runtime = runtime

    def launched() -> float:
        launch, arguments = runtime.launch, watched.arguments
        xp.synchronize(device)
        start = perf_counter()
        for _ in range(LAUNCHES):
            launch(*arguments)
        return (perf_counter() - start) / LAUNCHES

    large = 64 << 20

    def allocated_large() -> float:
        start = perf_counter()
        for _ in range(50):
            runtime.free(runtime.allocate(large, stream), large, stream)
        return (perf_counter() - start) / 50

    rows: list[tuple[str, Callable[[], float], int]] = [
        ("record an operation", recorded, REPEATS),
        ("flush 2 operations, cached, launch included", flushed(2), 20),
        (f"flush {FLUSHED_OPERATIONS} operations, cached", flushed(FLUSHED_OPERATIONS), 20),
        ("allocate and free 4 kB", allocated, 20),
        ("allocate and free 64 MiB", allocated_large, 20),
        ("allocate and free 4 kB through the hook, as a buffer", hooked, 20),
        ("launch x + y", launched, 20),
    ]
    costs = {}
    for name, once, repeats in rows:
        once()
        costs[name] = f"{1e6 * median(once() for _ in range(repeats)):.2f} us"
    return costs


if __name__ == "__main__":
    for name, cost in host_costs(Ours()).items():
        print(f"{name:<56}{cost:>12}")
