"""Stacks of matrices as the libraries take and give them: packed, and column-major.

In: operands with any strides. Out: copies of them in memory of their own, and results as operands
whose layout says how the libraries left them, so that nothing is transposed a second time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpuarray.errors import DeviceError
from gpuarray.graph.node import contiguous_layout, contiguous_strides, intern_layout
from gpuarray.plugins import Operand
from gpuarray_cuda.buffer import CudaBuffer

from .copying import copy, copy_lower
from .kernels import clear_triangle

if TYPE_CHECKING:
    from gpuarray.graph.node import Layout
    from gpuarray_cuda.executor import Executor

__all__ = [
    "NOT_FINITE",
    "Stack",
    "address",
    "batched",
    "check",
    "contiguous",
    "failures",
    "info",
    "new_layout",
    "packed",
    "packed_lower",
    "raise_for",
    "real_of",
    "result",
    "rows_are_stored",
]

DType = np.dtype[Any]
Shape = tuple[int, ...]

NOT_FINITE = "has infinities or NaN, so that nothing converges"

# A batched routine gives each matrix a part of the device, a call for one matrix all of it. The
# first wins where there are many matrices, or these are small: then it is one kernel.
_SIZE_FOR_EACH_MATRIX = 128
_LARGEST_BATCHED = 1024
_ALWAYS_BATCHED = 32


class Stack(NamedTuple):
    """A stack of packed column-major matrices in a buffer of its own.

    `shape` is that of the stack, `matrices` how many there are. The matrices are ``(rows,
    columns)``, and `distance` elements apart, which is more than they have where a result will
    need the room.
    """

    buffer: CudaBuffer
    dtype: DType
    shape: Shape
    matrices: int
    rows: int
    columns: int
    distance: int

    @property
    def pointer(self) -> int:
        return self.buffer.pointer

    def matrix(self, k: int) -> int:
        """The address of matrix k."""
        return self.buffer.pointer + k * self.distance * self.dtype.itemsize

    def operand(self, rows: int, columns: int, transposed: bool = False) -> Operand:
        """The first rows and columns of each matrix, or of its transpose, as an operand."""
        strides = (self.rows, 1) if transposed else (1, self.rows)
        return result(self.buffer, self.dtype, self.shape, (rows, columns), strides, self.distance)


def address(executor: Executor, x: Operand) -> int:
    """The address of an operand's first element, for work on the calling thread's stream."""
    buffer: Any = x.buffer
    found: int = buffer.read_on(executor.stream) + x.offset
    return found


def result(
    buffer: CudaBuffer,
    dtype: DType,
    stack: Shape,
    shape: Shape = (),
    strides: Shape | None = None,
    distance: int | None = None,
) -> Operand:
    """An operand at the beginning of a buffer; contiguous, where nothing else is said."""
    if strides is None:
        strides = contiguous_strides(shape)
    if distance is None:
        distance = math.prod(shape)
    stack_strides = tuple(distance * s for s in contiguous_strides(stack))
    return Operand(buffer, 0, new_layout(dtype, (*stack, *shape), (*stack_strides, *strides)))


def new_layout(dtype: DType, shape: Shape, strides: Sequence[int]) -> Layout:
    """A layout in a new buffer. Axes of extent 1 get the strides of a contiguous array.

    So whatever is contiguous is recognised as that.
    """
    found = [1] * len(shape)
    for d in range(len(shape) - 1, -1, -1):
        if shape[d] > 1:
            found[d] = strides[d]
        elif d + 1 < len(shape):
            found[d] = found[d + 1] * shape[d + 1]
    return intern_layout(dtype, shape, tuple(found), 16)


def contiguous(executor: Executor, x: Operand) -> Operand:
    """A row-major copy of an operand."""
    layout = x.layout
    buffer = executor.allocate(layout.nbytes)
    copy(
        *(executor, layout.dtype, layout.shape, address(executor, x), layout.strides),
        *(buffer.pointer, contiguous_strides(layout.shape)),
    )
    return Operand(buffer, 0, contiguous_layout(layout.dtype, layout.shape))


def rows_are_stored(layout: Layout) -> bool:
    """Whether the rows of the matrices, rather than their columns, are nearer to contiguous."""
    down, along = layout.strides[-2:]
    return abs(along) <= abs(down)


def packed(
    executor: Executor, x: Operand, transposed: bool = False, room: int | None = None
) -> Stack:
    """A column-major copy of a stack of matrices, or of their transposes.

    `room` is for how many columns each matrix gets memory; as many as it has, unless given.
    """
    layout = x.layout
    *stack, rows, columns = layout.shape
    strides = layout.strides
    if transposed:
        rows, columns = columns, rows
        strides = (*strides[:-2], strides[-1], strides[-2])
    found = _new(executor, layout.dtype, tuple(stack), rows, columns, room)
    to = (*(found.distance * s for s in contiguous_strides(found.shape)), 1, rows)
    copy(
        *(executor, layout.dtype, (*stack, rows, columns), address(executor, x), strides),
        *(found.pointer, to),
    )
    return found


def packed_lower(executor: Executor, x: Operand, transposed: bool) -> Stack:
    """`packed` for square matrices, with zeros above the diagonals."""
    layout = x.layout
    *stack, rows, columns = layout.shape
    strides = layout.strides
    if transposed:
        strides = (*strides[:-2], strides[-1], strides[-2])
    found = _new(executor, layout.dtype, tuple(stack), rows, columns)
    source = address(executor, x)
    if copy_lower(executor, layout.dtype, layout.shape, source, strides, found.pointer):
        return found
    found = packed(executor, x, transposed)
    clear_triangle(
        *(executor, found.dtype, found.pointer, rows, rows, found.distance, found.matrices),
        upper=True,
    )
    return found


def _new(
    executor: Executor,
    dtype: DType,
    stack: Shape,
    rows: int,
    columns: int,
    room: int | None = None,
) -> Stack:
    count, distance = math.prod(stack), rows * (columns if room is None else room)
    buffer = executor.allocate(count * distance * dtype.itemsize)
    return Stack(buffer, dtype, stack, count, rows, columns, distance)


def batched(count: int, size: int) -> bool:
    """Whether a batched routine is the better one for `count` matrices of `size` rows."""
    if size <= _ALWAYS_BATCHED:
        return True
    return count > 1 and size <= min(count * _SIZE_FOR_EACH_MATRIX, _LARGEST_BATCHED)


def real_of(dtype: DType) -> DType:
    """The real dtype of the precision of `dtype`."""
    return np.empty(0, dtype).real.dtype


def info(executor: Executor, count: int) -> CudaBuffer:
    """An int32 for each matrix, zero."""
    buffer = executor.allocate(4 * count)
    executor.runtime.fill(buffer.pointer, 4 * count, executor.stream)
    return buffer


def check(executor: Executor, name: str, found: CudaBuffer, stack: Shape, problem: str) -> None:
    """Wait for `info`, and raise if a matrix has failed.

    Raises
    ------
    numpy.linalg.LinAlgError
        Naming the operation, the first matrix that failed, and the `problem`.
    """
    raise_for(name, failures(executor, name, found, stack), problem)


def failures(executor: Executor, name: str, found: CudaBuffer, stack: Shape) -> NDArray[np.bool_]:
    """Wait for `info`: which matrices have failed."""
    values = np.empty(stack, np.int32)
    executor.runtime.copy_out(values, found.pointer, executor.stream)
    if values.min() < 0:
        raise DeviceError(f"{name}: the library refused its argument {-values.min()}")
    failed: NDArray[np.bool_] = np.asarray(values != 0)
    return failed


def raise_for(name: str, failed: NDArray[np.bool_], problem: str) -> None:
    """Raise `numpy.linalg.LinAlgError` if there is one among `failed`, of the shape of a stack."""
    if not failed.any():
        return
    which = "the matrix"
    if failed.ndim:
        index = ", ".join(str(k) for k in np.argwhere(failed)[0])
        which = f"matrix [{index}] of the stack"
        others = int(failed.sum()) - 1
        if others:
            which += f" (and {others} more)"
    raise np.linalg.LinAlgError(f"{name}: {which} {problem}")
