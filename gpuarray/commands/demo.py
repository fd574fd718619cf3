"""``python -m gpuarray demo``: three programs on a backend and on NumPy, side by side.

In: a backend's name, a size, a directory. Out: a table, a picture, and exit code 1 where results
differ. The same function runs with `numpy` and with `gpuarray` as its namespace; only what times
it here knows which is which.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import gpuarray
from gpuarray.commands.picture import save_png
from gpuarray.commands.programs import heat_flow, k_means, option_pricing
from gpuarray.devices import Device, default_device
from gpuarray.errors import BackendUnavailable
from gpuarray.plugins import Buffer, Task, hookimpl, register, unregister

__all__ = ["Measurement", "Work", "compare", "demo", "measure", "works"]

HostArray = np.ndarray[Any, Any]

RESULTS_DIFFER = 1
REPEATS = 3


class Size(NamedTuple):
    """How much the programs have to do."""

    markets: int
    cells: int
    steps: int
    points: int
    iterations: int


SIZES = {
    "small": Size(markets=10_000, cells=64, steps=20, points=2_000, iterations=3),
    "medium": Size(markets=500_000, cells=320, steps=240, points=60_000, iterations=8),
    "large": Size(markets=16_000_000, cells=2048, steps=300, points=2_000_000, iterations=10),
}


@dataclass(frozen=True, slots=True)
class Work:
    """A program with what it works on.

    Attributes
    ----------
    title
        The program and its size, for the table.
    run
        Called with a namespace and its arrays; returns a tuple of arrays.
    arguments
        The arrays, on the host.
    tolerance
        The largest difference from NumPy allowed, relative to the largest result.
    """

    title: str
    run: Callable[..., tuple[Any, ...]]
    arguments: tuple[HostArray, ...]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds of the first run (with planning and compilation) and of later ones, and results."""

    first: float
    time: float
    numpy_time: float
    kernels: int
    difference: float
    results: tuple[HostArray, ...]


def works(size: Size) -> list[Work]:
    """The three programs with their random arguments.

    The tolerances: each option takes about a hundred operations and each cell a few hundred steps
    of averaging, with a relative error of 1e-16 each, which leaves room for a device's `exp` and
    `log` to be an ulp off. A centre is a sum over all points, which a backend may add in another
    order; the error of a sum of n terms grows like the square root of n, at most like n.
    """
    return [
        Work(
            f"option pricing, {size.markets:,} markets",
            option_pricing.price,
            option_pricing.markets(size.markets),
            1e-12,
        ),
        Work(
            f"heat flow, {size.cells}x{size.cells}, {size.steps} steps",
            partial(_diffuse, steps=size.steps),
            (heat_flow.plate(size.cells),),
            1e-12,
        ),
        Work(
            f"k-means, {size.points:,} points, {size.iterations} rounds",
            partial(k_means.cluster, iterations=size.iterations),
            k_means.clouds(size.points),
            1e-10,
        ),
    ]


def _diffuse(xp: Any, temperature: Any, steps: int) -> tuple[Any, ...]:
    return (heat_flow.diffuse(xp, temperature, steps),)


def demo(backend: str | None, size: str, output: Path) -> int:
    """Run the programs, print the table, save the picture; 0, or 1 where results differ.

    Raises
    ------
    BackendUnavailable
        The backend cannot start, or none has that name.
    OSError
        The picture cannot be saved.
    """
    with ExitStack() as block:
        try:
            if backend is not None:
                block.enter_context(gpuarray.backend(backend))
            device = default_device()
        except ValueError as error:
            raise BackendUnavailable(str(error)) from error
        output.mkdir(parents=True, exist_ok=True)
        print(
            f"gpuarray {gpuarray.__version__}, backend {device.backend.name}, device {device}: "
            f"{device.hook.gpuarray_describe(device=device)}\n"
            f"compared with NumPy {np.__version__}, all in float64, median of {REPEATS} runs\n"
        )
        print(_HEAD)
        failed = []
        for work in works(SIZES[size]):
            found = measure(work, device)
            print(_row(work, found), flush=True)
            if not found.difference <= work.tolerance:
                failed.append((work, found))
            if work.title.startswith("heat flow"):
                save_png(output / "heat.png", found.results[0])
    print(f"\npicture of the plate: {output / 'heat.png'}")
    if device.backend.name == "numpy":
        print(_ON_NUMPY)
    for work, found in failed:
        print(
            f"gpuarray: {work.title}: differs from NumPy by {found.difference:.1e}, "
            f"allowed is {work.tolerance:.0e}",
            file=sys.stderr,
        )
    return RESULTS_DIFFER if failed else 0


def measure(work: Work, device: Device) -> Measurement:
    """Run `work` on a device and on NumPy, and compare."""
    arrays = [gpuarray.asarray(a, device=device) for a in work.arguments]

    def on_device() -> tuple[Any, ...]:
        results = work.run(gpuarray, *arrays)
        gpuarray.evaluate(*results)
        gpuarray.synchronize(device)
        return results

    def on_numpy() -> tuple[Any, ...]:
        return work.run(np, *work.arguments)

    with counted_tasks() as counter:
        first, _ = _timed(on_device)
    runs = [_timed(on_device) for _ in range(REPEATS)]
    numpy_runs = [_timed(on_numpy) for _ in range(REPEATS)]
    results = tuple(np.asarray(x.to_device("cpu")) for x in runs[-1][1])
    return Measurement(
        first=first,
        time=median(seconds for seconds, _ in runs),
        numpy_time=median(seconds for seconds, _ in numpy_runs),
        kernels=counter.tasks,
        difference=compare(results, numpy_runs[-1][1]),
        results=results,
    )


def _timed(run: Callable[[], tuple[Any, ...]]) -> tuple[float, tuple[Any, ...]]:
    start = perf_counter()
    results = run()
    return perf_counter() - start, results


def compare(results: tuple[HostArray, ...], expected: tuple[HostArray, ...]) -> float:
    """The largest difference between arrays, relative to the largest magnitude in each.

    Infinite where shapes or dtypes differ, NaN where a result has NaN.
    """
    worst = 0.0
    for a, b in zip(results, expected, strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            return float("inf")
        a, b = a.astype(np.float64), b.astype(np.float64)
        scale = float(np.max(np.abs(b))) or 1.0
        worst = float(np.maximum(worst, np.max(np.abs(a - b)) / scale))
    return worst


class TaskCounter:
    """A plugin that counts the tasks that backends run: an observer of one hook."""

    def __init__(self) -> None:
        self.tasks = 0

    @hookimpl(wrapper=True)
    def gpuarray_run(self, task: Task) -> Generator[None, list[Buffer], list[Buffer]]:
        """Count, and hand on what the backend answers."""
        buffers = yield
        self.tasks += 1
        return buffers


@contextmanager
def counted_tasks() -> Iterator[TaskCounter]:
    """A counter of the tasks that run within the block."""
    counter = TaskCounter()
    register(counter, name="gpuarray-demo-counter")
    try:
        yield counter
    finally:
        unregister("gpuarray-demo-counter")


_ON_NUMPY = """
The numpy backend is the reference: it interprets each kernel, one NumPy call for each operation in
it, so speed is not to be expected of it. `python -m gpuarray info` says whether this machine has a
GPU that gpuarray can use, and what is missing if not."""

_HEAD = (
    f"{'program':<42}{'first ms':>10}{'time ms':>10}{'NumPy ms':>10}{'speed-up':>10}"
    f"{'kernels':>9}{'difference':>12}"
)


def _row(work: Work, found: Measurement) -> str:
    return (
        f"{work.title:<42}{1e3 * found.first:>10.2f}{1e3 * found.time:>10.2f}"
        f"{1e3 * found.numpy_time:>10.2f}{found.numpy_time / found.time:>9.1f}x"
        f"{found.kernels:>9}{found.difference:>12.1e}"
    )
