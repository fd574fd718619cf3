"""Reductions and choices: sums, extremes, moments, `any`, `all`, `argmax`, counts and `where`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES

SHAPES = [(), (1,), (7,), (3, 5), (1, 4), (2, 3, 4), (2, 1, 3, 1, 5)]
REAL = [d for d in DTYPES if d.kind in "iuf"]


def host(x: xp.Array) -> np.ndarray[Any, Any]:
    return np.asarray(x.to_device("cpu"))


def check(x: xp.Array, expected: Any, rtol: float = 0.0) -> None:
    expected = np.asarray(expected)
    assert x.shape == expected.shape
    assert x.dtype == expected.dtype
    np.testing.assert_allclose(host(x), expected, rtol=rtol, atol=rtol)


def values(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Small integers as floats, so that every sum of them is exact in any order."""
    return (np.arange(math.prod(shape)) * 37 % 23 - 11.0).reshape(shape)


def forms(device: str, shape: tuple[int, ...]) -> list[tuple[xp.Array, np.ndarray[Any, Any]]]:
    """Arrays of a shape that are in memory, strided views of memory, and pending."""
    v = values(shape)
    x = xp.asarray(v, device=device)
    found = [(x, v), (x * 2 + 1, v * 2 + 1)]
    if shape:
        wide = values((*shape[:-1], shape[-1] * 2))
        found.append((xp.asarray(wide, device=device)[..., ::2], wide[..., ::2]))
        backwards = tuple(reversed(range(len(shape))))
        transposed = values(shape[::-1])
        y = xp.permute_dims(xp.asarray(transposed, device=device), backwards)
        found.append((y, transposed.transpose()))
        found.append((xp.flip(x), np.flip(v)))
    return found


def axes_of(ndim: int) -> list[Any]:
    found: list[Any] = [None, ()]
    found += list(range(-ndim, ndim))
    if ndim > 1:
        found += [(0, -1), (-1, 0), tuple(range(ndim))]
    if ndim > 3:
        found += [(1, 3), (0, 2, 4), (-2, 0)]
    return found


# Against NumPy, over all axes and layouts


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_and_extremes_are_numpys(device, shape, keepdims):
    for x, v in forms(device, shape):
        for axis in axes_of(v.ndim):
            how = {"axis": axis, "keepdims": keepdims}
            check(xp.sum(x, **how), np.sum(v, **how))
            check(xp.max(x, **how), np.max(v, **how))
            check(xp.min(x, **how), np.min(v, **how))
            check(xp.any(x > 5, **how), np.any(v > 5, **how))
            check(xp.all(x > -5, **how), np.all(v > -5, **how))
            check(xp.count_nonzero(x, **how), np.sum(v != 0, **how, dtype=np.int64))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_products_and_moments_are_numpys(device, shape, keepdims):
    # Rounding depends on the order: 30 terms, each below 25, leave far less than 1e-12.
    for x, v in forms(device, shape):
        for axis in axes_of(v.ndim):
            how = {"axis": axis, "keepdims": keepdims}
            check(xp.prod(x / 8, **how), np.prod(v / 8, **how), rtol=1e-12)
            check(xp.mean(x, **how), np.mean(v, **how), rtol=1e-12)
            check(xp.var(x, **how), np.var(v, **how), rtol=1e-12)
            check(xp.std(x, **how), np.std(v, **how), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_argmax_and_argmin_give_the_first_extreme(device, shape, keepdims):
    for x, v in forms(device, shape):
        for y, w in ((x, v), (xp.floor(x / 4), np.floor(v / 4))):
            for axis in [None, *range(-v.ndim, v.ndim)]:
                how = {"axis": axis, "keepdims": keepdims}
                check(xp.argmax(y, **how), np.argmax(w, **how))
                check(xp.argmin(y, **how), np.argmin(w, **how))


@pytest.mark.parametrize(
    "extents", [(1000,), (257, 33), (3, 4099), (4099, 3), (65, 7, 129)], ids=str
)
def test_larger_reductions(device, extents):
    v = values(extents)
    x = xp.asarray(v, device=device)
    for axis in axes_of(v.ndim):
        check(xp.sum(x, axis=axis), np.sum(v, axis=axis))
        check(xp.max(x, axis=axis), np.max(v, axis=axis))
        check(xp.var(x, axis=axis), np.var(v, axis=axis), rtol=1e-12)
        if axis is None or isinstance(axis, int):
            check(xp.argmin(x, axis=axis), np.argmin(v, axis=axis))


# dtypes


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "prod"])
def test_sums_and_products_widen_integers(device, dtype, name):
    v = np.asarray([[1, 0, 1], [1, 1, 1]]).astype(dtype)
    found = getattr(xp, name)(xp.asarray(v, device=device), axis=1)
    widened = {"b": "int64", "i": "int64", "u": "uint64"}.get(dtype.kind, dtype)
    check(found, getattr(np, name)(v, axis=1, dtype=widened))
    nothing = getattr(xp, name)(xp.asarray(v, device=device), axis=())
    check(nothing, v.astype(widened))


def test_sums_beyond_the_input_dtype_are_exact(device):
    x = xp.full((1000,), 127, dtype=xp.int8, device=device)
    check(xp.sum(x), np.int64(127000))
    x = xp.full((3,), 2**32 - 1, dtype=xp.uint32, device=device)
    check(xp.sum(x), np.uint64(3 * (2**32 - 1)))
    check(xp.sum(x, dtype=xp.uint8), np.uint8(253))


@pytest.mark.parametrize("dtype", ["int8", "uint32", "float32", "float64", "complex64"])
def test_sum_is_made_in_the_dtype_asked_for(device, dtype):
    v = np.asarray([1, 2, 3], "i2")
    x = xp.asarray(v, device=device)
    check(xp.sum(x, dtype=dtype), np.sum(v, dtype=dtype))
    check(xp.prod(x, dtype=dtype), np.prod(v, dtype=dtype))


def test_sum_dtype_errors(device):
    x = xp.asarray([1j], device=device)
    with pytest.raises(TypeError, match="imaginary"):
        xp.sum(x, dtype=xp.float64)
    with pytest.raises(TypeError, match="numeric"):
        xp.prod(x, dtype=bool)


@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_extremes_keep_the_dtype(device, dtype):
    v = np.asarray([[3, 9, 4], [8, 1, 2]], dtype)
    x = xp.asarray(v, device=device)
    check(xp.max(x, axis=0), np.max(v, 0))
    check(xp.min(x, axis=1), np.min(v, 1))
    check(xp.argmax(x, axis=0), np.argmax(v, 0))
    check(xp.argmin(x), np.argmin(v))


@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_extremes_of_the_dtypes_own_limits(device, dtype):
    limits = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    for value in (limits.min, limits.max):
        x = xp.asarray(np.full((3, 5), value, dtype), device=device)
        check(xp.max(x, axis=1), np.full(3, value, dtype))
        check(xp.min(x, axis=0), np.full(5, value, dtype))
        check(xp.argmax(x), np.int64(0))
        check(xp.argmin(x), np.int64(0))


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
@pytest.mark.parametrize("dtype", ["bool", "complex64"])
def test_extremes_need_an_order(device, name, dtype):
    with pytest.raises(TypeError, match=f"{name}: needs an array of a real dtype, got {dtype}"):
        getattr(xp, name)(xp.zeros(3, dtype=dtype, device=device))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_moments_of_every_dtype(device, dtype):
    v = np.asarray([[1, 0, 5], [7, 1, 2]]).astype(dtype)
    if dtype.kind == "c":
        v = v + np.asarray(2j, dtype) * v[::-1]
    x = xp.asarray(v, device=device)
    rtol = 8 * np.finfo(dtype).eps if dtype.kind in "fc" else 1e-15
    check(xp.mean(x, axis=1), np.mean(v, axis=1), rtol)
    check(xp.var(x, axis=1), np.var(v, axis=1), rtol)
    check(xp.std(x, axis=0, keepdims=True), np.std(v, axis=0, keepdims=True), rtol)


@pytest.mark.parametrize("correction", [0, 1, 0.5, -1, 2, 3, np.float32(1)])
def test_correction_and_nan_without_degrees_of_freedom(device, correction):
    v = np.asarray([[1.0, 2.5], [4.0, -3.0]])
    x = xp.asarray(v, device=device)
    divisor = 2 - float(correction)
    squares = np.var(v, axis=0) * 2
    expected = squares / divisor if divisor > 0 else np.full(2, np.nan)
    check(xp.var(x, axis=0, correction=correction), expected, rtol=1e-15)
    check(xp.std(x, axis=0, correction=correction), np.sqrt(expected), rtol=1e-15)


def test_correction_is_a_number(device):
    with pytest.raises(TypeError, match="correction"):
        xp.var(xp.zeros(3, device=device), correction="1")


def test_variance_far_from_zero_keeps_its_digits(device):
    v = np.asarray([1e9, 1e9 + 1, 1e9 + 2])
    check(xp.var(xp.asarray(v, device=device)), np.float64(2 / 3), rtol=1e-12)


# Nothing to fold


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 4)], ids=str)
def test_reductions_of_nothing(device, shape):
    v = np.zeros(shape)
    x = xp.asarray(v, device=device)
    for axis in axes_of(v.ndim):
        for keepdims in (False, True):
            how = {"axis": axis, "keepdims": keepdims}
            check(xp.sum(x, **how), np.sum(v, **how))
            check(xp.prod(x, **how), np.prod(v, **how))
            check(xp.any(x, **how), np.any(v, **how))
            check(xp.all(x, **how), np.all(v, **how))
            check(xp.count_nonzero(x, **how), np.sum(v != 0, **how, dtype=np.int64))
            expected = np.sum(v, **how)
            check(xp.mean(x, **how), np.full(expected.shape, np.nan))
            check(xp.var(x, **how), np.full(expected.shape, np.nan))


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_extremes_of_nothing_raise_and_name_the_axis(device, name):
    function = getattr(xp, name)
    x = xp.zeros((3, 0, 2), device=device)
    with pytest.raises(ValueError, match=rf"{name}: .*axis 1 of shape \(3, 0, 2\)"):
        function(x)
    with pytest.raises(ValueError, match="axis 1"):
        function(x, axis=-2)
    expected = getattr(np, name)(np.zeros((3, 0, 2)), axis=2)
    check(function(x, axis=2), expected)


def test_complex_mean_of_nothing_is_nan_in_both_parts(device):
    found = complex(xp.mean(xp.zeros(0, dtype=xp.complex128, device=device)))
    assert math.isnan(found.real) and math.isnan(found.imag)


# Special values


def test_nan_spreads_through_all_but_any_and_all(device):
    x = xp.asarray([[1.0, math.nan, 3.0], [4.0, 5.0, 6.0]], device=device)
    for function in (xp.sum, xp.prod, xp.max, xp.min, xp.mean, xp.var, xp.std):
        found = host(function(x, axis=1))
        assert np.isnan(found[0]) and not np.isnan(found[1])
        assert math.isnan(float(function(x)))
    check(xp.argmax(x, axis=1), [1, 2])
    check(xp.argmin(x, axis=1), [1, 0])
    check(xp.argmax(x, axis=0), [1, 0, 1])
    check(xp.all(x), np.True_)
    check(xp.count_nonzero(x), np.int64(6))


def test_infinities(device):
    x = xp.asarray([math.inf, 1.0, -math.inf], device=device)
    assert float(xp.max(x)) == math.inf and float(xp.min(x)) == -math.inf
    assert math.isnan(float(xp.sum(x))) and math.isnan(float(xp.var(x)))
    assert float(xp.sum(x[:2])) == math.inf
    assert math.isnan(float(xp.var(x[:1])))
    check(xp.var(x, axis=()), [math.nan, 0.0, math.nan])
    check(xp.argmax(x), np.int64(0))
    check(xp.argmin(x), np.int64(2))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_any_all_and_counts_take_every_dtype(device, dtype):
    v = np.asarray([[0, 0, 0], [0, 1, 0], [1, 2, 3]]).astype(dtype)
    x = xp.asarray(v, device=device)
    check(xp.any(x, axis=1), np.any(v, axis=1))
    check(xp.all(x, axis=1), np.all(v, axis=1))
    check(xp.count_nonzero(x, axis=1), np.count_nonzero(v, axis=1))
    check(xp.any(x, axis=()), v != 0)


def test_imaginary_parts_are_true(device):
    x = xp.asarray([0, 1j, -0.0 + 0j], device=device)
    check(xp.any(x), np.True_)
    check(xp.all(x), np.False_)
    check(xp.count_nonzero(x), np.int64(1))


# Arguments


@pytest.mark.parametrize("name", ["sum", "max", "mean", "var", "any", "count_nonzero"])
def test_axis_errors_name_what_was_given(device, name):
    function = getattr(xp, name)
    x = xp.zeros((2, 3), device=device)
    words = f"{name}: axis 2 is out of range for an array of 2 dimensions"
    with pytest.raises(IndexError, match=words):
        function(x, axis=2)
    with pytest.raises(IndexError, match="axis -3"):
        function(x, axis=(0, -3))
    with pytest.raises(ValueError, match="more than once"):
        function(x, axis=(1, -1))
    with pytest.raises(TypeError, match="axis must be an integer"):
        function(x, axis=1.0)
    with pytest.raises(TypeError, match="needs a gpuarray array"):
        function([1.0])
    with pytest.raises(IndexError):
        function(xp.asarray(1.0, device=device), axis=0)


def test_argmax_takes_one_axis(device):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(TypeError, match="axis must be an integer"):
        xp.argmax(x, axis=(0, 1))
    with pytest.raises(IndexError):
        xp.argmin(x, axis=2)


# In a graph


def test_what_surrounds_a_reduction_is_part_of_it(device):
    v = values((5, 6))
    x = xp.asarray(v, device=device)
    check(xp.sum(x * x + 1, axis=1) / 2 - 3, np.sum(v * v + 1, axis=1) / 2 - 3)
    centred = x - xp.mean(x, axis=0, keepdims=True)
    expected = v - v.mean(axis=0, keepdims=True)
    check(centred, expected, rtol=1e-14)
    check(xp.max(xp.abs(centred)), np.max(np.abs(expected)), rtol=1e-14)
    weights = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    softmax = weights / xp.sum(weights, axis=1, keepdims=True)
    w = np.exp(v - v.max(axis=1, keepdims=True))
    check(softmax, w / w.sum(axis=1, keepdims=True), rtol=1e-14)


def test_reductions_of_reductions_and_of_generated_arrays(device):
    check(xp.sum(xp.sum(xp.ones((3, 4, 5), device=device), axis=1), axis=0), np.full(5, 12.0))
    check(xp.sum(xp.arange(101, device=device)), np.int64(5050))
    check(xp.max(xp.linspace(0, 1, 11, device=device)), np.float64(1))
    check(xp.sum(xp.eye(4, device=device), axis=0), np.ones(4))
    check(xp.sum(xp.broadcast_to(xp.asarray(2.0, device=device), (3, 4))), np.float64(24))
    joined = xp.concat([xp.zeros(3, device=device), xp.ones(4, device=device)])
    check(xp.sum(joined), np.float64(4))
    check(xp.sum(xp.roll(xp.arange(7, device=device), 2)[:3]), np.int64(11))


# where


@pytest.mark.parametrize(
    ("c", "a", "b"),
    [
        *(((), (), ()), ((3,), (3,), (3,)), ((3, 1), (4,), ()), ((), (2, 3), (3,))),
        *(((0,), (1,), ()), ((2, 1, 3), (4, 1), (1, 1, 3)), ((5,), (), (4, 5))),
    ],
    ids=str,
)
def test_where_broadcasts(device, c, a, b):
    condition, v, w = values(c) > 0, values(a), -values(b) / 2
    found = xp.where(*(xp.asarray(each, device=device) for each in (condition, v, w)))
    check(found, np.where(condition, v, w))


@pytest.mark.parametrize("a", DTYPES, ids=str)
@pytest.mark.parametrize("b", DTYPES, ids=str)
def test_where_promotes_arrays(device, a, b):
    condition, v, w = np.asarray([True, False]), np.asarray([1, 0]).astype(a), np.ones(2, b)
    found = xp.where(*(xp.asarray(each, device=device) for each in (condition, v, w)))
    check(found, np.where(condition, v, w))


def test_where_takes_scalars(device):
    condition = xp.asarray([True, False], device=device)
    x = xp.asarray([1.5, 2.5], dtype=xp.float32, device=device)
    check(xp.where(condition, x, 0), np.asarray([1.5, 0], "f4"))
    check(xp.where(condition, 7.5, x), np.asarray([7.5, 2.5], "f4"))
    check(xp.where(condition, 1j, x), np.asarray([1j, 2.5], "c8"))
    check(xp.where(condition, x, np.float64(1)), np.asarray([1.5, 1.0]))
    check(xp.where(condition, 1, 2), [1, 2])
    check(xp.where(condition, 1, 2.5), [1.0, 2.5])
    check(xp.where(condition, True, False), [True, False])
    small = xp.asarray([1, 2], dtype=xp.uint8, device=device)
    check(xp.where(condition, small, 255), np.asarray([1, 255], "u1"))
    with pytest.raises(OverflowError):
        xp.where(condition, small, 256)


def test_where_ignores_what_is_not_chosen(device):
    x = xp.asarray([math.nan, 2.0], device=device)
    check(xp.where(xp.isnan(x), 0.0, x), [0.0, 2.0])


def test_where_errors(device):
    x = xp.asarray([1, 2], device=device)
    with pytest.raises(TypeError, match="bool"):
        xp.where(x, x, x)
    with pytest.raises(TypeError, match="needs a gpuarray array"):
        xp.where([True, False], x, x)
    with pytest.raises(TypeError):
        xp.where(x > 1, x, "a")
    with pytest.raises(ValueError, match="do not broadcast"):
        xp.where(x > 1, x, xp.zeros(3, device=device))
