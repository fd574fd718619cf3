"""Donation: a kernel writes its result over an input that nothing needs any more.

In: the actions of a plan, which know what each of them is the last to need. Out: the same actions;
where it is safe, a step's output has the slot of an input as its base. So a matrix product and the
activation that follows it take the memory of one.

Only memory that the plan itself makes is given away, and the plan turns no node into a leaf whose
memory it gives away: after an interrupt such a node is pending, as before the flush, and computed
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpuarray.graph.calls import Call
from gpuarray.graph.program import Output, Step, Terms

__all__ = ["donate", "place"]


def donate(actions: Sequence[Any]) -> frozenset[int]:
    """Let steps overwrite what they are the last to read; the slots that are overwritten."""
    made: dict[int, Any] = {}
    shared: set[int] = set()
    given: set[int] = set()
    for action in actions:
        if isinstance(action, Call):
            made[action.slot] = action.layout
        elif isinstance(action, Step):
            slot = _overwritten(action, made, shared)
            if slot is not None:
                (output,) = action.outputs
                action.outputs = (Output(output.slot, output.layout, slot),)
                given.add(slot)
            for output in action.outputs:
                if output.base >= 0:
                    # One buffer with two slots; the second may not be given away on its own.
                    shared.update((output.slot, output.base))
                made[output.slot] = output.layout
        elif hasattr(action, "base"):
            shared.update((action.slot, action.base))
    return frozenset(given)


def _overwritten(step: Step, made: dict[int, Any], shared: set[int]) -> int | None:
    """The slot of an input that the step's one output may replace, element by element."""
    program = step.program
    if len(step.outputs) != 1 or len(program.stores) != 1 or program.reduced:
        return None
    (output,) = step.outputs
    (store,) = program.stores
    if output.base >= 0 or store.collides:
        return None
    target = program.accesses[store.access]
    target_place = place(step, target.terms, store.access)
    for operand, slot in enumerate(step.inputs):
        layout = made.get(slot)
        if (
            layout is not None
            and slot in step.releases
            and slot not in shared
            and layout.dtype.itemsize == output.layout.dtype.itemsize
            and layout.shape == output.layout.shape
            and layout.strides == output.layout.strides
            and all(
                place(step, access.terms, number) == target_place
                for number, access in enumerate(program.accesses)
                if access.operand == operand
            )
        ):
            return slot
    return None


def place(step: Step, terms: Terms, access: int) -> tuple[Any, ...]:
    """Where an access is at each point, with the values of the step's integers."""

    def value(position: int) -> int:
        return 1 if position < 0 else step.integers[position]

    return (
        step.offsets[access],
        0 if terms.constant < 0 else step.integers[terms.constant],
        tuple((axis, value(position)) for axis, position in terms.axes),
        tuple((number, value(position)) for number, position in terms.values),
    )
