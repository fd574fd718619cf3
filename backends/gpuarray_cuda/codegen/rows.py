"""Reductions over rows: the innermost reduced axis is contiguous.

`group` threads share a result and walk along its row, `width` elements at a time; then they merge,
by warp shuffles up to a warp and through shared memory beyond. Where operands are broadcast along
a kept axis, they share several rows along it, and load what these have in common once.
"""

from __future__ import annotations

from gpuarray_cuda.codegen.reduction_writer import BLOCK, ReductionWriter

__all__ = ["RowsWriter"]


class RowsWriter(ReductionWriter):
    """The layout "rows" of `reduction`."""

    @property
    def vector_axis(self) -> int:
        return self.rank - 1

    @property
    def results(self) -> int:
        return BLOCK // self.shape.group

    def body(self) -> list[str]:
        shape, width, unroll = self.shape, self.shape.width, self.unroll
        lines = [
            f"  const int lane_in_group = threadIdx.x % {shape.group};",
            *self.place("row", f"threadIdx.x / {shape.group}", BLOCK // shape.group),
            f"  Accumulator acc[{shape.several}][{width}];",
            "  if (row < results) {",
            "    const i64 begin = split * part;",
            "    const i64 end = begin + part < elements ? begin + part : elements;",
            f"    i64 r = begin + lane_in_group * {width};",
        ]
        step = shape.group * width
        if unroll > 1:
            lines += [
                f"    for (; r + {(unroll - 1) * step + width} <= end; r += {unroll * step}) {{",
                *self.declare_loads(f"[{unroll}]", "      "),
            ]
            if self.vector:
                lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
                lines += self.reduced_axes(f"r + u * {step}", "        ")
                lines += self.early_loads(self._row_axes("0"), "[u]", "        ")
                lines.append("      }")
            lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
            lines += self.reduced_axes(f"r + u * {step}", "        ")
            lines += self._row_points("[u]", "        ")
            lines += ["      }", "    }"]
        lines += [
            f"    for (; r + {width} <= end; r += {step}) {{",
            *self.declare_loads("", "      "),
            *self.reduced_axes("r", "      "),
            *self.early_loads(self._row_axes("0"), "", "      "),
            *self._row_points("", "      "),
            "    }",
        ]
        if width > 1:
            # What is left of the last vector, one element a thread.
            lines += [
                f"    r = end - end % {width} + lane_in_group;",
                f"    for (; r < end; r += {shape.group}) {{",
                *self.reduced_axes("r", "      "),
                self.each_result("      ") + " {",
                *self.add("acc[x][0]", self._row_axes("0"), None, "        "),
                "      }",
                "    }",
            ]
        lines += [
            "  }",
            self.each_result("  "),
            "#pragma unroll",
            f"  for (int lane = 1; lane < {width}; ++lane) acc[x][0].merge(acc[x][lane]);",
        ]
        lines += self._merge_group()
        if shape.split:
            lines += [
                "  if (parts > 1) {",
                "    Accumulator* const of_block = "
                f"(Accumulator*)partials + block * parts * {shape.several};",
                "    if (threadIdx.x == 0) {",
                self.each_result("      "),
                f"      of_block[split * {shape.several} + x] = acc[x][0];",
                "    }",
                *self.last_block("block"),
                self.each_result("    ") + " {",
                "      acc[x][0] = Accumulator();",
                f"      for (i64 k = threadIdx.x; k < parts; k += {BLOCK})",
                f"        acc[x][0].merge(of_block[k * {shape.several} + x]);",
                "    }",
                "    __syncthreads();",
                *self._merge_group("    "),
                "  }",
            ]
        return [
            *lines,
            self.each_result("  "),
            f"  if (lane_in_group == 0 && row < results{self.exists()}) {{",
            *self.finish("acc[x][0]", self.kept_axes(), "    "),
            "  }",
        ]

    def _row_axes(self, lane: str) -> dict[int, str]:
        kept = self.program.kept
        axes = self.kept_axes() | {k: f"j{k}" for k in range(kept, self.rank)}
        if lane != "0" and self.rank > kept and self.shape.width > 1:
            axes[self.rank - 1] = f"(j{self.rank - 1} + {lane})"
        return axes

    def _row_points(self, slot: str, indent: str) -> list[str]:
        return self.points(self._row_axes("0"), self._row_axes("lane"), slot, indent)

    def _merge_group(self, indent: str = "  ") -> list[str]:
        """Merge the accumulators of the threads that share a row; the first one has the result."""
        group = self.shape.group
        lines = []
        lanes = min(group, 32)
        if lanes > 1:
            lines += [
                self.each_result(indent),
                "#pragma unroll",
                f"{indent}for (int d = {lanes // 2}; d > 0; d /= 2) "
                "acc[x][0].merge(ga_state_below(acc[x][0], d));",
            ]
        if group > 32:
            warps = BLOCK // 32
            states = warps * self.shape.several
            lines += [
                f"{indent}{{",
                f"{indent}  __shared__ __align__(16) u8 room[{states} * sizeof(Accumulator)];",
                f"{indent}  Accumulator* const shared = reinterpret_cast<Accumulator*>(room);",
                f"{indent}  if (threadIdx.x % 32 == 0) {{",
                self.each_result(f"{indent}    "),
                f"{indent}    shared[x * {warps} + threadIdx.x / 32] = acc[x][0];",
                f"{indent}  }}",
                f"{indent}  __syncthreads();",
                f"{indent}  if (threadIdx.x < 32) {{",
                f"{self.each_result(indent + '    ')} {{",
                f"{indent}      acc[x][0] = Accumulator();",
                f"{indent}      if (threadIdx.x < {warps}) "
                f"acc[x][0] = shared[x * {warps} + threadIdx.x];",
                "#pragma unroll",
                f"{indent}      for (int d = {warps // 2}; d > 0; d /= 2) "
                "acc[x][0].merge(ga_state_below(acc[x][0], d));",
                f"{indent}    }}",
                f"{indent}  }}",
                f"{indent}}}",
            ]
        return lines
