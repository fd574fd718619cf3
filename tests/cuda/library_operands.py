"""Operands with any strides for library hooks, and their results as NumPy arrays.

In: NumPy arrays, views of any kind. Out: device memory that holds the same bytes, with the same
strides; and back.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

import gpuarray as xp
from gpuarray.devices import Device
from gpuarray.graph.node import intern_layout
from gpuarray.plugins import Operand
from gpuarray_cuda.plugin import use_runtime
from tests.simulator import SimulatedDeviceRuntime, simulated_runtime

__all__ = ["REAL", "Libraries", "libraries", "tolerance"]

Array = np.ndarray[Any, Any]
REAL = os.environ.get("GPUARRAY_TEST_DEVICE") == "cuda"
if not REAL:
    use_runtime(simulated_runtime())


def tolerance(dtype: Any, size: int = 1) -> float:
    """A hundred roundings for each of `size` operations that follow each other."""
    return 100 * size * float(np.finfo(dtype).eps)


class Libraries:
    """The hooks of one device, on NumPy arrays."""

    def __init__(self, device: Device, runtime: SimulatedDeviceRuntime | None) -> None:
        self.device = device
        self.runtime = runtime

    @property
    def calls(self) -> list[str]:
        """The library calls since the last time; none on a real device."""
        if self.runtime is None:
            return []
        found = list(self.runtime.libraries.calls)
        self.runtime.libraries.calls.clear()
        return found

    def operand(self, x: Array) -> Operand:
        """The bytes that a view spans, on the device, and how its elements lie among them."""
        low, high = byte_bounds(x)
        raw = np.frombuffer((ctypes.c_char * (high - low)).from_address(low), np.uint8).copy()
        buffer = self.device.hook.gpuarray_copy_in(device=self.device, array=raw)
        offset = x.ctypes.data - low
        alignment = min(offset & -offset, 16) if offset else 16
        strides = tuple(s // x.itemsize for s in x.strides)
        return Operand(buffer, offset, intern_layout(x.dtype, x.shape, strides, alignment))

    def array(self, x: Operand) -> Array:
        """The elements of an operand."""
        raw = np.empty(x.buffer.nbytes, np.uint8)
        self.device.hook.gpuarray_copy_out(device=self.device, buffer=x.buffer, offset=0, array=raw)
        layout = x.layout
        first = raw[x.offset :].view(layout.dtype)
        return as_strided(first, layout.shape, [s * layout.dtype.itemsize for s in layout.strides])

    def __call__(self, name: str, /, **arguments: Any) -> Any:
        """The results of a hook; operands must be as they were afterwards."""
        given = {
            key: self.operand(x) if isinstance(x, np.ndarray) else x for key, x in arguments.items()
        }
        hook = getattr(self.device.hook, f"gpuarray_{name}")
        found = [self.array(x) for x in hook(device=self.device, **given)]
        for key, x in arguments.items():
            if isinstance(x, np.ndarray):
                np.testing.assert_array_equal(self.array(given[key]), x)
        return found[0] if len(found) == 1 else found


@pytest.fixture
def libraries() -> Iterator[Libraries]:
    """The libraries of the device under test."""
    with xp.backend("cuda") as backend:
        device = backend.devices[0]
        runtime = None if REAL else simulated_runtime().open(0)
        yield Libraries(device, runtime)
