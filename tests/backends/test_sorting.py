"""`sort` and `argsort` against Python's own sorting, of every dtype, along every axis."""

from __future__ import annotations

import itertools
import math
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
SORTABLE = [d for d in DTYPES if d.kind != "c"]
SHAPES = [(1,), (7,), (3, 5), (1, 4), (2, 3, 4), (2, 1, 3, 1, 5)]


def values(shape: tuple[int, ...], dtype: Any = "f8") -> np.ndarray[Any, Any]:
    """Numbers out of order, with equal ones among them."""
    v = np.arange(math.prod(shape)) * 37 % 23 % 11
    return (v - 5 * (np.dtype(dtype).kind not in "bu")).reshape(shape).astype(dtype)


def key(value: Any) -> tuple[bool, Any]:
    """NaNs are equal, and above all numbers."""
    return (True, 0) if value != value else (False, value)


def positions(row: np.ndarray[Any, Any], descending: bool) -> list[int]:
    # Python's sort is stable, with `reverse` too.
    return sorted(range(len(row)), key=lambda i: key(row[i]), reverse=descending)


def expected(v: np.ndarray[Any, Any], axis: int, descending: bool) -> np.ndarray[Any, Any]:
    return np.apply_along_axis(lambda row: positions(row, descending), axis, v)


def check(device: str, host: Any, x: xp.Array, v: np.ndarray[Any, Any], axis: int) -> None:
    for descending, stable in itertools.product((False, True), repeat=2):
        how: dict[str, Any] = {"axis": axis, "descending": descending, "stable": stable}
        order = expected(v, axis, descending)
        found = xp.argsort(x, **how)
        assert (found.dtype, str(found.device)) == (xp.int64, device)
        np.testing.assert_array_equal(host(found), order)
        found = xp.sort(x, **how)
        assert (found.dtype, found.shape) == (v.dtype, v.shape)
        np.testing.assert_array_equal(host(found), np.take_along_axis(v, order, axis))
    np.testing.assert_array_equal(host(x), v)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_axis_and_layout(device, host, shape):
    v = values(shape)
    x = xp.asarray(v)
    wide = values((*shape[:-1], 2 * shape[-1]))
    for axis in range(-v.ndim, v.ndim):
        check(device, host, x, v, axis)
        check(device, host, x * 2 + 1, v * 2 + 1, axis)
        check(device, host, xp.flip(x), np.flip(v), axis)
        check(device, host, xp.asarray(wide)[..., ::2], wide[..., ::2], axis)
    if v.ndim > 1:
        check(device, host, xp.moveaxis(x, 0, -1), np.moveaxis(v, 0, -1), -2)
    repeated = np.broadcast_to(v, (3, *shape))
    check(device, host, xp.broadcast_to(x, (3, *shape)), repeated, 0)


@pytest.mark.parametrize("dtype", SORTABLE, ids=str)
def test_every_dtype_with_its_extremes(device, host, dtype):
    v = values((4, 33), dtype)
    if dtype.kind in "iu":
        v[0, 3], v[0, 7] = np.iinfo(dtype).min, np.iinfo(dtype).max
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        v[0, :9] = [np.nan, np.inf, -np.inf, 0.0, -0.0, -np.nan, limits.max, limits.min, np.nan]
        v[1, :2] = [limits.smallest_subnormal, -limits.smallest_subnormal]
    check(device, host, xp.asarray(v), v, 1)
    check(device, host, xp.asarray(v), v, 0)


@quick
@given(data=st.data())
def test_any_values(device, host, data):
    dtype = data.draw(st.sampled_from(SORTABLE))
    shape = data.draw(nps.array_shapes(min_dims=1, max_dims=3, max_side=12))
    # Few different values, so that many are equal.
    few = data.draw(nps.arrays(dtype, 4))
    v = few[data.draw(nps.arrays(np.intp, shape, elements=st.integers(0, 3)))]
    check(device, host, xp.asarray(v), v, data.draw(st.integers(-v.ndim, v.ndim - 1)))


@pytest.mark.parametrize("n", [1023, 4096, 10007])
def test_long_rows(device, host, n):
    v = np.random.default_rng(n).integers(-n // 4, n // 4, (2, n))
    x = xp.asarray(v)
    np.testing.assert_array_equal(host(xp.sort(x)), np.sort(v))
    np.testing.assert_array_equal(host(xp.argsort(x)), np.argsort(v, stable=True))


def test_equal_zeros_keep_their_order_in_both_directions(device, host):
    v = np.asarray([0.0, -0.0, 1.0, -0.0, 0.0])
    for descending, signs in ((False, [0, 1, 1, 0, 0]), (True, [0, 0, 1, 1, 0])):
        found = host(xp.sort(xp.asarray(v), descending=descending))
        np.testing.assert_array_equal(np.signbit(found), signs)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 3)], ids=str)
def test_nothing_to_sort(device, shape):
    x = xp.zeros(shape, dtype=xp.float32)
    for axis in range(-len(shape), len(shape)):
        assert (xp.sort(x, axis=axis).shape, xp.sort(x, axis=axis).dtype) == (shape, xp.float32)
        found = xp.argsort(x, axis=axis)
        assert (found.shape, found.dtype) == (shape, xp.int64)


def test_the_result_is_a_value_of_its_own(device, host):
    x = xp.asarray([2, 1])
    y = xp.sort(x[:1])
    x[0] = 9
    np.testing.assert_array_equal(host(y), [2])


@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_what_is_refused(device, name):
    function = getattr(xp, name)
    with pytest.raises(TypeError, match=f"{name}: needs a gpuarray array, got list"):
        function([1, 2])
    with pytest.raises(TypeError, match=f"{name}: x must be of a real dtype or bool"):
        function(xp.asarray([1j]))
    with pytest.raises(IndexError, match=f"{name}: axis 1 is out of range"):
        function(xp.asarray([1, 2]), axis=1)
    with pytest.raises(IndexError, match=f"{name}: axis -1 is out of range"):
        function(xp.asarray(1))
    with pytest.raises(TypeError, match=f"{name}: axis must be an integer"):
        function(xp.asarray([1, 2]), axis=None)
