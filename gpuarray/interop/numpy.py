"""NumPy arrays in and out, moves between devices, and how arrays print.

In: an `Array`, or a `numpy.ndarray`. Out: the other one. Values that leave are copies: what NumPy
may write is never the memory of an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray import recording
from gpuarray.array import Array
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical
from gpuarray.graph import flush
from gpuarray.graph.node import (
    CAST,
    Layout,
    contiguous_layout,
    contiguous_strides,
    intern_layout,
    leaf,
)
from gpuarray.graph.tape import keep_constant, needs_value, recordings

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["as_array", "from_numpy", "move", "represent", "to_numpy", "unpickled"]

HostArray = np.ndarray[Any, Any]


def from_numpy(array: HostArray, device: Device) -> Array:
    """A copy of a NumPy array, of any strides and byte order, on a device."""
    dtype = canonical(array.dtype)
    shape = array.shape
    host = np.ascontiguousarray(array, dtype=dtype)
    buffer = device.hook.gpuarray_copy_in(device=device, array=host)
    if recordings:
        keep_constant(buffer)
    return Array(leaf(device, buffer, 0, contiguous_layout(dtype, shape)))


def to_numpy(x: Array, asked: str) -> HostArray:
    """A copy of the elements of `x` as a NumPy array; waits for them.

    Column-major and otherwise permuted arrays keep their order of memory. `asked` says which
    function wants to know, for the error within a function that is being compiled; "" is for
    checks, which change nothing.
    """
    if recordings and asked:
        needs_value(asked)
    flush.flush((x._node,))
    node = x._node
    if not _dense(node.layout):
        copy = recording.record(CAST, (node,), (node.dtype,), node.dtype, node.shape, node.device)
        return to_numpy(copy, asked)
    flat = np.empty(x.size, node.dtype)
    if x.size:
        node.device.hook.gpuarray_copy_out(
            device=node.device, buffer=node.buffer, offset=node.offset, array=flat
        )
    strides = tuple(s * node.dtype.itemsize for s in node.layout.strides)
    return np.ndarray(node.shape, node.dtype, flat.data, strides=strides if x.size else None)


def _dense(layout: Layout) -> bool:
    """Whether the elements fill a block of memory, in whatever order of axes."""
    if layout.contiguous or 0 in layout.shape:
        return True
    axes = sorted(
        (d for d, n in enumerate(layout.shape) if n != 1), key=lambda d: -layout.strides[d]
    )
    extents = tuple(layout.shape[d] for d in axes)
    return tuple(layout.strides[d] for d in axes) == contiguous_strides(extents)


def as_array(x: Array, dtype: Any, copy: bool | None) -> HostArray:
    """What `__array__` gives: a copy for an array in host memory, else `TypeError`."""
    if not is_host(x.device):
        raise TypeError(
            f"__array__: the array is on {str(x.device)!r}, and nothing is copied to the host "
            'unasked; use x.to_device("cpu")'
        )
    if copy is False:
        raise ValueError("__array__: copy=False: the elements can only be given as a copy")
    result = to_numpy(x, "__array__()")
    return result if dtype is None else result.astype(dtype, copy=False)


def unpickled(array: HostArray, device: str) -> Array:
    """An array from what its pickle holds, on the device of that name here."""
    return from_numpy(array, find_device(device))


def is_host(device: Device) -> bool:
    """Whether the device's memory is the host's."""
    return device.split(":")[0] == "cpu"


def move(x: Array, device: Any, stream: Any = None) -> Array:
    """`x` on another device, by a way of their backend's or else through host memory.

    `x` itself where it is there already.
    """
    if stream is not None:
        raise ValueError("to_device: stream: needs None, streams are ordered by themselves")
    target = find_device(device)
    if x.device is target:
        return x
    if x.device.backend is target.backend:
        found = _moved(x, target)
        if found is not None:
            return found
    return from_numpy(to_numpy(x, "to_device()"), target)


def _moved(x: Array, target: Device) -> Array | None:
    """`x` on another device of the same backend, where that has a way of its own."""
    if recordings:
        needs_value("to_device()")
    flush.flush((x._node,))
    node = x._node
    if not _dense(node.layout):
        copy = recording.record(CAST, (node,), (node.dtype,), node.dtype, node.shape, node.device)
        return _moved(copy, target)
    buffer = target.hook.gpuarray_copy_from(
        device=target, source=node.device, buffer=node.buffer, offset=node.offset,
        nbytes=node.layout.nbytes,
    )  # fmt: skip
    if buffer is None:
        return None
    return Array(
        leaf(target, buffer, 0, intern_layout(node.dtype, node.shape, node.layout.strides, 16))
    )


def represent(x: Array) -> str:
    """``Array([1., 2.], dtype=float64, device='cpu')``."""
    text = np.array2string(to_numpy(x, "repr()"), separator=", ", prefix="Array(")
    shape = f", shape={x.shape}" if x.size == 0 else ""
    return f"Array({text}{shape}, dtype={x.dtype}, device='{x.device}')"
