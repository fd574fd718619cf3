"""The `unique` functions and `isin` against dictionaries of Python scalars."""

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
INDEX = np.dtype("int64")


def expected(v: np.ndarray[Any, Any]) -> list[tuple[Any, list[int]]]:
    """Each distinct value with the positions at which it occurs, in the order of the result."""
    groups: dict[Any, list[int]] = {}
    for i, value in enumerate(v.reshape(-1).tolist()):
        # A NaN equals nothing, so that its position tells it from the others.
        groups.setdefault(("nan", i) if value != value else value, []).append(i)

    return sorted(
        ((v.reshape(-1)[at[0]], at) for at in groups.values()), key=lambda group: key(group[0])
    )


def key(value: Any) -> Any:
    """Real parts first; NaN is above all numbers."""
    parts = (value.real, value.imag)
    return tuple((True, 0) if p != p else (False, p) for p in parts)


def check(host: Any, x: xp.Array, v: np.ndarray[Any, Any]) -> None:
    groups = expected(v)
    values = np.asarray([value for value, _ in groups], v.dtype)
    inverse = np.empty(v.size, INDEX)
    for k, (_, at) in enumerate(groups):
        inverse[at] = k
    answers = {
        "values": values,
        "indices": np.asarray([at[0] for _, at in groups], INDEX),
        "inverse_indices": inverse.reshape(v.shape),
        "counts": np.asarray([len(at) for _, at in groups], INDEX),
    }
    results = [
        {"values": xp.unique_values(x)},
        xp.unique_counts(x)._asdict(),
        xp.unique_inverse(x)._asdict(),
        xp.unique_all(x)._asdict(),
    ]
    assert list(map(list, results)) == [
        ["values"],
        ["values", "counts"],
        ["values", "inverse_indices"],
        ["values", "indices", "inverse_indices", "counts"],
    ]
    for found in results:
        for name, result in found.items():
            answer = answers[name]
            assert (result.dtype, result.shape) == (answer.dtype, answer.shape)
            np.testing.assert_array_equal(host(result), answer)


def sample(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    v = (np.arange(math.prod(shape)) * 37 % 23 % 7).reshape(shape)
    return (v - 3 * (dtype.kind not in "bu")).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_distinct_elements_of_every_dtype(device, host, dtype):
    v = sample(dtype, (3, 11))
    if dtype.kind == "c":
        v += 1j * sample(np.dtype("f8"), (11, 3)).T
    check(host, xp.asarray(v), v)
    check(host, xp.flip(xp.asarray(v)), np.flip(v))
    check(host, xp.asarray(v)[:, ::2], v[:, ::2])


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3), (2, 3, 4), (1, 1)], ids=str)
@pytest.mark.parametrize("dtype", ["bool", "float32", "complex128"])
def test_distinct_elements_of_every_shape(device, host, shape, dtype):
    v = sample(np.dtype(dtype), shape)
    check(host, xp.asarray(v), v)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_each_nan_is_distinct_and_zeros_are_not(device, host, dtype):
    v = np.asarray([np.nan, 0.0, 3, -0.0, np.nan, -np.inf, 3, np.inf, -np.nan], dtype)
    check(host, xp.asarray(v), v)


def test_complex_numbers_with_a_nan_component_are_distinct(device, host):
    nan = math.nan
    found = [complex(1, nan), 1, complex(nan, 1), complex(1, nan), complex(nan, nan), 1]
    found += [complex(0.0, -0.0), complex(-0.0, 0.0), complex(1, -1), complex(nan, 1), 1]
    v = np.asarray(found)
    check(host, xp.asarray(v), v)


@pytest.mark.parametrize("v", [np.arange(5000) * 7919 % 5000, np.zeros(5000, int)], ids=str)
def test_all_distinct_and_all_equal(device, host, v):
    check(host, xp.asarray(v), v)


@quick
@given(data=st.data())
def test_distinct_elements_of_anything(device, host, data):
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(nps.array_shapes(min_dims=0, max_dims=3, max_side=8))
    few = data.draw(nps.arrays(dtype, 4))
    v = few[data.draw(nps.arrays(np.intp, shape, elements=st.integers(0, 3)))]
    check(host, xp.asarray(v), np.asarray(v))


@pytest.mark.parametrize("name", ["unique_values", "unique_counts", "unique_inverse", "unique_all"])
def test_unique_refuses_what_is_no_array(device, name):
    with pytest.raises(TypeError, match=f"{name}: needs a gpuarray array, got list"):
        getattr(xp, name)([1, 2])


# Membership


def check_isin(host: Any, x1: Any, x2: Any) -> None:
    first = host(x1) if isinstance(x1, xp.Array) else np.asarray(x1)
    second = host(x2) if isinstance(x2, xp.Array) else np.asarray(x2)
    among = second.reshape(-1).tolist()
    # By ==, which a NaN does not pass: `in` would look at identities first.
    answer = [any(value == other for other in among) for value in first.reshape(-1).tolist()]
    expected = np.asarray(answer, bool).reshape(first.shape)
    for invert in (False, True):
        found = xp.isin(x1, x2, invert=invert)
        assert (found.dtype, found.shape) == (xp.bool, expected.shape)
        np.testing.assert_array_equal(host(found), expected ^ invert)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_isin_of_every_dtype(device, host, dtype):
    x1, x2 = xp.asarray(sample(dtype, (3, 5))), xp.asarray(sample(dtype, (2, 2)))
    check_isin(host, x1, x2)
    check_isin(host, x2, x1)
    check_isin(host, xp.permute_dims(x1, (1, 0)), x2 if dtype.kind == "b" else x2 + 1)


@pytest.mark.parametrize("shape1", [(), (1,), (0,), (4, 3), (1, 1)], ids=str)
@pytest.mark.parametrize("shape2", [(), (1,), (0,), (5,), (2, 0), (2, 3, 2)], ids=str)
def test_isin_of_every_shape(device, host, shape1, shape2):
    for dtype in ("int16", "float64", "complex64"):
        x1, x2 = (xp.asarray(sample(np.dtype(dtype), s)) for s in (shape1, shape2))
        check_isin(host, x1, x2)


def test_isin_with_scalars(device, host):
    x = xp.asarray([[1, 2], [3, 2]], dtype=xp.int8)
    for scalar in (2, 0, -128, True, 2.0, 2.5, np.int64(300), np.float32(3)):
        check_isin(host, x, scalar)
        check_isin(host, scalar, x)
    check_isin(host, xp.asarray([]), 1)
    check_isin(host, 1, xp.asarray([]))


def test_isin_compares_in_the_promoted_dtype(device, host):
    check_isin(host, xp.asarray([1, 2, 300]), xp.asarray([44, 2], dtype=xp.int8))
    check_isin(host, xp.asarray([44, 2], dtype=xp.int8), xp.asarray([1, 2, 300]))
    check_isin(host, xp.asarray([1.5, 2.0, -0.0]), xp.asarray([2, 0]))
    check_isin(host, xp.asarray([1, 2]), xp.asarray([1 + 0j, 2 + 1j]))
    big = xp.asarray([2**63, 2**63 + 1], dtype=xp.uint64)
    check_isin(host, big, big[1:])
    check_isin(host, big, xp.asarray([1, 2], dtype=xp.uint8))


def test_nan_is_in_nothing(device, host):
    for dtype in (xp.float32, xp.complex128):
        v = xp.asarray([math.nan, math.inf, 0.0, -math.inf], dtype=dtype)
        check_isin(host, v, v)
        check_isin(host, v, v[:1])
        check_isin(host, v[:1], v)
        check_isin(host, v, xp.asarray([-0.0, math.nan]))
    check_isin(host, v, math.nan)


def test_what_isin_refuses(device):
    x = xp.asarray([1, 2], dtype=xp.uint8)
    with pytest.raises(TypeError, match="isin: needs at least one gpuarray array"):
        xp.isin(1, 2)
    with pytest.raises(TypeError, match="isin: needs a gpuarray array or a Python scalar"):
        xp.isin(x, [1, 2])
    with pytest.raises(OverflowError, match="isin: 256 is out of range for uint8"):
        xp.isin(x, 256)
