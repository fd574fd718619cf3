"""NumPy functions for the rows where a NumPy ufunc alone departs from the standard.

In: arrays of the loop dtype. Out: a fresh array with the values that the standard prescribes,
special cases included. All are called through `Operation.numpy`, which silences warnings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "atan",
    "atanh",
    "clip",
    "expm1",
    "floor_divide",
    "imag",
    "log1p",
    "pow",
    "real",
    "reciprocal",
    "rounding",
    "sign",
    "tan",
    "tanh",
    "where",
]

NumPyArray: TypeAlias = npt.NDArray[Any]


def _complex(real: NumPyArray, imag: NumPyArray) -> NumPyArray:
    """``real + imag j`` by components, which adding would not keep apart: -0, NaN."""
    result = np.empty(np.broadcast(real, imag).shape, np.result_type(real, np.complex64))
    result.real, result.imag = real, imag
    return result


def where(condition: NumPyArray, x1: NumPyArray, x2: NumPyArray) -> NumPyArray:
    return np.where(condition, x1, x2)


def clip(x: NumPyArray, low: NumPyArray, high: NumPyArray) -> NumPyArray:
    # A NaN bound gives NaN, and crossed bounds give the upper one, as in numpy.clip.
    return np.minimum(np.maximum(x, low), high)


def real(x: NumPyArray) -> NumPyArray:
    return x.real.copy()  # x.real shares the memory of x


def imag(x: NumPyArray) -> NumPyArray:
    return x.imag.copy()


def rounding(function: Callable[[NumPyArray], NumPyArray]) -> Callable[[NumPyArray], NumPyArray]:
    """`function`, and integers unchanged (before version 2.1 NumPy made them float64)."""

    def call(x: NumPyArray) -> NumPyArray:
        return np.positive(x) if x.dtype.kind in "iu" else function(x)

    return call


def reciprocal(x: NumPyArray) -> NumPyArray:
    # numpy.reciprocal makes 1/0j NaN in both parts, which divide does not.
    return np.divide(np.ones((), x.dtype), x)


def floor_divide(x1: NumPyArray, x2: NumPyArray) -> NumPyArray:
    if x1.dtype.kind != "f":
        return np.floor_divide(x1, x2)
    # With an infinite operand NumPy gives NaN and -1, where the quotient itself, infinite or a
    # signed zero, is what the standard asks for.
    infinite = np.isinf(x1) | np.isinf(x2)
    return np.where(infinite, np.divide(x1, x2), np.floor_divide(x1, x2))


def pow(x1: NumPyArray, x2: NumPyArray) -> NumPyArray:
    if x1.dtype.kind == "f":
        # For one exponent of 0.5 NumPy takes the square root, which keeps -0 and has none of -inf.
        rootless = (x2 == 0.5) & ((x1 == 0) | np.isneginf(x1))
        return np.where(rootless, np.abs(x1), np.power(x1, x2))
    if x1.dtype.kind != "i":
        return np.power(x1, x2)
    # Undefined in the standard, an error in NumPy: the exact power, truncated, and 0 for 1/0.
    negative = x2 < 0
    truncated = np.where(x1 == 1, 1, np.where(x1 == -1, 1 - 2 * (x2 & 1), 0))
    power = np.power(x1, np.where(negative, 0, x2))
    return np.where(negative, truncated, power).astype(x1.dtype)


def sign(x: NumPyArray) -> NumPyArray:
    if x.dtype.kind != "c":
        return np.sign(x)
    # Scaled to about 1, exactly, so that no modulus overflows or is rounded as a subnormal.
    size = np.maximum(np.abs(x.real), np.abs(x.imag))
    exponent = np.where(np.isfinite(size) & (size > 0), -np.frexp(size)[1], 0)
    a, b = np.ldexp(x.real, exponent), np.ldexp(x.imag, exponent)
    modulus = np.hypot(a, b)
    unit = _complex(a / modulus, b / modulus)
    unit = np.where(size == 0, np.zeros((), x.dtype), unit)
    one_infinite = np.isinf(x.real) != np.isinf(x.imag)
    unit = np.where(one_infinite, _complex(_direction(x.real), _direction(x.imag)), unit)
    return np.where(np.isnan(x), _complex(size * np.nan, size * np.nan), unit)


def _direction(component: NumPyArray) -> NumPyArray:
    infinite: NumPyArray = np.isinf(component)
    result: NumPyArray = np.copysign(infinite.astype(component.dtype), component)
    return result


def expm1(x: NumPyArray) -> NumPyArray:
    if x.dtype.kind != "c":
        return np.expm1(x)
    a, b = x.real, x.imag
    half = np.sin(b / 2)
    # + 0.0 because the standard has 0 + 0j for -0 + 0j.
    near = _complex(
        np.expm1(a) * np.cos(b) - 2 * half * half + a.dtype.type(0), np.exp(a) * np.sin(b)
    )
    # exp(x) - 1 where the 1 is below rounding, and exp has the special cases and avoids overflow.
    power = np.exp(x)
    far = _complex(power.real - 1, power.imag)
    return np.where(np.isfinite(x) & (a < 50), near, far)


def log1p(x: NumPyArray) -> NumPyArray:
    if x.dtype.kind != "c":
        return np.log1p(x)
    wide = x.astype(np.complex128)
    a, b = wide.real, wide.imag
    # |1 + x|**2 - 1 = 2a + a**2 + b**2 in twice the precision: near the circle |1 + x| = 1 the
    # terms cancel, and the logarithm of the rounded modulus has no correct digit.
    aa, aa_error = _exact_square(a)
    bb, bb_error = _exact_square(b)
    high, error = _exact_sum(2 * a, bb)
    high, second = _exact_sum(high, aa)
    excess = high + (error + second + aa_error + bb_error)
    near = _complex(np.log1p(excess) / 2, np.arctan2(b, 1 + a))
    far = np.log(_complex(1 + a, b))
    # Inside |1 + x|**2 < 1/2 the sum 1 + a is exact; beyond |x| = 4 the logarithm is above 1.
    usable = (np.abs(a) < 4) & (np.abs(b) < 4) & (excess > -0.5)
    return np.where(usable, near, far).astype(x.dtype)


def _exact_square(x: NumPyArray) -> tuple[NumPyArray, NumPyArray]:
    """``x * x`` and its rounding error (Dekker 1971), for float64 and ``|x| < 2**500``."""
    split = 134217729.0 * x
    high = split - (split - x)
    low = x - high
    square = x * x
    return square, ((high * high - square) + 2 * high * low) + low * low


def _exact_sum(x: NumPyArray, y: NumPyArray) -> tuple[NumPyArray, NumPyArray]:
    """``x + y`` and its rounding error (Knuth, TAOCP 2, 4.2.2)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def tanh(x: NumPyArray) -> NumPyArray:
    if x.dtype.kind != "c":
        return np.tanh(x)
    # C99 gives the zero the sign of sin(2 imag); the standard, that of imag.
    limit = _complex(
        np.copysign(x.real.dtype.type(1), x.real), np.copysign(x.imag.dtype.type(0), x.imag)
    )
    return np.where(np.isinf(x.real), limit, np.tanh(x))


def atanh(x: NumPyArray) -> NumPyArray:
    if x.dtype.kind != "c":
        return np.arctanh(x)
    # By quadrant: NumPy's parts differ in the last bit from those of -x and of the conjugate.
    first = np.arctanh(_complex(np.abs(x.real), np.abs(x.imag)))
    return _complex(np.copysign(first.real, x.real), np.copysign(first.imag, x.imag))


def atan(x: NumPyArray) -> NumPyArray:
    if x.dtype.kind != "c":
        return np.arctan(x)
    turned = atanh(_complex(-x.imag, x.real))
    return _complex(turned.imag, -turned.real)


def tan(x: NumPyArray) -> NumPyArray:
    if x.dtype.kind != "c":
        return np.tan(x)
    turned = tanh(_complex(-x.imag, x.real))
    return _complex(turned.imag, -turned.real)
