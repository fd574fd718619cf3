"""Blocks: how threads that have several results of a reduction divide them.

In: a program. Out: a `BlockShape` says how threads lie, `dependences` what results share.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gpuarray.graph.program import operands
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.row_points import RowShape

__all__ = ["BlockShape", "dependences"]


class BlockShape(NamedTuple):
    """How threads divide blocks of results; everything else is an argument of the kernel.

    Attributes
    ----------
    row
        How a row is folded.
    axes
        The kept axes along which a thread has several results, one or two, in order. It walks along
        the first, and has those along the second side by side.
    counts
        How many it has along each.
    groups
        How many groups of threads lie along each in a block.
    whole
        Whether the threads of a group have no more points than a row has.
    even
        Whether the extent of the second axis is a multiple of a thread's results along it.
    """

    row: RowShape
    axes: tuple[int, ...]
    counts: tuple[int, ...]
    groups: tuple[int, ...]
    whole: bool
    even: bool

    @property
    def block(self) -> int:
        """Threads of a block."""
        return self.row.group * math.prod(self.groups)

    def blocks(self, shape: tuple[int, ...], kept: int) -> int:
        """Blocks of the grid, for these extents of the loop."""
        outer = math.prod(n for k, n in enumerate(shape[:kept]) if k not in self.axes)
        sizes = zip(self.axes, self.counts, self.groups, strict=True)
        return outer * math.prod(-(-shape[k] // (count * groups)) for k, count, groups in sizes)


def dependences(program: Program) -> list[frozenset[int]]:
    """For each value of the first body, the loop axes on which it depends."""
    found: list[frozenset[int]] = []
    for instruction in program.body:
        axes: set[int] = set()
        if instruction[0] == "load":
            axes.update(a for a, _ in program.accesses[instruction[2]].terms.axes)
        elif instruction[0] == "affine":
            axes.update(a for a, _ in instruction[2].axes)
        for v in operands(instruction, program.accesses):
            axes |= found[v]
        found.append(frozenset(axes))
    return found
