"""More distributions by rejection: angles, and counts with long tails or without replacement.

In: the states of elements, and parameters, which broadcast. Out: numbers in float64, as
`gpuarray_cuda/codegen/device/more_random.cuh` makes them.
"""

from __future__ import annotations

import numpy as np

from .attempts import Pending, first_attempt, flat, log_factorial
from .philox import Values, joined, open_unit, philox

__all__ = ["random_hypergeometric", "random_logseries", "random_vonmises", "random_zipf"]

# From here on a count does not fit int64.
_LARGEST_COUNT = 9.2e18
# So many draws without replacement are made one by one.
_ONE_BY_ONE = 10
# 2 sqrt(2 / e), and 3 - 2 sqrt(3 / e).
_HAT = 1.7155277699214135, 0.8989161620588988


def _two(words: tuple[Values, ...]) -> tuple[Values, Values]:
    """Two numbers in (0, 1) of an attempt."""
    return open_unit(joined(*words[:2])), open_unit(joined(*words[2:]))


def random_vonmises(state: Values, kappa: Values) -> Values:
    """An angle about 0, by Best and Fisher's wrapped Cauchy envelope (1979)."""
    form = np.broadcast_shapes(state.shape, kappa.shape)
    state, kappa = flat(state, kappa)
    result = np.full(state.size, np.nan)
    first = first_attempt(state)
    level = kappa < 1e-8
    result[level & (kappa >= 0)] = np.pi * (2 * first[level & (kappa >= 0)] - 1)
    usual = np.flatnonzero(np.isfinite(kappa) & ~level)
    k = kappa[usual]
    root = np.sqrt(1 + 4 * k * k)
    rho = (1 + root - np.sqrt(2 * (1 + root))) / (2 * k)
    s = np.where(k < 1e-5, 1 / k + k, (1 + rho * rho) / (2 * np.where(k < 1e-5, 1, rho)))
    # s - 1, which is small where kappa is large, without cancellation.
    narrow = np.where(k > 1e3, (1 - rho) * (1 - rho) / (2 * rho), s - 1)
    angles = np.zeros(usual.size)
    pending = Pending(state[usual], angles)
    for words in pending.attempts():
        u, v = _two(words)
        excess, concentration = narrow[pending.places], k[pending.places]
        # 1 - w, where w is the cosine of the angle.
        z = np.cos(np.pi * u)
        below = excess * (1 - z) / (1 + excess + z)
        y = concentration * (excess + below)
        accepted = (y * (2 - y) > v) | (np.log(y / v) + 1 >= y)
        pending.fill(2 * np.arcsin(np.sqrt(0.5 * below)), accepted)
    result[usual] = np.where(first[usual] < 0.5, -angles, angles)
    return result.reshape(form)


def random_zipf(state: Values, a: Values) -> Values:
    """A count k >= 1 with chances proportional to k**-a, by Devroye's rejection (1986)."""
    form = np.broadcast_shapes(state.shape, a.shape)
    state, a = flat(state, a)
    result = np.where(a > 1, 1.0, np.nan)
    usual = np.flatnonzero((a > 1) & np.isfinite(a))
    less = a[usual] - 1
    b = 2.0**less
    smallest = _LARGEST_COUNT**-less
    counts = np.ones(usual.size)
    pending = Pending(state[usual], counts)
    for words in pending.attempts():
        u, v = _two(words)
        e, high, low = less[pending.places], b[pending.places], smallest[pending.places]
        x = np.floor((u * (1 - low) + low) ** (-1 / e))
        t = (1 + 1 / x) ** e
        accepted = (x >= 1) & (x < _LARGEST_COUNT)
        accepted &= v * x * (t - 1) * high <= t * (high - 1)
        pending.fill(np.where(accepted, x, 1.0), accepted)
    result[usual] = counts
    return result.reshape(form)


def random_logseries(state: Values, p: Values) -> Values:
    """A count k >= 1 with chances proportional to p**k / k, by Kemp's method LK (1981)."""
    form = np.broadcast_shapes(state.shape, p.shape)
    state, p = flat(state, p)
    result = np.full(state.size, np.nan)
    usual = np.flatnonzero((p >= 0) & (p < 1))
    p = p[usual]
    words_u = first_attempt(state[usual])
    v = _second(state[usual])
    q = -np.expm1(np.log1p(-p) * words_u)
    longer = np.floor(1 + np.log(v) / np.log(np.where(q > 0, q, 0.5)))
    counts = np.where(v < q * q, np.minimum(longer, _LARGEST_COUNT), np.where(v < q, 2.0, 1.0))
    result[usual] = np.where((v >= p) | (q <= 0), 1.0, np.maximum(counts, 1))
    return result.reshape(form)


def _second(state: Values) -> Values:
    """The second number of an element's attempt 0."""
    return open_unit(joined(*philox(np.zeros((), np.uint64), 0, 4, state)[2:]))


def random_hypergeometric(state: Values, good: Values, bad: Values, drawn: Values) -> Values:
    """How many of `drawn` are good: one by one, or by Stadlober's ratio of uniforms (1990)."""
    form = np.broadcast_shapes(state.shape, good.shape, bad.shape, drawn.shape)
    state, good, bad, drawn = flat(state, good, bad, drawn)
    result = np.full(state.size, np.nan)
    usual = (good >= 0) & (bad >= 0) & (drawn >= 0) & (drawn <= good + bad)
    # By symmetry at most half of all are drawn, and the rarer kind is counted.
    total = good + bad
    fewer = np.minimum(drawn, total - drawn)
    rarer, other = np.minimum(good, bad), np.maximum(good, bad)
    counts = np.zeros(state.size)
    short = np.flatnonzero(usual & (fewer <= _ONE_BY_ONE))
    counts[short] = _one_by_one(state[short], rarer[short], total[short], fewer[short])
    long = np.flatnonzero(usual & (fewer > _ONE_BY_ONE))
    counts[long] = _by_ratio(state[long], rarer[long], other[long], fewer[long])
    counts = np.where(good > bad, fewer - counts, counts)
    counts = np.where(fewer < drawn, good - counts, counts)
    result[usual] = counts[usual]
    return result.reshape(form)


def _one_by_one(state: Values, rarer: Values, total: Values, drawn: Values) -> Values:
    found = np.zeros(state.size)
    pending = Pending(state, np.zeros(state.size))
    left, all_left = rarer.copy(), total.copy()
    for number, words in enumerate(pending.attempts()):
        if 2 * number >= _ONE_BY_ONE:
            break
        for k, u in enumerate(_two(words)):
            taken = (2 * number + k < drawn) & (u * all_left < left)
            found += taken
            left -= taken
            all_left -= 1
    return found


def _by_ratio(state: Values, rarer: Values, other: Values, drawn: Values) -> Values:
    total = rarer + other
    p = rarer / total
    middle = drawn * p + 0.5
    spread = np.sqrt((total - drawn) * drawn * p * (1 - p) / (total - 1) + 0.5)
    width = _HAT[0] * spread + _HAT[1]
    mode = np.floor((drawn + 1) * (rarer + 1) / (total + 2))

    def height(k: Values, places: Values) -> Values:
        d = drawn[places]
        below: Values = log_factorial(k) + log_factorial(rarer[places] - k)
        return below + log_factorial(d - k) + log_factorial(other[places] - d + k)

    every = np.arange(state.size)
    top = height(mode, every)
    bound = np.minimum(np.minimum(drawn, rarer) + 1, np.floor(middle + 16 * spread))
    counts: Values = mode.copy()
    pending = Pending(state, counts)
    for words in pending.attempts():
        now = pending.places
        u, v = _two(words)
        x = middle[now] + width[now] * (v - 0.5) / u
        inside = (x >= 0) & (x < bound[now])
        k = np.where(inside, np.floor(x), mode[now])
        level = top[now] - height(k, now)
        accepted = inside & ((u * (4 - u) - 3 <= level) | (2 * np.log(u) <= level))
        pending.fill(k, accepted)
    return counts
