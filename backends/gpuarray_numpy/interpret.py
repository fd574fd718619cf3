"""Interpreting a task: each instruction of its program becomes one NumPy expression.

In: a task. Out: the buffers of its outputs, filled. An index is an array of int64 over the loop
space, a value an array that broadcasts to that space. Nothing here is clever: other backends are
checked against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gpuarray.graph.program import operands
from gpuarray.operations import Operation
from gpuarray.plugins import Buffer, Program, Task
from gpuarray_numpy.buffer import HostBuffer

__all__ = ["interpret"]

Values = np.ndarray[Any, Any]

# Sums of float32 are accumulated in float64, as products are: the order of a sum then matters
# less than the rounding of its result, whatever the backend.
_ACCUMULATOR = {np.dtype(np.float32): np.dtype(np.float64),
                np.dtype(np.complex64): np.dtype(np.complex128)}  # fmt: skip


def interpret(
    task: Task,
    operations: Mapping[str, Operation],
    allocate: Callable[[int], HostBuffer],
) -> list[Buffer]:
    """Run `task` and return the buffers of its outputs."""
    outputs: list[Buffer] = []
    places = list(task.inputs)
    for output, base in zip(task.step.outputs, task.bases, strict=True):
        place = (allocate(output.layout.nbytes), 0) if base is None else base
        outputs.append(place[0])
        places.append(place)
    with np.errstate(all="ignore"):
        _Run(task, places, operations).run()
    return outputs


class _Run:
    def __init__(
        self,
        task: Task,
        places: list[tuple[Buffer, int]],
        operations: Mapping[str, Operation],
    ) -> None:
        self.task = task
        self.program: Program = task.step.program
        self.places = places
        self.operations = operations
        self.integers = task.step.integers
        self.extents = task.step.shape
        self.values: list[Values | None] = []
        # The values that have one element for each row, and what is to be forgotten when.
        self.of_rows: set[int] = set()
        self.last = self._last_uses()

    def run(self) -> None:
        program = self.program
        whole, rows = self.extents, self.extents[: program.kept]
        for stage in program.stages:
            self.extents = whole
            self._evaluate(stage.body)
            folded = [self._fold(r.name, r.values, r.dtype) for r in stage.reductions]
            self.extents = rows
            self.of_rows.update(range(len(self.values), len(self.values) + len(folded)))
            self.values.extend(folded)
            self.of_rows.update(range(len(self.values), len(self.values) + len(stage.epilogue)))
            self._evaluate(stage.epilogue)
        for store in program.stores:
            self.extents = rows if store.value in self.of_rows else whole
            self._store(store.access, self._value(store.value))

    def _evaluate(self, instructions: tuple[tuple[Any, ...], ...]) -> None:
        for instruction in instructions:
            number = len(self.values)
            self.values.append(self._instruction(instruction))
            for used in self.last.get(number, ()):
                self.values[used] = None

    def _last_uses(self) -> dict[int, list[int]]:
        """For each value number, the values that nothing needs after it is computed."""
        program = self.program
        last: dict[int, int] = {}
        number = 0
        for stage in program.stages:
            for instruction in stage.body:
                last.update(dict.fromkeys(operands(instruction, program.accesses), number))
                number += 1
            for reduction in stage.reductions:
                # Folded with the next instruction, at the latest.
                last.update(dict.fromkeys(reduction.values, number + len(stage.reductions)))
            number += len(stage.reductions)
            for instruction in stage.epilogue:
                last.update(dict.fromkeys(operands(instruction, program.accesses), number))
                number += 1
        for store in program.stores:
            for used in (store.value, *(v for v, _ in program.accesses[store.access].terms.values)):
                last.pop(used, None)
        released: dict[int, list[int]] = {}
        for used, number in last.items():
            released.setdefault(number, []).append(used)
        return released

    def _value(self, number: int) -> Values:
        value = self.values[number]
        assert value is not None
        if number in self.of_rows and len(self.extents) > self.program.kept and value.ndim:
            # The same all along the reduced axes.
            return value.reshape(*value.shape, *[1] * self.program.reduced)
        return value

    def _instruction(self, instruction: tuple[Any, ...]) -> Values:
        opcode, dtype, *rest = instruction
        if isinstance(opcode, Operation):
            row = opcode.row(self.operations)
            return np.asarray(row.numpy(*map(self._value, rest)))
        if opcode == "load":
            return self._load(*rest)
        if opcode == "scalar":
            return np.asarray(self.task.scalars[rest[0]], dtype)
        if opcode == "affine":
            return self._affine(rest[0])
        a = self._value(rest[0])
        if opcode == "idiv":
            return np.asarray(a // self.integers[rest[1]])
        if opcode == "imod":
            return np.asarray(a % self.integers[rest[1]])
        if opcode == "roll":
            extent = self.integers[rest[1]]
            return np.where(a < extent, a, a - extent)
        if opcode == "wrap":
            extent = self.integers[rest[1]]
            return np.clip(np.where(a < 0, a + extent, a), 0, extent - 1)
        if opcode == "inside":
            low, high = self.integers[rest[1]], self.integers[rest[2]]
            return np.asarray((a >= low) & (a < high))
        if opcode == "and":
            return np.asarray(a & self._value(rest[1]))
        if opcode == "not":
            return np.asarray(~a)
        if opcode == "select":
            return np.where(a, self._value(rest[1]), self._value(rest[2]))
        if opcode == "cast":
            return a.astype(dtype)
        raise AssertionError(f"unknown instruction {instruction}")

    def _axis(self, number: int) -> Values:
        """The loop index of an axis, as an array that broadcasts over the loop space."""
        shape = [1] * len(self.extents)
        shape[number] = self.extents[number]
        return np.arange(self.extents[number], dtype=np.int64).reshape(shape)

    def _coefficient(self, position: int) -> int:
        return 1 if position < 0 else self.integers[position]

    def _affine(self, terms: Any) -> Values:
        total: Values = np.asarray(0 if terms.constant < 0 else self.integers[terms.constant])
        for number, position in terms.axes:
            total = total + self._axis(number) * self._coefficient(position)
        for number, position in terms.values:
            total = total + self._value(number) * self._coefficient(position)
        return np.asarray(total, np.int64)

    def _place(self, number: int) -> tuple[HostBuffer, int]:
        """The buffer of an access, and the byte of its element at index zero."""
        buffer, offset = self.places[self.program.accesses[number].operand]
        assert isinstance(buffer, HostBuffer)
        return buffer, offset + self.task.step.offsets[number]

    def _strided(self, number: int) -> Values:
        """The elements of an access that no index value moves, over the axes that move it."""
        access = self.program.accesses[number]
        buffer, offset = self._place(number)
        shape = [1] * len(self.extents)
        strides = [0] * len(self.extents)
        for a, position in access.terms.axes:
            shape[a] = self.extents[a]
            strides[a] = self._coefficient(position) * access.dtype.itemsize
        if 0 in shape:
            return np.empty(shape, access.dtype)
        return np.ndarray(shape, access.dtype, buffer.memory.data, offset, strides)

    def _positions(self, number: int) -> tuple[Values, Values]:
        """All elements of the buffer of an access, and which one it is at each point."""
        access = self.program.accesses[number]
        buffer, offset = self._place(number)
        return (
            buffer.elements(access.dtype, offset),
            self._affine(access.terms) + offset // access.dtype.itemsize,
        )

    def _load(self, number: int, guard: int) -> Values:
        if guard < 0 and not self.program.accesses[number].terms.values:
            return self._strided(number)
        elements, positions = self._positions(number)
        if guard >= 0:
            positions = np.where(self._value(guard), positions, 0)
        return np.asarray(elements[positions])

    def _fold(self, name: str, numbers: tuple[int, ...], dtype: np.dtype[Any]) -> Values:
        value = np.broadcast_to(self._value(numbers[0]), self.extents)
        kept = self.program.kept
        axes = tuple(range(kept, len(self.extents)))
        wide = _ACCUMULATOR.get(dtype, dtype)
        if name == "sum":
            # From -0, which is neutral; NumPy's +0 would make a sum of negative zeros positive.
            result = np.add.reduce(value, axis=axes, dtype=wide, initial=-wide.type(0))
        elif name == "prod":
            result = np.multiply.reduce(value, axis=axes, dtype=wide)
        elif name == "squares":
            count = max(math.prod(self.extents[kept:]), 1)
            mean = np.add.reduce(value, axis=axes, dtype=wide, keepdims=True) / count
            result = np.add.reduce(np.square(value - mean), axis=axes, dtype=wide)
        elif name in ("argmax", "argmin"):
            places = np.broadcast_to(self._value(numbers[1]), self.extents)
            flat = value.reshape(*self.extents[:kept], -1)
            found = getattr(np, name)(flat, axis=-1, keepdims=True)
            places = places.reshape(flat.shape)
            result = np.take_along_axis(places, found, axis=-1)[..., 0]
        else:
            fold = {"max": np.maximum, "min": np.minimum, "any": np.logical_or,
                    "all": np.logical_and}[name]  # fmt: skip
            result = fold.reduce(value, axis=axes)
        return np.asarray(result).astype(dtype)

    def _store(self, number: int, value: Values) -> None:
        if not self.program.accesses[number].terms.values:
            self._strided(number)[...] = value
            return
        # Where several points write one element the last one stays, as NumPy does it.
        elements, positions = self._positions(number)
        shape = np.broadcast_shapes(positions.shape, self.extents)
        elements[np.broadcast_to(positions, shape).ravel()] = np.broadcast_to(value, shape).ravel()
