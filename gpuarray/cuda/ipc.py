"""Device memory that several processes use.

In: a shape and a dtype, or a handle from another process. Out: an array, or a handle to send there.
The processes order their work themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_array
from gpuarray.array import Array
from gpuarray.cuda.dedicated import Block, array_in, block_of, dedicated_empty, finish
from gpuarray.cuda.raw_module import executor_of
from gpuarray.devices import device as find_device
from gpuarray.evaluation import evaluate
from gpuarray.graph.tape import needs_value, recordings

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["IpcHandle", "from_ipc_handle", "ipc_empty", "ipc_handle"]


@dataclass(frozen=True, slots=True)
class IpcHandle:
    """Memory of a process, for another one on the same machine; can be pickled.

    `handle` is the driver's, of the block that the elements lie in from byte `offset` on.
    """

    handle: bytes
    offset: int
    dtype: str
    shape: tuple[int, ...]
    device: str


def ipc_empty(
    shape: int | tuple[int, ...],
    dtype: npt.DTypeLike = np.float64,
    *,
    device: Device | str | None = None,
) -> Array:
    """An array in memory that other processes may open, with any values in it.

    As `managed_empty` gives one: kernels of one's own and `memcpy` write to it. Its memory is freed
    when this process lets go of it, whoever else has opened it.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : dtype, optional
        One of the standard's dtypes.
    device : Device or str, optional
        A CUDA device; None: the default device.

    Raises
    ------
    TypeError
        The device is no CUDA device.
    OutOfMemory
        The device has no such memory left.
    """
    return dedicated_empty("ipc_empty", shape, dtype, "exportable", device)


def ipc_handle(x: Array) -> IpcHandle:
    """A handle by which another process opens the memory of `x`; waits for the work that uses it.

    Parameters
    ----------
    x : Array
        Of `ipc_empty`.

    Raises
    ------
    TypeError
        `x` is no array, or on no CUDA device.
    ValueError
        `x` is in other memory, such as that of the pool.
    DeviceError
        The device or its system shares no memory between processes.
    """
    checked_array("ipc_handle", x)
    if recordings:
        needs_value("ipc_handle")
    runtime = executor_of("ipc_handle", x.device).runtime
    evaluate(x)
    node: Any = x._node
    block = block_of(x)
    if block is None or block.kind != "exportable" or not node.layout.contiguous:
        raise ValueError(
            "ipc_handle: x must be in memory of ipc_empty and row-major; memcpy() copies there"
        )
    handle: bytes = runtime.dedicated.export(block.pointer)
    finish(x, runtime)
    offset = node.buffer.pointer + node.offset - block.pointer
    return IpcHandle(handle, offset, x.dtype.str, x.shape, str(x.device))


def from_ipc_handle(handle: IpcHandle, device: Device | str | None = None) -> Array:
    """An array in the memory of another process, which has to keep it until this one lets go.

    What either process writes the other one reads: they tell each other, by whatever they have,
    when their work is done (`synchronize`).

    Parameters
    ----------
    handle : IpcHandle
        Of `ipc_handle` in another process on this machine.
    device : Device or str, optional
        The same device, where its number is another one in this process. None: of the same number.

    Raises
    ------
    TypeError
        It is no such handle, or the device no CUDA device.
    DeviceError
        The driver does not open it, for instance in the process that made it.
    """
    if not isinstance(handle, IpcHandle):
        raise TypeError(f"from_ipc_handle: needs an IpcHandle, got {type(handle).__name__}")
    if recordings:
        needs_value("from_ipc_handle")
    executor = executor_of(
        "from_ipc_handle", find_device(handle.device if device is None else device)
    )
    dtype = np.dtype(handle.dtype)
    nbytes = handle.offset + int(np.prod(handle.shape, dtype=np.int64)) * dtype.itemsize
    pointer = executor.runtime.dedicated.open_exported(handle.handle)
    block = Block(executor.runtime, pointer, nbytes, "opened")
    return array_in(block, handle.offset, dtype, handle.shape, executor)
