"""Scans that compute what they scan and what becomes of it, in one pass over memory.

In: a scan, and the tasks beside it. Out: the result of the last of them. Each task is a C++
function of the place of an element: `loaded` gives what is scanned there, `stored` takes the scan
there and writes what is made of it. Elements are combined in the order of any other scan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gpuarray.graph.node import contiguous_layout
from gpuarray.graph.program import Program, Task
from gpuarray.operations import CustomOperation, Operation
from gpuarray.plugins import Operand
from gpuarray_cuda.codegen import patches
from gpuarray_cuda.codegen.values import C_NAMES, Arguments, Values, scalar_positions
from gpuarray_cuda.contiguous import row_major
from gpuarray_cuda.scalars import append_scalar
from gpuarray_cuda.scanning import Beside, scanned

if TYPE_CHECKING:
    from gpuarray.graph.node import Layout
    from gpuarray_cuda.executor import Executor

__all__ = ["scan_joined"]


def scan_joined(
    executor: Executor,
    x: Operand | None,
    kind: str,
    layout: Layout,
    before: Task | None,
    after: Task | None,
    position: int,
) -> Operand | None:
    """See `library_hooks.gpuarray_scan_joined`; None where a task has no function beside a scan.

    Those read what lies along another axis through tiles, which a scan does not have.
    """
    tasks = [task for task in (before, after) if task is not None]
    made = [_prepared(executor, task, position if task is after else -1) for task in tasks]
    functions = [function for function in made if function is not None]
    if len(functions) < len(tasks):
        return None
    *outer, size = layout.shape
    result = layout if after is None else after.step.outputs[0].layout
    found = executor.allocate(result.nbytes)
    values: list[int | float] = []
    for task, function in zip(tasks, functions, strict=True):
        values += _values(executor, task, function, found.pointer if task is after else 0)
    beside = Beside(
        before is not None,
        after is not None,
        "".join(function.members for function in functions),
        "\n\n".join(function.text for function in functions),
        "".join(function.format for function in functions),
        tuple(values),
    )
    source = None if x is None else row_major(executor, x)
    scanned(
        executor,
        *(layout.dtype, kind),
        *(0 if source is None else source.address, 0 if after is not None else found.pointer),
        *(math.prod(outer), size),
        beside,
    )
    read = [buffer for task in tasks for buffer, _ in filter(None, task.inputs)]
    if x is not None:
        read.append(x.buffer)
    if not all(buffer.exclusive for buffer in read):
        executor.let_others_wait(executor.stream)
    return Operand(found, 0, contiguous_layout(result.dtype, result.shape))


class _Function(NamedTuple):
    """A task as a function, with its own arguments among those of the kernel."""

    members: str
    text: str
    format: str
    scalars: tuple[tuple[int, Any], ...]


def _prepared(executor: Executor, task: Task, position: int) -> _Function | None:
    """The function of a task, written once and kept with its step; None where it has none."""
    prepared, key = task.step.prepared, (executor, "beside a scan", position)
    if key not in prepared:
        program = task.step.program
        # What a user has written brings definitions along, for which a scan has no place.
        own = any(isinstance(i[0], CustomOperation) for i in program.instructions)
        plain = patches.patch(task.step) is None and not own
        operations = executor.device.backend.operations
        prepared[key] = _function(program, operations, position) if plain else None
    found: _Function | None = prepared[key]
    return found


def _values(executor: Executor, task: Task, function: _Function, target: int) -> list[int | float]:
    """What the members of a function get; what is not in memory has no address."""
    step = task.step
    addresses: list[int] = []
    for place in task.inputs:
        # The scan itself is at None.
        buffer: Any = place and place[0]
        addresses.append(buffer.read_on(executor.stream) + place[1] if place else 0)
    addresses.append(target)
    accesses = zip(step.program.accesses, step.offsets, strict=True)
    values: list[int | float] = [addresses[a.operand] + offset for a, offset in accesses]
    values += (*step.shape, *step.integers)
    for k, dtype in function.scalars:
        append_scalar(values, task.scalars[k], dtype)
    return values


def _function(program: Program, operations: Mapping[str, Operation], position: int) -> _Function:
    """The function of a program: `loaded`, or with the scan as operand `position` `stored`."""
    values = Values(program, operations)
    arguments = Arguments(program)
    (store,) = program.stores
    index, unsigned = values.index, "u64" if program.wide else "u32"
    after = position >= 0
    kind, member = ("After", "after") if after else ("Before", "before")
    result, more = ("void stored", ", T scan") if after else ("T loaded", "")
    lines = [
        f"__device__ __forceinline__ {result}(const Args& args, i64 at{more}) {{",
        f"  const Args::{kind}& a = args.{member};",
        arguments.unpacked(),
        f"  {unsigned} q = ({unsigned})at;",
    ]
    for k in range(program.kept - 1, 0, -1):
        lines.append(f"  const {index} i{k} = ({index})(q % ({unsigned})e{k});")
        lines.append(f"  q /= ({unsigned})e{k};")
    lines.append(f"  const {index} i0 = ({index})q;")

    def load(number: int, address: str) -> str:
        access = program.accesses[number]
        if after and access.operand == position:
            return f"({C_NAMES[access.dtype]})scan"
        return f"p{number}[{address}]"

    axes = {k: f"i{k}" for k in range(program.kept)}
    lines += values.statements(program.body, 0, axes, load, "  ")
    value = values.name(store.value)
    if after:
        lines.append(f"  p{store.access}[{values.address(store.access, axes)}] = {value};")
    else:
        lines.append(f"  return (T){value};")
    struct = arguments.struct().replace("struct Args", f"struct {kind}", 1)
    return _Function(
        f"{struct}\n{kind} {member};\n",
        "\n".join([*lines, "}"]),
        arguments.format,
        tuple(zip(scalar_positions(program), arguments.scalars, strict=True)),
    )
