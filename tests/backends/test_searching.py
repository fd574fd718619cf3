"""`nonzero` and `searchsorted` against loops over Python scalars."""

from __future__ import annotations

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
REAL = [d for d in DTYPES if d.kind in "iuf"]
SHAPES = [(1,), (0,), (7,), (3, 5), (1, 4), (2, 0, 3), (2, 3, 4), (2, 1, 3, 1, 5)]


# nonzero


def check_nonzero(host: Any, x: xp.Array, v: np.ndarray[Any, Any]) -> None:
    places = [place for place in np.ndindex(v.shape) if v[place] != 0]
    found = xp.nonzero(x)
    assert type(found) is tuple
    assert len(found) == v.ndim
    for d, index in enumerate(found):
        assert (index.shape, index.dtype) == ((len(places),), xp.int64)
        np.testing.assert_array_equal(host(index), [place[d] for place in places])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nonzero_of_every_shape_and_layout(device, host, shape):
    v = (np.arange(math.prod(shape)) * 37 % 5 // 2).reshape(shape)
    x = xp.asarray(v)
    check_nonzero(host, x, v)
    check_nonzero(host, x - 1, v - 1)
    check_nonzero(host, xp.flip(x), np.flip(v))
    check_nonzero(host, x[..., ::2], v[..., ::2])
    check_nonzero(host, xp.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_nonzero_of_every_dtype(device, host, dtype):
    v = np.asarray([[0, 1, 0], [2, 0, 0]], dtype)
    check_nonzero(host, xp.asarray(v), v)
    if dtype.kind in "fc":
        v = np.asarray([np.nan, 0.0, -0.0, np.inf, np.finfo(dtype).smallest_subnormal], dtype)
        check_nonzero(host, xp.asarray(v), v)
    if dtype.kind == "c":
        v = np.asarray([1j, 0, complex(0, np.nan), 1], dtype)
        check_nonzero(host, xp.asarray(v), v)


def test_nonzero_as_a_key_selects_what_it_found(device, host):
    v = np.arange(24).reshape(2, 3, 4) % 3
    x = xp.asarray(v)
    np.testing.assert_array_equal(host(x[xp.nonzero(x)]), v[v != 0])


def test_what_nonzero_refuses(device):
    with pytest.raises(ValueError, match="nonzero: x must have at least one dimension"):
        xp.nonzero(xp.asarray(1))
    with pytest.raises(TypeError, match="nonzero: needs a gpuarray array, got list"):
        xp.nonzero([1])


# searchsorted


def below(value: Any, other: Any) -> bool:
    """Whether `value` comes before `other`; NaN is above all numbers."""
    return bool(value < other or (value == value and other != other))


def expected(v: np.ndarray[Any, Any], values: np.ndarray[Any, Any], side: str) -> Any:
    row = v.tolist()
    found = [
        sum(not below(value, x) if side == "right" else below(x, value) for x in row)
        for value in values.reshape(-1).tolist()
    ]
    return np.asarray(found, np.int64).reshape(values.shape)


def check_search(host: Any, v: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> None:
    """With an ascending `v`, and the same elements in another order with a sorter."""
    mixed = np.random.default_rng(5).permutation(len(v))
    order = np.empty(len(v), np.int32)
    order[mixed] = np.arange(len(v))
    for side in ("left", "right"):
        answer = expected(v, values, side)
        ascending = xp.searchsorted(xp.asarray(v), xp.asarray(values), side=side)
        by_sorter = xp.searchsorted(
            xp.asarray(v[mixed]), xp.asarray(values), side=side, sorter=xp.asarray(order)
        )
        for found in (ascending, by_sorter):
            assert (found.shape, found.dtype) == (values.shape, xp.int64)
            np.testing.assert_array_equal(host(found), answer)


@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_searching_every_dtype(device, host, dtype):
    v = np.asarray([1, 3, 3, 3, 7, 20, 21], dtype)
    check_search(host, v, np.arange(24).reshape(2, 3, 4).astype(dtype))
    limits = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    ends = np.asarray([limits.min, 0, limits.max], dtype)
    check_search(host, ends, ends)
    check_search(host, ends[1:2], ends)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 1000])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (9,), (2, 0), (3, 4)], ids=str)
def test_searching_every_shape(device, host, n, shape):
    values = (np.arange(math.prod(shape)) * 37 % 41 - 3.0).reshape(shape)
    check_search(host, np.arange(n) // 3 / 2, values)


@pytest.mark.parametrize("dtype", [xp.float32, xp.float64], ids=str)
def test_nan_is_above_all_numbers_and_zeros_are_equal(device, host, dtype):
    v = np.asarray([-np.inf, -0.0, 0.0, 1, np.inf, np.nan, np.nan], dtype)
    check_search(host, v, v)
    check_search(host, v[:5], v)


def test_searching_is_consistent_with_sort(device, host):
    v = np.asarray([3.0, np.nan, -0.0, 1.0, 0.0, np.nan, 1.0])
    ordered = xp.sort(xp.asarray(v))
    for value in (np.nan, 0.0, 2.0, -9.0):
        for side in ("left", "right"):
            at = int(xp.searchsorted(ordered, value, side=side))
            inserted = np.insert(host(ordered), at, value)
            np.testing.assert_array_equal(host(xp.sort(xp.asarray(inserted))), inserted)


def test_searching_strided_and_pending_operands(device, host):
    v, values = np.arange(20) // 2, np.arange(12).reshape(3, 4)
    x, y = xp.asarray(v), xp.asarray(values)
    cases = [
        (x[::3], y, v[::3], values),
        (x * 2, y.T + 1, v * 2, values.T + 1),
        (xp.flip(-x), y[:, ::-2], np.flip(-v), values[:, ::-2]),
        (x, xp.broadcast_to(y[0], (5, 4)), v, np.broadcast_to(values[0], (5, 4))),
    ]
    for x1, x2, v1, v2 in cases:
        np.testing.assert_array_equal(host(xp.searchsorted(x1, x2)), expected(v1, v2, "left"))


def test_searching_for_scalars(device, host):
    x = xp.asarray([1, 3, 3, 9], dtype=xp.int16)
    for value, answer in ((3, (1, 3)), (0, (0, 0)), (2.5, (1, 1)), (np.uint8(200), (4, 4))):
        for side, place in zip(("left", "right"), answer, strict=True):
            found = xp.searchsorted(x, value, side=side)
            assert (found.shape, found.dtype, int(found)) == ((), xp.int64, place)
    assert int(xp.searchsorted(xp.asarray([0.5, 1.5]), 1)) == 1
    assert int(xp.searchsorted(xp.asarray([]), 1)) == 0


def test_operands_are_compared_in_their_promoted_dtype(device, host):
    narrow, wide = xp.asarray([1, 2, 3], dtype=xp.int8), xp.asarray([300, -300, 2])
    np.testing.assert_array_equal(host(xp.searchsorted(narrow, wide)), [3, 0, 1])
    np.testing.assert_array_equal(host(xp.searchsorted(xp.sort(wide), narrow)), [1, 1, 2])
    unsigned = xp.asarray([1, 2**32 - 1], dtype=xp.uint32)
    np.testing.assert_array_equal(host(xp.searchsorted(unsigned, xp.asarray([-1, 5]))), [0, 1])
    floats = xp.asarray([0.5, 1.5], dtype=xp.float32)
    np.testing.assert_array_equal(host(xp.searchsorted(floats, xp.asarray([0.5 + 1e-12]))), [1])


@quick
@given(data=st.data())
def test_searching_anything(device, host, data):
    dtype = data.draw(st.sampled_from(REAL))
    few = data.draw(nps.arrays(dtype, 5))
    v = few[data.draw(nps.arrays(np.intp, st.integers(0, 12), elements=st.integers(0, 4)))]
    values = data.draw(
        nps.arrays(np.intp, nps.array_shapes(max_dims=2), elements=st.integers(0, 4))
    )
    check_search(host, np.sort(v), few[values])


def test_what_searchsorted_refuses(device):
    x = xp.asarray([1, 2, 3])
    refused = [
        (TypeError, "searchsorted: needs a gpuarray array, got list", ([1], x), {}),
        (TypeError, "searchsorted: needs a gpuarray array or a Python scalar", (x, [1]), {}),
        (TypeError, "searchsorted: x1 and x2 must be of real dtypes", (x, x + 1j), {}),
        (TypeError, "searchsorted: x1 and x2 must be of real dtypes", (x > 1, x > 1), {}),
        (ValueError, "searchsorted: x1 must have one dimension", (xp.zeros((2, 2)), x), {}),
        (ValueError, "searchsorted: x1 must have one dimension", (xp.asarray(1), x), {}),
        (ValueError, "searchsorted: side must be 'left' or 'right'", (x, x), {"side": "up"}),
        (TypeError, "searchsorted: sorter must be a gpuarray", (x, x), {"sorter": [0, 1, 2]}),
        (TypeError, "searchsorted: sorter must hold integers", (x, x), {"sorter": x > 1}),
        (ValueError, "searchsorted: sorter of shape", (x, x), {"sorter": x[:2]}),
        (OverflowError, "searchsorted: 128 is out", (xp.astype(x, xp.int8), 128), {}),
    ]
    for error, message, arguments, how in refused:
        with pytest.raises(error, match=message):
            xp.searchsorted(*arguments, **how)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int32", "uint32", "int64", "float32", "float64"]
)
@pytest.mark.parametrize("length", [1, 3, 31, 64, 1000, 4096, 40000])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_of_extremes_in_rows(device, host, name, dtype, length):
    kind = np.dtype(dtype)
    rng = np.random.default_rng(length)
    if kind.kind == "f":
        ends = [-np.inf, np.inf, np.nan, -0.0, 0.0]
    else:
        ends = [np.iinfo(kind).min, np.iinfo(kind).max]
    v = rng.integers(0, 100, (9, length)).astype(kind)
    for k, end in enumerate(ends[:3]):
        v[k] = end  # nothing but the least, the largest, NaN
        v[k + 3, rng.integers(0, length, 3)] = end  # ties
    v[6] = ends[-1]
    v[6, length // 2 :] = ends[-2]
    x = xp.asarray(v, device=device)
    np.testing.assert_array_equal(host(getattr(xp, name)(x, axis=1)), getattr(v, name)(axis=1))
    np.testing.assert_array_equal(host(getattr(xp, name)(x, axis=0)), getattr(v, name)(axis=0))
