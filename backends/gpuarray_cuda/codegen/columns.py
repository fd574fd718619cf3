"""Reductions over columns: the innermost kept axis is contiguous.

`group` threads stand side by side, each with `width` results; the threads below each other take
other elements of the same results, and merge through shared memory. Where operands are broadcast
along another kept axis, a thread has several results along that one, too, for each of its `width`:
``sum(a[:, :, None] * b[:, None, :], axis=0)``. They are folded in the same order as one alone.
"""

from __future__ import annotations

from gpuarray_cuda.codegen.reduction_writer import BLOCK, ReductionWriter, unravelled

__all__ = ["ColumnsWriter"]


class ColumnsWriter(ReductionWriter):
    """The layout "columns" of `reduction`."""

    @property
    def vector_axis(self) -> int:
        return self.program.kept - 1

    @property
    def results(self) -> int:
        return self.shape.group * self.shape.width

    def body(self) -> list[str]:
        shape, width, unroll, count = self.shape, self.shape.width, self.unroll, self.shape.several
        deep = BLOCK // shape.group
        span = shape.group * width
        lines = [
            "  const i64 block = (i64)blockIdx.x / parts, split = (i64)blockIdx.x % parts;",
            f"  const int across = threadIdx.x % {shape.group};",
            f"  const int down = threadIdx.x / {shape.group};",
            *self._place(span),
            f"  Accumulator acc[{count}][{width}];",
            "  if (column < results) {",
            "    const i64 begin = split * part;",
            "    const i64 end = begin + part < elements ? begin + part : elements;",
            "    i64 r = begin + down;",
        ]
        if unroll > 1:
            lines += [
                f"    for (; r + {(unroll - 1) * deep} < end; r += {unroll * deep}) {{",
                *self.declare_loads(f"[{unroll}]", "      "),
            ]
            if self.vector:
                lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
                lines += self.reduced_axes(f"r + u * {deep}", "        ")
                lines += self.early_loads(self._column_axes("0"), "[u]", "        ")
                lines += ["      }"]
            if self.batched:
                lines += self._results("      ", " {")
                axes = self._column_axes("lane")
                lines += self.add_all("acc[x][lane]", axes, f"r + u * {deep}", "        ")
            else:
                lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
                lines += self.reduced_axes(f"r + u * {deep}", "        ")
                lines += self._column_points("[u]", "        ")
            lines += ["      }", "    }"]
        lines += [
            f"    for (; r < end; r += {deep}) {{",
            *self.declare_loads("", "      "),
            *self.reduced_axes("r", "      "),
            *self.early_loads(self._column_axes("0"), "", "      "),
            *self._column_points("", "      "),
            "    }",
            "  }",
            f"  __shared__ __align__(16) u8 room[{BLOCK} * sizeof(Accumulator)];",
            "  Accumulator* const shared = reinterpret_cast<Accumulator*>(room);",
            *self._merge_columns("  "),
        ]
        if shape.split:
            place = f"(x * {width} + lane) * {shape.group} + across"
            lines += [
                "  if (parts > 1) {",
                f"    Accumulator* const of_tile = "
                f"(Accumulator*)partials + block * parts * {count * span};",
                "    if (down == 0) {",
                *self._results("      "),
                f"        of_tile[split * {count * span} + {place}] = acc[x][lane];",
                "    }",
                *self.last_block("block"),
                *self._results("    ", " {"),
                "      acc[x][lane] = Accumulator();",
                f"      for (i64 k = down; k < parts; k += {deep})",
                f"        acc[x][lane].merge(of_tile[k * {count * span} + {place}]);",
                "    }",
                *self._merge_columns("    "),
                "  }",
            ]
        return [
            *lines,
            "  if (down == 0 && column < results) {",
            *self._results("    ", " {"),
            *self.finish("acc[x][lane]", self._kept_axes("lane"), "      "),
            "    }",
            "  }",
        ]

    def _place(self, span: int) -> list[str]:
        """The column of a thread's first result, and `i<k>` of the kept axes.

        Past the end of the other axis a thread has its last result again.
        """
        shape, width = self.shape, self.shape.width
        axes = [k for k in range(self.program.kept) if k != shape.beside]
        lines = ["  const i64 tile = block;"]
        if shape.several > 1:
            a = shape.beside
            lines = [
                f"  const i64 tiles = (e{a} + (i64){shape.several - 1}) / {shape.several};",
                f"  const {self.index} first = ({self.index})(block % tiles) * {shape.several};",
                f"  {self.index} i{a}[{shape.several}];",
                "#pragma unroll",
                f"  for (int x = 0; x < {shape.several}; ++x)",
                f"    i{a}[x] = first + x < e{a} ? first + x : e{a} - 1;",
                "  const i64 tile = block / tiles;",
            ]
        lines.append(f"  const i64 column = tile * {span} + across * {width};")
        types = (self.index, self.unsigned)
        return lines + unravelled("column < results ? column : 0", axes, "i", "  ", types)

    def _results(self, indent: str, end: str = "") -> list[str]:
        """The heads of loops over a thread's results."""
        return [
            "#pragma unroll",
            f"{indent}for (int x = 0; x < {self.shape.several}; ++x)",
            "#pragma unroll",
            f"{indent}for (int lane = 0; lane < {self.shape.width}; ++lane){end}",
        ]

    def _is_vector(self, number: int) -> bool:
        beside = {axis for axis, _ in self.program.accesses[number].terms.axes}
        return super()._is_vector(number) and self.shape.beside not in beside

    def _kept_axes(self, lane: str) -> dict[int, str]:
        kept = self.program.kept
        axes = {k: f"i{k}[x]" if k == self.shape.beside else f"i{k}" for k in range(kept)}
        if lane != "0":
            axes[kept - 1] = f"(i{kept - 1} + {lane})"
        return axes

    def _column_axes(self, lane: str) -> dict[int, str]:
        return self._kept_axes(lane) | {k: f"j{k}" for k in range(self.program.kept, self.rank)}

    def _column_points(self, slot: str, indent: str) -> list[str]:
        return [
            *self._results(indent, " {"),
            *self.add("acc[x][lane]", self._column_axes("lane"), slot, indent + "  "),
            f"{indent}}}",
        ]

    def _merge_columns(self, indent: str) -> list[str]:
        """Merge the accumulators of the threads below each other; the topmost has the result."""
        group = self.shape.group
        deep = BLOCK // group
        if deep == 1:
            return []
        return [
            *self._results(indent, " {"),
            f"{indent}  __syncthreads();",
            f"{indent}  shared[threadIdx.x] = acc[x][lane];",
            f"{indent}  for (int d = {deep // 2}; d > 0; d /= 2) {{",
            f"{indent}    __syncthreads();",
            f"{indent}    if (down < d) {{",
            f"{indent}      acc[x][lane].merge(shared[threadIdx.x + d * {group}]);",
            f"{indent}      shared[threadIdx.x] = acc[x][lane];",
            f"{indent}    }}",
            f"{indent}  }}",
            f"{indent}}}",
        ]
