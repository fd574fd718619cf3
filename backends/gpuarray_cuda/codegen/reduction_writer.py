"""What the reduction kernels of both layouts have in common.

In: a program and a `Shape`, which says how threads divide the work. Out: the accumulator, loads,
epilogue and the merging of blocks, as lines of C++.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gpuarray.graph.program import result_dtype
from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.values import (
    C_NAMES,
    Arguments,
    Values,
    c_result,
    complete_source,
    guarded,
    scalar_positions,
    signature,
)

__all__ = [
    "BLOCK",
    "NAME",
    "Reduce",
    "ReductionWriter",
    "Shape",
    "accumulator",
    "unravelled",
]

BLOCK = 256
# Independent loads of a thread before it accumulates: four 16-byte loads keep the bus full.
_UNROLL = 4

NAME = "gpuarray_reduction"


class Shape(NamedTuple):
    """How threads divide a reduction; everything else is an argument of the kernel.

    Threads of columns may have `several` results along the kept axis `beside`.
    """

    columns: bool
    width: int
    group: int
    split: bool
    beside: int = -1
    several: int = 1


class Reduce(NamedTuple):
    """A generated kernel, and how many results a block of it makes."""

    source: str
    format: str
    results: int
    scalars: tuple[int, ...]


# Extra integer arguments: results in all, elements of each, blocks and elements of each part.
SIZES = ("results", "elements", "parts", "part")


class ReductionWriter(ABC):
    """Writes the kernel of one program; the two layouts derive from it."""

    def __init__(
        self,
        program: Program,
        operations: Mapping[str, Operation],
        shape: Shape,
        resident: int,
    ) -> None:
        self.program = program
        self.resident = resident
        self.shape = shape
        self.values = Values(program, operations)
        extra = ("char* partials", "u32* tickets") if shape.split else ()
        self.arguments = Arguments(program, extra, SIZES)
        self.rank = program.kept + program.reduced
        self.unroll = _UNROLL if len(program.accesses) <= 4 and len(program.body) <= 32 else 1
        if shape.several > 1:
            # What is loaded keeps a thread busy for longer, and registers hold more.
            self.unroll = min(self.unroll, 2)
        # Sums of squared deviations cost a division for each element, or for each batch of them.
        self.batched = any(fold.name == "squares" for fold in program.reductions)
        self.guarded = guarded(program)
        self.vector = {k for k in range(len(program.accesses)) if self._is_vector(k)}
        self.index = self.values.index
        self.unsigned = "u64" if program.wide else "u32"

    def _is_vector(self, number: int) -> bool:
        shape, access = self.shape, self.program.accesses[number]
        return (
            shape.width > 1
            and number not in self.guarded
            and not access.terms.values
            and (self.vector_axis, -1) in access.terms.axes
            and access.alignment >= min(16, shape.width * access.dtype.itemsize)
            and shape.width * access.dtype.itemsize <= 16
        )

    @property
    @abstractmethod
    def vector_axis(self) -> int:
        """The axis along which a thread takes `width` elements at once."""

    @property
    @abstractmethod
    def results(self) -> int:
        """Results that a block makes."""

    @abstractmethod
    def body(self) -> list[str]:
        """What a thread does, from its place in the grid to its stores."""

    def kernel(self) -> Reduce:
        body = self.program.body
        lines = [
            *accumulator(
                "Accumulator",
                [
                    (fold.name, c_result(body[v]), result_dtype(body[v]).itemsize)
                    for fold in self.program.reductions
                    for v in fold.values[:1]
                ],
                self.index,
            ),
            signature(NAME, BLOCK, self.resident),
            self.arguments.unpacked(),
            *self.body(),
            "}",
        ]
        source = complete_source(self.arguments, "\n".join(lines))
        return Reduce(source, self.arguments.format, self.results, scalar_positions(self.program))

    # The parts that both layouts share

    def unravel(self, linear: str, first: int, last: int, prefix: str, indent: str) -> list[str]:
        """Loop indices of axes `first` to `last` from a linear index."""
        types = (self.index, self.unsigned)
        return unravelled(linear, range(first, last), prefix, indent, types)

    def add(self, target: str, axes: dict[int, str], vector: str | None, indent: str) -> list[str]:
        """Compute the body at one point and add it to an accumulator."""

        def load(number: int, address: str) -> str:
            if vector is not None and number in self.vector:
                return f"l{number}{vector}.v[lane]"
            return f"p{number}[{address}]"

        lines = self.values.statements(self.program.body, 0, axes, load, indent)
        operands = [f"v{v}" for fold in self.program.reductions for v in fold.values]
        lines.append(f"{indent}{target}.add({', '.join(operands)});")
        return lines

    def add_all(self, target: str, axes: dict[int, str], linear: str, indent: str) -> list[str]:
        """Compute the body at `unroll` points, `linear` in ``u``, and add them all together."""

        def load(number: int, address: str) -> str:
            if number in self.vector:
                return f"l{number}[u].v[lane]"
            return f"p{number}[{address}]"

        operands = [v for fold in self.program.reductions for v in fold.values]
        kinds = [c_result(self.program.body[v]) for v in operands]
        lines = [f"{indent}{c} x{k}[{self.unroll}];" for k, c in enumerate(kinds)]
        inner = indent + "  "
        lines += ["#pragma unroll", f"{indent}for (int u = 0; u < {self.unroll}; ++u) {{"]
        lines += self.reduced_axes(linear, inner)
        lines += self.values.statements(self.program.body, 0, axes, load, inner)
        lines += [f"{inner}x{k}[u] = v{v};" for k, v in enumerate(operands)]
        given = ", ".join(f"x{k}" for k in range(len(operands)))
        return [*lines, f"{indent}}}", f"{indent}{target}.add_all({given});"]

    def early_loads(self, axes: dict[int, str], slot: str, indent: str) -> list[str]:
        lines = []
        for k in self.loaded():
            vector = f"vec_t<{C_NAMES[self.program.accesses[k].dtype]}, {self.shape.width}>"
            address = self.values.address(k, axes)
            lines.append(
                f"{indent}l{k}{slot} = *reinterpret_cast<const {vector}*>(p{k} + ({address}));"
            )
        return lines

    def loaded(self) -> list[int]:
        loads = [i[2] for i in self.program.body if i[0] == "load" and i[2] in self.vector]
        return list(dict.fromkeys(loads))

    def declare_loads(self, count: str, indent: str) -> list[str]:
        return [
            f"{indent}vec_t<{C_NAMES[self.program.accesses[k].dtype]}, {self.shape.width}> "
            f"l{k}{count};"
            for k in self.loaded()
        ]

    def finish(self, accumulator: str, axes: dict[int, str], indent: str) -> list[str]:
        """The epilogue and the stores at one point of the kept axes."""
        lines = []
        first = len(self.program.body)
        for k, fold in enumerate(self.program.reductions):
            c = C_NAMES[fold.dtype]
            lines.append(f"{indent}const {c} v{first + k} = ({c}){accumulator}.r{k}.result();")
        first += len(self.program.reductions)

        def load(number: int, address: str) -> str:
            return f"p{number}[{address}]"

        lines += self.values.statements(self.program.epilogue, first, axes, load, indent)
        for store in self.program.stores:
            address = self.values.address(store.access, axes)
            lines.append(f"{indent}p{store.access}[{address}] = v{store.value};")
        return lines

    def last_block(self, tile: str) -> list[str]:
        """Whether this block is the last of its tile; the others are done. Tickets reset."""
        return [
            "    __threadfence();",
            "    __shared__ bool last;",
            "    __syncthreads();",
            "    if (threadIdx.x == 0)",
            f"      last = atomicInc(&tickets[{tile}], (u32)parts - 1u) == (u32)parts - 1u;",
            "    __syncthreads();",
            "    if (!last) return;",
            "    __threadfence();",
        ]

    def reduced_axes(self, linear: str, indent: str) -> list[str]:
        """The loop indices of the reduced axes from a linear index."""
        return self.unravel(linear, self.program.kept, self.rank, "j", indent)


def accumulator(name: str, folds: Iterable[tuple[str, str, int]], index: str) -> list[str]:
    """One struct for several reductions, each given by its name, C type and itemsize.

    `index` is the C type of an index that is chosen.
    """
    fields, add, batch, merge = [], [], [], []
    # At least four bytes, since states move between lanes in 32-bit pieces.
    alignment = 4
    parameters = []
    for k, (fold, kind, itemsize) in enumerate(folds):
        chooses = fold in ("argmax", "argmin")
        long = fold == "squares" or (chooses and index == "i64")
        alignment = max(alignment, itemsize, 8 if long else 4)
        arguments = f"{kind}, {index}" if chooses else kind
        struct = f"ga_{fold}" if fold in ("any", "all") else f"ga_{fold}<{arguments}>"
        fields.append(f"  {struct} r{k};")
        parameters.append(f"{kind} x{k}")
        if chooses:
            parameters.append(f"{index} k{k}")
        add.append(f"    r{k}.add(x{k}{f', k{k}' if chooses else ''});")
        if fold == "squares":
            batch.append(f"    r{k}.add_all(x{k});")
        else:
            given = f"x{k}[i], k{k}[i]" if chooses else f"x{k}[i]"
            batch.append(f"    for (int i = 0; i < N; ++i) r{k}.add({given});")
        merge.append(f"    r{k}.merge(o.r{k});")
    device = "  __device__ __forceinline__"
    return [
        f"struct alignas({alignment}) {name} {{",
        *fields,
        f"{device} void add({', '.join(parameters)}) {{",
        *add,
        "  }",
        "  template <int N>",
        f"{device} void add_all({', '.join(map(_array_of, parameters))}) {{",
        *batch,
        "  }",
        f"{device} void merge(const {name}& o) {{",
        *merge,
        "  }",
        "};",
    ]


def _array_of(parameter: str) -> str:
    kind, name = parameter.split(" ")
    return f"const {kind} (&{name})[N]"


def unravelled(
    linear: str, axes: Sequence[int], prefix: str, indent: str, types: tuple[str, str]
) -> list[str]:
    """Declarations of the loop indices of neighbouring axes, by their linear index.

    `types` are those of an index and of its unsigned quotients.
    """
    index, unsigned = types
    if not axes:
        return []
    first = axes[0]
    if len(axes) == 1:
        return [f"{indent}const {index} {prefix}{first} = ({index})({linear});"]
    lines = [f"{indent}{unsigned} {prefix}q = ({unsigned})({linear});"]
    for k in reversed(axes[1:]):
        lines.append(
            f"{indent}const {index} {prefix}{k} = ({index})({prefix}q % ({unsigned})e{k});"
        )
        lines.append(f"{indent}{prefix}q /= ({unsigned})e{k};")
    lines.append(f"{indent}const {index} {prefix}{first} = ({index}){prefix}q;")
    return lines
