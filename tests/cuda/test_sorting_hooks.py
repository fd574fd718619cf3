"""What users reach of the hand-written kernels, on operands of any strides, without NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.library import fallbacks

from .hand_written import Bench, HostArray

VIEWS: dict[str, Callable[[Any], Any]] = {
    "whole": lambda x: x,
    "backwards": lambda x: x[:, ::-1],
    "every third": lambda x: x[1::2, ::3],
    "inner part": lambda x: x[3:-2, 5:],
    "transposed": lambda x: x.T,
    "one row, often": lambda x: (
        xp.broadcast_to(x[1], (4, x.shape[1]))
        if isinstance(x, xp.Array)
        else np.broadcast_to(x[1], (4, x.shape[1]))
    ),
    "one element": lambda x: x[2:3, 4:5],
}


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.fixture
def host() -> HostArray:
    return np.random.default_rng(7).integers(0, 50, (20, 70)).astype("f4")


@pytest.fixture(autouse=True)
def _nothing_falls_back() -> Any:
    before = fallbacks.total()
    yield
    assert fallbacks.total() == before


def back(x: xp.Array) -> HostArray:
    return np.asarray(x.to_device("cpu"))


@pytest.mark.parametrize("view", VIEWS)
def test_operands_of_any_strides(bench: Bench, host: HostArray, view: str) -> None:
    x, v = VIEWS[view](xp.asarray(host, device=bench.device)), VIEWS[view](host)
    np.testing.assert_array_equal(back(x), v)
    for axis in (0, 1):
        np.testing.assert_array_equal(back(xp.sort(x, axis=axis)), np.sort(v, axis=axis))
        order = np.argsort(v, axis=axis, stable=True)
        np.testing.assert_array_equal(back(xp.argsort(x, axis=axis)), order)
        total = np.cumsum(v, axis=axis, dtype="f8")
        np.testing.assert_array_equal(back(xp.cumulative_sum(x, axis=axis)), total)
    np.testing.assert_array_equal(back(x[x > 20]), v[v > 20])
    np.testing.assert_array_equal(back(xp.unique_values(x)), np.unique(v))
    np.testing.assert_array_equal(back(xp.nonzero(x)[1]), np.nonzero(v)[1])
    edges = np.arange(0, 50, 3, dtype="f4")[::-1]
    found = xp.searchsorted(xp.asarray(edges, device=bench.device)[::-1], x, side="right")
    np.testing.assert_array_equal(back(found), np.searchsorted(edges[::-1], v, "right"))
    np.testing.assert_array_equal(back(x), v)


def test_a_selection_of_nothing(bench: Bench, host: HostArray) -> None:
    x = xp.asarray(host, device=bench.device)
    assert x[x < 0].shape == (0,)
    assert back(xp.sort(x[x < 0])).shape == (0,)


def test_results_feed_further_operations(bench: Bench, host: HostArray) -> None:
    x = xp.asarray(host, device=bench.device)
    found = xp.sum(xp.sort(x * 2, axis=0)[0] + xp.unique_values(x)[0])
    assert float(found) == float(np.sum(np.sort(host * 2, axis=0)[0] + np.min(host)))
