"""Chains of reductions and elementwise work along rows are one kernel, with NumPy's values.

The references are NumPy's, in float64 (complex128). Each row is read once and each result written
once, whatever the length of a row; the counts of kernels say so, the bytes that are stored, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpuarray as xp
from gpuarray.graph import flush, limits
from gpuarray_cuda import executor

from .observer import Observer, observing
from .test_programs import WANTED

Arrays = tuple[np.ndarray[Any, Any], ...]

LENGTHS = (1, 2, 3, 4, 5, 31, 32, 33, 127, 128, 129, 1000, 1024, 4096, 5000, 20000)
# For the registers of a block, its shared memory, and neither.
LENGTHS += (33000, 50001, 100000)


def softmax(ns: Any, x: Any) -> Any:
    e = ns.exp(x - ns.max(x, axis=-1, keepdims=True))
    return e / ns.sum(e, axis=-1, keepdims=True)


def log_sum_exp(ns: Any, x: Any) -> Any:
    largest = ns.max(x, axis=-1, keepdims=True)
    return ns.log(ns.sum(ns.exp(x - largest), axis=-1)) + largest[..., 0]


def layer_norm(ns: Any, x: Any, w: Any, b: Any) -> Any:
    mean, var = ns.mean(x, axis=-1, keepdims=True), ns.var(x, axis=-1, keepdims=True)
    return (x - mean) / ns.sqrt(var + 1e-5) * w + b


def layer_norm_by_hand(ns: Any, x: Any, w: Any, b: Any) -> Any:
    d = x - ns.mean(x, axis=-1)[:, None]
    return d / ns.sqrt(ns.mean(d * d, axis=-1)[:, None] + 1e-5) * w + b


def normalised(ns: Any, x: Any) -> Any:
    return x / ns.sqrt(ns.sum(x * x, axis=-1, keepdims=True))


def centred(ns: Any, x: Any) -> Any:
    return x - ns.mean(x, axis=-1, keepdims=True)


def variance_in_two_passes(ns: Any, x: Any) -> Any:
    return ns.mean((x - ns.mean(x, axis=-1, keepdims=True)) ** 2, axis=-1)


def standardised(ns: Any, x: Any) -> Any:
    return (x - ns.mean(x, axis=-1, keepdims=True)) / ns.std(x, axis=-1, keepdims=True)


PROGRAMS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        *(softmax, log_sum_exp, layer_norm, layer_norm_by_hand, normalised, centred),
        *(variance_in_two_passes, standardised),
    )
}


def operands(program: Callable[..., Any], shape: tuple[int, ...], dtype: str) -> Arrays:
    rng = np.random.default_rng(sum(shape))
    x = rng.normal(size=shape).astype(dtype)
    if program in (layer_norm, layer_norm_by_hand):
        return x, *(rng.normal(size=shape[-1]).astype(dtype) for _ in range(2))
    return (x,)


def run(device: str, program: Callable[..., Any], arrays: Arrays) -> tuple[list[Any], Observer]:
    """The results, as NumPy arrays, and what was seen while they were computed."""
    given = [xp.asarray(v, device=device) for v in arrays]
    with observing() as seen:
        found = program(xp, *given)
        found = found if isinstance(found, tuple) else (found,)
        xp.evaluate(*found)
    return [np.asarray(x.to_device("cpu")) for x in found], seen


def check(device: str, program: Callable[..., Any], arrays: Arrays, rtol: float = 1e-12) -> int:
    """Compare with NumPy's float64, to `rtol` of the largest value; the number of kernels."""
    found, seen = run(device, program, arrays)
    wide = [v.astype(np.result_type(v.dtype, np.float64)) for v in arrays]
    with np.errstate(all="ignore"):
        expected = program(np, *wide)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(found) == len(expected)
    for x, value in zip(found, expected, strict=True):
        scale = max(float(np.nanmax(np.abs(value))), 1.0) if value.size else 1.0
        np.testing.assert_allclose(x, value, rtol=rtol, atol=rtol * scale)
    return seen.tasks


# Every length


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_chain_along_rows_is_one_kernel(device, monkeypatch, name, length):
    monkeypatch.setattr(limits, "LONG_ROWS", 1)
    program = PROGRAMS[name]
    if length == 1 and name == "standardised":
        pytest.skip("0 / 0")
    rows = 3 if length > 5000 else 5 if length > 129 else 300
    tasks = check(device, program, operands(program, (rows, length), "float64"), 1e-11)
    # A row of one element is no row.
    assert tasks == 1 or length == 1


@pytest.mark.parametrize("length", [1, 4, 33, 128, 1000, 4096, 5000, 20000, 33000, 50001, 100000])
@pytest.mark.parametrize("name", ["softmax", "log_sum_exp", "layer_norm"])
def test_a_chain_of_float32(device, monkeypatch, name, length):
    monkeypatch.setattr(limits, "LONG_ROWS", 1)
    program = PROGRAMS[name]
    # Sums of n terms lose half of the digits of n: 1e5 terms of 6e-8 each leave far less than this.
    tasks = check(device, program, operands(program, (3, length), "float32"), 1e-5)
    assert tasks == 1 or length == 1


@pytest.mark.parametrize("length", [1, 3, 100, 1001, 4096, 16384, 20000])
def test_variance_is_exact_to_rounding_where_the_mean_is_large(device, length):
    x = (np.random.default_rng(length).normal(size=(3, length)) + 1e4).astype("float32")
    wide = x.astype("float64")
    found, seen = run(device, lambda ns, x: ns.var(x, axis=1), (x,))
    # The mean is rounded to 1e4 * 6e-8, whose square adds to the variance, and so do roundings.
    np.testing.assert_allclose(found[0], wide.var(axis=1), rtol=1e-4, atol=1e-5)
    assert seen.tasks == 1


def test_variance_does_not_overflow_where_no_deviation_does(device):
    x = np.full((4, 1000), 3e38, "float32")
    np.testing.assert_array_equal(run(device, lambda ns, x: ns.var(x, axis=1), (x,))[0][0], 0)


def test_few_long_rows_are_shared_by_blocks(device):
    x = np.random.default_rng(1).normal(size=(2, 100000))
    assert check(device, softmax, (x,), 1e-11) > 1


# What is held, and other results


def several(ns: Any, x: Any) -> Any:
    largest = ns.max(x, axis=-1, keepdims=True)
    e = ns.exp(x - largest)
    total = ns.sum(e, axis=-1)
    return e / total[:, None], e, largest, total, ns.argmax(x, axis=-1), ns.sum(x, axis=-1)


@pytest.mark.parametrize("shape", [(40, 7), (20, 128), (3, 5000)])
def test_several_results_are_one_kernel(device, shape):
    x = np.random.default_rng(2).normal(size=shape)
    assert check(device, several, (x,)) == 1


def of_several_sizes(ns: Any, x: Any) -> Any:
    d = ns.astype(x, ns.float64) - ns.mean(x, axis=-1, keepdims=True)
    above = d > 0
    squares = ns.where(above, d * d, ns.astype(x, ns.float64))
    scaled = squares / ns.sum(squares * squares, axis=-1, keepdims=True)
    count = ns.sum(ns.astype(above, ns.int32), axis=-1, keepdims=True)
    return ns.where(above, scaled * ns.astype(count, ns.float64), ns.astype(x, ns.float64))


@pytest.mark.parametrize(
    ("program", "dtype", "length", "place"),
    [
        (softmax, "float32", 32768, "held"),
        (softmax, "float32", 33000, "shared"),
        (softmax, "float32", 56001, "shared"),
        (softmax, "float32", 56080, ""),
        (softmax, "float64", 20000, "shared"),
        (standardised, "float32", 40000, "shared"),
        (of_several_sizes, "float32", 9001, "shared"),
        (of_several_sizes, "float32", 10000, "shared"),
    ],
)
def test_rows_are_in_registers_or_in_shared_memory_or_read_again(
    device, monkeypatch, program, dtype, length, place
):
    monkeypatch.setattr(limits, "LONG_ROWS", 1)
    shapes = []
    choose = executor.reduction_shape

    def chosen(step: Any, *given: int) -> Any:
        # Of an H200, whose blocks may have 227 KiB.
        shapes.append(choose(step, given[0], 227 << 10) if given[1] >= 227 << 10 else None)
        return shapes[-1] or choose(step, *given)

    monkeypatch.setattr(executor, "reduction_shape", chosen)
    flush.forget_plans()
    assert check(device, program, operands(program, (3, length), dtype), 1e-5) == 1
    flush.forget_plans()
    for shape in filter(None, shapes):
        assert (shape.held, shape.shared) == (place == "held", place == "shared")
    assert bool(shapes) == device.startswith("cuda")


def test_what_is_held_is_stored_once_and_nothing_else(device):
    v = np.random.default_rng(3).normal(size=(30, 50))
    x = xp.asarray(v, device=device)
    with observing() as seen:
        mean = xp.mean(x, axis=1)
        view = mean[:, None]
        d = x - view
        result = d / xp.sqrt(xp.mean(d * d, axis=1, keepdims=True))
        xp.evaluate(result)
        assert seen.tasks == 1
        assert sorted(seen.stored) == [30 * 8, 30 * 50 * 8, 30 * 50 * 8]
        xp.evaluate(mean, view, d)
    assert seen.tasks == 1
    expected = v - v.mean(axis=1)[:, None]
    np.testing.assert_allclose(np.asarray(d.to_device("cpu")), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        np.asarray(view.to_device("cpu")), v.mean(axis=1)[:, None], rtol=1e-12, atol=1e-14
    )


def test_a_held_input_of_a_chain_is_one_of_its_results(device):
    def program(ns: Any, x: Any) -> Any:
        scaled = ns.exp(x * 0.5 + 1)
        return scaled, scaled / ns.sum(scaled, axis=1, keepdims=True)

    v = np.random.default_rng(4).normal(size=(30, 50))
    assert check(device, program, (v,)) == 1


def test_a_row_that_is_repeated_along_itself_is_stored_whole(device):
    def program(ns: Any, x: Any) -> Any:
        mean = ns.mean(x, axis=1, keepdims=True)
        return ns.broadcast_to(mean, x.shape), (x - mean) * 2

    check(device, program, (np.random.default_rng(5).normal(size=(30, 50)),))


OTHERS: dict[str, tuple[int, Callable[..., Any], tuple[int, ...]]] = {
    "slices": (1, lambda ns, x: softmax(ns, x[1:, 3:-1]), (20, 50)),
    "steps": (1, lambda ns, x: softmax(ns, x[::2, ::3]), (20, 90)),
    "backwards": (1, lambda ns, x: softmax(ns, ns.flip(x, axis=1)), (20, 50)),
    "another order of the same rows": (
        1,
        lambda ns, x: ns.flip(x, axis=1) - ns.mean(x, axis=1, keepdims=True),
        (20, 50),
    ),
    "a broadcast input": (1, lambda ns, x: softmax(ns, x[:, None, :] + x), (9, 40)),
    "three dimensions": (1, lambda ns, x: softmax(ns, x * 2), (4, 5, 64)),
    "two axes": (
        1,
        lambda ns, x: x - ns.mean(x * x, axis=(1, 2), keepdims=True),
        (4, 5, 6),
    ),
    "two axes that are no one": (
        1,
        lambda ns, x: (lambda y: y / ns.sum(y, axis=(1, 2), keepdims=True))(ns.exp(x[:, 1:, :8])),
        (4, 5, 16),
    ),
    "a column of weights": (
        1,
        lambda ns, x: softmax(ns, x * x[:, :1]) * x[:, 1:2],
        (20, 50),
    ),
    "a concatenation": (1, lambda ns, x: softmax(ns, ns.concat([x, x * 2], axis=1)), (20, 50)),
    "twice": (1, lambda ns, x: softmax(ns, softmax(ns, x) * 3), (20, 50)),
    "a select": (1, lambda ns, x: softmax(ns, ns.where(x > 0, x, -3.0)), (20, 50)),
    "a vector": (1, lambda ns, x: x / ns.sum(ns.abs(x)), (1000,)),
    "what follows reads other points": (2, lambda ns, x: softmax(ns, x)[:, ::2] + 1, (20, 50)),
    "other rows": (
        2,
        lambda ns, x: x - ns.flip(ns.max(x, axis=1, keepdims=True), axis=0),
        (20, 50),
    ),
    "rows of other rows": (
        2,
        lambda ns, x: x[1:] - ns.max(x, axis=1, keepdims=True)[:-1],
        (20, 50),
    ),
    "both axes": (
        4,
        lambda ns, x: (lambda d: d / ns.std(d, axis=0))(x - ns.mean(x, axis=1, keepdims=True)),
        (20, 50),
    ),
    "columns": (2, lambda ns, x: x - ns.mean(x, axis=0), (20, 20)),
    "rows taken for columns": (
        2,
        lambda ns, x: x - ns.mean(x, axis=1),
        (20, 20),
    ),
    "transposed": (4, lambda ns, x: softmax(ns, ns.permute_dims(x, (1, 0))), (20, 50)),
    "nothing": (0, lambda ns, x: x - ns.sum(x, axis=1, keepdims=True), (0, 5)),
    "empty rows": (1, lambda ns, x: x - ns.sum(x, axis=1, keepdims=True), (5, 0)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_stands_around_a_chain(device, name):
    most, program, shape = OTHERS[name]
    v = np.random.default_rng(6).normal(size=shape)
    assert check(device, program, (v,)) <= most


def test_an_update_with_a_chain_of_its_own_base(device, host):
    v = np.random.default_rng(7).normal(size=(20, 50))
    x = xp.asarray(v, device=device)
    x[:, 10:] = softmax(xp, x[:, 10:])
    x -= xp.mean(x, axis=1, keepdims=True)
    v = v.copy()
    v[:, 10:] = softmax(np, v[:, 10:])
    v -= v.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(host(x), v, rtol=1e-12, atol=1e-14)


def test_a_chain_that_is_too_long_for_a_kernel_is_divided(device, host):
    v = np.random.default_rng(8).normal(size=(4, 30))
    arrays = [v + k for k in range(30)]
    x, e = [xp.asarray(a, device=device) for a in arrays], list(arrays)
    for values, ns in ((x, xp), (e, np)):
        total = softmax(ns, values[0])
        for a in values[1:]:
            total = total + a * ns.max(a, axis=1, keepdims=True)
        values.append(total)
    np.testing.assert_allclose(host(x[-1]), e[-1], rtol=1e-12)


# dtypes and special values


@pytest.mark.parametrize("length", [5, 64, 1000])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
def test_integers(device, dtype, length):
    def program(ns: Any, x: Any) -> Any:
        largest = ns.max(x, axis=1, keepdims=True)
        return largest - x, x == largest, ns.sum(ns.astype(x == largest, x.dtype), axis=1)

    v = np.random.default_rng(9).integers(0, 100, size=(7, length)).astype(dtype)
    found, seen = run(device, program, (v,))
    for x, expected in zip(found, program(np, v), strict=True):
        np.testing.assert_array_equal(x, expected)
    assert seen.tasks == 1
    assert check(device, centred, (v,)) == 1


@pytest.mark.parametrize("length", [5, 64, 1000])
def test_bools(device, length):
    def program(ns: Any, x: Any) -> Any:
        return x & ~ns.all(x, axis=1, keepdims=True), x | ns.any(x, axis=1, keepdims=True)

    v = np.random.default_rng(10).integers(0, 2, size=(7, length)).astype(bool)
    v[2] = True
    v[3] = False
    found, seen = run(device, program, (v,))
    for x, expected in zip(found, program(np, v), strict=True):
        np.testing.assert_array_equal(x, expected)
    assert seen.tasks == 1


@pytest.mark.parametrize(("dtype", "rtol"), [("complex64", 1e-5), ("complex128", 1e-12)])
@pytest.mark.parametrize("length", [5, 64, 1000])
def test_complex_numbers(device, dtype, rtol, length):
    def program(ns: Any, x: Any) -> Any:
        d = x - ns.mean(x, axis=1, keepdims=True)
        return d / ns.sqrt(ns.sum(ns.real(d * ns.conj(d)), axis=1, keepdims=True))

    rng = np.random.default_rng(11)
    v = (rng.normal(size=(7, length)) + 1j * rng.normal(size=(7, length))).astype(dtype)
    assert check(device, program, (v,), rtol) == 1


@pytest.mark.parametrize("length", [4, 33, 1000])
def test_nan_and_infinities_stay_in_their_rows(device, length):
    v = np.random.default_rng(12).normal(size=(6, length))
    v[0, 1], v[1, 2], v[2, 3], v[3, :2] = np.nan, np.inf, -np.inf, [np.inf, -np.inf]
    for program in (softmax, log_sum_exp, standardised, normalised):
        assert check(device, program, (v,)) == 1


@pytest.mark.parametrize("length", [3, 64, 129, 1000, 4096])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_chain_gives_the_bits_of_its_parts(device, dtype, length):
    v = np.random.default_rng(13).normal(size=(9, length)).astype(dtype)
    x = xp.asarray(v, device=device)
    fused = softmax(xp, x)
    xp.evaluate(fused)
    largest = xp.max(x, axis=-1, keepdims=True)
    xp.evaluate(largest)
    e = xp.exp(x - largest)
    xp.evaluate(e)
    total = xp.sum(e, axis=-1, keepdims=True)
    xp.evaluate(total)
    one_by_one = e / total
    np.testing.assert_array_equal(*(np.asarray(a.to_device("cpu")) for a in (fused, one_by_one)))


# Random chains

UNARY = ("sin", "abs", "flip", "next row")
BINARY = ("add", "subtract", "maximum", "product")
FOLDED = ("mean", "max", "min", "var")


def step(ns: Any, kind: str, x: Any, y: Any) -> Any:
    """One operation; values stay within a few units."""
    if kind in FOLDED:
        return getattr(ns, kind)(x, axis=1, keepdims=True)
    if kind == "flip":
        return ns.flip(x, axis=1)
    if kind == "next row":
        return ns.roll(x, 1, axis=0)
    if kind == "product":
        return x * y * 0.25
    return getattr(ns, kind)(x, y) if kind in BINARY else getattr(ns, kind)(x)


Steps = list[tuple[str, int, int]]


@st.composite
def chains(draw: st.DrawFn) -> tuple[tuple[int, int], Steps, set[int]]:
    """A shape; steps of (operation, the values that it takes); the values that are held."""
    shape = (draw(st.integers(2, 9)), draw(st.sampled_from([2, 3, 4, 8, 20, 33, 64, 200])))
    count = draw(st.integers(3, 14))
    steps = []
    for k in range(count):
        kinds = draw(st.sampled_from((UNARY, BINARY, BINARY, FOLDED)))
        # Rather what was made last, so that what is made is used.
        operands = [k - min(draw(st.integers(0, 3)), k) for _ in range(2)]
        steps.append((draw(st.sampled_from(kinds)), *operands))
    held = draw(st.sets(st.integers(1, count), max_size=3)) | {count}
    return shape, steps, held


def values_of(ns: Any, x: Any, steps: Steps, held: set[int]) -> list[Any]:
    made = [x]
    for kind, a, b in steps:
        made.append(step(ns, kind, made[a], made[b]))
    return [v for k, v in enumerate(made) if k in held]


@pytest.mark.parametrize("device", ["cpu", "cuda:0"], indirect=True)
@given(chain=chains())
@settings(
    max_examples=WANTED or 60,
    derandomize=not WANTED,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_random_chains_have_numpys_values(device, chain):
    shape, steps, held = chain
    v = np.random.default_rng(14).uniform(-1.5, 1.5, shape)
    found = values_of(xp, xp.asarray(v, device=device), steps, held)
    xp.evaluate(*found)
    for x, expected in zip(found, values_of(np, v, steps, held), strict=True):
        actual = np.asarray(x.to_device("cpu"))
        np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-11)
