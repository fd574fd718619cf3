"""Walks: a program in stages as passes along a row, and what each has to keep for later ones.

In: a program. Out: for each pass the instructions at its points, what it folds, what it stores, and
the values that follow, of which a row has one. What is the same all along a row is taken out of the
passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gpuarray.graph.program import Instruction, Store, operands, result_dtype
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.values import C_NAMES

__all__ = ["Fold", "Numbered", "Walk", "Walks", "held_bytes", "shared_bytes"]

Numbered = list[tuple[int, Instruction]]


class Fold(NamedTuple):
    """A reduction as a walk makes it.

    Attributes
    ----------
    struct, kind, itemsize
        The accumulator and what it takes: a C type and its size.
    operands
        C expressions, in which ``{3}`` stands for value 3 at the lane.
    declaration
        What declares the value, in which ``{result}`` stands for the accumulator's.
    """

    struct: str
    kind: str
    itemsize: int
    operands: tuple[str, ...]
    declaration: str


@dataclass
class Walk:
    """One walk along a row. `needs` are the values of points that it names, its own among them."""

    body: Numbered
    folds: list[Fold] = field(default_factory=list)
    needs: set[int] = field(default_factory=set)
    stores: list[Store] = field(default_factory=list)
    epilogue: Numbered = field(default_factory=list)


class Walks:
    """The walks of a program.

    Where rows are held, a sum of squared deviations takes two walks, as exact as can be: the mean,
    then the deviations. `scale` is a power of two; `scale` times the length of a row is at most 1.

    Attributes
    ----------
    walks
        In order.
    before
        The values of a row that come before the first walk.
    row_stores
        The stores of values that a row has one of.
    dtypes
        Of all values.
    """

    def __init__(self, program: Program, held: bool, scale: float = 1.0) -> None:
        self.program = program
        self.walks: list[Walk] = []
        self.before: Numbered = []
        self.dtypes: dict[int, Any] = {}
        uniform = _uniform(program)
        points: set[int] = set()
        number = 0
        for stage in program.stages:
            body = list(enumerate(stage.body, number))
            points.update(k for k, _ in body)
            self.dtypes.update((k, result_dtype(i)) for k, i in body)
            number += len(body)
            before = self.walks[-1].epilogue if self.walks else self.before
            before += [pair for pair in body if pair[0] in uniform]
            walk, after = Walk([pair for pair in body if pair[0] not in uniform]), Walk([])
            walk.stores = [s for s in program.stores if s.value in dict(body)]
            for k, reduction in enumerate(stage.reductions, number):
                self._fold(k, reduction, walk, after if held else None, scale)
            number += len(stage.reductions)
            self.walks += [walk, after] if after.folds else [walk]
            epilogue = list(enumerate(stage.epilogue, number))
            self.dtypes.update((k, result_dtype(i)) for k, i in epilogue)
            self.walks[-1].epilogue += epilogue
            number += len(epilogue)
        for walk in self.walks:
            for _, instruction in walk.body:
                walk.needs.update(operands(instruction, program.accesses))
            walk.needs -= uniform
        self.row_stores = [s for s in program.stores if s.value not in points]

    def _fold(
        self, number: int, reduction: Any, walk: Walk, after: Walk | None, scale: float
    ) -> None:
        dtype = self.dtypes[reduction.values[0]]
        self.dtypes[number] = reduction.dtype
        c, result = C_NAMES[dtype], C_NAMES[reduction.dtype]
        declaration = f"const {result} v{number} = ({result}){{result}};"
        names = tuple(f"{{{v}}}" for v in reduction.values)
        walk.needs.update(reduction.values)
        if reduction.name != "squares" or after is None:
            walk.folds.append(Fold(reduction.name, c, dtype.itemsize, names, declaration))
            return
        # Scaled by a power of two, the sum can't overflow where no element does, and rounds alike.
        x, mean, factor = names[0], f"mean{number}", f"({c}){scale!r}"
        of_mean = f"const {c} {mean} = {{result}} / (({c})length * {factor});"
        walk.folds.append(Fold("sum", c, dtype.itemsize, (f"{x} * {factor}",), of_mean))
        deviation = f"({x} - {mean}) * ({x} - {mean})"
        after.folds.append(Fold("sum", c, dtype.itemsize, (deviation,), declaration))
        after.needs.update(reduction.values)

    def kept(self) -> list[set[int]]:
        """For each walk, the values of points that are kept for later ones when it ends."""
        result: list[set[int]] = []
        made: set[int] = set()
        for k, walk in enumerate(self.walks):
            made.update(v for v, _ in walk.body)
            needed: set[int] = set().union(*(later.needs for later in self.walks[k + 1 :]))
            result.append(made & needed)
        return result

    def places(self) -> dict[int, int]:
        """For each value that is kept, a byte of each point of a row where it is till its last use.

        A value may take the place of one that its own walk is the last to need.
        """
        found: dict[int, int] = {}
        free: list[tuple[int, int]] = []
        end = 0
        before: set[int] = set()
        for kept in self.kept():
            free += [(int(self.dtypes[v].itemsize), found[v]) for v in sorted(before - kept)]
            for v in sorted(kept - before, key=lambda v: (-self.dtypes[v].itemsize, v)):
                size = int(self.dtypes[v].itemsize)
                place = next((p for s, p in free if s == size), None)
                if place is None:
                    place, end = end, end + size
                else:
                    free.remove((size, place))
                found[v] = place
            before = kept
        return found

    def again(self, number: int) -> Numbered:
        """What a walk computes where nothing is kept: its body, and what that needs."""
        body = {v: i for walk in self.walks[: number + 1] for v, i in walk.body}
        walk = self.walks[number]
        stack = [v for v in {s.value for s in walk.stores} | walk.needs if v in body]
        found: dict[int, Instruction] = {}
        while stack:
            v = stack.pop()
            if v not in found:
                found[v] = body[v]
                stack += [o for o in operands(body[v], self.program.accesses) if o in body]
        return sorted(found.items())


def held_bytes(program: Program) -> int:
    """The most bytes of a point that are kept from one walk to a later one."""
    walks = Walks(program, True)
    return max(sum(int(walks.dtypes[v].itemsize) for v in kept) for kept in walks.kept())


def shared_bytes(program: Program) -> int:
    """The bytes that a point takes in shared memory, where rows are held there."""
    walks = Walks(program, True)
    return max((p + int(walks.dtypes[v].itemsize) for v, p in walks.places().items()), default=0)


def _uniform(program: Program) -> set[int]:
    """The values that are the same all along a row."""
    found: set[int] = set()
    number = 0
    for stage in program.stages:
        for instruction in stage.body:
            axes: tuple[tuple[int, int], ...] = ()
            if instruction[0] == "load":
                axes = program.accesses[instruction[2]].terms.axes
            elif instruction[0] == "affine":
                axes = instruction[2].axes
            moves = any(a >= program.kept for a, _ in axes)
            if not moves and found.issuperset(operands(instruction, program.accesses)):
                found.add(number)
            number += 1
        last = number + len(stage.reductions) + len(stage.epilogue)
        found.update(range(number, last))
        number = last
    return found
