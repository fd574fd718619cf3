"""`gpuarray.random.Sobol`: the points of the literature, and how even they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.random import Sobol

# Joe and Kuo's own, of their sample program.
FIRST = [
    [0, 0, 0, 0, 0],
    [0.5, 0.5, 0.5, 0.5, 0.5],
    [0.75, 0.25, 0.25, 0.25, 0.75],
    [0.25, 0.75, 0.75, 0.75, 0.25],
    [0.375, 0.375, 0.625, 0.875, 0.375],
    [0.875, 0.875, 0.125, 0.375, 0.875],
    [0.625, 0.125, 0.875, 0.625, 0.625],
    [0.125, 0.625, 0.375, 0.125, 0.125],
]


def test_the_first_points_are_those_of_the_literature(device: str, host: Any) -> None:
    np.testing.assert_array_equal(host(Sobol(5, scramble=False).random(8)), FIRST)


@pytest.mark.parametrize("scramble", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_interval_has_one_point(device: str, scramble: bool, dtype: str, host: Any) -> None:
    d, m = 1111, 8
    points = host(Sobol(d, scramble=scramble, seed=3).random(1 << m, dtype=dtype))
    assert points.shape == (1 << m, d) and points.dtype == dtype
    assert points.min() >= 0 and points.max() < 1
    places = np.sort(np.floor(points * (1 << m)), axis=0)
    np.testing.assert_array_equal(places, np.broadcast_to(np.arange(1 << m)[:, None], places.shape))


@pytest.mark.parametrize("scramble", [False, True])
def test_the_first_two_dimensions_are_a_net(device: str, scramble: bool, host: Any) -> None:
    """Every rectangle of area 2**-m whose sides are powers of two has one of 2**m points."""
    m = 7
    points = host(Sobol(2, scramble=scramble, seed=5).random_base2(m))
    for k in range(m + 1):
        cells = np.floor(points * [1 << k, 1 << (m - k)]).astype(int)
        assert len({tuple(cell) for cell in cells.tolist()}) == 1 << m


def test_points_continue_and_may_be_skipped(device: str, host: Any) -> None:
    whole = host(Sobol(7, seed=1).random(300))
    sequence = Sobol(7, seed=1)
    parts = [host(sequence.random(n)) for n in (1, 0, 99, 28, 172)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert sequence.num_generated == 300
    assert repr(sequence) == "<gpuarray.random.Sobol, 7 dimensions, 300 points drawn>"
    np.testing.assert_array_equal(
        host(sequence.reset().fast_forward(150).random(5)), whole[150:155]
    )
    late = Sobol(2, scramble=False).fast_forward((1 << 32) - 2)
    np.testing.assert_array_equal(host(late.random(2))[1] * 2**32 % 1, [0, 0])


def test_both_backends_give_the_same_bits(host: Any) -> None:
    found = []
    for name in ("numpy", "cuda"):
        with xp.backend(name):
            found.append(host(Sobol(33, seed=[1, 2]).fast_forward(12345).random(1000)))
    np.testing.assert_array_equal(*found)


def test_seeds_differ_and_repeat(device: str, host: Any) -> None:
    one, again, two = (host(Sobol(3, seed=s).random(16)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.any(one == two)
    # Scrambling moves each point anywhere: means over seeds come near one half.
    firsts = np.asarray([host(Sobol(2, seed=s).random(1))[0] for s in range(200)])
    np.testing.assert_allclose(firsts.mean(axis=0), 0.5, atol=0.08)


def test_integrals_come_out_better_than_with_random_points(device: str) -> None:
    n = 1 << 12
    points = Sobol(4, seed=11).random(n)
    even = float(xp.mean(xp.prod(points * 2.0, axis=1)))
    random = float(xp.mean(xp.prod(xp.random.Generator(11).random((n, 4)) * 2.0, axis=1)))
    assert abs(even - 1) < 2e-3 and abs(even - 1) < abs(random - 1)


def test_points_fuse_with_what_follows(device: str) -> None:
    sequence = Sobol(8, seed=2)
    xp.evaluate(sequence.random(4))
    pending = xp.sum(xp.exp(-sequence.random(256)), axis=1)
    # The numbers of the 256 points, and all the rest.
    assert xp.explain(pending, source=False).count("\n  kernel ") == 2


def test_a_compiled_function_makes_its_own(device: str, host: Any) -> None:
    outside = Sobol(2)
    with pytest.raises(TypeError, match="a Sobol sequence that was made outside"):
        xp.compile(lambda x: x + outside.random(1))(xp.ones(2))
    inside = xp.compile(lambda x: x + Sobol(2, seed=4).random(3))
    expected = 1 + host(Sobol(2, seed=4).random(3))
    for _ in range(3):
        np.testing.assert_array_equal(host(inside(xp.ones(2))), expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Sobol(0), ValueError, "Sobol: d must be from 1 to 1111, got 0"),
        (lambda: Sobol(1112), ValueError, "got 1112"),
        (lambda: Sobol(2.0), TypeError, "Sobol: d must be an integer, got float"),
        (lambda: Sobol(2, seed="a"), TypeError, "seed must be an integer"),
        (lambda: Sobol(2).random(-1), ValueError, r"Sobol.random: n must be from 0 to 4294967296"),
        (lambda: Sobol(2).random(1.5), TypeError, "Sobol.random: n must be an integer, got float"),
        (lambda: Sobol(2).random(3, dtype="int32"), TypeError, "must be float32 or float64"),
        (lambda: Sobol(2).random_base2(33), ValueError, "m must be from 0 to 32, got 33"),
        (lambda: Sobol(2).fast_forward(2**32).random(), ValueError, "n must be from 0 to 0, got 1"),
    ],
)
def test_wrong_arguments_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
