"""`InclusiveScanKernel` and `ExclusiveScanKernel` against `itertools.accumulate`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import ExclusiveScanKernel, InclusiveScanKernel, ReductionKernel
from gpuarray.errors import DeviceError
from gpuarray_cuda import tuning


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def scanned(
    values: np.ndarray[Any, Any], combine: Callable[[Any, Any], Any], identity: Any, exclusive: bool
) -> np.ndarray[Any, Any]:
    """The last axis of an array, scanned one by one."""
    rows = values.reshape(-1, values.shape[-1])
    found = np.empty(rows.shape, values.dtype)
    for row, result in zip(rows, found, strict=True):
        if exclusive:
            result[...] = list(itertools.accumulate(row, combine, initial=identity))[:-1]
        else:
            result[...] = list(itertools.accumulate(row, combine))
    return found.reshape(values.shape)


def both(*texts: str, **more: str) -> list[Any]:
    return [InclusiveScanKernel(*texts, **more), ExclusiveScanKernel(*texts, **more)]


TILE = tuning.SCAN_BLOCK * tuning.SCAN_BYTES // 8
SIZES = (0, 1, 2, 31, 33, 1000, tuning.SCAN_LONGEST_ROW, tuning.SCAN_LONGEST_ROW + 1)


@pytest.mark.parametrize(
    "size", [*SIZES, TILE - 1, TILE, TILE + 1, 3 * TILE + 5, 40 * TILE, 2100 * TILE + 7]
)
def test_sums_of_integers_are_exact(size: int, host: Any) -> None:
    values = np.random.default_rng(size).integers(-(2**40), 2**40, size)
    x = xp.asarray(values)
    inclusive, exclusive = both("T x", "T y", "x", "a + b", "0")
    expected = np.cumsum(values)
    np.testing.assert_array_equal(host(inclusive(x)), expected)
    np.testing.assert_array_equal(host(exclusive(x)), expected - values)


@pytest.mark.parametrize("size", [1, 33, 5000, TILE + 1, 40 * TILE + 3, 1100 * TILE + 3])
def test_the_order_of_elements_is_kept(size: int, host: Any) -> None:
    """The last number that is not 0: no result is the same with its operands exchanged."""
    random = np.random.default_rng(size)
    values = np.where(random.random(size) < 0.01, random.integers(1, 1000, size), 0)
    x = xp.asarray(values)
    positions = np.where(values != 0, np.arange(size), -1)
    last = np.maximum.accumulate(positions)
    expected = np.where(last >= 0, values[last], 0)
    for kernel, shift in zip(both("T x", "T y", "x", "b != 0 ? b : a", "0"), (0, 1), strict=True):
        wanted = np.concatenate([np.zeros(shift, int), expected])[:size]
        np.testing.assert_array_equal(host(kernel(x)), wanted)


def test_affine_maps_are_composed(host: Any) -> None:
    """x -> p x + q as a complex number: associative, and not commutative."""
    random = np.random.default_rng(0)
    values = random.choice([-1.0, 1.0], 3 * TILE) + 1j * random.integers(-3, 4, 3 * TILE)
    kernel = InclusiveScanKernel(
        "T x", "T y", "x", "compose(a, b)", "T{1, 0}", "affine",
        preamble="""
        template <class T>
        __device__ T compose(T a, T b) { return T{b.re * a.re, b.re * a.im + b.im}; }
        """,
    )  # fmt: skip
    expected = scanned(
        values, lambda a, b: complex(b.real * a.real, b.real * a.imag + b.imag), 1, False
    )
    np.testing.assert_array_equal(host(kernel(xp.asarray(values))), expected)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64",
                                   "float32", "float64", "bool"])  # fmt: skip
@pytest.mark.parametrize("shape", [(7, 33), (2, 3000)])
def test_every_dtype(dtype: str, shape: tuple[int, int], host: Any) -> None:
    values = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    if dtype.startswith(("int", "float")):
        values -= np.asarray(50, dtype)
    x = xp.asarray(values)
    lowest = {"b": "0", "u": "0", "f": "-1.0 / 0"}.get(values.dtype.kind, "-128")
    for kernel in both("T x", "T y", "x", "a > b ? a : b", lowest):
        identity = np.asarray(float(lowest.replace("1.0 / 0", "inf"))).astype(dtype)
        expected = scanned(values, max, identity, kernel._exclusive)
        np.testing.assert_array_equal(host(kernel(x)), expected)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_plain_number_is_an_identity_of_complex_numbers(dtype: str, host: Any) -> None:
    values = (np.arange(2000) % 7 + 1j * (np.arange(2000) % 5)).astype(dtype)
    x = xp.asarray(values)
    for kernel in both("T x", "T y", "x", "a + b", "0"):
        expected = scanned(values, lambda a, b: a + b, 0, kernel._exclusive)
        np.testing.assert_array_equal(host(kernel(x)), expected)
    total = ReductionKernel("T x", "T y", "x", "a + b", "y = a", "0")(x)
    assert complex(total) == complex(values.sum())


def test_bools_stay_bools(host: Any) -> None:
    values = np.asarray([False, True, True, False, True])
    found = host(InclusiveScanKernel("T x", "T y", "x", "a + b", "0")(xp.asarray(values)))
    assert found.dtype == bool and found.view(np.uint8).tolist() == [0, 1, 1, 1, 1]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_axes_and_layouts(axis: int, host: Any) -> None:
    values = np.random.default_rng(2).integers(0, 2**16, (4, 5, 6))
    given = xp.permute_dims(xp.asarray(np.ascontiguousarray(values.transpose(2, 0, 1))), (1, 2, 0))
    for x, wanted in ((given, values), (xp.flip(given, axis=1)[::2, ...], values[::2, ::-1])):
        for kernel in both("T x", "T y", "x", "a ^ b", "0"):
            expected = scanned(np.moveaxis(wanted, axis, -1), lambda a, b: a ^ b, 0,
                               kernel._exclusive)  # fmt: skip
            np.testing.assert_array_equal(
                host(kernel(x, axis=axis)), np.moveaxis(expected, -1, axis)
            )


def test_the_elements_may_be_computed(host: Any) -> None:
    x, y = xp.arange(2000.0), xp.ones((3, 1))
    kernel = InclusiveScanKernel("T x, T y, int64 k", "float64 z", "x * y + k", "a + b", "0")
    found = kernel(xp.sin(x), y * 2.0, 3) * 0.5
    expected = np.cumsum(np.sin(np.arange(2000.0)) * 2 + 3) * 0.5
    np.testing.assert_allclose(host(found), np.broadcast_to(expected, (3, 2000)), rtol=1e-12)


def test_an_input_of_another_library_is_left_as_it_is(host: Any) -> None:
    x = xp.arange(10)
    shared = xp.from_dlpack(x)
    np.testing.assert_array_equal(
        host(InclusiveScanKernel("T x", "T y", "x", "a + b", "0")(shared)), np.cumsum(range(10))
    )
    np.testing.assert_array_equal(host(x), np.arange(10))


def test_floats_have_the_same_bits_each_time(host: Any) -> None:
    values = np.random.default_rng(3).normal(size=5 * TILE).astype(np.float32)
    x = xp.asarray(values)
    kernel = InclusiveScanKernel("T x", "T y", "x", "a + b", "0")
    first = host(kernel(x))
    np.testing.assert_allclose(first, np.cumsum(values, dtype=float), rtol=1e-4, atol=1e-2)
    for _ in range(3):
        np.testing.assert_array_equal(host(kernel(x)), first)


def test_timed_sees_it() -> None:
    x = xp.arange(5)
    xp.evaluate(x)
    with xp.timed() as times:
        InclusiveScanKernel("T x", "T y", "x", "a + b", "0", "mine")(x)
    assert "mine" in [task.name for task in times.tasks]


def test_wrong_use_is_an_error_at_the_call() -> None:
    kernel = InclusiveScanKernel("T x", "T y", "x", "a + b", "0", "sums")
    x = xp.ones(3)
    wrong: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: kernel(), TypeError, "sums_map: takes 1 inputs"),
        (lambda: kernel(x, axis=1), IndexError, "sums: axis 1 is out of range"),
        (lambda: kernel(xp.ones(())), ValueError, "sums: an array without axes"),
        (lambda: kernel(xp.ones(3, device="cpu")), TypeError, "sums_map.*CUDA"),
        (lambda: InclusiveScanKernel("T x", "T y, T z", "x", "a", "0"), ValueError, "one output"),
        (lambda: InclusiveScanKernel("T x", "T y", "x", "a + missing", "0", "bad")(x),
         DeviceError, "(?s)bad.*missing"),
        (lambda: InclusiveScanKernel("T x", "T y", "x", "a", "nowhere", "bad")(x),
         DeviceError, "(?s)bad.*nowhere"),
    ]  # fmt: skip
    for call, error, message in wrong:
        with pytest.raises(error, match=message):
            call()
    with pytest.raises(TypeError, match="a call of sums needs the values"):
        xp.compile(lambda x: kernel(x))(x)
