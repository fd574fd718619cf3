"""Vectors: how many neighbouring elements a thread of an elementwise kernel moves at once.

In: a program without reductions. Out: the width, and the accesses that are whole vectors of it.
"""

from __future__ import annotations

from gpuarray.plugins import Program
from gpuarray_cuda.codegen.values import guarded

__all__ = ["vectors"]

# Vectors of 16 bytes cost registers: 24 arrays use 112 of them (NVRTC 13.5, sm_90), more spill.
_FULL_WIDTH_ACCESSES = 24
# Nor may the elements that a thread holds at once be more than this, however small they are.
_LOADED_LANES = 256


def vectors(program: Program) -> tuple[int, frozenset[int]]:
    """The width of the program's vectors along the innermost axis, and the accesses that are one.

    Where the width is 1, none is.
    """
    candidates = [k for k in range(len(program.accesses)) if _contiguous(program, k)]
    width = _width(program, candidates)
    if width == 1:
        return 1, frozenset()
    conditional = guarded(program)
    whole = (k for k in candidates if k not in conditional and _fits(program, k, width))
    return width, frozenset(whole)


def _contiguous(program: Program, number: int) -> bool:
    """Whether an access walks along the innermost axis in steps of one element."""
    terms = program.accesses[number].terms
    return not terms.values and (program.kept - 1, -1) in terms.axes


def _width(program: Program, candidates: list[int]) -> int:
    accesses = program.accesses
    if any(store.collides for store in program.stores) or program.kept == 0 or not candidates:
        return 1
    width = 16 // max(accesses[k].dtype.itemsize for k in candidates)
    if len(accesses) > _FULL_WIDTH_ACCESSES:
        width = min(width, 2)
    while width * len(accesses) > _LOADED_LANES:
        width //= 2
    width = min(width, program.divisors[0])
    aligned = [k for k in candidates if _fits(program, k, width)]
    stores = {store.access for store in program.stores}
    # Without a single wide access a vector would only scatter the threads' accesses.
    return width if aligned and stores & set(candidates) else 1


def _fits(program: Program, number: int, width: int) -> bool:
    access = program.accesses[number]
    return access.alignment >= min(width * access.dtype.itemsize, 16)
