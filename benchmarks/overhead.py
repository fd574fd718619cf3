"""What gpuarray costs on the host: recording, flushing and importing, against their targets.

In: nothing. Out: a table. No device is needed: a plugin answers for the backend's kernels at once,
so that what is left is ours. Run it as ``python -m benchmarks.overhead`` on an idle machine.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

import gpuarray as xp
from gpuarray import compiled
from gpuarray.plugins import Buffer, Task, hookimpl, register, unregister

ELEMENTS = 1000
REPEATS = 500
IMPORTS = 9

# Stays under the 300 operations at which a pending graph is flushed by itself.
RECORDED_OPERATIONS = 150
FLUSHED_OPERATIONS = 30

IMPORT_PROGRAM = """
from time import perf_counter
import numpy
start = perf_counter()
import gpuarray
print(perf_counter() - start)
"""


class InstantKernels:
    """Answers every task with one buffer that exists already, in no time and with no values."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer

    @hookimpl
    def gpuarray_run(self, task: Task) -> list[Buffer]:
        """The same buffer for each output."""
        return [self.buffer] * len(task.step.outputs)


def chain(x: xp.Array, y: xp.Array, operations: int) -> xp.Array:
    """`operations` recorded operations, in turn a product with a scalar and a sum of arrays."""
    for _ in range(operations // 2):
        x = x * 0.999 + y
    return x


def recording(x: xp.Array, y: xp.Array) -> float:
    """Seconds for each operation recorded."""

    def once() -> float:
        start = perf_counter()
        pending = chain(x, y, RECORDED_OPERATIONS)
        seconds = perf_counter() - start
        del pending
        return seconds / RECORDED_OPERATIONS

    return _median(once, REPEATS)


def flushing(x: xp.Array, y: xp.Array) -> float:
    """Seconds for the flush of a chain whose plan is cached."""

    def once() -> float:
        pending = chain(x, y, FLUSHED_OPERATIONS)
        start = perf_counter()
        xp.evaluate(pending)
        return perf_counter() - start

    return _median(once, REPEATS)


def importing() -> float:
    """Seconds that ``import gpuarray`` takes once NumPy is imported, in a process of its own."""
    with TemporaryDirectory() as compiled:
        # With bytecode, as installed packages have it, but none left in the checkout.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled

        def once() -> float:
            command = [sys.executable, "-c", IMPORT_PROGRAM]
            done = subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True
            )
            return float(done.stdout)

        return _median(once, IMPORTS)


def _median(once: Callable[[], float], repeats: int) -> float:
    once()
    return median(once() for _ in range(repeats))


def main() -> None:
    """Measure, and print the table."""
    with xp.backend("numpy") as backend:
        device = backend.devices[0]
        x, y = (xp.asarray(np.linspace(0.0, 1.0, ELEMENTS)) for _ in range(2))
        nbytes = ELEMENTS * x.itemsize
        buffer = device.hook.gpuarray_allocate(device=device, nbytes=nbytes)
        register(InstantKernels(buffer), name="instant-kernels", backend="numpy")
        try:
            rows = [
                ("record an operation, cached path", 1e6 * recording(x, y), "us", 2.0),
                (f"flush {FLUSHED_OPERATIONS} operations, warm", 1e6 * flushing(x, y), "us", 30.0),
            ]
        finally:
            unregister("instant-kernels")
    rows.append(("import gpuarray, after numpy", 1e3 * importing(), "ms", 60.0))
    print(
        f"gpuarray {xp.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{platform.machine()}, {'compiled' if compiled.in_use() else 'pure Python'}, medians\n"
    )
    print(f"{'work':<38}{'measured':>12}{'target':>12}")
    for title, value, unit, target in rows:
        verdict = "" if value < target else "  over"
        print(f"{title:<38}{value:>9.2f} {unit}{target:>9.0f} {unit}{verdict}")


if __name__ == "__main__":
    main()
