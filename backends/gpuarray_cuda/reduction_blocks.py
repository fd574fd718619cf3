"""Which reductions give a thread several results, for which it reads what they share once.

In: a step whose rows a few threads fold, and how. Out: a `BlockShape`, or None where broadcasting
leaves nothing to share, or the results are too few. Only the program, its sizes and the number of
multiprocessors decide, and none of it changes the order in which a result is folded.
"""

from __future__ import annotations

import math

from gpuarray.graph.program import Reduction, operands, result_dtype
from gpuarray.plugins import Program, Step
from gpuarray_cuda.codegen.blocks import BlockShape, dependences
from gpuarray_cuda.codegen.reduction_writer import Shape
from gpuarray_cuda.codegen.row_points import RowShape, lanes_of

__all__ = ["block_shape", "column_blocks"]

# Words of four bytes that a thread keeps while it walks along its results, at most: what they
# share, and an accumulator for each lane of those that lie side by side.
_KEPT_WORDS = 80
# Results side by side, and results along the axis that a thread walks along; the first that fit.
_BESIDE = (4, 2)
_ALONG = (16, 8, 4, 2)
# Words of the accumulators of a thread's columns, and how many it has along another axis.
_ACCUMULATED_WORDS = 48
_SEVERAL = (8, 4, 2)
# Blocks for each multiprocessor, at least, that all have work for.
_BLOCKS = 2
# The folds of which a thread may have several results. Of `all`, `argmax` and `argmin` the others
# than the first were wrong on an H200, and not in the simulator (2026-11-26); the reason is not
# known yet. `any` was right, and is left out with them.
_FOLDS = frozenset({"sum", "prod", "max", "min"})
# A program that reads something at each point anew is bound by that. What it shares has to be more
# than this many times as much.
_SHARED_LOADS = 2
# Results that a grid of whole blocks computes, at most, for each one that there is.
_MOST_WASTED = 1.5


def block_shape(step: Step, row: RowShape, multiprocessors: int) -> BlockShape | None:
    """How threads that fold rows as `row` says share blocks of them, if that is worth it."""
    program = step.program
    if any(fold.name not in _FOLDS for fold in program.reductions) or not row.held:
        return None
    if any(store.value < len(program.body) for store in program.stores):
        return None
    candidates = _axes(program)
    if not candidates:
        return None
    least = multiprocessors * _BLOCKS
    tried = [
        (tuple(sorted(candidates[-2:])), (along, beside))
        for beside in (_BESIDE if len(candidates) > 1 else ())
        for along in _ALONG
    ] + [((candidates[-1],), (along,)) for along in _ALONG]
    for axes, counts in tried:
        if _kept_words(program, row, axes, counts) <= _KEPT_WORDS:
            found = _fitted(step, row, axes, counts)
            if found is not None and found.blocks(step.shape, program.kept) >= least:
                return found
    return None


def column_blocks(step: Step, shape: Shape, multiprocessors: int) -> Shape:
    """Columns, with several results of a thread along another axis where that is worth it."""
    program = step.program
    words = sum(_words(program, fold) for fold in program.reductions)
    span = shape.group * shape.width
    if any(fold.name not in _FOLDS for fold in program.reductions):
        return shape
    for axis in reversed(_axes(program)):
        if axis == program.kept - 1:
            continue
        extent = step.shape[axis]
        columns = math.prod(step.shape[: program.kept]) // extent
        for count in _SEVERAL:
            rows, blocks = -(-extent // count), -(-columns // span)
            computed = rows * count * blocks * span
            if (
                words * shape.width * count <= _ACCUMULATED_WORDS
                and computed <= _MOST_WASTED * extent * columns
                and (shape.split or rows * blocks >= multiprocessors * _BLOCKS)
            ):
                return shape._replace(beside=axis, several=count)
    return shape


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


def _kept_words(
    program: Program, row: RowShape, axes: tuple[int, ...], counts: tuple[int, ...]
) -> int:
    """What a thread keeps while it walks along the first of the axes, in words of four bytes."""
    depends = dependences(program)
    first, beside = axes[0], math.prod(counts[1:])
    named = {v for fold in program.reductions for v in fold.values}
    for instruction, found in zip(program.body, depends, strict=True):
        if first in found:
            named.update(operands(instruction, program.accesses))
    words = sum(_words(program, fold) for fold in program.reductions) * lanes_of(row) * beside
    for v in named:
        # An index is made anew rather than kept.
        moves = any(axis >= program.kept for axis in depends[v]) and program.body[v][0] != "affine"
        if moves and first not in depends[v]:
            points = row.width * row.vectors * (beside if axes[-1] in depends[v] else 1)
            words += points * max(result_dtype(program.body[v]).itemsize, 4) // 4
    return words


def _fitted(
    step: Step, row: RowShape, axes: tuple[int, ...], counts: tuple[int, ...]
) -> BlockShape | None:
    """A shape with so many results of a thread, if its blocks fit the results."""
    extents = [step.shape[axis] for axis in axes]
    groups = row.block // row.group
    if len(axes) == 2:
        # As square as can be, or along the other axis where one is short.
        side = min(1 << groups.bit_length() // 2, _room(extents[1], counts[1]))
        down = min(groups // side, _room(extents[0], counts[0]))
        sides: tuple[int, ...] = (down, min(groups // down, _room(extents[1], counts[1])))
    else:
        sides = (min(groups, _room(extents[0], counts[0])),)
    spans = [count * side for count, side in zip(counts, sides, strict=True)]
    computed = math.prod(-(-n // span) * span for n, span in zip(extents, spans, strict=True))
    if (
        math.prod(sides) != groups
        or any(n < count for n, count in zip(extents, counts, strict=True))
        or computed > _MOST_WASTED * math.prod(extents)
    ):
        return None
    return BlockShape(
        row,
        axes,
        counts,
        sides,
        math.prod(step.shape[step.program.kept :]) == row.group * row.width * row.vectors,
        len(axes) == 2 and extents[1] % counts[1] == 0,
    )


def _words(program: Program, fold: Reduction) -> int:
    """Words of four bytes of an accumulator, with the index where it chooses one."""
    itemsize = result_dtype(program.body[fold.values[0]]).itemsize
    return max(itemsize, 4) // 4 + 2 * (len(fold.values) - 1)


def _room(extent: int, count: int) -> int:
    """Groups of threads along an axis, a power of two, that are not mostly idle."""
    return 1 << max(extent // count, 1).bit_length() - 1
