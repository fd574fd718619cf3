"""The hooks of sorting, searching, scans and selections, answered with our own kernels.

In: operands on a device. Out: new ones, computed in the order of the calling thread's stream. The
host waits only where a result's size depends on values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.devices import Device
from gpuarray.graph.node import Layout, contiguous_layout
from gpuarray.plugins import Operand, Task, hookimpl
from gpuarray_cuda.compaction import distinct, selected
from gpuarray_cuda.contiguous import row_major
from gpuarray_cuda.joined_scans import scan_joined
from gpuarray_cuda.scanning import scanned
from gpuarray_cuda.searching import searched
from gpuarray_cuda.sorting.keys import Order
from gpuarray_cuda.sorting.rows import sorted_rows

if TYPE_CHECKING:
    from gpuarray_cuda.buffer import CudaBuffer
    from gpuarray_cuda.executor import Executor

__all__ = ["SortingHooks"]

DType = np.dtype[Any]

_INT64 = np.dtype(np.int64)


class SortingHooks:
    """Answers the hooks for a class that has the executors of devices."""

    executor: Callable[[Device], Executor]

    @hookimpl
    def gpuarray_sort(self, device: Device, x: Operand, descending: bool) -> list[Operand]:
        return self._sorted(device, x, Order(x.layout.dtype, descending, False), x.layout.dtype)

    @hookimpl
    def gpuarray_argsort(self, device: Device, x: Operand, descending: bool) -> list[Operand]:
        return self._sorted(device, x, Order(x.layout.dtype, descending, True), _INT64)

    def _sorted(self, device: Device, x: Operand, order: Order, dtype: DType) -> list[Operand]:
        executor = self.executor(device)
        source = row_major(executor, x)
        found = sorted_rows(executor, order, source.address, *_rows(x.layout))
        return _answer(executor, found, dtype, x.layout.shape, x)

    @hookimpl
    def gpuarray_searchsorted(
        self, device: Device, x: Operand, values: Operand, right: bool
    ) -> list[Operand]:
        executor = self.executor(device)
        elements, wanted = row_major(executor, x), row_major(executor, values)
        found = searched(
            executor,
            x.layout.dtype,
            right,
            *(elements.address, x.layout.shape[0]),
            *(wanted.address, math.prod(values.layout.shape)),
        )
        return _answer(executor, found, _INT64, values.layout.shape, x, values)

    @hookimpl
    def gpuarray_scan(self, device: Device, x: Operand, kind: str) -> list[Operand]:
        executor, dtype = self.executor(device), x.layout.dtype
        source = row_major(executor, x)
        found = executor.allocate(x.layout.nbytes)
        scanned(executor, dtype, kind, source.address, found.pointer, *_rows(x.layout))
        return _answer(executor, found, dtype, x.layout.shape, x)

    @hookimpl
    def gpuarray_scan_joined(
        self,
        device: Device,
        x: Operand | None,
        kind: str,
        layout: Layout,
        before: Task | None,
        after: Task | None,
        position: int,
    ) -> Operand | None:
        executor = self.executor(device)
        return scan_joined(executor, x, kind, layout, before, after, position)

    @hookimpl
    def gpuarray_unique(self, device: Device, x: Operand) -> list[Operand]:
        executor, dtype = self.executor(device), x.layout.dtype
        source = row_major(executor, x)
        (size,) = x.layout.shape
        ordered = sorted_rows(executor, Order(dtype, False, False), source.address, 1, size)
        found, count = distinct(executor, dtype, ordered.pointer, size)
        return _answer(executor, found, dtype, (count,), x)

    @hookimpl
    def gpuarray_select(self, device: Device, x: Operand, mask: Operand) -> list[Operand]:
        executor, dtype = self.executor(device), x.layout.dtype
        elements, flags = row_major(executor, x), row_major(executor, mask)
        size = math.prod(x.layout.shape)
        found, count = selected(executor, dtype, elements.address, flags.address, size)
        return _answer(executor, found, dtype, (count,), x, mask)


def _rows(layout: Layout) -> tuple[int, int]:
    """How many rows there are along the last axis, and their length."""
    *outer, size = layout.shape
    return math.prod(outer), size


def _answer(
    executor: Executor,
    found: CudaBuffer,
    dtype: DType,
    shape: tuple[int, ...],
    *operands: Operand,
) -> list[Operand]:
    """The one result, after the owners of foreign memory were made to wait for its reading."""
    if not all(x.buffer.exclusive for x in operands):
        executor.let_others_wait(executor.stream)
    return [Operand(found, 0, contiguous_layout(dtype, shape))]
