"""Kernels: from a group of vertices that one kernel computes to its step.

In: vertices that share a loop space, their inputs laid out already. Out: a `Step`, and the layouts
of the results. The loop space is made as small as the accesses allow: axes of extent 1 vanish, axes
that every access walks as one are one, and a transposed input transposes the result instead of
being read across memory.
"""

from __future__ import annotations

import math
from typing import Any

from gpuarray.graph.index import ZERO, Affine, axis, combine, constant
from gpuarray.graph.lower import Lowering, TooLarge
from gpuarray.graph.node import (
    REDUCE,
    SCATTER,
    UPDATE,
    Structural,
    contiguous_strides,
    intern_layout,
)
from gpuarray.graph.program import (
    Access,
    Instruction,
    Output,
    Program,
    Reduction,
    Step,
    Store,
    Terms,
)
from gpuarray.graph.vertex import ScalarInput, Vertex

__all__ = ["TooLarge", "build"]

Shape = tuple[int, ...]
Order = list[int]

_WIDE = 1 << 31


def build(outputs: list[Vertex], reductions: list[Vertex], limits: tuple[int, int]) -> Step:
    """The step that computes `outputs`, and lays them out.

    `reductions` are the `REDUCE` vertices done in it, all over one space; without any, the loop
    space is the shape of the outputs (of the region, for an update in place). `limits` are the
    most accesses and the most instructions.
    """
    return _Kernel(outputs, reductions, limits).step()


class _Kernel:
    def __init__(
        self, outputs: list[Vertex], reductions: list[Vertex], limits: tuple[int, int]
    ) -> None:
        self.outputs = outputs
        self.reductions = reductions
        self.limits = limits
        own = frozenset(v.slot for v in outputs if not v.in_place)
        self.lowering = Lowering(own, limits[1])
        first = outputs[0]
        if reductions:
            source = reductions[0].parents[0].shape
            axes: Any = reductions[0].attributes[1]  # type: ignore[index]
            self.kept = [d for d in range(len(source)) if d not in axes]
            self.folded = [d for d in range(len(source)) if d in axes]
            self.extents = [source[d] for d in self.kept] + [source[d] for d in self.folded]
        else:
            shape = first.shape
            if first.op is UPDATE and first.in_place:
                shape = first.attributes[0]  # type: ignore[index]
            elif first.op is SCATTER:
                shape = first.attributes[2]  # type: ignore[index]
            self.extents = list(shape)
            self.kept = list(range(len(shape)))
            self.folded = []
        # (value, operand slot, dtype, address or None for a fresh buffer, collides)
        self.targets: list[tuple[int, Vertex, Affine | None]] = []
        self.folds: list[tuple[str, tuple[int, ...], Any]] = []

    def step(self) -> Step:
        if self.reductions:
            self._lower_reductions()
        else:
            self._lower_map()
        low = self.lowering
        if len(low.accesses) + len(self.outputs) > self.limits[0]:
            raise TooLarge
        order = self._axis_order()
        for v in self.outputs:
            if not v.in_place:
                v.layout = intern_layout(v.dtype, v.shape, self._strides(v, order), 16)
        stores = []
        for value, v, address in self.targets:
            if address is None:
                address = self._address(v)
            assert v.layout is not None
            place = low.access(-1 - v.slot, v.dtype, address, v.layout.alignment)
            stores.append(Store(value, place, v.op is SCATTER and math.prod(self.extents) > 1))
        return self._finish(order, stores)

    def _lower_map(self) -> None:
        index = tuple(ZERO if n == 1 else axis(d) for d, n in enumerate(self.extents))
        low = self.lowering
        for v in self.outputs:
            address: Affine | None = None
            target = v
            if v.in_place:
                value = v.inputs[1]
                base = v.parents[0]
                v.layout = base.layout
                if v.op is UPDATE:
                    place = _placed(v, index)
                else:
                    place = low.scattered(v, index)
                address = low.address(v, place)
                number = self._value_for(v, value, index)
            else:
                number = low.value(v, index)
            self.targets.append((number, target, address))

    def _value_for(self, v: Vertex, value: Any, index: tuple[Affine, ...]) -> int:
        """The value an update writes at a point of its region, in the base's dtype."""
        low = self.lowering
        if isinstance(value, ScalarInput):
            return low.scalar(value, v.dtype)
        inner = index[len(index) - len(value.shape) :]
        at = tuple(ZERO if n == 1 else i for n, i in zip(value.shape, inner, strict=True))
        return low.as_dtype(low.value(value, at), value.dtype, v.dtype)

    def _lower_reductions(self) -> None:
        low = self.lowering
        number = {d: k for k, d in enumerate(self.kept + self.folded)}
        full = tuple(
            axis(number[d]) if self.extents[number[d]] != 1 else ZERO for d in range(len(number))
        )
        for v in self.reductions:
            name: Any = v.attributes[0]  # type: ignore[index]
            source = v.parents[0]
            dtype = v.dtype
            value = low.value(source, full)
            if name in ("argmax", "argmin"):
                extents = self.extents[len(self.kept) :]
                strides = contiguous_strides(tuple(extents))
                first = len(self.kept)
                walks = zip(strides, extents, range(first, first + len(extents)), strict=True)
                place = combine((s, axis(a)) for s, n, a in walks if n != 1)
                self.folds.append((name, (value, low.number(place)), dtype))
            else:
                self.folds.append((name, (low.as_dtype(value, source.dtype, dtype),), dtype))
        first = len(low.body)
        low.begin_epilogue({v.slot: first + k for k, v in enumerate(self.reductions)})
        shape = self.reductions[0].shape
        kept = iter(range(len(self.kept)))
        if len(shape) == len(self.kept):
            index = tuple(axis(k) if self.extents[k] != 1 else ZERO for k in kept)
        else:
            index = tuple(
                ZERO if d in self.folded else axis(number[d]) if shape[d] != 1 else ZERO
                for d in range(len(shape))
            )
        for v in self.outputs:
            self.targets.append((low.value(v, index), v, None))

    def _axis_order(self) -> Order:
        """The loop axes from slowest to fastest: as the results lie, unless all inputs agree."""
        kept, rank = len(self.kept), len(self.extents)
        order = list(range(kept))
        if not self.reductions and not any(v.in_place or _keeps_order(v) for v in self.outputs):
            order = _agreed(self._walks(0, kept), kept) or order
        folded = list(range(kept, rank))
        agreed = _agreed(self._walks(kept, rank), rank - kept)
        if agreed and not any(name.startswith("arg") for name, _, _ in self.folds):
            folded = [kept + k for k in agreed]
        return order + folded

    def _walks(self, first: int, last: int) -> list[list[tuple[int, int]]]:
        """For each access that no index value moves: its (axis, stride) among these axes."""
        found = []
        for _, _, address, _ in self.lowering.accesses:
            if address.values:
                continue
            walk = [
                (a - first, abs(c))
                for a, c in address.axes
                if first <= a < last and self.extents[a] > 1
            ]
            if len(walk) > 1:
                found.append(walk)
        return found

    def _strides(self, v: Vertex, order: Order) -> Shape:
        """Dense strides of a fresh result that the loop writes in order."""
        if self.reductions:
            return contiguous_strides(v.shape)
        strides = [0] * len(v.shape)
        step = 1
        for d in reversed(order):
            strides[d] = step
            step *= max(v.shape[d], 1)
        return tuple(strides)

    def _address(self, v: Vertex) -> Affine:
        assert v.layout is not None
        strides = v.layout.strides
        if self.reductions and len(v.shape) != len(self.kept):
            strides = tuple(strides[d] for d in self.kept)
        pairs = zip(strides, range(len(strides)), strict=True)
        return combine((s, axis(d)) for s, d in pairs if self.extents[d] != 1)

    def _finish(self, order: Order, stores: list[Store]) -> Step:
        low = self.lowering
        groups = self._collapsed(order)
        kept = sum(g[0] < len(self.kept) for g in groups)
        # A collapsed axis walks with the stride of its fastest member.
        renumber = {g[-1]: k for k, g in enumerate(groups)}
        shape = tuple(math.prod(self.extents[a] for a in g) for g in groups)
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
            values = tuple((v, -1 if c == 1 else position(c)) for v, c in index.values)
            return Terms(start, axes, values)

        def finished(instruction: Instruction) -> Instruction:
            opcode = instruction[0]
            if opcode == "affine":
                return (opcode, instruction[1], terms(instruction[2], True))
            if opcode in ("idiv", "imod", "wrap"):
                return (*instruction[:3], position(instruction[3]))
            if opcode == "inside":
                return (*instruction[:3], position(instruction[3]), position(instruction[4]))
            return instruction

        body = tuple(map(finished, low.body))
        epilogue = tuple(map(finished, low.epilogue))
        inputs: dict[int, int] = {}
        for slot, *_ in low.accesses:
            if slot >= 0:
                inputs.setdefault(slot, len(inputs))
        operands = dict(inputs)
        for v in self.outputs:
            operands[-1 - v.slot] = len(operands)
        # A guarded access may start outside its operand: its constant is no part of the pointer.
        guarded = {i[2] for i in (*low.body, *low.epilogue) if i[0] == "load" and i[3] >= 0}
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
            span = max(span, self._reach(address))
        for instruction in low.body:
            if instruction[0] == "affine":
                span = max(span, self._reach(instruction[2]))
        wide = span >= _WIDE or math.prod(shape) >= _WIDE
        program = Program(
            kept=kept,
            reduced=len(groups) - kept,
            body=body,
            reductions=tuple(Reduction(*fold) for fold in self.folds),
            epilogue=epilogue,
            stores=tuple(stores),
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

    def _reach(self, index: Affine) -> int:
        """A bound of the magnitude of an index anywhere in the loop space."""
        total = abs(index.constant)
        total += sum(abs(c) * self.extents[a] for a, c in index.axes)
        return total + sum(abs(c) * self._bound(v) for v, c in index.values)

    def _bound(self, value: int) -> int:
        """A bound of the magnitude of an index value."""
        low = self.lowering
        part, first = low.body, 0
        if value >= len(low.body):
            part, first = low.epilogue, len(low.body) + len(self.reductions)
        instruction = part[value - first]
        opcode = instruction[0]
        if opcode in ("imod", "wrap"):
            bound: int = instruction[3]
            return bound
        if opcode == "idiv":
            return self._bound(instruction[2]) // int(instruction[3]) + 1
        if opcode == "affine":
            return self._reach(instruction[2])
        if opcode == "select":
            return max(self._bound(instruction[3]), self._bound(instruction[4]))
        raise AssertionError(f"{instruction} is no index")

    def _collapsed(self, order: Order) -> list[list[int]]:
        """Runs of axes that every access and every index walks as one."""
        low = self.lowering
        indices = [address for _, _, address, _ in low.accesses]
        indices += [i[2] for i in (*low.body, *low.epilogue) if i[0] == "affine"]
        walks = [dict(index.axes) for index in indices]
        groups: list[list[int]] = []
        kept = len(self.kept)
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


def _placed(v: Vertex, index: tuple[Affine, ...]) -> tuple[Affine, ...]:
    """Where a point of an update's region lies in the base."""
    assert v.attributes is not None
    maps: Any = v.attributes[1]
    return tuple(
        combine([(step, index[a])], start) if a >= 0 else constant(start) for a, start, step in maps
    )


def _agreed(walks: list[list[tuple[int, int]]], rank: int) -> Order | None:
    """The axes by falling stride, if every walk over all of them has this one order."""
    orders = {
        tuple(a for a, _ in sorted(walk, key=lambda pair: (-pair[1], pair[0]))) for walk in walks
    }
    full = [order for order in orders if len(order) == rank]
    if len(full) != 1:
        return None
    place = {a: k for k, a in enumerate(full[0])}
    if any(sorted(order, key=place.__getitem__) != list(order) for order in orders):
        return None
    return list(full[0])


def _keeps_order(v: Vertex) -> bool:
    """Whether something relies on `v` being row-major."""
    return any(isinstance(u.op, Structural) and u.op.name == "reshape" for u in v.users)


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
