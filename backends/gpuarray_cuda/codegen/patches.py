"""Patches: which elementwise kernels have each block compute a rectangle of two loop axes.

In: a program, and the extents of its loop. Out: a `Patch`, or None where runs of neighbouring
points along the innermost axis do as well. There are two reasons for patches. An operand that is
contiguous along another axis than the innermost one is read, or written, through a tile in shared
memory, by whole lines on both sides. And loads that are no vectors, unaligned or guarded or rolled
ones, are then spread over a warp in lines, while a row that several of them read, as in a stencil,
comes once from memory and then from the cache of the multiprocessor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from gpuarray.graph.program import Program, Step, Terms, operands
from gpuarray_cuda.codegen.elementwise import BLOCK
from gpuarray_cuda.codegen.interiors import Truths, middle
from gpuarray_cuda.codegen.vectors import vectors

__all__ = [
    "SUPER",
    "Patch",
    "blocks",
    "index_cone",
    "patch",
    "pitch",
    "rows_of_thread",
    "tile_roots",
]

# Elements of a side of a tile. A line is 64 elements long where that leaves a multiprocessor six
# blocks and more (4-byte elements: 16.6 KB, 8-byte ones: 33 KB), else 32.
_LARGE, _SMALL = 64, 32
_LARGE_TILES = 34 << 10
# What a kernel may have without asking the driver for more.
_SHARED = 48 << 10
# With more arrays than these the 16 rows of a thread in a large tile would take too many registers.
_LARGE_ACCESSES = 8
# Along a shorter axis most of a tile would be empty.
_SHORTEST = 16

# Without tiles: half a KiB of float32 in a row, and 8 rows for a thread, which share the 200
# instructions that find a patch (a point of a stencil takes 30). A halo adds an eighth, from the
# caches; with 16 rows the last blocks cost more (ten sweeps of Jacobi: 0.450, 0.425 ms, H200).
_WIDTH, _HEIGHT = 128, 16
_NARROWEST, _LOWEST = 64, 12

# Tiles of a square grid are taken in squares of so many a side, each followed by its mirror image:
# of ``x + x.T`` the second read of a tile then comes from the L2 cache.
SUPER = 4

_INDICES = frozenset({"affine", "idiv", "imod", "roll", "inside", "and", "not", "select"})


class Patch(NamedTuple):
    """A block computes `width` points along the innermost axis at `height` along axis `across`.

    `tiles` are the accesses that pass through shared memory; with any, the patch is a square.
    `middle` is what tests of indices give in most patches (see `interiors`).
    """

    across: int
    width: int
    height: int
    tiles: tuple[int, ...]
    middle: Truths = ()


def patch(step: Step) -> Patch | None:
    """The patch of the elementwise kernel of a step.

    Sizes count only as to whether extents are long enough, and for what is true in the middle.
    """
    program, shape = step.program, step.shape
    if program.kept < 2 or program.reduced or any(s.collides for s in program.stores):
        return None
    inner = program.kept - 1
    for across in reversed(_preferred(program)):
        if min(shape[across], shape[inner]) >= _SHORTEST:
            return _square(program, across)
    if shape[inner] < _NARROWEST or shape[inner - 1] < _LOWEST or not _is_scattered(program):
        return None
    return Patch(inner - 1, _WIDTH, _HEIGHT, (), middle(step))


def blocks(chosen: Patch, shape: tuple[int, ...]) -> int:
    """How many blocks compute all patches; some of a square grid's have nothing to do."""
    columns = -(-shape[-1] // chosen.width)
    rows = -(-shape[chosen.across] // chosen.height)
    if chosen.tiles and columns == rows:
        columns = rows = -(-rows // SUPER) * SUPER
    outer = math.prod(n for k, n in enumerate(shape[:-1]) if k != chosen.across)
    return outer * rows * columns


def rows_of_thread(chosen: Patch) -> int:
    """How many points of a column one thread computes."""
    return chosen.width * chosen.height // BLOCK


def pitch(side: int, itemsize: int) -> int:
    """Elements from line to line of a tile: an odd number of 4-byte banks, or of elements."""
    return side + max(4 // itemsize, 1)


def index_cone(program: Program, roots: Iterable[int]) -> list[int] | None:
    """The values that `roots` are computed from, in order; None if any is loaded or computed on."""
    body = program.body
    found: set[int] = set()
    pending = list(roots)
    while pending:
        value = pending.pop()
        if value in found:
            continue
        if body[value][0] not in _INDICES:
            return None
        found.add(value)
        pending += operands(body[value], program.accesses)
    return sorted(found)


def tile_roots(program: Program, number: int) -> list[int]:
    """The values that say where an access lies, and where it is made at all."""
    loads = [i for i in program.body if i[0] == "load" and i[2] == number]
    guards = [i[3] for i in loads if i[3] >= 0]
    return [*(v for v, _ in program.accesses[number].terms.values), *guards]


def _preferred(program: Program) -> list[int]:
    """The axes along which operands that the innermost one scatters are contiguous, best last."""
    count = [0] * (program.kept - 1)
    for number in range(len(program.accesses)):
        for axis in _transposed(program, number):
            count[axis] += 1
    found = [axis for axis, n in enumerate(count) if n]
    return sorted(found, key=lambda axis: (count[axis], axis))


def _square(program: Program, across: int) -> Patch:
    """A patch with a tile for each access that lies along `across`, as far as there is room."""
    candidates = [
        k for k in range(len(program.accesses)) if across in _transposed(program, k)
    ]  # fmt: skip
    sizes = [program.accesses[k].dtype.itemsize for k in candidates]

    def taken(side: int, count: int) -> int:
        return sum(side * pitch(side, n) * n for n in sizes[:count])

    few = len(program.accesses) <= _LARGE_ACCESSES
    side = _LARGE if few and taken(_LARGE, len(sizes)) <= _LARGE_TILES else _SMALL
    count = len(candidates)
    while taken(side, count) > _SHARED:
        count -= 1
    return Patch(across, side, side, tuple(candidates[:count]))


def _transposed(program: Program, number: int) -> list[int]:
    """The axes along which an access is contiguous, if the innermost one scatters it."""
    inner = program.kept - 1
    terms = program.accesses[number].terms
    if inner not in _axes(program, number) or _is_along(program, terms, inner):
        return []
    if index_cone(program, tile_roots(program, number)) is None:
        return []
    return [axis for axis in range(inner) if _is_along(program, terms, axis)]


def _is_along(program: Program, terms: Terms, axis: int) -> bool:
    """Whether a step along an axis is one element further, but for where a roll begins again."""
    found = [terms]
    while found:
        current = found.pop()
        if (axis, -1) in current.axes:
            return True
        for value, factor in current.values:
            instruction = program.body[value]
            if factor != -1:
                continue
            if instruction[0] in ("imod", "roll"):
                instruction = program.body[instruction[2]]
            if instruction[0] == "affine":
                found.append(instruction[2])
    return False


def _axes(program: Program, number: int) -> set[int]:
    """The loop axes on which the place of an access depends."""
    terms = [program.accesses[number].terms]
    pending = [v for v, _ in terms[0].values]
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        instruction = program.body[value]
        if instruction[0] == "affine":
            terms.append(instruction[2])
        elif instruction[0] == "load":
            terms.append(program.accesses[instruction[2]].terms)
        pending += operands(instruction, program.accesses)
    return {axis for term in terms for axis, _ in term.axes}


def _is_scattered(program: Program) -> bool:
    """Whether vectors along the innermost axis would have to gather most of what they load."""
    width, whole = vectors(program)
    if width == 1:
        return False
    loads = {i[2] for i in program.body if i[0] == "load"}
    inner = program.kept - 1
    scattered = [k for k in loads - whole if inner in _axes(program, k)]
    return len(scattered) > 0 and len(scattered) >= len(loads & whole)
