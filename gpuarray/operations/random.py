"""The rows of the operation table that make random numbers: functions of a position and a key.

In: positions in a sequence (or the state of an element), keys and parameters. Out: `RANDOM`, rows
by name. Philox 4x32 with 10 rounds makes four 32-bit words of a counter of four and a key of two
(Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). Its counter,
from the lowest word up, is a block number of two words, an attempt, and a stream:

=================== ====== ========= ============================================================
row                 stream block     words
=================== ====== ========= ============================================================
random_word         0      i // 4    word i % 4
random_pair         0      i // 2    words 0 and 1 or 2 and 3, the lower one first
random_normal       1      i // 4    radius and angle of two numbers: words 0 and 1, words 2 and 3
random_normal_double 2     i // 2    radius and angle of two numbers: words 0 and 1, words 2 and 3
random_below        3      i         128 bits, the upper 64 in words 2 and 3
the others          4      0         of each attempt all four; the key is the element's state
=================== ====== ========= ============================================================

The functions here are what `gpuarray_cuda/codegen/device/random.cuh` is in CUDA C++.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .operation import Operation

__all__ = ["RANDOM", "philox"]

Values: TypeAlias = npt.NDArray[Any]

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_ATTEMPTS = 1000
_LOG_ROOT_2PI = 0.91893853320467274


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


def _joined(low: Values, high: Values) -> Values:
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


def _random_word(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 4, lambda block, k: philox(block, 0, 0, k)).astype(np.uint32)


def _pairs(block: Values, key: Values) -> tuple[Values, ...]:
    words = philox(block, 0, 0, key)
    return _joined(*words[:2]), _joined(*words[2:])


def _random_pair(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 2, _pairs)


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


# `ga_box_muller` in random.cuh: -2 log, the sine and the cosine.
_LOG = (
    *(1.1927189e-03, 2.6547739e-03, 5.137754e-03, 1.2386356e-02),
    *(3.1257905e-02, 8.334184e-02, 2.499998e-01),
)
_SINE = (-2.5420808e-05, 1.7606966e-03, -5.7095643e-02, 5.553604e-01)
_COSINE = (-2.2537462e-04, 1.1207419e-02, -2.1808882e-01, 7.0710677e-01)


def _box_muller(radial: Values, angle: Values) -> tuple[Values, ...]:
    """Two float32 from two words, every step rounded as in random.cuh."""
    u = _fma(radial.astype(np.float32), np.float32(2.0**-32), 2.0**-33)
    bits = u.view(np.int32)
    exponent = (bits - np.int32(0x3F2AAAAB)) & np.int32(-0x800000)
    g = _fma((bits - exponent).view(np.float32), np.float32(-2), 2.0)
    s = _fma(_horner(g, _LOG), g * g, g)
    s = _fma(exponent.astype(np.float32), np.float32(-1.6525917e-07), s)
    radius = np.sqrt(np.maximum(s, np.float32(2.0**-24)))
    rest = (angle << np.uint64(2)).astype(np.uint32).view(np.int32)
    t = rest.astype(np.float32) * np.float32(2.0**-31)
    z = t * t
    sine, cosine = t * _horner(z, _SINE), _horner(z, _COSINE)
    a, b = radius * (cosine - sine), radius * (cosine + sine)
    return tuple(
        np.where(angle >> np.uint64(bit) & np.uint64(1) == 1, -x, x)
        for x, bit in ((a, 31), (b, 30))
    )


def _normals(block: Values, key: Values) -> tuple[Values, ...]:
    words = philox(block, 0, 1, key)
    return _box_muller(*words[:2]) + _box_muller(*words[2:])


def _random_normal(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 4, _normals)


def _open_unit(bits: Values) -> Values:
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
    radial, angle = _joined(*words[:2]), _joined(*words[2:])
    radius = np.sqrt(-2.0 * _plain_log(_open_unit(radial)))
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


def _random_normal_double(index: Values, key: Values) -> Values:
    return _of_blocks(index, key, 2, _normals_double)


def _product(x: Values, y: Values) -> tuple[Values, Values]:
    """The lower and the upper 64 bits of a product."""
    x0, x1, y0, y1 = x & _LOW, x >> _32, y & _LOW, y >> _32
    middle = (x0 * y0 >> _32) + x1 * y0
    other = (middle & _LOW) + x0 * y1
    return x * y, x1 * y1 + (middle >> _32) + (other >> _32)


def _random_below(index: Values, key: Values, bound: Values) -> Values:
    words = philox(index, 0, 3, key)
    _, low = _product(_joined(*words[:2]), bound)
    lower, upper = _product(_joined(*words[2:]), bound)
    return upper + (lower + low < low).astype(np.uint64)


class _Pending:
    """The elements for which no attempt has been accepted yet.

    Parameters
    ----------
    state
        Of each element, one-dimensional.
    result
        What is filled in.
    """

    def __init__(self, state: Values, result: Values) -> None:
        self.state = state
        self.result = result
        self.places = np.arange(state.size)

    def attempts(self) -> Iterator[tuple[Values, ...]]:
        """The words of the attempts 1, 2, ... of those that are pending then."""
        for attempt in range(1, _ATTEMPTS):
            if not self.places.size:
                return
            yield philox(np.zeros((), np.uint64), attempt, 4, self.state[self.places])

    def fill(self, values: Values, accepted: Values) -> None:
        """Take the values that are accepted, and keep the others pending."""
        self.result[self.places] = values
        self.places = self.places[~accepted]


def _first_attempt(state: Values) -> Values:
    return _open_unit(_joined(*philox(np.zeros((), np.uint64), 0, 4, state)[:2]))


def _flat(*operands: Values) -> tuple[Values, ...]:
    return tuple(np.ascontiguousarray(x).reshape(-1) for x in np.broadcast_arrays(*operands))


def _random_gamma(state: Values, shape: Values) -> Values:
    """Marsaglia and Tsang's method (2000); a shape below 1 from one more and a power of u."""
    form = np.broadcast_shapes(state.shape, shape.shape)
    state, shape = _flat(state, shape)
    result = np.where(shape >= 0, shape, np.nan)
    usual = np.flatnonzero((shape > 0) & np.isfinite(shape))
    states, shapes = state[usual], shape[usual]
    d = np.where(shapes < 1, shapes + 1, shapes) - 1 / 3
    c = 1 / np.sqrt(9 * d)
    cubes = np.ones(usual.size)
    pending = _Pending(states, cubes)
    for words in pending.attempts():
        ds, cs = d[pending.places], c[pending.places]
        u = (words[0].astype(np.float64) + 0.5) * 2.0**-32
        x = np.sqrt(-2 * np.log(u)) * np.cos(words[1].astype(np.float64) * (np.pi * 2.0**-31))
        v = 1 + cs * x
        inside = v > 0
        v = v * v * v
        level = np.log(_open_unit(_joined(*words[2:])))
        pending.fill(v, inside & (level < 0.5 * x * x + ds - ds * v + ds * np.log(v)))
    power = np.where(shapes < 1, _first_attempt(states) ** (1 / shapes), 1.0)
    result[usual] = d * cubes * power
    return result.reshape(form)


def _log_factorial(k: Values) -> Values:
    """log(k!): of small k that of the product, of others Stirling's series."""
    small = np.log(np.cumprod([1.0, *range(1, 10)]))
    n = np.maximum(k, 10.0)
    s = (1 / n) ** 2
    tail = (1 / n) * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680))))
    large = (n + 0.5) * np.log(n) - n + _LOG_ROOT_2PI + tail
    return np.where(k < 10, small[np.clip(k, 0, 9).astype(np.intp)], large)


def _counted(u: Values, start: Values, ratio: Callable[[Values, float], Values]) -> Values:
    """How often the sum of probabilities has to grow to reach u.

    `start` is the first one; ``ratio(places, k)`` takes the one of k - 1 to that of k.
    """
    counts = np.zeros(u.size)
    places = np.arange(u.size)
    p, total = start.copy(), start.copy()
    k = 0.0
    while k < _ATTEMPTS:
        places = places[u[places] > total[places]]
        if not places.size:
            break
        k += 1
        counts[places] = k
        p[places] *= ratio(places, k)
        total[places] += p[places]
    return counts


def _random_poisson(state: Values, mean: Values) -> Values:
    """By inversion, or Hoermann's transformed rejection (PTRS, 1993) for means from 10 on."""
    form = np.broadcast_shapes(state.shape, mean.shape)
    state, mean = _flat(state, mean)
    result = np.where(mean == 0, 0.0, np.nan)
    usual = (mean > 0) & np.isfinite(mean)
    low = np.flatnonzero(usual & (mean < 10))
    means = mean[low]
    result[low] = _counted(
        _first_attempt(state[low]), np.exp(-means), lambda places, k: means[places] / k
    )
    high = np.flatnonzero(usual & (mean >= 10))
    means = mean[high]
    b = 0.931 + 2.53 * np.sqrt(means)
    a = -0.059 + 0.02483 * b
    alpha = 1.1239 + 1.1328 / (b - 3.4)
    limit = 0.9277 - 3.6224 / (b - 2)
    counts = np.floor(means)
    pending = _Pending(state[high], counts)
    for words in pending.attempts():
        at, bt, mu = a[pending.places], b[pending.places], means[pending.places]
        u = _open_unit(_joined(*words[:2])) - 0.5
        v = _open_unit(_joined(*words[2:]))
        us = 0.5 - np.abs(u)
        k = np.floor((2 * at / us + bt) * u + mu + 0.43)
        at_once = (us >= 0.07) & (v <= limit[pending.places])
        never = (k < 0) | ((us < 0.013) & (v > us))
        level = np.log(v * alpha[pending.places] / (at / (us * us) + bt))
        below = level <= k * np.log(mu) - mu - _log_factorial(np.maximum(k, 0))
        pending.fill(k, at_once | (~never & below))
    result[high] = counts
    return result.reshape(form)


def _random_binomial(state: Values, n: Values, chance: Values) -> Values:
    """By inversion, or Hoermann's transformed rejection (BTRS, 1993); of the rarer outcome."""
    form = np.broadcast_shapes(state.shape, n.shape, chance.shape)
    state, n, chance = _flat(state, n, chance)
    result = np.full(state.size, np.nan)
    usual = (n >= 0) & np.isfinite(n) & (chance >= 0) & (chance <= 1)
    rarer = np.where(chance > 0.5, 1 - chance, chance)
    low = np.flatnonzero(usual & (n * rarer < 10))
    tries, odds = n[low], rarer[low] / (1 - rarer[low])
    result[low] = _inverted_binomial(_first_attempt(state[low]), tries, rarer[low], odds)
    high = np.flatnonzero(usual & (n * rarer >= 10))
    tries, p = n[high], rarer[high]
    root = np.sqrt(tries * p * (1 - p))
    b = 1.15 + 2.53 * root
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * root
    limit = 0.92 - 4.2 / b
    odds = np.log(p / (1 - p))
    mode = np.floor((tries + 1) * p)
    at_mode = _log_factorial(mode) + _log_factorial(tries - mode)
    counts = np.zeros(high.size)
    pending = _Pending(state[high], counts)
    for words in pending.attempts():
        now = pending.places
        u = _open_unit(_joined(*words[:2])) - 0.5
        v = _open_unit(_joined(*words[2:]))
        us = 0.5 - np.abs(u)
        k = np.floor((2 * a[now] / us + b[now]) * u + tries[now] * p[now] + 0.5)
        at_once = (us >= 0.07) & (v <= limit[now])
        never = (k < 0) | (k > tries[now])
        inside = np.clip(k, 0, tries[now])
        bound = at_mode[now] - _log_factorial(inside) - _log_factorial(tries[now] - inside)
        bound += (inside - mode[now]) * odds[now]
        level = np.log(v * alpha[now] / (a[now] / (us * us) + b[now]))
        pending.fill(k, at_once | (~never & (level <= bound)))
    result[high] = counts
    return np.where(chance > 0.5, n - result, result).reshape(form)


def _inverted_binomial(u: Values, n: Values, p: Values, odds: Values) -> Values:
    """As `_counted`, but the probabilities are taken off u, and there are n at most."""
    counts = np.zeros(u.size)
    left, r = u.copy(), np.exp(n * np.log1p(-p))
    places = np.arange(u.size)
    k = 0.0
    while k < _ATTEMPTS:
        places = places[(left[places] > r[places]) & (k < n[places])]
        if not places.size:
            break
        left[places] -= r[places]
        k += 1
        counts[places] = k
        r[places] *= (n[places] + 1 - k) / k * odds[places]
    return counts


_ROWS = (
    Operation(
        "random_word", 2, "uint64", "uint32", _random_word, "ga_random_word({0}, {1})"
    ),
    Operation("random_pair", 2, "uint64", "same", _random_pair, "ga_random_pair({0}, {1})"),
    Operation(
        "random_normal", 2, "uint64", "float32", _random_normal, "ga_random_normal({0}, {1})"
    ),
    Operation(
        "random_normal_double", 2, "uint64", "float64", _random_normal_double,
        "ga_random_normal_double({0}, {1})",
    ),
    Operation(
        "random_below", 3, "uint64", "same", _random_below, "ga_random_below({0}, {1}, {2})"
    ),
    # The first operand of these is the element's state, uint64.
    Operation(
        "random_gamma", 2, "float64", "same", _random_gamma, "ga_random_gamma({0}, {1})", uncast=1
    ),
    Operation(
        "random_poisson", 2, "float64", "same", _random_poisson, "ga_random_poisson({0}, {1})",
        uncast=1,
    ),
    Operation(
        "random_binomial", 3, "float64", "same", _random_binomial,
        "ga_random_binomial({0}, {1}, {2})", uncast=1,
    ),
)  # fmt: skip

RANDOM: dict[str, Operation] = {row.name: row for row in _ROWS}
