"""Memory that kernels and NumPy both use: managed, and mapped pinned memory.

In: a shape and a dtype. Out: an array on the device; `host_view` gives the same memory as a NumPy
array. Nothing is copied between the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_array
from gpuarray.array import Array
from gpuarray.cuda.dedicated import Block, block_of, dedicated_empty, finish
from gpuarray.cuda.raw_module import executor_of
from gpuarray.evaluation import evaluate
from gpuarray.graph.tape import needs_value, recordings

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["advise", "host_view", "managed_empty", "mapped_empty", "prefetch"]

Place = Literal["device", "host"]

# What may be said of managed memory, as the driver names it.
_ADVICE = {
    "read_mostly": "SET_READ_MOSTLY",
    "not_read_mostly": "UNSET_READ_MOSTLY",
    "preferred_location": "SET_PREFERRED_LOCATION",
    "no_preferred_location": "UNSET_PREFERRED_LOCATION",
    "accessed_by": "SET_ACCESSED_BY",
    "not_accessed_by": "UNSET_ACCESSED_BY",
}


def managed_empty(
    shape: int | tuple[int, ...],
    dtype: npt.DTypeLike = np.float64,
    *,
    device: Device | str | None = None,
) -> Array:
    """An array in managed memory, which moves to whoever uses it; with any values in it.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : dtype, optional
        One of the standard's dtypes.
    device : Device or str, optional
        A CUDA device; None: the default device.

    Returns
    -------
    Array
        Operations read it as any other array. Kernels of one's own and `memcpy` write to it;
        operations give new arrays, in memory of the pool.

    Raises
    ------
    TypeError
        The device is no CUDA device.
    OutOfMemory
        There is no such memory left.
    DeviceError
        The host must not touch managed memory of this device while it works.

    Notes
    -----
    `memory_info` does not count it.
    """
    return dedicated_empty("managed_empty", shape, dtype, "managed", device)


def mapped_empty(
    shape: int | tuple[int, ...],
    dtype: npt.DTypeLike = np.float64,
    *,
    device: Device | str | None = None,
) -> Array:
    """An array in pinned memory of the host, which kernels read and write over the bus.

    For what a kernel reads or writes once. Parameters, results and errors are those of
    `managed_empty`.
    """
    return dedicated_empty("mapped_empty", shape, dtype, "mapped", device)


class _HostMemory:
    """A block as NumPy takes it; kept alive by the view."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.__array_interface__ = {
            "data": (block.pointer, False),
            "shape": (block.nbytes,),
            "typestr": "|u1",
            "version": 3,
        }


def host_view(x: Array) -> np.ndarray[Any, Any]:
    """The memory of a managed or mapped array as a NumPy array; waits for the work that uses it.

    The host may read and write the view until the next operation or kernel that uses `x`; before
    it does so again, it asks for the view again, which waits. An operation reads `x` as it is when
    the operation is called.

    Parameters
    ----------
    x : Array
        Of `managed_empty` or `mapped_empty`.

    Returns
    -------
    ndarray
        The same shape and dtype. It keeps the memory alive.

    Raises
    ------
    TypeError
        `x` is no array, or on no CUDA device.
    ValueError
        `x` is in other memory.
    """
    buffer, block, runtime, _ = _host_visible("host_view", x, ("managed", "mapped"))
    node: Any = x._node
    finish(x, runtime)
    strides = tuple(s * x.dtype.itemsize for s in node.layout.strides)
    begin = buffer.pointer + node.offset - block.pointer
    memory: Any = np.asarray(_HostMemory(block))
    return np.ndarray(x.shape, x.dtype, buffer=memory, offset=begin, strides=strides)


def prefetch(x: Array, to: Place = "device") -> None:
    """Move the memory of a managed array, in the order of the current stream; not waited for.

    Parameters
    ----------
    x : Array
        Of `managed_empty`.
    to : {"device", "host"}
        Where it will be used next.

    Raises
    ------
    TypeError
        `x` is no array, or on no CUDA device.
    ValueError
        `x` is in other memory, or there is no such place.
    """
    buffer, _, runtime, stream = _host_visible("prefetch", x, ("managed",))
    on_host = _on_host("prefetch", "to", to)
    if x.size:
        buffer.read_on(stream)
        runtime.dedicated.prefetch(buffer.pointer, buffer.nbytes, on_host, stream)


def advise(x: Array, advice: str, place: Place = "device") -> None:
    """Tell the driver how a managed array will be used.

    Parameters
    ----------
    x : Array
        Of `managed_empty`.
    advice : str
        ``"read_mostly"``, ``"preferred_location"`` or ``"accessed_by"``; ``"not_read_mostly"``,
        ``"no_preferred_location"`` and ``"not_accessed_by"`` take it back.
    place : {"device", "host"}
        Which one prefers or accesses it.

    Raises
    ------
    TypeError
        `x` is no array, or on no CUDA device.
    ValueError
        `x` is in other memory, or there is no such advice or place.
    """
    buffer, _, runtime, _ = _host_visible("advise", x, ("managed",))
    if advice not in _ADVICE:
        raise ValueError(f"advise: advice must be one of {', '.join(_ADVICE)}, got {advice!r}")
    on_host = _on_host("advise", "place", place)
    if x.size:
        runtime.dedicated.advise(buffer.pointer, buffer.nbytes, _ADVICE[advice], on_host)


def _on_host(name: str, what: str, place: str) -> bool:
    if place not in ("device", "host"):
        raise ValueError(f'{name}: {what} must be "device" or "host", got {place!r}')
    return place == "host"


def _host_visible(name: str, x: Any, kinds: tuple[str, ...]) -> tuple[Any, Any, Any, int]:
    """The buffer of `x`, its block, the runtime and the current stream."""
    checked_array(name, x)
    if recordings:
        needs_value(name)
    executor = executor_of(name, x.device)
    evaluate(x)
    node: Any = x._node
    block = block_of(x)
    if block is None or block.kind not in kinds:
        made = " or ".join(f"{kind}_empty" for kind in kinds)
        raise ValueError(
            f"{name}: x must be in memory of {made}; results of operations are in memory of the "
            "pool"
        )
    return node.buffer, block, executor.runtime, executor.stream
