"""Special cases of functions of many elements, and of conversions to Python's numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from tests.standard.special_cases import folding

# Of the few means and variances that are finite; the rest is compared exactly.
ROUNDINGS = 4


def identical(found: Any, expected: Any, tolerance: float) -> bool:
    """Equal, with the same sign of zeros, in both parts."""
    if isinstance(expected, bool | int):
        return bool(found == expected)
    parts = [(found.real, expected.real), (found.imag, expected.imag)]
    return all(
        (math.isnan(a) and math.isnan(b))
        or (math.isclose(a, b, rel_tol=tolerance) and math.copysign(1, a) == math.copysign(1, b))
        for a, b in parts
    )


def evaluated(text: str, **names: Any) -> Any:
    found = eval(text, {**vars(xp), **names})
    return np.asarray(found) if isinstance(found, tuple) else np.asarray(found.to_device("cpu"))


def check(text: str, cases: Sequence[tuple[Any, Any]], dtype: str, device: str) -> None:
    tolerance = ROUNDINGS * float(np.finfo(dtype).eps)
    for elements, expected in cases:
        x = xp.asarray(np.asarray(elements, dtype), device=device)
        found = evaluated(text, x=x).tolist()
        where = f"{text} of {elements} in {dtype} is {expected}, not {found}"
        if not isinstance(expected, list):
            found, expected = [found], [expected]
        assert len(found) == len(expected), where
        for one, other in zip(found, expected, strict=True):
            assert identical(one, other, tolerance), where


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", folding.REAL)
def test_of_real_elements(device: str, text: str, dtype: str) -> None:
    check(text, folding.REAL[text], dtype, device)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("text", folding.COMPLEX)
def test_of_complex_elements(device: str, text: str, dtype: str) -> None:
    check(text, folding.COMPLEX[text], dtype, device)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("text", folding.BOOLEAN)
def test_truth(device: str, text: str, dtype: str) -> None:
    cases = list(folding.BOOLEAN[text])
    if dtype.startswith("complex"):
        cases += [
            (tuple(complex(0.0, x.real) for x in elements), expected)
            for elements, expected in folding.BOOLEAN[text]
        ]
    check(text, cases, dtype, device)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", folding.RANGES)
def test_ranges(device: str, text: str, dtype: str) -> None:
    found = evaluated(text, dtype=getattr(xp, dtype))
    assert found.dtype == dtype
    assert found.tolist() == folding.RANGES[text]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_linspace_holds_both_ends_to_the_last_bit(device: str, dtype: str) -> None:
    for start, stop in [(0.1, 0.7), (-1e-3, 1e10), (1.0, 1 / 3)]:
        for num in (2, 7, 50):
            found = evaluated(f"linspace({start}, {stop}, {num}, dtype=dtype)", dtype=dtype)
            ends = np.asarray([start, stop], dtype)
            assert found[[0, -1]].tolist() == ends.tolist()
            half_open = evaluated(
                f"linspace({start}, {stop}, {num}, dtype=dtype, endpoint=False)", dtype=dtype
            )
            assert half_open[0] == ends[0]
            assert ends[1] not in half_open


LONG = 3000
PROPAGATING = ["max", "mean", "min", "prod", "std", "sum", "var"]


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("name", PROPAGATING)
def test_one_nan_among_many_is_seen_wherever_it_stands(
    device: str, host: Any, name: str, axis: int | None
) -> None:
    # However a device splits the elements between threads and blocks.
    places = [0, 1, 31, 32, 255, 256, 1023, 1024, 2047, 2999]
    x = np.linspace(-1, 1, LONG * len(places)).reshape(LONG, len(places))
    expected = np.zeros(len(places), bool)
    for column, place in enumerate(places):
        if column % 2:
            x[place, column] = np.nan
            expected[column] = True
    given = xp.asarray(x.T.copy() if axis == 1 else x, device=device)
    found = np.isnan(host(getattr(xp, name)(given, axis=axis)))
    np.testing.assert_array_equal(found, expected.any() if axis is None else expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_sums_of_negative_zeros_alone_are_negative(device: str, host: Any, dtype: str) -> None:
    zeros = -np.zeros((LONG, 3), dtype)
    assert np.signbit(zeros.real).all()
    x = xp.asarray(zeros, device=device)
    for found in (xp.sum(x), xp.sum(x, axis=0), xp.sum(x, axis=1), xp.sum(x[:1])):
        assert np.signbit(host(found).real).all()
        if dtype.startswith("complex"):
            assert np.signbit(host(found).imag).all()
    nothing = host(xp.sum(x[:0], axis=0))
    assert not nothing.any()
    assert not np.signbit(nothing.real).any()


@pytest.mark.parametrize(("dtype", "element", "function", "expected"), folding.CASTS)
def test_conversion_to_a_python_number(
    device: str, dtype: str, element: complex, function: Any, expected: Any
) -> None:
    x = xp.asarray(np.asarray(element, dtype), device=device)
    if isinstance(expected, type):
        with pytest.raises(expected):
            function(x)
        return
    found = function(x)
    assert type(found) is function
    assert identical(found, expected, 0.0)
