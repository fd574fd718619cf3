"""The rows of the operation table that make random numbers: functions of a position and a key.

In: positions in a sequence (or the state of an element), keys and parameters. Out: `RANDOM`, rows
by name. Philox 4x32 with 10 rounds makes four 32-bit words of a counter of four and a key of two
(Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). Its counter,
from the lowest word up, is a block number of two words, an attempt, and a stream:

=================== ====== ========= ============================================================
row                 stream block     words
=================== ====== ========= ============================================================
random_word         0      i // 4    word i % 4
random_unit         0      i // 4    the upper 24 bits of word i % 4
random_pair         0      i // 2    words 0 and 1 or 2 and 3, the lower one first
random_unit_double  0      i // 2    the upper 53 bits of such a pair
random_small        0      i // 2    64 bits: such a pair
random_normal       1      i // 4    radius and angle of two numbers: words 0 and 1, words 2 and 3
random_normal_double 2     i // 2    radius and angle of two numbers: words 0 and 1, words 2 and 3
random_below        3      i         128 bits, the upper 64 in words 2 and 3
the others          4      0         of each attempt all four; the key is the element's state
=================== ====== ========= ============================================================

The functions here are what `gpuarray_cuda/codegen/device/random.cuh` is in CUDA C++.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .attempts import ATTEMPTS, Pending, first_attempt, flat, log_factorial
from .more_random import random_hypergeometric, random_logseries, random_vonmises, random_zipf
from .operation import Operation
from .philox import (
    Values,
    joined,
    open_unit,
    philox,
    random_below,
    random_normal,
    random_normal_double,
    random_pair,
    random_small,
    random_unit,
    random_unit_double,
    random_word,
)

__all__ = ["RANDOM", "philox"]


def _random_gamma(state: Values, shape: Values) -> Values:
    """Marsaglia and Tsang's method (2000); a shape below 1 from one more and a power of u."""
    form = np.broadcast_shapes(state.shape, shape.shape)
    state, shape = flat(state, shape)
    result = np.where(shape >= 0, shape, np.nan)
    usual = np.flatnonzero((shape > 0) & np.isfinite(shape))
    states, shapes = state[usual], shape[usual]
    d = np.where(shapes < 1, shapes + 1, shapes) - 1 / 3
    c = 1 / np.sqrt(9 * d)
    cubes = np.ones(usual.size)
    pending = Pending(states, cubes)
    for words in pending.attempts():
        ds, cs = d[pending.places], c[pending.places]
        u = (words[0].astype(np.float64) + 0.5) * 2.0**-32
        x = np.sqrt(-2 * np.log(u)) * np.cos(words[1].astype(np.float64) * (np.pi * 2.0**-31))
        v = 1 + cs * x
        inside = v > 0
        v = v * v * v
        level = np.log(open_unit(joined(*words[2:])))
        pending.fill(v, inside & (level < 0.5 * x * x + ds - ds * v + ds * np.log(v)))
    power = np.where(shapes < 1, first_attempt(states) ** (1 / shapes), 1.0)
    result[usual] = d * cubes * power
    return result.reshape(form)


def _counted(u: Values, start: Values, ratio: Callable[[Values, float], Values]) -> Values:
    """How often the sum of probabilities has to grow to reach u.

    `start` is the first one; ``ratio(places, k)`` takes the one of k - 1 to that of k.
    """
    counts = np.zeros(u.size)
    places = np.arange(u.size)
    p, total = start.copy(), start.copy()
    k = 0.0
    while k < ATTEMPTS:
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
    state, mean = flat(state, mean)
    result = np.where(mean == 0, 0.0, np.nan)
    usual = (mean > 0) & np.isfinite(mean)
    low = np.flatnonzero(usual & (mean < 10))
    means = mean[low]
    result[low] = _counted(
        first_attempt(state[low]), np.exp(-means), lambda places, k: means[places] / k
    )
    high = np.flatnonzero(usual & (mean >= 10))
    means = mean[high]
    b = 0.931 + 2.53 * np.sqrt(means)
    a = -0.059 + 0.02483 * b
    alpha = 1.1239 + 1.1328 / (b - 3.4)
    limit = 0.9277 - 3.6224 / (b - 2)
    counts = np.floor(means)
    pending = Pending(state[high], counts)
    for words in pending.attempts():
        at, bt, mu = a[pending.places], b[pending.places], means[pending.places]
        u = open_unit(joined(*words[:2])) - 0.5
        v = open_unit(joined(*words[2:]))
        us = 0.5 - np.abs(u)
        k = np.floor((2 * at / us + bt) * u + mu + 0.43)
        at_once = (us >= 0.07) & (v <= limit[pending.places])
        never = (k < 0) | ((us < 0.013) & (v > us))
        level = np.log(v * alpha[pending.places] / (at / (us * us) + bt))
        below = level <= k * np.log(mu) - mu - log_factorial(np.maximum(k, 0))
        pending.fill(k, at_once | (~never & below))
    result[high] = counts
    return result.reshape(form)


def _random_binomial(state: Values, n: Values, chance: Values) -> Values:
    """By inversion, or Hoermann's transformed rejection (BTRS, 1993); of the rarer outcome."""
    form = np.broadcast_shapes(state.shape, n.shape, chance.shape)
    state, n, chance = flat(state, n, chance)
    result = np.full(state.size, np.nan)
    usual = (n >= 0) & np.isfinite(n) & (chance >= 0) & (chance <= 1)
    rarer = np.where(chance > 0.5, 1 - chance, chance)
    low = np.flatnonzero(usual & (n * rarer < 10))
    tries, odds = n[low], rarer[low] / (1 - rarer[low])
    result[low] = _inverted_binomial(first_attempt(state[low]), tries, rarer[low], odds)
    high = np.flatnonzero(usual & (n * rarer >= 10))
    tries, p = n[high], rarer[high]
    root = np.sqrt(tries * p * (1 - p))
    b = 1.15 + 2.53 * root
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * root
    limit = 0.92 - 4.2 / b
    odds = np.log(p / (1 - p))
    mode = np.floor((tries + 1) * p)
    at_mode = log_factorial(mode) + log_factorial(tries - mode)
    counts = np.zeros(high.size)
    pending = Pending(state[high], counts)
    for words in pending.attempts():
        now = pending.places
        u = open_unit(joined(*words[:2])) - 0.5
        v = open_unit(joined(*words[2:]))
        us = 0.5 - np.abs(u)
        k = np.floor((2 * a[now] / us + b[now]) * u + tries[now] * p[now] + 0.5)
        at_once = (us >= 0.07) & (v <= limit[now])
        never = (k < 0) | (k > tries[now])
        inside = np.clip(k, 0, tries[now])
        bound = at_mode[now] - log_factorial(inside) - log_factorial(tries[now] - inside)
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
    while k < ATTEMPTS:
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
        "random_word", 2, "uint64", "uint32", random_word, "ga_random_word({0}, {1})"
    ),
    Operation("random_pair", 2, "uint64", "same", random_pair, "ga_random_pair({0}, {1})"),
    Operation(
        "random_small", 3, "uint64", "same", random_small, "ga_random_small({0}, {1}, {2})"
    ),
    Operation("random_unit", 2, "uint64", "float32", random_unit, "ga_random_unit({0}, {1})"),
    Operation(
        "random_unit_double", 2, "uint64", "float64", random_unit_double,
        "ga_random_unit_double({0}, {1})",
    ),
    Operation(
        "random_normal", 2, "uint64", "float32", random_normal, "ga_random_normal({0}, {1})"
    ),
    Operation(
        "random_normal_double", 2, "uint64", "float64", random_normal_double,
        "ga_random_normal_double({0}, {1})",
    ),
    Operation(
        "random_below", 3, "uint64", "same", random_below, "ga_random_below({0}, {1}, {2})"
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
    Operation(
        "random_vonmises", 2, "float64", "same", random_vonmises, "ga_random_vonmises({0}, {1})",
        uncast=1,
    ),
    Operation(
        "random_zipf", 2, "float64", "same", random_zipf, "ga_random_zipf({0}, {1})", uncast=1
    ),
    Operation(
        "random_logseries", 2, "float64", "same", random_logseries,
        "ga_random_logseries({0}, {1})", uncast=1,
    ),
    Operation(
        "random_hypergeometric", 4, "float64", "same", random_hypergeometric,
        "ga_random_hypergeometric({0}, {1}, {2}, {3})", uncast=1,
    ),
)  # fmt: skip

RANDOM: dict[str, Operation] = {row.name: row for row in _ROWS}
