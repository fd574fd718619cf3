"""The scan and search kernels on the simulator, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from gpuarray_cuda import tuning
from gpuarray_cuda.scanning import scanned
from gpuarray_cuda.searching import searched

from .hand_written import INTEGERS, REALS, Bench, HostArray, random_values

COMPLEX = ("complex64", "complex128")
KINDS = ("sum", "prod")
# Elements of a tile of 4-byte elements, and tiles of a group.
TILE, GROUP = 256, 64


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tiles: some thousand elements then have groups of tiles."""
    monkeypatch.setattr(tuning, "SCAN_BLOCK", GROUP)
    monkeypatch.setattr(tuning, "SCAN_BYTES", 16)
    monkeypatch.setattr(tuning, "SCAN_LONGEST_ROW", 64)


def scan(bench: Bench, x: HostArray, kind: str, offset: int = 0) -> HostArray:
    """Each row of the 2-d `x` scanned; it lies `offset` bytes into its buffer."""
    buffer = bench.put(np.concatenate([np.zeros(offset, np.uint8), x.reshape(-1).view(np.uint8)]))
    found = bench.executor.allocate(x.nbytes)
    scanned(bench.executor, x.dtype, kind, buffer.pointer + offset, found.pointer, *x.shape)
    return bench.get(found, x.dtype, x.shape)


def expected(x: HostArray, kind: str) -> HostArray:
    """In twice the precision where there is any."""
    wide = {"float32": "float64", "complex64": "complex128"}.get(x.dtype.name, x.dtype.name)
    accumulate = np.cumsum if kind == "sum" else np.cumprod
    with np.errstate(all="ignore"):
        return accumulate(x, axis=-1, dtype=wide)


def values(dtype: str, shape: tuple[int, int], kind: str) -> HostArray:
    """Products stay near one, sums near the size's square root."""
    if dtype in INTEGERS:
        return random_values(dtype, shape)
    random = np.random.default_rng(5)
    x = random.standard_normal(shape)
    if dtype in COMPLEX:
        x = x + 1j * random.standard_normal(shape)
    return (x if kind == "sum" else 1 + x / 1000).astype(dtype)


def check(bench: Bench, x: HostArray, kind: str, offset: int = 0) -> None:
    found, wanted = scan(bench, x, kind, offset), expected(x, kind)
    if x.dtype.kind in "iu":
        np.testing.assert_array_equal(found, wanted)
        return
    # A sum of n terms, in whatever order, is off by at most n half units of the sum of magnitudes;
    # a product by n half units of itself, complex ones by some times that.
    epsilon = np.finfo(x.dtype).eps * (8 if x.dtype.kind == "c" else 1)
    scale = np.cumsum(np.abs(x), axis=-1) if kind == "sum" else np.abs(wanted)
    bound = epsilon * np.arange(1, x.shape[1] + 1) * scale
    assert np.all(np.abs(found - wanted) <= bound)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [*INTEGERS, *REALS, *COMPLEX])
@pytest.mark.parametrize("shape", [(50, 7), (3, 64), (2, 3 * TILE + 5)])
def test_every_dtype(bench: Bench, dtype: str, shape: tuple[int, int], kind: str) -> None:
    check(bench, values(dtype, shape, kind), kind)


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33, 127, 128, 129, 511, 512, 513, 1024])
def test_rows_that_lanes_scan(bench: Bench, size: int) -> None:
    check(bench, values("float32", (11, size), "sum"), "sum")
    check(bench, values("int64", (11, size), "prod"), "prod")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    "size",
    [
        *(65, TILE - 1, TILE, TILE + 1, 2 * TILE, 2 * TILE + 1),
        *(GROUP * TILE - 1, GROUP * TILE, GROUP * TILE + 1, (2 * GROUP + 1) * TILE + 9),
        *((3 * GROUP - 1) * TILE + 1, (4 * GROUP + 5) * TILE),
    ],
)
def test_tiles_groups_and_their_borders(bench: Bench, rows: int, size: int) -> None:
    check(bench, values("int32", (rows, size), "sum"), "sum")
    check(bench, values("float32", (rows, size), "sum"), "sum")


@pytest.mark.usefixtures("small")
def test_more_groups_than_threads(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SCAN_BLOCK", 32)
    check(bench, values("int32", (1, 128 * 32 * 70 + 3), "sum"), "sum")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("bytes_of_lane", [16, 64, 128])
def test_small_elements_from_any_byte(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, bytes_of_lane: int
) -> None:
    monkeypatch.setattr(tuning, "SCAN_BYTES", bytes_of_lane)
    for dtype in ("int8", "uint16"):
        for offset in (2, 4, 8):
            check(bench, values(dtype, (1, 30011), "sum"), "sum", offset)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [60, 3 * TILE])
@pytest.mark.parametrize("offset", [4, 8, 12, 16])
def test_rows_that_start_at_any_element(bench: Bench, size: int, offset: int) -> None:
    check(bench, values("float32", (1, size), "sum"), "sum", offset)
    check(bench, values("float32", (3, size), "sum"), "sum", offset)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [63, 5 * TILE])
def test_what_is_not_finite_stays_where_it_belongs(bench: Bench, size: int) -> None:
    for dtype in (*REALS, *COMPLEX):
        for kind in KINDS:
            x = np.ones((2, size), dtype)
            x[0, size // 2] = np.inf
            x[1, size // 2] = np.nan
            found = scan(bench, x, kind)
            np.testing.assert_array_equal(found[:, : size // 2], expected(x, kind)[:, : size // 2])
            real = found.real
            assert np.all(real[0, size // 2 :] == np.inf)
            assert np.all(np.isnan(real[1, size // 2 :]))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [1, 60, 2 * TILE])
def test_sums_of_negative_zeros_are_negative(bench: Bench, size: int) -> None:
    x = np.full((1, size), -0.0)
    assert np.all(np.signbit(scan(bench, x, "sum")))
    assert not np.signbit(scan(bench, np.concatenate([x, x + 0.0], 1), "sum")[0, -1])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_equal_inputs_give_equal_bits_in_any_order_of_blocks(dtype: str) -> None:
    x = values(dtype, (2, (3 * GROUP + 3) * TILE + 1), "sum")
    first = scan(Bench(), x, "sum")
    for seed in range(1, 5):
        assert scan(Bench(seed), x, "sum").tobytes() == first.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "complex64"])
def test_the_kernel_as_the_device_gets_it(bench: Bench, dtype: str, kind: str) -> None:
    check(bench, values(dtype, (2, 40001), kind), kind)


@pytest.mark.parametrize("right", [False, True], ids=["left", "right"])
@pytest.mark.parametrize("dtype", [*INTEGERS, *REALS])
def test_searches_of_every_dtype(bench: Bench, dtype: str, right: bool) -> None:
    for size in (1, 2, 777):
        x = np.sort(random_values(dtype, (size,), size))
        wanted = np.concatenate([x[::3], random_values(dtype, (300,), 1)])
        elements, places = bench.put(x), bench.put(wanted)
        found = searched(
            bench.executor, x.dtype, right, elements.pointer, size, places.pointer, wanted.size
        )
        np.testing.assert_array_equal(
            bench.get(found, np.int64, wanted.shape),
            np.searchsorted(x, wanted, "right" if right else "left"),
        )
