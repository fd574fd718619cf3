"""Products in a plan: how a hook gets its operands, and which additions it does itself.

In: a `LIBRARY` vertex whose inputs are laid out; the actions of a plan. Out: a `Call`, which knows
slots and layouts, and no node; the actions with each product and the addition to it as a `Sum`. No
value depends on that: the hook of a sum gives the bits of a product and an addition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpuarray.graph.calls import Call, Sum
from gpuarray.graph.node import Layout, contiguous_layout, intern_layout
from gpuarray.graph.program import Step

if TYPE_CHECKING:
    from gpuarray.graph.vertex import Vertex

__all__ = ["call_of", "folded"]


def call_of(v: Vertex) -> Call:
    """The call of a hook on what has been laid out; vectors are matrices of one row or column."""
    assert v.attributes is not None
    name: Any = v.attributes[0]
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
    """The actions, with a `Sum` for each product that a step does nothing but add to.

    `layouts` are those of what is in memory before. Steps have been told what they overwrite.
    """
    known = dict(layouts)
    products: dict[int, tuple[int, Call]] = {}
    found: list[Any] = []
    for action in actions:
        if isinstance(action, Call):
            products[action.slot] = (len(found), action)
            known[action.slot] = action.layout
        elif isinstance(action, Step):
            made = _sum(action, products, known)
            # What is added has to be there when the product is computed: so the two follow each
            # other, or the whole is left as it is.
            if made is not None and products[made.call.slot][0] == len(found) - 1:
                found[-1] = made
                known[made.slot] = made.call.layout
                continue
            known.update((output.slot, output.layout) for output in action.outputs)
        elif hasattr(action, "layout"):
            known[action.slot] = action.layout
        found.append(action)
    return found


def _sum(
    step: Step, products: Mapping[int, tuple[int, Call]], known: Mapping[int, Layout]
) -> Sum | None:
    """The sum that a step makes in the memory of a product, if it does nothing else."""
    program = step.program
    if step.names != ("add",) or len(step.outputs) != 1 or len(step.inputs) != 2:
        return None
    (output,) = step.outputs
    call = products.get(output.base, (0, None))[1]
    if call is None or len(call.layout.shape) != 2 or output.layout is not call.layout:
        return None
    loads = [i for i in program.body if i[0] == "load"]
    if len(program.body) != 3 or len(loads) != 2 or any(i[3] >= 0 for i in loads):
        return None
    if any(i[1] != output.layout.dtype for i in program.body):
        return None
    (other,) = (slot for slot in step.inputs if slot != output.base)
    layout = known.get(other)
    if layout is None or layout.dtype != output.layout.dtype:
        return None
    addend = _broadcast(layout, output.layout.shape)
    if addend is None or not _is_read_as(step, step.inputs.index(other), addend, output.layout):
        return None
    return Sum(output.slot, (*call.operands, ("c", other, addend)), call, step)


def _broadcast(layout: Layout, shape: tuple[int, ...]) -> Layout | None:
    """A row or a matrix in memory as an addend of this shape."""
    if layout.shape == shape:
        return layout
    if layout.shape in (shape[1:], (1, *shape[1:])):
        return intern_layout(layout.dtype, shape, (0, layout.strides[-1]), layout.alignment)
    return None


def _is_read_as(step: Step, operand: int, addend: Layout, result: Layout) -> bool:
    """Whether the step reads its operand as `addend` lies, where it writes the result."""
    program = step.program
    reads = [k for k, access in enumerate(program.accesses) if access.operand == operand]
    (store,) = program.stores
    if len(reads) != 1 or step.offsets[reads[0]] != 0:
        return False

    def walk(number: int) -> dict[int, int] | None:
        terms = program.accesses[number].terms
        if terms.constant >= 0 or terms.values:
            return None
        return {a: 1 if p < 0 else step.integers[p] for a, p in terms.axes}

    read, written = walk(reads[0]), walk(store.access)
    if read is None or written is None:
        return False
    # The loop's axes by the stride that each has in the result, which is row-major.
    rows, columns = result.shape
    if rows == 1 or columns == 1:
        return False
    if len(step.shape) == 1:
        # Both are contiguous, and walked as one axis.
        return addend.strides == result.strides and read == written
    strides = {stride: axis for axis, stride in written.items()}
    if len(step.shape) != 2 or set(strides) != {columns, 1}:
        return False
    expected = {strides[columns]: addend.strides[0], strides[1]: addend.strides[1]}
    return {a: s for a, s in expected.items() if s} == read
