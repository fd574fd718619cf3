"""Fourier transforms on the device: whatever axes, strides and extents there are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from gpuarray.operations.library import LIBRARY

from .library_operands import REAL, Libraries, libraries

__all__ = ["libraries"]

Array = np.ndarray[Any, Any]


def random(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    found = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.standard_normal(shape)
    return found.astype(dtype)


def check(libraries: Libraries, name: str, x: Array, **arguments: Any) -> None:
    found = libraries(name, x=x, **arguments)
    (expected,) = LIBRARY[name](x, **arguments)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    # The error of a transform grows with the logarithm of its size; that of its norm.
    norm = np.sqrt(x.size) * np.linalg.norm(np.ravel(x)) + 1e-30
    difference = np.linalg.norm(np.ravel(found - expected))
    assert difference <= 20 * np.finfo(x.dtype).eps * norm, (
        difference / norm,
        x.strides,
        arguments,
    )


def layouts(x: Array) -> dict[str, Array]:
    """The same elements in memory in other ways."""
    padded = np.zeros([n + 3 for n in x.shape], x.dtype)
    inside = padded[tuple(slice(1, 1 + n) for n in x.shape)]
    inside[...] = x
    doubled = np.zeros([2 * n for n in x.shape], x.dtype)
    sparse = doubled[(slice(None, None, 2),) * x.ndim]
    sparse[...] = x
    found = {
        "rows": np.ascontiguousarray(x),
        "columns": np.asfortranarray(x),
        "inside": inside,
        "every second": sparse,
        "backwards": np.ascontiguousarray(x[(slice(None, None, -1),) * x.ndim])[
            (slice(None, None, -1),) * x.ndim
        ],
    }
    if x.ndim > 2:
        middle_first = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, 0)), 0, 1)
        found["middle first"] = middle_first
    return found


SHAPES = [(12,), (6, 5), (4, 1), (1, 4), (3, 4, 5), (2, 1, 6), (2, 3, 4, 5)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_transforms(libraries: Libraries, shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = random(rng, shape, dtype)
    for name, laid in layouts(x).items():
        for count in range(1, len(shape) + 1):
            for axes in itertools.permutations(range(len(shape)), count):
                if count > 2 and axes != tuple(sorted(axes)) and name != "rows":
                    continue
                check(libraries, "fft", laid, axes=axes, inverse=len(axes) % 2 == 0)


@pytest.mark.parametrize("shape", [*SHAPES, (7,), (5, 8), (1,)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_transforms(libraries: Libraries, shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(2)
    x = random(rng, shape, dtype)
    for laid in layouts(x).values():
        for count in range(1, min(len(shape), 3) + 1):
            for axes in itertools.permutations(range(len(shape)), count):
                check(libraries, "rfft", laid, axes=axes)


@pytest.mark.parametrize("shape", [*SHAPES, (7,), (5, 8), (1,)], ids=str)
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_inverse_real_transforms_of_any_spectrum(
    libraries: Libraries, shape: tuple[int, ...], dtype: str
) -> None:
    # Imaginary parts that no real array has are ignored, as NumPy does.
    rng = np.random.default_rng(3)
    x = random(rng, shape, dtype)
    for laid in layouts(x).values():
        for count in range(1, min(len(shape), 3) + 1):
            for axes in itertools.permutations(range(len(shape)), count):
                for size in {2 * shape[axes[-1]] - 2, 2 * shape[axes[-1]] - 1} - {0}:
                    check(libraries, "irfft", laid, axes=axes, size=size)


def test_there_and_back_along_every_axis(libraries: Libraries) -> None:
    rng = np.random.default_rng(4)
    x = random(rng, (3, 5, 8), "float64")
    for axes in [(0,), (1,), (2,), (0, 2), (2, 0), (0, 1, 2), (1, 2, 0)]:
        spectrum = np.ascontiguousarray(libraries("rfft", x=x, axes=axes))
        size = x.shape[axes[-1]]
        found = libraries("irfft", x=spectrum, axes=axes, size=size)
        count = np.prod([x.shape[axis] for axis in axes])
        np.testing.assert_allclose(found / count, x, atol=1e-13)


def test_a_broadcast_array(libraries: Libraries) -> None:
    x = np.broadcast_to(np.arange(6.0) + 1j, (4, 6))
    check(libraries, "fft", x, axes=(0, 1), inverse=False)
    check(libraries, "rfft", x.real, axes=(0, 1))


@pytest.mark.parametrize("begin", [0, 1, 2, 3])
def test_real_elements_that_begin_at_odd_places(libraries: Libraries, begin: int) -> None:
    x = np.arange(50, dtype=np.float32)[begin : begin + 40].reshape(4, 10)
    check(libraries, "rfft", x, axes=(1,))
    check(libraries, "rfft", x[:, 1:8], axes=(1,))
    check(libraries, "rfft", x[:, 1:8].T, axes=(0,))


def plans(libraries: Libraries) -> list[Any]:
    """The transforms that the simulator was asked for from now on."""
    assert libraries.runtime is not None
    found: list[Any] = []
    simulated = libraries.runtime.libraries
    transform = simulated.transform

    def noted(plan: Any, *arguments: Any) -> None:
        found.append(plan)
        transform(plan, *arguments)

    simulated.transform = noted  # type: ignore[method-assign]
    return found


@pytest.mark.skipif(REAL, reason="looks at the simulator's calls")
@pytest.mark.parametrize(
    ("name", "shape", "axes", "calls", "copies"),
    [
        ("fft", (8, 9), (1,), 1, 0),
        ("fft", (8, 9), (0,), 1, 0),
        ("fft", (8, 9), (0, 1), 1, 0),
        ("fft", (3, 4, 5), (0, 1, 2), 1, 0),
        ("fft", (3, 4, 5), (1, 2), 1, 0),
        ("fft", (3, 4, 5), (0, 1), 1, 0),
        ("fft", (3, 4, 5), (1,), 3, 0),  # once for each index of the first axis
        ("fft", (5, 4, 3), (1,), 3, 0),
        ("fft", (20, 4, 30), (1,), 1, 1),  # the axis is brought to the end
        ("fft", (3, 4, 5), (0, 2), 2, 0),
        ("fft", (2, 3, 4, 5), (0, 1, 2, 3), 2, 0),
        ("fft", (6, 1, 5), (0, 2), 1, 0),
        ("fft", (6, 1, 5), (1,), 0, 0),  # a copy that is no kernel
        ("rfft", (8, 9), (0, 1), 1, 0),
        ("rfft", (8, 9), (1, 0), 2, 0),
        ("rfft", (3, 4, 5), (0, 1, 2), 1, 0),
        ("rfft", (2, 3, 4, 5), (0, 1, 2, 3), 2, 0),
        ("irfft", (8, 9), (0, 1), 2, 1),  # and the kernel that makes ends real
        ("irfft", (8, 9), (1,), 1, 1),
    ],
)
def test_few_calls_and_copies(
    libraries: Libraries,
    name: str,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    calls: int,
    copies: int,
) -> None:
    rng = np.random.default_rng(5)
    assert libraries.runtime is not None
    x = random(rng, shape, "float32" if name == "rfft" else "complex64")
    more = {"fft": {"inverse": True}, "rfft": {}, "irfft": {"size": 2 * shape[axes[-1]] - 2}}[name]
    found = plans(libraries)
    counters = libraries.runtime._runtime.counters
    before = counters.launches
    check(libraries, name, x, axes=axes, **more)
    del libraries.runtime.libraries.transform
    assert (len(found), counters.launches - before) == (calls, copies)


@pytest.mark.skipif(REAL, reason="looks at the simulator's calls")
def test_a_column_major_array_is_transformed_as_it_lies(libraries: Libraries) -> None:
    assert libraries.runtime is not None
    rng = np.random.default_rng(6)
    x = np.asfortranarray(random(rng, (6, 5), "complex64"))
    operand = libraries.operand(x)
    found = plans(libraries)
    hook = libraries.device.hook.gpuarray_fft
    (result,) = hook(device=libraries.device, x=operand, axes=(0, 1), inverse=False)
    del libraries.runtime.libraries.transform
    assert result.layout.strides == (1, 6)
    assert [plan.sizes for plan in found] == [(5, 6)]
