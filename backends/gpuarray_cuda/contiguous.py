"""Operands in row-major order, for kernels that take no strides.

In: an operand of any strides. Out: the address of its elements in row-major order, and the buffer
that holds them: its own, or that of a copy.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from gpuarray.graph.node import Layout, contiguous_strides
from gpuarray.plugins import Operand
from gpuarray_cuda.buffer import CudaBuffer
from gpuarray_cuda.executor import Executor
from gpuarray_cuda.libraries.copying import copy

__all__ = ["RowMajor", "row_major"]


class RowMajor(NamedTuple):
    """Where the elements are. The buffer has to be held until what reads it is launched."""

    buffer: CudaBuffer
    address: int


def row_major(executor: Executor, operand: Operand) -> RowMajor:
    """An operand for work on the calling thread's stream."""
    buffer, layout = cast(CudaBuffer, operand.buffer), operand.layout
    address = buffer.read_on(executor.stream) + operand.offset
    if _is_row_major(layout):
        return RowMajor(buffer, address)
    made = executor.allocate(layout.nbytes)
    strides = contiguous_strides(layout.shape)
    copy(
        executor,
        layout.dtype,
        layout.shape,
        address,
        layout.strides,
        made.pointer,
        strides,
    )
    return RowMajor(made, made.pointer)


def _is_row_major(layout: Layout) -> bool:
    if layout.contiguous:
        return True
    # The stride of an axis of extent 1 moves nothing.
    expected = contiguous_strides(layout.shape)
    return all(
        n == 1 or stride == wanted
        for n, stride, wanted in zip(layout.shape, layout.strides, expected, strict=True)
    )
