"""Reduction kernels: a program with reductions, over rows, columns, or everything.

In: a program and a `Shape`, which says how threads divide the work. Out: a kernel's source. The
body of the program is the load of the reduction and the epilogue its store. One launch does it
all: where a result is split over several blocks, the block that finishes last merges their parts,
in the order of their numbers, so that the bits never depend on timing.

Two layouts of a block:

rows      the innermost reduced axis is contiguous: `group` threads share a result and walk along
          it, `width` elements at a time
columns   the innermost kept axis is contiguous: `group` threads stand side by side, each with
          `width` results, and the rest of the block takes other elements of the same results
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gpuarray.graph.program import result_dtype
from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    Arguments,
    Values,
    c_result,
    complete_source,
    guarded,
    scalar_positions,
    signature,
)

__all__ = ["BLOCK", "Reduce", "Shape", "reduction"]

BLOCK = 256
# Independent loads of a thread before it accumulates: four 16-byte loads keep the bus full.
_UNROLL = 4

NAME = "gpuarray_reduction"


class Shape(NamedTuple):
    """How threads divide a reduction; everything else is an argument of the kernel."""

    columns: bool
    width: int
    group: int
    split: bool


class Reduce(NamedTuple):
    """A generated kernel, and how many results a block of it makes."""

    source: str
    format: str
    results: int
    scalars: tuple[int, ...]


# Extra integer arguments: results in all, elements of each, blocks and elements of each part.
SIZES = ("results", "elements", "parts", "part")


def reduction(
    program: Program, operations: Mapping[str, Operation], shape: Shape, resident: int = 0
) -> Reduce:
    """The kernel of a program with reductions."""
    return _Writer(program, operations, shape, resident).kernel()


class _Writer:
    def __init__(
        self,
        program: Program,
        operations: Mapping[str, Operation],
        shape: Shape,
        resident: int,
    ) -> None:
        self.program = program
        self.resident = resident
        self.shape = shape
        self.values = Values(program, operations)
        extra = ("char* partials", "u32* tickets") if shape.split else ()
        self.arguments = Arguments(program, extra, SIZES)
        self.rank = program.kept + program.reduced
        self.unroll = _UNROLL if len(program.accesses) <= 4 and len(program.body) <= 32 else 1
        self.guarded = guarded(program)
        self.vector = {k for k in range(len(program.accesses)) if self._is_vector(k)}
        self.index = self.values.index
        self.unsigned = "u64" if program.wide else "u32"

    def _is_vector(self, number: int) -> bool:
        shape, access = self.shape, self.program.accesses[number]
        axis = self.program.kept - 1 if shape.columns else self.rank - 1
        return (
            shape.width > 1
            and number not in self.guarded
            and not access.terms.values
            and (axis, -1) in access.terms.axes
            and access.alignment >= min(16, shape.width * access.dtype.itemsize)
            and shape.width * access.dtype.itemsize <= 16
        )

    @property
    def results(self) -> int:
        """Results that a block makes."""
        if self.shape.columns:
            return self.shape.group * self.shape.width
        return BLOCK // self.shape.group

    def kernel(self) -> Reduce:
        lines = [
            *self._accumulator(),
            signature(NAME, BLOCK, self.resident),
            self.arguments.unpacked(),
            *(self._columns() if self.shape.columns else self._rows()),
            "}",
        ]
        source = complete_source(self.arguments, "\n".join(lines))
        return Reduce(source, self.arguments.format, self.results, scalar_positions(self.program))

    def _accumulator(self) -> list[str]:
        """One struct for all reductions of the program."""
        fields, add, merge = [], [], []
        # At least four bytes, since states move between lanes in 32-bit pieces.
        alignment = 4
        parameters = []
        for k, fold in enumerate(self.program.reductions):
            value = fold.values[0]
            kind = c_result(self.program.body[value])
            name = f"ga_{fold.name}"
            counts = fold.name in ("argmax", "argmin", "squares")
            alignment = max(alignment, result_dtype(self.program.body[value]).itemsize)
            alignment = max(alignment, 8) if counts else alignment
            fields.append(f"  {name if fold.name in ('any', 'all') else f'{name}<{kind}>'} r{k};")
            parameters.append(f"{kind} x{k}")
            if len(fold.values) > 1:
                parameters.append(f"i64 k{k}")
            add.append(f"    r{k}.add(x{k}{f', k{k}' if len(fold.values) > 1 else ''});")
            merge.append(f"    r{k}.merge(o.r{k});")
        device = "  __device__ __forceinline__"
        return [
            f"struct alignas({alignment}) Accumulator {{",
            *fields,
            f"{device} void add({', '.join(parameters)}) {{",
            *add,
            "  }",
            f"{device} void merge(const Accumulator& o) {{",
            *merge,
            "  }",
            "};",
        ]

    # The parts that both layouts share

    def _unravel(self, linear: str, first: int, last: int, prefix: str, indent: str) -> list[str]:
        """Loop indices of axes `first` to `last` from a linear index."""
        if last == first:
            return []
        if last - first == 1:
            return [f"{indent}const {self.index} {prefix}{first} = ({self.index})({linear});"]
        lines = [f"{indent}{self.unsigned} {prefix}q = ({self.unsigned})({linear});"]
        for k in range(last - 1, first, -1):
            lines.append(
                f"{indent}const {self.index} {prefix}{k} = "
                f"({self.index})({prefix}q % ({self.unsigned})e{k});"
            )
            lines.append(f"{indent}{prefix}q /= ({self.unsigned})e{k};")
        lines.append(f"{indent}const {self.index} {prefix}{first} = ({self.index}){prefix}q;")
        return lines

    def _add(self, target: str, axes: dict[int, str], vector: str | None, indent: str) -> list[str]:
        """Compute the body at one point and add it to an accumulator."""

        def load(number: int, address: str) -> str:
            if vector is not None and number in self.vector:
                return f"l{number}{vector}.v[lane]"
            return f"p{number}[{address}]"

        lines = self.values.statements(self.program.body, 0, axes, load, indent)
        operands = [f"v{v}" for fold in self.program.reductions for v in fold.values]
        lines.append(f"{indent}{target}.add({', '.join(operands)});")
        return lines

    def _early_loads(self, axes: dict[int, str], slot: str, indent: str) -> list[str]:
        lines = []
        for k in self._loaded():
            vector = f"vec_t<{C_NAMES[self.program.accesses[k].dtype]}, {self.shape.width}>"
            address = self.values.address(k, axes)
            lines.append(
                f"{indent}l{k}{slot} = *reinterpret_cast<const {vector}*>(p{k} + ({address}));"
            )
        return lines

    def _loaded(self) -> list[int]:
        loads = [i[2] for i in self.program.body if i[0] == "load" and i[2] in self.vector]
        return list(dict.fromkeys(loads))

    def _declare_loads(self, count: str, indent: str) -> list[str]:
        return [
            f"{indent}vec_t<{C_NAMES[self.program.accesses[k].dtype]}, {self.shape.width}> "
            f"l{k}{count};"
            for k in self._loaded()
        ]

    def _finish(self, accumulator: str, axes: dict[int, str], indent: str) -> list[str]:
        """The epilogue and the stores at one point of the kept axes."""
        lines = []
        first = len(self.program.body)
        for k, fold in enumerate(self.program.reductions):
            c = C_NAMES[fold.dtype]
            lines.append(f"{indent}const {c} v{first + k} = ({c}){accumulator}.r{k}.result();")
        first += len(self.program.reductions)

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines += self.values.statements(self.program.epilogue, first, axes, load, indent)
        for store in self.program.stores:
            address = self.values.address(store.access, axes)
            lines.append(f"{indent}p{store.access}[{address}] = v{store.value};")
        return lines

    def _last_block(self, tile: str) -> list[str]:
        """Whether this block is the last of its tile; the others are done. Tickets reset."""
        return [
            "    __threadfence();",
            "    __shared__ bool last;",
            "    __syncthreads();",
            "    if (threadIdx.x == 0)",
            f"      last = atomicInc(&tickets[{tile}], (u32)parts - 1u) == (u32)parts - 1u;",
            "    __syncthreads();",
            "    if (!last) return;",
            "    __threadfence();",
        ]

    # Rows

    def _rows(self) -> list[str]:
        shape, width, unroll = self.shape, self.shape.width, self.unroll
        per_block = BLOCK // shape.group
        kept = self.program.kept
        lines = [
            "  const i64 tile = (i64)blockIdx.x / parts, split = (i64)blockIdx.x % parts;",
            f"  const int lane_in_group = threadIdx.x % {shape.group};",
            f"  const i64 row = tile * {per_block} + threadIdx.x / {shape.group};",
            *self._unravel("row < results ? row : 0", 0, kept, "i", "  "),
            f"  Accumulator acc[{width}];",
            "  if (row < results) {",
            "    const i64 begin = split * part;",
            "    const i64 end = begin + part < elements ? begin + part : elements;",
            f"    i64 r = begin + lane_in_group * {width};",
        ]
        step = shape.group * width
        if unroll > 1:
            lines += [
                f"    for (; r + {(unroll - 1) * step + width} <= end; r += {unroll * step}) {{",
                *self._declare_loads(f"[{unroll}]", "      "),
            ]
            if self.vector:
                lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
                lines += self._reduced_axes(f"r + u * {step}", "        ")
                lines += self._early_loads(self._row_axes("0"), "[u]", "        ")
                lines.append("      }")
            lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
            lines += self._row_points(f"r + u * {step}", "[u]", "        ")
            lines += ["      }", "    }"]
        lines += [
            f"    for (; r + {width} <= end; r += {step}) {{",
            *self._declare_loads("", "      "),
            *self._reduced_axes("r", "      "),
            *self._early_loads(self._row_axes("0"), "", "      "),
            *self._row_points("r", "", "      ", declared=True),
            "    }",
        ]
        if width > 1:
            # What is left of the last vector, one element a thread.
            lines += [
                f"    r = end - end % {width} + lane_in_group;",
                f"    for (; r < end; r += {shape.group}) {{",
                *self._reduced_axes("r", "      "),
                *self._add("acc[0]", self._row_axes("0"), None, "      "),
                "    }",
            ]
        lines += [
            "  }",
            "#pragma unroll",
            f"  for (int lane = 1; lane < {width}; ++lane) acc[0].merge(acc[lane]);",
        ]
        lines += self._merge_group()
        if shape.split:
            lines += [
                "  if (parts > 1) {",
                "    Accumulator* const of_tile = (Accumulator*)partials + tile * parts;",
                "    if (threadIdx.x == 0) of_tile[split] = acc[0];",
                *self._last_block("tile"),
                "    acc[0] = Accumulator();",
                f"    for (i64 k = threadIdx.x; k < parts; k += {BLOCK}) acc[0].merge(of_tile[k]);",
                "    __syncthreads();",
                *self._merge_group("    "),
                "  }",
            ]
        axes = {k: f"i{k}" for k in range(kept)}
        lines += [
            "  if (lane_in_group == 0 && row < results) {",
            *self._finish("acc[0]", axes, "    "),
            "  }",
        ]
        return lines

    def _reduced_axes(self, linear: str, indent: str) -> list[str]:
        return self._unravel(linear, self.program.kept, self.rank, "j", indent)

    def _row_axes(self, lane: str) -> dict[int, str]:
        kept = self.program.kept
        axes = {k: f"i{k}" for k in range(kept)}
        axes |= {k: f"j{k}" for k in range(kept, self.rank)}
        if lane != "0" and self.rank > kept:
            axes[self.rank - 1] = f"(j{self.rank - 1} + {lane})"
        return axes

    def _row_points(self, linear: str, slot: str, indent: str, declared: bool = False) -> list[str]:
        lines = [] if declared else self._reduced_axes(linear, indent)
        if self.shape.width == 1:
            return lines + self._add("acc[0]", self._row_axes("0"), None, indent)
        return [
            *lines,
            "#pragma unroll",
            f"{indent}for (int lane = 0; lane < {self.shape.width}; ++lane) {{",
            *self._add("acc[lane]", self._row_axes("lane"), slot, indent + "  "),
            f"{indent}}}",
        ]

    def _merge_group(self, indent: str = "  ") -> list[str]:
        """Merge the accumulators of the threads that share a row; the first one has the result."""
        group = self.shape.group
        lines = []
        lanes = min(group, 32)
        if lanes > 1:
            lines += [
                "#pragma unroll",
                f"{indent}for (int d = {lanes // 2}; d > 0; d /= 2) "
                "acc[0].merge(ga_state_below(acc[0], d));",
            ]
        if group > 32:
            warps = BLOCK // 32
            lines += [
                f"{indent}{{",
                f"{indent}  __shared__ __align__(16) u8 room[{warps} * sizeof(Accumulator)];",
                f"{indent}  Accumulator* const shared = reinterpret_cast<Accumulator*>(room);",
                f"{indent}  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = acc[0];",
                f"{indent}  __syncthreads();",
                f"{indent}  if (threadIdx.x < 32) {{",
                f"{indent}    acc[0] = Accumulator();",
                f"{indent}    if (threadIdx.x < {warps}) acc[0] = shared[threadIdx.x];",
                "#pragma unroll",
                f"{indent}    for (int d = {warps // 2}; d > 0; d /= 2) "
                "acc[0].merge(ga_state_below(acc[0], d));",
                f"{indent}  }}",
                f"{indent}}}",
            ]
        return lines

    # Columns

    def _columns(self) -> list[str]:
        shape, width, unroll = self.shape, self.shape.width, self.unroll
        deep = BLOCK // shape.group
        kept = self.program.kept
        span = shape.group * width
        lines = [
            "  const i64 tile = (i64)blockIdx.x / parts, split = (i64)blockIdx.x % parts;",
            f"  const int across = threadIdx.x % {shape.group};",
            f"  const int down = threadIdx.x / {shape.group};",
            f"  const i64 column = tile * {span} + across * {width};",
            *self._unravel("column < results ? column : 0", 0, kept, "i", "  "),
            f"  Accumulator acc[{width}];",
            "  if (column < results) {",
            "    const i64 begin = split * part;",
            "    const i64 end = begin + part < elements ? begin + part : elements;",
            "    i64 r = begin + down;",
        ]
        if unroll > 1:
            lines += [
                f"    for (; r + {(unroll - 1) * deep} < end; r += {unroll * deep}) {{",
                *self._declare_loads(f"[{unroll}]", "      "),
            ]
            if self.vector:
                lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
                lines += self._reduced_axes(f"r + u * {deep}", "        ")
                lines += self._early_loads(self._column_axes("0"), "[u]", "        ")
                lines += ["      }"]
            lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
            lines += self._reduced_axes(f"r + u * {deep}", "        ")
            lines += self._column_points("[u]", "        ")
            lines += ["      }", "    }"]
        lines += [
            f"    for (; r < end; r += {deep}) {{",
            *self._declare_loads("", "      "),
            *self._reduced_axes("r", "      "),
            *self._early_loads(self._column_axes("0"), "", "      "),
            *self._column_points("", "      "),
            "    }",
            "  }",
            f"  __shared__ __align__(16) u8 room[{BLOCK} * sizeof(Accumulator)];",
            "  Accumulator* const shared = reinterpret_cast<Accumulator*>(room);",
            *self._merge_columns("  "),
        ]
        if shape.split:
            lines += [
                "  if (parts > 1) {",
                f"    Accumulator* const of_tile = (Accumulator*)partials + tile * parts * {span};",
                "    if (down == 0) {",
                "#pragma unroll",
                f"      for (int lane = 0; lane < {width}; ++lane)",
                f"        of_tile[split * {span} + lane * {shape.group} + across] = acc[lane];",
                "    }",
                *self._last_block("tile"),
                "#pragma unroll",
                f"    for (int lane = 0; lane < {width}; ++lane) {{",
                "      acc[lane] = Accumulator();",
                f"      for (i64 k = down; k < parts; k += {deep})",
                f"        acc[lane].merge(of_tile[k * {span} + lane * {shape.group} + across]);",
                "    }",
                *self._merge_columns("    "),
                "  }",
            ]
        axes = self._kept_axes("lane")
        lines += [
            "  if (down == 0 && column < results) {",
            "#pragma unroll",
            f"    for (int lane = 0; lane < {width}; ++lane) {{",
            *self._finish("acc[lane]", axes, "      "),
            "    }",
            "  }",
        ]
        return lines

    def _kept_axes(self, lane: str) -> dict[int, str]:
        kept = self.program.kept
        axes = {k: f"i{k}" for k in range(kept)}
        if lane != "0":
            axes[kept - 1] = f"(i{kept - 1} + {lane})"
        return axes

    def _column_axes(self, lane: str) -> dict[int, str]:
        return self._kept_axes(lane) | {k: f"j{k}" for k in range(self.program.kept, self.rank)}

    def _column_points(self, slot: str, indent: str) -> list[str]:
        return [
            "#pragma unroll",
            f"{indent}for (int lane = 0; lane < {self.shape.width}; ++lane) {{",
            *self._add("acc[lane]", self._column_axes("lane"), slot, indent + "  "),
            f"{indent}}}",
        ]

    def _merge_columns(self, indent: str) -> list[str]:
        """Merge the accumulators of the threads below each other; the topmost has the result."""
        group = self.shape.group
        deep = BLOCK // group
        if deep == 1:
            return []
        return [
            "#pragma unroll",
            f"{indent}for (int lane = 0; lane < {self.shape.width}; ++lane) {{",
            f"{indent}  __syncthreads();",
            f"{indent}  shared[threadIdx.x] = acc[lane];",
            f"{indent}  for (int d = {deep // 2}; d > 0; d /= 2) {{",
            f"{indent}    __syncthreads();",
            f"{indent}    if (down < d) {{",
            f"{indent}      acc[lane].merge(shared[threadIdx.x + d * {group}]);",
            f"{indent}      shared[threadIdx.x] = acc[lane];",
            f"{indent}    }}",
            f"{indent}  }}",
            f"{indent}}}",
        ]
