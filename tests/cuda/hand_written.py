"""Runs hand-written kernels on the simulator: host arrays in, host arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuarray.plugins.manager import Backend
from gpuarray_cuda.buffer import CudaBuffer
from gpuarray_cuda.executor import Executor
from gpuarray_cuda.plugin import CudaBackend
from gpuarray_cuda.sorting.keys import Order
from gpuarray_cuda.sorting.rows import sorted_rows
from tests.simulator import SimulatedRuntime

__all__ = ["INTEGERS", "REALS", "Bench", "random_values", "reference"]

INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
REALS = ("float32", "float64")

HostArray = np.ndarray[Any, Any]


class Bench:
    """A simulated device with an executor."""

    def __init__(self, seed: int = 0) -> None:
        self.runtime = SimulatedRuntime(1, seed=seed)
        plugin = CudaBackend(self.runtime)
        self.device = Backend("cuda", plugin).devices[0]
        self.executor: Executor = plugin.executor(self.device)

    def put(self, host: HostArray) -> CudaBuffer:
        """The array on the device."""
        buffer = self.executor.allocate(host.nbytes)
        self.executor.runtime.copy_in(
            buffer.pointer, np.ascontiguousarray(host), self.executor.stream
        )
        return buffer

    def get(self, buffer: CudaBuffer, dtype: Any, shape: tuple[int, ...]) -> HostArray:
        """A buffer as an array on the host; it has just the bytes of it."""
        host = np.empty(shape, dtype)
        assert buffer.nbytes == host.nbytes
        self.executor.runtime.copy_out(host, buffer.pointer, self.executor.stream)
        return host

    def sorted(self, x: HostArray, descending: bool, positions: bool) -> HostArray:
        """Each row of the 2-d `x` sorted, or the positions that sort it."""
        buffer = self.put(x)
        order = Order(x.dtype, descending, positions)
        found = sorted_rows(self.executor, order, buffer.pointer, *x.shape)
        return self.get(found, np.int64 if positions else x.dtype, x.shape)


def random_values(dtype: str, shape: tuple[int, ...], seed: int = 0) -> HostArray:
    """Integers of the whole range; numbers with many zeros, infinities and NaNs of both signs."""
    random, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "b":
        return random.random(shape) < 0.5
    if kind.kind in "iu":
        bounds = np.iinfo(kind)
        return random.integers(bounds.min, bounds.max, shape, kind, endpoint=True)
    found = random.standard_normal(shape).astype(kind)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1.0, -1.0], kind)
    return np.where(random.random(shape) < 0.3, random.choice(special, shape), found)


def reference(x: HostArray, descending: bool) -> HostArray:
    """The positions that sort each row, NaN above all numbers, equal elements in order."""
    if not descending:
        return np.argsort(x, axis=-1, stable=True)
    backwards = np.argsort(x[:, ::-1], axis=-1, stable=True)
    return x.shape[1] - 1 - backwards[:, ::-1]
