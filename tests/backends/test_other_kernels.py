"""Kernels of Numba and of cuTile on our arrays, between our own operations; on a GPU only."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import Stream, current_stream
from tests.backends.conftest import REAL

pytestmark = [
    pytest.mark.skipif(not REAL, reason="compilers of others need a GPU"),
    # Numba warns of small grids.
    pytest.mark.filterwarnings("ignore:.*under-utilization"),
]

N = 100_000
ROUNDS = 20


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


@pytest.fixture
def numba(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`numba.cuda`, where it is installed."""
    # Which Numba's CUDA target (0.30) asks for, and NumPy 2.5 has no longer.
    monkeypatch.setattr(np, "row_stack", np.vstack, raising=False)
    found: ModuleType = pytest.importorskip("numba.cuda")
    return found


@pytest.fixture
def tile() -> ModuleType:
    """`cuda.tile`, where it is installed."""
    found: ModuleType = pytest.importorskip("cuda.tile")
    return found


def alternated(add: Any, host: Any) -> None:
    """Other kernels and our operations in turn, with no wait between: each sees what came before.

    `add(x, y)` adds the elements of x to those of y, in place.
    """
    x, y = xp.arange(N, dtype="float32") % 8.0, xp.zeros(N, dtype="float32")
    expected = np.arange(N, dtype="float32") % 8
    sums = np.zeros(N, "float32")
    for k in range(ROUNDS):
        add(x, y)
        sums += expected
        x = xp.flip(x) * 0.5 + y * 0.25
        expected = expected[::-1] * np.float32(0.5) + sums * np.float32(0.25)
        if k % 5 == 4:
            y = y * 0.125
            sums = sums * np.float32(0.125)
    np.testing.assert_allclose(host(x), expected, rtol=1e-5)
    np.testing.assert_allclose(host(y), sums, rtol=1e-5)


@pytest.mark.parametrize("own_stream", [False, True])
def test_numba_adds_in_place(numba: ModuleType, own_stream: bool, host: Any) -> None:
    @numba.jit  # type: ignore[untyped-decorator]
    def add(x: Any, y: Any) -> None:
        i = numba.grid(1)
        if i < x.size:
            y[i] += x[i]

    def launched(x: xp.Array, y: xp.Array) -> None:
        xp.evaluate(x, y)
        if own_stream:
            add[-(-N // 256), 256, numba.external_stream(current_stream().handle)](x, y)
        else:
            add[-(-N // 256), 256](x, y)

    alternated(launched, host)
    if own_stream:
        with Stream():
            alternated(launched, host)


def test_numba_reads_views_and_its_arrays_are_ours(numba: ModuleType, host: Any) -> None:
    @numba.jit  # type: ignore[untyped-decorator]
    def transposed(x: Any, y: Any) -> None:
        i, j = numba.grid(2)
        if i < x.shape[0] and j < x.shape[1]:
            y[i, j] = x[i, j]

    x = xp.reshape(xp.arange(35.0), (5, 7))
    found = numba.device_array((7, 3), np.float64)
    transposed[(1, 1), (8, 8)](x[::2, :].T, found)
    expected = np.arange(35.0).reshape(5, 7)[::2].T
    np.testing.assert_array_equal(found.copy_to_host(), expected)
    ours = xp.asarray(found)
    np.testing.assert_array_equal(host(ours + 1.0), expected + 1)


def test_cutile_adds_in_place(tile: ModuleType, host: Any) -> None:
    size = 1024

    @tile.kernel  # type: ignore[untyped-decorator]
    def add(x: Any, y: Any) -> None:
        block = tile.bid(0)
        sums = tile.load(x, index=(block,), shape=(size,)) + tile.load(
            y, index=(block,), shape=(size,)
        )
        tile.store(y, index=(block,), tile=sums)

    def launched(x: xp.Array, y: xp.Array) -> None:
        xp.evaluate(x, y)
        tile.launch(current_stream().handle, (-(-N // size), 1, 1), add, (x, y))

    alternated(launched, host)
    with Stream():
        alternated(launched, host)
