"""Bools that are added to integers, wherever the bool itself may or may not be at hand."""

import numpy as np
import pytest

import gpuarray as xp

DTYPES = ("int8", "int32", "uint32", "int64")


@pytest.fixture
def values():
    return np.random.default_rng(5).integers(-5, 6, (200, 300)).astype("int32")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 31, 1025, 20000])
def test_a_chain_of_counts(device, host, dtype, n):
    v = np.random.default_rng(n).standard_normal(n)
    x = xp.asarray(v)
    found = xp.astype(x > 0, dtype)
    expected = (v > 0).astype(dtype)
    for limit in (0.5, -0.5, 1.0):
        found = xp.astype(x <= limit, dtype) + found
        expected = (v <= limit).astype(dtype) + expected
    np.testing.assert_array_equal(host(found + xp.astype(x == x, dtype)), expected + 1)


def test_the_largest_integers_wrap(device, host):
    for dtype in ("int32", "uint32"):
        v = np.full(5, np.iinfo(dtype).max, dtype)
        x = xp.asarray(v)
        found = host(x + xp.astype(x > 0, dtype))
        np.testing.assert_array_equal(found, np.full(5, np.iinfo(dtype).min, dtype))


@pytest.mark.parametrize("n", [64, 5000, 40001])
def test_a_count_that_is_kept_from_an_earlier_walk_along_a_row(device, host, n):
    v = np.random.default_rng(1).standard_normal((200, n)).astype("float32")
    x = xp.asarray(v)
    above = xp.astype(x > xp.mean(x, axis=1, keepdims=True), xp.int32)
    found = above + xp.sum(above, axis=1, keepdims=True, dtype=xp.int32)
    wide = v.astype("float64")
    expected = (wide > wide.mean(axis=1, keepdims=True)).astype("int32")
    # An element at the mean, to rounding, may be on either side.
    counts = host(found) - host(above)
    assert np.all(counts == counts[:, :1])
    assert np.abs(counts[:, 0] - expected.sum(axis=1)).max() <= 1


def test_a_count_in_the_interior_of_regions(device, host, values):
    v, x = values, xp.asarray(values)
    middle = xp.ones((200, 298), dtype=xp.bool)
    mask = xp.astype(xp.concat([x[:, :1] > 0, middle, x[:, -1:] > 0], axis=1), xp.int32)
    found = x + mask + xp.concat([x[1:], x[:1]])
    counts = np.concat([v[:, :1] > 0, np.ones((200, 298), bool), v[:, -1:] > 0], axis=1)
    np.testing.assert_array_equal(host(found), v + counts + np.concat([v[1:], v[:1]]))


def test_a_count_of_an_updated_mask(device, host, values):
    v, x = values, xp.asarray(values)
    mask, z = v > 2, x > 2
    mask[1:-1, 1:-1] = v[:-2, 1:-1] > v[2:, 1:-1]
    z[1:-1, 1:-1] = x[:-2, 1:-1] > x[2:, 1:-1]
    np.testing.assert_array_equal(host(x + xp.astype(z, xp.int32)), v + mask)
    np.testing.assert_array_equal(host(xp.astype(z.T, xp.int32) + x.T), (v + mask).T)


def test_counts_before_and_after_reductions_and_scans(device, host, values):
    v, x = values, xp.asarray(values)
    one = xp.astype(x > 1, xp.int32)
    found = xp.sum(x + one, axis=1, dtype=xp.int32)
    expected = (v + (v > 1)).sum(axis=1, dtype="int32")
    np.testing.assert_array_equal(
        host(found + xp.astype(found > 3, xp.int32)), expected + (expected > 3)
    )
    scan = xp.cumulative_sum(x + one, axis=1, dtype=xp.int32)
    expected = np.cumsum(v + (v > 1), axis=1, dtype="int32")
    np.testing.assert_array_equal(host(scan + one), expected + (v > 1))
