"""Reductions over rows: the innermost reduced axis is contiguous.

`group` threads share a result and walk along its row, `width` elements at a time; then they merge,
by warp shuffles up to a warp and through shared memory beyond.
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
        per_block = BLOCK // shape.group
        kept = self.program.kept
        lines = [
            "  const i64 tile = (i64)blockIdx.x / parts, split = (i64)blockIdx.x % parts;",
            f"  const int lane_in_group = threadIdx.x % {shape.group};",
            f"  const i64 row = tile * {per_block} + threadIdx.x / {shape.group};",
            *self.unravel("row < results ? row : 0", 0, kept, "i", "  "),
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
                *self.declare_loads(f"[{unroll}]", "      "),
            ]
            if self.vector:
                lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
                lines += self.reduced_axes(f"r + u * {step}", "        ")
                lines += self.early_loads(self._row_axes("0"), "[u]", "        ")
                lines.append("      }")
            lines += ["#pragma unroll", f"      for (int u = 0; u < {unroll}; ++u) {{"]
            lines += self._row_points(f"r + u * {step}", "[u]", "        ")
            lines += ["      }", "    }"]
        lines += [
            f"    for (; r + {width} <= end; r += {step}) {{",
            *self.declare_loads("", "      "),
            *self.reduced_axes("r", "      "),
            *self.early_loads(self._row_axes("0"), "", "      "),
            *self._row_points("r", "", "      ", declared=True),
            "    }",
        ]
        if width > 1:
            # What is left of the last vector, one element a thread.
            lines += [
                f"    r = end - end % {width} + lane_in_group;",
                f"    for (; r < end; r += {shape.group}) {{",
                *self.reduced_axes("r", "      "),
                *self.add("acc[0]", self._row_axes("0"), None, "      "),
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
                *self.last_block("tile"),
                "    acc[0] = Accumulator();",
                f"    for (i64 k = threadIdx.x; k < parts; k += {BLOCK}) acc[0].merge(of_tile[k]);",
                "    __syncthreads();",
                *self._merge_group("    "),
                "  }",
            ]
        axes = {k: f"i{k}" for k in range(kept)}
        lines += [
            "  if (lane_in_group == 0 && row < results) {",
            *self.finish("acc[0]", axes, "    "),
            "  }",
        ]
        return lines

    def _row_axes(self, lane: str) -> dict[int, str]:
        kept = self.program.kept
        axes = {k: f"i{k}" for k in range(kept)}
        axes |= {k: f"j{k}" for k in range(kept, self.rank)}
        if lane != "0" and self.rank > kept:
            axes[self.rank - 1] = f"(j{self.rank - 1} + {lane})"
        return axes

    def _row_points(self, linear: str, slot: str, indent: str, declared: bool = False) -> list[str]:
        lines = [] if declared else self.reduced_axes(linear, indent)
        if self.shape.width == 1:
            return lines + self.add("acc[0]", self._row_axes("0"), None, indent)
        return [
            *lines,
            "#pragma unroll",
            f"{indent}for (int lane = 0; lane < {self.shape.width}; ++lane) {{",
            *self.add("acc[lane]", self._row_axes("lane"), slot, indent + "  "),
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
