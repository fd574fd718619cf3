"""Values: the instructions of a program as C++ statements, and the arguments of a kernel.

In: a program and the operation table. Out: text. Value number k is the variable ``v<k>``; access k
has the pointer ``p<k>``, integer k is ``n<k>``, the extent of axis k ``e<k>``, scalar k ``s<k>``.
Every member of the argument struct has 8 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from gpuarray.operations import RANDOM, CustomFold, CustomOperation, Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.device_functions import source_for

__all__ = [
    "C_NAMES",
    "Arguments",
    "Values",
    "c_result",
    "complete_source",
    "guarded",
    "scalar_dtypes",
    "scalar_positions",
    "signature",
]

DType = np.dtype[Any]

C_NAMES: dict[DType, str] = {
    np.dtype(name): c
    for name, c in (
        *(("bool", "bool"), ("int8", "i8"), ("int16", "i16"), ("int32", "i32"), ("int64", "i64")),
        *(("uint8", "u8"), ("uint16", "u16"), ("uint32", "u32"), ("uint64", "u64")),
        *(("float32", "f32"), ("float64", "f64"), ("complex64", "c64"), ("complex128", "c128")),
    )
}

# Expressions for which a device function computes all lanes of a thread together, and bit for bit
# the same. CUDA's own division, root and reciprocal branch to a slow path one by one.
_FLOAT = np.dtype("float32")
_UNSIGNED = np.dtype("uint64")
_LANE_FUNCTIONS: dict[tuple[str, DType], str] = {
    ("{0} / {1}", _FLOAT): "ga_lanes_divide",
    ("({T})1 / {0}", _FLOAT): "ga_lanes_reciprocal",
    ("sqrt({0})", _FLOAT): "ga_lanes_sqrt",
    ("ga_log({0})", _FLOAT): "ga_lanes_log",
    # Neighbouring elements share a block of Philox.
    ("ga_random_word({0}, {1})", _UNSIGNED): "ga_lanes_random_word",
    ("ga_random_pair({0}, {1})", _UNSIGNED): "ga_lanes_random_pair",
    ("ga_random_small({0}, {1}, {2})", _UNSIGNED): "ga_lanes_random_small",
    ("ga_random_unit({0}, {1})", _UNSIGNED): "ga_lanes_random_unit",
    ("ga_random_unit_double({0}, {1})", _UNSIGNED): "ga_lanes_random_unit_double",
    ("ga_random_normal({0}, {1})", _UNSIGNED): "ga_lanes_random_normal",
    ("ga_random_normal_double({0}, {1})", _UNSIGNED): "ga_lanes_random_normal_double",
}

# Sums in which one operand may be a bool that is counted, and the dtypes that have an instruction
# for it.
_WRAPPING_SUM = "ga_wrap_add({0}, {1})"
_COUNTERS = (np.dtype("int32"), np.dtype("uint32"))

# What takes many instructions: a call, a division. (A cast is not: its type stands in brackets.)
_LONG = re.compile(r"\b(?!ga_wrap_)\w+\(|[/%]")

# An access's element: (number, address as C text) to an expression.
Load = Callable[[int, str], str]


def c_result(instruction: tuple[Any, ...]) -> str:
    """The C type of an instruction's value."""
    opcode, dtype = instruction[0], instruction[1]
    return C_NAMES[opcode.results[dtype] if isinstance(opcode, Operation) else dtype]


class Arguments:
    """The one struct that a kernel takes, and how the host packs it.

    `format` has a character for each member, in the order of the values: pointers of the
    accesses, `extra` pointers, extents, integers, `sizes`, scalars.
    """

    def __init__(self, program: Program, extra: tuple[str, ...] = (), sizes: tuple[str, ...] = ()):
        self.program = program
        written = {store.access for store in program.stores}
        self._members: list[str] = []
        self._locals: list[str] = []
        self.format = ""
        index = "i64" if program.wide else "i32"
        for k, access in enumerate(program.accesses):
            const = "" if k in written else "const "
            self._pointer(f"{const}{C_NAMES[access.dtype]}*", f"p{k}")
        for declaration in extra:
            kind, name = declaration.rsplit(" ", 1)
            self._pointer(kind, name)
        for k in range(program.kept + program.reduced):
            self._integer(index, f"e{k}")
        for k in range(program.integers):
            self._integer(index, f"n{k}")
        for name in sizes:
            self._integer("i64", name)
        self.scalars = scalar_dtypes(program)
        for k, dtype in enumerate(self.scalars):
            self._scalar(k, dtype)

    def _pointer(self, kind: str, name: str) -> None:
        self._members.append(f"  {kind} {name};")
        self._locals.append(f"  {kind} __restrict__ const {name} = a.{name};")
        self.format += "q"

    def _integer(self, kind: str, name: str) -> None:
        self._members.append(f"  i64 {name};")
        self._locals.append(f"  const {kind} {name} = ({kind})a.{name};")
        self.format += "q"

    def _scalar(self, k: int, dtype: DType) -> None:
        c = C_NAMES[dtype]
        if dtype.kind == "c":
            part = np.dtype("float32" if dtype.itemsize == 8 else "float64")
            self._real(f"s{k}r", part)
            self._real(f"s{k}i", part)
            self._locals.append(f"  const {c} s{k} = {{a.s{k}r, a.s{k}i}};")
        elif dtype.kind == "f":
            self._real(f"s{k}", dtype)
            self._locals.append(f"  const {c} s{k} = a.s{k};")
        else:
            self._members.append(f"  i64 s{k};")
            self._locals.append(f"  const {c} s{k} = ({c})a.s{k};")
            self.format += "q"

    def _real(self, name: str, dtype: DType) -> None:
        # A float is passed as one: converting a double in each thread costs more than the sum it
        # goes into (Black-Scholes has 25 of them).
        if dtype.itemsize == 4:
            self._members.append(f"  f32 {name};\n  u32 {name}_unused;")
        else:
            self._members.append(f"  f64 {name};")
        self.format += "f" if dtype.itemsize == 4 else "d"

    def struct(self) -> str:
        """The definition of `Args`."""
        return "struct Args {\n" + "\n".join(self._members) + "\n};"

    def unpacked(self) -> str:
        """Local names for the members."""
        return "\n".join(self._locals)


def scalar_dtypes(program: Program) -> tuple[DType, ...]:
    """The dtype of each scalar argument; one scalar used in two dtypes stands there twice."""
    found = [i[1:3] for i in program.instructions if i[0] == "scalar"]
    unique = list(dict.fromkeys(found))
    return tuple(dtype for dtype, _ in unique)


def scalar_positions(program: Program) -> tuple[int, ...]:
    """For each scalar argument, which of the task's scalars it is."""
    found = [i[1:3] for i in program.instructions if i[0] == "scalar"]
    return tuple(position for _, position in dict.fromkeys(found))


def guarded(program: Program) -> frozenset[int]:
    """The accesses that some load makes only where a value holds: never part of a vector."""
    loads = (i for i in program.instructions if i[0] == "load")
    return frozenset(i[2] for i in loads if i[3] >= 0)


class Values:
    """Writes instructions.

    Parameters
    ----------
    program
        Whose accesses and integers are meant.
    operations
        The rows to compute, by name.
    """

    def __init__(self, program: Program, operations: Mapping[str, Operation]) -> None:
        self.program = program
        self.operations = operations
        self.index = "i64" if program.wide else "i32"
        self._unsigned = "u64" if program.wide else "u32"
        # What is being written, by number: of other values only the result may be at hand.
        self._written: dict[int, tuple[Any, ...]] = {}
        scalars = [i[1:3] for i in program.instructions if i[0] == "scalar"]
        self._scalars = {key: k for k, key in enumerate(dict.fromkeys(scalars))}
        # The values that are arrays over lanes, and the lane that is meant where one is named.
        self._varying: set[int] = set()
        self.lane = "lane"
        # Subscripts of values that are arrays over something else: ``[x]``.
        self.subscripts: dict[int, str] = {}

    def statements(
        self,
        instructions: tuple[tuple[Any, ...], ...],
        first: int,
        axes: Mapping[int, str],
        load: Load,
        indent: str,
    ) -> list[str]:
        """Declarations of the values `first` and on, at the loop indices `axes`."""
        self._written = dict(enumerate(instructions, first))
        lines = []
        for k, instruction in self._written.items():
            text = self.expression(instruction, axes, load)
            lines.append(f"{indent}const {c_result(instruction)} v{k} = {text};")
        self._written = {}
        return lines

    def lane_statements(
        self,
        instructions: Iterable[tuple[int, tuple[Any, ...]]],
        axes: Mapping[int, str],
        load: Load,
        lanes: int,
        indent: str,
        spread: bool = False,
        subscript: str = "",
        joined: bool = False,
        row: int = 1,
    ) -> list[str]:
        """Numbered values for `lanes` points, one operation after the other.

        Each value is an array over ``lane``, which `axes` and `load` may name; scalars are shared.
        In this order the lanes' independent operations stand side by side, and hide the latency
        of each other. With `spread`, functions of all lanes take values that the lanes share, too.
        With a `subscript` the values are arrays of such arrays, and declared already.

        Each `row` lanes are neighbours along the innermost axis: random numbers of neighbouring
        positions share blocks of bits.

        With `joined`, operations that are all short share one loop, which compiles in two thirds
        of the time (30 operations, NVRTC 13.0, H200) and needs fewer registers (32 instead of 57
        for 20 steps of Mandelbrot). Long ones lose by it: Black-Scholes takes 0.184 ms instead of
        0.176, and so do patches, whose lanes are rows (Jacobi's sweeps 0.494 instead of 0.467).
        """
        numbered = list(instructions)
        self._written = dict(numbered)
        self.declare_lanes(k for k, i in numbered if i[0] != "scalar")
        if subscript:
            self.subscripts.update((k, subscript) for k, _ in numbered)
        head = f"{indent}for (int lane = 0; lane < {lanes}; ++lane)"
        lines = []
        loops = []
        in_a_row = self._in_a_row(numbered) if row > 1 else frozenset()
        for k, instruction in numbered:
            c = c_result(instruction)
            if k not in self._varying:
                text = self.expression(instruction, axes, load)
                lines.append(f"{indent}const {c} v{k} = {text};")
                continue
            if not subscript:
                lines.append(f"{indent}{c} v{k}[{lanes}];")
            function = self._lane_function(instruction, spread)
            if function and instruction[0].name in RANDOM:
                together = instruction[2] in in_a_row and instruction[3] not in self._varying
                function = f"{function}<{row}>" if together else None
            if function and lanes > 1:
                operands = []
                for position, v in enumerate(instruction[2:]):
                    name = self._array(v)
                    if v not in self._varying:
                        shared, name = name, f"v{k}_{position}"
                        lines += [
                            f"{indent}{C_NAMES[instruction[1]]} {name}[{lanes}];",
                            "#pragma unroll",
                            f"{head} {name}[lane] = {shared};",
                        ]
                    operands.append(name)
                call = f"{function}({', '.join(operands)}, {self._array(k)});"
                loops.append(([f"{indent}{call}"], call))
            else:
                text = f"{self._array(k)}[lane] = {self.expression(instruction, axes, load)};"
                loops.append((["#pragma unroll", f"{head} {text}"], text))
        self._written = {}
        texts = [text for _, text in loops]
        if joined and len(texts) > 1 and not any(map(_LONG.search, texts)):
            body = [f"{indent}  {text}" for text in texts]
            return [*lines, "#pragma unroll", f"{head} {{", *body, f"{indent}}}"]
        return lines + [line for loop, _ in loops for line in loop]

    def _count(self, operands: list[int]) -> tuple[str, list[int]] | None:
        """The form and the operands of a sum to which a bool is added, if it is one."""
        for other, counted in (operands, operands[::-1]):
            instruction = self._written.get(counted, ("",))
            if instruction[0] == "cast":
                source = self._written.get(instruction[2])
                if source is not None and c_result(source) == "bool":
                    return "ga_wrap_count({0}, {1})", [other, instruction[2]]
        return None

    def declare_lanes(self, values: Iterable[int]) -> None:
        """From now on these values are arrays over lanes."""
        self._varying.update(values)

    def _lane_function(self, instruction: tuple[Any, ...], spread: bool) -> str | None:
        """A device function that computes all lanes of an instruction together, if there is one."""
        opcode, dtype, *operands = instruction
        if not isinstance(opcode, Operation):
            return None
        # The key of random numbers is the same for all lanes.
        shared = spread or opcode.name in RANDOM
        if not shared and not self._varying.issuperset(operands):
            return None
        return _LANE_FUNCTIONS.get((opcode.row(self.operations).expression(dtype), dtype))

    def _in_a_row(self, numbered: list[tuple[int, tuple[Any, ...]]]) -> frozenset[int]:
        """The integers that grow by one along the innermost axis: its index, and sums with it."""
        found: set[int] = set()
        for k, (opcode, dtype, *rest) in numbered:
            if opcode == "affine":
                terms = rest[0]
                if (self.program.kept - 1, -1) in terms.axes and not terms.values:
                    found.add(k)
            elif opcode == "cast" and dtype.kind in "iu" and dtype.itemsize == 8:
                found.update([k] if rest[0] in found else [])
            elif isinstance(opcode, Operation) and opcode.name == "add":
                growing = [v for v in rest if v in found]
                if len(growing) == 1 and all(v in found or v not in self._varying for v in rest):
                    found.add(k)
        return frozenset(found)

    def name(self, value: int) -> str:
        """A value as an expression, at the lane `lane` where values are arrays over lanes."""
        array = self._array(value)
        return f"{array}[{self.lane}]" if value in self._varying else array

    def _array(self, value: int) -> str:
        """A value, or what is an array over lanes of it."""
        return f"v{value}{self.subscripts.get(value, '')}"

    def address(self, number: int, axes: Mapping[int, str]) -> str:
        """Where an access's element lies at the loop indices, in elements."""
        return self.terms(self.program.accesses[number].terms, axes)

    def terms(self, terms: Any, axes: Mapping[int, str]) -> str:
        """An affine index as an expression of the index type."""
        parts = [f"n{terms.constant}"] if terms.constant >= 0 else []
        for axis, position in terms.axes:
            parts.append(axes[axis] if position < 0 else f"{axes[axis]} * n{position}")
        for value, position in terms.values:
            text = f"({self.index}){self.name(value)}"
            parts.append(text if position < 0 else f"{text} * n{position}")
        return " + ".join(parts) or "0"

    def expression(self, instruction: tuple[Any, ...], axes: Mapping[int, str], load: Load) -> str:
        """An instruction at the loop indices `axes`."""
        opcode, dtype, *rest = instruction
        c = C_NAMES[dtype]
        if isinstance(opcode, Operation):
            row = opcode.row(self.operations)
            form = row.expression(dtype)
            if form == _WRAPPING_SUM and dtype in _COUNTERS:
                form, rest = self._count(rest) or (form, rest)
            text = form.format(*map(self.name, rest), T=c)
            return f"({c_result(instruction)})({text})"
        if opcode == "load":
            text = load(rest[0], self.address(rest[0], axes))
            return text if rest[1] < 0 else f"{self.name(rest[1])} ? {text} : {c}{{}}"
        if opcode == "scalar":
            return f"s{self._scalars[(dtype, rest[0])]}"
        if opcode == "affine":
            return f"(i64)({self.terms(rest[0], axes)})"
        names = [self.name(v) for v in rest]
        if opcode in ("idiv", "imod"):
            sign = "/" if opcode == "idiv" else "%"
            u = self._unsigned
            return f"(i64)(({u}){names[0]} {sign} ({u})n{rest[1]})"
        if opcode == "roll":
            return f"{names[0]} < (i64)n{rest[1]} ? {names[0]} : {names[0]} - (i64)n{rest[1]}"
        if opcode == "wrap":
            return f"ga_wrapped_index({names[0]}, (i64)n{rest[1]})"
        if opcode == "inside":
            return f"{names[0]} >= (i64)n{rest[1]} && {names[0]} < (i64)n{rest[2]}"
        if opcode == "and":
            return f"{names[0]} && {names[1]}"
        if opcode == "not":
            return f"!{names[0]}"
        if opcode == "select":
            return f"{names[0]} ? {names[1]} : {names[2]}"
        if opcode == "cast":
            return f"cast<{c}>({names[0]})"
        raise AssertionError(f"unknown instruction {instruction}")


def signature(name: str, block: int, resident: int) -> str:
    """The head of a kernel for blocks of `block` threads.

    With `resident` set the compiler may use as many registers as let that many blocks share a
    multiprocessor; left at 0 it decides for itself, and at times rather spills.
    """
    bounds = f"{block}, {resident}" if resident else f"{block}"
    return (
        f'extern "C" __global__ void __launch_bounds__({bounds})\n'
        f"{name}(const __grid_constant__ Args a) {{"
    )


def complete_source(arguments: Arguments, kernel: str) -> str:
    """What the compiler gets: the device functions the kernel needs, its arguments, the kernel."""
    found = (i[0] for i in arguments.program.instructions)
    folds = (fold.name for stage in arguments.program.stages for fold in stage.reductions)
    definitions = dict.fromkeys(
        x.definition for x in (*found, *folds) if isinstance(x, CustomOperation | CustomFold)
    )
    text = "\n".join([*definitions, arguments.struct(), "", kernel, ""])
    return f"{source_for(text)}\n{text}"
