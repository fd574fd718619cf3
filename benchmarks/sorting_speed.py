"""Sorting, scans, selections and searches: our kernels beside CuPy, PyTorch and JAX.

``python -m benchmarks.sorting_speed [--only sort,scan] [--tune] [--kernels]``: in, the default CUDA
device. Out: a table of medians with the results compared with NumPy's, and a status of 1 if one of
ours is wrong. ``--kernels`` adds the time of each of our kernels, ``--tune`` what other shapes of
tiles would give (see `gpuarray_cuda.tuning`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import gpuarray
from benchmarks.ours import Ours
from benchmarks.peers import CuPy, Jax, Peer, Torch
from benchmarks.timing import Clock, Timing, measure
from gpuarray_cuda import tuning
from gpuarray_cuda.tuning import Tile

__all__ = ["main"]

MI = 1 << 20
REPEATS = 9
BATCH_SECONDS = 0.01

HostArray = np.ndarray[Any, Any]
Arrays = tuple[HostArray, ...]


@dataclass(frozen=True)
class Work:
    """One row of the table.

    Attributes
    ----------
    name
        As ``--only`` takes it, by its beginning.
    inputs
        Makes the inputs.
    ours, cupy, torch, jax
        What each library computes; the others get their library first, JAX's is compiled.
    reference
        NumPy's result.
    target
        Milliseconds on an H200; 0: none.
    dynamic
        Whether the shape of the result depends on values, which `jax.jit` cannot compile.
    """

    name: str
    inputs: Callable[[], Arrays]
    ours: Callable[..., Any]
    cupy: Callable[..., Any]
    torch: Callable[..., Any]
    jax: Callable[..., Any]
    reference: Callable[..., HostArray]
    target: float = 0.0
    dynamic: bool = False


def uniform(*shape: int) -> Callable[[], Arrays]:
    return lambda: (np.random.default_rng(1).random(shape, np.float32),)


def integers(low: int, high: int, dtype: str, *shape: int) -> Callable[[], Arrays]:
    return lambda: (np.random.default_rng(2).integers(low, high, shape, dtype),)


def with_mask(n: int) -> Callable[[], Arrays]:
    def made() -> Arrays:
        x = np.random.default_rng(3).random(n, np.float32)
        return x, x > 0.5

    return made


def sorting(name: str, inputs: Callable[[], Arrays], target: float = 0.0) -> Work:
    return Work(
        f"sort {name}",
        inputs,
        gpuarray.sort,
        lambda cupy, x: cupy.sort(x),
        lambda torch, x: torch.sort(x).values,
        lambda jax, x: jax.numpy.sort(x),
        lambda x: np.sort(x),
        target,
    )


def argsorting(name: str, inputs: Callable[[], Arrays], target: float = 0.0) -> Work:
    return Work(
        f"argsort {name}",
        inputs,
        gpuarray.argsort,
        lambda cupy, x: cupy.argsort(x),
        lambda torch, x: torch.argsort(x, stable=True),
        lambda jax, x: jax.numpy.argsort(x),
        lambda x: np.argsort(x, stable=True),
        target,
    )


def distinct(name: str, inputs: Callable[[], Arrays], target: float = 0.0) -> Work:
    return Work(
        f"unique {name}",
        inputs,
        gpuarray.unique_values,
        lambda cupy, x: cupy.unique(x),
        lambda torch, x: torch.unique(x),
        # Compiled, with the place that all distinct elements of any input would need.
        lambda jax, x: jax.numpy.unique(x, size=x.size),
        lambda x: np.unique(x),
        target,
    )


def scanned(x: gpuarray.Array) -> gpuarray.Array:
    """Started, not only recorded."""
    result = gpuarray.cumulative_sum(x, axis=-1)
    gpuarray.evaluate(result)
    return result


def scanning(name: str, inputs: Callable[[], Arrays], target: float = 0.0) -> Work:
    def reference(x: HostArray) -> HostArray:
        return np.cumsum(x, axis=-1, dtype="f8" if x.dtype.kind == "f" else x.dtype)

    return Work(
        f"scan {name}",
        inputs,
        scanned,
        lambda cupy, x: cupy.cumsum(x, axis=-1),
        lambda torch, x: torch.cumsum(x, -1),
        lambda jax, x: jax.numpy.cumsum(x, axis=-1),
        reference,
        target,
    )


def works(scale: float) -> list[Work]:
    """The rows; `scale` divides the sizes, to try them out."""

    def n(size: int) -> int:
        return max(int(size * scale), 8)

    full = (-(2**31), 2**31 - 1)
    return [
        sorting("16 Mi float32", uniform(n(16 * MI)), 0.505),
        argsorting("16 Mi float32", uniform(n(16 * MI)), 0.818),
        sorting("16384 x 1024 float32", uniform(n(16384), 1024), 0.55),
        distinct("16 Mi int32, full range", integers(*full, "i4", n(16 * MI)), 0.452),
        distinct("16 Mi int32, 0 to 999", integers(0, 1000, "i4", n(16 * MI)), 0.452),
        Work(
            "select 64 Mi float32, half",
            with_mask(n(64 * MI)),
            lambda x, mask: x[mask],
            lambda _, x, mask: x[mask],
            lambda _, x, mask: x[mask],
            lambda _, x, mask: x[mask],
            lambda x, mask: x[mask],
            0.535,
            dynamic=True,
        ),
        scanning("64 Mi float32", uniform(n(64 * MI)), 0.211),
        sorting("16 Mi int64", integers(-(2**63), 2**63 - 1, "i8", n(16 * MI))),
        sorting("16 Mi int64, 0 to 999", integers(0, 1000, "i8", n(16 * MI))),
        argsorting("16 Mi int64", integers(-(2**63), 2**63 - 1, "i8", n(16 * MI))),
        sorting("64 Mi uint8", integers(0, 256, "u1", n(64 * MI))),
        sorting("1 Mi float32", uniform(n(MI))),
        sorting("100 000 float32", uniform(n(100_000))),
        sorting("8192 float32", uniform(n(8192))),
        sorting("1000 float32", uniform(n(1000))),
        sorting("1 Mi x 16 float32", uniform(n(MI), 16)),
        sorting("131072 x 128 float32", uniform(n(131072), 128)),
        sorting("2048 x 8192 float32", uniform(n(2048), 8192)),
        sorting("128 x 131072 float32", uniform(n(128), 131072)),
        argsorting("16384 x 1024 float32", uniform(n(16384), 1024)),
        scanning("64 Mi int64", integers(-9, 9, "i8", n(64 * MI))),
        scanning("65536 x 1024 float32", uniform(n(65536), 1024)),
        scanning("1 Mi x 64 float32", uniform(n(MI), 64)),
        scanning("1000 float32", uniform(n(1000))),
        Work(
            "nonzero 64 Mi, half",
            with_mask(n(64 * MI)),
            lambda _, mask: gpuarray.nonzero(mask)[0],
            lambda cupy, _, mask: cupy.nonzero(mask)[0],
            lambda torch, _, mask: torch.nonzero(mask)[:, 0],
            lambda jax, _, mask: jax.numpy.nonzero(mask)[0],
            lambda _, mask: np.flatnonzero(mask),
            dynamic=True,
        ),
        Work(
            "search 16 Mi in 1 Mi float32",
            lambda: (np.sort(uniform(n(MI))()[0]), uniform(n(16 * MI))()[0]),
            gpuarray.searchsorted,
            lambda cupy, x, values: cupy.searchsorted(x, values),
            lambda torch, x, values: torch.searchsorted(x, values),
            lambda jax, x, values: jax.numpy.searchsorted(x, values),
            lambda x, values: np.searchsorted(x, values),
        ),
    ]


def agrees(found: HostArray, wanted: HostArray) -> bool:
    """Equal; floating-point scans of positive numbers to a millionth."""
    if wanted.dtype == found.dtype or wanted.dtype.kind != "f":
        return bool(np.array_equal(found, wanted))
    return bool(np.max(np.abs(found - wanted) / wanted) < 1e-6)


def timed(peer: Peer, call: Callable[[], Any]) -> Timing:
    return measure(call, peer.wait, repeats=REPEATS, batch_seconds=BATCH_SECONDS)


def shown(timing: Timing | None) -> str:
    if timing is None:
        return "-"
    milliseconds = 1e3 * timing.seconds
    return f"{1e3 * milliseconds:.1f} us" if milliseconds < 0.1 else f"{milliseconds:.3f} ms"


def compare(work: Work, ours: Ours, peers: Sequence[Peer], kernels: bool) -> bool:
    """Print a row; whether our result is right."""
    host = work.inputs()
    arrays = tuple(map(ours.array, host))
    right = agrees(ours.host(work.ours(*arrays)), work.reference(*host))
    timing = timed(ours, partial(work.ours, *arrays))
    cells = [shown(timing) + ("" if right else " WRONG")]
    for peer in peers:
        try:
            function = peer.prepared(partial(getattr(work, peer.name), peer.library), work.dynamic)
            operands = tuple(map(peer.array, host))
            cells.append(shown(timed(peer, partial(function, *operands))))
            del operands
        except Exception as error:
            cells.append(type(error).__name__)
        peer.release()
    target = ""
    if work.target:
        reached = 1e3 * timing.seconds <= work.target
        target = f"<= {work.target:g} ms {'reached' if reached else 'MISSED'}"
    print(f"{work.name:<32}" + "".join(f"{cell:>14}" for cell in cells) + f"  {target}", flush=True)
    if kernels:
        for line in each_kernel(ours, partial(work.ours, *arrays)):
            print(f"    {line}")
    ours.release()
    return right


def each_kernel(ours: Ours, call: Callable[[], Any]) -> list[str]:
    """The shortest of five times of each launch, less what a launch and waiting for it cost."""
    runtime: Any = ours.executor.runtime
    launch = runtime.launch
    runs: list[list[tuple[str, float]]] = []

    def waiting(kernel: Any, grid: int, block: int, shared: int, *rest: Any) -> None:
        runtime.synchronize()
        start = perf_counter()
        launch(kernel, grid, block, shared, *rest)
        runtime.synchronize()
        what = f"{kernel.name} {grid} x {block}, {shared} B, {kernel.registers} registers"
        runs[-1].append((what, perf_counter() - start))

    idle = min(_waiting_time(runtime) for _ in range(20))
    runtime.launch = waiting
    try:
        for _ in range(5):
            runs.append([])
            call()
    finally:
        runtime.launch = launch
    lines = []
    for k, (what, _) in enumerate(runs[0]):
        seconds = min(run[k][1] for run in runs if k < len(run))
        lines.append(f"{1e6 * (seconds - idle):8.1f} us  {what}")
    return lines


def _waiting_time(runtime: Any) -> float:
    start = perf_counter()
    runtime.synchronize()
    return perf_counter() - start


@contextmanager
def changed(name: str, value: Any) -> Iterator[None]:
    """Another value of a constant in `gpuarray_cuda.tuning`."""
    before = getattr(tuning, name)
    setattr(tuning, name, value)
    try:
        yield
    finally:
        setattr(tuning, name, before)


def variants() -> Iterator[tuple[str, str, Any]]:
    """A row of the table, a constant, and another value: for SORT_TILES a key and its value."""
    tiles = [(384, 22, 2), (384, 16, 3), (384, 20, 2), (384, 26, 2), (512, 16, 2), (512, 20, 1)]
    tiles += [(256, 16, 4), (256, 20, 3), (256, 24, 3), (256, 32, 2), (512, 24, 1), (1024, 16, 1)]
    for shape in tiles:
        yield "sort 16 Mi float32", "SORT_TILES", ((4, False), Tile(*shape))
    for shape in [*tiles[:8], (384, 18, 2), (384, 14, 2), (384, 12, 3), (256, 12, 4)]:
        yield "argsort 16 Mi float32", "SORT_TILES", ((4, True), Tile(*shape))
    for shape in [(384, 10, 2), (384, 12, 2), (384, 14, 2), (384, 16, 2), (256, 16, 3)]:
        yield "sort 16 Mi int64", "SORT_TILES", ((8, False), Tile(*shape))
    for window in (1, 2, 4, 6, 8):
        yield "sort 16 Mi float32", "SORT_WINDOW", window
    for shape in [(512, 8), (512, 16), (256, 8), (256, 16), (1024, 8)]:
        yield "sort 16 Mi float32", "HISTOGRAM", Tile(*shape)
    for blocks in (2, 4, 8, 16):
        yield "sort 16 Mi float32", "HISTOGRAM_BLOCKS", blocks
    for shape in [(64, 16), (128, 8), (256, 4)]:
        yield "sort 16384 x 1024 float32", "SORT_ROWS", [Tile(*shape)]
    for shape in [(512, 16), (256, 32), (1024, 8)]:
        yield "sort 2048 x 8192 float32", "SORT_ROWS", [Tile(*shape)]
    for nbytes in (64, 96, 128, 160, 192):
        yield "scan 64 Mi float32", "SCAN_BYTES", nbytes
    for resident in (1, 2, 3, 4, 5):
        yield "scan 64 Mi float32", "SCAN_RESIDENT", resident
    for block in (128, 256, 512):
        yield "scan 64 Mi float32", "SCAN_BLOCK", block
    for block in (128, 256, 512):
        yield "select 64 Mi float32, half", "COMPACT_BLOCK", block


def tune(rows: Sequence[Work], ours: Ours, clock: Clock) -> None:
    """Print what each variant takes; the kernels of each are compiled first."""
    inputs: dict[str, tuple[Any, ...]] = {}
    for row, name, value in variants():
        found = [work for work in rows if work.name == row]
        if not found or clock.left() < 0:
            continue
        work = found[0]
        if row not in inputs:
            inputs = {row: tuple(map(ours.array, work.inputs()))}
        arrays = inputs[row]
        wanted = {**tuning.SORT_TILES, value[0]: value[1]} if name == "SORT_TILES" else value
        with changed(name, wanted):
            try:
                cell = shown(timed(ours, partial(work.ours, *arrays)))
            except Exception as error:
                cell = f"{type(error).__name__}: {error}"[:60]
        what = value[1] if name == "SORT_TILES" else value
        print(f"{row:<28}{name:<18}{what!s:<44}{cell:>12}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sorting_speed", description=__doc__)
    parser.add_argument("--only", default="", help="beginnings of names, separated by commas")
    parser.add_argument("--peers", default="cupy,torch,jax", help="which; empty for none")
    parser.add_argument("--kernels", action="store_true", help="the time of each of our kernels")
    parser.add_argument("--tune", action="store_true", help="other tiles, in place of the table")
    parser.add_argument("--scale", type=float, default=1.0, help="of the sizes, to try it out")
    parser.add_argument("--seconds", type=float, default=55.0, help="start nothing new after")
    options = parser.parse_args(arguments)

    clock = Clock(options.seconds)
    beginnings = tuple(options.only.split(","))
    rows = [work for work in works(options.scale) if work.name.startswith(beginnings)]
    ours = Ours()
    if options.tune:
        tune(rows, ours, clock)
        return 0
    peers: list[Peer] = []
    for name, make in (("cupy", CuPy), ("torch", Torch), ("jax", Jax)):
        if name in options.peers.split(","):
            try:
                peers.append(make())
            except Exception as error:
                clock.log(f"{name} is left out: {type(error).__name__}: {error}")
    names = "".join(f"{name:>14}" for name in ("gpuarray", *(peer.name for peer in peers)))
    print(f"{ours.executor.runtime.properties.name}, medians of {REPEATS} batches")
    print(f"{'work':<32}{names}  target")
    right = True
    for work in rows:
        if clock.left() < 0:
            print(f"{work.name:<32}out of time")
            continue
        right &= compare(work, ours, peers, options.kernels)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
