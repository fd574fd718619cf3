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
from collections.abc import Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray.graph import limits
from gpuarray.graph.calls import Call, Folded, Joined, run_call, run_folded, run_joined
from gpuarray.graph.node import SCATTER, UPDATE, Buffer, Node
from gpuarray.graph.program import Step, Task
from gpuarray.graph.schedule import Alias, Empty, Plan, plan
from gpuarray.graph.tape import forget_tapes, owned_bases, recordings, run_of
from gpuarray.graph.vertex import vertices

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = [
    "Collected",
    "collect",
    "deferred",
    "explain_failure",
    "flush",
    "forget_plans",
    "lock",
    "plan_for",
]

lock = threading.RLock()

# Marks in a key, between the operations and the slots that follow them.
_SOLE = object()
_ROOTS = object()

_plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()
_epoch = 0


# A pending graph, written down: its key; the nodes in topological order; their scalars; the slots
# of the roots and of what else is held; those of the leaves that may be overwritten, each with
# those of the leaves that share its buffer.
Collected = tuple[tuple[object, ...], list[Node], list[Any], list[int], dict[int, tuple[int, ...]]]


def _own_references() -> tuple[int, int]:
    """References that counting itself adds: to a node in `collect`, to a buffer in `_sole_bases`.

    A node has the list of nodes, the loop's variable and the argument of `getrefcount`, each of
    which may be borrowed (by Python 3.14, or by compiled code); so they are counted once, in the
    way they are counted there.
    """
    nodes = [Node.__new__(Node)]
    nodes[0].buffer = Buffer.__new__(Buffer)
    of_node = 0
    for node in nodes:
        of_node = getrefcount(node)
    return of_node, getrefcount(nodes[0].buffer) - 1


_OWN_REFERENCES, _BUFFER_REFERENCES = _own_references()


def flush(roots: Sequence[Node]) -> None:
    """Compute `roots`, all on one device, and store what else of their graph is held."""
    with lock:
        wanted = [node for node in roots if node.op is not None]
        if not wanted:
            return
        device = wanted[0].device
        made = None
        if len(wanted) == 1:
            key, nodes, scalars = _lone(wanted[0])
            made = _plans.get(key)
        if made is None:
            found = collect(wanted)
            made = plan_for(found)
            if len(wanted) == 1 and key and made.only is not None:
                _keep(key, made)
            nodes, scalars = found[1], found[2]
        step = made.only
        if step is None:
            _run(made, device, nodes, scalars, made.actions)
            return
        # One kernel that writes new buffers: nearly every flush.
        task = Task(
            step,
            device,
            [(nodes[slot].buffer, nodes[slot].offset) for slot in step.inputs],
            [scalars[k] for k in step.scalars],
            step.no_bases,
        )
        run = run_of(device) if recordings else device.run
        try:
            buffers: list[Buffer] = run(task=task)
        except (OutOfMemory, DeviceError) as error:
            explain_failure(error, step, {o.slot: nodes[o.slot] for o in step.outputs})
            raise
        for k, output in enumerate(step.outputs):
            nodes[output.slot].become_leaf(buffers[k], 0, output.layout)


def deferred(node: Node) -> Task | None:
    """The task that would compute a pending node. It is not run, but what it needs is computed.

    For what takes a value in and does not keep it, such as a selection its mask: the node stays
    pending. None, and nothing is computed, where the node has no kernel of its own that writes it
    row-major and in one walk over its elements. None also the second time, so that a value which is
    needed again and again is computed twice at most, and then stored. The lock is held.
    """
    if node.op is None or getattr(node, "consumed", False):
        return None
    found = collect((node,))
    _, nodes, scalars, _, _ = found
    made = plan_for(found)
    step = made.actions[-1]
    if not isinstance(step, Step) or len(step.outputs) != 1:
        return None
    output = step.outputs[0]
    if (
        output.slot != node.slot
        or output.base >= 0
        or step.program.reductions
        or not output.layout.contiguous
    ):
        return None
    places = _run(made, node.device, nodes, scalars, made.actions[:-1])
    node.consumed = True
    return Task(
        step,
        node.device,
        [places[slot] for slot in step.inputs],
        [scalars[k] for k in step.scalars],
        step.no_bases,
    )


def _lone(node: Node) -> tuple[tuple[object, ...], list[Any], list[Any]]:
    """What `collect` gives for one elementwise operation on arrays in memory, in less time.

    An empty key stands for any other graph.
    """
    inputs = node.inputs
    if (
        node.attributes is not None
        or len(inputs) > 2
        or (len(inputs) == 2 and inputs[0] is inputs[1])
    ):
        return (), [], []
    key: list[Any] = [node.op]
    nodes: list[Any] = []
    scalars: list[Any] = []
    x: Any
    for x in inputs:
        if type(x) is not Node:
            scalars.append(x)
            key.append(type(x))
            continue
        source = x
        if source.op is not None:
            return (), [], []
        nodes.append(source)
        key.append(source.layout)
    nodes.append(node)
    return tuple(key), nodes, scalars


def collect(roots: Sequence[Node]) -> Collected:
    """Write down everything pending that `roots` need. The lock is held.

    Whether a node is held, CPython's reference counts say: `uses` are those from within the
    graph. A count that is too high (a debugger's, another thread's) only stores a value that could
    have been left out. It can't be too low: whoever could still use a node refers to it.
    """
    global _epoch
    _epoch += 1
    epoch = _epoch
    nodes: list[Node] = []
    scalars: list[Any] = []
    key: list[Any] = []
    stack: list[Any] = list(roots)
    updates = False
    while stack:
        node = stack[-1]
        seen = node.epoch
        if seen == epoch:
            stack.pop()
            continue
        inputs = node.inputs
        if seen != -epoch:
            # Seen for the first time; the next time, all that it needs is written down.
            node.epoch = -epoch
            waiting = len(stack)
            for x in inputs:
                if type(x) is Node:
                    source = x
                    if source.epoch != epoch:
                        if source.op is None:
                            source.epoch = epoch
                            source.slot = len(nodes)
                            source.uses = _OWN_REFERENCES
                            nodes.append(source)
                            key.append(source.layout)
                        else:
                            stack.append(source)
            if len(stack) > waiting:
                continue
        stack.pop()
        node.epoch = epoch
        node.slot = len(nodes)
        nodes.append(node)
        node.uses = _OWN_REFERENCES
        op = node.op
        key.append(op)
        if node.attributes is not None:
            key.append(node.attributes)
            if op is UPDATE or op is SCATTER:
                updates = True
        for x in inputs:
            if type(x) is Node:
                source = x
                source.uses += 1
                key.append(source.slot)
            else:
                scalars.append(x)
                key.append(type(x))
    held = [root.slot for root in roots]
    key.append(_ROOTS)
    key += held
    # The counts below must not include a variable of this function.
    x = inputs = source = None  # type: ignore[assignment]
    for node in nodes:
        if node.op is None:
            continue
        references = getrefcount(node)
        if references != node.uses:
            key.append(node.slot)
            held.append(node.slot)
    sole: dict[int, tuple[int, ...]] = {}
    if updates:
        node = None
        sole = _sole_bases(nodes)
        if recordings:
            sole = owned_bases(nodes, sole)
        key.append(_SOLE)
        key += sole.items()
    return tuple(key), nodes, scalars, held, sole


def _sole_bases(nodes: list[Node]) -> dict[int, tuple[int, ...]]:
    """The leaves that an update may overwrite, with the leaves of the graph that share its buffer.

    Nothing outside the graph refers to any of them or to the buffer.
    """
    bases = {
        node.inputs[0].slot  # type: ignore[attr-defined]
        for node in nodes
        if node.op is UPDATE or node.op is SCATTER
    }
    sharing: dict[int, list[int]] = {}
    outside: set[int] = set()
    for node in nodes:
        if node.op is None:
            sharing.setdefault(id(node.buffer), []).append(node.slot)
            if getrefcount(node) != node.uses:
                outside.add(id(node.buffer))
    return {
        slots[k]: (*slots[:k], *slots[k + 1 :])
        for buffer, slots in sharing.items()
        if buffer not in outside
        and getrefcount(nodes[slots[0]].buffer) == len(slots) + _BUFFER_REFERENCES
        and nodes[slots[0]].buffer.exclusive  # type: ignore[union-attr]
        for k in range(len(slots))
        if slots[k] in bases
    }


def plan_for(found: Collected) -> Plan:
    """The plan of a collected graph, made at most once while it stays in the cache."""
    key, nodes, _, held, sole = found
    cached = _plans.get(key)
    if cached is not None:
        return cached
    made = plan(vertices(nodes, set(held), sole))
    _keep(key, made)
    return made


def _keep(key: tuple[object, ...], made: Plan) -> None:
    if len(_plans) >= max(limits.CACHED_PLANS, 1):
        _plans.popitem(last=False)
    _plans[key] = made


def forget_plans() -> None:
    """Plan anew from now on: the operation table has changed."""
    with lock:
        _plans.clear()
        forget_tapes()


def _run(
    made: Plan,
    device: Device,
    nodes: list[Node],
    scalars: list[Any],
    actions: Sequence[Any],
) -> list[Any]:
    """Run actions of a plan, from its first on; the buffer and the byte of each slot.

    Those of a slot are forgotten with the last action of the plan that needs it.
    """
    run = run_of(device) if recordings else device.run
    places: list[Any] = [(node.buffer, node.offset) if node.op is None else None for node in nodes]
    places.extend([None] * (made.slots - len(nodes)))
    targets = {slot: nodes[slot] for slot in made.stored}
    # From here on only the graph's own edges keep a node alive, so that memory goes back as soon
    # as the last kernel that reads it has been launched.
    nodes.clear()
    _do(actions, run, device, places, targets, scalars)
    return places


def _do(
    actions: Sequence[Any],
    run: Any,
    device: Device,
    places: list[Any],
    targets: dict[int, Node],
    scalars: list[Any],
) -> None:
    """Carry actions out, in order."""
    for action in actions:
        if isinstance(action, Step):
            step: Step = action
            task = Task(
                step,
                device,
                [places[slot] for slot in step.inputs],
                [scalars[k] for k in step.scalars],
                [None if o.base < 0 else places[o.base] for o in step.outputs],
            )
            try:
                buffers: list[Buffer] = run(task=task)
            except (OutOfMemory, DeviceError) as error:
                explain_failure(error, step, targets)
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
        elif isinstance(action, Call):
            run_call(action, device, places, targets)
        elif isinstance(action, Folded):
            if not run_folded(action, device, places, targets, scalars):
                _do((action.call, action.step), run, device, places, targets, scalars)
        elif isinstance(action, Joined):
            if not run_joined(action, device, places, targets, scalars):
                parts = [x for x in (action.before, action.call, action.after) if x is not None]
                _do(parts, run, device, places, targets, scalars)
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


def explain_failure(error: Exception, step: Step, targets: dict[int, Node]) -> None:
    """Add to a device's error which operations ran, and (debugging) where they were recorded."""
    where = f"\n  while computing {' -> '.join(step.names)} over {step.shape}"
    lines = [getattr(targets.get(o.slot), "line", None) for o in step.outputs]
    where += "".join(f"\n  recorded at {line}" for line in lines if line)
    error.args = (f"{error}{where}", *error.args[1:])
