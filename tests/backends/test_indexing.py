"""`x[key]` and `x[key] = value` against NumPy: every kind of key, alone and mixed; the errors."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpuarray as xp
from gpuarray.interop.numpy import from_numpy

quick = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

Key = Any


def values(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.arange(1, math.prod(shape) + 1).reshape(shape)


def on_device(key: Key, device: Any) -> Key:
    """`key` with its NumPy arrays as arrays of the device."""
    if isinstance(key, tuple):
        return tuple(on_device(item, device) for item in key)
    return from_numpy(key, device) if isinstance(key, np.ndarray) else key


def check(device: str, shape: tuple[int, ...], key: Key, convert: bool = True) -> None:
    """Getting, and setting to an array and to a scalar, on memory and on what is pending."""
    v = values(shape)
    leaf = xp.asarray(v, device=device)
    given = on_device(key, leaf.device) if convert else key
    expected = v[key]
    for x in (leaf, leaf + 0):
        found = x[given]
        assert found.shape == expected.shape, key
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(found.to_device("cpu")), expected, str(key))
    for value in (-5, -np.arange(1, expected.size + 1).reshape(expected.shape)):
        w = v.copy()
        w[key] = value
        x = leaf + 0
        x[given] = value if isinstance(value, int) else xp.asarray(value, device=device)
        np.testing.assert_array_equal(np.asarray(x.to_device("cpu")), w, str(key))
    np.testing.assert_array_equal(np.asarray(leaf.to_device("cpu")), v)


# Basic keys


def test_every_slice_of_a_short_axis(device, host):
    bounds = [None, *range(-5, 6)]
    for n in (0, 1, 4):
        v = values((n,))
        x = xp.asarray(v, device=device)
        for start, stop, step in itertools.product(bounds, bounds, [None, 1, 2, -1, -2, 7, -7]):
            key = slice(start, stop, step)
            np.testing.assert_array_equal(host(x[key]), v[key], str(key))


def test_every_slice_can_be_assigned_to(device, host):
    bounds = [None, -5, -2, 0, 1, 3, 5]
    v = values((4,))
    for start, stop, step in itertools.product(bounds, bounds, [None, 2, -1, -2]):
        x, w = xp.asarray(v, device=device), v.copy()
        key = slice(start, stop, step)
        x[key] = w[key] = -1
        np.testing.assert_array_equal(host(x), w, str(key))
        x[key] = xp.asarray(-v[key], device=device)
        w[key] = -v[key]
        np.testing.assert_array_equal(host(x), w, str(key))


@st.composite
def basic_keys(draw: Any, shape: tuple[int, ...]) -> Key:
    items: list[Any] = []
    for n in shape:
        if n and draw(st.booleans()):
            items.append(draw(st.integers(-n, n - 1)))
        else:
            items.append(draw(st.slices(n)))
    items = items[: draw(st.integers(0, len(items)))]
    if draw(st.booleans()):
        # The ellipsis stands for what is left out; anything after it counts from the last axis.
        keep = draw(st.integers(0, len(items)))
        items = [*items[:keep], ...]
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"], indirect=True)
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 0, 3), (2, 3, 2, 2)], ids=str)
@given(data=st.data())
@quick
def test_basic_keys(device, shape, data):
    check(device, shape, data.draw(basic_keys(shape)))


# Index arrays


def indices(*shape: int) -> np.ndarray[Any, Any]:
    """Positions on axes of at least two elements, some from the end, all kinds of order."""
    return np.asarray([1, -1, 0, -2, 0, 1, 1, -1])[: math.prod(shape)].reshape(shape)


ONE, TWO, ZERO_D = indices(3), indices(2, 3), np.asarray(1)
ADVANCED = [
    (ONE,),
    (TWO,),
    (ZERO_D,),
    (np.asarray([], dtype=int),),
    (slice(None), ONE),
    (slice(None, None, -1), TWO, slice(1, None)),
    (..., ONE),
    (None, ONE),
    (ONE, None),
    (ONE, ONE),
    (ONE, TWO),
    (TWO, indices(2, 1)),
    (ONE, slice(None), ONE),
    (slice(None), ONE, TWO),
    (slice(None), ONE, slice(None), TWO),
    (0, ONE),
    (ONE, 0),
    (0, slice(None), ONE),
    (ONE, slice(None), 0),
    (slice(None), 0, ONE),
    (slice(None), ONE, -1),
    (ONE, None, ONE),
    (slice(None), ONE, None, ONE),
    (ONE, ..., ONE),
    (slice(None), ONE, ..., TWO, 1),
    (slice(None), ONE, ..., TWO),
    (..., ONE, slice(1, 2)),
    (0, ..., ONE, 1),
    (None, 0, ..., TWO),
    (ONE, ONE, ONE, ONE),
    (slice(1, None), slice(None, None, 2), ONE, 0),
    (ZERO_D, ONE),
    (ZERO_D, slice(None), ZERO_D),
]


@pytest.mark.parametrize("key", ADVANCED, ids=str)
def test_index_arrays_stand_where_numpy_puts_them(device, key):
    v = values((3, 4, 2, 3))
    w = v.copy()
    x = xp.asarray(v, device=device)
    given_key = on_device(key, x.device)
    np.testing.assert_array_equal(np.asarray(x[given_key].to_device("cpu")), v[key])
    np.testing.assert_array_equal(np.asarray((x + 0)[given_key].to_device("cpu")), v[key])
    w[key] = -7
    x[given_key] = -7
    np.testing.assert_array_equal(np.asarray(x.to_device("cpu")), w)
    replacement = -np.arange(v[key].size).reshape(v[key].shape)
    w[key] = replacement
    x[given_key] = xp.asarray(replacement, device=device)
    np.testing.assert_array_equal(np.asarray(x.to_device("cpu")), w)


@st.composite
def mixed_keys(draw: Any, shape: tuple[int, ...]) -> Key:
    """Index arrays of shapes that broadcast, integers, slices and None."""
    common = draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    items: list[Any] = []
    d = 0
    while d < len(shape):
        n = shape[d]
        kind = draw(st.integers(0, 5))
        if kind == 0:
            items.append(draw(st.integers(-n, n - 1)))
        elif kind <= 2:
            its = common if draw(st.booleans()) else common[1:]
            flat = draw(st.lists(st.integers(-n, n - 1), min_size=6, max_size=6))
            items.append(np.asarray(flat[: math.prod(its)], dtype=int).reshape(its))
        else:
            items.append(draw(st.slices(n)))
        d += 1
    if draw(st.booleans()):
        items = items[: draw(st.integers(0, len(items)))]
    if draw(st.integers(0, 2)) == 0:
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"], indirect=True)
@pytest.mark.parametrize("shape", [(4,), (3, 2), (2, 3, 2, 2)], ids=str)
@given(data=st.data())
@quick
def test_mixed_keys(device, shape, data):
    check(device, shape, data.draw(mixed_keys(shape)))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64"])
def test_indices_of_every_integer_dtype(device, host, dtype):
    v, at = values((5,)), np.asarray([4, 0, 2]).astype(dtype)
    x = xp.asarray(v, device=device)
    np.testing.assert_array_equal(host(x[xp.asarray(at, device=device)]), v[at])
    np.testing.assert_array_equal(host(xp.take(x, xp.asarray(at, device=device))), v[at])


@pytest.mark.parametrize(
    "key", [[0, 2], [-1], [], [[0, 1], [2, 0]], np.asarray([1, 0]), np.int64(1), np.asarray(2),
            (slice(None), [0, 0]), ([0, 1], [1, 0]), (np.int8(1), [0]), np.uint8(2)],
    ids=str,
)  # fmt: skip
def test_lists_and_numpy_arrays_are_indices(device, key):
    check(device, (3, 2), key, convert=False)


def test_an_array_without_axes_is_an_integer(device, host):
    v = values((3, 2))
    x = xp.asarray(v, device=device)
    k = xp.asarray(1, device=device)
    np.testing.assert_array_equal(host(x[k]), v[1])
    np.testing.assert_array_equal(host(x[:, k]), v[:, 1])
    assert x[range(3)[k]].shape == (2,)  # operator.index


@pytest.mark.parametrize("n", [2, 5, 40, 700])
def test_the_last_of_several_writers_of_an_element_wins(device, host, n):
    generator = np.random.default_rng(n)
    at = generator.integers(-7, 7, n)
    new = generator.integers(0, 1000, n)
    for _ in range(3):
        x, w = xp.zeros(7, dtype=xp.int64, device=device), np.zeros(7, int)
        x[xp.asarray(at, device=device)] = xp.asarray(new, device=device)
        w[at] = new
        np.testing.assert_array_equal(host(x), w)
    x = xp.zeros((3, 7), dtype=xp.int64, device=device)
    w = np.zeros((3, 7), int)
    x[1:, xp.asarray(at, device=device)] = xp.asarray([new, -new], device=device)
    w[1:, at] = [new, -new]
    np.testing.assert_array_equal(host(x), w)
    x[xp.asarray(at, device=device) % 3, xp.asarray(at, device=device)] += 1
    w[at % 3, at] += 1
    np.testing.assert_array_equal(host(x), w)


def test_an_index_out_of_range_takes_the_nearest_element(device, host):
    x = xp.asarray([10, 20, 30], device=device)
    at = xp.asarray([-9, 9, -3, 2], device=device)
    assert host(x[at]).tolist() == [10, 30, 10, 30]
    assert host(xp.take(x, at)).tolist() == [10, 30, 10, 30]


# Masks

MASKS: list[Key] = [
    np.asarray(True),
    np.asarray(False),
    True,
    False,
    np.asarray([True, False, True]),
    np.zeros(3, bool),
    np.ones(3, bool),
    values((3, 4)) % 3 == 0,
    np.zeros((3, 4), bool),
    values((3, 4, 2)) % 5 < 2,
]
MIXED_MASKS: list[Key] = [
    (slice(None), np.asarray([True, False, True, True])),
    (..., np.asarray([False, True])),
    (0, ..., np.asarray([False, True])),
    (..., values((4, 2)) % 3 == 0),
    (values((3, 4)) % 4 == 0, ..., 1),
    (np.asarray([True, False, True]), 1),
    (np.asarray([True, False, True]), [1, 3]),
    (slice(1, None), values((4, 2)) % 2 == 0),
    (values((3, 4)) % 4 == 0, 0),
    (values((3, 4)) % 4 == 0, slice(None, None, -1)),
    (None, np.asarray([True, False, True])),
    (np.asarray([True, True, False]), slice(None), np.asarray([False, True])),
]


@pytest.mark.parametrize("key", MASKS + MIXED_MASKS, ids=str)
def test_masks(device, key):
    check(device, (3, 4, 2), key)


@pytest.mark.parametrize("key", [[True, False, True], np.asarray([True, False, True])], ids=str)
def test_masks_of_lists_and_numpy(device, key):
    check(device, (3, 4), key, convert=False)


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 4095, 4097, 9000])
def test_masks_of_many_sizes(device, host, n):
    v = np.arange(n)
    x = xp.asarray(v, device=device)
    for modulus in (1, 2, 7, 5000):
        mask = v % modulus == 0
        np.testing.assert_array_equal(host(x[x % modulus == 0]), v[mask])
    mask = v % 3 == 0
    x[x % 3 == 0] = xp.asarray(-v[mask], device=device)
    np.testing.assert_array_equal(host(x), np.where(mask, -v, v))


def test_masks_that_are_strided_views(device, host):
    m = values((4, 6)) % 3 == 0
    mask = xp.asarray(m, device=device)
    v = values((6, 4))
    x = xp.asarray(v, device=device)
    np.testing.assert_array_equal(host(x[mask.T]), v[m.T])
    np.testing.assert_array_equal(host(x[:, mask[::-1, 0]]), v[:, m[::-1, 0]])
    np.testing.assert_array_equal(host(x[mask[1, ::-1]]), v[m[1, ::-1]])
    every = xp.broadcast_to(xp.asarray(True, device=device), (6,))
    np.testing.assert_array_equal(host(x[every]), v)
    np.testing.assert_array_equal(host(xp.permute_dims(x, (1, 0))[xp.flip(mask)]), v.T[np.flip(m)])


def test_an_empty_array_and_its_mask(device, host):
    x = xp.zeros((0, 3), device=device)
    assert host(x[xp.zeros(0, dtype=xp.bool, device=device)]).shape == (0, 3)
    assert host(x[xp.zeros((0, 3), dtype=xp.bool, device=device)]).shape == (0,)
    x[xp.zeros(0, dtype=xp.bool, device=device)] = 1.0
    assert host(x).shape == (0, 3)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (3, 0), (0, 0)], ids=str)
def test_a_mask_of_extent_0_matches_any_extent_and_selects_nothing(device, host, shape):
    v = values((3, 2))
    x = xp.asarray(v, device=device)
    mask = xp.zeros(shape, dtype=xp.bool, device=device)
    assert host(x[mask]).shape == v[np.zeros(shape, bool)].shape
    x[mask] = 7
    x[mask] = x[mask]
    np.testing.assert_array_equal(host(x), v)
    with pytest.raises(IndexError, match="mask of shape"):
        x[xp.zeros((*shape, 3), dtype=xp.bool, device=device)]


# Values that are assigned


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("int8", np.asarray([300, -1], "int64")),
        ("float32", np.asarray([1.5, 2.25], "float64")),
        ("float64", np.asarray([3, 4], "int16")),
        ("complex64", np.asarray([1.5, 2.5])),
        ("uint8", np.asarray([True, False])),
        ("int64", np.asarray([5, 6], "uint8")),
    ],
)
def test_a_value_is_cast_as_numpy_does(device, host, dtype, value):
    for key in (slice(1, 3), [1, 2], np.asarray([False, True, True, False])):
        w = np.zeros(4, dtype)
        x = xp.zeros(4, dtype=dtype, device=device)
        w[key] = value
        x[on_device(key, x.device)] = xp.asarray(value, device=device)
        np.testing.assert_array_equal(host(x), w)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (3, 1), (1, 1, 4), (3, 4)], ids=str)
def test_a_value_broadcasts(device, host, shape):
    value = -values(shape)
    for key in (np.s_[...], np.s_[:, ::-1], np.s_[[0, 2, 1]], np.s_[::-1, [3, 1, 0, 2]]):
        w, x = values((3, 4)), xp.asarray(values((3, 4)), device=device)
        w[key] = value
        x[key] = xp.asarray(value, device=device)
        np.testing.assert_array_equal(host(x), w)


def test_lists_numpy_arrays_and_numpy_scalars_are_values(device, host):
    x = xp.zeros(4, dtype=xp.int64, device=device)
    x[1:3] = [5, 6]
    x[0] = np.int8(4)
    x[3:] = np.asarray([7])
    assert host(x).tolist() == [4, 5, 6, 7]


# Errors


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (3, IndexError, "3 is out of range for axis 0 with size 3"),
        ((0, -5), IndexError, "-5 is out of range for axis 1 with size 4"),
        ((0, 0, 0), IndexError, "3 indices for an array of 2 dimensions"),
        ((..., 0, ...), IndexError, "single ellipsis"),
        (1.0, TypeError, "got float"),
        ("a", TypeError, "got str"),
        (([0, 1], [0, 1, 2]), ValueError, "broadcast"),
        (np.asarray([1.0]), TypeError, "float64"),
        (np.asarray([True, False]), IndexError, r"mask of shape \(2,\)"),
        ((slice(None), np.ones(3, bool)), IndexError, r"mask of shape \(3,\)"),
        (np.ones((3, 4, 1), bool), IndexError, "mask"),
        ((np.asarray(True), 0), IndexError, "stands alone"),
        (slice(None, None, 0), ValueError, "zero"),
        (slice(0.5, None), TypeError, "index"),
    ],
    ids=str,
)
def test_a_wrong_key_is_an_error_at_the_call(device, key, error, message):
    x = xp.asarray(values((3, 4)), device=device)
    given_key = on_device(key, x.device)
    with pytest.raises(error, match=message):
        x[given_key]
    with pytest.raises(error, match=message):
        x[given_key] = 0
    np.testing.assert_array_equal(np.asarray(x.to_device("cpu")), values((3, 4)))


def test_a_wrong_value_is_an_error_at_the_call(device):
    x = xp.zeros((3, 4), dtype=xp.int32, device=device)
    for key in (np.s_[1:], np.s_[[0, 1]], on_device(np.asarray([True, False, True]), x.device)):
        with pytest.raises(TypeError, match="float64 does not fit an array of int32"):
            x[key] = xp.zeros(4, device=device)
        with pytest.raises(TypeError, match="float does not fit an array of int32"):
            x[key] = 0.5
        with pytest.raises(ValueError, match=r"\(3,\) does not broadcast"):
            x[key] = xp.zeros(3, dtype=xp.int32, device=device)
        with pytest.raises(TypeError, match="got str"):
            x[key] = "1"
    with pytest.raises(TypeError, match="complex does not fit an array of float64"):
        xp.zeros(2, device=device)[0] = 1j


def test_an_empty_axis_cannot_be_indexed(device):
    x = xp.zeros((0, 3), device=device)
    with pytest.raises(IndexError, match="axis 0"):
        x[[0]]
    with pytest.raises(IndexError, match="out of range for axis 0 with size 0"):
        x[0]
    assert x[[]].shape == (0, 3)


@pytest.mark.parametrize("wrong", [[0, 9], np.asarray([0, -4])])
def test_an_index_out_of_range_that_the_host_knows_is_an_error(device, wrong):
    x = xp.asarray([1, 2, 3])
    with pytest.raises(IndexError, match=r"is out of range for axis 0 with size 3"):
        x[wrong]
    with pytest.raises(IndexError, match=r"is out of range for axis 0 with size 3"):
        x[wrong] = 5


def test_keys_that_are_equal_but_of_other_types_are_told_apart(device, host):
    v = np.arange(12).reshape(3, 4)
    x = xp.asarray(v, device=device)
    for _ in range(2):  # the second time, keys are remembered
        np.testing.assert_array_equal(host(x[1:, 1]), v[1:, 1])
        np.testing.assert_array_equal(host(x[(slice(1, None), 1)]), v[1:, 1])
        np.testing.assert_array_equal(host(x[True]), v[True])
        np.testing.assert_array_equal(host(x[1]), v[1])
        np.testing.assert_array_equal(host(x[1:, None, ..., 1]), v[1:, None, ..., 1])
        np.testing.assert_array_equal(host(x[np.int64(1) :, np.int8(1)]), v[1:, 1])
        with pytest.raises(TypeError):
            x[1.0:, 1]
        with pytest.raises(TypeError):
            x[1.0]
        with pytest.raises(IndexError):
            x[1:, 4]
        with pytest.raises(IndexError, match="3 indices for an array of 2"):
            x[1:, 1, None, 0]
    y = xp.asarray(np.arange(60).reshape(3, 4, 5), device=device)
    np.testing.assert_array_equal(host(y[1:, 1]), np.arange(60).reshape(3, 4, 5)[1:, 1])
