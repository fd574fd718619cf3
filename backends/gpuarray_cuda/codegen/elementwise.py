"""Elementwise kernels: one thread computes a few neighbouring points of the loop space.

In: a program without reductions. Out: a kernel's source and how to launch it. Each thread takes
`unroll` vectors of `width` points along the innermost axis: its lanes. Where an access is aligned
and contiguous there, it moves 16 bytes at once. All loads of a thread come before its first
computation, so that many are in flight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gpuarray.graph.program import Store
from gpuarray.operations import RANDOM, Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    Arguments,
    Values,
    complete_source,
    scalar_positions,
    signature,
)
from gpuarray_cuda.codegen.vectors import vectors

__all__ = ["ATTEMPTS", "BLOCK", "NAME", "Attempt", "Elementwise", "elementwise"]

BLOCK = 256

# Long computations of a few arrays take two vectors a thread: scalars and addresses are shared by
# more lanes. A polynomial of 62 operations takes 0.176 ms so and 0.208 with one vector, one of 32
# operations 0.137 and 0.139; but one of 16 0.136 and 0.132, and a copy 0.135 and 0.131 (64 Mi
# float32, H200, 2026-11-26). One vector also compiles in three quarters of the time.
_LONG = 32
_LONG_ACCESSES = 8
# Vectors a thread of random numbers of which nothing is read: they share the round keys of Philox,
# and their blocks are computed side by side. Of the others, which loop or take hundreds of
# instructions, each vector is code of its own: 64 Mi Poisson numbers take 2.9 ms with one vector a
# thread, 3.5 with two, 9.3 with four and 24.5 with eight (H200, 2026-11-27).
_DRAWN = 4
_SIDE_BY_SIDE = frozenset(
    f"random_{what}" for what in ("word", "pair", "small", "unit", "unit_double", "normal")
)
# Lanes of 4 bytes that are computed together; more would spill.
_MOST_LANES = 8
_REGISTER_BYTES = 4

NAME = "gpuarray_elementwise"


class Attempt(NamedTuple):
    """How a kernel shall use registers: two vectors a thread, `resident` blocks at once or any."""

    unroll: bool
    resident: int


# Tried until a kernel does not spill; the last ones bring 48, 64, 80 and 128 registers a thread.
# Black-Scholes of 32 Mi options takes 0.166 ms with two vectors a thread, 0.176 with one (H200).
ATTEMPTS = (Attempt(True, 0), Attempt(False, 0), *(Attempt(False, k) for k in (5, 4, 3, 2)))


class Elementwise(NamedTuple):
    """A generated kernel: its source, argument format, and points per thread.

    `mode` is "write", "bits", or for colliding stores also "clear" and "claim" (see `elementwise`).
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
    attempt: Attempt = ATTEMPTS[0],
) -> Elementwise:
    """The kernel of a program without reductions.

    A store that collides (a scatter through index arrays) runs as three kernels, so that the last
    point wins whatever the order of threads: "clear" zeroes the winner of every element written,
    "claim" raises it to the highest point that writes there, "write" lets that point write.

    "bits" is for a program whose only store takes bools row by row: it writes them as bits instead,
    32 neighbours to a word, beginning with the lowest bit; those past the end are 0.
    """
    return _Writer(program, operations, mode, attempt).kernel()


class _Writer:
    def __init__(
        self, program: Program, operations: Mapping[str, Operation], mode: str, attempt: Attempt
    ) -> None:
        self.program = program
        self.resident = attempt.resident
        self.mode = mode
        self.collides = any(store.collides for store in program.stores)
        self.values = Values(program, operations)
        extra = ("u32* winners",) if self.collides else ()
        self.arguments = Arguments(program, extra, ("threads",))
        self.inner = program.kept - 1
        # What counts vectors: in 32 bits, 2**31 elements and a block beyond them are no overflow.
        self.count = "i64" if program.wide else "u32"
        self.width, self.vector = vectors(program)
        drawn = {i[0].name for i in program.body if isinstance(i[0], Operation)} & RANDOM.keys()
        # Whether it draws random numbers and reads no array, and whether all of them side by side.
        self.drawn = bool(drawn) and all(i[0] != "load" for i in program.body)
        self.side_by_side = self.drawn and drawn <= _SIDE_BY_SIDE
        self.unroll = self._unroll(attempt.unroll)
        self.together = self._together(attempt.unroll)

    def _unroll(self, wanted: bool) -> int:
        if self.collides or self.inner < 0:
            return 1
        computed = sum(i[0] not in ("scalar", "load") for i in self.program.body)
        if self.width == 1:
            return 4 if computed <= 64 else 1
        if self.drawn:
            return _DRAWN if self.side_by_side else 1
        long = computed >= _LONG and len(self.program.accesses) <= _LONG_ACCESSES
        return 2 if wanted and long and self.width * 2 <= _MOST_LANES else 1

    def _together(self, wanted: bool) -> int:
        """How many vectors are computed together: all, where their registers are few."""
        if wanted and self.side_by_side:
            return self.unroll
        itemsizes = (i[1].itemsize for i in self.program.body)
        lane_bytes = max((_REGISTER_BYTES, *itemsizes))
        fits = lane_bytes * self.width * self.unroll <= _MOST_LANES * _REGISTER_BYTES
        return self.unroll if fits else 1

    def kernel(self) -> Elementwise:
        lines = [
            signature(NAME, BLOCK, self.resident),
            self.arguments.unpacked(),
            *(self._scatter() if self.collides else self._body()),
            "}",
        ]
        source = complete_source(self.arguments, "\n".join(lines))
        return Elementwise(
            source, self.arguments.format, self.width, self.unroll, scalar_positions(self.program)
        )

    def _body(self) -> list[str]:
        """Loads of all lanes, then each operation for all lanes, then the stores."""
        index = self.values.index
        unsigned = "u64" if self.program.wide else "u32"
        lines = [
            f"  const {self.count} count = ({self.count})threads;",
            f"  const {self.count} first = "
            f"({self.count})blockIdx.x * {BLOCK * self.unroll} + threadIdx.x;",
            # All lanes of a warp make its words of bits.
            *([] if self.mode == "bits" else ["  if (first >= count) return;"]),
            f"  {index} j0[{self.unroll}];",
        ]
        outer = range(self.inner)
        lines += [f"  {index} i{k}[{self.unroll}];" for k in outer]
        # Past the end a thread computes the last vector again, and does not store it.
        lines += [
            "#pragma unroll",
            f"  for (int u = 0; u < {self.unroll}; ++u) {{",
            f"    const {self.count} at = first + u * {BLOCK};",
            f"    {unsigned} q = ({unsigned})(at < count ? at : count - 1);",
        ]
        step = f" * {self.width}" if self.width > 1 else ""
        if outer:
            vectors = f"(e{self.inner} / {self.width})" if step else f"e{self.inner}"
            divisor = f"({unsigned}){vectors}"
            lines.append(f"    j0[u] = ({index})(q % {divisor}){step};")
            lines.append(f"    q /= {divisor};")
            for k in reversed(outer[1:]):
                lines.append(f"    i{k}[u] = ({index})(q % ({unsigned})e{k});")
                lines.append(f"    q /= ({unsigned})e{k};")
            lines.append(f"    i0[u] = ({index})q;")
        else:
            lines.append(f"    j0[u] = ({index})q{step};")
        lines += ["  }", *self._loads()]
        computed = self._computed()
        computed += self._stored_bits() if self.mode == "bits" else self._stores()
        if self.together == self.unroll:
            return [*lines, "  const int b = 0;", *computed]
        loop = f"  for (int b = 0; b < {self.unroll}; ++b) {{"
        return [*lines, "#pragma unroll", loop, *computed, "  }"]

    def _loads(self) -> list[str]:
        """The vectors that are loaded whatever the values, before anything is computed."""
        found = [i[2] for i in self.program.body if i[0] == "load" and i[2] in self.vector]
        early = list(dict.fromkeys(found))
        if not early:
            return []
        lines = [f"  {self._type(k)} l{k}[{self.width * self.unroll}];" for k in early]
        lines += ["#pragma unroll", f"  for (int u = 0; u < {self.unroll}; ++u) {{"]
        indent = "    "
        if self._has_tail():
            lines.append(f"    if ({self._whole()}) {{")
            indent += "  "
        for k in early:
            vector = f"vec_t<{self._type(k)}, {self.width}>"
            address = self.values.address(k, self._axes("j0[u]", "u"))
            lines += [
                f"{indent}const {vector} w{k} = *reinterpret_cast<const {vector}*>"
                f"(p{k} + ({address}));",
                "#pragma unroll",
                f"{indent}for (int k = 0; k < {self.width}; ++k) "
                f"l{k}[u * {self.width} + k] = w{k}.v[k];",
            ]
        if self._has_tail():
            lines += [
                "    } else {",
                "#pragma unroll",
                f"      for (int k = 0; k < {self.width}; ++k) {{",
                f"        const {self.values.index} j = {self._last('j0[u] + k')};",
            ]
            for k in early:
                address = self.values.address(k, self._axes("j", "u"))
                lines.append(f"        l{k}[u * {self.width} + k] = p{k}[{address}];")
            lines += ["      }", "    }"]
        lines.append("  }")
        return lines

    def _computed(self) -> list[str]:
        """The values of the body for all lanes of batch b, which is `together` vectors."""
        lanes = self.width * self.together

        def load(number: int, address: str) -> str:
            vector = number in self.vector
            return f"l{number}[b * {lanes} + lane]" if vector else f"p{number}[{address}]"

        unit = f"b * {self.together} + lane / {self.width}"
        inner = f"j0[{unit}]" if self.width == 1 else f"(j0[{unit}] + lane % {self.width})"
        if self._has_tail() and self._loads_elements():
            inner = self._last(inner)
        self.values.lane = "lane"
        body = enumerate(self.program.body)
        axes = self._axes(inner, unit)
        return self.values.lane_statements(
            body, axes, load, lanes, "  ", joined=True, row=self.width
        )

    def _loads_elements(self) -> bool:
        return any(i[0] == "load" and i[2] not in self.vector for i in self.program.body)

    def _stores(self) -> list[str]:
        self.values.lane = f"v * {self.width} + k" if self.width > 1 else "v"
        lines = [
            "#pragma unroll",
            f"  for (int v = 0; v < {self.together}; ++v) {{",
            f"    const int u = b * {self.together} + v;",
        ]
        bounded = f"first + u * {BLOCK} < count"
        tail = self._has_tail()
        lines.append(f"    if ({self._whole() if tail else bounded}) {{")
        for store in self.program.stores:
            lines += self._store(store, "      ")
        if tail:
            lines += [
                f"    }} else if ({bounded}) {{",
                "#pragma unroll",
                f"      for (int k = 0; k < {self.width}; ++k) {{",
                "        if (j0[u] + k >= e0) break;",
            ]
            for store in self.program.stores:
                address = self.values.address(store.access, self._axes("(j0[u] + k)", "u"))
                value = self.values.name(store.value)
                lines.append(f"        p{store.access}[{address}] = {value};")
            lines.append("      }")
        lines += ["    }", "  }"]
        return lines

    def _stored_bits(self) -> list[str]:
        """The bools of each vector as bits, put together with those of the lanes beside it."""
        (store,) = self.program.stores
        self.values.lane = f"v * {self.width} + k" if self.width > 1 else "v"
        value = self.values.name(store.value)
        if self._has_tail():
            value += f" && at * {self.width} + k < ({self.count})e0"
        lanes = 32 // self.width
        return [
            "#pragma unroll",
            f"  for (int v = 0; v < {self.together}; ++v) {{",
            f"    const {self.count} at = first + (b * {self.together} + v) * {BLOCK};",
            "    u32 bits = 0;",
            "#pragma unroll",
            f"    for (int k = 0; k < {self.width}; ++k) bits |= (u32)({value}) << k;",
            f"    bits = at < count ? bits << threadIdx.x % {lanes} * {self.width} : 0;",
            "#pragma unroll",
            f"    for (int d = 1; d < {lanes}; d *= 2) bits |= ga_shuffle_xor(bits, d);",
            f"    if (at < count && threadIdx.x % {lanes} == 0)",
            f"      reinterpret_cast<u32*>(p{store.access})[at / {lanes}] = bits;",
            "  }",
        ]

    def _store(self, store: Store, indent: str) -> list[str]:
        """One whole vector of values to memory, at once where the access lets it."""
        k = store.access
        value = self.values.name(store.value)
        if self.width == 1:
            address = self.values.address(k, self._axes("j0[u]", "u"))
            return [f"{indent}p{k}[{address}] = {value};"]
        loop = f"{indent}for (int k = 0; k < {self.width}; ++k)"
        if k not in self.vector:
            address = self.values.address(k, self._axes("(j0[u] + k)", "u"))
            return ["#pragma unroll", f"{loop} p{k}[{address}] = {value};"]
        vector = f"vec_t<{self._type(k)}, {self.width}>"
        address = self.values.address(k, self._axes("j0[u]", "u"))
        return [
            f"{indent}{vector} w{k};",
            "#pragma unroll",
            f"{loop} w{k}.v[k] = {value};",
            f"{indent}*reinterpret_cast<{vector}*>(p{k} + ({address})) = w{k};",
        ]

    def _type(self, number: int) -> str:
        return C_NAMES[self.program.accesses[number].dtype]

    def _has_tail(self) -> bool:
        """Whether the last vector may be cut short; rows of several axes are whole vectors."""
        return self.width > 1 and self.program.kept == 1

    def _whole(self) -> str:
        """The condition that vector u is not cut short, where there is a tail."""
        return f"(first + u * {BLOCK} + 1) * {self.width} <= ({self.count})e0"

    def _last(self, inner: str) -> str:
        """`inner`, or the last index where it is past the end."""
        return f"({inner} < e0 ? {inner} : e0 - 1)"

    def _axes(self, inner: str, unit: str) -> dict[int, str]:
        return {k: inner if k == self.inner else f"i{k}[{unit}]" for k in range(self.program.kept)}

    def _scatter(self) -> list[str]:
        """One point a thread, whose stores may meet those of others."""

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        index, unsigned = self.values.index, "u64" if self.program.wide else "u32"
        lines = [
            f"  const i64 t = (i64)blockIdx.x * {BLOCK} + threadIdx.x;",
            "  if (t >= threads) return;",
            f"  {unsigned} q = ({unsigned})t;",
        ]
        for k in range(self.inner, 0, -1):
            lines.append(f"  const {index} i{k} = ({index})(q % ({unsigned})e{k});")
            lines.append(f"  q /= ({unsigned})e{k};")
        if self.inner >= 0:
            lines.append(f"  const {index} i0 = ({index})q;")
        axes = {k: f"i{k}" for k in range(self.program.kept)}
        lines += self.values.statements(self.program.body, 0, axes, load, "  ")
        for store in self.program.stores:
            address = self.values.address(store.access, axes)
            if store.collides and self.mode == "clear":
                lines.append(f"  winners[{address}] = 0;")
            elif store.collides and self.mode == "claim":
                lines.append(f"  atomicMax(&winners[{address}], (u32)t + 1u);")
            elif self.mode == "write":
                guard = f"if (winners[{address}] == (u32)t + 1u) " if store.collides else ""
                lines.append(f"  {guard}p{store.access}[{address}] = v{store.value};")
        return lines
