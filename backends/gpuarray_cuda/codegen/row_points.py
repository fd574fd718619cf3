"""Where the points of a thread lie in its row, and how they are read and written.

In: a program with rows, and a `RowShape`: `group` threads share a row, each with `vectors` vectors
of `width` neighbouring elements. Out: lines of C++ for the writer of the kernel (`staged.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gpuarray.graph.program import Store
from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.reduction_writer import unravelled
from gpuarray_cuda.codegen.values import C_NAMES, Arguments, Values, guarded
from gpuarray_cuda.codegen.walks import Numbered, Walks

__all__ = ["MOST_SHARED_POINTS", "SHARED_GRAIN", "RowPoints", "RowShape", "lanes_of"]

# Extra integer arguments: rows in all, and elements of each.
_SIZES = ("results", "elements")
# Threads of a block that has several rows, each of a warp or less.
_SHARED_BLOCK = 256
# Points of a thread that are computed together, where a vector is not longer.
_LANES = 4
# A row in shared memory has room for a multiple of so many points, and is not longer than that:
# 256 KiB of bytes.
SHARED_GRAIN = 16
MOST_SHARED_POINTS = 1 << 18


class RowShape(NamedTuple):
    """How threads divide rows; everything else is an argument of the kernel.

    `held` rows are in registers, `shared` ones in shared memory, others are read again.
    """

    width: int
    group: int
    vectors: int
    held: bool
    shared: bool = False

    @property
    def block(self) -> int:
        """Threads of a block."""
        return self.group if self.group > 32 else _SHARED_BLOCK


def lanes_of(shape: RowShape) -> int:
    """Points of a thread that are computed together, each with an accumulator of its own."""
    together = max(min(_LANES // shape.width, shape.vectors), 1)
    return shape.width * (together if shape.vectors % together == 0 else 1)


class RowPoints:
    """The points of one program's rows."""

    def __init__(
        self,
        program: Program,
        operations: Mapping[str, Operation],
        shape: RowShape,
        resident: int,
    ) -> None:
        self.program = program
        self.shape = shape
        self.resident = resident
        self.values = Values(program, operations)
        self.arguments = Arguments(program, (), _SIZES)
        self.index = self.values.index
        self.unsigned = "u64" if program.wide else "u32"
        self.rank = program.kept + program.reduced
        self.guarded = guarded(program)
        # Vectors that are computed together, and batches of them.
        self.lanes = lanes_of(shape)
        self.together = self.lanes // shape.width
        self.batches = shape.vectors // self.together
        capacity = shape.group * shape.width * shape.vectors
        if shape.shared:
            capacity = MOST_SHARED_POINTS
        keeps = shape.held or shape.shared
        made = Walks(program, keeps, 2.0 ** -(capacity - 1).bit_length())
        self.analysis = made
        self.places = made.places() if shape.shared else {}
        # The type of an index of a point.
        self.point = "int" if keeps else "i64"
        self.walks, self.before, self.row_stores = made.walks, made.before, made.row_stores
        self.dtypes = made.dtypes
        self.kept = made.kept() if keeps else [set() for _ in made.walks]

    def _row_axes(self) -> dict[int, str]:
        return {k: f"i{k}" for k in range(self.program.kept)}

    # Where a thread's points lie

    def _places(self, vector: str, count: int, indent: str) -> list[str]:
        """`r` and `in` of vectors; past the end there is the first point, which counts nowhere."""
        shape, first = self.shape, self.program.kept
        offset = "" if shape.held else "base + "
        kind = self.point
        lines = [
            f"{indent}{self.index} r[{count}];",
            f"{indent}bool in[{count}];",
        ]
        split = range(first, self.rank) if self.program.reduced > 1 else range(0)
        lines += [f"{indent}{self.index} jj{k}[{count}];" for k in split]
        lines += [
            "#pragma unroll",
            f"{indent}for (int q = 0; q < {count}; ++q) {{",
            f"{indent}  const {kind} at = "
            f"{offset}(({vector}) * {shape.group} + t) * {shape.width};",
            f"{indent}  in[q] = at < length;",
            f"{indent}  r[q] = in[q] ? ({self.index})at : 0;",
            *unravelled("r[q]", split, "j", indent + "  ", (self.index, self.unsigned)),
            *(f"{indent}  jj{k}[q] = j{k};" for k in split),
            f"{indent}}}",
        ]
        return lines

    def _axes(self, lane: str) -> dict[int, str]:
        """The loop indices of a point, by its lane or, for ``q``, of the first one of a vector."""
        width = self.shape.width
        vector = lane if lane == "q" else f"{lane} / {width}" if width > 1 else lane
        name = "jj{0}[{1}]" if self.program.reduced > 1 else "r[{1}]"
        axes = self._row_axes()
        axes |= {k: name.format(k, vector) for k in range(self.program.kept, self.rank)}
        if width > 1 and lane != "q":
            last = self.rank - 1
            axes[last] = f"({axes[last]} + {lane} % {width})"
        return axes

    # Memory

    def _is_vector(self, number: int) -> bool:
        """Whether an access takes a whole vector at once."""
        access, width = self.program.accesses[number], self.shape.width
        if number in self.guarded or access.terms.values:
            return False
        nbytes = width * access.dtype.itemsize
        along = (self.rank - 1, -1) in access.terms.axes
        return width == 1 or (along and nbytes <= 16 and access.alignment >= nbytes)

    def _vectors(self, body: Numbered) -> set[int]:
        loads = {i[2] for _, i in body if i[0] == "load"}
        return {k for k in loads if self._is_vector(k)}

    def _early(self, body: Numbered, number: int) -> set[int]:
        """Loads of all vectors before anything is computed: in the first walk, or in each."""
        return self._vectors(body) if number == 0 or not self.shape.held else set()

    def _vector_type(self, number: int) -> str:
        return f"vec_t<{C_NAMES[self.program.accesses[number].dtype]}, {self.shape.width}>"

    def _vector_load(self, number: int, target: str, indent: str) -> str:
        address = self.values.address(number, self._axes("q"))
        kind = self._vector_type(number)
        return f"{indent}{target} = *reinterpret_cast<const {kind}*>(p{number} + ({address}));"

    def _early_loads(self, accesses: set[int], indent: str) -> list[str]:
        if not accesses:
            return []
        count = self.shape.vectors
        lines = [f"{indent}{self._vector_type(k)} l{k}[{count}];" for k in sorted(accesses)]
        lines += [f"{indent}{{", *self._places("q", count, indent + "  ")]
        lines += ["#pragma unroll", f"{indent}  for (int q = 0; q < {count}; ++q) {{"]
        lines += [self._vector_load(k, f"l{k}[q]", indent + "    ") for k in sorted(accesses)]
        return [*lines, f"{indent}  }}", f"{indent}}}"]

    def _late_loads(self, accesses: set[int], indent: str) -> list[str]:
        if not accesses:
            return []
        count = self.together
        lines = [f"{indent}{self._vector_type(k)} l{k}[{count}];" for k in sorted(accesses)]
        lines += ["#pragma unroll", f"{indent}for (int q = 0; q < {count}; ++q) {{"]
        lines += [self._vector_load(k, f"l{k}[q]", indent + "  ") for k in sorted(accesses)]
        return [*lines, f"{indent}}}"]

    def _store(self, store: Store, indent: str) -> list[str]:
        """The values of a batch to memory."""
        k, width = store.access, self.shape.width
        if not self._is_vector(k):
            address = self.values.address(k, self._axes("lane"))
            return [
                "#pragma unroll",
                f"{indent}for (int lane = 0; lane < {self.lanes}; ++lane)",
                f"{indent}  if (in[lane / {width}] && exists) "
                f"p{k}[{address}] = {self.values.name(store.value)};",
            ]
        kind, address = self._vector_type(k), self.values.address(k, self._axes("q"))
        self.values.lane = f"q * {width} + e"
        value = self.values.name(store.value)
        self.values.lane = "lane"
        return [
            "#pragma unroll",
            f"{indent}for (int q = 0; q < {self.together}; ++q) {{",
            f"{indent}  if (!in[q] || !exists) continue;",
            f"{indent}  {kind} w;",
            "#pragma unroll",
            f"{indent}  for (int e = 0; e < {width}; ++e) w.v[e] = {value};",
            f"{indent}  *reinterpret_cast<{kind}*>(p{k} + ({address})) = w;",
            f"{indent}}}",
        ]
