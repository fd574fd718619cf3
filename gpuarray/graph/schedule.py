"""Scheduling: from the vertices of a flush to a plan, the list of kernels to run in order.

In: vertices with the roots and whatever else is still wanted marked `held`. Out: a `Plan`, which
knows slots, sizes and strides, and no node. Making one costs about a millisecond, so `flush`
keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from gpuarray.graph import limits, rows, storage
from gpuarray.graph.calls import Call, Folded, Joined
from gpuarray.graph.donation import donate
from gpuarray.graph.folding import call_of, folded
from gpuarray.graph.joining import joined
from gpuarray.graph.kernel import TooLarge, build
from gpuarray.graph.node import (
    LIBRARY,
    REDUCE,
    VIEW,
    Layout,
    contiguous_layout,
    intern_layout,
    viewed,
)
from gpuarray.graph.program import Step
from gpuarray.graph.vertex import Vertex, topological

__all__ = ["Action", "Alias", "Empty", "Plan", "plan"]


class Alias(NamedTuple):
    """Slot `slot` is the buffer of slot `base`, `offset` bytes further on, laid out anew."""

    slot: int
    base: int
    offset: int
    layout: Layout


class Empty(NamedTuple):
    """Slot `slot` has no elements."""

    slot: int
    layout: Layout


Action = Step | Alias | Call | Folded | Joined | Empty


class Plan:
    """What a flush does, in order.

    `slots` is the length of its table of buffers; `stored` are the slots of the pending nodes
    that it turns into leaves, all but those whose memory it gives to another result. `only` is the
    one step of a plan that does nothing else and writes nothing in place.
    """

    __slots__ = ("actions", "only", "slots", "stored")

    def __init__(self, actions: tuple[Action, ...], slots: int, stored: tuple[int, ...]) -> None:
        self.actions = actions
        self.slots = slots
        self.stored = stored
        only = actions[0] if len(actions) == 1 else None
        simple = isinstance(only, Step) and all(o.base < 0 for o in only.outputs)
        self.only = only if simple and isinstance(only, Step) else None


class _Group:
    """Vertices that one kernel may compute, and the groups that must run before it."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.members: list[Vertex] = []
        self.before: set[_Group] = set()

    def reaches(self, goal: _Group) -> bool:
        """Whether `goal` runs before this group."""
        seen: set[_Group] = set()
        stack = [self]
        while stack:
            group = stack.pop()
            if group is goal:
                return True
            if group not in seen:
                seen.add(group)
                stack.extend(group.before)
        return False


def plan(graph: list[Vertex]) -> Plan:
    """The plan that stores every held vertex."""
    nodes = len(graph)
    storage.decide(graph)
    apart: set[int] = set()
    while True:
        result = _attempt(graph, nodes, apart)
        if isinstance(result, Plan):
            return result
        # A kernel was too large. Give up a chain, compute several results apart, or one in two
        # kernels.
        chain = result[0].rows
        if chain is not None:
            rows.dissolve(graph, chain)
        elif len(result) > 1:
            apart.update(v.slot for v in result)
        else:
            _divide(result[0])


def _attempt(graph: list[Vertex], nodes: int, apart: set[int]) -> Plan | list[Vertex]:
    """A plan, or the members of a group that does not fit one kernel."""
    order = topological(graph)
    groups = _grouped(order, apart)
    for v in graph:
        if not v.is_leaf:
            v.layout = None
    actions: list[Action] = []
    for item in groups:
        if isinstance(item, _Group) and item.members[0].op is LIBRARY:
            actions.append(call_of(item.members[0]))
        elif isinstance(item, _Group):
            reductions = _reductions(item.members)
            sizes = (limits.ACCESSES_PER_KERNEL, limits.INSTRUCTIONS_PER_KERNEL)
            try:
                actions.append(build(item.members, reductions, sizes))
            except TooLarge:
                first = item.members[0]
                if len(item.members) == 1 and first.rows is None and not _divisible(first):
                    # Nothing in it can be stored on its own: one operation of many inputs.
                    actions.append(build(item.members, reductions, (1 << 30, 1 << 30)))
                else:
                    return item.members
        elif item.size == 0:
            item.layout = contiguous_layout(item.dtype, item.shape)
            actions.append(Empty(item.slot, item.layout))
        else:
            actions.append(_alias(item))
    _release(actions, {v.slot for v in graph if v.held})
    given = donate(actions)
    leaves = {v.slot: v.layout for v in graph if v.is_leaf and v.layout is not None}
    actions = joined(folded(actions, leaves))
    stored = tuple(
        v.slot for v in graph[:nodes] if v.stored and not v.is_leaf and v.slot not in given
    )
    return Plan(tuple(actions), len(graph), stored)


def _grouped(order: list[Vertex], apart: set[int]) -> list[_Group | Vertex]:
    """Groups in an order in which they can run, and between them the vertices without a kernel."""
    producer: dict[int, _Group] = {}
    groups: list[_Group] = []
    loose: list[Vertex] = []
    for v in order:
        if not v.stored or v.is_leaf:
            continue
        if v.size == 0 or v.alias is not None:
            loose.append(v)
            if v.alias is not None and v.alias.slot in producer:
                producer[v.slot] = producer[v.alias.slot]
            continue
        reads = _reads(v)
        hard = {producer[r.slot] for r, same in reads.values() if r.slot in producer and not same}
        soft = {producer[r.slot] for r, same in reads.values() if r.slot in producer and same}
        key = _space(v, apart)
        group = None
        for candidate in reversed(groups):
            if candidate.key == key and candidate not in hard:
                others = (hard | soft) - {candidate}
                if not any(other.reaches(candidate) for other in others):
                    group = candidate
                    break
        if group is None:
            group = _Group(key)
            groups.append(group)
        group.members.append(v)
        group.before |= (hard | soft) - {group}
        producer[v.slot] = group
    return _sequence(groups, loose)


def _sequence(groups: list[_Group], loose: list[Vertex]) -> list[_Group | Vertex]:
    done: set[_Group] = set()
    result: list[_Group | Vertex] = []
    written: set[int] = set()
    waiting = list(loose)

    def settle() -> None:
        progress = True
        while progress:
            progress = False
            for v in list(waiting):
                base = v.alias
                if base is None or v.size == 0 or base.is_leaf or base.slot in written:
                    waiting.remove(v)
                    written.add(v.slot)
                    result.append(v)
                    progress = True

    settle()
    for start in groups:
        stack = [start]
        while stack:
            group = stack[-1]
            if group in done:
                stack.pop()
                continue
            missing = [b for b in group.before if b not in done]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            done.add(group)
            result.append(group)
            written.update(v.slot for v in group.members)
            settle()
    return result


def _reads(v: Vertex) -> dict[tuple[int, bool], tuple[Vertex, bool]]:
    """The stored vertices that `v` reads, each with whether at the same index throughout.

    A vertex read at the same index *and* elsewhere stands there twice. To a member of a chain, what
    the other members read of their own row is at the same index.
    """
    shape = v.shape if v.rows is None else v.rows.shape
    found: dict[tuple[int, bool], tuple[Vertex, bool]] = {}
    seen: set[tuple[int, bool]] = set()
    stack = [(v, not v.in_place)]
    while stack:
        user, same = stack.pop()
        chain = user.rows
        pointwise = rows.is_elementwise(user) or (chain is not None and user.op is REDUCE)
        for parent in user.parents:
            here = same and (
                (pointwise and parent.shape == shape)
                or (chain is not None and parent.rows is chain)
            )
            if parent.stored:
                found[(parent.slot, here)] = (parent, here)
            elif (parent.slot, here) not in seen:
                seen.add((parent.slot, here))
                stack.append((parent, here))
    return found


def _reductions(members: Iterable[Vertex]) -> list[Vertex]:
    """The reductions done in the kernel of `members`."""
    found: dict[int, Vertex] = {}
    for v in members:
        for r in _own_reductions(v):
            found[r.slot] = r
    return list(found.values())


def _own_reductions(v: Vertex) -> list[Vertex]:
    if v.rows is None:
        if v.op is REDUCE:
            return [v]
        if not rows.is_elementwise(v):
            return []
    return [u for u in storage.inline_cone(v) if u.op is REDUCE]


def _space(v: Vertex, apart: set[int]) -> object:
    """What has to be equal for vertices to share a kernel."""
    if v.in_place or v.op is LIBRARY or v.slot in apart:
        return ("alone", v.slot)
    if v.rows is not None:
        return ("rows", v.rows)
    reductions = _own_reductions(v)
    if reductions:
        r = reductions[0]
        assert r.attributes is not None
        return ("reduce", r.parents[0].shape, r.attributes[1], v.shape)
    return ("map", v.shape)


def _alias(v: Vertex) -> Alias:
    base = v.alias
    assert base is not None and base.layout is not None and v.attributes is not None
    layout = base.layout
    if v.op is not VIEW:
        # A reshape: its base is row-major.
        same = contiguous_layout(v.dtype, v.shape)
        v.layout = intern_layout(v.dtype, v.shape, same.strides, layout.alignment)
        return Alias(v.slot, base.slot, 0, v.layout)
    maps: Any = v.attributes[1]
    offset, v.layout = viewed(layout, v.shape, maps)
    return Alias(v.slot, base.slot, offset, v.layout)


def _divisible(v: Vertex) -> bool:
    return any(_storable(u, v) for u in storage.inline_cone(v))


def _storable(u: Vertex, v: Vertex) -> bool:
    return u is not v and not u.stored and u.cost > 0 and u.op is not REDUCE


def _divide(v: Vertex) -> None:
    """Store the part of `v`'s expression that reads most, of those that fit a kernel."""
    cone = {u.slot: u for u in storage.inline_cone(v)}
    weight: dict[int, int] = {}
    reads: dict[int, set[int]] = {}
    for slot in sorted(cone):
        u = cone[slot]
        found: set[int] = set()
        total = 1
        for p in u.parents:
            if p.stored:
                found.add(p.slot)
            else:
                found |= reads[p.slot]
                total += weight[p.slot]
        reads[slot], weight[slot] = found, total
    half = (limits.ACCESSES_PER_KERNEL // 2, limits.INSTRUCTIONS_PER_KERNEL // 2)
    choices = [u for u in cone.values() if _storable(u, v)]
    fitting = [
        u for u in choices if len(reads[u.slot]) <= half[0] and weight[u.slot] <= half[1]
    ]  # fmt: skip
    best = max(fitting or choices, key=lambda u: (len(reads[u.slot]), weight[u.slot], -u.slot))
    best.stored = True


def _release(actions: list[Action], kept: set[int]) -> None:
    """Tell each step which slots it is the last to need."""
    needed = set(kept)
    for action in reversed(actions):
        if isinstance(action, Call):
            slots = {action.slot, *(slot for _, slot, _ in action.operands)}
            action.releases = tuple(sorted(slots - needed))
            needed |= slots
        elif isinstance(action, Step):
            bases = [o.base for o in action.outputs if o.base >= 0]
            slots = {*action.inputs, *bases, *(o.slot for o in action.outputs)}
            action.releases = tuple(sorted(slots - needed))
            needed |= slots
        elif isinstance(action, Alias):
            needed |= {action.slot, action.base}
