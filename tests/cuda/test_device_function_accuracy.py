"""How precise the device functions are, computed on the CPU and compared in wider types.

What is CUDA's own here (``exp`` of a float) is the C library's, good to about one rounding, so what
is asserted is the accuracy of the algorithms in the ``.cuh`` files.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from .device_functions_on_cpu import Array, functions

Wide = type[np.complexfloating[Any, Any]]


def spread(generator: np.random.Generator, count: int, lowest: float, highest: float) -> Array:
    """Numbers of both signs, with binary exponents spread evenly."""
    exponents = generator.uniform(lowest, highest, count)
    return np.asarray(generator.choice([-1.0, 1.0], count) * 2.0**exponents)


def rounded(values: Array, dtype: str) -> Array:
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def points(dtype: str) -> Array:
    """Complex numbers of all sizes, and near where functions are hard: 0, ±1, ±1j, |z| = 1."""
    generator = np.random.default_rng(11)
    bits = 24 if dtype == "complex64" else 53
    high = bits // 4
    wide = spread(generator, 3000, -bits, high) + 1j * spread(generator, 3000, -bits, high)
    angle = generator.uniform(-np.pi, np.pi, 1000)
    circle = np.exp(1j * angle) * (1 + spread(generator, 1000, -bits, -1))
    offset = spread(generator, 1000, -bits, 0) + 1j * spread(generator, 1000, -bits, 0)
    near = generator.choice([1, -1, 1j, -1j], 1000) + offset
    return rounded(np.concatenate([wide, circle, near]), dtype)


def wider(dtype: str) -> Wide:
    if dtype == "complex64":
        return np.complex128
    if np.finfo(np.longdouble).eps > 2.0**-60:
        pytest.skip("this machine has no floating type wider than float64 to compare with")
    return np.clongdouble


def error(found: Array, exact: Array) -> float:
    """The largest distance to `exact`, as whole numbers, in roundings of the dtype."""
    info = np.finfo(found.dtype)
    exact = exact.astype(np.clongdouble)
    with np.errstate(all="ignore"):
        distance = abs(found.astype(np.clongdouble) - exact) / np.maximum(abs(exact), info.tiny)
    representable = np.isfinite(exact) & (abs(exact) < info.max)
    return float(np.max(distance[representable]) / info.eps)


def expm1(z: Array) -> Array:
    half = np.sin(z.imag / 2)
    real = np.expm1(z.real) * np.cos(z.imag) - 2 * half * half
    return np.asarray(real + 1j * (np.exp(z.real) * np.sin(z.imag)))


REFERENCES = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "cos": np.cos,
    "cosh": np.cosh,
    "exp": np.exp,
    "expm1": expm1,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
ENTIRE = {"cos", "cosh", "exp", "expm1", "sin", "sinh", "tan", "tanh"}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", REFERENCES)
def test_complex_functions(name: str, dtype: str) -> None:
    z = points(dtype)
    if name in ENTIRE:
        z = z[(abs(z.real) < 80) & (abs(z.imag) < 80)]
    exact = REFERENCES[name](z.astype(wider(dtype)))
    assert error(functions(np.dtype(dtype))[name](z), exact) < 5


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize(("name", "shift"), [("log", 0), ("log1p", 1)])
def test_logarithms_are_precise_in_the_real_part_alone(name: str, shift: int, dtype: str) -> None:
    """Where it vanishes, near the circle, by exact rational arithmetic."""
    z = rounded(points(dtype)[-2000:] - shift, dtype)
    excess = [(shift + Fraction(float(x.real))) ** 2 + Fraction(float(x.imag)) ** 2 - 1 for x in z]
    near = np.asarray([-0.5 < x < 3 for x in excess])
    exact = np.log1p(np.asarray([float(x) for x in excess])[near]) / 2
    found = functions(np.dtype(dtype))[name](z).real[near]
    eps = float(np.finfo(dtype).eps)
    assert np.all(abs(found - exact) < 4 * eps * abs(exact) + eps * eps)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_arithmetic(dtype: str) -> None:
    generator = np.random.default_rng(5)
    highest = 60 if dtype == "complex64" else 500
    a, b = (
        rounded(
            spread(generator, 4000, -highest, highest)
            * (1 + 1j * spread(generator, 4000, -30, 30)),
            dtype,
        )
        for _ in range(2)
    )
    computed, wide = functions(np.dtype(dtype)), wider(dtype)
    wide_a, wide_b = a.astype(wide), b.astype(wide)
    assert error(computed["divide"](a, b), wide_a / wide_b) < 5
    assert error(computed["multiply"](a, b), wide_a * wide_b) < 3
    assert error(computed["reciprocal"](a), 1 / wide_a) < 5
    assert error(computed["sign"](a), wide_a / abs(wide_a)) < 3
    assert error(computed["abs"](a), abs(wide_a)) < 2


def test_a_number_times_its_conjugate_is_real() -> None:
    z = points("complex64")
    computed = functions(np.dtype("complex64"))
    assert not computed["multiply"](z, computed["conj"](z)).imag.any()


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_powers(dtype: str) -> None:
    generator = np.random.default_rng(9)
    modulus = 2.0 ** generator.uniform(-4, 4, 2000)
    z = rounded(modulus * np.exp(1j * generator.uniform(-3, 3, 2000)), dtype)
    w = rounded(generator.uniform(-9, 9, 2000) + 1j * generator.uniform(-3, 3, 2000), dtype)
    whole = np.round(w.real).astype(dtype)
    power, wide = functions(np.dtype(dtype))["pow"], wider(dtype)
    # exp multiplies the rounding of its argument, which is up to 40 here; for single precision the
    # argument is computed in double.
    exact = np.exp(w.astype(wide) * np.log(z.astype(wide)))
    assert error(power(z, w), exact) < (2 if dtype == "complex64" else 60)
    exact = np.exp(whole.astype(wide) * np.log(z.astype(wide)))
    assert error(power(z, whole), exact) < 20
    assert power([1 + 2j, 3 - 4j, 1j], [2, 3, 4]).tolist() == [-3 + 4j, -117 - 44j, 1]


@pytest.mark.parametrize(("dtype", "beyond"), [("complex64", 90.0), ("complex128", 712.0)])
@pytest.mark.parametrize("name", ["exp", "sinh", "cosh"])
def test_exponentials_overflow_only_in_the_part_that_does(
    name: str, dtype: str, beyond: float
) -> None:
    angle = 2.0**-10
    (found,) = functions(np.dtype(dtype))[name]([complex(beyond, angle)])
    scale = 1 if name == "exp" else 2
    assert found.real == np.inf
    expected = np.exp(beyond + np.log(angle / scale))
    assert np.isclose(float(found.imag), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_square_roots_of_the_largest_and_the_smallest(dtype: str) -> None:
    info = np.finfo(dtype)
    extremes = [info.max, -info.max, info.tiny, info.smallest_subnormal, 0]
    z = np.asarray([complex(a, b) for a in extremes for b in extremes if a or b], dtype)
    exact = np.sqrt(z.astype(wider(dtype)))
    assert error(functions(np.dtype(dtype))["sqrt"](z), exact) < 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floor_divide_and_remainder(dtype: str) -> None:
    generator = np.random.default_rng(2)
    b = rounded(spread(generator, 4000, -20, 20), dtype)
    # Near exact multiples a rounded quotient is an integer by mistake.
    a = rounded(generator.integers(-1000, 1000, 4000) * b.astype("f8"), dtype)
    a = np.concatenate([a, np.nextafter(a, b), np.nextafter(a, -b)])
    b = np.concatenate([b, b, b])
    computed = functions(np.dtype(dtype))
    exact = [Fraction(float(x)) // Fraction(float(y)) for x, y in zip(a, b, strict=True)]
    assert computed["floor_divide"](a, b).tolist() == [float(q) for q in exact]
    np.testing.assert_array_equal(computed["remainder"](a, b), np.remainder(a, b))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logaddexp(dtype: str) -> None:
    generator = np.random.default_rng(4)
    a, b = (rounded(generator.uniform(0, 900, 3000), dtype) for _ in range(2))
    exact = np.logaddexp(a.astype(np.longdouble), b.astype(np.longdouble))
    assert error(functions(np.dtype(dtype))["logaddexp"](a, b), exact) < 2
