"""Fourier transforms: how axes of a strided array become calls of cuFFT.

In: operands with any strides, and axes. Out: new operands, contiguous but for the order of their
axes, which is that of the input's strides: so a column-major array is transformed as it lies, into
a column-major one. One plan transforms up to three axes that follow each other in memory, for all
indices of one further axis; what remains is a loop of calls, unless that would be long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray.plugins import Operand

from .copying import Axis, copy, merged
from .interface import Transform
from .kernels import make_real_ends
from .matrices import address, new_layout, real_of

if TYPE_CHECKING:
    from gpuarray_cuda.buffer import CudaBuffer
    from gpuarray_cuda.executor import Executor

__all__ = ["complex_to_real", "complex_transform", "real_to_complex"]

DType = np.dtype[Any]
Shape = tuple[int, ...]

MOST_AXES_OF_A_PLAN = 3
# More calls than these for one plan, of less elements than these each, take longer than bringing
# the axes to the end first.
MOST_CALLS, ELEMENTS_OF_A_CALL = 8, 1 << 18


class _Data(NamedTuple):
    """Elements in device memory, as a plan reads or writes them; strides count elements."""

    pointer: int
    dtype: DType
    shape: Shape
    strides: Shape


class _New(NamedTuple):
    """A new array, contiguous in the order of its axes, slowest first."""

    buffer: CudaBuffer
    data: _Data
    order: Shape

    def operand(self) -> Operand:
        data = self.data
        return Operand(self.buffer, 0, new_layout(data.dtype, data.shape, data.strides))


def complex_transform(
    executor: Executor, x: Operand, axes: tuple[int, ...], inverse: bool
) -> Operand:
    """The transform of a complex `x` over `axes`, unnormalised."""
    layout = x.layout
    found = _new(executor, layout.dtype, layout.shape, _order(x, axes))
    _transform(executor, _data(executor, x), found, axes, inverse)
    return found.operand()


def real_to_complex(executor: Executor, x: Operand, axes: tuple[int, ...]) -> Operand:
    """The transform of a real `x`: over the last of `axes` first, to half its extent and one."""
    last, shape = axes[-1], x.layout.shape
    dtype = np.result_type(x.layout.dtype, np.complex64)
    order = _order(x, axes)
    halved = tuple(n // 2 + 1 if axis == last else n for axis, n in enumerate(shape))
    found = _new(executor, dtype, halved, order)
    source = _data(executor, x)
    together = _with_last(source, order, axes)
    if not _fits(source, found.data, together):
        # At the end, they are transformed in one call, which begins at an aligned address.
        order = tuple(sorted(order, key=lambda axis: (axis in axes, axis == last)))
        found = _new(executor, dtype, halved, order)
        copied = _new(executor, x.layout.dtype, shape, order)
        _copy(executor, source, copied.data)
        source = copied.data
        together = _with_last(source, order, axes)
    _run(executor, "R2C", source, found.data, together, False)
    rest = tuple(axis for axis in axes if axis not in together)
    if rest:
        _transform(executor, found.data, found, rest, False)
    return found.operand()


def complex_to_real(executor: Executor, x: Operand, axes: tuple[int, ...], size: int) -> Operand:
    """The inverse of `real_to_complex`, to `size` elements along the last of `axes`."""
    last, (dtype, shape) = axes[-1], (x.layout.dtype, x.layout.shape)
    order = _order(x, axes)
    at = order.index(last)
    if math.prod(shape[axis] for axis in order[:at]) > 1:
        # From the middle, calls would write to addresses that are not aligned for pairs.
        order = tuple(sorted(order, key=lambda axis: axis == last))
    # A copy, if it is not another transform: cuFFT overwrites what it makes real. And it does not
    # ignore the imaginary parts that would make the result complex.
    spectrum = _new(executor, dtype, shape, order)
    _transform(executor, _data(executor, x), spectrum, axes[:-1], True)
    in_order = tuple(shape[axis] for axis in order)
    pointer = spectrum.data.pointer
    make_real_ends(executor, dtype, pointer, in_order, order.index(last), size % 2 == 0)
    whole = tuple(size if axis == last else n for axis, n in enumerate(shape))
    found = _new(executor, real_of(dtype), whole, order)
    _run(executor, "C2R", spectrum.data, found.data, (last,), True)
    return found.operand()


def _transform(
    executor: Executor, source: _Data, found: _New, axes: Sequence[int], inverse: bool
) -> None:
    """Complex transforms over `axes`, from `source`, which may be `found` itself, to `found`."""
    groups = _groups(source.shape, found.order, axes)
    if source is not found.data and not (groups and _fits(source, found.data, groups[0])):
        _copy(executor, source, found.data)
        source = found.data
    for group in groups:
        _run(executor, "C2C", source, found.data, group, inverse)
        source = found.data


def _order(x: Operand, axes: Sequence[int]) -> Shape:
    """The axes of the result, slowest first: as in memory, or the transformed ones last."""
    shape, strides = x.layout.shape, x.layout.strides
    order = tuple(sorted(range(len(shape)), key=lambda axis: -abs(strides[axis])))
    size = math.prod(shape)
    for group in _groups(shape, order, axes):
        before = math.prod(shape[axis] for axis in order[: order.index(group[0])])
        after = size // math.prod(shape[axis] for axis in group) // before
        calls = min(before, after)
        if calls > MOST_CALLS and size // calls < ELEMENTS_OF_A_CALL:
            return tuple(sorted(order, key=lambda axis: axis in axes))
    return order


def _groups(shape: Shape, order: Shape, axes: Sequence[int]) -> list[Shape]:
    """The axes of each plan, in order, but those of extent 1; the fastest ones come first."""
    found: list[Shape] = []
    group: list[int] = []
    for axis in reversed([axis for axis in order if shape[axis] > 1]):
        if group and (axis not in axes or len(group) == MOST_AXES_OF_A_PLAN):
            found.append(tuple(group[::-1]))
            group = []
        if axis in axes:
            group.append(axis)
    return [*found, tuple(group[::-1])] if group else found


def _with_last(source: _Data, order: Shape, axes: tuple[int, ...]) -> Shape:
    """The last of `axes`, after those of the others that one plan can transform with it."""
    last = axes[-1]
    found: Shape = (last,)
    for axis in reversed(order[: order.index(last)]):
        if source.shape[axis] == 1:
            continue
        longer = (axis, *found)
        if axis not in axes or len(found) == MOST_AXES_OF_A_PLAN or not _nested(source, longer):
            break
        found = longer
    return found


def _nested(data: _Data, axes: Sequence[int]) -> bool:
    """Whether each axis steps over a whole number of elements of the next one, and over all."""
    strides = _strides(data, axes)
    return min(strides) > 0 and all(
        outer % inner == 0 and outer // inner >= data.shape[axis]
        for outer, inner, axis in zip(strides, strides[1:], axes[1:], strict=False)
    )


def _strides(data: _Data, axes: Sequence[int]) -> list[int]:
    """Those of `axes`; 1 for an axis of extent 1, whatever its own is."""
    return [data.strides[axis] if data.shape[axis] > 1 else 1 for axis in axes]


def _batches(source: _Data, result: _Data, axes: Sequence[int]) -> list[Axis]:
    """The other axes, as few as can be: the largest first, which a plan has for its batch."""
    others = [axis for axis in range(len(source.shape)) if axis not in axes]
    others.sort(key=lambda axis: -result.strides[axis])
    found = merged(
        [source.shape[axis] for axis in others],
        [source.strides[axis] for axis in others],
        [result.strides[axis] for axis in others],
    )
    return sorted(found, key=lambda axis: -axis.extent)


def _fits(source: _Data, result: _Data, axes: Sequence[int]) -> bool:
    """Whether cuFFT takes the source as it is, in few calls, or large ones."""
    batches = _batches(source, result, axes)
    if not _nested(source, axes) or any(axis.strides[0] <= 0 for axis in batches):
        return False
    # Of real elements, too, cuFFT wants pairs.
    pair = result.dtype.itemsize
    begins = [source.pointer, *(a.strides[0] * source.dtype.itemsize for a in batches[1:])]
    if any(begin % pair for begin in begins):
        return False
    calls = math.prod(axis.extent for axis in batches[1:])
    return calls <= MOST_CALLS or math.prod(source.shape) // calls >= ELEMENTS_OF_A_CALL


def _run(
    executor: Executor,
    kind: str,
    source: _Data,
    result: _Data,
    axes: Sequence[int],
    inverse: bool,
) -> None:
    """One plan, once for each index of the batches but the largest."""
    batch, *loops = _batches(source, result, axes) or [Axis(1, (0, 0))]
    sides = []
    for data, distance in zip((source, result), batch.strides, strict=True):
        strides = _strides(data, axes)
        steps = pairwise(strides)
        embed = (data.shape[axes[0]], *(outer // inner for outer, inner in steps))
        sides.append((embed, strides[-1], distance or strides[0] * embed[0]))
    real = result if kind == "C2R" else source
    plan = Transform(
        kind=kind,
        double=real_of(source.dtype).itemsize == 8,
        sizes=tuple(real.shape[axis] for axis in axes),
        source_embed=sides[0][0],
        source_stride=sides[0][1],
        source_distance=sides[0][2],
        result_embed=sides[1][0],
        result_stride=sides[1][1],
        result_distance=sides[1][2],
        batch=batch.extent,
    )
    libraries, stream = executor.runtime.libraries, executor.stream
    for index in product(*(range(axis.extent) for axis in loops)):
        offsets = [
            sum(i * axis.strides[side] for i, axis in zip(index, loops, strict=True))
            for side in (0, 1)
        ]
        libraries.transform(
            plan,
            source.pointer + offsets[0] * source.dtype.itemsize,
            result.pointer + offsets[1] * result.dtype.itemsize,
            inverse,
            stream,
        )


def _data(executor: Executor, x: Operand) -> _Data:
    layout = x.layout
    return _Data(address(executor, x), layout.dtype, layout.shape, layout.strides)


def _new(executor: Executor, dtype: DType, shape: Shape, order: Shape) -> _New:
    strides = [1] * len(shape)
    size = 1
    for axis in reversed(order):
        strides[axis] = size
        size *= shape[axis]
    buffer = executor.allocate(size * dtype.itemsize)
    return _New(buffer, _Data(buffer.pointer, dtype, shape, tuple(strides)), order)


def _copy(executor: Executor, source: _Data, destination: _Data) -> None:
    copy(
        *(executor, source.dtype, source.shape, source.pointer, source.strides),
        *(destination.pointer, destination.strides),
    )
