"""Reductions over columns: the innermost kept axis is contiguous.

`group` threads stand side by side, each with `width` results; the threads below each other take
other elements of the same results, and merge through shared memory. Where operands are broadcast
along another kept axis, a thread has several results along that one, too, for each of its `width`:
``sum(a[:, :, None] * b[:, None, :], axis=0)``. They are folded in the same order as one alone.
"""

from __future__ import annotations

from gpuarray_cuda.codegen.reduction_writer import BLOCK, ReductionWriter

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
        shape, width, unroll = self.shape, self.shape.width, self.unroll
        deep = BLOCK // shape.group
        span = shape.group * width
        states = span * shape.several
        lines = [
            f"  const int across = threadIdx.x % {shape.group};",
            f"  const int down = threadIdx.x / {shape.group};",
            *self.place("column", f"across * {width}", span),
            f"  Accumulator acc[{shape.several}][{width}];",
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
            state = f"(x * {width} + lane) * {shape.group} + across"
            lines += [
                "  if (parts > 1) {",
                "    Accumulator* const of_block = "
                f"(Accumulator*)partials + block * parts * {states};",
                "    if (down == 0) {",
                self.each_result("      "),
                self.each_lane("      "),
                f"        of_block[split * {states} + {state}] = acc[x][lane];",
                "    }",
                *self.last_block("block"),
                self.each_result("    "),
                f"{self.each_lane('    ')} {{",
                "      acc[x][lane] = Accumulator();",
                f"      for (i64 k = down; k < parts; k += {deep})",
                f"        acc[x][lane].merge(of_block[k * {states} + {state}]);",
                "    }",
                *self._merge_columns("    "),
                "  }",
            ]
        return [
            *lines,
            self.each_result("  "),
            f"  if (down == 0 && column < results{self.exists()}) {{",
            f"{self.each_lane('    ')} {{",
            *self.finish("acc[x][lane]", self._column_axes("lane"), "      "),
            "    }",
            "  }",
        ]

    def _column_axes(self, lane: str) -> dict[int, str]:
        kept = self.program.kept
        axes = self.kept_axes()
        if lane != "0":
            axes[kept - 1] = f"(i{kept - 1} + {lane})"
        return axes | {k: f"j{k}" for k in range(kept, self.rank)}

    def _column_points(self, slot: str, indent: str) -> list[str]:
        return self.points(self._column_axes("0"), self._column_axes("lane"), slot, indent)

    def _merge_columns(self, indent: str) -> list[str]:
        """Merge the accumulators of the threads below each other; the topmost has the result."""
        group = self.shape.group
        deep = BLOCK // group
        if deep == 1:
            return []
        return [
            self.each_result(indent),
            f"{self.each_lane(indent)} {{",
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
