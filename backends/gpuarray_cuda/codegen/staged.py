"""Reductions over rows that a few threads hold: each row is read once, whatever becomes of it.

In: a program whose innermost reduced axis is contiguous, and a `RowShape`. Out: a kernel's source.
`group` threads share a row, each with `vectors` vectors of `width` neighbouring elements. They go
through the program stage by stage; what a later stage needs of a point stays in registers. Of a row
that is too long for that it stays in shared memory, where each thread reads what it wrote itself. A
row that is too long for both is walked through once a stage, and its values are computed again.

The order in which a row is folded depends on its length, dtypes and alignment alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gpuarray.graph.program import Store
from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.reduction_writer import (
    NAME,
    Reduce,
    accumulator,
    unravelled,
)
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    Arguments,
    Values,
    complete_source,
    guarded,
    scalar_positions,
    signature,
)
from gpuarray_cuda.codegen.walks import Numbered, Walk, Walks

__all__ = [
    "MOST_SHARED_POINTS",
    "SHARED_GRAIN",
    "RowShape",
    "StagedWriter",
    "lanes_of",
    "staged",
]

# Extra integer arguments: rows in all, and elements of each.
_SIZES = ("results", "elements")
_VALUE = re.compile(r"\{(\d+)\}")
# Threads of a block that has several rows, each of a warp or less.
_SHARED_BLOCK = 256
# Points of a thread that are computed together, where a vector is not longer.
_LANES = 4
# A row in shared memory has room for a multiple of so many points, and is not longer than that:
# 256 KiB of bytes.
SHARED_GRAIN = 16
MOST_SHARED_POINTS = 1 << 18
# Reductions that give an index.
_CHOOSING = frozenset({"argmax", "argmin"})


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


def staged(
    program: Program, operations: Mapping[str, Operation], shape: RowShape, resident: int = 0
) -> Reduce:
    """The kernel of a program with reductions; `resident` is as in `signature`."""
    return StagedWriter(program, operations, shape, resident).kernel()


class StagedWriter:
    """Writes the kernel of one program."""

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

    def kernel(self) -> Reduce:
        shape, per_block = self.shape, self.shape.block // self.shape.group
        lines = []
        for k, walk in enumerate(self.walks):
            if walk.folds:
                folds = [(fold.struct, fold.kind, fold.itemsize) for fold in walk.folds]
                lines += accumulator(f"Accumulator{k}", folds, self.index)
        lines += [
            signature(NAME, shape.block, self.resident),
            self.arguments.unpacked(),
            f"  const {self.point} length = elements;",
            f"  const int t = threadIdx.x % {shape.group};",
            f"  const i64 row = (i64)blockIdx.x * {per_block} + threadIdx.x / {shape.group};",
            "  const bool exists = row < results;",
            *unravelled(
                "exists ? row : 0", range(self.program.kept), "i", "  ", (self.index, self.unsigned)
            ),
            *self._of_rows(self.before),
            *self._shared(),
        ]
        for k in range(len(self.walks)):
            lines += self._walk(k)
        if self.row_stores:
            lines.append("  if (t == 0 && exists) {")
            for store in self.row_stores:
                address = self.values.address(store.access, self._row_axes())
                lines.append(f"    p{store.access}[{address}] = v{store.value};")
            lines.append("  }")
        lines.append("}")
        source = complete_source(self.arguments, "\n".join(lines))
        return Reduce(source, self.arguments.format, per_block, scalar_positions(self.program))

    def _shared(self) -> list[str]:
        """Where each value that is kept in shared memory lies, for all points of the row."""
        if not self.shape.shared:
            return []
        lines = [
            "  extern __shared__ __align__(16) u8 row_held[];",
            f"  const int room = (length + {SHARED_GRAIN - 1}) / {SHARED_GRAIN} * {SHARED_GRAIN};",
        ]
        for v, place in sorted(self.places.items()):
            kind = f"{C_NAMES[self.dtypes[v]]}*"
            lines.append(
                f"  {kind} const h{v} = reinterpret_cast<{kind}>(row_held + room * {place});"
            )
        return lines

    def _in_shared(self, value: int, store: bool, indent: str) -> list[str]:
        """A value of the batch's points to or from shared memory, at most 16 bytes at once."""
        kind, width = C_NAMES[self.dtypes[value]], self.shape.width
        piece = min(width, max(16 // int(self.dtypes[value].itemsize), 1))
        vector = f"vec_t<{kind}, {piece}>"
        place = f"reinterpret_cast<{vector}*>(h{value} + r[q] + p)"
        element = f"v{value}[q * {width} + p + e]"
        lines = [
            "#pragma unroll",
            f"{indent}for (int q = 0; q < {self.together}; ++q) {{",
            "#pragma unroll",
            f"{indent}  for (int p = 0; p < {width}; p += {piece}) {{",
        ]
        loop = f"{indent}    for (int e = 0; e < {piece}; ++e)"
        if store:
            lines += [
                f"{indent}    {vector} w;",
                "#pragma unroll",
                f"{loop} w.v[e] = {element};",
                f"{indent}    if (in[q]) *{place} = w;",
            ]
        else:
            lines += [
                f"{indent}    const {vector} w = *{place};",
                "#pragma unroll",
                f"{loop} {element} = w.v[e];",
            ]
        return [*lines, f"{indent}  }}", f"{indent}}}"]

    def _row_axes(self) -> dict[int, str]:
        return {k: f"i{k}" for k in range(self.program.kept)}

    def _of_rows(self, numbered: Numbered) -> list[str]:
        """Values that a row has one of."""

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        return [
            line
            for k, instruction in numbered
            for line in self.values.statements((instruction,), k, self._row_axes(), load, "  ")
        ]

    def _walk(self, number: int) -> list[str]:
        """One walk along the row, the merging of what it folds, and the values that follow."""
        walk, shape = self.walks[number], self.shape
        here = {v for v, _ in walk.body}
        keeps = shape.held or shape.shared
        new = (self.kept[number] & here) if keeps else set()
        lines = [
            f"  {C_NAMES[self.dtypes[v]]} h{v}[{shape.width * shape.vectors}];"
            for v in sorted(new)
            if shape.held
        ]
        body = walk.body if keeps else self.analysis.again(number)
        if not (body or walk.folds):
            return lines + self._of_rows(walk.epilogue)
        if walk.folds:
            lines.append(f"  Accumulator{number} acc{number}[{self._states(walk)}];")
        step = shape.group * shape.width
        indent = "  "
        if not shape.held:
            over = f"{self.point} base = 0; base < length; base += {step * shape.vectors}"
            lines.append(f"  for ({over}) {{")
            indent = "    "
        early = self._early(body, number)
        lines += self._early_loads(early, indent)
        lines += [
            "#pragma unroll",
            f"{indent}for (int b = 0; b < {self.batches}; ++b) {{",
            *self._places(f"b * {self.together} + q", self.together, indent + "  "),
        ]
        inner = indent + "  "
        fetched = {v for v in walk.needs - here if keeps}
        for v in sorted(fetched):
            lines.append(f"{inner}{C_NAMES[self.dtypes[v]]} v{v}[{self.lanes}];")
            if shape.shared:
                lines += self._in_shared(v, False, inner)
                continue
            lines += [
                "#pragma unroll",
                f"{inner}for (int lane = 0; lane < {self.lanes}; ++lane) "
                f"v{v}[lane] = h{v}[b * {self.lanes} + lane];",
            ]
        self.values.declare_lanes(fetched)
        late = self._vectors(body) - early
        lines += self._late_loads(late, inner)

        def load(k: int, address: str) -> str:
            if k in early:
                return f"l{k}[b * {self.together} + lane / {shape.width}].v[lane % {shape.width}]"
            if k in late:
                return f"l{k}[lane / {shape.width}].v[lane % {shape.width}]"
            return f"p{k}[{address}]"

        lines += self.values.lane_statements(
            body, self._axes("lane"), load, self.lanes, inner, spread=True
        )
        for v in sorted(new):
            if shape.shared:
                lines += self._in_shared(v, True, inner)
                continue
            lines += [
                "#pragma unroll",
                f"{inner}for (int lane = 0; lane < {self.lanes}; ++lane) "
                f"h{v}[b * {self.lanes} + lane] = v{v}[lane];",
            ]
        if walk.folds:
            given = ", ".join(self._named(text) for fold in walk.folds for text in fold.operands)
            lines += [
                "#pragma unroll",
                f"{inner}for (int lane = 0; lane < {self.lanes}; ++lane)",
                f"{inner}  if (in[lane / {shape.width}]) "
                f"acc{number}[{'lane' if self._states(walk) > 1 else '0'}].add({given});",
            ]
        for store in walk.stores:
            lines += self._store(store, inner)
        lines.append(f"{indent}}}")
        if not shape.held:
            lines.append("  }")
        if walk.folds:
            lines += self._merge(number)
        for k, fold in enumerate(walk.folds):
            lines.append("  " + fold.declaration.format(result=f"acc{number}[0].r{k}.result()"))
        return lines + self._of_rows(walk.epilogue)

    def _named(self, text: str) -> str:
        """The operand of a fold, with the names of its values at lane `lane`."""
        return _VALUE.sub(lambda found: self.values.name(int(found[1])), text)

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

    # Folding

    def _merge(self, number: int) -> list[str]:
        """Merge what the threads of a row have: the same state in all of them, if it is needed."""
        acc, group = f"acc{number}[0]", self.shape.group
        last = number == len(self.walks) - 1
        lines = []
        states = self._states(self.walks[number])
        if states > 1:
            lines += [
                "#pragma unroll",
                f"  for (int lane = 1; lane < {states}; ++lane) {acc}.merge(acc{number}[lane]);",
            ]
        lines += self._merge_lanes(acc, min(group, 32), self._is_choice(number))
        if group > 32:
            warps = group // 32
            kind = f"Accumulator{number}"
            lines += [
                f"  __shared__ __align__(16) u8 room{number}[{warps} * sizeof({kind})];",
                "  {",
                f"    {kind}* const shared = reinterpret_cast<{kind}*>(room{number});",
                f"    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = {acc};",
                "    __syncthreads();",
                f"    {acc} = shared[threadIdx.x % {warps}];",
                "  }",
                *self._merge_lanes(acc, warps, self._is_choice(number)),
            ]
        if not last and group > 1:
            leader = "0" if group >= 32 else f"(int)(threadIdx.x % 32) / {group} * {group}"
            lines.append(f"  {acc} = ga_state_of({acc}, {leader});")
        return lines

    def _states(self, walk: Walk) -> int:
        """How many states a thread folds into: one for each lane, which hides latency.

        Choosing takes one, since merging others costs more than the comparisons themselves.
        """
        return 1 if all(fold.struct in _CHOOSING for fold in walk.folds) else self.lanes

    def _is_choice(self, number: int) -> bool:
        """Whether a walk does nothing but choose, and its states are merged by whole warps."""
        folds = self.walks[number].folds
        return (
            len(folds) == 1
            and folds[0].struct in _CHOOSING
            and folds[0].itemsize <= 4
            and self.index == "i32"
            and self.shape.group >= 32
        )

    def _merge_lanes(self, state: str, lanes: int, choice: bool = False) -> list[str]:
        """Merge the states of `lanes` lanes, which the lanes of a warp repeat."""
        if lanes == 1:
            return []
        if choice:
            # The same state twice changes no extreme, so that all lanes may take part.
            return [f"  {state}.r0.merge_warp();"]
        return [
            "#pragma unroll",
            f"  for (int d = {lanes // 2}; d > 0; d /= 2) "
            f"{state}.merge(ga_state_below({state}, d));",
        ]
