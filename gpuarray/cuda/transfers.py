"""Pinned host memory, and copies that the host does not wait for.

In: shapes, or NumPy arrays in pinned memory. Out: such arrays, arrays on a device, and events. A
copy is work on the stream of the calling thread: it runs beside the kernels of other streams.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_array, checked_shape
from gpuarray.array import Array
from gpuarray.cuda.ownership import copied, layout_of
from gpuarray.cuda.raw_module import executor_of
from gpuarray.cuda.streams import Event
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical
from gpuarray.evaluation import evaluate
from gpuarray.graph.node import contiguous_layout, leaf
from gpuarray.graph.tape import needs_value, recordings

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["copy_to_device", "copy_to_host", "keep_until_done", "pinned_empty"]

HostArray = np.ndarray[Any, Any]

# Copies that may be under way, by device and stream, with the host arrays that they use. Those of
# one stream end in their order.
_under_way: dict[tuple[str, int], deque[tuple[Event, HostArray]]] = {}


def keep_until_done(executor: Any, stream: int, host: HostArray) -> Event:
    """Keep an array until all that is on a stream is done; the event that says so.

    Lets go of what other copies used and are done with, on every stream.
    """
    for copies in list(_under_way.values()):
        while copies:
            try:
                first = copies.popleft()  # before it is asked: another thread does the same
            except IndexError:
                break
            if not first[0].done:
                copies.appendleft(first)
                break
    runtime = executor.runtime
    event = Event(runtime, runtime.record_time(stream))
    _under_way.setdefault((executor.device, stream), deque()).append((event, host))
    return event


class _Pinned:
    """A block of pinned memory, as NumPy takes it; given back when no array has it."""

    def __init__(self, runtime: Any, nbytes: int) -> None:
        pointer: int = runtime.allocate_pinned(max(nbytes, 1))
        # At the interpreter's end the memory goes with the process.
        weakref.finalize(self, runtime.free_pinned, pointer).atexit = False
        self.__array_interface__ = {
            "data": (pointer, False),
            "shape": (nbytes,),
            "typestr": "|u1",
            "version": 3,
        }


def pinned_empty(
    shape: int | tuple[int, ...],
    dtype: npt.DTypeLike = np.float64,
    *,
    device: Device | str | None = None,
) -> HostArray:
    """A NumPy array in pinned memory, with any values in it.

    The device copies from and to it by itself, at the full rate of the bus. It is dear to make, and
    takes memory from the rest of the machine: make a few, and use them again.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : dtype, optional
        One of the standard's dtypes.
    device : Device or str, optional
        A CUDA device; None: the default device. The memory serves all of them.

    Raises
    ------
    TypeError
        The device is no CUDA device.
    OutOfMemory
        The host has no memory that can be pinned.
    """
    extents = checked_shape("pinned_empty", shape)
    wanted = canonical(dtype)
    runtime = executor_of("pinned_empty", find_device(device)).runtime
    size = math.prod(extents)
    block = np.asarray(_Pinned(runtime, size * wanted.itemsize))
    return block.view(wanted).reshape(extents)


def copy_to_device(host: HostArray, *, device: Device | str | None = None) -> Array:
    """An array with the values of one in pinned memory; the host does not wait for the copy.

    Until the copy is done (an event of the stream says so), `host` must not be changed.

    Parameters
    ----------
    host : ndarray
        C-contiguous, in pinned memory, of one of the standard's dtypes.
    device : Device or str, optional
        A CUDA device; None: the default device.

    Returns
    -------
    Array
        The same shape and dtype. What uses it comes after the copy, on any stream.

    Raises
    ------
    TypeError
        `host` is no NumPy array, or the device no CUDA device.
    ValueError
        `host` is not contiguous, or not in pinned memory.
    """
    if recordings:
        needs_value("copy_to_device")
    found = find_device(device)
    executor = executor_of("copy_to_device", found)
    _check("copy_to_device", "host", host, executor.runtime)
    dtype = canonical(host.dtype)
    made = executor.allocate(host.nbytes)
    if host.nbytes:
        executor.runtime.copy_in_later(made.pointer, host, executor.stream)
        keep_until_done(executor, executor.stream, host)
    return Array(leaf(found, made, 0, contiguous_layout(dtype, host.shape)))


def copy_to_host(x: Array, out: HostArray) -> Event:
    """Fill an array in pinned memory from one on a device; the host does not wait for the copy.

    Parameters
    ----------
    x : Array
        On a CUDA device.
    out : ndarray
        C-contiguous and writable, in pinned memory, of the same shape and dtype.

    Returns
    -------
    Event
        When `out` is filled.

    Raises
    ------
    TypeError
        An argument is of another type, or the device no CUDA device.
    ValueError
        `out` has another shape or dtype, or is not such memory.
    """
    checked_array("copy_to_host", x)
    if recordings:
        needs_value("copy_to_host")
    executor = executor_of("copy_to_host", x.device)
    _check("copy_to_host", "out", out, executor.runtime)
    if out.shape != x.shape or out.dtype != x.dtype or not out.flags.writeable:
        raise ValueError(
            f"copy_to_host: out must be writable, {x.dtype} of shape {x.shape}, got {out.dtype} of "
            f"shape {out.shape}"
        )
    evaluate(x)
    source = x if layout_of(x).contiguous else copied(x, executor)
    node: Any = source._node
    stream = executor.stream
    if out.nbytes:
        address = node.buffer.read_on(stream) + node.offset
        executor.runtime.copy_out_later(out, address, stream)
    return keep_until_done(executor, stream, out)


def _check(name: str, what: str, host: Any, runtime: Any) -> None:
    if not isinstance(host, np.ndarray):
        raise TypeError(f"{name}: {what} must be a NumPy array, got {type(host).__name__}")
    if not host.flags.c_contiguous:
        raise ValueError(f"{name}: {what} must be C-contiguous")
    if host.nbytes and not runtime.is_pinned(int(host.ctypes.data)):
        raise ValueError(
            f"{name}: {what} must be in pinned memory, such as pinned_empty makes; asarray() "
            "copies from any"
        )
