"""Rows: chains of reductions and elementwise work over the same axes, which one kernel computes.

In: vertices, of which only those are marked stored that have to be. Out: `rows` set on the members
of each chain, and `stored` on those that others read. The kernel of a chain reads each row once,
keeps it while its reductions are made, and writes the results: softmax, layer norm, log-sum-exp.

A chain has a space: the shape that its reductions fold, and their axes. What depends on one of
them is a member if it is elementwise and lies in that space point by point ("whole"), or in what
the reductions leave of it ("of rows"). What depends on them in another way runs afterwards.
"""

from __future__ import annotations

import math
from enum import Enum

from gpuarray.graph import limits
from gpuarray.graph.node import REDUCE, RESHAPE, VIEW, Layout, Structural
from gpuarray.graph.vertex import Vertex, topological

__all__ = ["Rows", "dissolve", "find", "is_elementwise"]

Shape = tuple[int, ...]


class Rows:
    """One chain, by identity: what its members have in common is its space."""

    __slots__ = ("axes", "kept", "of_rows", "shape")

    def __init__(self, shape: Shape, axes: tuple[int, ...]) -> None:
        self.shape = shape
        self.axes = axes
        self.kept = tuple(d for d in range(len(shape)) if d not in axes)
        with_ones = tuple(1 if d in axes else n for d, n in enumerate(shape))
        self.of_rows = (with_ones, tuple(shape[d] for d in self.kept))

    def suits(self) -> bool:
        """Whether rows of this space are worth a kernel in stages."""
        first = len(self.kept)
        elements = math.prod(self.shape[first:])
        rows = math.prod(self.shape[:first])
        if self.kept != tuple(range(first)) or elements <= 1 or rows == 0:
            return False
        # A block reads a long row again in each stage; a few such rows would not fill a device.
        return elements <= limits.ROW_ELEMENTS or rows >= limits.LONG_ROWS

    def axis(self, shape: Shape, dimension: int) -> int:
        """The axis of the space along which a dimension of a member's shape lies."""
        return dimension if len(shape) == len(self.shape) else self.kept[dimension]


class _State(Enum):
    FREE = 0  # depends on no reduction of the space
    WHOLE = 1
    OF_ROWS = 2
    OUTSIDE = 3  # depends on one, and is no member


def is_elementwise(vertex: Vertex) -> bool:
    """Whether each element depends on the elements at the same index alone."""
    return vertex.op is not None and (
        not isinstance(vertex.op, Structural) or vertex.op.name == "astype"
    )


def find(graph: list[Vertex]) -> None:
    """Mark the members of every chain."""
    folded = [v for v in graph if v.op is REDUCE]
    if not any(_may_chain(r) for r in folded):
        return
    order = topological(graph)
    spaces = dict.fromkeys((r.parents[0].shape, r.attributes[1]) for r in folded if r.attributes)
    for shape, axes in spaces:
        space = Rows(shape, axes)
        if not space.suits():
            continue
        # What depends on a chain from outside may be a chain of the same space again.
        done: set[int] = set()
        while True:
            members = _members(order, space, done)
            if not members:
                break
            done.update(members)
            _mark(members, space)


def dissolve(graph: list[Vertex], rows: Rows) -> None:
    """Take a chain apart: each reduction ends a kernel."""
    for v in graph:
        if v.rows is rows:
            v.rows = None
            if v.op is REDUCE:
                v.stored = True


def _may_chain(r: Vertex) -> bool:
    """Whether something as large as what `r` folds may depend on it: a quick look."""
    seen: set[int] = set()
    stack = list(r.users)
    size = r.parents[0].size
    while stack:
        v = stack.pop()
        if v.slot not in seen:
            seen.add(v.slot)
            if v.size == size and v.size > r.size:
                return True
            stack += v.users
    return False


def _members(order: list[Vertex], space: Rows, done: set[int]) -> dict[int, Vertex]:
    """Those of the first chains that are not `done`; none where no point depends on a row."""
    denied: set[int] = set()
    while True:
        states, levels = _states(order, space, done, denied)
        members = {
            v.slot: v for v in order if states[v.slot] in (_State.WHOLE, _State.OF_ROWS)
        }  # fmt: skip
        # Another kernel needs a value after one reduction: rather compute it there again, from
        # what the rows gave, than write all of it.
        found = {
            v.slot
            for v in members.values()
            if states[v.slot] is _State.WHOLE
            and not v.stored
            and levels[v.slot] == 1
            and any(u.slot not in members for u in v.users)
        }
        if not found:
            return members
        denied |= found


def _states(
    order: list[Vertex], space: Rows, done: set[int], denied: set[int]
) -> tuple[dict[int, _State], dict[int, int]]:
    """What each vertex is to a space, and how many reductions come before it, in a row."""
    states: dict[int, _State] = {}
    levels: dict[int, int] = {}
    for v in order:
        parents = v.parents
        found = [states[p.slot] for p in parents]
        level = max((levels[p.slot] for p in parents), default=0)
        if v.is_leaf or v.slot in done:
            state, level = _State.FREE, 0
        elif _State.OUTSIDE in found or v.slot in denied:
            state = _State.OUTSIDE
        elif (
            v.op is REDUCE
            and v.attributes is not None
            and (parents[0].shape, v.attributes[1]) == (space.shape, space.axes)
            and found[0] is not _State.OF_ROWS
        ):
            state, level = _State.OF_ROWS, level + 1
        elif all(each is _State.FREE for each in found):
            state = _State.FREE
        else:
            dependent = [p for p, s in zip(parents, found, strict=True) if s is not _State.FREE]
            state = _place(v, dependent, space)
        states[v.slot], levels[v.slot] = state, level
    return states, levels


def _place(v: Vertex, dependent: list[Vertex], space: Rows) -> _State:
    """Whether a vertex that reads members is one."""
    if v.shape == space.shape:
        state = _State.WHOLE
    elif v.shape in space.of_rows:
        state = _State.OF_ROWS
    else:
        return _State.OUTSIDE
    if is_elementwise(v):
        aligned = all(_broadcasts(p.shape, v.shape, space) for p in dependent)
    elif v.op is VIEW and v.attributes is not None:
        aligned = _views(dependent[0].shape, v.shape, v.attributes[1], space)
    else:
        aligned = v.op is RESHAPE and state is _State.OF_ROWS and dependent[0].size == v.size
        aligned = aligned and dependent[0].shape in space.of_rows
    return state if aligned else _State.OUTSIDE


def _broadcasts(inner: Shape, outer: Shape, space: Rows) -> bool:
    """Whether broadcasting leaves each element of a member in its row."""
    shift = len(outer) - len(inner)
    return all(
        n == 1 or space.axis(inner, d) == space.axis(outer, d + shift) for d, n in enumerate(inner)
    )


def _views(inner: Shape, outer: Shape, maps: object, space: Rows) -> bool:
    """Whether a view only adds or takes away axes of extent 1, or repeats rows along the others."""
    assert isinstance(maps, tuple)
    return all(
        n == 1
        or (a >= 0 and (start, step) == (0, 1) and space.axis(inner, d) == space.axis(outer, a))
        for (d, n), (a, start, step) in zip(enumerate(inner), maps, strict=True)
    )


def _mark(members: dict[int, Vertex], space: Rows) -> None:
    """Make a chain of each connected part of `members` in which points depend on rows."""
    parts, sources = _parts(members, space)
    for part in parts:
        whole = [v for v in part if v.shape == space.shape and v.op is not REDUCE]
        inputs = {x.slot: x for v in part for x in sources[v.slot]}
        if not whole or not _along_memory(list(inputs.values()), space):
            continue
        rows = Rows(space.shape, space.axes)
        for v in part:
            v.rows = rows
        for v in reversed(part):
            if not v.stored and all(u.rows is rows for u in v.users):
                continue
            # Others read it. What a view shows is stored, and the view shares its memory.
            if v.op in (VIEW, RESHAPE):
                v.parents[0].stored = True
            else:
                v.stored = True
        for x in {p.slot: p for v in part for p in v.parents if p.rows is None}.values():
            if x.held and x.shape == space.shape and is_elementwise(x) and _reads_no_fold(x):
                x.rows = rows


def _parts(
    members: dict[int, Vertex], space: Rows
) -> tuple[list[list[Vertex]], dict[int, list[Vertex]]]:
    """Members that depend on each other or read the same points of memory stand together.

    With each member what of the size of the space it reads from memory.
    """
    root: dict[int, int] = {}

    def find_root(slot: int) -> int:
        while root.setdefault(slot, slot) != slot:
            slot = root[slot]
        return slot

    sources: dict[int, list[Vertex]] = {}
    for v in members.values():
        sources[v.slot] = []
        seen: set[int] = set()
        stack = list(v.parents)
        while stack:
            x = stack.pop()
            if x.slot in seen:
                continue
            seen.add(x.slot)
            if x.slot in members:
                root[find_root(x.slot)] = find_root(v.slot)
            elif not x.stored:
                stack += x.parents
            elif x.size >= math.prod(space.shape):
                root[find_root(x.slot)] = find_root(v.slot)
                sources[v.slot].append(x)
    parts: dict[int, list[Vertex]] = {}
    for slot, v in members.items():
        parts.setdefault(find_root(slot), []).append(v)
    return list(parts.values()), sources


def _along_memory(inputs: list[Vertex], space: Rows) -> bool:
    """Whether rows lie along memory, as far as is known of what they are read from."""
    known = [x.layout for x in inputs if x.layout is not None and x.shape == space.shape]
    return not known or any(_along_last(layout) for layout in known)


def _along_last(layout: Layout) -> bool:
    """Whether neighbours along the last axis are the closest ones, or there is no other axis."""
    walk = [abs(s) for s, n in zip(layout.strides, layout.shape, strict=True) if n > 1 and s]
    return not walk or walk[-1] == min(walk)


def _reads_no_fold(v: Vertex) -> bool:
    """Whether a stored vertex is computed without a reduction."""
    seen: set[int] = set()
    stack = [v]
    while stack:
        x = stack.pop()
        if x.op is REDUCE:
            return False
        for p in x.parents:
            if not p.stored and p.slot not in seen:
                seen.add(p.slot)
                stack.append(p)
    return True
