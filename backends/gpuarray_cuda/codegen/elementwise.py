"""Elementwise kernels: one thread computes a few neighbouring points of the loop space.

In: a program without reductions. Out: a kernel's source and how to launch it. Each thread takes
`unroll` vectors of `width` points along the innermost axis; where an access is aligned and
contiguous there, it moves 16 bytes at once. All loads of a thread come before its first
computation, so that many are in flight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    Arguments,
    Values,
    complete_source,
    guarded,
    scalar_positions,
    signature,
)

__all__ = ["BLOCK", "Elementwise", "elementwise"]

BLOCK = 256

# Vectors of 16 bytes cost registers: 24 arrays use 112 of them (NVRTC 13.5, sm_90), more spill.
_FULL_WIDTH_ACCESSES = 24
# Below this many arrays, two vectors a thread keep enough bytes in flight to fill the bus.
_UNROLLED_ACCESSES = 4

NAME = "gpuarray_elementwise"


class Elementwise(NamedTuple):
    """A generated kernel: its source, argument format, and points per thread.

    `mode` is "write", or for colliding stores also "clear" and "claim" (see `elementwise`).
    """

    source: str
    format: str
    width: int
    unroll: int
    scalars: tuple[int, ...]


def elementwise(
    program: Program,
    operations: Mapping[str, Operation],
    mode: str = "write",
    resident: int = 0,
) -> Elementwise:
    """The kernel of a program without reductions.

    A store that collides (a scatter through index arrays) runs as three kernels, so that the last
    point wins whatever the order of threads: "clear" zeroes the winner of every element written,
    "claim" raises it to the highest point that writes there, "write" lets that point write.
    """
    return _Writer(program, operations, mode, resident).kernel()


class _Writer:
    def __init__(
        self, program: Program, operations: Mapping[str, Operation], mode: str, resident: int
    ) -> None:
        self.program = program
        self.resident = resident
        self.mode = mode
        self.collides = any(store.collides for store in program.stores)
        self.values = Values(program, operations)
        extra = ("u32* winners",) if self.collides else ()
        self.arguments = Arguments(program, extra, ("threads",))
        self.inner = program.kept - 1
        self.guarded = guarded(program)
        self.width = self._width()
        self.unroll = self._unroll()
        self.vector = {k for k in range(len(program.accesses)) if self._is_vector(k)}

    def _contiguous(self, number: int) -> bool:
        """Whether an access walks along the innermost axis in steps of one element."""
        terms = self.program.accesses[number].terms
        return not terms.values and (self.inner, -1) in terms.axes

    def _width(self) -> int:
        accesses = self.program.accesses
        candidates = [k for k in range(len(accesses)) if self._contiguous(k)]
        if self.collides or self.inner < 0 or not candidates:
            return 1
        width = 16 // max(accesses[k].dtype.itemsize for k in candidates)
        if len(accesses) > _FULL_WIDTH_ACCESSES:
            width = min(width, 2)
        width = min(width, self.program.divisors[0])
        aligned = [k for k in candidates if self._fits(k, width)]
        stores = {store.access for store in self.program.stores}
        # Without a single wide access a vector would only scatter the threads' accesses.
        return width if aligned and stores & set(candidates) else 1

    def _fits(self, number: int, width: int) -> bool:
        access = self.program.accesses[number]
        return access.alignment >= min(width * access.dtype.itemsize, 16)

    def _is_vector(self, number: int) -> bool:
        return (
            self.width > 1
            and number not in self.guarded
            and self._contiguous(number)
            and self._fits(number, self.width)
        )

    def _unroll(self) -> int:
        if self.collides or self.inner < 0:
            return 1
        if self.width == 1:
            return 4 if len(self.program.body) <= 64 else 1
        return 2 if len(self.program.accesses) <= _UNROLLED_ACCESSES else 1

    def kernel(self) -> Elementwise:
        lines = [
            signature(NAME, BLOCK, self.resident),
            self.arguments.unpacked(),
        ]
        lines += self._body()
        lines.append("}")
        source = complete_source(self.arguments, "\n".join(lines))
        return Elementwise(
            source, self.arguments.format, self.width, self.unroll, scalar_positions(self.program)
        )

    def _body(self) -> list[str]:
        """Loads of all vectors, then their computation and stores."""
        index, program = self.values.index, self.program
        lines = [
            f"  const i64 first = (i64)blockIdx.x * {BLOCK * self.unroll} + threadIdx.x;",
        ]
        loads = [i[2] for i in program.body if i[0] == "load" and i[2] in self.vector]
        early = list(dict.fromkeys(loads))
        for k in early:
            access = program.accesses[k]
            lines.append(f"  vec_t<{C_NAMES[access.dtype]}, {self.width}> l{k}[{self.unroll}];")
        if early:
            lines += [
                "#pragma unroll",
                f"  for (int u = 0; u < {self.unroll}; ++u) {{",
                f"    const {index} t = ({index})(first + u * {BLOCK});",
                f"    if ({self._whole()}) {{",
                *self._indices("      "),
            ]
            for k in early:
                c = C_NAMES[program.accesses[k].dtype]
                address = self.values.address(k, self._axes("j0"))
                vector = f"vec_t<{c}, {self.width}>"
                lines.append(
                    f"      l{k}[u] = *reinterpret_cast<const {vector}*>(p{k} + ({address}));"
                )
            lines += ["    }", "  }"]
        lines += [
            "#pragma unroll",
            f"  for (int u = 0; u < {self.unroll}; ++u) {{",
            f"    const {index} t = ({index})(first + u * {BLOCK});",
            f"    if (first + u * {BLOCK} < threads) {{",
            *self._indices("      "),
        ]
        if self.width == 1:
            lines += self._point(self._axes("j0"), indent="      ")
        elif self._has_tail():
            lines.append(f"      if ({self._whole()}) {{")
            lines += self._vector_points("        ")
            lines += [
                "      } else {",
                f"        for ({index} j = j0; j < e{self.inner}; ++j) {{",
                *self._point(self._axes("j"), indent="          "),
                "        }",
                "      }",
            ]
        else:
            lines += self._vector_points("      ")
        lines += ["    }", "  }"]
        return lines

    def _has_tail(self) -> bool:
        """Whether the last vector may be cut short; rows of several axes are whole vectors."""
        return self.width > 1 and self.program.kept == 1

    def _whole(self) -> str:
        """The condition that vector t lies inside the loop space."""
        if self._has_tail():
            return f"(i64)(t + 1) * {self.width} <= (i64)e0"
        return "(i64)t < threads"

    def _indices(self, indent: str) -> list[str]:
        """The loop indices of vector t: j0 along the innermost axis, i<k> along the others."""
        index = self.values.index
        unsigned = "u64" if self.program.wide else "u32"
        if self.program.kept <= 1:
            step = f" * {self.width}" if self.width > 1 else ""
            return [f"{indent}const {index} j0 = t{step};"]
        lines = [f"{indent}{unsigned} q = ({unsigned})t;"]
        divisor = f"e{self.inner}" if self.width == 1 else f"(e{self.inner} / {self.width})"
        step = f" * {self.width}" if self.width > 1 else ""
        lines.append(f"{indent}const {index} j0 = ({index})(q % ({unsigned}){divisor}){step};")
        lines.append(f"{indent}q /= ({unsigned}){divisor};")
        for k in range(self.inner - 1, 0, -1):
            lines.append(f"{indent}const {index} i{k} = ({index})(q % ({unsigned})e{k});")
            lines.append(f"{indent}q /= ({unsigned})e{k};")
        lines.append(f"{indent}const {index} i0 = ({index})q;")
        return lines

    def _axes(self, inner: str) -> dict[int, str]:
        return {k: inner if k == self.inner else f"i{k}" for k in range(self.program.kept)}

    def _vector_points(self, indent: str) -> list[str]:
        """All points of a vector, operation by operation."""

        def load(number: int, address: str) -> str:
            return f"l{number}[u].v[lane]" if number in self.vector else f"p{number}[{address}]"

        axes = self._axes("(j0 + lane)")
        lines = self.values.lane_statements(axes, load, self.width, indent)
        varying = {k for k, i in enumerate(self.program.body) if i[0] != "scalar"}
        for store in self.program.stores:
            k = store.access
            value = f"v{store.value}[lane]" if store.value in varying else f"v{store.value}"
            loop = f"{indent}for (int lane = 0; lane < {self.width}; ++lane)"
            if k not in self.vector:
                target = f"p{k}[{self.values.address(k, axes)}]"
                lines += ["#pragma unroll", f"{loop} {target} = {value};"]
                continue
            vector = f"vec_t<{C_NAMES[self.program.accesses[k].dtype]}, {self.width}>"
            address = self.values.address(k, self._axes("j0"))
            lines += [
                f"{indent}{vector} w{k};",
                "#pragma unroll",
                f"{loop} w{k}.v[lane] = {value};",
                f"{indent}*reinterpret_cast<{vector}*>(p{k} + ({address})) = w{k};",
            ]
        return lines

    def _point(self, axes: dict[int, str], indent: str) -> list[str]:
        """One point on its own."""

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines = self.values.statements(self.program.body, 0, axes, load, indent)
        for store in self.program.stores:
            address = self.values.address(store.access, axes)
            if store.collides and self.mode != "write":
                clear = f"winners[{address}] = 0;"
                claim = f"atomicMax(&winners[{address}], (u32)t + 1u);"
                lines.append(indent + (clear if self.mode == "clear" else claim))
                continue
            if store.collides:
                lines.append(f"{indent}if (winners[{address}] == (u32)t + 1u)")
            lines.append(f"{indent}p{store.access}[{address}] = v{store.value};")
        return lines
