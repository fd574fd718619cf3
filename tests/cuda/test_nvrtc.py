"""NVRTC compiles every kind of kernel in every dtype for three architectures, and within bounds.

It needs neither a driver nor a GPU. The kernels are those that users get (see `kernels`): arrays
are recorded, planned and generated as for an H200, only never launched.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

import gpuarray as xp
from benchmarks.programs import forces
from gpuarray.cuda import ElementwiseKernel, ReductionKernel
from gpuarray.operations import TABLE
from gpuarray.random import Generator
from gpuarray_cuda import compaction
from tests.backends.test_vectorize import FUNCTIONS

from .kernels import (
    ARCHITECTURES,
    Source,
    compile_all,
    on_architectures,
    ptx,
    resources,
    sources,
)

pytest.importorskip("cuda.bindings.nvrtc", reason="NVRTC (nvidia-cuda-nvrtc) is not installed")

INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
REALS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *REALS, *COMPLEX)

N = 1 << 20

# The bounds: registers of a thread, for operands of 1, 2, 4, 8 and 16 bytes, and beside each the
# highest that was measured on the three architectures (NVRTC 13.0.88 and 13.5.37, 2026-11). Blocks
# have 256 threads and a multiprocessor 65536 registers: 32 of them allow eight blocks, 64 four, 128
# two. One-byte operands take most, 16 of them being at work at once.
SIZES = (1, 2, 4, 8, 16)
OPERATIONS = (144, 104, 56, 80, 64)  # 137 100 48 80 48
CASTS = (56, 48, 48, 48, 40)  # 48 40 40 40 32
DRAWS = (0, 0, 80, 80, 0)  # 72 72
LAYOUTS = (128, 72, 72, 64, 40)  # 128 64 64 64 40
TILES = (88, 80, 80, 96, 72)  # 80 76 71 87 64
UPDATES = (80, 64, 48, 56, 40)  # 78 62 40 48 30
MANY_ACCESSES = (248, 144, 128, 136, 120)  # 239 140 128 128 110
WIDE_INDICES = (80, 56, 64, 48, 80)  # 77 48 61 44 76
REDUCTIONS = (128, 72, 72, 80, 56)  # 117 64 64 76 48
COMPACTION = 64  # 64, of one block of 1024 threads
Record = Callable[[str, str], None]


def arrays(dtype: str, *shapes: tuple[int, ...]) -> list[xp.Array]:
    """Arrays in memory, such as it is."""
    made = [xp.empty(shape, dtype=dtype) for shape in shapes]
    xp.evaluate(*made)
    return made


def check(
    record: Record, dtype: str, architecture: str, registers: tuple[int, ...], spilled: int = 0
) -> None:
    """What ``record(dtype, architecture)`` needs compiles, and stays within the bounds."""
    kernels = sources(lambda: record(dtype, architecture))
    assert kernels
    found = compile_all(kernels, architecture)
    most = registers[SIZES.index(np.dtype(dtype).itemsize)]
    over = [
        (taken, kernel)
        for taken, kernel in zip(found, kernels, strict=True)
        if taken.registers > most or taken.spilled > spilled
    ]
    assert not over, (
        f"{len(over)} of {len(kernels)} kernels take more than {most} registers or {spilled} "
        f"spilled bytes: {[taken for taken, _ in over]}, such as\n{over[0][1].text[-3000:]}"
    )


def thinned(names: list[str], dtype: str, architecture: str) -> list[str]:
    """All of `names` on sm_90 (but uint8), and for float32; otherwise a third of them.

    All compile on all architectures (test_device_functions.py); here it is their registers that
    count, and 16 bytes of int8 at once take up to a second each.
    """
    whole = dtype == "float32" or (architecture == "sm_90" and dtype != "uint8")
    return names if whole else names[::3]


# Operations: a kernel for each row of the table and each dtype that it computes in.


def each_operation(dtype: str, architecture: str) -> None:
    x, y, z = arrays(dtype, *[(N,)] * 3)
    (mask,) = arrays("bool", (N,))
    names = [
        name
        for name, row in TABLE.items()
        if hasattr(xp, name) and any(loop.name == dtype for loop in row.results)
    ]
    for name in thinned(names, dtype, architecture):
        row = TABLE[name]
        operands = (mask if row.uncast else x, y, z)[: row.arity]
        xp.evaluate(getattr(xp, name)(*operands))


def each_cast(dtype: str, architecture: str) -> None:
    (x,) = arrays(dtype, (N,))
    targets = [to for to in DTYPES if to != dtype and (to in COMPLEX or dtype not in COMPLEX)]
    for target in thinned(targets, dtype, architecture):
        xp.evaluate(xp.astype(x, target))


@pytest.mark.parametrize(("dtype", "architecture"), on_architectures(DTYPES))
def test_every_operation(dtype: str, architecture: str) -> None:
    check(each_operation, dtype, architecture, OPERATIONS)


@pytest.mark.parametrize(("dtype", "architecture"), on_architectures(DTYPES))
def test_every_cast(dtype: str, architecture: str) -> None:
    check(each_cast, dtype, architecture, CASTS)


def each_draw(dtype: str, architecture: str) -> None:
    """Every row of random numbers, as one number a thread and as several."""
    rng = Generator(1)
    (parameters,) = arrays("float64", (N,))
    (bounds,) = arrays("int64", (N,))
    xp.evaluate(rng.random(N, dtype=dtype))
    xp.evaluate(rng.standard_normal(N, dtype=dtype))
    xp.evaluate(xp.sum(rng.standard_normal((1024, 1024), dtype=dtype), axis=0))
    xp.evaluate(rng.integers(0, bounds))
    xp.evaluate(rng.gamma(parameters))
    xp.evaluate(rng.poisson(parameters))
    xp.evaluate(rng.binomial(100, parameters))


@pytest.mark.parametrize(("dtype", "architecture"), on_architectures(REALS))
def test_every_draw(dtype: str, architecture: str) -> None:
    check(each_draw, dtype, architecture, DRAWS)


def test_what_tries_until_it_accepts_is_written_once() -> None:
    """Each vector of a thread is code of its own: four of them take three times as long."""

    def blocks(draw: Callable[[], xp.Array]) -> list[str]:
        (kernel,) = sources(lambda: xp.evaluate(draw()))
        return re.findall(r"blockIdx\.x \* (\d+) \+ threadIdx", kernel.text)

    rng = Generator(1)
    assert blocks(lambda: rng.standard_gamma(2.5, N)) == ["256"]
    assert blocks(lambda: rng.poisson(40.0, N)) == ["256"]
    for dtype in REALS:
        assert blocks(lambda dtype=dtype: rng.random(N, dtype=dtype)) == ["1024"]


def test_functions_of_users() -> None:
    kernel = ElementwiseKernel(
        "T x, float y", "T z, int k", "z = f(x) + y / n; k = (int)i",
        preamble="template <class A> __device__ A f(A a) { return a; }",
    )  # fmt: skip

    norm = ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "norm")

    def record() -> None:
        for function, dtypes in FUNCTIONS:
            for operand in arrays(dtypes[0], (N,)):
                xp.evaluate(xp.vectorize(function)(operand))
        x, y = arrays("float32", (N,), (N,))
        xp.evaluate(*kernel(x * 2, y))
        table = xp.reshape(x, (1024, 1024))
        xp.evaluate(table / norm(table, axis=1, keepdims=True), norm(table, axis=0), norm(x))

    kernels = sources(record)
    assert [x.name for x in kernels].count("gpuarray_check") == len(FUNCTIONS) + 4
    for found in kernels:
        (taken,) = resources(found.text, "sm_90").values()
        assert not taken.spilled


# Layouts. The elements are only moved and compared, so that dtypes of one size make one code.

MOVED = ("bool", "int16", "float32", "float64", "complex64", "complex128")


def each_layout(dtype: str, architecture: str = "sm_90") -> None:
    """Every way in which an elementwise kernel reads and writes."""
    x, y, column = arrays(dtype, (N,), (N,), (1024, 1))
    table, other = arrays(dtype, (1024, 1024), (1024, 1024))
    (mask,) = arrays("bool", (N,))
    (positions,) = arrays("int64", (N,))

    def chosen(a: xp.Array, b: xp.Array) -> xp.Array:
        return xp.where(mask[: a.shape[0]], a, b) if a.ndim == 1 else xp.where(a == b, a, b)

    xp.evaluate(chosen(x, y))  # vectors and a tail
    xp.evaluate(chosen(x[::2], y[1::2]))  # strides
    xp.evaluate(chosen(x[1:], y[:-1]))  # unaligned
    xp.evaluate(chosen(xp.flip(x), y))  # backwards
    xp.evaluate(chosen(table, column))  # broadcast
    xp.evaluate(chosen(table.T, other))  # transposed
    xp.evaluate(chosen(table[:, :1023], other[:, 1:]))  # rows that are no whole vectors
    xp.evaluate(xp.concat([x, y, x]))  # guarded
    xp.evaluate(xp.roll(table, 3, axis=1))
    xp.evaluate(xp.stack([x, y], axis=-1))
    xp.evaluate(xp.tril(table))
    xp.evaluate(xp.repeat(x, 3))
    xp.evaluate(xp.take(x, positions))  # gather
    xp.evaluate(xp.take(table, positions, axis=0))
    (deep,) = arrays(dtype, (3, 2, 4, 6, 3, 2, 2, 5))
    xp.evaluate(xp.permute_dims(deep, (7, 2, 5, 0, 3, 6, 1, 4)) == deep[0, 0, 0, 0, 0, 0, 0, 0])


def each_tile(dtype: str, architecture: str = "sm_90") -> None:
    """Operands that lie along different axes, and loads that are spread over patches."""
    table, other, third = arrays(dtype, *[(1024, 1024)] * 3)
    deep, turned, swapped = arrays(dtype, (32, 64, 128), (128, 64, 32), (32, 128, 64))
    (mask,) = arrays("bool", (1024, 1024))
    (one,) = arrays(dtype, (1,))

    def chosen(*given: xp.Array) -> xp.Array:
        result = given[0]
        for x in given[1:]:
            result = xp.where(result == x, one, x)
        return result

    xp.evaluate(chosen(table.T, table))
    xp.evaluate(chosen(table.T, other.T, third))
    xp.evaluate(xp.where(mask.T, table.T, other))
    xp.evaluate(chosen(xp.permute_dims(deep, (2, 1, 0)), turned))
    xp.evaluate(chosen(xp.permute_dims(deep, (0, 2, 1)), swapped))
    xp.evaluate(chosen(xp.concat([table.T, other]), xp.concat([other, third])))
    xp.evaluate(chosen(xp.roll(table.T, 3, axis=0), other))
    others = arrays(dtype, *[(1024, 1024)] * 6)
    xp.evaluate(chosen(table, *(x.T for x in others)))
    u, v, w, x = table[:-2, 1:-1], table[2:, 1:-1], table[1:-1, :-2], table[1:-1, 2:]
    xp.evaluate(chosen(u, v, w, x))
    xp.evaluate(chosen(xp.flip(xp.roll(table, (3, 5), axis=(0, 1))), one))
    other[1:-1, 1:-1] = chosen(u, v, w, x)
    xp.evaluate(other)
    del other
    view = xp.permute_dims(third, (1, 0))
    del third
    view[1:, :-1] = chosen(table[1:, :-1], table[:-1, 1:])
    xp.evaluate(view)


def each_update(dtype: str, architecture: str = "sm_90") -> None:
    """Updates in place, and the three kernels of a scatter whose indices may collide."""
    x, y, z = arrays(dtype, (N,), (N,), (N // 2,))
    (positions,) = arrays("int64", (N,))
    (mask,) = arrays("bool", (N,))
    one = np.dtype(dtype).type(1)
    x[::2] = z
    xp.evaluate(x)
    x[0] = one
    xp.evaluate(x)
    x[mask] = one
    xp.evaluate(x)
    x[positions] = y
    xp.evaluate(x)


def many_accesses(dtype: str, architecture: str = "sm_90") -> None:
    """As many arrays as a kernel takes: 23 in and one out, and 4 in with 20 out."""
    inputs = arrays(dtype, *[(N,)] * 23)
    total = inputs[0]
    for x in inputs[1:]:
        total = xp.where(total == x, total, x)
    xp.evaluate(total)
    a, b, c, d = inputs[:4]
    pairs = [(x, y) for x in (a, b, c, d) for y in (a, b, c, d) if x is not y]
    results = [xp.where(x == a, y, xp.where(y == b, x, c)) for x, y in pairs]
    xp.evaluate(*results, *(xp.where(x == d, y, a) for x, y in pairs[:8]))


def wide_indices(dtype: str, architecture: str = "sm_90") -> None:
    """More than 2**31 elements."""
    (x,) = arrays(dtype, ((1 << 31) + 5,))
    xp.evaluate(xp.where(x == x[0], x, xp.flip(x)))
    xp.evaluate(x[::3] == x[:1])
    xp.evaluate(xp.any(x), xp.all(x))
    xp.evaluate(xp.any(xp.reshape(x[: 1 << 31], (1 << 16, 1 << 15)), axis=0))


@pytest.mark.parametrize(("dtype", "architecture"), on_architectures(MOVED))
@pytest.mark.parametrize(
    ("record", "registers"),
    [
        (each_layout, LAYOUTS),
        (each_tile, TILES),
        (each_update, UPDATES),
        (many_accesses, MANY_ACCESSES),
    ],
    ids=["layouts", "tiles", "updates", "many accesses"],
)
def test_every_layout(
    record: Record, registers: tuple[int, ...], dtype: str, architecture: str
) -> None:
    check(record, dtype, architecture, registers)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "complex128"])
def test_64_bit_indices(dtype: str, architecture: str) -> None:
    check(wide_indices, dtype, architecture, WIDE_INDICES)


def test_tiles_are_tiles() -> None:
    kernels = sources(lambda: each_tile("float32"))
    assert sum("__shared__" in kernel.text for kernel in kernels) == 9
    assert sum("u32 columns" in kernel.text for kernel in kernels) == 11


def test_a_scatter_is_three_kernels_and_an_update_one() -> None:
    kernels = sources(lambda: each_update("float32"))
    claims = [k for k in kernels if "atomicMax(&winners" in k.text]
    clears = [k for k in kernels if re.search(r"winners\[.*\] = 0;", k.text)]
    writes = [k for k in kernels if "if (winners[" in k.text]
    assert (len(clears), len(claims), len(writes)) == (1, 1, 1)


def test_the_kernel_with_many_inputs_reads_them_all() -> None:
    kernels = sources(lambda: many_accesses("float32"))
    assert max(len(re.findall(r"^  const f32\* p\d+;", k.text, re.M)) for k in kernels) == 23
    assert max(len(re.findall(r"^  f32\* p\d+;", k.text, re.M)) for k in kernels) >= 20


def test_more_than_2_to_the_31_elements_take_64_bit_indices() -> None:
    kernels = sources(lambda: wide_indices("uint8"))
    assert sum("const i64 e0 = " in kernel.text for kernel in kernels) >= 5


# Reductions

# Of a pair such as max and min, which differ in one comparison, few dtypes have both.
FEW = ("int32", "float32", "float64")
FOLDS: dict[str, tuple[str, ...]] = {
    "sum": (*INTEGERS, *REALS, *COMPLEX),
    "max": (*INTEGERS, *REALS),
    "min": FEW,
    "prod": (*INTEGERS, *REALS, *COMPLEX),
    "argmax": (*INTEGERS, *REALS),
    "argmin": FEW,
    "any": DTYPES,
    "all": ("bool", *FEW),
    "var": REALS,
    "mean": (*REALS, *COMPLEX),
    "count_nonzero": ("bool", *FEW),
}
SHAPES: dict[str, tuple[tuple[int, ...], int]] = {
    "short rows": ((N, 64), 1),
    "long rows": ((1 << 16, 8192), 1),
    "split rows": ((64, N), 1),
    "columns": ((4096, 1 << 16), 0),
    "split columns": ((N, 256), 0),
}


def reductions(shape: str) -> Record:
    def record(dtype: str, architecture: str) -> None:
        extents, axis = SHAPES[shape]
        (x,) = arrays(dtype, extents)
        names = [name for name, dtypes in FOLDS.items() if dtype in dtypes]
        for name in thinned(names, dtype, architecture):
            xp.evaluate(getattr(xp, name)(x, axis=axis))

    return record


@pytest.mark.parametrize(("dtype", "architecture"), on_architectures(DTYPES))
@pytest.mark.parametrize("shape", ["short rows", "split rows", "split columns"])
def test_every_reduction(shape: str, dtype: str, architecture: str) -> None:
    check(reductions(shape), dtype, architecture, REDUCTIONS)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("shape", ["long rows", "columns"])
def test_reductions_that_no_block_shares(shape: str, architecture: str) -> None:
    # The code of the split ones without its last part, so that one dtype will do.
    check(reductions(shape), "float32", architecture, REDUCTIONS)


# Reductions of broadcast operands: threads that have several results and keep what these share.
# The bounds by the size of a dtype (none has two bytes), and the highest measured (NVRTC 13.0.88
# and 13.5.37). More than 128 registers would leave a multiprocessor one block of 256 threads.
BROADCAST = (128, 0, 128, 112, 128)  # 122 - 125 109 126


def pairwise(x: xp.Array, y: xp.Array) -> xp.Array:
    return xp.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=-1)


def each_broadcast_reduction(dtype: str, architecture: str = "sm_90") -> None:
    for length in (3, 50, 64, 1000):
        xp.evaluate(pairwise(*arrays(dtype, (4096, length), (4096, length))))
    x, y = arrays(dtype, (256, 1024), (256, 1024))
    xp.evaluate(xp.sum(x[:, :, None] * y[:, None, :], axis=0))  # columns
    xp.evaluate(xp.sum(x[:, :, None] * y.T[None, :, :256], axis=1))  # vectors across
    a, b = arrays(dtype, (8, 256, 64), (8, 256, 64))
    xp.evaluate(xp.sum(a[:, :, None, :] * b[:, None, :, :], axis=-1))  # stacks
    if dtype not in COMPLEX:
        xp.evaluate(xp.max(x[:, None, :] * y[None, :, :], axis=-1))
    if dtype in REALS:
        xp.evaluate(pairwise(*arrays(dtype, (1 << 16, 64), (1 << 16, 64))))  # 64-bit indices
        xp.evaluate(*forces(xp, *arrays(dtype, *[(4096,)] * 4)))


def has_several_results(kernel: Source) -> bool:
    return re.search(r"for \(int x = 0; x < (?!1;)\d+; \+\+x\)", kernel.text) is not None


@pytest.mark.parametrize(
    ("dtype", "architecture"), on_architectures(["int8", "int32", *REALS, *COMPLEX])
)
def test_broadcast_reductions(dtype: str, architecture: str) -> None:
    check(each_broadcast_reduction, dtype, architecture, BROADCAST)


def test_what_results_share_makes_a_thread_have_several() -> None:
    kernels = [k for k in sources(lambda: each_broadcast_reduction("float32")) if "acc[" in k.text]
    assert len(kernels) == 10
    assert all(map(has_several_results, kernels))


@pytest.mark.parametrize(("columns", "vectors"), [(1020, 1), (1021, 0)])
def test_results_side_by_side_are_read_as_vectors_where_all_are_whole(
    columns: int, vectors: int
) -> None:
    def record() -> None:
        x, y = arrays("float32", (1024, 256), (256, 1024))
        xp.evaluate(xp.sum(x[:, :, None] * y[None, :, :columns], axis=1))

    (text,) = (kernel.text for kernel in sources(record) if "acc[" in kernel.text)
    assert has_several_results(Source(text, "", ""))
    assert text.count("l1[lane] = *reinterpret_cast<const vec_t<f32, 4>*>") == vectors


def test_what_results_do_not_share_leaves_one_to_a_thread() -> None:
    def record() -> None:
        x, y, w = arrays("float32", (8192, 4096), (8192, 4096), (4096,))
        xp.evaluate(xp.sum(x * y, axis=1))
        xp.evaluate(xp.sum(x * w, axis=1))  # bound by reading x
        xp.evaluate(xp.sum(x[:, :3] * w[:3], axis=1))
        xp.evaluate(xp.sum(x * w, axis=0))
        a, b = arrays("float32", (16, 64), (16, 64))
        xp.evaluate(pairwise(a, b))  # too few results to fill the device
        xp.evaluate(xp.var(x[:512, None, :64] - y[None, :512, :64], axis=-1))

    kernels = [k for k in sources(record) if "acc" in k.text]
    assert len(kernels) == 6
    assert not any(map(has_several_results, kernels))


# Chains along rows: what a thread keeps of a row grows with it, up to 64 points for each of 512.


def softmax(x: xp.Array, w: xp.Array, b: xp.Array) -> xp.Array:
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def log_sum_exp(x: xp.Array, w: xp.Array, b: xp.Array) -> xp.Array:
    largest = xp.max(x, axis=-1, keepdims=True)
    return xp.log(xp.sum(xp.exp(x - largest), axis=-1)) + largest[..., 0]


def layer_norm(x: xp.Array, w: xp.Array, b: xp.Array) -> xp.Array:
    mean, var = xp.mean(x, axis=-1, keepdims=True), xp.var(x, axis=-1, keepdims=True)
    return (x - mean) / xp.sqrt(var + 1e-5) * w + b


def variance(x: xp.Array, w: xp.Array, b: xp.Array) -> xp.Array:
    return xp.var(x, axis=-1)


# The bounds for float32 and float64 by the length of a row, and beside them the highest measured
# (NVRTC 13.5.37). Rows of 1001 and 4097 are loaded element by element. Those of 50000 float32 and
# 16384 float64 are in shared memory, with 1024 and 512 threads; longer ones are read again in each
# stage.
CHAINS: dict[int, tuple[int, int]] = {
    3: (40, 48),  # 32 48
    32: (64, 80),  # 58 72
    128: (64, 80),  # 58 72
    1001: (72, 80),  # 72 72
    4096: (64, 80),  # 54 78
    4097: (64, 96),  # 60 95
    8192: (64, 96),  # 54 94
    16384: (80, 80),  # 78 78
    32768: (128, 104),  # 128 98
    50000: (64, 104),  # 64 98
    100000: (88, 104),  # 84 98
}


def chains(length: int, dtype: str) -> list[Source]:
    """The kernels of `softmax`, `log_sum_exp`, `layer_norm` and `variance`."""

    def record() -> None:
        operands = arrays(dtype, (4096, length), (length,), (length,))
        for program in (softmax, log_sum_exp, layer_norm, variance):
            xp.evaluate(program(*operands))

    found = [kernel for kernel in sources(record) if kernel.name == "gpuarray_reduction"]
    assert len(found) == 4
    return found


@pytest.mark.parametrize(("dtype", "architecture"), on_architectures(REALS))
@pytest.mark.parametrize("length", CHAINS)
def test_chains_along_rows(length: int, dtype: str, architecture: str) -> None:
    found = compile_all(chains(length, dtype), architecture)
    assert max(kernel.registers for kernel in found) <= CHAINS[length][REALS.index(dtype)]
    assert max(kernel.spilled for kernel in found) == 0


@pytest.mark.parametrize("length", [128, 1024, 4096, 16384])
def test_a_chain_reads_each_element_once_and_writes_it_once(length: int) -> None:
    for kernel, writes in zip(chains(length, "float32")[:2], (True, False), strict=True):
        text = ptx(kernel)
        loads = re.findall(r"\bld\.global\S*", text)
        stores = re.findall(r"\bst\.global\S*", text)
        # 16 bytes for each vector of a thread.
        assert {load.replace(".nc", "") for load in loads} == {"ld.global.v4.f32"}
        assert set(stores) == ({"st.global.v4.f32"} if writes else {"st.global.f32"})
        assert len(loads) == (8 if length == 16384 else 4)
        assert len(stores) == (len(loads) if writes else 1)


# Compaction


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_compaction(architecture: str) -> None:
    for bits in (False, True):
        found = resources(compaction.source(bits=bits), architecture)
        names = ("count", "count_bits", "offsets", "compact")
        assert found.keys() == {f"gpuarray_{name}" for name in names}
        assert max(kernel.registers for kernel in found.values()) <= COMPACTION
        assert max(kernel.spilled for kernel in found.values()) == 0


def test_a_mask_compiles_the_kernels_of_compaction() -> None:
    def record() -> None:
        x, mask = arrays("float32", (N,))[0], arrays("bool", (N,))[0]
        xp.evaluate(x[mask])

    assert [k.name for k in sources(record) if k.text == compaction.source()]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_kernels_of_bits(architecture: str) -> None:
    def record() -> None:
        for dtype in DTYPES:
            for shape in ((N,), (33, N // 32)):
                x, y = arrays(dtype, shape, shape)
                xp.nonzero(x != y)
                if np.dtype(dtype).kind not in "bc":
                    xp.nonzero((x < 3) & (xp.flip(y) > 2))

    found = [k for k in sources(record) if "reinterpret_cast<u32*>" in k.text]
    assert len(found) >= len(DTYPES)
    for taken in compile_all(found, architecture):
        assert taken.spilled == 0
        assert taken.registers <= 128


# How memory is read


@pytest.mark.parametrize("dtype", [d for d in DTYPES if np.dtype(d).itemsize < 16])
def test_contiguous_operands_move_16_bytes_at_once(dtype: str) -> None:
    def record() -> None:
        x, y = arrays(dtype, (N,), (N,))
        xp.evaluate(xp.where(x == y, x, y))

    text = ptx(sources(record)[-1])
    access = r"\b(ld|st)\.global(?:\.nc)?\.(?:v(\d)\.)?[busf](\d+)"
    moved = {(way, int(n or 1) * int(bits) // 8) for way, n, bits in re.findall(access, text)}
    assert {("ld", 16), ("st", 16)} <= moved
