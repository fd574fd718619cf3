"""Assembling: from the numbered values of a kernel to its program and its step.

In: a finished `Numbering`, the extents of its loop axes and their order. Out: a `Step`. Axes of
extent 1 vanish, axes that every access walks as one are one, and whatever is a size, a stride or an
offset becomes an argument.
"""

from __future__ import annotations

import math
from typing import Any

from gpuarray.graph.index import Affine
from gpuarray.graph.node import REDUCE
from gpuarray.graph.numbering import Numbering
from gpuarray.graph.program import (
    Access,
    Instruction,
    Output,
    Program,
    Reduction,
    Stage,
    Step,
    Store,
    Terms,
)
from gpuarray.graph.vertex import Vertex

__all__ = ["Assembly"]

Shape = tuple[int, ...]
Order = list[int]

_WIDE = 1 << 31


class Assembly:
    """Makes the step of one kernel.

    Parameters
    ----------
    numbering
        Its values and accesses.
    extents
        Those of all loop axes, the `kept` ones first.
    outputs, reductions
        The vertices that it stores, and those that it folds.
    """

    def __init__(
        self,
        numbering: Numbering,
        extents: list[int],
        kept: int,
        outputs: list[Vertex],
        reductions: list[Vertex],
    ) -> None:
        self.numbering = numbering
        self.extents = extents
        self.kept = kept
        self.outputs = outputs
        self.reductions = reductions

    def step(self, order: Order, stores: list[Store]) -> Step:
        """The step, its axes in this order, storing numbered values."""
        low = self.numbering
        groups = self._collapsed(order)
        kept = sum(g[0] < self.kept for g in groups)
        # A collapsed axis walks with the stride of its fastest member.
        renumber = {g[-1]: k for k, g in enumerate(groups)}
        shape = tuple(math.prod(self.extents[a] for a in g) for g in groups)
        final = _final_numbers(low)
        integers: list[int] = []

        def position(value: int) -> int:
            # Equal sizes and strides share an argument only by chance, which must not make two
            # programs of one structure differ.
            integers.append(value)
            return len(integers) - 1

        def terms(index: Affine, with_constant: bool) -> Terms:
            start = position(index.constant) if with_constant and index.constant else -1
            axes = tuple(
                (renumber[a], -1 if c == 1 else position(c)) for a, c in index.axes if a in renumber
            )
            values = tuple((final[v], -1 if c == 1 else position(c)) for v, c in index.values)
            return Terms(start, axes, values)

        def finished(instruction: Instruction) -> Instruction:
            opcode, dtype, *rest = instruction
            if opcode == "load":
                return (opcode, dtype, rest[0], rest[1] if rest[1] < 0 else final[rest[1]])
            if opcode == "scalar":
                return instruction
            if opcode == "affine":
                return (opcode, dtype, terms(rest[0], True))
            if opcode in ("idiv", "imod", "roll", "wrap"):
                return (opcode, dtype, final[rest[0]], position(rest[1]))
            if opcode == "inside":
                return (opcode, dtype, final[rest[0]], position(rest[1]), position(rest[2]))
            return (opcode, dtype, *(final[v] for v in rest))

        stages = tuple(
            Stage(
                tuple(finished(instruction) for _, instruction in stage.body),
                tuple(
                    Reduction(name, tuple(final[v] for v in values), dtype)
                    for _, name, values, dtype in stage.reductions
                ),
                tuple(finished(instruction) for _, instruction in stage.epilogue),
            )
            for stage in low.stages
        )
        inputs: dict[int, int] = {}
        for slot, *_ in low.accesses:
            if slot >= 0:
                inputs.setdefault(slot, len(inputs))
        operands = dict(inputs)
        for v in self.outputs:
            operands[-1 - v.slot] = len(operands)
        # A guarded access may start outside its operand: its constant is no part of the pointer.
        made = low.instructions.values()
        guarded = {i[2] for i in made if i[0] == "load" and i[3] >= 0}
        bounds = self._bounds()
        accesses, offsets, span = [], [], max(shape, default=1)
        for number, (slot, dtype, address, alignment) in enumerate(low.accesses):
            found = terms(address, number in guarded)
            offset = address.constant * dtype.itemsize
            strides = [c for a, c in address.axes if a in renumber]
            shifts = [c for c in strides if c != 1] + [c for _, c in address.values]
            for shift in (offset, *(c * dtype.itemsize for c in shifts)):
                if shift:
                    alignment = min(alignment, shift & -shift)
            accesses.append(Access(operands[slot], dtype, found, max(alignment, 1)))
            offsets.append(0 if number in guarded else offset)
            span = max(span, self._reach(address, bounds))
        for instruction in made:
            if instruction[0] == "affine":
                span = max(span, self._reach(instruction[2], bounds))
        wide = span >= _WIDE or math.prod(shape) >= _WIDE
        program = Program(
            kept=kept,
            reduced=len(groups) - kept,
            stages=stages,
            stores=tuple(store._replace(value=final[store.value]) for store in stores),
            accesses=tuple(accesses),
            integers=len(integers),
            divisors=(_divisor(shape[:kept]), _divisor(shape[kept:])),
            wide=wide,
        )
        return Step(
            program=program,
            shape=shape,
            integers=tuple(integers),
            inputs=tuple(inputs),
            offsets=tuple(offsets),
            scalars=tuple(low.scalars),
            outputs=tuple(map(_output, self.outputs)),
            names=_names(self.outputs, self.reductions),
        )

    def _reach(self, index: Affine, bounds: dict[int, int]) -> int:
        """A bound of the magnitude of an index anywhere in the loop space."""
        total = abs(index.constant)
        total += sum(abs(c) * self.extents[a] for a, c in index.axes)
        return total + sum(abs(c) * bounds[v] for v, c in index.values)

    def _bounds(self) -> dict[int, int]:
        """Bounds of the magnitudes of index values, each made from those before it.

        Indices of indices, hundreds of them for hundreds of rolls, are no deep recursion.
        """
        found: dict[int, int] = {}
        for value, instruction in self.numbering.instructions.items():
            opcode = instruction[0]
            if opcode in ("imod", "wrap"):
                found[value] = instruction[3]
            elif opcode == "roll":
                found[value] = max(found[instruction[2]], instruction[3])
            elif opcode == "idiv":
                found[value] = found[instruction[2]] // instruction[3] + 1
            elif opcode == "affine":
                found[value] = self._reach(instruction[2], found)
            elif opcode == "select" and instruction[3] in found and instruction[4] in found:
                found[value] = max(found[instruction[3]], found[instruction[4]])
        return found

    def _collapsed(self, order: Order) -> list[list[int]]:
        """Runs of axes that every access and every index walks as one."""
        low = self.numbering
        indices = [address for _, _, address, _ in low.accesses]
        indices += [i[2] for i in low.instructions.values() if i[0] == "affine"]
        walks = [dict(index.axes) for index in indices]
        groups: list[list[int]] = []
        kept = self.kept
        for a in order:
            if self.extents[a] == 1:
                continue
            if groups and (groups[-1][0] < kept) == (a < kept):
                last = groups[-1][-1]
                n = self.extents[a]
                if all(walk.get(last, 0) == walk.get(a, 0) * n for walk in walks):
                    groups[-1].append(a)
                    continue
            groups.append([a])
        return groups


def _final_numbers(numbering: Numbering) -> dict[int, int]:
    """For each value, its number when they are counted through the stages."""
    made = [
        number
        for stage in numbering.stages
        for part in (stage.body, stage.reductions, stage.epilogue)
        for number, *_ in part
    ]
    return {number: k for k, number in enumerate(made)}


def _divisor(extents: Shape) -> int:
    if len(extents) < 2:
        return 16
    n = extents[-1]
    return min(n & -n, 16) if n else 16


def _output(v: Vertex) -> Output:
    assert v.layout is not None
    return Output(v.slot, v.layout, v.parents[0].slot if v.in_place else -1)


def _names(outputs: list[Vertex], reductions: list[Vertex]) -> tuple[str, ...]:
    """The operations of a kernel in the order of evaluation."""
    seen: set[int] = set()
    names: list[tuple[int, str]] = []
    stack = list(outputs) + list(reductions)
    while stack:
        v = stack.pop()
        if v.slot in seen:
            continue
        seen.add(v.slot)
        name: Any = v.attributes[0] if v.op is REDUCE and v.attributes else v.op.name
        names.append((v.slot, name))
        stack.extend(p for p in v.parents if not p.stored)
    return tuple(name for _, name in sorted(names))
