"""Reductions of broadcast operands: a thread has several results, and reads for all of them once.

In: a program of one stage, and a `BlockShape`. Out: a kernel's source. Rows are folded as in
`staged`, by `group` threads that share a row. Here the same threads fold several rows, which lie
side by side along one or two kept axes. What does not move along the first of these axes is loaded
and computed once and stays in registers, while the threads walk along that axis: for
``sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1)`` a thread keeps its points of four rows of
`b`, and meets them with one row of `a` after the other.

Each result is folded in the order in which `staged` folds it. No value changes by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.blocks import BlockShape, dependences
from gpuarray_cuda.codegen.reduction_writer import NAME, Reduce, accumulator, unravelled
from gpuarray_cuda.codegen.staged import StagedWriter
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    c_result,
    complete_source,
    scalar_positions,
    signature,
)
from gpuarray_cuda.codegen.walks import Numbered

__all__ = ["blocked"]

# The widest load or store.
_VECTOR_BYTES = 16
# The loop variables along the first and the second of a thread's axes.
_NAMES = ("x", "y")


def blocked(
    program: Program, operations: Mapping[str, Operation], shape: BlockShape, resident: int = 0
) -> Reduce:
    """The kernel of a program with reductions; `resident` is as in `signature`."""
    return _Writer(program, operations, shape, resident).kernel()


class _Writer(StagedWriter):
    def __init__(
        self,
        program: Program,
        operations: Mapping[str, Operation],
        shape: BlockShape,
        resident: int,
    ) -> None:
        super().__init__(program, operations, shape.row, resident)
        self.tile = shape
        self.first, *second = shape.axes
        self.second = second[0] if second else -1
        self.beside = shape.counts[1] if second else 1
        depends = dependences(program)
        # For each value, those of the block's axes along which it varies.
        self.along = [tuple(a for a in shape.axes if a in found) for found in depends]
        (self.walk,) = self.walks
        self.across = {
            i[2]
            for v, i in self.walk.body
            if i[0] == "load" and self.along[v] == (self.second,) and self._is_across(i[2])
        }

    def _is_across(self, number: int) -> bool:
        """Whether an access takes a vector along the second axis."""
        access, count = self.program.accesses[number], self.beside
        nbytes = count * access.dtype.itemsize
        return (
            self.tile.even
            and count > 1
            and number not in self.guarded
            and not access.terms.values
            and (self.second, -1) in access.terms.axes
            and nbytes <= _VECTOR_BYTES
            and access.alignment >= nbytes
        )

    def kernel(self) -> Reduce:
        shape, tile, walk = self.shape, self.tile, self.walk
        folds = [(fold.struct, fold.kind, fold.itemsize) for fold in walk.folds]
        warps = shape.group // 32
        lines = [
            *accumulator("Accumulator", folds, self.index),
            signature(NAME, tile.block, self.resident),
            self.arguments.unpacked(),
            "  const int length = elements;",
            f"  const int t = threadIdx.x % {shape.group};",
            *self._place(),
            *self._uniform((), "  "),
            *self._uniform((self.second,), "  "),
            *self._held(),
        ]
        if warps > 1:
            states = math.prod(tile.counts) * warps
            lines += [
                f"  __shared__ __align__(16) u8 room[{states} * sizeof(Accumulator)];",
                "  Accumulator* const shared = reinterpret_cast<Accumulator*>(room);",
            ]
        lines += [
            "#pragma unroll 1",
            f"  for (int x = 0; x < {tile.counts[0]}; ++x) {{",
            f"    const {self.index} i{self.first} = firstx + x;",
            *self._uniform((self.first,), "    "),
            *self._uniform((self.first, self.second), "    "),
            f"    Accumulator acc[{self.beside}][{self.lanes}];",
            *self._points(),
            *(self._merged_in_block(warps) if warps > 1 else self._finish()),
            "  }",
            *(self._finish_block(warps) if warps > 1 else ()),
            "}",
        ]
        source = complete_source(self.arguments, "\n".join(lines))
        return Reduce(source, self.arguments.format, 1, scalar_positions(self.program))

    # Where a thread's results lie

    def _place(self) -> list[str]:
        """`firstx`, `firsty` and the other kept axes: where a thread's results begin.

        The last threads of an axis compute what others do as well, rather than less than these.
        """
        tile, index, unsigned = self.tile, self.index, self.unsigned
        lines = [
            f"  {unsigned} place = blockIdx.x;",
            f"  const int n = threadIdx.x / {self.shape.group};",
            *self._groups(),
        ]
        for axis, name, count, groups in reversed(
            list(zip(tile.axes, _NAMES, tile.counts, tile.groups, strict=False))
        ):
            span = count * groups
            lines += [
                f"  const {unsigned} tiles{name} = "
                f"({unsigned})((e{axis} + (i64){span - 1}) / {span});",
                f"  const {index} at{name} = "
                f"({index})(place % tiles{name}) * {span} + g{name} * {count};",
                f"  const {index} first{name} = "
                f"at{name} + {count} <= e{axis} ? at{name} : e{axis} - {count};",
                f"  place /= tiles{name};",
            ]
        others = [k for k in range(self.program.kept) if k not in tile.axes]
        return lines + unravelled("place", others, "i", "  ", (index, unsigned))

    def _groups(self) -> list[str]:
        """`gx` and `gy`, the place of a group in its block.

        The groups of a warp lie in a square, as nearly as can be: they read the fewest rows so.
        """
        if self.second < 0:
            return ["  const int gx = n;"]
        down, side = self.tile.groups
        of_warp = min(max(32 // self.shape.group, 1), down * side)
        across = min(1 << of_warp.bit_length() // 2, side)
        rows = min(of_warp // across, down)
        across = of_warp // rows
        return [
            f"  const int gy = n % {across} + n / {of_warp} % {side // across} * {across};",
            f"  const int gx = n / {across} % {rows} + n / {of_warp * (side // across)} * {rows};",
        ]

    def _row_axes(self) -> dict[int, str]:
        axes = {k: f"i{k}" for k in range(self.program.kept)}
        return axes | ({self.second: "(firsty + y)"} if self.second >= 0 else {})

    def _places(self, vector: str, count: int, indent: str) -> list[str]:
        if not self.tile.whole:
            return super()._places(vector, count, indent)
        shape, first = self.shape, self.program.kept
        split = range(first, self.rank) if self.program.reduced > 1 else range(0)
        return [
            f"{indent}{self.index} r[{count}];",
            *(f"{indent}{self.index} jj{k}[{count}];" for k in split),
            "#pragma unroll",
            f"{indent}for (int q = 0; q < {count}; ++q) {{",
            f"{indent}  r[q] = (({vector}) * {shape.group} + t) * {shape.width};",
            *unravelled("r[q]", split, "j", indent + "  ", (self.index, self.unsigned)),
            *(f"{indent}  jj{k}[q] = j{k};" for k in split),
            f"{indent}}}",
        ]

    # What is computed where

    def _beside(self, indent: str) -> list[str]:
        """The head of a loop over the results that lie side by side."""
        return ["#pragma unroll", f"{indent}for (int y = 0; y < {self.beside}; ++y) {{"]

    def _batches(self) -> list[str]:
        return ["#pragma unroll", f"  for (int b = 0; b < {self.batches}; ++b) {{"]

    def _uniform(self, axes: tuple[int, ...], indent: str) -> list[str]:
        """What is the same all along a row, and varies along `axes` of the block's."""

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines = []
        for v, instruction in self.before:
            if self.along[v] != axes:
                continue
            c = c_result(instruction)
            text = self.values.expression(instruction, self._row_axes(), load)
            if self.second in axes:
                self.values.subscripts[v] = "[y]"
                lines += [
                    f"{indent}{c} v{v}[{self.beside}];",
                    *self._beside(indent),
                    f"{indent}  v{v}[y] = {text};",
                    f"{indent}}}",
                ]
            else:
                lines.append(f"{indent}const {c} v{v} = {text};")
        return lines

    def _part(self, axes: tuple[int, ...]) -> Numbered:
        return [(v, i) for v, i in self.walk.body if self.along[v] == axes]

    def _held(self) -> list[str]:
        """What does not vary along the first axis, for all points of a thread."""
        shared, columns = self._part(()), self._part((self.second,))
        if not (shared or columns):
            return []
        lines = [f"  {c_result(i)} v{v}[{self.batches}][{self.lanes}];" for v, i in shared] + [
            f"  {c_result(i)} v{v}[{self.batches}][{self.beside}][{self.lanes}];"
            for v, i in columns
        ]
        lines += [
            *self._batches(),
            *self._places(f"b * {self.together} + q", self.together, "    "),
            *self._computed(shared, "    ", "[b]"),
        ]
        if columns:
            lines += [
                *self._vectors_across(columns),
                *self._beside("    "),
                *self._computed(columns, "      ", "[b][y]"),
                "    }",
            ]
        return [*lines, "  }"]

    def _points(self) -> list[str]:
        """The points of one row of results, and what they add."""
        counted = "" if self.tile.whole else f"if (in[lane / {self.shape.width}]) "
        rows, rest = self._part((self.first,)), self._part((self.first, self.second))
        lines = [
            *(f"  {line}" if line[0] == " " else line for line in self._batches()),
            *self._places(f"b * {self.together} + q", self.together, "      "),
            *self._computed(rows, "      "),
            *self._beside("      "),
            *self._computed(rest, "        "),
        ]
        given = ", ".join(self._named(text) for fold in self.walk.folds for text in fold.operands)
        return [
            *lines,
            "#pragma unroll",
            f"        for (int lane = 0; lane < {self.lanes}; ++lane)",
            f"          {counted}acc[y][lane].add({given});",
            "      }",
            "    }",
        ]

    def _computed(self, part: Numbered, indent: str, subscript: str = "") -> list[str]:
        if not part:
            return []
        width = self.shape.width
        vectors = self._vectors(part) - self.across

        def load(k: int, address: str) -> str:
            if k in self.across:
                return f"l{k}[lane].v[y]"
            if k in vectors:
                return f"l{k}[lane / {width}].v[lane % {width}]"
            return f"p{k}[{address}]"

        return [
            *self._late_loads(vectors, indent),
            *self.values.lane_statements(
                part, self._axes("lane"), load, self.lanes, indent, True, subscript
            ),
        ]

    def _vectors_across(self, part: Numbered) -> list[str]:
        """Loads of vectors along the second axis."""
        lines = []
        for k in sorted({i[2] for _, i in part if i[0] == "load"} & self.across):
            kind, address = self._side_by_side(k)
            lines += [
                f"    {kind} l{k}[{self.lanes}];",
                "#pragma unroll",
                f"    for (int lane = 0; lane < {self.lanes}; ++lane) "
                f"l{k}[lane] = *reinterpret_cast<const {kind}*>(p{k} + ({address}));",
            ]
        return lines

    # Results

    def _merged(self, lanes: int) -> list[str]:
        """Merge the lanes of a thread's accumulator `acc[y]`, and those of `lanes` threads."""
        count = self.lanes
        own = f"for (int lane = 1; lane < {count}; ++lane) acc[y][0].merge(acc[y][lane]);"
        lines = ["#pragma unroll", f"      {own}"] if count > 1 else []
        return lines + self._merge_lanes("acc[y][0]", lanes)

    def _epilogue(self, result: str, axes: dict[int, str], indent: str) -> list[str]:
        """The values that follow the folds of one result."""

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines = []
        for fold_number, fold in enumerate(self.walk.folds):
            text = fold.declaration.format(result=f"{result}.r{fold_number}.result()")
            lines.append(f"{indent}{text}")
        for v, instruction in self.walk.epilogue:
            lines += self.values.statements((instruction,), v, axes, load, indent)
        return lines

    def _finish(self) -> list[str]:
        """Merge, follow up and store the results side by side, of a group in a warp."""
        axes = self._row_axes()
        lines, stores = [], []
        for store in self.row_stores:
            k = store.access
            if self._is_across(k):
                kind, address = self._side_by_side(k)
                lines.append(f"    {kind} w{k};")
                stores.append(f"      *reinterpret_cast<{kind}*>(p{k} + ({address})) = w{k};")
            else:
                lines.append(
                    f"    struct {{ {C_NAMES[self.program.accesses[k].dtype]} "
                    f"v[{self.beside}]; }} w{k};"
                )
                stores += [
                    "#pragma unroll",
                    f"      for (int y = 0; y < {self.beside}; ++y) "
                    f"p{k}[{self.values.address(k, axes)}] = w{k}.v[y];",
                ]
        return [
            *lines,
            *self._beside("    "),
            *self._merged(self.shape.group),
            *self._epilogue("acc[y][0]", axes, "      "),
            *(f"      w{store.access}.v[y] = v{store.value};" for store in self.row_stores),
            "    }",
            "    if (t == 0) {",
            *stores,
            "    }",
        ]

    def _side_by_side(self, number: int) -> tuple[str, str]:
        """The type and the address of an access's vector along the second axis."""
        kind = f"vec_t<{C_NAMES[self.program.accesses[number].dtype]}, {self.beside}>"
        return kind, self.values.address(number, self._axes("lane") | {self.second: "firsty"})

    def _merged_in_block(self, warps: int) -> list[str]:
        """Merge what the warps of a group have, and leave it to `_finish_block`."""
        return [
            *self._beside("    "),
            *self._merged(32),
            "      if (threadIdx.x % 32 == 0)",
            f"        shared[(x * {self.beside} + y) * {warps} + threadIdx.x / 32] = acc[y][0];",
            "    }",
        ]

    def _finish_block(self, warps: int) -> list[str]:
        """Where a group is a block, each of its warps follows up some of the results."""
        axes = self._row_axes()
        lines = [
            "  __syncthreads();",
            f"  for (int k = threadIdx.x / 32; k < {math.prod(self.tile.counts)}; k += {warps}) {{",
            f"    Accumulator total = shared[k * {warps} + threadIdx.x % {warps}];",
            *self._merge_lanes("total", warps),
            f"    const {self.index} i{self.first} = firstx + k / {self.beside};",
            f"    const int y = k % {self.beside};",
            "    if (threadIdx.x % 32 == 0) {",
            *self._epilogue("total", axes, "      "),
        ]
        for store in self.row_stores:
            address = self.values.address(store.access, axes)
            lines.append(f"      p{store.access}[{address}] = v{store.value};")
        return [*lines, "    }", "  }"]
