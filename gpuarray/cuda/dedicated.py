"""Arrays in memory that is not the pool's, and the blocks of such memory.

In: a shape, a dtype, a kind of memory. Out: an array whose buffer has the `Block` as its owner.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_shape
from gpuarray.array import Array
from gpuarray.cuda.raw_module import executor_of
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical
from gpuarray.graph.node import contiguous_layout, leaf
from gpuarray.graph.tape import needs_value, recordings

__all__ = ["Block", "array_in", "block_of", "dedicated_empty", "finish"]


class Block:
    """Memory of one call of the driver; given back when neither an array nor a view has it.

    `read_only` says whether nobody may write to it, as `interop.sharing` asks.
    """

    read_only = False

    def __init__(self, runtime: Any, pointer: int, nbytes: int, kind: str) -> None:
        self.pointer = pointer
        self.nbytes = nbytes
        self.kind = kind
        # At the interpreter's end the memory goes with the process.
        weakref.finalize(self, runtime.dedicated.free, pointer).atexit = False


def array_in(
    block: Block, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], executor: Any
) -> Array:
    """An array of a block's memory from a byte on, which nothing else is using now.

    Its buffer is not `exclusive`: the host, or another process, may write to it, so that an
    operation reads it when it is recorded.
    """
    from gpuarray_cuda.buffer import ForeignCudaBuffer

    layout = contiguous_layout(dtype, shape)
    device, runtime = executor.device, executor.runtime
    nbytes = max(layout.nbytes, 1)
    buffer = ForeignCudaBuffer(device, runtime, block.pointer + offset, nbytes, block)
    buffer.writer = executor.stream
    return Array(leaf(device, buffer, 0, layout))


def dedicated_empty(
    name: str, shape: int | tuple[int, ...], dtype: npt.DTypeLike, kind: str, device: Any
) -> Array:
    """An array in new memory of a kind, with any values in it."""
    if recordings:
        needs_value(name)
    extents = checked_shape(name, shape)
    wanted = canonical(dtype)
    executor = executor_of(name, find_device(device))
    nbytes = max(math.prod(extents) * wanted.itemsize, 1)
    pointer = executor.runtime.dedicated.allocate(nbytes, kind)
    block = Block(executor.runtime, pointer, nbytes, kind)
    return array_in(block, 0, np.dtype(wanted), extents, executor)


def block_of(x: Array) -> Block | None:
    """The block that an array in memory lies in; None where its memory is of another kind."""
    owner = getattr(x._node.buffer, "owner", None)
    return owner if isinstance(owner, Block) else None


def finish(x: Array, runtime: Any) -> None:
    """Wait until all work that uses the memory of `x` is done."""
    node: Any = x._node
    for stream in {node.buffer.writer, *(node.buffer.readers or ())}:
        runtime.synchronize(stream)
