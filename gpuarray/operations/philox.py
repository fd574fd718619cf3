"""Random bits and normal numbers as functions of a position and a key, in NumPy.

In: positions in a sequence, and keys. Out: words, numbers below a bound, normal numbers; bit for
bit what `gpuarray_cuda/codegen/device/random.cuh` computes. `random` says which words are whose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "Values",
    "joined",
    "open_unit",
    "philox",
    "random_below",
    "random_normal",
    "random_normal_double",
    "random_pair",
    "random_small",
    "random_unit",
    "random_unit_double",
    "random_word",
]

Values: TypeAlias = npt.NDArray[Any]

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def philox(block: Values, attempt: int, stream: int, key: Values) -> tuple[Values, ...]:
    """The four words of each block, as uint64 below 2**32.

    Parameters
    ----------
    block, key : ndarray of uint64
        Shapes that broadcast.
    attempt, stream : int
        The two upper words of the counter.

    Examples
    --------
    >>> import numpy as np
    >>> zero = np.zeros((), np.uint64)
    >>> [f"{int(word):08x}" for word in philox(zero, 0, 0, zero)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    x0, x1 = block & _LOW, block >> _32
    x2: Values = np.asarray(attempt, np.uint64)
    x3: Values = np.asarray(stream, np.uint64)
    k0, k1 = key & _LOW, key >> _32
    for rounds in range(10):
        a, b = _MULTIPLIERS[0] * x0, _MULTIPLIERS[1] * x2
        key0 = (k0 + np.uint64(rounds * _WEYL[0] & 0xFFFFFFFF)) & _LOW
        key1 = (k1 + np.uint64(rounds * _WEYL[1] & 0xFFFFFFFF)) & _LOW
        x0, x1, x2, x3 = (b >> _32) ^ x1 ^ key0, b & _LOW, (a >> _32) ^ x3 ^ key1, a & _LOW
    return x0, x1, x2, x3


def joined(low: Values, high: Values) -> Values:
    return high << _32 | low


def _of_blocks(
    index: Values, key: Values, each: int, made: Callable[[Values, Values], tuple[Values, ...]]
) -> Values:
    """Element ``index % each`` of what `made` makes of the block ``index // each`` and the key."""
    flat = index.reshape(-1)
    if flat.size > each and key.size == 1:
        first, last = int(flat[0]), int(flat[-1])
        if last - first == flat.size - 1 and np.all(np.diff(flat) == np.uint64(1)):
            # Neighbours, as nearly always: each block once.
            blocks = np.arange(first // each, last // each + 1, dtype=np.uint64)
            elements = np.stack(made(blocks, key.reshape(-1)), axis=-1).reshape(-1)
            return elements[first % each :][: flat.size].reshape(index.shape)
    width = np.uint64(each)
    parts = np.broadcast_arrays(*made(index // width, key))
    return np.asarray(np.choose((index % width).astype(np.intp), parts))


def random_word(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 4, lambda block, k: philox(block, 0, 0, k)).astype(np.uint32)


def _pairs(block: Values, key: Values) -> tuple[Values, ...]:
    words = philox(block, 0, 0, key)
    return joined(*words[:2]), joined(*words[2:])


def random_pair(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 2, _pairs)


def random_small(index: Values, key: Values, bound: Values) -> Values:
    """Below `bound`, which is below 2**32: the product with 64 bits, over 2**64."""
    pair = random_pair(index, key)
    upper, lower = (pair >> _32) * bound, (pair & _LOW) * bound
    return np.asarray((upper + (lower >> _32)) >> _32)


def random_unit(index: Values, key: Values) -> Values:
    """Multiples of 2**-24 in [0, 1), float32."""
    upper = (random_word(index, key) >> np.uint32(8)).astype(np.float32)
    return np.asarray(upper * np.float32(2.0**-24))


def random_unit_double(index: Values, key: Values) -> Values:
    """Multiples of 2**-53 in [0, 1), float64."""
    return np.asarray((random_pair(index, key) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _turned(radius: Values, quarter: Values, sine: Values, cosine: Values) -> tuple[Values, Values]:
    """radius times cosine and sine of an angle that is `quarter` quarter turns further on."""
    exchanged = quarter & np.uint64(1) == 1
    a, b = np.where(exchanged, sine, cosine), np.where(exchanged, cosine, sine)
    negative_b = quarter >> np.uint64(1) & np.uint64(1) == 1
    negative_a = negative_b != exchanged
    a, b = radius * a, radius * b
    return np.where(negative_a, -a, a), np.where(negative_b, -b, b)


def _fma(x: Values, y: Values | np.float32, z: Values | float) -> Values:
    """x * y + z for float32, rounded once (but for one case in 2**29): float64 holds products."""
    exact: Values = np.multiply(x, y, dtype=np.float64) + np.float32(z)
    return exact.astype(np.float32)


def _horner(x: Values, coefficients: tuple[float, ...]) -> Values:
    """A polynomial in float32; the coefficients from the highest power down."""
    found = np.full(x.shape, coefficients[0], np.float32)
    for coefficient in coefficients[1:]:
        found = _fma(found, x, coefficient)
    return found


# `ga_box_muller` in random.cuh: the logarithm, the sine and the cosine.
_LOG = (
    *(1.547768e-02, -1.9934565e-02, 3.2671042e-02, 2.3441818e-02),
    *(8.47277e-02, 2.4990837e-01, -3.8629338e-01),
)
_SINE = (-6.5084612e-03, 1.12684861e-01, -9.1353029e-01, 2.2214415e00)
_COSINE = (-2.8861769e-02, 3.5864264e-01, -1.744711e00, 1.4142135e00)


def _truncated(words: Values) -> Values:
    """Words as float32, rounded towards zero."""
    bits = words.astype(np.float64).view(np.int64) & np.int64(-1 << 29)
    return np.asarray(bits.view(np.float64).astype(np.float32))


def _with_mantissa(bits: Values) -> Values:
    """The float32 from 1 to 2 of the lower 23 bits of each."""
    return np.asarray(bits & np.int32(0x7FFFFF) | np.int32(0x3F800000)).view(np.float32)


def _box_muller(radial: Values, angle: Values) -> tuple[Values, ...]:
    """Two float32 from two words, every step rounded as in random.cuh."""
    bits = _fma(_truncated(radial), np.float32(2.0**-32), 2.0**-33).view(np.int32)
    d = np.float32(2) - _with_mantissa(bits)
    whole = (bits - np.int32(0x3F800000)).astype(np.float32) * np.float32(-1.6525917e-07)
    root = np.sqrt(_fma(d, _horner(d, _LOG), whole))
    turns = angle.astype(np.uint32).view(np.int32)
    root = np.where(turns < 0, -root, root)
    t = _with_mantissa(turns | np.int32(1)) - np.float32(1.5)
    z = t * t
    s, c = t * _horner(z, _SINE), _horner(z, _COSINE)
    q = root * s
    return _fma(-q, s, root), q * c


def _normals(block: Values, key: Values) -> tuple[Values, ...]:
    words = philox(block, 0, 1, key)
    return _box_muller(*words[:2]) + _box_muller(*words[2:])


def random_normal(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 4, _normals)


def open_unit(bits: Values) -> Values:
    """The middle of one of 2**53 parts of (0, 1), or, where that is 1, the number before it."""
    u = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.minimum(u, 1 - 2.0**-53)


_LOG_TWO = 0.6931471787393093, 1.8206359985041462e-09


def _plain_log(u: Values) -> Values:
    """`ga_plain_log`: the logarithm by a series, every step rounded, the same on every machine."""
    m, k = np.frexp(u)
    small = m < 0.70710678118654757
    f, k = np.where(small, 2 * m, m) - 1.0, (k - small).astype(np.float64)
    s = f / (2.0 + f)
    z = s * s
    p = np.full(u.shape, 1 / 23)
    for n in range(21, 1, -2):
        p = p * z + 1 / n
    twice = s + s
    result: Values = k * _LOG_TWO[0] + (twice + (twice * (z * p) + k * _LOG_TWO[1]))
    return result


# Taylor's, in eighths of a turn.
_SINE_DOUBLE = (
    *(0.7853981633974483, -0.08074551218828079, 0.0024903945701927202, -3.657620418217725e-05),
    *(
        3.1336168903781217e-07,
        -1.757247673443401e-09,
        6.948453273886629e-12,
        -2.0410263396641442e-14,
    ),
    4.628704628834683e-17,
)
_COSINE_DOUBLE = (
    *(1.0, -0.30842513753404244, 0.015854344243815502, -0.00032599188692739),
    *(3.59086044859151e-06, -2.4611369504942e-08, 1.1501159127974052e-10, -3.8980731712596753e-13),
    *(1.001886461636272e-15, -2.019653396886682e-18),
)


def _normals_double(block: Values, key: Values) -> tuple[Values, ...]:
    words = philox(block, 0, 2, key)
    radial, angle = joined(*words[:2]), joined(*words[2:])
    radius = np.sqrt(-2.0 * _plain_log(open_unit(radial)))
    quarter = (angle + np.uint64(1 << 61)) >> np.uint64(62)
    rest = (angle - (quarter << np.uint64(62))).view(np.int64) >> 10
    t = rest.astype(np.float64) * 2.0**-51
    z = t * t
    sine, cosine = np.zeros(z.shape), np.zeros(z.shape)
    for coefficient in _SINE_DOUBLE[::-1]:
        sine = sine * z + coefficient
    for coefficient in _COSINE_DOUBLE[::-1]:
        cosine = cosine * z + coefficient
    return _turned(radius, quarter, sine * t, cosine)


def random_normal_double(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 2, _normals_double)


def _product(x: Values, y: Values) -> tuple[Values, Values]:
    """The lower and the upper 64 bits of a product."""
    x0, x1, y0, y1 = x & _LOW, x >> _32, y & _LOW, y >> _32
    middle = (x0 * y0 >> _32) + x1 * y0
    other = (middle & _LOW) + x0 * y1
    return x * y, x1 * y1 + (middle >> _32) + (other >> _32)


def random_below(index: Values, key: Values, bound: Values) -> Values:
    words = philox(index, 0, 3, key)
    _, low = _product(joined(*words[:2]), bound)
    lower, upper = _product(joined(*words[2:]), bound)
    return upper + (lower + low < low).astype(np.uint64)
