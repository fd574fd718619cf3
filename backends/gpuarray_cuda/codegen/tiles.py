"""Kernels over patches: each block computes a rectangle of two loop axes.

In: a program without reductions, and its `Patch`. Out: a kernel's source. Neighbouring threads
compute neighbouring points of a row, and each thread several rows. What lies along the other axis
passes through tiles in shared memory: there neighbouring threads move neighbouring points of a
column. Past the edges a thread computes the last row or column again, and does not store it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.elementwise import ATTEMPTS, BLOCK, NAME, Attempt, Elementwise
from gpuarray_cuda.codegen.interiors import simplified
from gpuarray_cuda.codegen.patches import (
    SUPER,
    Patch,
    index_cone,
    pitch,
    rows_of_thread,
    tile_roots,
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

__all__ = ["tiles"]

# Registers for what a thread loads before the block waits for its tiles.
_EARLY_REGISTERS = 48
# Bytes of a value of all rows that are computed together.
_TOGETHER_BYTES = 32
_INDICES = frozenset({"affine", "idiv", "imod", "roll", "wrap"})


def tiles(
    program: Program,
    operations: Mapping[str, Operation],
    chosen: Patch,
    attempt: Attempt = ATTEMPTS[0],
) -> Elementwise:
    """The kernel of a program whose blocks compute patches."""
    return _Writer(program, operations, chosen, attempt).kernel()


class _Writer:
    def __init__(
        self,
        program: Program,
        operations: Mapping[str, Operation],
        chosen: Patch,
        attempt: Attempt,
    ) -> None:
        self.program = program
        self.operations = operations
        self.patch = chosen
        self.resident = attempt.resident
        self.values = Values(program, operations)
        self.arguments = Arguments(program)
        self.inner = program.kept - 1
        self.rows = rows_of_thread(chosen)
        self.step = BLOCK // chosen.width
        stored = {store.access for store in program.stores}
        self.loaded = [k for k in chosen.tiles if k not in stored]
        self.drained = [k for k in chosen.tiles if k in stored]
        self.early = self._early() if attempt.unroll else []
        self.together = self._together(attempt.unroll)
        accesses = program.accesses
        conditional = sorted(guarded(program) - set(self.loaded))
        self.pointed = [k for k in conditional if not accesses[k].terms.values]

    def _early(self) -> list[int]:
        """The accesses that are read directly, and before the block waits."""
        if not self.loaded:
            return []
        loads = [i for i in self.program.body if i[0] == "load" and i[3] < 0]
        accesses = self.program.accesses
        found = dict.fromkeys(i[2] for i in loads if not accesses[i[2]].terms.values)
        direct = [k for k in found if k not in self.patch.tiles]
        words = sum(self._registers(k) for k in (*self.loaded, *direct))
        return direct if words <= _EARLY_REGISTERS else []

    def _registers(self, number: int) -> int:
        return -(-self.program.accesses[number].dtype.itemsize // 4) * self.rows

    def _together(self, wanted: bool) -> int:
        """How many rows of a thread are computed together; a power of two."""
        sizes = [i[1].itemsize for i in self.program.body if i[0] not in _INDICES]
        fitting = max(_TOGETHER_BYTES // max((4, *sizes)), 2) if wanted else 2
        return min(fitting, self.rows)

    def kernel(self) -> Elementwise:
        lines = [
            signature(NAME, BLOCK, self.resident),
            self.arguments.unpacked(),
            *self._shared(),
            *self._place(),
            *self._filled(),
            *(self._by_place() if self.patch.middle else self._computed()),
            *self._drained(),
            "}",
        ]
        source = complete_source(self.arguments, "\n".join(lines))
        return Elementwise(
            source, self.arguments.format, 1, self.rows, scalar_positions(self.program)
        )

    def _type(self, number: int) -> str:
        return C_NAMES[self.program.accesses[number].dtype]

    def _pitch(self, number: int) -> int:
        return pitch(self.patch.width, self.program.accesses[number].dtype.itemsize)

    def _shared(self) -> list[str]:
        side = self.patch.width
        return [
            f"  __shared__ {self._type(k)} t{k}[{side * self._pitch(k)}];" for k in self.patch.tiles
        ]

    def _place(self) -> list[str]:
        """Which patch, which outer indices, and which points of the patch are the thread's."""
        width, height, across = self.patch.width, self.patch.height, self.patch.across
        index = self.values.index
        lines = [
            f"  const u32 columns = (u32)((e{self.inner} + {width - 1}) / {width});",
            f"  const u32 rows = (u32)((e{across} + {height - 1}) / {height});",
            "  u32 rest = blockIdx.x, row, column;",
        ]
        plain = [
            "column = rest % columns;",
            "rest /= columns;",
            "row = rest % rows;",
            "rest /= rows;",
        ]
        if self.patch.tiles:
            lines += [
                "  if (rows == columns) {",
                f"    rest = ga_mirrored_patch<{SUPER}>(rest, rows, row, column);",
                "    if (row >= rows || column >= columns) return;",
                "  } else {",
                *(f"    {line}" for line in plain),
                "  }",
            ]
        else:
            lines += [f"  {line}" for line in plain]
        outer = [k for k in range(self.inner) if k != across]
        for k in reversed(outer[1:]):
            lines.append(f"  const {index} i{k} = ({index})(rest % (u32)e{k});")
            lines.append(f"  rest /= (u32)e{k};")
        if outer:
            lines.append(f"  const {index} i{outer[0]} = ({index})rest;")
        return [
            *lines,
            f"  const {index} r0 = ({index})row * {height}, c0 = ({index})column * {width};",
            f"  const int x = threadIdx.x % {width}, y = threadIdx.x / {width};",
            *self._indices("r", "c0", self.inner, "r0", across),
        ]

    def _indices(
        self, name: str, along: str, lane_axis: int, down: str, row_axis: int
    ) -> list[str]:
        """A thread's index along the axis of neighbouring threads, ``<name>x``, and down its rows.

        Those are ``<name>y``, one for each row.
        """
        index = self.values.index
        return [
            f"  const {index} {name}x = {_bounded(f'{along} + x', lane_axis)};",
            f"  {index} {name}y[{self.rows}];",
            "#pragma unroll",
            f"  for (int u = 0; u < {self.rows}; ++u) {{",
            f"    const {index} at = {down} + y + u * {self.step};",
            f"    {name}y[u] = {_bounded('at', row_axis)};",
            "  }",
        ]

    def _axes(self, name: str, lane_axis: int, row_axis: int, row: str) -> dict[int, str]:
        axes = {k: f"i{k}" for k in range(self.program.kept)}
        axes[lane_axis] = f"{name}x"
        axes[row_axis] = f"{name}y[{row}]"
        return axes

    def _by_column(self, row: str) -> dict[int, str]:
        """The loop indices where neighbouring threads are neighbours along the other axis."""
        return self._axes("c", self.patch.across, self.inner, row)

    def _filled(self) -> list[str]:
        """Tiles of what is read, and the loads that need not wait for them."""
        if not self.patch.tiles:
            return []
        lines = self._indices("c", "r0", self.patch.across, "c0", self.inner)
        loop = f"  for (int u = 0; u < {self.rows}; ++u)"
        lines += [f"  {self._type(k)} l{k}[{self.rows}];" for k in (*self.loaded, *self.early)]
        for k in self.loaded:
            lines += ["  {", *self._tile_loads(k), "  }"]
        for k in self.early:
            address = self.values.address(k, self._axes("r", self.inner, self.patch.across, "u"))
            lines += ["#pragma unroll", f"{loop} l{k}[u] = p{k}[{address}];"]
        for k in self.loaded:
            place = f"(y + u * {self.step}) * {self._pitch(k)} + x"
            lines += ["#pragma unroll", f"{loop} t{k}[{place}] = l{k}[u];"]
        return [*lines, "  __syncthreads();"] if self.loaded else lines

    def _tile_loads(self, number: int) -> list[str]:
        """The elements of a tile that a thread loads, each only where some load makes it."""
        loads = [i for i in self.program.body if i[0] == "load" and i[2] == number]
        guards = sorted({i[3] for i in loads})
        values, lines = self._at_columns(number)
        address = values.address(number, self._by_column("lane"))
        text = f"p{number}[{address}]"
        if guards[0] >= 0:
            condition = " || ".join(map(values.name, guards))
            text = f"{condition} ? {text} : {self._type(number)}{{}}"
        loop = f"    for (int lane = 0; lane < {self.rows}; ++lane)"
        return [*lines, "#pragma unroll", f"{loop} l{number}[lane] = {text};"]

    def _at_columns(self, number: int) -> tuple[Values, list[str]]:
        """The values that place an access, where neighbouring threads are neighbours in columns."""
        values = Values(self.program, self.operations)
        cone = index_cone(self.program, tile_roots(self.program, number))
        assert cone is not None
        numbered = [(v, self.program.body[v]) for v in cone]

        def load(access: int, address: str) -> str:
            raise AssertionError("an index of a tile is loaded")

        axes = self._by_column("lane")
        return values, values.lane_statements(numbered, axes, load, self.rows, "    ")

    def _by_place(self) -> list[str]:
        """One way for patches that no boundary of a region crosses, and one for the others."""
        body = self.program.body
        width, height, across = self.patch.width, self.patch.height, self.patch.across
        index = self.values.index
        lines = [
            f"  bool interior = c0 + {width} <= e{self.inner} && r0 + {height} <= e{across};",
        ]
        for value, truth in self.patch.middle:
            _, _, source, low, high = body[value]
            terms = body[source][2]
            first = [f"n{terms.constant}"] if terms.constant >= 0 else []
            last = list(first)
            lines.append("  {")
            for axis, factor in terms.axes:
                times = "" if factor < 0 else f" * n{factor}"
                if axis not in (self.inner, across):
                    first.append(f"i{axis}{times}")
                    last.append(f"i{axis}{times}")
                    continue
                start, more = ("c0", width) if axis == self.inner else ("r0", height)
                lines += [
                    f"    const {index} a{axis} = {start}{times};",
                    f"    const {index} b{axis} = ({start} + {more - 1}){times};",
                ]
                first.append(f"(a{axis} < b{axis} ? a{axis} : b{axis})")
                last.append(f"(a{axis} < b{axis} ? b{axis} : a{axis})")
            begin, end = " + ".join(first) or "0", " + ".join(last) or "0"
            lines.append(f"    const {index} least = {begin}, most = {end};")
            if truth:
                lines.append(f"    interior = interior && least >= n{low} && most < n{high};")
            else:
                lines.append(f"    interior = interior && (most < n{low} || least >= n{high});")
            lines.append("  }")
        # Values of both ways have the same numbers, and no more in common.
        general = self.values
        self.values = Values(self.program, self.operations)
        inner = self._interior()
        self.values = general
        return [*lines, "  if (interior) {", *inner, "  } else {", *self._edges(), "  }"]

    def _interior(self) -> list[str]:
        numbered, stored = simplified(self.program, self.patch.middle)
        count = self.together
        row = f"b * {count} + lane"
        axes = self._axes("r", self.inner, self.patch.across, row)

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines = [
            "#pragma unroll",
            f"  for (int b = 0; b < {self.rows // count}; ++b) {{",
            *self.values.lane_statements(numbered, axes, load, count, "  "),
            "#pragma unroll",
            f"  for (int lane = 0; lane < {count}; ++lane) {{",
        ]
        for store, value in zip(self.program.stores, stored, strict=True):
            address = self.values.address(store.access, axes)
            lines.append(f"    p{store.access}[{address}] = {self.values.name(value)};")
        return [*lines, "  }", "  }"]

    def _edges(self) -> list[str]:
        """The whole program, row by row, for the few patches that a boundary crosses.

        With all rows together it would take more registers than the interior, and so leave a
        multiprocessor fewer blocks (a sweep of Jacobi's method: 80 registers, 32 so).
        """
        index, across = self.values.index, self.patch.across
        axes = {k: f"i{k}" for k in range(self.program.kept)}
        axes[self.inner], axes[across] = "rx", "edge"

        def load(number: int, address: str) -> str:
            return f"*q{number}" if number in self.pointed else f"p{number}[{address}]"

        lines = [
            "#pragma unroll 1",
            f"  for (int u = 0; u < {self.rows}; ++u) {{",
            f"    const {index} at = r0 + y + u * {self.step};",
            f"    const {index} edge = {_bounded('at', across)};",
        ]
        # Where conditional loads are made, computed in any case: see `_pointers`.
        for k in self.pointed:
            address = self.values.address(k, axes)
            lines.append(f"    const {self._type(k)}* const q{k} = p{k} + ({address});")
        lines += [
            *self.values.statements(self.program.body, 0, axes, load, "    "),
            f"    if (c0 + x < e{self.inner} && at < e{across}) {{",
        ]
        for store in self.program.stores:
            address = self.values.address(store.access, axes)
            lines.append(f"      p{store.access}[{address}] = {self.values.name(store.value)};")
        return [*lines, "    }", "  }"]

    def _computed(self) -> list[str]:
        """The values of the body, some rows at a time, and the stores of each."""
        count = self.together
        row = f"b * {count} + lane"

        def load(number: int, address: str) -> str:
            if number in self.loaded:
                return f"t{number}[x * {self._pitch(number)} + y + ({row}) * {self.step}]"
            if number in self.pointed:
                return f"*q{number}[lane]"
            return f"l{number}[{row}]" if number in self.early else f"p{number}[{address}]"

        axes = self._axes("r", self.inner, self.patch.across, row)
        body = enumerate(self.program.body)
        lines = [
            "#pragma unroll",
            f"  for (int b = 0; b < {self.rows // count}; ++b) {{",
            *(line for k in self.pointed for line in self._pointers(k, axes)),
            *self.values.lane_statements(body, axes, load, count, "  "),
            "#pragma unroll",
            f"  for (int lane = 0; lane < {count}; ++lane) {{",
            f"    const int down = y + ({row}) * {self.step};",
        ]
        direct = [s for s in self.program.stores if s.access not in self.drained]
        if direct:
            extents = f"c0 + x < e{self.inner} && r0 + down < e{self.patch.across}"
            lines.append(f"    if ({extents}) {{")
            for store in direct:
                address = self.values.address(store.access, axes)
                value = self.values.name(store.value)
                lines.append(f"      p{store.access}[{address}] = {value};")
            lines.append("    }")
        for store in self.program.stores:
            if store.access in self.drained:
                place = f"x * {self._pitch(store.access)} + down"
                lines.append(f"    t{store.access}[{place}] = {self.values.name(store.value)};")
        return [*lines, "  }", "  }"]

    def _pointers(self, number: int, axes: dict[int, str]) -> list[str]:
        """Where conditional loads are made, computed in any case.

        Else each lane of each load fetches its strides anew where its condition holds: of the heat
        flow's 69 instructions a point, 14.
        """
        address = self.values.address(number, axes)
        return [
            f"  const {self._type(number)}* q{number}[{self.together}];",
            "#pragma unroll",
            f"  for (int lane = 0; lane < {self.together}; ++lane) "
            f"q{number}[lane] = p{number} + ({address});",
        ]

    def _drained(self) -> list[str]:
        """What is stored along the other axis, from its tiles."""
        if not self.drained:
            return []
        lines = ["  __syncthreads();"]
        for k in self.drained:
            values, statements = self._at_columns(k)
            address = values.address(k, self._by_column("lane"))
            lines += [
                "  {",
                *statements,
                "#pragma unroll",
                f"    for (int lane = 0; lane < {self.rows}; ++lane) {{",
                f"      const int down = y + lane * {self.step};",
                f"      if (r0 + x < e{self.patch.across} && c0 + down < e{self.inner})",
                f"        p{k}[{address}] = t{k}[down * {self._pitch(k)} + x];",
                "    }",
                "  }",
            ]
        return lines


def _bounded(index: str, axis: int) -> str:
    """`index`, or the last one of the axis where it is past the end."""
    return f"{index} < e{axis} ? {index} : e{axis} - 1"
