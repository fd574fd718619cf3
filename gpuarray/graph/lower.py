"""Lowering: from the vertices of one kernel to the values of a program.

In: vertices, and the loop axes at which they are wanted. Out: instructions, numbered by the class
that `Lowering` derives from. A vertex that is stored is read; any other is expanded where it is
needed.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np

from gpuarray.dtypes import int64, promote, promote_scalar
from gpuarray.graph.index import ZERO, Affine, combine, constant
from gpuarray.graph.node import (
    CAST,
    CONCAT,
    FULL,
    GATHER,
    IOTA,
    RESHAPE,
    ROLL,
    UPDATE,
    VIEW,
    contiguous_strides,
)
from gpuarray.graph.numbering import ALWAYS, Index, Numbering, TooLarge
from gpuarray.graph.vertex import ScalarInput, Vertex
from gpuarray.operations import Operation

__all__ = ["Lowering", "TooLarge"]

DType = np.dtype[Any]
Request = tuple[Vertex, Index, int]
Steps = Generator[Request, int, int]

_BOOL = np.dtype(bool)


class Lowering(Numbering):
    """The values of one kernel under construction.

    Vertices whose slots are in `own` are computed even though they are stored. `dependent` are
    the slots of what depends on a reduction of this kernel: where such a vertex is wanted at an
    index without reduced axes, it is computed once for a row, in the epilogue before; `kept` is
    the number of the first reduced axis. `TooLarge` ends it at more than `limit` instructions:
    nested selections may need one for each way through them, exponentially many.
    """

    def __init__(
        self,
        own: frozenset[int],
        limit: int,
        dependent: frozenset[int] = frozenset(),
        kept: int = 0,
    ) -> None:
        super().__init__(limit)
        self._own = own
        self._dependent = dependent
        self._kept = kept

    def value(self, vertex: Vertex, index: Index, guard: int = ALWAYS) -> int:
        """The number of the value of `vertex` at `index`, in its own dtype.

        Expands with a stack of its own: a chain of two hundred operations is no deep recursion.
        """
        stack: list[tuple[Request, Steps]] = []
        request: Request = (vertex, index, guard)
        while True:
            known = self._world.known
            found = known.get((request[0].slot, *request[1:]))
            if found is None:
                stack.append((request, self._expand(*request)))
            while stack:
                try:
                    request = stack[-1][1].send(found)  # type: ignore[arg-type]
                    break
                except StopIteration as stop:
                    found = stop.value
                    done = stack.pop()[0]
                    assert isinstance(found, int)
                    known[(done[0].slot, *done[1:])] = found
            else:
                assert found is not None
                return found

    def row_value(self, vertex: Vertex, index: Index) -> int:
        """As `value`, in the last epilogue, from where no body is visible."""
        world, self._world = self._world, self._rows
        try:
            return self.value(vertex, index)
        finally:
            self._world = world

    def address(self, vertex: Vertex, index: Index) -> Affine:
        """Where the element lies, in elements from the first one of a stored vertex."""
        assert vertex.layout is not None
        return combine(zip(vertex.layout.strides, index, strict=True), splits=self._world.splits)

    def point_value(self, vertex: Vertex, index: Index) -> int:
        """As `value`, and a value of the body even where it is the same all along a row."""
        number = self.value(vertex, index)
        here = number in self.instructions and number not in self.of_rows
        return number if here else self.emit("cast", vertex.dtype, number)

    def _expand(self, v: Vertex, index: Index, guard: int) -> Steps:
        if v.slot in self._reduced:
            return self._reduced[v.slot]
        if v.slot in self._dependent and self._world is self._points and self._is_row(index):
            return self.row_value(v, index)
        if v.stored and v.slot not in self._own and v.layout is not None:
            access = self.access(v.slot, v.dtype, self.address(v, index), v.layout.alignment)
            return self.emit("load", v.dtype, access, guard)
        if isinstance(v.op, Operation):
            return (yield from self._operation(v, index, guard))
        attributes: Any = v.attributes
        source: Any = v.inputs[0] if v.inputs else None
        if v.op is CAST:
            value = yield from self._input(source, v, index, guard)
            return self.as_dtype(value, source.dtype, v.dtype)
        if v.op is FULL:
            return self.scalar(source, v.dtype)
        if v.op is IOTA:
            return self.number(index[0])
        if v.op is VIEW:
            inner = tuple(
                combine([(step, index[a])], start) if a >= 0 else constant(start)
                for a, start, step in attributes[1]
            )
            return (yield source, inner, guard)
        if v.op is RESHAPE:
            return (yield source, self._reshaped(v.shape, source.shape, index), guard)
        if v.op is ROLL:
            inner = tuple(
                self._rolled(combine([(1, i)], extent - shift), extent) if shift else i
                for i, shift, extent in zip(index, attributes, v.shape, strict=True)
            )
            return (yield source, inner, guard)
        if v.op is CONCAT:
            return (yield from self._concat(v, index, guard))
        if v.op is GATHER:
            return (yield from self._gather(v, index, guard))
        if v.op is UPDATE:
            return (yield from self._updated(v, index, guard))
        raise AssertionError(f"{v} must be stored")

    def _rolled(self, index: Affine, extent: int) -> Affine:
        """`index`, which is less than two extents, from where the axis begins again."""
        return Affine(0, (), ((self.emit("roll", int64, self.number(index), extent), 1),))

    def _is_row(self, index: Index) -> bool:
        """Whether an index is the same all along the reduced axes."""
        return all(a < self._kept for i in index for a, _ in i.axes)

    def _input(self, x: Vertex, v: Vertex, index: Index, guard: int) -> Steps:
        """The value of an input that broadcasts against the shape of `v`."""
        if x.shape != v.shape:
            index = broadcast_index(x.shape, v.shape, index)
        return (yield x, index, guard)

    def _operation(self, v: Vertex, index: Index, guard: int) -> Steps:
        op = v.op
        loop = loop_dtype(v)
        values = []
        for position, x in enumerate(v.inputs):
            if isinstance(x, ScalarInput):
                wanted = _BOOL if position < op.uncast else loop
                values.append(self.scalar(x, wanted))
                continue
            value = yield from self._input(x, v, index, guard)
            values.append(value if position < op.uncast else self.as_dtype(value, x.dtype, loop))
        return self.emit(op, loop, *values)

    def _reshaped(self, out: tuple[int, ...], into: tuple[int, ...], index: Index) -> Index:
        """The index into shape `into` of the element at `index` of shape `out`.

        Groups of dimensions with equal products are independent; within a group the linear
        index is split by quotients and remainders.
        """
        result: list[Affine] = []
        i = j = 0
        while i < len(out) or j < len(into):
            i0, j0 = i, j
            m = math.prod(out[i : i + 1])
            n = math.prod(into[j : j + 1])
            i, j = min(i + 1, len(out)), min(j + 1, len(into))
            while m != n:
                if m < n:
                    m *= out[i]
                    i += 1
                else:
                    n *= into[j]
                    j += 1
            strides = contiguous_strides(out[i0:i])
            linear = combine(zip(strides, index[i0:i], strict=True), splits=self._world.splits)
            result.extend(self._unravelled(linear, into[j0:j]))
        return tuple(result)

    def _unravelled(self, linear: Affine, shape: tuple[int, ...]) -> list[Affine]:
        extents = [d for d, extent in enumerate(shape) if extent != 1]
        result = [ZERO] * len(shape)
        rest = linear
        for k, d in enumerate(extents):
            below = math.prod(shape[e] for e in extents[k + 1 :])
            if k == len(extents) - 1:
                result[d] = rest
            else:
                result[d] = self._split("idiv", rest, below)
                rest = self._split("imod", rest, below)
        return result

    def _concat(self, v: Vertex, index: Index, guard: int) -> Steps:
        assert v.attributes is not None
        axis: int = v.attributes[0]
        place = self.number(index[axis])
        start = 0
        pieces = []
        for x in v.parents:
            inside = self.emit("inside", _BOOL, place, start, start + x.shape[axis])
            inner = (*index[:axis], combine([(1, index[axis])], -start), *index[axis + 1 :])
            value = yield x, inner, self._and(guard, inside)
            pieces.append((inside, self.as_dtype(value, x.dtype, v.dtype)))
            start += x.shape[axis]
        result = pieces[-1][1]
        for inside, value in reversed(pieces[:-1]):
            result = self.emit("select", v.dtype, inside, value, result)
        return result

    def _gather(self, v: Vertex, index: Index, guard: int) -> Steps:
        source = v.parents[0]
        inner = yield from self._gathered(v, v.parents[1:], source.shape, index, guard)
        return (yield source, inner, guard)

    def _gathered(self, v: Vertex, indices: list[Vertex], shape: tuple[int, ...], index: Index,
                  guard: int) -> Generator[Request, int, Index]:  # fmt: skip
        """The index into an array of `shape` that integer arrays select; also for `scatter`."""
        assert v.attributes is not None
        axes, position = v.attributes[:2]
        rank = max(len(x.shape) for x in indices)
        common = index[position : position + rank]
        others = iter((*index[:position], *index[position + rank :]))
        extents = np.broadcast_shapes(*(x.shape for x in indices))
        inner: list[Affine] = []
        for d, extent in enumerate(shape):
            if d not in axes:
                inner.append(next(others))
                continue
            x = indices[axes.index(d)]
            at = broadcast_index(x.shape, extents, common)
            raw = yield x, at, guard
            value = self.as_dtype(raw, x.dtype, int64)
            inner.append(Affine(0, (), ((self.emit("wrap", int64, value, extent), 1),)))
        return tuple(inner)

    def scattered(self, v: Vertex, index: Index) -> Index:
        """Where the element at `index` of the value of a `scatter` goes, in the base."""
        base = v.parents[0]
        indices = [x for x in v.inputs[-len(v.attributes[0]) :] if isinstance(x, Vertex)]  # type: ignore[index]
        steps = self._gathered(v, indices, base.shape, index, ALWAYS)
        found: int | None = None
        while True:
            try:
                request = steps.send(found)  # type: ignore[arg-type]
            except StopIteration as stop:
                result: Index = stop.value
                return result
            found = self.value(*request)

    def _updated(self, v: Vertex, index: Index, guard: int) -> Steps:
        """The new value inside the region, the old one elsewhere; each read only there."""
        base, value = v.inputs
        assert isinstance(base, Vertex) and v.attributes is not None
        shape, maps = v.attributes
        region = [ZERO] * len(shape)
        inside = ALWAYS
        for i, (axis, start, step), extent in zip(index, maps, base.shape, strict=True):
            if axis < 0:
                here = self.emit("inside", _BOOL, self.number(i), start, start + 1)
                inside = self._and(inside, here)
                continue
            count = shape[axis]
            if step == 1 and start == 0 and count == extent:
                region[axis] = i
                continue
            sign = 1 if step > 0 else -1
            offset = combine([(sign, i)], -sign * start)
            width = abs(step)
            last = (count - 1) * width + 1
            inside = self._and(inside, self.emit("inside", _BOOL, self.number(offset), 0, last))
            if width == 1:
                region[axis] = offset
                continue
            # Outside the region the offset may be negative, where a remainder is undefined.
            safe = self.emit("select", int64, inside, self.number(offset), self.number(ZERO))
            within = Affine(0, (), ((safe, 1),))
            rest = self.number(self._split("imod", within, width))
            inside = self._and(inside, self.emit("inside", _BOOL, rest, 0, 1))
            region[axis] = self._split("idiv", within, width)
        if isinstance(value, ScalarInput):
            new = self.scalar(value, v.dtype)
        else:
            at = broadcast_index(value.shape, shape, tuple(region))
            raw = yield value, at, self._and(guard, inside)
            new = self.as_dtype(raw, value.dtype, v.dtype)
        if inside == ALWAYS:
            return new
        outside = self.emit("not", _BOOL, inside)
        old = yield base, index, self._and(guard, outside)
        return self.emit("select", v.dtype, inside, new, old)


def broadcast_index(inner: tuple[int, ...], outer: tuple[int, ...], index: Index) -> Index:
    """The index into shape `inner` that broadcasts to `index` of shape `outer`."""
    index = index[len(outer) - len(inner) :]
    return tuple(ZERO if extent == 1 else i for extent, i in zip(inner, index, strict=True))


def loop_dtype(v: Vertex) -> DType:
    """The dtype in which an elementwise vertex is computed, from its operands."""
    promoted: DType | None = None
    kinds = []
    for x in v.inputs[v.op.uncast :]:
        if isinstance(x, ScalarInput):
            kinds.append(x.kind)
        else:
            promoted = x.dtype if promoted is None else promote(promoted, x.dtype)
    if promoted is None:
        promoted = _BOOL
    for kind in kinds:
        promoted = promote_scalar(promoted, kind)
    loop: DType = v.op.loops[promoted]
    return loop
