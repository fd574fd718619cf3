"""Reductions of broadcast operands, whose threads have several results, with NumPy's values.

The references are NumPy's, in float64 (complex128). On CUDA each result has the bits that it has
where a thread has one result alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from benchmarks.programs import forces
from gpuarray.graph import flush
from gpuarray_cuda import executor, reduction_blocks, reduction_shapes
from gpuarray_cuda.codegen.reduction import BlockShape

from .observer import observing

Arrays = list[np.ndarray[Any, Any]]
Program = Callable[..., Any]

COMPLEX = ("complex64", "complex128")
# Multiples of what threads and blocks have of results and points, and what is none.
SIZES = ((128, 128, 64), (130, 97, 64), (65, 300, 50), (97, 101, 3), (40, 120, 1000), (33, 47, 1))


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the CUDA backend makes of each reduction; small arrays get blocks here as large ones."""
    found: list[Any] = []
    monkeypatch.setattr(reduction_blocks, "_BLOCKS", 0)
    choose = reduction_shapes.reduction_shape

    def chosen(step: Any, _: int, shared: int) -> Any:
        # As an H200 has; a simulated device has fewer, and splits fewer rows over blocks.
        found.append(choose(step, 132, shared))
        return found[-1]

    monkeypatch.setattr(executor, "reduction_shape", chosen)
    # A plan keeps the kernels that were chosen for it.
    flush.forget_plans()
    yield found
    flush.forget_plans()


def has_several(shape: Any) -> bool:
    """Whether a thread has several results."""
    return isinstance(shape, BlockShape) or getattr(shape, "several", 1) > 1


def operands(dtype: str, *shapes: tuple[int, ...]) -> Arrays:
    rng = np.random.default_rng(sum(map(sum, shapes)))
    kind = np.dtype(dtype).kind
    made = []
    for shape in shapes:
        if kind == "b":
            made.append(rng.random(shape) < 0.5)
        elif kind in "iu":
            made.append(rng.integers(0 if kind == "u" else -5, 6, shape).astype(dtype))
        else:
            x = rng.normal(size=shape)
            made.append((x + 1j * rng.normal(size=shape) if kind == "c" else x).astype(dtype))
    return made


def run(device: str, program: Program, arrays: Arrays) -> list[np.ndarray[Any, Any]]:
    given = [xp.asarray(x, device=device) for x in arrays]
    with observing() as seen:
        found = program(xp, *given)
        found = found if isinstance(found, tuple) else (found,)
        xp.evaluate(*found)
    # Never materialised.
    assert seen.tasks == 1
    return [np.asarray(x.to_device("cpu")) for x in found]


def check(device: str, program: Program, arrays: Arrays) -> None:
    """Compare with NumPy, to a few roundings of the largest value; bit for bit without blocks."""
    found = run(device, program, arrays)
    wide = [x.astype(np.result_type(x, np.float64)) if x.dtype.kind in "fc" else x for x in arrays]
    with np.errstate(all="ignore"):
        expected = program(np, *wide)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for x, value in zip(found, expected, strict=True):
        assert x.shape == value.shape
        if x.dtype.kind not in "fc":
            np.testing.assert_array_equal(x, value)
            continue
        # The sums have up to 1000 terms, added in a tree: 10 roundings, and some for the terms.
        tolerance = 40 * float(np.finfo(x.dtype).eps)
        largest = max(float(np.max(np.abs(value), initial=0)), 1e-30)
        np.testing.assert_allclose(x, value, rtol=0, atol=tolerance * largest)


def pairwise(ns: Any, a: Any, b: Any) -> Any:
    return ns.sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1)


def outer(ns: Any, a: Any, b: Any) -> Any:
    return ns.sum(a[:, :, None] * b[:, None, :], axis=0)


# Values


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64", *COMPLEX, "int8", "int32", "uint64"])
def test_pairwise_distances(device, made, dtype, size):
    n, m, length = size
    check(device, pairwise, operands(dtype, (n, length), (m, length)))
    # int8 is folded 64 at a time, which are too many to keep.
    assert device == "cpu" or length == 1 or dtype == "int8" or has_several(*made)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int8", "int32"])
def test_outer_products(device, made, dtype, size):
    n, m, length = size
    check(device, outer, operands(dtype, (length, n), (length, m)))
    assert device == "cpu" or length == 1 or dtype == "int8" or has_several(*made)


@pytest.mark.parametrize("count", [100, 1000, 1030])
def test_forces_of_bodies(device, made, count):
    check(device, forces, operands("float32", *[(count,)] * 4))
    assert device == "cpu" or made[0].axes == (0,)


FOLDS: dict[str, tuple[Program, str]] = {
    "sum": (lambda ns, x: ns.sum(x, axis=-1), "float32"),
    "prod": (lambda ns, x: ns.prod(1 + x / 64, axis=-1), "float64"),
    "max": (lambda ns, x: ns.max(x, axis=-1), "float32"),
    "min": (lambda ns, x: ns.min(x, axis=-1), "int32"),
    "any": (lambda ns, x: ns.any(x > 4, axis=-1), "float32"),
    "all": (lambda ns, x: ns.all(x > -4, axis=-1), "float64"),
    "mean": (lambda ns, x: ns.mean(x, axis=-1), "float32"),
    "argmax": (lambda ns, x: ns.argmax(x, axis=-1), "float32"),
    "argmin": (lambda ns, x: ns.argmin(x, axis=-1), "int32"),
    "count": (lambda ns, x: ns.count_nonzero(x > 0, axis=-1), "float32"),
    "var": (lambda ns, x: ns.var(x, axis=-1), "float64"),
}


ONE_RESULT = ("any", "all", "argmax", "argmin", "var")


@pytest.mark.parametrize("length", [5, 64, 300])
@pytest.mark.parametrize("name", FOLDS)
def test_every_fold(device, made, name, length):
    fold, dtype = FOLDS[name]

    def program(ns: Any, a: Any, b: Any) -> Any:
        return fold(ns, a[:, None, :] - b[None, :, :])

    check(device, program, operands(dtype, (70, length), (66, length)))
    assert device == "cpu" or has_several(*made) == (name not in ONE_RESULT)


def weighted(ns: Any, w: Any, a: Any, b: Any, c: Any) -> Any:
    return ns.sum(w * (a[:, None, :] - b[None, :, :]) * c, axis=-1)


PATTERNS: dict[str, tuple[Program, tuple[tuple[int, ...], ...]]] = {
    "in batches": (
        lambda ns, a, b: ns.sum(abs(a[:, :, None, :] - b[:, None, :, :]), axis=-1),
        ((3, 70, 16), (3, 66, 16)),
    ),
    "three operands": (
        lambda ns, a, b, c: ns.max(a[:, None, None] + b[None, :, None] * c[None, None, :], axis=-1),
        ((5, 16), (60, 16), (66, 16)),
    ),
    "one operand for all results": (
        lambda ns, a, b, c: ns.sum((a[:, None] - b[None, :]) ** 2 * c, axis=-1),
        ((80, 40), (70, 40), (40,)),
    ),
    "an operand of each result": (
        lambda ns, a, b, c: ns.sum((a[:, None] - b[None, :]) * c[:, :, None], axis=-1),
        ((80, 40), (70, 40), (80, 70)),
    ),
    "an operand that is read at each point": (weighted, ((66, 70, 16), (66, 16), (70, 16), (16,))),
    "two reduced axes": (
        lambda ns, a, b: ns.sum((a[:, None] - b[None, :]) ** 2, axis=(-2, -1)),
        ((66, 5, 16), (70, 5, 16)),
    ),
    "two reduced axes apart": (
        lambda ns, a, b: ns.sum(a[:, :, None, :] * b[None, :, :, :], axis=(1, 3)),
        ((66, 5, 16), (5, 70, 16)),
    ),
    "a product of matrices": (
        lambda ns, a, b: ns.sum(a[:, :, None] * b[None, :, :], axis=1),
        ((70, 40), (40, 132)),
    ),
    "uneven rows of a product of matrices": (
        lambda ns, a, b: ns.sum(a[:, :, None] * b[None, :, :], axis=1),
        ((70, 41), (41, 131)),
    ),
    "work before and after": (
        lambda ns, a, b: ns.exp(
            -ns.sum((ns.exp(a[:, None]) - ns.sqrt(abs(b))[None]) ** 2, axis=-1) / 64
        ),
        ((70, 24), (66, 24)),
    ),
    "results that others follow": (
        lambda ns, a, b, c: ns.sqrt(ns.sum((a[:, None] - b[None]) ** 2, axis=-1)) + c[None, :],
        ((70, 24), (66, 24), (66,)),
    ),
    "several results": (
        lambda ns, a, b: (
            ns.sum(a[:, None] * b[None], axis=-1),
            ns.max(a[:, None] + b[None], axis=-1),
        ),
        ((70, 24), (66, 24)),
    ),
    "slices": (
        lambda ns, a, b: ns.sum((a[::2, None, 1:] - b[None, ::-1, :-1]) ** 2, axis=-1),
        ((140, 25), (66, 25)),
    ),
    "joined": (
        lambda ns, a, b: ns.sum(
            abs(ns.concatenate([a, a])[:, None] - b[None])
            if ns is np
            else abs(ns.concat([a, a])[:, None] - b[None]),
            axis=-1,
        ),
        ((35, 24), (66, 24)),
    ),
    "long rows": (
        lambda ns, a, b: ns.sum((a[:, None] - b[None]) ** 2, axis=-1) / 64,
        ((34, 9001), (9, 9001)),
    ),
    "long rows of vectors": (
        lambda ns, a, b: ns.sum((a[:, None] - b[None]) ** 2, axis=-1) / 64,
        ((34, 9004), (9, 9004)),
    ),
    "few long rows": (
        lambda ns, a, b: ns.sum(a[:, None] * b[None], axis=-1) / 64,
        ((8, 40001), (3, 40001)),
    ),
    "strided rows": (
        lambda ns, a, b: ns.sum(abs(a[:, None, ::2] - b[None, :, 1::2]), axis=-1),
        ((66, 40), (70, 40)),
    ),
    "few long columns": (
        lambda ns, a, b: ns.sum(a[:, :, None] * b[:, None, :], axis=0) / 64,
        ((5000, 17), (5000, 128)),
    ),
    "one result": (lambda ns, a, b: ns.sum((a - b) ** 2, axis=-1), ((40,), (40,))),
    "no results": (lambda ns, a, b: ns.sum(a[:, None] * b[None], axis=-1), ((0, 5), (66, 5))),
    "results of nothing": (
        lambda ns, a, b: ns.sum(a[:, None] * b[None], axis=-1),
        ((66, 0), (70, 0)),
    ),
}


# Too few results, nothing to fold, or rows that a few threads do not hold.
ALONE = (
    "one result",
    "results of nothing",
    "long rows",
    "long rows of vectors",
    "few long rows",
    "strided rows",
)
# Parts of these are folded in blocks of their own, which are fewer and longer, or more.
SPLIT = ("few long rows", "few long columns")


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("name", PATTERNS)
def test_patterns(device, made, name, dtype):
    program, shapes = PATTERNS[name]
    if dtype in COMPLEX and name in ("three operands", "several results"):
        pytest.skip("complex numbers have no order")
    arrays = operands(dtype, *shapes)
    if name == "no results":
        assert program(xp, *(xp.asarray(x, device=device) for x in arrays)).shape == (0, 66)
        return
    check(device, program, arrays)
    assert device == "cpu" or any(map(has_several, made)) == (name not in ALONE)
    assert any(getattr(shape, "split", False) for shape in made) == (name in SPLIT and made != [])


# Bits


@pytest.mark.parametrize(
    "name", ["pairwise", "outer", "forces", *sorted(set(PATTERNS) - set(SPLIT))]
)
def test_no_bit_depends_on_how_many_results_a_thread_has(device, made, monkeypatch, name):
    if name == "no results":
        pytest.skip("nothing to compare")
    given = {
        "pairwise": (pairwise, ((130, 50), (97, 50))),
        "outer": (outer, ((50, 130), (50, 97))),
        "forces": (forces, ((300,),) * 4),
    }
    program, shapes = given[name] if name in given else PATTERNS[name]
    arrays = operands("float32", *shapes)
    found = run(device, program, arrays)
    flush.forget_plans()
    monkeypatch.setattr(reduction_shapes, "block_shape", lambda *given: None)
    monkeypatch.setattr(reduction_shapes, "column_blocks", lambda step, shape, count: shape)
    for x, y in zip(found, run(device, program, arrays), strict=True):
        assert x.tobytes() == y.tobytes()
