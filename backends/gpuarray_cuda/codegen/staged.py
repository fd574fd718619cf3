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

from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.reduction_writer import (
    NAME,
    Reduce,
    accumulator,
    unravelled,
)
from gpuarray_cuda.codegen.row_points import SHARED_GRAIN, RowPoints, RowShape
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    complete_source,
    scalar_positions,
    signature,
)
from gpuarray_cuda.codegen.walks import Numbered, Walk

__all__ = ["StagedWriter", "staged"]

_VALUE = re.compile(r"\{(\d+)\}")
# Reductions that give an index.
_CHOOSING = frozenset({"argmax", "argmin"})


def staged(
    program: Program, operations: Mapping[str, Operation], shape: RowShape, resident: int = 0
) -> Reduce:
    """The kernel of a program with reductions; `resident` is as in `signature`."""
    return StagedWriter(program, operations, shape, resident).kernel()


class StagedWriter(RowPoints):
    """Writes the kernel of one program."""

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
