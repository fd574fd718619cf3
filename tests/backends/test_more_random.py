"""Angles, and counts with long tails or without replacement: frequencies, edges, both backends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.random import Generator
from tests.backends.test_random import LIMIT, smirnov

CASES: list[tuple[str, tuple[float, ...]]] = [
    ("hypergeometric", (20, 30, 8)), ("hypergeometric", (30, 20, 45)),
    ("hypergeometric", (100, 60, 70)), ("hypergeometric", (60, 100, 130)),
    ("hypergeometric", (5, 3000, 1200)), ("hypergeometric", (10**6, 10**6, 3000)),
    ("zipf", (1.5,)), ("zipf", (3.0,)), ("zipf", (1.05,)),
    ("logseries", (0.3,)), ("logseries", (0.95,)),
    ("vonmises", (0.5, 0.0)), ("vonmises", (0.5, 1e-3)), ("vonmises", (-2.0, 2.0)),
    ("vonmises", (3.0, 50.0)), ("vonmises", (0.0, 1e8)),
]  # fmt: skip


def log_choices(n: Any, k: Any) -> Any:
    logs = np.vectorize(math.lgamma)
    return logs(n + 1.0) - logs(k + 1.0) - logs(n - k + 1.0)


def chances(name: str, parameters: tuple[float, ...], k: np.ndarray[Any, Any]) -> Any:
    if name == "hypergeometric":
        good, bad, drawn = parameters
        found = np.zeros(k.size)
        possible = (k >= max(0, drawn - bad)) & (k <= min(good, drawn))
        some = k[possible]
        logs = log_choices(good, some) + log_choices(bad, drawn - some)
        found[possible] = np.exp(logs - log_choices(good + bad, drawn))
        return found
    if name == "logseries":
        (p,) = parameters
        return -(p**k) / (k * math.log1p(-p))
    (a,) = parameters
    # The first terms, and the integral of the others that fit int64.
    m, last = 10_000, 9.2e18
    whole = np.sum(np.arange(1, m) ** -a) + 0.5 * m**-a
    whole += (m ** (1 - a) - last ** (1 - a)) / (a - 1)
    return k**-a / whole


@pytest.mark.parametrize(("name", "parameters"), [c for c in CASES if c[0] != "vonmises"])
def test_counts_have_the_right_frequencies(name: str, parameters: tuple[float, ...]) -> None:
    n = 100_000
    sample = np.asarray(getattr(Generator(11, device="cpu"), name)(*parameters, n))
    assert sample.dtype == np.int64
    first = 0 if name == "hypergeometric" else 1
    assert sample.min() >= first
    last = min(int(sample.max()), 3000)
    k = np.arange(first, last + 1)
    expected = n * chances(name, parameters, k.astype(float))
    found = np.bincount(np.minimum(sample, last + 1), minlength=last + 2)[first : last + 1]
    often = expected >= 5
    square = np.sum((found[often] - expected[often]) ** 2 / expected[often])
    freedom = np.count_nonzero(often)
    # Chi squared, by Wilson and Hilferty's approximation: four standard deviations.
    assert (square / freedom) ** (1 / 3) < 1 - 2 / (9 * freedom) + 4 * math.sqrt(2 / (9 * freedom))
    rest = n - expected[often].sum()
    assert abs(n - found[often].sum() - rest) < 5 * math.sqrt(rest + 1)


@pytest.mark.parametrize(("mu", "kappa"), [c[1] for c in CASES if c[0] == "vonmises"])
def test_angles_have_the_right_distribution(mu: float, kappa: float) -> None:
    n = 100_000
    sample = np.asarray(Generator(12, device="cpu").vonmises(mu, kappa, n))
    assert np.all((sample >= -np.pi) & (sample <= np.pi))
    about = np.mod(sample - mu + np.pi, 2 * np.pi) - np.pi
    width = min(np.pi, 12 / math.sqrt(max(kappa, 1e-9)))
    grid = np.linspace(-width, width, 200_001)
    density = np.exp(kappa * (np.cos(grid) - 1))
    whole = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    assert smirnov(about, lambda x: np.interp(x, grid, whole / whole[-1])) < LIMIT


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_both_backends_agree(
    device: str, host: Any, name: str, parameters: tuple[float, ...]
) -> None:
    """But for a rejection in a million that is decided otherwise."""
    found = host(getattr(Generator(6), name)(*parameters, 500))
    answer = host(getattr(Generator(6, device="cpu"), name)(*parameters, 500))
    different = ~np.isclose(found, answer, rtol=1e-12, atol=1e-14)
    assert np.count_nonzero(different) <= 1
    if name != "vonmises":
        split = Generator(6)
        parts = [host(getattr(split, name)(*parameters, m)) for m in (123, 377)]
        np.testing.assert_array_equal(np.concatenate(parts), found)


def test_edges(device: str, host: Any) -> None:
    rng = Generator(3)
    for good, bad, drawn, wanted in [
        (0, 9, 5, 0), (9, 0, 5, 5), (4, 6, 10, 4), (4, 6, 0, 0), (0, 0, 0, 0), (1, 0, 1, 1),
        (500, 0, 300, 300), (0, 500, 300, 0), (500, 500, 1000, 500),
    ]:  # fmt: skip
        assert set(host(rng.hypergeometric(good, bad, drawn, 50)).tolist()) == {wanted}
    assert set(host(rng.logseries(0.0, 50)).tolist()) == {1}
    assert set(host(rng.zipf(2000.0, 50)).tolist()) == {1}
    assert host(rng.zipf(1 + 1e-9, 50)).min() >= 1
    exact = host(rng.vonmises(1.0, 1e16, 50))
    np.testing.assert_allclose(exact, 1.0, atol=1e-6)
    assert rng.vonmises(0.0, 1.0, 3, dtype="float32").dtype == xp.float32
    assert rng.zipf(2.0, (2, 3), dtype="uint16").dtype == xp.uint16


def test_parameters_that_are_arrays_broadcast(device: str, host: Any) -> None:
    rng = Generator(5)
    good = xp.asarray([[5], [50]])
    found = host(rng.hypergeometric(good, 40, xp.asarray([3, 20, 45]), (4000, 2, 3)))
    expected = np.asarray([3, 20, 45]) * np.asarray([[5], [50]]) / (np.asarray([[5], [50]]) + 40)
    np.testing.assert_allclose(found.mean(axis=0), expected, rtol=0.05)
    angles = rng.vonmises(xp.asarray([-1.0, 1.0]), xp.asarray([100.0, 1e4]))
    np.testing.assert_allclose(host(angles), [-1, 1], atol=0.5)
    nothing = host(rng.vonmises(0.0, xp.asarray([-1.0, xp.nan])))
    assert np.isnan(nothing).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: g.hypergeometric(-1, 2, 1), "hypergeometric: ngood must be at least 0"),
        (lambda g: g.hypergeometric(3, 2, 6), r"nsample must be at most ngood \+ nbad = 5, got 6"),
        (lambda g: g.hypergeometric(10**9, 1, 6), r"ngood \+ nbad must be at most 1000000000"),
        (lambda g: g.zipf(1.0), "zipf: a must be greater than 1, got 1.0"),
        (lambda g: g.logseries(1.0), r"logseries: p must be in \[0, 1\), got 1.0"),
        (lambda g: g.vonmises(0.0, -1.0), "vonmises: kappa must be at least 0"),
        (lambda g: g.bytes(-1), "bytes: length must be an integer of at least 0, got -1"),
    ],
)
def test_wrong_parameters_are_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(Generator(1, device="cpu"))
