"""Numbering: the values of a kernel under construction, stage by stage, each made only once.

In: instructions as `lower` finds them, in any order. Out: `RawStage` lists of numbered ones, whose
indices are still `Affine` in plain integers; `assemble` turns them into a `Program`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuarray.dtypes import int64
from gpuarray.graph.index import Affine
from gpuarray.graph.program import Instruction
from gpuarray.graph.vertex import ScalarInput

__all__ = ["ALWAYS", "Index", "Numbering", "RawAccess", "RawStage", "TooLarge", "World"]

DType = np.dtype[Any]
Index = tuple[Affine, ...]

_BOOL = np.dtype(bool)
ALWAYS = -1

# (operand slot, dtype, address in elements, alignment in bytes of the operand's first element)
RawAccess = tuple[int, DType, Affine, int]


class TooLarge(Exception):
    """The kernel exceeds a limit; its group has to be divided."""


class RawStage:
    """A stage whose values are still numbered as they were made: pairs (number, instruction)."""

    __slots__ = ("body", "epilogue", "reductions")

    def __init__(self) -> None:
        self.body: list[tuple[int, Instruction]] = []
        # (number, name, values, dtype)
        self.reductions: list[tuple[int, str, tuple[int, ...], DType]] = []
        self.epilogue: list[tuple[int, Instruction]] = []


class World:
    """What is known where an instruction goes: at each point of rows, or once for each row.

    `values` and `known` find the number of an instruction and of a vertex at an index; `splits`
    are quotients and remainders.
    """

    __slots__ = ("known", "part", "splits", "values")

    def __init__(self) -> None:
        self.values: dict[Instruction, int] = {}
        self.known: dict[tuple[int, Index, int], int] = {}
        self.splits: dict[int, tuple[str, Affine, int]] = {}
        self.part: list[tuple[int, Instruction]] = []


class Numbering:
    """Stages of numbered values; at most `limit` instructions, or `TooLarge` is raised.

    Attributes
    ----------
    stages
        The stages so far; values of points go to the body of the last one.
    instructions
        Each instruction by its number.
    of_rows
        Those of epilogues.
    accesses
        The places that are read or written.
    scalars
        Positions of the scalars in use, among those of the flush.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.stages: list[RawStage] = []
        self.instructions: dict[int, Instruction] = {}
        self.of_rows: set[int] = set()
        self.accesses: list[RawAccess] = []
        self.scalars: list[int] = []
        self._points = World()
        self._rows = World()
        self._world = self._points
        self._count = 0
        self._reduced: dict[int, int] = {}
        self._accesses: dict[RawAccess, int] = {}
        self.begin_stage()

    def begin_stage(self) -> None:
        """Values of points now go to the body of a new stage, those of rows to the one before."""
        self.stages.append(RawStage())
        self._points.part = self.stages[-1].body

    def end_body(self, folds: list[tuple[int, str, tuple[int, ...], DType]]) -> None:
        """Reductions (slot, name, values, dtype), after which rows go to this stage's epilogue."""
        stage = self.stages[-1]
        for slot, name, values, dtype in folds:
            self._reduced[slot] = self._count
            stage.reductions.append((self._count, name, values, dtype))
            self._count += 1
        self._rows.part = stage.epilogue

    def emit(self, *instruction: Any) -> int:
        """The number of this value, which is computed only once."""
        world = self._world
        found = world.values.get(instruction)
        if found is None:
            if len(self.instructions) >= self._limit:
                raise TooLarge
            found = world.values[instruction] = self._count
            self._count += 1
            self.instructions[found] = instruction
            world.part.append((found, instruction))
            if world is self._rows:
                self.of_rows.add(found)
        return found

    def access(self, operand: int, dtype: DType, address: Affine, alignment: int) -> int:
        """The number of an access; equal ones are one."""
        key = (operand, dtype, address, alignment)
        found = self._accesses.get(key)
        if found is None:
            found = self._accesses[key] = len(self.accesses)
            self.accesses.append(key)
        return found

    def scalar(self, x: ScalarInput, dtype: DType) -> int:
        """A scalar operand in the dtype in which it is used."""
        if x.position not in self.scalars:
            self.scalars.append(x.position)
        return self.emit("scalar", dtype, self.scalars.index(x.position))

    def as_dtype(self, value: int, found: DType, wanted: DType) -> int:
        """`value` in another dtype."""
        return value if found == wanted else self.emit("cast", wanted, value)

    def number(self, index: Affine) -> int:
        """An index as a value."""
        if index.constant == 0 and not index.axes and len(index.values) == 1:
            value, coefficient = index.values[0]
            if coefficient == 1:
                return value
        return self.emit("affine", int64, index)

    def _and(self, a: int, b: int) -> int:
        return b if a == ALWAYS else a if b == ALWAYS else self.emit("and", _BOOL, a, b)

    def _split(self, opcode: str, index: Affine, divisor: int) -> Affine:
        """Quotient or remainder of a non-negative index."""
        value = self.emit(opcode, int64, self.number(index), divisor)
        self._world.splits[value] = (opcode, index, divisor)
        return Affine(0, (), ((value, 1),))
