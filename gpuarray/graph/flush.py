"""Flushing: from pending nodes to leaves.

In: the nodes whose values are needed. Out: the same nodes as leaves, and with them every
intermediate that somebody still holds. One lock covers the whole of it; recording needs none.
A node becomes a leaf only after the kernel that computes it was accepted, so an error or an
interrupt leaves each node either pending or whole.

A flush whose structure was seen before costs half a microsecond for each node and a few more:
`collect` writes the graph down as a flat key, and everything else is looked up.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from sys import getrefcount
from typing import Any, NamedTuple

from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray.graph import limits
from gpuarray.graph.node import SCATTER, UPDATE, Buffer, Node, pending
from gpuarray.graph.program import Step, Task
from gpuarray.graph.schedule import Alias, Empty, Plan, plan
from gpuarray.graph.vertex import vertices

__all__ = ["Collected", "collect", "flush", "forget_plans", "lock", "plan_for", "statistics"]

lock = threading.RLock()

_HELD = object()
_SOLE = object()
_ROOT = object()

_plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()
_epoch = 0


class _Statistics:
    """Counters since the process started: flushes, those that made a plan, steps run."""

    __slots__ = ("flushes", "plans", "steps")

    def __init__(self) -> None:
        self.flushes = 0
        self.plans = 0
        self.steps = 0


statistics = _Statistics()


class Collected(NamedTuple):
    """A pending graph, written down: nodes in topological order, scalars, and the key of both."""

    key: tuple[object, ...]
    nodes: list[Node]
    scalars: list[Any]
    held: set[int]
    sole: set[int]


# References to a node while `_held` looks at it, besides those of the graph: the list of nodes,
# the loop's variable and the argument of `getrefcount`.
_OWN_REFERENCES = 3


def flush(roots: Iterable[Node]) -> None:
    """Compute `roots`, all on one device, and store what else of their graph is held."""
    with lock:
        wanted = [node for node in roots if node.op is not None]
        if not wanted:
            return
        found = collect(wanted)
        statistics.flushes += 1
        _run(plan_for(found), found)


def collect(roots: list[Node]) -> Collected:
    """Write down everything pending that `roots` need. The lock is held."""
    global _epoch
    _epoch += 1
    epoch = _epoch
    nodes: list[Node] = []
    scalars: list[Any] = []
    key: list[Any] = []
    stack = list(roots)
    node_type = pending
    for root in roots:
        root.uses = 0
    while stack:
        node = stack[-1]
        if node.epoch == epoch:
            stack.pop()
            continue
        inputs = node.inputs
        ready = True
        for x in inputs:
            if x.__class__ is node_type and x.epoch != epoch:  # type: ignore[attr-defined]
                stack.append(x)  # type: ignore[arg-type]
                ready = False
        if not ready:
            continue
        stack.pop()
        node.epoch = epoch
        node.slot = len(nodes)
        nodes.append(node)
        node.uses = 0
        op = node.op
        if op is None:
            key.append(node.layout)
            continue
        key.append(op)
        if node.attributes is not None:
            key.append(node.attributes)
        for x in inputs:
            if x.__class__ is node_type:
                x.uses += 1  # type: ignore[attr-defined]
                key.append(x.slot)  # type: ignore[attr-defined]
            else:
                scalars.append(x)
                key.append(x.__class__)
    # `_held` counts references, so no variable may be left that is one.
    node = x = inputs = None  # type: ignore[assignment]
    for root in roots:
        key.append(_ROOT)
        key.append(root.slot)
    held, sole = _held(nodes)
    if held:
        key.append(_HELD)
        key.extend(held)
    sole_bases = _sole_bases(nodes, sole)
    if sole_bases:
        key.append(_SOLE)
        key.extend(sole_bases)
    return Collected(
        tuple(key), nodes, scalars, {*held, *(root.slot for root in roots)}, set(sole_bases)
    )


def _held(nodes: list[Node]) -> tuple[list[int], list[int]]:
    """Slots of pending nodes, and of leaves, with and without references from outside.

    A node's references are counted by CPython; those from within the graph were counted by
    `collect`. A count that is too high (a debugger's, another thread's) only stores a value that
    could have been left out. It can't be too low: whoever could still use a node refers to it.
    """
    held: list[int] = []
    sole: list[int] = []
    for node in nodes:
        if node.op is None:
            if getrefcount(node) == node.uses + _OWN_REFERENCES:
                sole.append(node.slot)
        elif getrefcount(node) != node.uses + _OWN_REFERENCES:
            held.append(node.slot)
    return held, sole


def _sole_bases(nodes: list[Node], sole: list[int]) -> list[int]:
    """The leaves that an update may overwrite: nothing else refers to them or to their buffer."""
    if not sole:
        return sole
    bases = {
        node.inputs[0].slot  # type: ignore[attr-defined]
        for node in nodes
        if node.op is UPDATE or node.op is SCATTER
    }
    # A buffer that only its leaf refers to: the leaf's attribute, and getrefcount's argument.
    return [
        slot for slot in sole
        if slot in bases and getrefcount(nodes[slot].buffer) == 2
        and nodes[slot].buffer.exclusive  # type: ignore[union-attr]
    ]  # fmt: skip


def plan_for(found: Collected) -> Plan:
    """The plan of a collected graph, made at most once while it stays in the cache."""
    cached = _plans.get(found.key)
    if cached is not None:
        return cached
    statistics.plans += 1
    graph = vertices(found.nodes, found.held, found.sole)
    made = plan(graph)
    if len(_plans) >= limits.CACHED_PLANS:
        _plans.popitem(last=False)
    _plans[found.key] = made
    return made


def forget_plans() -> None:
    """Plan anew from now on: the operation table has changed."""
    with lock:
        _plans.clear()


def _run(made: Plan, found: Collected) -> None:
    nodes, scalars = found.nodes, found.scalars
    device = nodes[-1].device
    run = device.hook.gpuarray_run
    places: list[Any] = [(node.buffer, node.offset) if node.op is None else None for node in nodes]
    places.extend([None] * (made.slots - len(nodes)))
    targets = {slot: nodes[slot] for slot in made.stored}
    # From here on only the graph's own edges keep a node alive, so that memory goes back as soon
    # as the last kernel that reads it has been launched.
    nodes.clear()
    for action in made.actions:
        if action.__class__ is Step:
            step: Step = action  # type: ignore[assignment]
            task = Task(
                step,
                device,
                [places[slot] for slot in step.inputs],
                [scalars[k] for k in step.scalars],
                [None if o.base < 0 else places[o.base] for o in step.outputs],
            )
            statistics.steps += 1
            try:
                buffers: list[Buffer] = run(task=task)
            except (OutOfMemory, DeviceError) as error:
                _explain_failure(error, step, targets)
                raise
            for output, buffer in zip(step.outputs, buffers, strict=True):
                slot = output.slot
                offset = 0 if output.base < 0 else places[output.base][1]
                places[slot] = (buffer, offset)
                if slot in targets:
                    targets[slot].become_leaf(buffer, offset, output.layout)
            del task, buffers, buffer
            for slot in step.releases:
                places[slot] = None
                targets.pop(slot, None)
        elif isinstance(action, Alias):
            buffer, offset = places[action.base]
            places[action.slot] = (buffer, offset + action.offset)
            if action.slot in targets:
                targets[action.slot].become_leaf(buffer, offset + action.offset, action.layout)
        elif isinstance(action, Empty):
            buffer = device.hook.gpuarray_allocate(device=device, nbytes=0)
            places[action.slot] = (buffer, 0)
            if action.slot in targets:
                targets[action.slot].become_leaf(buffer, 0, action.layout)


def _explain_failure(error: Exception, step: Step, targets: dict[int, Node]) -> None:
    """Add to a device's error which operations ran, and (debugging) where they were recorded."""
    where = f"\n  while computing {' -> '.join(step.names)} over {step.shape}"
    lines = [getattr(targets.get(o.slot), "line", None) for o in step.outputs]
    where += "".join(f"\n  recorded at {line}" for line in lines if line)
    error.args = (f"{error}{where}", *error.args[1:])
