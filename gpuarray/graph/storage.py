"""Storage: which vertices of a graph are written to memory, and where.

In: vertices, the roots among them marked held. Out: `stored`, `alias`, `in_place` and `cost` set
on each. What is stored ends a kernel; everything else is computed inside the kernels that need it.
Every rule here weighs a pass over memory against computing again; none changes a value.
"""

from __future__ import annotations

from gpuarray.graph import limits, rows
from gpuarray.graph.node import (
    CONCAT,
    FULL,
    GATHER,
    IOTA,
    LIBRARY,
    REDUCE,
    RESHAPE,
    ROLL,
    SCATTER,
    UPDATE,
    VIEW,
    Layout,
)
from gpuarray.graph.rows import is_elementwise
from gpuarray.graph.vertex import Vertex

__all__ = ["decide", "inline_cone"]

# An update in place of at most this part of its base is worth a temporary for its value, where the
# value reads the base; a larger one is cheaper as one pass over the whole.
_SMALL_UPDATE = 0.5

# The cost of a stored view that will be overwritten, and so needs a buffer of its own.
_NEVER_ALIAS = -1

_FREE = frozenset((VIEW, RESHAPE, FULL, IOTA))
_MOVING = frozenset((VIEW, ROLL, CONCAT, GATHER, UPDATE, LIBRARY))
# What is in a buffer of its own when it has run, and may be written there.
_OWN_BUFFER = frozenset((UPDATE, SCATTER, LIBRARY))


def decide(graph: list[Vertex]) -> None:
    """Set `stored`, `alias`, `in_place`, `cost`, `rows` of every vertex. May append vertices."""
    for v in graph:
        if v.held:
            v.stored = True
    for v in graph:
        if v.op is LIBRARY:
            _library(v)
    for v in list(graph):
        if v.op is UPDATE:
            _update(v, graph)
        elif v.op is SCATTER:
            _scatter(v, graph)
    rows.find(graph)
    work: dict[int, int] = {}
    for v in graph:
        _one(v, work)
    _absorb_reductions(graph)
    for v in graph:
        _alias(v)


def inline_cone(v: Vertex) -> list[Vertex]:
    """`v` and what it is computed from without reading memory, each once."""
    seen = {v.slot: v}
    stack = [v]
    while stack:
        for parent in stack.pop().parents:
            if not parent.stored and parent.slot not in seen:
                seen[parent.slot] = parent
                stack.append(parent)
    return list(seen.values())


def _one(v: Vertex, work: dict[int, int]) -> None:
    """The cost of `v`, and whether it is stored for being read at several places.

    `work` maps the slots before to the operations that compute an element, as bits of an integer,
    so that ``x * x`` costs one operation more than x and not twice as much.
    """
    if v.is_leaf or v.cost == _NEVER_ALIAS:
        work[v.slot] = 0
        return
    found = 0
    for p in v.parents:
        if not p.stored:
            found |= work[p.slot]
    if v.op not in (VIEW, RESHAPE, FULL, IOTA):
        found |= 1 << v.slot
    work[v.slot] = found
    v.cost = found.bit_count()
    if v.stored or v.op is REDUCE or v.rows is not None:
        return
    if v.op is SCATTER or v.cost > limits.INSTRUCTIONS_PER_KERNEL // 2:
        v.stored = True
    elif v.cost > limits.CHEAP_OPERATIONS and _read_elsewhere(v):
        v.stored = True


def _read_elsewhere(v: Vertex) -> bool:
    """Whether an element of `v` would be computed several times, were it not stored."""
    maps = {-1 if _reads_here(u, v) else u.slot for u in v.users}
    if len(maps) > 1:
        return True
    if v.op in (VIEW, RESHAPE):
        return any(u.size >= 4 * v.size and u.op is not REDUCE for u in v.users)
    return any(
        (is_elementwise(u) or (u.op is GATHER and u.inputs[0] is v)) and u.size >= 4 * v.size
        for u in v.users
    )


def _reads_here(user: Vertex, v: Vertex) -> bool:
    """Whether `user` reads `v` where it is computed itself, or in a row of its own."""
    if user.op is REDUCE:
        return user.rows is not None
    return user.op not in _MOVING and user.size == v.size


def _library(v: Vertex) -> None:
    """Store `v` and what it reads. What a view shows is stored in its place, unless it is larger.

    So a transpose or a broadcast is read by its strides, and not written out.
    """
    v.stored = True
    for x in v.parents:
        x.stored = True
        while x.op is VIEW and not x.is_leaf and x.parents[0].size <= x.size:
            x = x.parents[0]
            x.stored = True


def _reaches(start: Vertex, goal: Vertex) -> bool:
    """Whether `start` depends on `goal`, or on what shares its buffer."""
    return any(_reaches_itself(start, leaf) for leaf in (goal, *goal.sharing))


def _reaches_itself(start: Vertex, goal: Vertex) -> bool:
    seen = {start.slot}
    stack = [start]
    while stack:
        vertex = stack.pop()
        if vertex is goal:
            return True
        for parent in vertex.parents:
            if parent.slot >= goal.slot and parent.slot not in seen:
                seen.add(parent.slot)
                stack.append(parent)
    return False


def _may_overwrite(v: Vertex, base: Vertex, readers: list[Vertex]) -> bool:
    """Whether the buffer of `base` may become that of `v`.

    Nothing outside the graph may refer to it, and within the graph only `v` and what feeds `v`
    through `readers` (stored before `v` runs) may read it.
    """
    if base.held or not (base.sole if base.is_leaf else base.op in _OWN_BUFFER):
        return False
    if base.layout is not None and _repeats(base.layout):
        return False
    stack = [u for b in (base, *base.sharing) for u in b.users if u is not v]
    seen = set()
    while stack:
        user = stack.pop()
        if user is v:
            return False
        if user in readers:
            continue
        if user.slot in seen:
            continue
        if user.held or user.slot > v.slot:
            return False
        seen.add(user.slot)
        stack.extend(user.users)
        if not user.users:
            return False
    return sum(u is v for u in base.users) == 1


def _repeats(layout: Layout) -> bool:
    """Whether some elements share their memory, as after a broadcast."""
    return any(s == 0 and n > 1 for s, n in zip(layout.strides, layout.shape, strict=True))


def _update(v: Vertex, graph: list[Vertex]) -> None:
    """Write the region in place where the old value may go, else select between old and new."""
    base, value = v.inputs
    assert isinstance(base, Vertex) and v.attributes is not None
    region = 1
    for extent in v.attributes[0]:
        region *= extent
    if not base.is_leaf and not base.stored:
        # An update of an expression is one more select in its kernel; a small one of an update is
        # cheaper on its own, or a hundred of them would be a hundred selects for each element.
        if base.op not in (UPDATE, SCATTER) or region > base.size * _SMALL_UPDATE:
            return
    reads_base = isinstance(value, Vertex) and _reaches(value, base)
    if reads_base and region > base.size * _SMALL_UPDATE:
        return
    if not _may_overwrite(v, base, [value] if reads_base and isinstance(value, Vertex) else []):
        return
    base.stored = True
    v.stored = v.in_place = True
    if reads_base and isinstance(value, Vertex):
        # Computed first and kept apart: a value that reads what it overwrites could not be run
        # again if an interrupt came between the write and the note that it was made.
        _keep_apart(v, 1, graph)


def _keep_apart(user: Vertex, position: int, graph: list[Vertex]) -> Vertex:
    """Store an input of `user` in memory of its own; the vertex that is read from now on."""
    x = user.inputs[position]
    assert isinstance(x, Vertex)
    if not x.is_leaf:
        x.stored = True
        return x
    copy = _copy(x, graph)
    user.replace_input(position, copy)
    return copy


def _copy(x: Vertex, graph: list[Vertex]) -> Vertex:
    identity = tuple((d, 0, 1) for d in range(len(x.shape)))
    copy = Vertex(len(graph), VIEW, (x,), (x.shape, identity), x.dtype, x.shape)
    copy.stored = True
    copy.cost = _NEVER_ALIAS
    graph.append(copy)
    return copy


def _scatter(v: Vertex, graph: list[Vertex]) -> None:
    """Scatter into the old buffer where it may go, else into a copy of it."""
    base = v.inputs[0]
    assert isinstance(base, Vertex)
    readers = []
    for position, x in enumerate(v.inputs):
        if position > 0 and isinstance(x, Vertex) and _reaches(x, base):
            readers.append(_keep_apart(v, position, graph))
    v.stored = v.in_place = True
    if _may_overwrite(v, base, readers) or not (base.stored or len(base.users) > 1):
        base.stored = True
        if base.op in (VIEW, RESHAPE):
            base.cost = _NEVER_ALIAS
        return
    v.replace_input(0, _copy(base, graph))


def _absorb_reductions(graph: list[Vertex]) -> None:
    """Let elementwise work that follows reductions be their epilogue; store the other ones."""
    for v in graph:
        if not is_elementwise(v) or v.size == 0 or v.rows is not None:
            continue
        if v.stored or any(not is_elementwise(u) or u.shape != v.shape for u in v.users):
            if _has_epilogue_form(v):
                v.stored = True
    # The kernel of a stored vertex makes only those reductions itself that are of one space; all
    # others that it needs are stored, which may leave another kernel one less to make.
    changed = True
    while changed:
        changed = False
        for v in graph:
            if not v.stored or v.is_leaf:
                continue
            own = {v.slot}
            if v.rows is None and is_elementwise(v):
                own.update(r.slot for r in _epilogue_reductions(v))
            for u in inline_cone(v):
                if u.op is REDUCE and u.rows is None and u.slot not in own and not u.stored:
                    u.stored = changed = True


def _epilogue_cone(v: Vertex) -> list[Vertex]:
    """The unstored elementwise vertices of `v`'s shape that feed it, and `v`."""
    seen = {v.slot: v}
    stack = [v]
    while stack:
        for parent in stack.pop().parents:
            if (
                is_elementwise(parent)
                and not parent.stored
                and parent.shape == v.shape
                and parent.slot not in seen
            ):
                seen[parent.slot] = parent
                stack.append(parent)
    return list(seen.values())


def _epilogue_reductions(v: Vertex) -> list[Vertex]:
    """The reductions that the kernel of `v` can do itself: all of one input space."""
    cone = _epilogue_cone(v)
    members = {u.slot for u in cone}
    candidates = {
        p.slot: p
        for u in cone
        for p in u.parents
        if p.op is REDUCE and p.rows is None and not p.stored and p.shape == v.shape
    }
    found: list[Vertex] = []
    for r in candidates.values():
        if any(user.slot not in members for user in r.users):
            continue
        source, first = r.inputs[0], found[0] if found else r
        if (
            isinstance(source, Vertex)
            and isinstance(first.inputs[0], Vertex)
            and source.shape == first.inputs[0].shape
            and r.attributes is not None
            and first.attributes is not None
            and r.attributes[1] == first.attributes[1]
        ):
            found.append(r)
    return found


def _has_epilogue_form(v: Vertex) -> bool:
    return bool(_epilogue_reductions(v))


def _alias(v: Vertex) -> None:
    """A stored view of something in memory shares its buffer."""
    if v.cost == _NEVER_ALIAS:
        return
    if not v.stored or v.is_leaf or v.op not in (VIEW, RESHAPE) or v.size == 0:
        return
    base = v.parents[0]
    if v.op is RESHAPE and not base.stored and not base.is_leaf and base.op is not REDUCE:
        # Computing in the shape before, and naming the result anew, costs no index arithmetic.
        base.stored = True
    if not base.stored:
        return
    if v.op is RESHAPE and not _is_row_major(base):
        return
    if any(u.in_place and u.inputs[0] is base for u in base.users):
        # The base's buffer will hold another value.
        return
    v.alias = base


def _is_row_major(v: Vertex) -> bool:
    """Whether a stored vertex that a reshape reads is known to lie in row-major order."""
    if v.is_leaf:
        return v.layout is not None and v.layout.contiguous
    # What is computed for a reshape is written so; a view or an update lies as its base does.
    return not v.in_place and (v.alias is None or v.op is RESHAPE)
