"""Pending masks: what they select, and what becomes of them."""

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.graph.node import Node

from .observer import observing

# Around a word of bits, a tile of compaction (4096), a block of the kernel that makes the bits.
SIZES = (1, 31, 32, 33, 63, 65, 2047, 4095, 4096, 4097, 70001)
DTYPES = (
    *("bool", "int8", "uint16", "int32", "uint64", "float32", "float64"),
    *("complex64", "complex128"),
)


def values(dtype, *shape):
    random = np.random.default_rng(len(shape))
    if dtype == "bool":
        return random.random(shape) < 0.5
    if np.dtype(dtype).kind == "c":
        return (random.integers(-5, 6, shape) + 1j * random.integers(-5, 6, shape)).astype(dtype)
    return random.integers(0, 11, shape).astype(dtype)


def is_pending(x):
    node: Node = x._node
    return node.op is not None


@pytest.mark.parametrize("n", SIZES)
def test_a_comparison_selects_at_any_size(device, host, n):
    v = values("float32", n)
    x = xp.asarray(v)
    for limit in (-1, 3, 8, 99):
        np.testing.assert_array_equal(host(x[x > limit]), v[v > limit])
        np.testing.assert_array_equal(host(xp.nonzero(x > limit)[0]), np.flatnonzero(v > limit))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_comparison_of_any_dtype_selects_elements_of_any_dtype(device, host, dtype):
    v, w = values(dtype, 5003), values("float32", 5003)
    x, y = xp.asarray(v), xp.asarray(w)
    np.testing.assert_array_equal(host(x[x != v[0].item()]), v[v != v[0]])
    np.testing.assert_array_equal(host(y[x == v[0].item()]), w[v == v[0]])
    np.testing.assert_array_equal(host(x[y > 4]), v[w > 4])


@pytest.mark.parametrize(
    "shape", [(1, 1), (7, 5), (64, 33), (33, 64), (3, 32, 5), (2, 3, 4, 129)], ids=str
)
def test_masks_of_several_dimensions_and_layouts(device, host, shape):
    v, w = values("int32", *shape), values("int32", *shape)[::-1]
    row = values("int32", shape[-1])
    x, y, r = xp.asarray(v), xp.asarray(w), xp.asarray(row)
    masks = [
        (x > 4, v > 4),
        (x > r, v > row),
        ((x < y) & (xp.flip(x) > 2), (v < w) & (np.flip(v) > 2)),
        (xp.roll(x, 3) > 5, np.roll(v, 3) > 5),
        (x > xp.mean(xp.astype(x, xp.float64)), v > v.mean()),
        (x > xp.max(x, axis=-1, keepdims=True) - 2, v > v.max(-1, keepdims=True) - 2),
    ]
    for mask, m in masks:
        np.testing.assert_array_equal(host(x[mask]), v[m])
    for mask, m in masks:
        for k, found in enumerate(xp.nonzero(mask)):
            np.testing.assert_array_equal(host(found), np.nonzero(m)[k])
    transposed, t = xp.permute_dims(x, tuple(range(x.ndim))[::-1]), v.T
    np.testing.assert_array_equal(host(transposed[transposed > 4]), t[t > 4])


@pytest.mark.parametrize("n", [3, 70, 200])
def test_operands_of_a_mask_that_lie_along_different_axes(device, host, n):
    v = values("int32", n, n)
    x = xp.asarray(v)
    np.testing.assert_array_equal(host(x[x > x.T]), v[v > v.T])
    np.testing.assert_array_equal(host(x[x.T > 4]), v[v.T > 4])
    np.testing.assert_array_equal(host(xp.nonzero(x > x.T)[1]), np.nonzero(v > v.T)[1])


def test_a_mask_of_rows_and_one_beside_other_indices(device, host):
    v = values("float32", 300, 4)
    x = xp.asarray(v)
    keep = v[:, 1] > 4
    np.testing.assert_array_equal(host(x[x[:, 1] > 4]), v[keep])
    np.testing.assert_array_equal(host(x[x[:, 1] > 4, 2]), v[keep, 2])
    x[x[:, 1] > 4] = xp.asarray(-v[keep])
    np.testing.assert_array_equal(host(x), np.where(keep[:, None], -v, v))


def test_elements_that_are_pending_themselves(device, host):
    v = values("float64", 4999)
    x = xp.asarray(v) * 3 - 7
    np.testing.assert_array_equal(host(x[x > 2]), (v * 3 - 7)[v * 3 - 7 > 2])
    np.testing.assert_array_equal(host((x + 1)[x > 2]), (v * 3 - 6)[v * 3 - 7 > 2])


def test_a_mask_is_stored_when_it_is_needed_a_second_time(device, host):
    v = values("float32", 1000)
    x = xp.asarray(v)
    mask = x > 4
    for count in range(3):
        np.testing.assert_array_equal(host(x[mask]), v[v > 4])
        # The CPU's backend has no use for a mask that is not in memory.
        assert is_pending(mask) == (count == 0 and device != "cpu")
    np.testing.assert_array_equal(host(mask), v > 4)


def test_a_mask_that_was_not_stored_keeps_its_value(device, host):
    v = values("float32", 1000)
    x = xp.asarray(v)
    mask = x > 4
    found = x[mask]
    x[:] = 0
    x += 1
    np.testing.assert_array_equal(host(mask), v > 4)
    np.testing.assert_array_equal(host(found), v[v > 4])


def test_what_is_held_of_the_mask_is_stored_and_stays_right(device, host):
    v = values("float32", 3000)
    x = xp.asarray(v)
    square = x * x
    mask = square > 16
    np.testing.assert_array_equal(host(x[mask]), v[v * v > 16])
    np.testing.assert_array_equal(host(square), v * v)


def test_a_plugin_that_watches_sees_the_mask_computed(device, host):
    v = values("float32", 1000)
    x = xp.asarray(v)
    with observing() as seen:
        np.testing.assert_array_equal(host(x[x > 4]), v[v > 4])
    assert any("greater" in names for names in seen.names)


def test_equal_masks_give_equal_bits(device, host):
    v = np.random.default_rng(0).standard_normal(70001).astype("float32")
    x = xp.asarray(v)
    assert host(x[x > 0.3]).tobytes() == host(x[x > 0.3]).tobytes() == v[v > 0.3].tobytes()
