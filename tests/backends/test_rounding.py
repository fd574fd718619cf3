"""Quotients, reciprocals and square roots of float32 are correctly rounded, as NumPy's are.

On CUDA they have a fast way and a slow one (`codegen/device/lanes.cuh`). What the fast ones rest on
scales with the exponents, so significands at some exponents show all there is to see: a third of
them all on hardware, elsewhere a few thousand.
"""

from __future__ import annotations

import numpy as np
import pytest

import gpuarray as xp

from .conftest import REAL

Bits = np.ndarray[tuple[int], np.dtype[np.uint32]]
SIGNIFICANDS = np.arange(0, 1 << 23, 3 if REAL else 2039, dtype=np.uint32)
# Subnormals, the smallest and largest numbers, both sides of where the fast ways end, not a number.
EXPONENTS = (0, 1, 2, 26, 27, 28, 66, 67, 68, 84, 85, 86, 127, 128, 252, 253, 254, 255)


def numbers(exponent: int, negative: bool = False) -> np.ndarray:
    bits = SIGNIFICANDS | np.uint32(exponent << 23) | np.uint32(negative << 31)
    return bits.view(np.float32)


def same(found: xp.Array, expected: np.ndarray) -> None:
    """Equal bit for bit, but for the payloads of NaN."""
    given = np.asarray(found.to_device("cpu"))
    equal = given.view(np.uint32) == expected.view(np.uint32)
    wrong = np.flatnonzero(~(equal | (np.isnan(given) & np.isnan(expected))))
    assert wrong.size == 0, (wrong.size, given[wrong[:5]], expected[wrong[:5]])


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_reciprocals_and_roots(device, exponent, negative):
    x = numbers(exponent, negative)
    with np.errstate(all="ignore"):
        same(1 / xp.asarray(x), np.float32(1) / x)
        same(xp.sqrt(xp.asarray(x)), np.sqrt(x))


# In the last row the residuals are below the smallest subnormal, whatever the quotients.
PAIRS = [
    *((127, 127), (1, 200), (60, 120), (68, 127), (80, 43), (254, 1), (43, 85), (44, 84)),
    *((127, 254), (0, 127), (127, 0), (127, 255)),
    *((2, 2), (5, 20), (20, 3), (24, 30)),
]


@pytest.mark.parametrize("exponents", PAIRS)
def test_quotients(device, exponents):
    a, b = numbers(exponents[0]), numbers(exponents[1], True)
    with np.errstate(all="ignore"):
        for shift in (0, 12345, 54321):
            rolled = np.roll(a, shift)
            same(xp.asarray(rolled) / xp.asarray(b), rolled / b)


def test_one_bad_lane_among_good_ones(device):
    x = np.linspace(1, 2, 1000, dtype=np.float32)
    x[::7] = 0
    x[3::11] = np.float32(1e-42)
    x[5::13] = np.inf
    with np.errstate(all="ignore"):
        same(xp.sqrt(xp.asarray(x)), np.sqrt(x))
        same(1 / xp.asarray(x), np.float32(1) / x)
        same(xp.asarray(x[::-1].copy()) / xp.asarray(x), x[::-1] / x)


def test_logarithms(device):
    if device == "cpu":
        pytest.skip("NumPy's own, whose accuracy depends on the machine")
    for exponent in (0, 1, 2, 3, 120, 125, 126, 127, 128, 251, 252, 253, 254):
        x = numbers(exponent)
        x = x[x > 0]
        exact = np.log(x.astype(np.float64))
        unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
        error = np.max(np.abs(np.asarray(xp.log(xp.asarray(x)).to_device("cpu")) - exact) / unit)
        assert error <= 1  # CUDA's bound for its own
