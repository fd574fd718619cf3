"""`cumulative_sum`, `cumulative_prod` and `diff` against loops over exact numbers."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import gpuarray as xp
from gpuarray.dtypes import DTYPES

quick = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    # The device is the same for all examples of a test.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SHAPES = [(1,), (7,), (3, 5), (1, 4), (2, 3, 4), (2, 1, 3, 1, 5)]
SCANS: dict[str, tuple[Callable[[Any, Any], Any], int]] = {
    "cumulative_sum": (operator.add, 0),
    "cumulative_prod": (operator.mul, 1),
}
WIDE = {"b": np.dtype("int64"), "i": np.dtype("int64"), "u": np.dtype("uint64")}


def scanned(name: str, v: np.ndarray[Any, Any], axis: int, initial: bool) -> np.ndarray[Any, Any]:
    """In Python's numbers, then wrapped into the dtype of `v`."""
    step, first = SCANS[name]

    def row(elements: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        found = list(itertools.accumulate(elements.tolist(), step))
        found = [first, *found] if initial else found
        if v.dtype.kind in "iu":
            bits = 8 * v.itemsize
            low = -(1 << bits - 1) if v.dtype.kind == "i" else 0
            found = [(n - low) % (1 << bits) + low for n in found]
        return np.asarray(found, v.dtype)

    if v.shape[axis] == 0 or v.size == 0:
        shape = list(v.shape)
        shape[axis] += initial
        return np.full(shape, first, v.dtype)
    return np.apply_along_axis(row, axis, v)


def check(host: Any, x: xp.Array, v: np.ndarray[Any, Any], axis: int, **how: Any) -> None:
    dtype = np.dtype(how.get("dtype") or WIDE.get(v.dtype.kind, v.dtype))
    for name, initial in itertools.product(SCANS, (False, True)):
        found = getattr(xp, name)(x, axis=axis, include_initial=initial, **how)
        answer = scanned(name, v.astype(dtype), axis, initial)
        assert (found.dtype, found.shape) == (answer.dtype, answer.shape)
        np.testing.assert_array_equal(host(found), answer)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_axis_and_layout(device, host, shape):
    # Sums of small integers, and products of 1, -1 and 2, are exact in any order.
    v = np.asarray([1, -1, 2, 1.0])[np.arange(math.prod(shape)) * 37 % 23 % 4].reshape(shape)
    x = xp.asarray(v)
    wide = np.concat((v, -v), axis=-1)
    for axis in range(-v.ndim, v.ndim):
        check(host, x, v, axis)
        check(host, -x, -v, axis)
        check(host, xp.flip(x), np.flip(v), axis)
        check(host, xp.asarray(wide)[..., ::2], wide[..., ::2], axis)
        check(host, xp.broadcast_to(x, (2, *shape)), np.broadcast_to(v, (2, *shape)), axis)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_and_its_default_result(device, host, dtype):
    v = np.asarray([[1, 0, 1, 1], [2, 3, 1, 2], [1, 1, 2, 4]]).astype(dtype)
    check(host, xp.asarray(v), v, 1)
    check(host, xp.asarray(v), v, 0)
    x = xp.asarray(v)
    for wanted in DTYPES:
        if wanted.kind != "b" and (dtype.kind != "c" or wanted.kind == "c"):
            check(host, x, v, 1, dtype=wanted)


def test_small_integers_are_cast_before_they_are_added(device, host):
    v = np.full((2, 200), 120, np.int8)
    check(host, xp.asarray(v), v, 1, dtype=xp.int16)
    check(host, xp.asarray(v), v, 1, dtype=xp.int8)
    check(host, xp.asarray(v), v, 1)


@pytest.mark.parametrize("n", [1023, 4096, 10007])
def test_long_rows(device, host, n):
    v = np.random.default_rng(n).integers(-9, 9, (2, n))
    np.testing.assert_array_equal(
        host(xp.cumulative_sum(xp.asarray(v), axis=1)), np.cumsum(v, axis=1)
    )
    odd = 2 * v + 1
    np.testing.assert_array_equal(
        host(xp.cumulative_prod(xp.asarray(odd), axis=1)), np.cumprod(odd, axis=1)
    )


@pytest.mark.parametrize("dtype", [xp.float32, xp.float64, xp.complex64, xp.complex128], ids=str)
def test_rounding_stays_within_the_bound_of_a_sum(device, host, dtype):
    rng = np.random.default_rng(1)
    v = rng.standard_normal(3000).astype(dtype)
    if dtype.kind == "c":
        v += 1j * rng.standard_normal(3000).astype(dtype)
    exact = np.cumsum(v, dtype=np.result_type(dtype, np.float64))
    # Whatever the order: n roundings, each of at most eps times the sum of magnitudes so far.
    bound = 3000 * np.finfo(dtype).eps * np.cumsum(np.abs(v))
    assert (np.abs(host(xp.cumulative_sum(xp.asarray(v))) - exact) <= bound).all()


def test_special_values_are_those_of_repeated_addition(device, host):
    inf, nan = math.inf, math.nan
    x = xp.asarray([1.0, inf, 2.0, -inf, 3.0])
    np.testing.assert_array_equal(host(xp.cumulative_sum(x)), [1, inf, inf, nan, nan])
    x = xp.asarray([2.0, 0.0, inf, 3.0])
    np.testing.assert_array_equal(host(xp.cumulative_prod(x)), [2, 0, nan, nan])


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["bool", "float32", "uint8"])
def test_nothing_to_scan(device, host, shape, dtype):
    v = np.zeros(shape, dtype)
    for axis in range(-len(shape), len(shape)):
        check(host, xp.asarray(v), v, axis)


def test_the_axis_of_a_vector_may_be_left_out(device, host):
    x = xp.asarray([1, 2, 3])
    np.testing.assert_array_equal(host(xp.cumulative_sum(x)), [1, 3, 6])
    np.testing.assert_array_equal(host(xp.cumulative_prod(x, include_initial=True)), [1, 1, 2, 6])


@pytest.mark.parametrize("name", SCANS)
def test_what_scans_refuse(device, name):
    function = getattr(xp, name)
    x = xp.asarray([[1, 2], [3, 4]])
    for wrong in (x, xp.asarray(1)):
        with pytest.raises(ValueError, match=f"{name}: axis must be given for an array of"):
            function(wrong)
    with pytest.raises(IndexError, match=f"{name}: axis 2 is out of range"):
        function(x, axis=2)
    with pytest.raises(TypeError, match=f"{name}: dtype must be numeric, got bool"):
        function(x, axis=0, dtype=xp.bool)
    with pytest.raises(TypeError, match=f"{name}: cannot cast complex128 to float64"):
        function(x + 1j, axis=0, dtype=xp.float64)
    with pytest.raises(TypeError, match=f"{name}: needs a gpuarray array, got list"):
        function([1, 2])


# diff


def differences(v: np.ndarray[Any, Any], axis: int, n: int) -> np.ndarray[Any, Any]:
    for _ in range(n):
        count = max(v.shape[axis] - 1, 0)
        after, before = v.take(range(1, count + 1), axis), v.take(range(count), axis)
        v = after - before
    return v


def check_diff(host: Any, found: xp.Array, answer: np.ndarray[Any, Any]) -> None:
    assert (found.dtype, found.shape) == (answer.dtype, answer.shape)
    np.testing.assert_array_equal(host(found), answer)


@pytest.mark.parametrize("shape", [*SHAPES, (0,), (3, 0), (2, 0, 3)], ids=str)
def test_differences_along_every_axis(device, host, shape):
    v = (np.arange(math.prod(shape)) * 37 % 23).reshape(shape)
    x = xp.asarray(v)
    for axis, n in itertools.product(range(-v.ndim, v.ndim), (0, 1, 2, 5, 40)):
        check_diff(host, xp.diff(x, axis=axis, n=n), differences(v, axis, n))
        check_diff(host, xp.diff(x * 2, axis=axis, n=n), differences(v * 2, axis, n))
    check_diff(host, xp.diff(x), differences(v, -1, 1))


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.kind != "b"], ids=str)
def test_differences_of_every_dtype(device, host, dtype):
    v = np.asarray([[5, 1, 7, 7], [0, 3, 2, 9]]).astype(dtype)
    for axis, n in itertools.product((0, 1), (1, 2)):
        check_diff(host, xp.diff(xp.asarray(v), axis=axis, n=n), differences(v, axis, n))


@quick
@given(data=st.data())
def test_differences_with_what_stands_before_and_after(device, host, data):
    shape = data.draw(nps.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    parts: dict[str, Any] = {}
    for name in ("prepend", "x", "append"):
        extents = list(shape)
        extents[axis] = data.draw(st.integers(0, 3))
        if name == "x" or data.draw(st.booleans()):
            dtype = data.draw(st.sampled_from(["int64", "int8", "float64"]))
            elements = st.integers(-9, 9)
            parts[name] = data.draw(nps.arrays(dtype, tuple(extents), elements=elements))
    n = data.draw(st.integers(0, 4))
    arrays = {name: xp.asarray(v) for name, v in parts.items()}
    found = xp.diff(arrays.pop("x"), axis=axis, n=n, **arrays)
    check_diff(host, found, differences(np.concat(list(parts.values()), axis=axis), axis, n))


def test_what_diff_refuses(device):
    x = xp.asarray([[1, 2], [3, 4]])
    refused: list[Any] = [
        (TypeError, "diff: needs a gpuarray array, got list", [[1]], {}),
        (TypeError, "diff: x must be numeric, got bool", [x > 1], {}),
        (TypeError, "diff: append must be numeric, got bool", [x], {"append": x > 1}),
        (TypeError, "diff: prepend must be a gpuarray array, got int", [x], {"prepend": 0}),
        (ValueError, "diff: prepend of shape", [x], {"prepend": xp.zeros((3, 1))}),
        (ValueError, "diff: append of shape", [x], {"append": xp.zeros(2)}),
        (ValueError, "diff: n must not be negative", [x], {"n": -1}),
        (TypeError, "diff: n must be an integer", [x], {"n": 1.0}),
        (IndexError, "diff: axis 2 is out of range", [x], {"axis": 2}),
        (IndexError, "diff: axis -1 is out of range", [xp.asarray(1)], {}),
    ]
    for error, message, arguments, how in refused:
        with pytest.raises(error, match=message):
            xp.diff(*arguments, **how)


def test_an_array_without_differences_is_a_value_of_its_own(device, host):
    x = xp.asarray([1, 2])
    y = xp.diff(x, n=0)
    x[0] = 9
    np.testing.assert_array_equal(host(y), [1, 2])
