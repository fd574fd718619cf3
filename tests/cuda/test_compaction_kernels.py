"""The compaction kernels on the simulator: positions, selected elements, distinct elements."""

from __future__ import annotations

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.devices import chosen
from gpuarray.plugins.manager import Backend
from gpuarray_cuda import tuning
from gpuarray_cuda.compaction import distinct, nonzero, nonzero_bits, selected, selected_by_bits
from gpuarray_cuda.plugin import CudaBackend
from tests.simulator import SimulatedRuntime

from .hand_written import INTEGERS, REALS, Bench, HostArray, random_values

# Elements of a tile.
TILE = 4096
SIZES = (1, 15, 16, 17, 33, 512, TILE - 1, TILE, TILE + 1, 3 * TILE + 100)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def mask(size: int, part: float) -> HostArray:
    return np.random.default_rng(size).random(size) < part


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("size", SIZES)
def test_positions(bench: Bench, size: int, part: float) -> None:
    flags = mask(size, part)
    for start in (0, 1, 16):
        if start < size:
            found, count = nonzero(bench.executor, bench.put(flags), start, size - start)
            positions = bench.get(found, np.int64, (count,))
            np.testing.assert_array_equal(positions, np.flatnonzero(flags[start:]))


def test_any_nonzero_byte_holds(bench: Bench) -> None:
    flags = np.arange(256, dtype=np.uint8)
    found, count = nonzero(bench.executor, bench.put(flags), 0, 256)
    np.testing.assert_array_equal(bench.get(found, np.int64, (count,)), np.arange(1, 256))


def test_more_tiles_than_one_step_sums_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "COMPACT_BLOCK", 32)
    # A step takes 8 tiles of 512 elements for each of 1024 threads.
    size = 8 * 1024 * 512 + 5000
    flags = np.zeros(size, bool)
    flags[:: 1 << 16] = flags[-1] = True
    found, count = nonzero(bench.executor, bench.put(flags), 0, size)
    np.testing.assert_array_equal(bench.get(found, np.int64, (count,)), np.flatnonzero(flags))


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("size", [1, 100, TILE + 33])
def test_selected_elements(bench: Bench, dtype: str, size: int) -> None:
    x = np.random.default_rng(2).integers(0, 100, size).astype(dtype)
    for part in (0.1, 0.9):
        flags = mask(size, part)
        elements, chosen = bench.put(x), bench.put(flags)
        found, count = selected(bench.executor, x.dtype, elements.pointer, chosen.pointer, size)
        np.testing.assert_array_equal(bench.get(found, dtype, (count,)), x[flags])


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, *REALS])
def test_distinct_elements(bench: Bench, dtype: str) -> None:
    for size in (1, 100, 2 * TILE + 7):
        x = np.sort(random_values(dtype, (size,)))
        ordered = bench.put(x)
        found, count = distinct(bench.executor, x.dtype, ordered.pointer, size)
        np.testing.assert_array_equal(
            bench.get(found, dtype, (count,)), np.unique(x, equal_nan=False)
        )


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("size", SIZES)
def test_positions_of_bits(bench: Bench, size: int, part: float) -> None:
    flags = mask(size, part)
    words = bench.put(words_of(flags))
    found, count = nonzero_bits(bench.executor, words.pointer, size)
    np.testing.assert_array_equal(bench.get(found, np.int64, (count,)), np.flatnonzero(flags))


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("block", [32, 256])
def test_elements_selected_by_bits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, dtype: str, block: int
) -> None:
    monkeypatch.setattr(tuning, "COMPACT_BLOCK", block)
    for size in (1, 33, TILE - 31, 9 * TILE + 33):
        x = np.random.default_rng(2).integers(0, 100, size).astype(dtype)
        flags = mask(size, 0.3)
        elements, words = bench.put(x), bench.put(words_of(flags))
        found, count = selected_by_bits(
            bench.executor, x.dtype, elements.pointer, words.pointer, size
        )
        np.testing.assert_array_equal(bench.get(found, dtype, (count,)), x[flags])


def words_of(flags: HostArray) -> HostArray:
    """The flags as words of 32 bits, the first in the lowest bit; zeros at the end."""
    bits = np.zeros(-(-flags.size // 32) * 32, bool)
    bits[: flags.size] = flags
    return np.packbits(bits, bitorder="little").view("<u4")


@pytest.mark.parametrize("select", [True, False], ids=["elements", "positions"])
def test_a_pending_mask_takes_no_memory_but_its_bits(select: bool) -> None:
    runtime = SimulatedRuntime(1)
    device = Backend("cuda", CudaBackend(runtime)).devices[0]
    token = chosen.set(device)
    try:
        v = np.random.default_rng(0).random(1 << 18).astype("float32")
        x = xp.asarray(v)
        found = x[x > 0.5] if select else xp.nonzero(x > 0.5)[0]
        taken = device.hook.gpuarray_memory(device=device).peak
        np.testing.assert_array_equal(
            np.asarray(found.to_device("cpu")), v[v > 0.5] if select else np.flatnonzero(v > 0.5)
        )
    finally:
        chosen.reset(token)
    assert taken <= 1.1 * (v.nbytes + found.size * found.dtype.itemsize)
