"""Scans with the kernels beside them: when they are one pass, and that no bit depends on it."""

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.errors import OutOfMemory
from gpuarray.plugins import hookimpl

from .observer import observing

# For lanes, for one tile and for several (4096 of float32), with an odd end.
SHAPES = [(7,), (1025,), (9001,), (50, 7), (3, 1025), (2, 3, 70)]
DTYPES = ("int8", "uint32", "int64", "float32", "float64", "complex64", "complex128")


class Asked:
    """Which parts were given to `gpuarray_scan_joined`, and whether it was answered."""

    def __init__(self):
        self.parts = []
        self.answered = []

    @hookimpl(wrapper=True)
    def gpuarray_scan_joined(self, before, after):
        self.parts.append((before is not None, after is not None))
        found = yield
        self.answered.append(found is not None)
        return found


def values(dtype, shape, seed):
    random = np.random.default_rng(seed)
    whole = random.integers(-3, 4, shape)
    if np.dtype(dtype).kind == "c":
        whole = whole + 1j * random.integers(-3, 4, shape)
    return whole.astype(dtype)


def programs(x, y, cumulative):
    """Before, after, both, in the dtype of x; whole numbers, so that sums are exact."""
    yield (True, False), cumulative(x * y + 1)
    yield (False, True), 2 * cumulative(x) - y
    yield (True, True), y + cumulative(x - 2 * y) * y


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_beside_a_scan_is_computed_in_its_pass(device, host, shape, dtype):
    v, w = values(dtype, shape, 1), values(dtype, shape, 2)
    x, y = xp.asarray(v), xp.asarray(w)
    scans = (
        lambda a: xp.cumulative_sum(a, axis=-1, dtype=dtype),
        lambda a: np.cumsum(a, axis=-1, dtype=dtype),
    )
    for (parts, found), (_, expected) in zip(
        programs(x, y, scans[0]), programs(v, w, scans[1]), strict=True
    ):
        with observing(Asked()) as asked:
            np.testing.assert_array_equal(host(found), expected.astype(dtype))
        assert asked.parts == [parts]
        assert asked.answered == [device.startswith("cuda")]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_bits_are_those_of_one_kernel_after_the_other(device, host, shape, dtype):
    random = np.random.default_rng(3)
    x, y = (xp.asarray(random.standard_normal(shape).astype(dtype)) for _ in range(2))

    def found():
        return [
            host(2.5 * cumulative(x * y, axis=-1) + x)
            for cumulative in (xp.cumulative_sum, xp.cumulative_prod)
        ]

    joined = found()
    with observing() as watched:  # which has every task run by itself
        apart = found()
    assert watched.tasks == 4
    for a, b in zip(joined, apart, strict=True):
        np.testing.assert_array_equal(a.view(np.uint8), b.view(np.uint8))


def test_a_scan_that_is_held_is_stored_and_read(device, host):
    v = values("float32", (3000,), 1)
    x = xp.asarray(v)
    with observing(Asked()) as asked:
        sums = xp.cumulative_sum(x + 1)
        twice = 2 * sums
        np.testing.assert_array_equal(host(twice), 2 * np.cumsum(v + 1))
        np.testing.assert_array_equal(host(sums), np.cumsum(v + 1))
    assert asked.parts == [(True, False)]


def test_what_is_held_before_a_scan_is_stored_and_read(device, host):
    v = values("float32", (3000,), 1)
    more = xp.asarray(v) + 1
    with observing(Asked()) as asked:
        np.testing.assert_array_equal(host(xp.cumulative_sum(more) * 2), 2 * np.cumsum(v + 1))
        np.testing.assert_array_equal(host(more), v + 1)
    assert asked.parts == [(False, True)]


def test_other_readings_of_a_scan_are_kernels_of_their_own(device, host):
    v = values("float32", (3000,), 1)
    x = xp.asarray(v)
    sums = np.cumsum(v)
    with observing(Asked()) as asked:
        np.testing.assert_array_equal(host(xp.flip(xp.cumulative_sum(x)) * 2), 2 * sums[::-1])
        found = xp.cumulative_sum(x)
        np.testing.assert_array_equal(host(found + xp.flip(found)), sums + sums[::-1])
        found = xp.cumulative_sum(x)
        np.testing.assert_array_equal(host(found[1:] - found[:-1]), sums[1:] - sums[:-1])
        found = xp.cumulative_sum(x, include_initial=True)
        np.testing.assert_array_equal(host(found * 2), 2 * np.concat(([0], sums)))
        found = xp.cumulative_sum(x)
        np.testing.assert_array_equal(host(xp.sum(found * 2)), np.sum(sums * 2))
    assert asked.parts == []


def test_reductions_over_one_element_are_kernels_of_their_own(device, host):
    v = values("int32", (1, 1500), 1)
    x = xp.asarray(v)
    with observing(Asked()) as asked:
        scan = xp.cumulative_sum(x, axis=1, dtype=xp.int32)
        found = x + (scan - xp.max(scan, axis=0, keepdims=True))
        np.testing.assert_array_equal(host(found), v)
        found = xp.cumulative_sum(2 * x - xp.max(x, axis=0, keepdims=True), axis=1, dtype=xp.int32)
        np.testing.assert_array_equal(host(found), np.cumsum(v, axis=1, dtype="int32"))
    assert not any(asked.answered)


def test_broadcasts_scalars_and_other_dtypes_beside_a_scan(device, host):
    v, row = values("float32", (5, 1030), 1), values("float32", (1030,), 2)
    x, r = xp.asarray(v), xp.asarray(row)
    found = xp.astype(
        xp.cumulative_sum(xp.astype(x > r, xp.int32), axis=1, dtype=xp.int32) + r, xp.float64
    )
    expected = (np.cumsum(v > row, axis=1, dtype=np.int32) + row).astype(np.float64)
    np.testing.assert_array_equal(host(found), expected)
    found = xp.where(xp.cumulative_sum(x[::-1, ::-1], axis=1) > 2.5, r, -x)
    expected = np.where(np.cumsum(v[::-1, ::-1], axis=1) > 2.5, row, -v)
    np.testing.assert_array_equal(host(found), expected)


def test_columns_are_scanned_and_used(device, host):
    v = values("float64", (300, 41), 1)
    x = xp.asarray(v)
    found = 2 * xp.cumulative_sum(x + 1, axis=0) - x
    np.testing.assert_array_equal(host(found), 2 * np.cumsum(v + 1, axis=0) - v)


def test_a_scan_of_a_scan(device, host):
    v = values("int64", (2, 5000), 1)
    x = xp.asarray(v)
    found = xp.cumulative_sum(xp.cumulative_sum(x * 2, axis=1) - 1, axis=1) * 3
    expected = np.cumsum(np.cumsum(v * 2, axis=1) - 1, axis=1) * 3
    np.testing.assert_array_equal(host(found), expected)


def test_an_update_of_a_scan_in_place(device, host):
    v = values("float32", (4, 2000), 1)
    x = xp.cumulative_sum(xp.asarray(v) * 2, axis=1)
    x[1:3, 5:] = -1.0
    expected = np.cumsum(v * 2, axis=1)
    expected[1:3, 5:] = -1
    np.testing.assert_array_equal(host(x), expected)


def test_a_compiled_function_scans_alike(device, host):
    v = np.random.default_rng(4).standard_normal((3, 3000)).astype("float32")
    x = xp.asarray(v)

    def program(x):
        return 0.5 * xp.cumulative_sum(x * x, axis=1) + 1

    compiled = xp.compile(program)
    expected = host(program(x))
    for _ in range(3):
        np.testing.assert_array_equal(host(compiled(x)), expected)


def test_an_explanation_says_what_is_one_pass(device):
    x = xp.asarray([1.0, 2.0, 3.0])
    text = xp.explain(2 * xp.cumulative_sum(x + 1), source=False)
    assert "one pass, where the backend has it, of" in text
    assert "library call: scan of" in text
    assert text.count("kernel 0:") == text.count("kernel 1:") == 1


def test_lack_of_memory_names_what_was_computed_and_loses_nothing(device, host):
    class Full:
        @hookimpl
        def gpuarray_scan_joined(self):
            raise OutOfMemory("no memory")

    v = values("float32", (3000,), 1)
    found = 2 * xp.cumulative_sum(xp.asarray(v) + 1)
    with observing(Full()), pytest.raises(OutOfMemory, match="add -> scan -> multiply"):
        xp.evaluate(found)
    np.testing.assert_array_equal(host(found), 2 * np.cumsum(v + 1))
