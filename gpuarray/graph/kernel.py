"""Kernels: from a group of vertices that one kernel computes to its step.

In: vertices that share a loop space, their inputs laid out already. Out: a `Step`, and the layouts
of the results. The loop space is made as small as the accesses allow: axes of extent 1 vanish, axes
that every access walks as one are one, and a transposed input transposes the result instead of
being read across memory.
"""

from __future__ import annotations

import math
from typing import Any

from gpuarray.graph.assemble import Assembly
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
from gpuarray.graph.program import Step, Store
from gpuarray.graph.vertex import ScalarInput, Vertex

__all__ = ["TooLarge", "build"]

Shape = tuple[int, ...]
Order = list[int]


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
        self.levels = _levels(outputs, reductions, own)
        dependent = frozenset(slot for slot, level in self.levels.items() if level > 0)
        self.lowering = Lowering(own, limits[1], dependent, len(self.kept))
        # (value, operand slot, dtype, address or None for a fresh buffer, collides)
        self.targets: list[tuple[int, Vertex, Affine | None]] = []

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
        made = Assembly(low, self.extents, len(self.kept), self.outputs, self.reductions)
        return made.step(order, stores)

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
        """Stage after stage: what its reductions fold, and the results that are of its level."""
        low, levels = self.lowering, self.levels
        full = tuple(axis(k) if self.extents[k] != 1 else ZERO for k in self._numbers())
        whole = [v for v in self.outputs if self._is_whole(v)]
        rows = [v for v in self.outputs if not self._is_whole(v)]
        folding = 1 + max(levels[v.parents[0].slot] for v in self.reductions)
        for stage in range(max([folding, *(1 + levels[v.slot] for v in whole)])):
            if stage > 0:
                low.begin_stage()
            here = [v for v in self.reductions if levels[v.parents[0].slot] == stage]
            folds = [self._fold(v, full) for v in here]
            for v in whole:
                if levels[v.slot] == stage:
                    self.targets.append((low.point_value(v, full), v, None))
            low.end_body(folds)
            if stage == folding - 1:
                for v in rows:
                    self.targets.append((low.row_value(v, self._row_index(v)), v, None))

    def _fold(self, v: Vertex, full: tuple[Affine, ...]) -> tuple[int, str, tuple[int, ...], Any]:
        low = self.lowering
        name: Any = v.attributes[0]  # type: ignore[index]
        source = v.parents[0]
        value = low.value(source, full)
        if name not in ("argmax", "argmin"):
            return (v.slot, name, (low.as_dtype(value, source.dtype, v.dtype),), v.dtype)
        first = len(self.kept)
        extents = self.extents[first:]
        strides = contiguous_strides(tuple(extents))
        walks = zip(strides, extents, range(first, first + len(extents)), strict=True)
        place = combine((s, axis(a)) for s, n, a in walks if n != 1)
        return (v.slot, name, (value, low.number(place)), v.dtype)

    def _numbers(self) -> list[int]:
        """For each dimension of the input space, its loop axis."""
        number = {d: k for k, d in enumerate(self.kept + self.folded)}
        return [number[d] for d in range(len(number))]

    def _is_whole(self, v: Vertex) -> bool:
        """Whether a result has an element for each point, and not for each row."""
        return v.rows is not None and v.op is not REDUCE and v.shape == self._space()

    def _space(self) -> Shape:
        return tuple(self.extents[k] for k in self._numbers())

    def _row_index(self, v: Vertex) -> tuple[Affine, ...]:
        if len(v.shape) == len(self.kept):
            return tuple(axis(k) if self.extents[k] != 1 else ZERO for k in range(len(self.kept)))
        return tuple(
            ZERO if d in self.folded or v.shape[d] == 1 else axis(k)
            for d, k in enumerate(self._numbers())
        )

    def _axis_order(self) -> Order:
        """The loop axes from slowest to fastest: as the results lie, unless all accesses agree.

        Those of an update in place do include its result. A scatter keeps its order, in which the
        last point wins.
        """
        kept, rank = len(self.kept), len(self.extents)
        order = list(range(kept))
        if not self.reductions and not any(
            v.op is SCATTER or _keeps_order(v) for v in self.outputs
        ):
            order = _agreed(self._walks(0, kept), kept) or order
        folded = list(range(kept, rank))
        agreed = _agreed(self._walks(kept, rank), rank - kept)
        if agreed and not any(str(v.attributes[0]).startswith("arg") for v in self.reductions):  # type: ignore[index]
            folded = [kept + k for k in agreed]
        return order + folded

    def _walks(self, first: int, last: int) -> list[list[tuple[int, int]]]:
        """For each access that no index value moves: its (axis, stride) among these axes."""
        found = []
        placed = [address for _, _, address in self.targets if address is not None]
        for address in (*(a for _, _, a, _ in self.lowering.accesses), *placed):
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
        if not self.reductions:
            axes = list(range(len(strides)))
        elif self._is_whole(v):
            axes = self._numbers()
        else:
            axes = list(range(len(self.kept)))
            if len(v.shape) != len(self.kept):
                strides = tuple(strides[d] for d in self.kept)
        pairs = zip(strides, axes, strict=True)
        return combine((s, axis(k)) for s, k in pairs if self.extents[k] != 1)


def _levels(outputs: list[Vertex], reductions: list[Vertex], own: frozenset[int]) -> dict[int, int]:
    """For each vertex that a kernel computes, how many of its reductions come before, in a row."""
    folds = {v.slot for v in reductions}
    levels: dict[int, int] = {}
    stack = [*outputs, *reductions]
    while stack:
        v = stack[-1]
        if v.slot in levels:
            stack.pop()
            continue
        computed = not v.stored or v.slot in own or v.slot in folds or v.alias is not None
        before = v.parents if computed and reductions else []
        missing = [p for p in before if p.slot not in levels]
        if missing:
            stack += missing
            continue
        stack.pop()
        levels[v.slot] = max((levels[p.slot] for p in before), default=0) + (v.slot in folds)
    return levels


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
