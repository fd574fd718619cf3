"""Reductions of broadcast operands: a thread has several results, and reads for all of them once.

In: a program of one stage, and a `BlockShape`. Out: a kernel's source. Rows are folded as in
`staged`, by `group` threads that share a row. Here they share several rows, which lie side by side
along one or two kept axes, and what does not move along such an axis is loaded and computed once
for all of them: of ``sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1)`` a thread reads four rows
of `a` and four of `b` for sixteen results.

Each result is folded in the order in which `staged` folds it. No value changes by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from gpuarray.graph.program import operands
from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.reduction_writer import NAME, Reduce, accumulator, unravelled
from gpuarray_cuda.codegen.staged import RowShape, StagedWriter
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    c_result,
    complete_source,
    scalar_positions,
    signature,
)
from gpuarray_cuda.codegen.walks import Numbered

__all__ = ["BlockShape", "blocked", "dependences"]

# The widest load or store.
_VECTOR_BYTES = 16
# Loop variables over the results of a thread, along the first and the second of its axes.
_NAMES = ("x", "y")


class BlockShape(NamedTuple):
    """How threads divide blocks of results; everything else is an argument of the kernel.

    Attributes
    ----------
    row
        How a row is folded.
    axes
        The kept axes along which a thread has several results: one or two, in order.
    counts
        How many it has along each.
    groups
        How many groups of threads lie along each in a block.
    whole
        Whether the threads of a group have no more points than a row has.
    even
        Whether the last of the axes is a multiple of a thread's results.
    """

    row: RowShape
    axes: tuple[int, ...]
    counts: tuple[int, ...]
    groups: tuple[int, ...]
    whole: bool
    even: bool

    @property
    def block(self) -> int:
        """Threads of a block."""
        return self.row.block

    def blocks(self, shape: tuple[int, ...], kept: int) -> int:
        """Blocks of the grid, for these extents of the loop."""
        outer = math.prod(n for k, n in enumerate(shape[:kept]) if k not in self.axes)
        sizes = zip(self.axes, self.counts, self.groups, strict=True)
        return outer * math.prod(-(-shape[k] // (count * groups)) for k, count, groups in sizes)


def blocked(
    program: Program, operations: Mapping[str, Operation], shape: BlockShape, resident: int = 0
) -> Reduce:
    """The kernel of a program with reductions; `resident` is as in `signature`."""
    return _Writer(program, operations, shape, resident).kernel()


def dependences(program: Program) -> list[frozenset[int]]:
    """For each value of the first body, the loop axes on which it depends."""
    found: list[frozenset[int]] = []
    for instruction in program.body:
        axes: set[int] = set()
        if instruction[0] == "load":
            axes.update(a for a, _ in program.accesses[instruction[2]].terms.axes)
        elif instruction[0] == "affine":
            axes.update(a for a, _ in instruction[2].axes)
        for v in operands(instruction, program.accesses):
            axes |= found[v]
        found.append(frozenset(axes))
    return found


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
        self.names = dict(zip(shape.axes, _NAMES, strict=False))
        self.counts = dict(zip(shape.axes, shape.counts, strict=True))
        self.results = math.prod(shape.counts)
        self.last = shape.axes[-1]
        depends = dependences(program)
        # For each value, those of the block's axes along which it varies.
        self.along = [tuple(a for a in shape.axes if a in found) for found in depends]
        (self.walk,) = self.walks
        self.across = {
            i[2] for v, i in self.walk.body if i[0] == "load" and self._is_across(i[2], v)
        }

    def _is_across(self, number: int, value: int) -> bool:
        """Whether a load takes a vector along the last of the block's axes."""
        if number in self.guarded or self.along[value] != (self.last,):
            return False
        return not self._is_vector(number) and self._is_wide(number)

    def _is_wide(self, number: int) -> bool:
        access, count = self.program.accesses[number], self.counts[self.last]
        nbytes = count * access.dtype.itemsize
        return (
            self.tile.even
            and not access.terms.values
            and (self.last, -1) in access.terms.axes
            and count > 1
            and nbytes <= _VECTOR_BYTES
            and access.alignment >= nbytes
        )

    def kernel(self) -> Reduce:
        shape, walk = self.shape, self.walk
        folds = [(fold.struct, fold.kind, fold.itemsize) for fold in walk.folds]
        lines = [
            *accumulator("Accumulator", folds),
            signature(NAME, shape.block, self.resident),
            self.arguments.unpacked(),
            "  const int length = elements;",
            f"  const int t = threadIdx.x % {shape.group};",
            *self._place(),
            *self._before(),
            f"  Accumulator acc[{self.results}][{self.lanes}];",
            "#pragma unroll",
            f"  for (int b = 0; b < {self.batches}; ++b) {{",
            *self._places(f"b * {self.together} + q", self.together, "    "),
            *self._points(),
            "  }",
            *(self._finish_group() if shape.group <= 32 else self._finish_block()),
            "}",
        ]
        source = complete_source(self.arguments, "\n".join(lines))
        return Reduce(source, self.arguments.format, 1, scalar_positions(self.program))

    # Where a thread's results lie

    def _place(self) -> list[str]:
        """`i<k>` of the kept axes, an array along each of the block's, clamped to the extent."""
        shape, tile = self.shape, self.tile
        index, unsigned = self.index, self.unsigned
        lines = [f"  {unsigned} place = blockIdx.x;"]
        groups = shape.block // shape.group
        beside = 1 << ((min(groups, 32 // min(shape.group, 32)).bit_length()) // 2)
        # Groups of a warp lie in a square, as nearly as can be, and so do the warps of a block.
        lines.append(f"  const int n = threadIdx.x / {shape.group};")
        if len(tile.axes) == 1:
            lines.append("  const int gx = n;")
        else:
            down, side = tile.groups
            beside = min(beside, side)
            rows = min(max(min(groups, 32 // min(shape.group, 32)) // beside, 1), down)
            warp, across = rows * beside, side // beside
            lines += [
                f"  const int gy = n % {beside} + n / {warp} % {across} * {beside};",
                f"  const int gx = n / {beside} % {rows} + n / {warp * across} * {rows};",
            ]
        for axis in reversed(tile.axes):
            name, count = self.names[axis], self.counts[axis]
            side = tile.groups[tile.axes.index(axis)]
            span = count * side
            lines += [
                f"  const {unsigned} tiles{name} = ((i64)e{axis} + {span - 1}) / {span};",
                f"  const {index} first{name} = "
                f"({index})(place % tiles{name}) * {span} + g{name} * {count};",
                f"  place /= tiles{name};",
            ]
        others = [k for k in range(self.program.kept) if k not in tile.axes]
        for k in reversed(others):
            lines += [
                f"  const {index} i{k} = ({index})(place % ({unsigned})e{k});",
                f"  place /= ({unsigned})e{k};",
            ]
        for axis in tile.axes:
            name, count = self.names[axis], self.counts[axis]
            lines += [f"  {index} i{axis}[{count}];", "#pragma unroll"]
            loop = f"  for (int {name} = 0; {name} < {count}; ++{name})"
            if self._is_even(axis):
                lines.append(
                    f"{loop} i{axis}[{name}] = (first{name} < e{axis} ? first{name} : 0) + {name};"
                )
            else:
                lines.append(
                    f"{loop} i{axis}[{name}] = "
                    f"first{name} + {name} < e{axis} ? first{name} + {name} : e{axis} - 1;"
                )
        return lines

    def _is_even(self, axis: int) -> bool:
        return axis == self.last and self.tile.even

    def _row_axes(self) -> dict[int, str]:
        return {
            k: f"i{k}[{self.names[k]}]" if k in self.names else f"i{k}"
            for k in range(self.program.kept)
        }

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

    def _loops(self, axes: tuple[int, ...], indent: str) -> list[str]:
        lines = []
        for depth, axis in enumerate(axes):
            name = self.names[axis]
            inner = indent + "  " * depth
            lines += [
                "#pragma unroll",
                f"{inner}for (int {name} = 0; {name} < {self.counts[axis]}; ++{name}) {{",
            ]
        return lines

    def _ends(self, axes: tuple[int, ...], indent: str) -> list[str]:
        return [f"{indent}{'  ' * depth}}}" for depth in reversed(range(len(axes)))]

    def _before(self) -> list[str]:
        """What is the same all along a row, once for each of the block's axes that it varies on."""

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines = []
        for v, instruction in self.before:
            axes, c = self.along[v], c_result(instruction)
            text = self.values.expression(instruction, self._row_axes(), load)
            if not axes:
                lines.append(f"  const {c} v{v} = {text};")
                continue
            sizes = "".join(f"[{self.counts[a]}]" for a in axes)
            subscript = "".join(f"[{self.names[a]}]" for a in axes)
            self.values.subscripts[v] = subscript
            inner = "  " * (len(axes) + 1)
            lines += [
                f"  {c} v{v}{sizes};",
                *self._loops(axes, "  "),
                f"{inner}v{v}{subscript} = {text};",
                *self._ends(axes, "  "),
            ]
        return lines

    def _points(self) -> list[str]:
        """The values of a batch: those shared by all results, by rows of them, by columns; others.

        What varies along the last axis alone is made first, for all results along it.
        """
        axes, indent = self.tile.axes, "    "
        parts: dict[tuple[int, ...], Numbered] = {}
        for v, instruction in self.walk.body:
            parts.setdefault(self.along[v], []).append((v, instruction))
        lines = self._part(parts.get((), []), indent)
        if len(axes) == 2 and (self.last,) in parts:
            part = parts[(self.last,)]
            lines += [
                f"{indent}{c_result(i)} v{v}[{self.counts[self.last]}][{self.lanes}];"
                for v, i in part
            ]
            lines += self._vectors_across(part, indent)
            lines += self._loops((self.last,), indent)
            lines += self._part(part, indent + "  ", "[y]")
            lines += self._ends((self.last,), indent)
        elif len(axes) == 1:
            lines += self._vectors_across(parts.get(axes, []), indent)
        lines += self._loops(axes[:1], indent)
        lines += self._part(parts.get(axes[:1], []), indent + "  ")
        if len(axes) == 2:
            lines += self._loops(axes[1:], indent + "  ")
            lines += self._part(parts.get(axes, []), indent + "    ")
        inner = indent + "  " * len(axes)
        given = ", ".join(self._named(text) for fold in self.walk.folds for text in fold.operands)
        counted = "" if self.tile.whole else f"if (in[lane / {self.shape.width}]) "
        lines += [
            "#pragma unroll",
            f"{inner}for (int lane = 0; lane < {self.lanes}; ++lane)",
            f"{inner}  {counted}acc[{self._result()}][lane].add({given});",
        ]
        return lines + self._ends(axes, indent)

    def _result(self) -> str:
        return "x" if len(self.tile.axes) == 1 else f"x * {self.tile.counts[1]} + y"

    def _part(self, part: Numbered, indent: str, subscript: str = "") -> list[str]:
        if not part:
            return []
        width, name = self.shape.width, self.names[self.last]
        vectors = self._vectors(part) - self.across

        def load(k: int, address: str) -> str:
            if k in self.across:
                return f"l{k}[lane].v[{name}]"
            if k in vectors:
                return f"l{k}[lane / {width}].v[lane % {width}]"
            return f"p{k}[{address}]"

        return [
            *self._late_loads(vectors, indent),
            *self.values.lane_statements(
                part, self._axes("lane"), load, self.lanes, indent, True, subscript
            ),
        ]

    def _vectors_across(self, part: Numbered, indent: str) -> list[str]:
        """Loads of vectors along the last of the block's axes."""
        lines = []
        count = self.counts[self.last]
        axes = self._axes("lane") | {self.last: f"i{self.last}[0]"}
        for k in sorted({i[2] for _, i in part if i[0] == "load"} & self.across):
            kind = f"vec_t<{C_NAMES[self.program.accesses[k].dtype]}, {count}>"
            address = self.values.address(k, axes)
            lines += [
                f"{indent}{kind} l{k}[{self.lanes}];",
                "#pragma unroll",
                f"{indent}for (int lane = 0; lane < {self.lanes}; ++lane) "
                f"l{k}[lane] = *reinterpret_cast<const {kind}*>(p{k} + ({address}));",
            ]
        return lines

    # Results

    def _merged_lanes(self, acc: str, indent: str) -> list[str]:
        if self.lanes == 1:
            return []
        return [
            "#pragma unroll",
            f"{indent}for (int lane = 1; lane < {self.lanes}; ++lane) {acc}[0].merge({acc}[lane]);",
        ]

    def _epilogue(self, result: str, axes: dict[int, str], indent: str) -> list[str]:
        """The values that follow the folds of one result."""

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines = []
        for k, fold in enumerate(self.walk.folds):
            text = fold.declaration.format(result=f"{result}.r{k}.result()")
            lines.append(f"{indent}{text}")
        for v, instruction in self.walk.epilogue:
            lines += self.values.statements((instruction,), v, axes, load, indent)
        return lines

    def _finish_group(self) -> list[str]:
        """Merge, follow up and store, where a group is a warp or less."""
        outer, (last,) = self.tile.axes[:-1], self.tile.axes[-1:]
        name, count = self.names[last], self.counts[last]
        indent = "  " + "  " * len(outer)
        acc, axes = f"acc[{self._result()}]", self._row_axes()
        lines = self._loops(outer, "  ")
        for store in self.row_stores:
            c = C_NAMES[self.program.accesses[store.access].dtype]
            lines.append(f"{indent}{c} w{store.access}[{count}];")
        lines += [
            *self._loops((last,), indent),
            *self._merged_lanes(acc, indent + "  "),
            *self._merge_lanes(f"{acc}[0]", self.shape.group),
            *self._epilogue(f"{acc}[0]", axes, indent + "  "),
            *(f"{indent}  w{s.access}[{name}] = v{s.value};" for s in self.row_stores),
            *self._ends((last,), indent),
        ]
        exists = "".join(f" && first{self.names[a]} + {self.names[a]} < e{a}" for a in outer)
        lines.append(f"{indent}if (t == 0{exists}) {{")
        wide = [s for s in self.row_stores if self._is_wide(s.access)]
        for store in wide:
            k = store.access
            kind = f"vec_t<{C_NAMES[self.program.accesses[k].dtype]}, {count}>"
            address = self.values.address(k, axes | {last: f"i{last}[0]"})
            lines += [
                f"{indent}  if (first{name} < e{last}) {{",
                f"{indent}    {kind} together;",
                "#pragma unroll",
                f"{indent}    for (int k = 0; k < {count}; ++k) together.v[k] = w{k}[k];",
                f"{indent}    *reinterpret_cast<{kind}*>(p{k} + ({address})) = together;",
                f"{indent}  }}",
            ]
        single = [s for s in self.row_stores if s not in wide]
        if single:
            lines += self._loops((last,), indent + "  ")
            lines.append(f"{indent}    if (first{name} + {name} < e{last}) {{")
            for store in single:
                k = store.access
                address = self.values.address(k, axes)
                lines.append(f"{indent}      p{k}[{address}] = w{k}[{name}];")
            lines += [f"{indent}    }}", *self._ends((last,), indent + "  ")]
        return [*lines, f"{indent}}}", *self._ends(outer, "  ")]

    def _finish_block(self) -> list[str]:
        """The same where a group is a block: each of its warps merges some of the results."""
        tile, warps = self.tile, self.shape.group // 32
        places = {
            tile.axes[0]: "(firstx + x)",
            **({tile.axes[1]: "(firsty + y)"} if len(tile.axes) == 2 else {}),
        }
        columns = tile.counts[1] if len(tile.axes) == 2 else 1
        exists = " && ".join(f"{places[a]} < e{a}" for a in tile.axes)
        axes = self._row_axes() | places
        lines = [
            f"  __shared__ __align__(16) u8 room[{self.results * warps} * sizeof(Accumulator)];",
            "  Accumulator* const shared = reinterpret_cast<Accumulator*>(room);",
            "#pragma unroll",
            f"  for (int k = 0; k < {self.results}; ++k) {{",
            *self._merged_lanes("acc[k]", "    "),
            *self._merge_lanes("acc[k][0]", 32),
            f"    if (threadIdx.x % 32 == 0) shared[k * {warps} + threadIdx.x / 32] = acc[k][0];",
            "  }",
            "  __syncthreads();",
            f"  for (int k = threadIdx.x / 32; k < {self.results}; k += {warps}) {{",
            f"    Accumulator total = shared[k * {warps} + threadIdx.x % {warps}];",
            *self._merge_lanes("total", warps),
            f"    const int x = k / {columns};",
            *([f"    const int y = k % {columns};"] if len(tile.axes) == 2 else []),
            f"    if (threadIdx.x % 32 == 0 && {exists}) {{",
            *self._epilogue("total", axes, "      "),
        ]
        for store in self.row_stores:
            address = self.values.address(store.access, axes)
            lines.append(f"      p{store.access}[{address}] = v{store.value};")
        return [*lines, "    }", "  }"]
