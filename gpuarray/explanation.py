"""Explaining: the pending graph of an array, the kernels it will become, and their source.

In: arrays. Out: text. Nothing runs, and the arrays stay pending.
"""

from __future__ import annotations

from typing import Any

from gpuarray.arguments import checked_flag
from gpuarray.array import Array
from gpuarray.graph import flush
from gpuarray.graph.calls import Call, Folded, Joined
from gpuarray.graph.node import Node, Structural
from gpuarray.graph.program import Program, Step, Terms
from gpuarray.graph.schedule import Action, Alias, Empty
from gpuarray.operations import Operation

__all__ = ["explain"]


def explain(*arrays: Array, source: bool = True) -> str:
    """What evaluating `arrays` would do, as text: graph, kernels, and the generated source.

    Parameters
    ----------
    *arrays : Array
        On one device.
    source : bool
        Whether to end with the source of the kernels, where the backend generates any.

    Returns
    -------
    str
        Sections "graph", "tasks" and "source"; print it.

    Raises
    ------
    TypeError
        An argument is no array.
    ValueError
        The arrays are on several devices.

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([1.0, 2.0])
    >>> y = x * 2 + 1
    >>> print(xp.explain(y))
    graph (1 array in memory, 2 operations pending)
      %0 = array float64[2]
      %1 = multiply(%0, 2) float64[2]
      %2 = add(%1, 1) float64[2]  <- wanted
    tasks (1 kernel)
      kernel 0: multiply add over (2,)
        reads %0
        v0 = load float64 from %0[i0]
        v1 = scalar float64 #0
        v2 = multiply float64 (v0, v1)
        v3 = scalar float64 #1
        v4 = add float64 (v2, v3)
        writes v4 to %2[i0]
    """
    if not arrays or not all(isinstance(x, Array) for x in arrays):
        raise TypeError("explain: needs one or more gpuarray arrays")
    source = checked_flag("explain", "source", source)
    devices = {x._node.device for x in arrays}
    if len(devices) > 1:
        raise ValueError(f"explain: the arrays are on several devices: {sorted(devices)}")
    with flush.lock:
        roots = [x._node for x in arrays if x._node.op is not None]
        if not roots:
            return "nothing is pending: the arrays are in memory"
        found = flush.collect(roots)
        plan = flush.plan_for(found)
        device = arrays[0]._node.device
        lines = _graph(found[1], {node.slot for node in roots}, set(found[3]))
        steps = [step for action in plan.actions for step in _steps(action)]
        kernels = f"{len(steps)} kernel" + ("" if len(steps) == 1 else "s")
        lines.append(f"tasks ({kernels})")
        number = 0
        for action in plan.actions:
            if isinstance(action, Step):
                lines += _step(number, action)
                number += 1
            elif isinstance(action, Folded):
                read = " and ".join(f"%{slot}" for _, slot, _ in action.operands)
                lines.append(
                    f"  library call: {action.name} of {read} to %{action.slot}; "
                    f"where there is none, {action.call.name} and a kernel"
                )
            elif isinstance(action, Joined):
                parts = [x for x in (action.before, action.call, action.after) if x is not None]
                lines.append("  one pass, where the backend has it, of")
                for part in parts:
                    if isinstance(part, Step):
                        lines += [f"  {line}" for line in _step(number, part)]
                        number += 1
                    else:
                        ((_, slot, _),) = part.operands
                        lines.append(f"    library call: {part.name} of %{slot} to %{part.slot}")
            elif isinstance(action, Call):
                read = " and ".join(f"%{slot}" for _, slot, _ in action.operands)
                lines.append(f"  library call: {action.name} of {read} to %{action.slot}")
            elif isinstance(action, Alias):
                lines.append(f"  %{action.slot} shares the memory of %{action.base}")
            elif isinstance(action, Empty):
                lines.append(f"  %{action.slot} has no elements")
        if source:
            for number, step in enumerate(steps):
                text = device.hook.gpuarray_source(step=step, device=device)
                if text:
                    lines += [f"source of kernel {number}", text.rstrip()]
    return "\n".join(lines)


def _steps(action: Action) -> list[Step]:
    """The kernels of an action, those included that a library call may do itself."""
    if isinstance(action, Joined):
        return [step for step in (action.before, action.after) if step is not None]
    return [action] if isinstance(action, Step) else []


def _graph(nodes: list[Node], roots: set[int], held: set[int]) -> list[str]:
    leaves = sum(node.op is None for node in nodes)
    arrays = f"{leaves} array" + ("" if leaves == 1 else "s")
    pending_count = len(nodes) - leaves
    operations = f"{pending_count} operation" + ("" if pending_count == 1 else "s")
    lines = [f"graph ({arrays} in memory, {operations} pending)"]
    for node in nodes:
        note = ""
        if node.slot in roots:
            note = "  <- wanted"
        elif node.slot in held:
            note = "  <- held, so stored"
        lines.append(f"  %{node.slot} = {_node(node)}{note}")
    return lines


def _node(node: Node) -> str:
    kind = f"{node.dtype}{list(node.shape)}"
    if node.op is None:
        return f"array {kind}"
    inputs = [f"%{x.slot}" if isinstance(x, Node) else repr(x) for x in node.inputs]
    name = node.op.name if isinstance(node.op, Operation | Structural) else str(node.op)
    if node.attributes is not None:
        inputs += [str(attribute) for attribute in node.attributes]
    return f"{name}({', '.join(inputs)}) {kind}"


def _step(number: int, step: Step) -> list[str]:
    program = step.program
    lines = [f"  kernel {number}: {' '.join(step.names)} over {step.shape}"]
    if step.inputs:
        lines.append(f"    reads {', '.join(f'%{slot}' for slot in step.inputs)}")
    count = 0
    for stage in program.stages:
        for instruction in stage.body:
            lines.append(f"    v{count} = {_instruction(instruction, step)}")
            count += 1
        for fold in stage.reductions:
            values = ", ".join(f"v{v}" for v in fold.values)
            over = f"over axes {_axes(program)}"
            lines.append(f"    v{count} = {fold.name} {fold.dtype} ({values}) {over}")
            count += 1
        for instruction in stage.epilogue:
            lines.append(f"    v{count} = {_instruction(instruction, step)}")
            count += 1
    for store in program.stores:
        output = step.outputs[step.program.accesses[store.access].operand - len(step.inputs)]
        place = "" if output.base < 0 else f", in the memory of %{output.base}"
        lines.append(f"    writes v{store.value} to {_access(store.access, step)}{place}")
    return lines


def _axes(program: Program) -> str:
    return " ".join(f"i{program.kept + k}" for k in range(program.reduced)) or "none"


def _instruction(instruction: tuple[Any, ...], step: Step) -> str:
    opcode, dtype, *rest = instruction
    if isinstance(opcode, Operation):
        return f"{opcode.name} {dtype} ({', '.join(f'v{v}' for v in rest)})"
    if opcode == "load":
        guard = f" where v{rest[1]}" if rest[1] >= 0 else ""
        return f"load {dtype} from {_access(rest[0], step)}{guard}"
    if opcode == "scalar":
        return f"scalar {dtype} #{rest[0]}"
    if opcode == "affine":
        return f"index {_terms(rest[0], step)}"
    if opcode in ("idiv", "imod", "roll", "wrap"):
        return f"{opcode} v{rest[0]} by {step.integers[rest[1]]}"
    if opcode == "inside":
        return f"{step.integers[rest[1]]} <= v{rest[0]} < {step.integers[rest[2]]}"
    return f"{opcode} {dtype} ({', '.join(f'v{v}' for v in rest)})"


def _access(number: int, step: Step) -> str:
    access = step.program.accesses[number]
    inputs = len(step.inputs)
    if access.operand < inputs:
        slot = step.inputs[access.operand]
    else:
        slot = step.outputs[access.operand - inputs].slot
    start = step.offsets[number] // access.dtype.itemsize
    return f"%{slot}[{_terms(access.terms, step, start)}]"


def _terms(terms: Terms, step: Step, start: int = 0) -> str:
    if terms.constant >= 0:
        start += step.integers[terms.constant]
    parts = [str(start)] if start else []
    for letter, pairs in (("i", terms.axes), ("v", terms.values)):
        for number, position in pairs:
            factor = "" if position < 0 else f"{step.integers[position]}*"
            parts.append(f"{factor}{letter}{number}")
    return " + ".join(parts) or "0"
