"""Programs, steps and tasks: all that passes between the schedule and a backend.

A `Program` is what a kernel computes, without sizes, strides or constants: two kernels with equal
programs are the same machine code. A `Step` adds the sizes and strides of one planned kernel. A
`Task` adds the buffers and scalars of one run.

How to read a program
---------------------
The kernel loops over `kept + reduced` axes, in one or more `stages`. A stage's `body` computes
values at one point of that space, in order; then its `reductions` fold values over the reduced
axes; its `epilogue` goes on with the results, at a point of the kept axes alone. Values are
numbered through: body, reductions and epilogue of the first stage, then those of the second.

What may name what: a body may name values of its own and of earlier bodies, at the same point, and
any of earlier reductions and epilogues, which are the same all along the reduced axes. An epilogue
may name reductions and epilogues, its own and earlier ones, but no body. So the rows of
``exp(x - max(x)) / sum(exp(x - max(x)))`` take three stages: load and max; subtract, exp and sum;
divide.

`stores` say which values go where: a value of a body at each point, any other at each point of the
kept axes. A program without reductions is one body. Most with reductions are one stage.

An instruction is a tuple ``(opcode, dtype, ...)``. Opcodes, with `v` for a value number:

=================================  =============================================================
``("load", dtype, access, v)``     element of ``accesses[access]``; only where value v (bool)
                                   holds, else anything; v = -1: always
``("scalar", dtype, k)``           the k-th scalar of the task, in that dtype
``("affine", int64, terms)``       an index, by `Terms`: ``integers[p]`` + sum of
                                   ``integers[q] * axis`` + sum of ``integers[r] * value``
``("idiv", int64, v, p)``          v // integers[p]; defined for v >= 0
``("imod", int64, v, p)``          v % integers[p]; defined for v >= 0
``("roll", int64, v, p)``          v, less integers[p] if it is no less; 0 <= v < 2 integers[p]
``("wrap", int64, v, p)``          an index v into an axis of length integers[p]: negative counts
                                   from the end, and out of range is clamped
``("inside", bool, v, p, q)``      integers[p] <= v < integers[q]
``("and", bool, v, v)``            both hold
``("not", bool, v)``               it does not hold
``("select", dtype, v, v, v)``     the second where the first (bool) holds, else the third
``("cast", dtype, v)``             v in another dtype
``(Operation, loop dtype, v...)``  a row of the operation table; operands have the loop dtype
                                   (but those before `uncast`), the result ``op.results[loop]``
=================================  =============================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray.operations import Operation

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.graph.node import Buffer, Layout

__all__ = [
    "Access",
    "Instruction",
    "Operand",
    "Output",
    "Program",
    "Reduction",
    "Stage",
    "Step",
    "Store",
    "Task",
    "Terms",
    "operands",
    "result_dtype",
]

DType = np.dtype[Any]
Instruction = tuple[Any, ...]


class Terms(NamedTuple):
    """An affine function of the loop indices and of index values.

    `constant` and the second of each pair are positions in the step's `integers`; -1 stands for
    the number 1 (and, as `constant`, for 0), which is then known to the compiler.
    """

    constant: int
    axes: tuple[tuple[int, int], ...]
    values: tuple[tuple[int, int], ...]


class Access(NamedTuple):
    """A place of one operand that a kernel reads or writes at each point, in elements.

    `operand` counts the step's inputs first, then its outputs. `alignment` is in bytes, a power
    of two up to 16: it divides the address wherever the axis of stride 1 is at index zero.
    """

    operand: int
    dtype: DType
    terms: Terms
    alignment: int


class Reduction(NamedTuple):
    """A fold over the reduced axes: its name, the values folded, the dtype of the result.

    Names: sum, prod, max, min, any, all fold one value. argmax and argmin fold (value, index) and
    give the index of the first extreme, NaN counting as extreme. `squares` is the sum of squared
    deviations from the mean (Welford's, combined by Chan's rule).
    """

    name: str
    values: tuple[int, ...]
    dtype: DType


class Stage(NamedTuple):
    """A walk over the reduced axes of each row, and what follows it: see the module's docstring."""

    body: tuple[Instruction, ...]
    reductions: tuple[Reduction, ...]
    epilogue: tuple[Instruction, ...]


class Store(NamedTuple):
    """Where a value goes; `collides` if two points may write one element (the last point wins)."""

    value: int
    access: int
    collides: bool


class Program(NamedTuple):
    """What a kernel computes. Equal programs need one compilation; compare whole programs."""

    kept: int
    reduced: int
    stages: tuple[Stage, ...]
    stores: tuple[Store, ...]
    accesses: tuple[Access, ...]
    integers: int
    divisors: tuple[int, int]
    """Powers of two up to 16 that divide the extents of the last kept and the last reduced axis.

    A kernel over one axis alone gets 16: it has no rows that could start unaligned.
    """
    wide: bool
    """Whether an offset or an extent may pass 2**31, so that indices need 64 bits."""

    @property
    def body(self) -> tuple[Instruction, ...]:
        """The body of the first stage, which most programs have alone."""
        return self.stages[0].body

    @property
    def reductions(self) -> tuple[Reduction, ...]:
        """The reductions of the first stage."""
        return self.stages[0].reductions

    @property
    def epilogue(self) -> tuple[Instruction, ...]:
        """The epilogue of the first stage."""
        return self.stages[0].epilogue

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Those of all stages, in order."""
        return tuple(i for stage in self.stages for i in (*stage.body, *stage.epilogue))


class Operand(NamedTuple):
    """An array as library operations take and give it: its first element is at byte `offset`.

    The layout may have any strides, zero and negative ones too.
    """

    buffer: Buffer
    offset: int
    layout: Layout


class Output(NamedTuple):
    """Where a step's result goes: a new buffer of `layout`, or in place into slot `base`."""

    slot: int
    layout: Layout
    base: int


class Step:
    """One planned kernel. A backend may keep what it prepares for it in `prepared`.

    Attributes
    ----------
    program
        What is computed.
    shape
        The extents of the loop axes, kept before reduced. A kept extent is never zero; a reduced
        one may be.
    integers
        The values of the program's integer arguments.
    inputs
        The slots of the plan that hold the input operands.
    offsets
        For each access, bytes from its operand's first element to the element at index zero.
    scalars
        Positions, in the flush's scalars, of the program's scalars.
    outputs
        Where the results go, one for each output operand.
    releases
        Slots that no later step needs.
    names
        The names of the operations in it, for messages.
    """

    __slots__ = (
        *("program", "shape", "integers", "inputs", "offsets", "scalars", "outputs"),
        *("releases", "names", "prepared", "no_bases"),
    )

    def __init__(
        self,
        program: Program,
        shape: tuple[int, ...],
        integers: tuple[int, ...],
        inputs: tuple[int, ...],
        offsets: tuple[int, ...],
        scalars: tuple[int, ...],
        outputs: tuple[Output, ...],
        names: tuple[str, ...],
    ) -> None:
        self.program = program
        self.shape = shape
        self.integers = integers
        self.inputs = inputs
        self.offsets = offsets
        self.scalars = scalars
        self.outputs = outputs
        self.names = names
        self.releases: tuple[int, ...] = ()
        self.prepared: dict[object, Any] = {}
        # What a task's `bases` are where nothing is written in place.
        self.no_bases: list[tuple[Buffer, int] | None] = [None] * len(outputs)


class Task:
    """One run of a step.

    Attributes
    ----------
    step
        What to run.
    device
        Where.
    inputs
        For each input operand, its buffer and the byte at which its first element lies.
    scalars
        Python scalars, in the program's order. A tuple is the same object at every replay of a
        compiled function.
    bases
        For each output, the (buffer, byte offset) to write in place, or None for a new buffer of
        ``step.outputs[i].layout.nbytes`` bytes, which the backend allocates.
    """

    __slots__ = ("bases", "device", "inputs", "scalars", "step")

    def __init__(
        self,
        step: Step,
        device: Device,
        inputs: list[tuple[Buffer, int]],
        scalars: Sequence[bool | int | float | complex],
        bases: list[tuple[Buffer, int] | None],
    ) -> None:
        self.step = step
        self.device = device
        self.inputs = inputs
        self.scalars = scalars
        self.bases = bases

    def __repr__(self) -> str:
        return f"Task({' '.join(self.step.names)}, shape={self.step.shape})"


def operands(instruction: Instruction, accesses: tuple[Access, ...]) -> list[int]:
    """The values that an instruction names."""
    opcode = instruction[0]
    if opcode == "load":
        guard = instruction[3]
        values = [v for v, _ in accesses[instruction[2]].terms.values]
        return values + ([guard] if guard >= 0 else [])
    if opcode == "scalar":
        return []
    if opcode == "affine":
        return [v for v, _ in instruction[2].values]
    if opcode in ("idiv", "imod", "roll", "wrap", "inside"):
        return [instruction[2]]
    return list(instruction[2:])


def result_dtype(instruction: Instruction) -> DType:
    """The dtype of an instruction's value."""
    opcode, dtype = instruction[0], instruction[1]
    if isinstance(opcode, Operation):
        return opcode.results[dtype]
    result: DType = dtype
    return result
