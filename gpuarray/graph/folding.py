"""Library calls in a plan: how a hook gets its operands, and which additions a product does itself.

In: a `LIBRARY` vertex whose inputs are laid out; the actions of a plan. Out: a `Call`, which knows
slots and layouts, and no node; the actions, where a product and the addition to it, or its scaling,
are one `Folded`. No value depends on that: its hook gives the bits of the two one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpuarray.graph.calls import Call, Folded
from gpuarray.graph.node import Layout, contiguous_layout, intern_layout
from gpuarray.graph.program import Step

if TYPE_CHECKING:
    from gpuarray.graph.vertex import Vertex

__all__ = ["call_of", "folded"]


def call_of(v: Vertex) -> Call:
    """The call of a hook on what has been laid out; vectors are matrices of one row or column."""
    assert v.attributes is not None
    name: Any = v.attributes[0]
    if name == "scan":
        (x,) = v.parents
        assert x.layout is not None
        v.layout = contiguous_layout(v.dtype, v.shape)
        parameters = {"kind": v.attributes[1]}
        return Call(v.slot, name, (("x", x.slot, x.layout),), v.layout, v.layout, parameters)
    a, b = v.parents
    assert a.layout is not None and b.layout is not None
    left, right = _as_row(a.layout), _as_column(b.layout)
    v.layout = contiguous_layout(v.dtype, v.shape)
    result = contiguous_layout(v.dtype, (left.shape[0], right.shape[1]))
    return Call(v.slot, name, (("a", a.slot, left), ("b", b.slot, right)), result, v.layout)


def _as_row(layout: Layout) -> Layout:
    """A vector as a matrix of one row; matrices are as they are."""
    if len(layout.shape) > 1:
        return layout
    (n,), (stride,) = layout.shape, layout.strides
    return intern_layout(layout.dtype, (1, n), (n * abs(stride), stride), layout.alignment)


def _as_column(layout: Layout) -> Layout:
    """A vector as a matrix of one column; matrices are as they are."""
    if len(layout.shape) > 1:
        return layout
    (n,), (stride,) = layout.shape, layout.strides
    return intern_layout(layout.dtype, (n, 1), (stride, 1), layout.alignment)


def folded(actions: list[Any], layouts: Mapping[int, Layout]) -> list[Any]:
    """The actions, with a `Folded` for each product that a step only adds to or scales.

    `layouts` are those of what is in memory before. Steps have been told what they overwrite. The
    product is computed where the step was, if its operands are still there then.
    """
    known = dict(layouts)
    calls: dict[int, Call] = {}
    found: list[Any] = []
    for action in actions:
        if isinstance(action, Call):
            calls[action.slot] = action
            known[action.slot] = action.layout
        elif isinstance(action, Step):
            made = _one_call(action, calls, known)
            known.update((output.slot, output.layout) for output in action.outputs)
            if made is not None and _may_wait(made.call, found):
                found.remove(made.call)
                found.append(made)
                continue
        elif hasattr(action, "layout"):
            known[action.slot] = action.layout
        found.append(action)
    return found


def _may_wait(call: Call, actions: list[Any]) -> bool:
    """Whether a call may as well come after all that follows it in `actions`."""
    needed = {slot for _, slot, _ in call.operands}
    for action in actions[actions.index(call) + 1 :]:
        if needed.intersection(getattr(action, "releases", ())):
            return False
        if isinstance(action, Folded) and needed.intersection(
            (*action.call.releases, *action.step.releases)
        ):
            return False
        if isinstance(action, Step) and any(o.base >= 0 for o in action.outputs):
            # Perhaps over an operand, or over what an operand is a view of.
            return False
    return True


def _one_call(step: Step, calls: Mapping[int, Call], known: Mapping[int, Layout]) -> Folded | None:
    """What a step makes in the memory of a product, if that is a sum or a multiple of it."""
    # A view in the step would be named, too: so all is read as it lies, or as broadcasting has it.
    if len(step.names) != 1 or len(step.outputs) != 1:
        return None
    (output,) = step.outputs
    call = calls.get(output.base)
    if call is None or call.name != "matmul" or len(call.layout.shape) != 2:
        return None
    if output.layout is not call.layout:
        return None
    (name,) = step.names
    others = [slot for slot in step.inputs if slot != output.base]
    dtype, shape = output.layout.dtype, output.layout.shape
    if name == "multiply" and not others and len(step.scalars) == 1 and dtype.kind == "f":
        hook = "matmul_scaled"
        return Folded(output.slot, hook, name, call.operands, step.scalars[0], call, step)
    if name != "add" or len(others) != 1 or step.scalars:
        return None
    layout = known.get(others[0])
    if layout is None or layout.dtype != dtype:
        return None
    if layout.shape != shape:
        if layout.shape not in (shape[1:], (1, *shape[1:])):
            return None
        strides = (0, layout.strides[-1])
        layout = intern_layout(layout.dtype, shape, strides, layout.alignment)
    operands = (*call.operands, ("c", others[0], layout))
    return Folded(output.slot, "matmul_add", name, operands, -1, call, step)
