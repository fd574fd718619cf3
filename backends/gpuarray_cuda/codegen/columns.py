"""Reductions over columns: the innermost kept axis is contiguous.

`group` threads stand side by side, each with `width` results; the threads below each other take
other elements of the same results, and merge through shared memory.
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
        kept = self.program.kept
        span = shape.group * width
        lines = [
            "  const i64 tile = (i64)blockIdx.x / parts, split = (i64)blockIdx.x % parts;",
            f"  const int across = threadIdx.x % {shape.group};",
            f"  const int down = threadIdx.x / {shape.group};",
            f"  const i64 column = tile * {span} + across * {width};",
            *self.unravel("column < results ? column : 0", 0, kept, "i", "  "),
            f"  Accumulator acc[{width}];",
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
                lines += ["#pragma unroll", f"      for (int lane = 0; lane < {width}; ++lane) {{"]
                axes = self._column_axes("lane")
                lines += self.add_all("acc[lane]", axes, f"r + u * {deep}", "        ")
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
            lines += [
                "  if (parts > 1) {",
                f"    Accumulator* const of_tile = (Accumulator*)partials + tile * parts * {span};",
                "    if (down == 0) {",
                "#pragma unroll",
                f"      for (int lane = 0; lane < {width}; ++lane)",
                f"        of_tile[split * {span} + lane * {shape.group} + across] = acc[lane];",
                "    }",
                *self.last_block("tile"),
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
            *self.finish("acc[lane]", axes, "      "),
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
            *self.add("acc[lane]", self._column_axes("lane"), slot, indent + "  "),
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
