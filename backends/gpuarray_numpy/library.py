"""The library hooks of the NumPy backend: views of the operands, NumPy's functions, new buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpuarray.devices import Device
from gpuarray.graph.node import contiguous_layout
from gpuarray.operations.library import LIBRARY
from gpuarray.plugins import Buffer, Operand, hookimpl
from gpuarray_numpy.buffer import HostBuffer

__all__ = ["LibraryHooks"]

Store = Callable[[Device, np.ndarray[Any, Any]], Buffer]


class LibraryHooks:
    """Answers the hooks of library operations; `store` makes a buffer of an array."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _results(self, name: str, device: Device, /, **arguments: Any) -> list[Operand]:
        viewed = {k: _array(x) if isinstance(x, Operand) else x for k, x in arguments.items()}
        # Not ascontiguousarray, which gives a 0-dimensional array an axis.
        found = [np.asarray(x, order="C") for x in LIBRARY[name](**viewed)]
        return [
            Operand(self._store(device, x), 0, contiguous_layout(x.dtype, x.shape)) for x in found
        ]

    @hookimpl
    def gpuarray_matmul(self, device: Device, a: Operand, b: Operand) -> list[Operand]:
        return self._results("matmul", device, a=a, b=b)

    @hookimpl
    def gpuarray_sort(self, device: Device, x: Operand, descending: bool) -> list[Operand]:
        return self._results("sort", device, x=x, descending=descending)

    @hookimpl
    def gpuarray_argsort(self, device: Device, x: Operand, descending: bool) -> list[Operand]:
        return self._results("argsort", device, x=x, descending=descending)

    @hookimpl
    def gpuarray_searchsorted(
        self, device: Device, x: Operand, values: Operand, right: bool
    ) -> list[Operand]:
        return self._results("searchsorted", device, x=x, values=values, right=right)

    @hookimpl
    def gpuarray_scan(self, device: Device, x: Operand, kind: str) -> list[Operand]:
        return self._results("scan", device, x=x, kind=kind)

    @hookimpl
    def gpuarray_select(self, device: Device, x: Operand, mask: Operand) -> list[Operand]:
        return self._results("select", device, x=x, mask=mask)

    @hookimpl
    def gpuarray_unique(self, device: Device, x: Operand) -> list[Operand]:
        return self._results("unique", device, x=x)

    @hookimpl
    def gpuarray_fft(
        self, device: Device, x: Operand, axes: tuple[int, ...], inverse: bool
    ) -> list[Operand]:
        return self._results("fft", device, x=x, axes=axes, inverse=inverse)

    @hookimpl
    def gpuarray_rfft(self, device: Device, x: Operand, axes: tuple[int, ...]) -> list[Operand]:
        return self._results("rfft", device, x=x, axes=axes)

    @hookimpl
    def gpuarray_irfft(
        self, device: Device, x: Operand, axes: tuple[int, ...], size: int
    ) -> list[Operand]:
        return self._results("irfft", device, x=x, axes=axes, size=size)

    @hookimpl
    def gpuarray_cholesky(self, device: Device, a: Operand, upper: bool) -> list[Operand]:
        return self._results("cholesky", device, a=a, upper=upper)

    @hookimpl
    def gpuarray_qr(self, device: Device, a: Operand, complete: bool) -> list[Operand]:
        return self._results("qr", device, a=a, complete=complete)

    @hookimpl
    def gpuarray_svd(self, device: Device, a: Operand, full: bool) -> list[Operand]:
        return self._results("svd", device, a=a, full=full)

    @hookimpl
    def gpuarray_svdvals(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("svdvals", device, a=a)

    @hookimpl
    def gpuarray_eigh(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("eigh", device, a=a)

    @hookimpl
    def gpuarray_eigvalsh(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("eigvalsh", device, a=a)

    @hookimpl
    def gpuarray_eig(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("eig", device, a=a)

    @hookimpl
    def gpuarray_eigvals(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("eigvals", device, a=a)

    @hookimpl
    def gpuarray_solve(self, device: Device, a: Operand, b: Operand) -> list[Operand]:
        return self._results("solve", device, a=a, b=b)

    @hookimpl
    def gpuarray_inv(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("inv", device, a=a)

    @hookimpl
    def gpuarray_det(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("det", device, a=a)

    @hookimpl
    def gpuarray_slogdet(self, device: Device, a: Operand) -> list[Operand]:
        return self._results("slogdet", device, a=a)


def _array(x: Operand) -> np.ndarray[Any, Any]:
    """The operand as a NumPy array that shares its memory."""
    assert isinstance(x.buffer, HostBuffer)
    dtype = x.layout.dtype
    strides = tuple(s * dtype.itemsize for s in x.layout.strides)
    return np.ndarray(x.layout.shape, dtype, x.buffer.memory.data, x.offset, strides)
