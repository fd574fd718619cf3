"""Products of matrices: how a pair of stacks becomes one call of cuBLAS, mostly without a copy.

In: operands with any strides. Out: their product, row-major. For cuBLAS, whose matrices are
column-major, a row-major matrix is its transpose, and C^T = B^T A^T is computed. What is planned
for a pair of layouts is kept.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpuarray.graph.node import contiguous_layout
from gpuarray.plugins import Operand
from gpuarray_cuda.buffer import CudaBuffer

from .copying import MOST_AXES, merged
from .integer_products import integer_product
from .matrices import address, contiguous, new_layout

if TYPE_CHECKING:
    from gpuarray.graph.node import Layout
    from gpuarray_cuda.executor import Executor

__all__ = ["matmul", "matmul_add", "matmul_scaled"]

# The smallest and the largest normal number of float32: others round to 0 or to infinity, or lose
# digits.
_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


class _Side(NamedTuple):
    """How an operand lies for cuBLAS: its rows or its columns contiguous, and their distance."""

    by_rows: bool
    distance: int


class _Plan(NamedTuple):
    """A call for two operands, both of which cuBLAS takes as they are.

    `axes` are those of the stack, as few as can be, with the strides of both operands.
    """

    layout: Layout
    a: _Side
    b: _Side
    m: int
    n: int
    k: int
    axes: tuple[tuple[int, ...], ...]


class _Direct(NamedTuple):
    """A `_Plan` of one call: what `Libraries.gemm` gets besides pointers and a stream.

    cuBLAS's first operand is the second of the product.
    """

    layout: Layout
    nbytes: int
    sizes: tuple[np.dtype[Any], bool, bool, int, int, int]
    lda: int
    stride_a: int
    ldb: int
    stride_b: int
    ldc: int
    stride_c: int
    batch: int


def matmul(executor: Executor, a: Operand, b: Operand) -> Operand:
    """The product of ``(..., m, k)`` and ``(..., k, n)``, of one dtype and stack."""
    direct = _direct(a.layout, b.layout)
    if direct is None:
        return _in_other_ways(executor, a, b)
    return _multiplied(executor, a, b, direct, 1.0)


def matmul_scaled(executor: Executor, a: Operand, b: Operand, scale: float) -> Operand | None:
    """``scale * (a @ b)`` by one call of a library, or None where there is none."""
    direct = _direct(a.layout, b.layout)
    if direct is None or (
        direct.sizes[0].itemsize == 4 and not _SMALLEST <= abs(scale) <= _LARGEST
    ):
        return None
    return _multiplied(executor, a, b, direct, scale)


def _multiplied(
    executor: Executor, a: Operand, b: Operand, direct: _Direct, scale: float
) -> Operand:
    stream = executor.stream
    layout, nbytes, sizes, lda, stride_a, ldb, stride_b, ldc, stride_c, batch = direct
    at_a, at_b = _address(a, stream), _address(b, stream)
    buffer = CudaBuffer(executor.device, executor.runtime, nbytes, stream)
    executor.runtime.libraries.gemm(
        *sizes, at_b, lda, stride_a, at_a, ldb, stride_b,
        buffer.pointer, ldc, stride_c, batch, stream, scale,
    )  # fmt: skip
    return Operand(buffer, 0, layout)


def matmul_add(executor: Executor, a: Operand, b: Operand, c: Operand) -> Operand | None:
    """``a @ b + c`` by one call of a library, or None where there is none for these layouts."""
    direct = _direct(a.layout, b.layout)
    distance = _addend(a.layout, b.layout, c.layout)
    if direct is None or distance is None:
        return None
    libraries, stream = executor.runtime.libraries, executor.stream
    layout, nbytes, sizes, lda, _, ldb, _, ldc, _, _ = direct
    if not libraries.adds(*sizes, lda, ldb, ldc, distance):
        return None
    at_a, at_b, at_c = _address(a, stream), _address(b, stream), _address(c, stream)
    buffer = CudaBuffer(executor.device, executor.runtime, nbytes, stream)
    libraries.gemm_add(*sizes, at_b, lda, at_a, ldb, buffer.pointer, ldc, at_c, distance, stream)
    return Operand(buffer, 0, layout)


@functools.lru_cache(maxsize=4096)
def _addend(a: Layout, b: Layout, c: Layout) -> int | None:
    """How far the rows of what is added are from each other, or None where no library takes it."""
    if len(a.shape) != 2 or min(a.alignment, b.alignment, c.alignment) < 16:
        return None
    down, along = c.strides
    n = c.shape[1]
    if along != 1 and n > 1:
        return None
    return 0 if down == 0 else (down if down >= n else None)


def _address(x: Operand, stream: int) -> int:
    """As `matrices.address`, in less time."""
    buffer: Any = x.buffer
    pointer: int = buffer.pointer if buffer.writer == stream else buffer.read_on(stream)
    return pointer + x.offset


def _in_other_ways(executor: Executor, a: Operand, b: Operand) -> Operand:
    """A product of integers, of what has to be copied first, or by arrays of pointers."""
    if a.layout.dtype.kind not in "fc":
        return _integers(executor, a, b)
    if _side(a.layout) is None:
        a = contiguous(executor, a)
    if _side(b.layout) is None:
        b = contiguous(executor, b)
    if _direct(a.layout, b.layout) is not None:
        return matmul(executor, a, b)
    plan = _plan(a.layout, b.layout)
    buffer = executor.allocate(plan.layout.nbytes)
    m, n, itemsize = plan.m, plan.n, plan.layout.dtype.itemsize
    count = math.prod(axis[0] for axis in plan.axes)
    products: Any = m * n * np.arange(count, dtype=np.int64)
    executor.runtime.libraries.gemm_pointers(
        *(plan.layout.dtype, not plan.b.by_rows, not plan.a.by_rows, n, m, plan.k),
        a=address(executor, b) + itemsize * _offsets(plan.axes, 2),
        lda=plan.b.distance,
        b=address(executor, a) + itemsize * _offsets(plan.axes, 1),
        ldb=plan.a.distance,
        c=buffer.pointer + itemsize * products,
        ldc=n,
        stream=executor.stream,
    )
    return Operand(buffer, 0, plan.layout)


def _integers(executor: Executor, a: Operand, b: Operand) -> Operand:
    strides = (a.layout.strides[:-2], b.layout.strides[:-2])
    if len(merged(a.layout.shape[:-2], *strides)) > MOST_AXES:
        a, b = contiguous(executor, a), contiguous(executor, b)
    layout = contiguous_layout(a.layout.dtype, (*a.layout.shape[:-1], b.layout.shape[-1]))
    buffer = executor.allocate(layout.nbytes)
    integer_product(
        *(executor, address(executor, a), a.layout, address(executor, b), b.layout),
        buffer.pointer,
    )
    return Operand(buffer, 0, layout)


@functools.lru_cache(maxsize=4096)
def _side(layout: Layout) -> _Side | None:
    """How cuBLAS takes the matrices of an operand, or None where it does not."""
    rows, columns = layout.shape[-2:]
    down, along = layout.strides[-2:]
    if layout.alignment < min(layout.dtype.itemsize, 16) or min(layout.strides) < 0:
        return None
    if (along == 1 or columns == 1) and (down >= columns or rows == 1):
        return _Side(True, down if rows > 1 else columns)
    if (down == 1 or rows == 1) and (along >= rows or columns == 1):
        return _Side(False, along if columns > 1 else rows)
    return None


@functools.lru_cache(maxsize=4096)
def _direct(a: Layout, b: Layout) -> _Direct | None:
    """How operands are multiplied as they are, in one call; None where they are not."""
    if a.dtype.kind not in "fc" or _side(a) is None or _side(b) is None:
        return None
    plan = _plan(a, b)
    if len(plan.axes) > 1:
        return None
    m, n = plan.m, plan.n
    batch, stride_a, stride_b = plan.axes[0] if plan.axes else (1, 0, 0)
    return _Direct(
        *(plan.layout, plan.layout.nbytes),
        (a.dtype, not plan.b.by_rows, not plan.a.by_rows, n, m, plan.k),
        *(plan.b.distance, stride_b, plan.a.distance, stride_a, n, m * n, batch),
    )


@functools.lru_cache(maxsize=4096)
def _plan(a: Layout, b: Layout) -> _Plan:
    side_a, side_b = _side(a), _side(b)
    assert side_a is not None and side_b is not None
    *stack, m, k = a.shape
    n = b.shape[-1]
    # In the order in which the stack lies in memory, so that it is one axis wherever it can be.
    steps = [max(pair) for pair in zip(a.strides[:-2], b.strides[:-2], strict=True)]
    order = sorted(range(len(stack)), key=lambda d: -steps[d])
    axes = tuple(
        (axis.extent, *axis.strides)
        for axis in merged(*([x[d] for d in order] for x in (stack, a.strides, b.strides)))
    )
    strides = [0] * len(stack) + [n, 1]
    distance = m * n
    for d in reversed(order):
        strides[d] = distance
        distance *= stack[d]
    layout = new_layout(a.dtype, (*stack, m, n), strides)
    if len(axes) == 1 and side_a.by_rows:
        batch, stride_a, stride_b = axes[0]
        # One matrix for the whole stack of row-major ones: these are one tall matrix, if their
        # rows follow each other. A stack of rows always is one.
        if stride_b == 0 and (stride_a == m * side_a.distance if m > 1 else stride_a >= k):
            side_a = _Side(True, stride_a // m)
            m, axes = batch * m, ()
    return _Plan(layout, side_a, side_b, m, n, k, axes)


def _offsets(axes: tuple[tuple[int, ...], ...], side: int) -> NDArray[np.int64]:
    """For each matrix of a stack, how far it is from the first, in elements."""
    found: NDArray[np.int64] = np.zeros(1, np.int64)
    for axis in axes:
        steps: Any = axis[side] * np.arange(axis[0], dtype=np.int64)
        found = np.add.outer(found, steps).reshape(-1)
    return found
