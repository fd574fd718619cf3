"""Joining: a scan computes what it scans, and what follows it, in its own pass over memory.

In: the actions of a plan. Out: the same, where a scan and the kernels beside it, which compute an
element each from the elements at its place, are one `Joined`. A backend may still run them one by
one; no value depends on it.
"""

from __future__ import annotations

import math
from typing import Any

from gpuarray.graph.calls import Call, Joined
from gpuarray.graph.donation import place
from gpuarray.graph.program import Step

__all__ = ["joined"]


def joined(actions: list[Any]) -> list[Any]:
    """The actions, with a `Joined` for each scan that has such a kernel beside it."""
    found: list[Any] = []
    waiting = list(reversed(actions))
    while waiting:
        action = waiting.pop()
        if isinstance(action, Call) and action.name == "scan":
            before = found.pop() if found and _feeds(found[-1], action) else None
            after = waiting.pop() if waiting and _follows(waiting[-1], action) else None
            if before is not None or after is not None:
                position = -1 if after is None else after.inputs.index(action.slot)
                action = Joined(before, action, after, position)
        found.append(action)
    return found


def _feeds(step: Any, call: Call) -> bool:
    """Whether a kernel computes what a scan reads, and nothing else does."""
    ((_, slot, layout),) = call.operands
    if not isinstance(step, Step) or slot not in call.releases or _walk(step) is None:
        return False
    (output,) = step.outputs
    return output.slot == slot and output.base < 0 and output.layout is layout


def _follows(step: Any, call: Call) -> bool:
    """Whether a kernel reads a scan, each element where it writes one, and nothing else does."""
    if not isinstance(step, Step) or call.slot not in step.inputs:
        return False
    (output, *others) = step.outputs
    if others or output.base not in (-1, call.slot) or call.slot not in step.releases:
        return False
    walk = _walk(step)
    operand = step.inputs.index(call.slot)
    accesses = step.program.accesses
    return (
        walk is not None
        and output.layout.shape == call.layout.shape
        and all(
            place(step, access.terms, number)[1:] == walk and step.offsets[number] == 0
            for number, access in enumerate(accesses)
            if access.operand == operand
        )
        and all(
            i[3] < 0 and i[1] == call.layout.dtype
            for i in step.program.body
            if i[0] == "load" and accesses[i[2]].operand == operand
        )
    )


def _walk(step: Step) -> tuple[Any, ...] | None:
    """Where a kernel of one result writes it, if it does so row by row and all of it."""
    program = step.program
    # A reduction over axes of extent 1 has no reduced axis.
    if program.reductions or len(program.stages) > 1 or not program.kept:
        return None
    if len(step.outputs) != 1 or len(program.stores) != 1:
        return None
    ((output,), (store,)) = step.outputs, program.stores
    if store.collides or not output.layout.contiguous:
        return None
    if math.prod(step.shape) != math.prod(output.layout.shape):
        return None
    offset, *walk = place(step, program.accesses[store.access].terms, store.access)
    strides = tuple((k, math.prod(step.shape[k + 1 :])) for k in range(program.kept))
    return (0, strides, ()) if offset == 0 and walk == [0, strides, ()] else None
