"""Which reductions give a thread several results, for which it reads what they share once.

In: a step whose rows a few threads fold, and how. Out: a `BlockShape`, or None where broadcasting
leaves nothing to share, or the results are too few. Only the program, its sizes and the number of
multiprocessors decide, and none of it changes the order in which a result is folded.
"""

from __future__ import annotations

import math

from gpuarray.graph.program import Reduction, result_dtype
from gpuarray.plugins import Program, Step
from gpuarray_cuda.codegen.blocked import BlockShape, dependences
from gpuarray_cuda.codegen.reduction_writer import Shape
from gpuarray_cuda.codegen.staged import RowShape, lanes_of

__all__ = ["block_shape", "column_blocks"]

# Words of four bytes that a thread's accumulators take, at most: sixteen sums of float32 in four
# lanes each.
_ACCUMULATED_WORDS = 64
# Results of a thread along two axes, or along one; the first that fit are taken.
_ALONG_TWO = ((4, 4), (4, 2), (2, 2))
_ALONG_ONE = ((8,), (4,), (2,))
_BESIDE_COLUMNS = (8, 4, 2)
# A program that reads something at each point anew is bound by that. What it shares has to be more
# than this many times as much.
_SHARED_LOADS = 2
# Results that a grid of whole blocks computes, at most, for each one that there is.
_MOST_WASTED = 1.5


def block_shape(step: Step, row: RowShape, multiprocessors: int) -> BlockShape | None:
    """How threads that fold rows as `row` says share blocks of them, if that is worth it."""
    program = step.program
    (stage,) = program.stages
    if any(fold.name == "squares" for fold in stage.reductions) or not row.held:
        return None
    if any(store.value < len(stage.body) for store in program.stores):
        return None
    candidates = _axes(program)
    for axes in (candidates[-2:], candidates[-1:]):
        counts = _ALONG_TWO if len(axes) == 2 else _ALONG_ONE
        for count in counts if axes else ():
            found = _fitted(step, row, tuple(sorted(axes)), count)
            if found is not None and found.blocks(step.shape, program.kept) >= multiprocessors:
                return found
    return None


def column_blocks(step: Step, shape: Shape, multiprocessors: int) -> Shape | None:
    """The shape of columns with several results of a thread along another axis, if worth it.

    Columns that are split over blocks stay split: then they are few.
    """
    program = step.program
    words = sum(_words(program, fold) for fold in program.reductions)
    span = shape.group * shape.width
    if any(fold.name == "squares" for fold in program.reductions):
        return None
    for axis in reversed(_axes(program)):
        if axis == program.kept - 1:
            continue
        extent = step.shape[axis]
        columns = math.prod(step.shape[: program.kept]) // extent
        for count in _BESIDE_COLUMNS:
            rows, tiles = -(-extent // count), -(-columns // span)
            computed = rows * count * tiles * span
            if (
                words * shape.width * count <= _ACCUMULATED_WORDS
                and computed <= _MOST_WASTED * extent * columns
                and (shape.split or rows * tiles >= multiprocessors)
            ):
                return shape._replace(beside=axis, count=count)
    return None


def _axes(program: Program) -> list[int]:
    """The kept axes along which loads are shared, best last; none where that is too little."""
    depends = dependences(program)
    moving = [
        found
        for instruction, found in zip(program.body, depends, strict=True)
        if instruction[0] == "load" and any(axis >= program.kept for axis in found)
    ]
    shared = {axis: sum(axis not in found for found in moving) for axis in range(program.kept)}
    axes = sorted((a for a in shared if shared[a]), key=lambda a: (shared[a], a))
    chosen = set(axes[-2:])
    anew = sum(chosen <= found for found in moving)
    return axes if len(moving) - anew > _SHARED_LOADS * anew else []


def _fitted(
    step: Step, row: RowShape, axes: tuple[int, ...], counts: tuple[int, ...]
) -> BlockShape | None:
    """A shape with so many results of a thread, if its accumulators and its blocks fit."""
    program = step.program
    words = sum(_words(program, fold) for fold in program.reductions)
    if words * lanes_of(row) * math.prod(counts) > _ACCUMULATED_WORDS:
        return None
    groups = row.block // row.group
    if len(axes) == 2:
        # As square as can be, or along the other axis where one is short.
        side = 1 << groups.bit_length() // 2
        side = min(side, _room(step.shape[axes[1]], counts[1]))
        down = min(groups // side, _room(step.shape[axes[0]], counts[0]))
        if down * side < groups:
            side = min(groups // down, _room(step.shape[axes[1]], counts[1]))
        sides: tuple[int, ...] = (down, side)
    else:
        sides = (groups,)
    if math.prod(sides) != groups:
        return None
    spans = [count * side for count, side in zip(counts, sides, strict=True)]
    computed = math.prod(-(-step.shape[a] // n) * n for a, n in zip(axes, spans, strict=True))
    if computed > _MOST_WASTED * math.prod(step.shape[a] for a in axes):
        return None
    capacity = row.group * row.width * row.vectors
    return BlockShape(
        row,
        axes,
        counts,
        sides,
        math.prod(step.shape[program.kept :]) == capacity,
        step.shape[axes[-1]] % counts[-1] == 0,
    )


def _words(program: Program, fold: Reduction) -> int:
    """Words of four bytes of an accumulator, with the index where it chooses one."""
    itemsize = result_dtype(program.body[fold.values[0]]).itemsize
    return max(itemsize, 4) // 4 + 2 * (len(fold.values) - 1)


def _room(extent: int, count: int) -> int:
    """Groups of threads along an axis, a power of two, that are not mostly idle."""
    return 1 << max(extent // count, 1).bit_length() - 1
