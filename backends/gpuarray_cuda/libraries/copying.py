"""Copies of strided arrays on a device: whatever strides a library does not take are copied here.

In: an address and strides, in elements, of source and destination. Out: a copy, enqueued. Where one
side is contiguous along one axis and the other along another, tiles pass through shared memory, so
that both are read and written in whole lines.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray.graph.node import contiguous_strides
from gpuarray_cuda.codegen.values import C_NAMES
from gpuarray_cuda.kernel_source import constant, kernel_source, type_name

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["MOST_AXES", "Axis", "copy", "copy_lower", "merged", "padded"]

DType = np.dtype[Any]

BLOCK = 256
TILE = 32
# A kernel has room for the strides of so many.
MOST_AXES = 8
# Along a shorter axis most of a tile would be empty.
_SHORTEST_TILED = 16
_MOVED = {1: "u8", 2: "u16", 4: "u32", 8: "u64", 16: "c128"}


class Axis(NamedTuple):
    """An axis of several operands: its extent, and the stride of each, in elements."""

    extent: int
    strides: tuple[int, ...]


def merged(shape: Sequence[int], *strides: Sequence[int]) -> list[Axis]:
    """The axes of operands of one shape, as few as can be: those that follow each other are one.

    Axes of extent 1 are left out.

    >>> merged((2, 1, 3, 4), (12, 0, 4, 1), (3, 9, 1, 6))
    [Axis(extent=6, strides=(4, 1)), Axis(extent=4, strides=(1, 6))]
    """
    found: list[Axis] = []
    for axis in map(Axis, shape, zip(*strides, strict=True)):
        if axis.extent == 1:
            continue
        if found and all(
            outer == inner * axis.extent
            for outer, inner in zip(found[-1].strides, axis.strides, strict=True)
        ):
            axis = Axis(found.pop().extent * axis.extent, axis.strides)
        found.append(axis)
    return found


def copy(
    executor: Executor,
    dtype: DType,
    shape: Sequence[int],
    source: int,
    source_strides: Sequence[int],
    destination: int,
    destination_strides: Sequence[int],
    conjugate: bool = False,
) -> None:
    """Copy elements, on the stream of the calling thread; both addresses are of element 0.

    No two elements have one destination. With `conjugate`, complex numbers are conjugated, and
    source and destination may be the same.
    """
    plan = _plan(
        *(dtype, tuple(shape), tuple(source_strides), tuple(destination_strides)),
        conjugate and dtype.kind == "c",
    )
    if isinstance(plan, int):
        executor.runtime.copy(destination, source, plan, executor.stream)
    elif isinstance(plan, _Kernel):
        plan.launch(executor, source, destination)
    else:
        outer, *inner = plan
        for k in range(outer.extent):
            copy(
                *(executor, dtype, [axis.extent for axis in inner]),
                source + k * outer.strides[0] * dtype.itemsize,
                [axis.strides[0] for axis in inner],
                destination + k * outer.strides[1] * dtype.itemsize,
                [axis.strides[1] for axis in inner],
                conjugate,
            )


def copy_lower(
    executor: Executor,
    dtype: DType,
    shape: Sequence[int],
    source: int,
    source_strides: Sequence[int],
    destination: int,
) -> bool:
    """Copy the lower triangles of square matrices, column-major without gaps, and zeros above them.

    Returns whether it has: nothing is done where rows are not stored as such, or are short.
    """
    plan = _lower_plan(dtype, tuple(shape), tuple(source_strides))
    if plan is None:
        return False
    plan.launch(executor, source, destination)
    return True


class _Kernel(NamedTuple):
    """A copy by one kernel, ready but for the addresses, which come before `values`."""

    name: str
    text: str
    blocks: int
    values: tuple[int, ...]

    def launch(self, executor: Executor, source: int, destination: int) -> None:
        values = (source, destination, *self.values)
        kernel = executor.runtime.compile(self.text, self.name, "q" * len(values))
        executor.runtime.launch(kernel, self.blocks, BLOCK, 0, executor.stream, values)


@functools.lru_cache(maxsize=4096)
def _plan(
    dtype: DType,
    shape: tuple[int, ...],
    source_strides: tuple[int, ...],
    destination_strides: tuple[int, ...],
    conjugate: bool,
) -> int | _Kernel | list[Axis]:
    """Bytes to be copied as they lie, or a kernel, or more axes than a kernel has room for.

    Kept, since a copy is the first thing that a device gets to do in most calls, and waits for it.
    """
    # Slowest in the destination first, so that neighbouring threads write neighbours.
    order = sorted(range(len(shape)), key=lambda d: -abs(destination_strides[d]))
    axes = merged(
        *([values[d] for d in order] for values in (shape, source_strides, destination_strides))
    )
    size = math.prod(axis.extent for axis in axes)
    if not conjugate and (not axes or (len(axes) == 1 and axes[0].strides == (1, 1))):
        return size * dtype.itemsize
    if len(axes) > MOST_AXES:
        return axes
    element = C_NAMES[dtype] if conjugate else _MOVED[dtype.itemsize]
    tiled = _tiled_axes(axes)
    if tiled is not None:
        x, y = (axes[d] for d in tiled)
        others = [axis for d, axis in enumerate(axes) if d not in tiled]
        return _tiles(element, x, y, others, conjugate, lower=False)
    name = "copy_strided"
    constants = (
        type_name("INDEX", "u64" if size >= 1 << 31 else "u32"),
        constant("AXES", len(axes) or 1),
        constant("CONJUGATE", conjugate),
    )
    text = _source(name, element, constants)
    return _Kernel(f"gpuarray_{name}", text, -(-size // BLOCK), (size, *padded(axes)))


@functools.lru_cache(maxsize=1024)
def _lower_plan(dtype: DType, shape: tuple[int, ...], strides: tuple[int, ...]) -> _Kernel | None:
    *stack, rows, columns = shape
    matrix = rows * columns
    packed = [matrix * k for k in contiguous_strides(tuple(stack))]
    others = merged(stack, strides[:-2], packed)
    x, y = Axis(columns, (strides[-1], rows)), Axis(rows, (strides[-2], 1))
    tiled = rows >= _SHORTEST_TILED and 0 < abs(x.strides[0]) < abs(y.strides[0])
    if not tiled or len(others) > MOST_AXES:
        return None
    return _tiles(_MOVED[dtype.itemsize], x, y, others, conjugate=False, lower=True)


def _tiles(
    element: str, x: Axis, y: Axis, others: list[Axis], conjugate: bool, lower: bool
) -> _Kernel:
    name = "copy_tiles"
    constants = (
        constant("AXES", len(others)),
        constant("TILE", TILE),
        constant("CONJUGATE", conjugate),
        constant("LOWER", lower),
    )
    across, down = -(-x.extent // TILE), -(-y.extent // TILE)
    values = (
        *(x.extent, y.extent, x.strides[0], y.strides[0]),
        *(x.strides[1], y.strides[1], across, down, *padded(others)),
    )
    blocks = across * down * math.prod(axis.extent for axis in others)
    return _Kernel(f"gpuarray_{name}", _source(name, element, constants), blocks, values)


def padded(axes: list[Axis]) -> tuple[int, ...]:
    """Extents of axes and strides of two operands, as kernels take them: for `MOST_AXES` each."""
    missing = MOST_AXES - len(axes)
    return (
        *(*(axis.extent for axis in axes), *(missing * (1,))),
        *(*(axis.strides[0] for axis in axes), *(missing * (0,))),
        *(*(axis.strides[1] for axis in axes), *(missing * (0,))),
    )


def _tiled_axes(axes: list[Axis]) -> tuple[int, int] | None:
    """The axes along which source and destination are contiguous, where these are two."""
    if len(axes) < 2:
        return None
    x = min(range(len(axes)), key=lambda d: (abs(axes[d].strides[0]) or math.inf, -d))
    y = len(axes) - 1
    if x == y or min(axes[x].extent, axes[y].extent) < _SHORTEST_TILED:
        return None
    return x, y


def _source(name: str, element: str, constants: tuple[tuple[str, str], ...]) -> str:
    return kernel_source(name, (type_name("T", element), constant("BLOCK", BLOCK), *constants))
