"""The sorting kernels on the simulator, against NumPy's stable sort, bit by bit.

Most tests take small tiles, so that small arrays already have many of them, and sources compile
fast. The kernels as a device gets them run here once.
"""

from __future__ import annotations

import numpy as np
import pytest

from gpuarray_cuda import tuning
from gpuarray_cuda.sorting import radix
from gpuarray_cuda.tuning import Tile

from .hand_written import INTEGERS, REALS, Bench, HostArray, random_values, reference

DTYPES = ("bool", *INTEGERS, *REALS)
# 512 elements, of which 70 rows of 7 and 3 rows of 100 are sorted by lanes and blocks.
TILE = 512


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows up to 40 elements go to groups of lanes, up to 128 to blocks, the rest to tiles."""
    monkeypatch.setattr(tuning, "LONGEST_GROUP", 40)
    monkeypatch.setattr(tuning, "SORT_ROWS", [Tile(64, 2)])
    monkeypatch.setattr(tuning, "SORT_TILES", {key: Tile(256, 2) for key in tuning.SORT_TILES})
    monkeypatch.setattr(tuning, "HISTOGRAM", Tile(64, 2))


def check(bench: Bench, x: HostArray, descending: bool = False) -> None:
    """Both positions and elements; these with their bits, but for those of a NaN."""
    expected = reference(x, descending)
    np.testing.assert_array_equal(bench.sorted(x, descending, True), expected)
    found, wanted = bench.sorted(x, descending, False), np.take_along_axis(x, expected, -1)
    np.testing.assert_array_equal(found, wanted)
    if x.dtype.kind == "f":
        numbers = wanted == wanted
        np.testing.assert_array_equal(np.signbit(found[numbers]), np.signbit(wanted[numbers]))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(70, 7), (3, 100), (2, 3 * TILE + 5)])
def test_every_dtype_in_either_order(
    bench: Bench, dtype: str, shape: tuple[int, int], descending: bool
) -> None:
    check(bench, random_values(dtype, shape), descending)


@pytest.mark.parametrize("size", [*range(1, 10), 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129])
def test_rows_that_lanes_sort(bench: Bench, size: int) -> None:
    check(bench, random_values("float32", (5, size), size))
    check(bench, random_values("uint8", (5, size), size), True)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [41, 63, 64, 65, 96, 127, 128])
def test_rows_that_a_block_sorts(bench: Bench, size: int) -> None:
    check(bench, random_values("float32", (3, size), size))
    check(bench, random_values("int64", (3, size), size), True)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    "size", [129, TILE - 1, TILE, TILE + 1, 2 * TILE - 1, 2 * TILE, 2 * TILE + 1, 40 * TILE + 3]
)
def test_tiles_and_their_borders(bench: Bench, rows: int, size: int) -> None:
    check(bench, random_values("float32", (rows, size), size))
    check(bench, random_values("uint16", (rows, size), size), True)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [20, 100, 9 * TILE + 1])
@pytest.mark.parametrize("dtype", ["int64", "float32", "uint8"])
def test_many_duplicates_keep_their_order(bench: Bench, size: int, dtype: str) -> None:
    x = np.random.default_rng(size).integers(0, 3, (2, size)).astype(dtype)
    check(bench, x)
    check(bench, x, True)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [20, 100, 128, 3 * TILE])
@pytest.mark.parametrize("value", [0, 1, 255, 2**40 + 3])
def test_equal_elements_stay(bench: Bench, size: int, value: int) -> None:
    # Also the highest digit, which the padding has.
    for dtype in ("int64", "uint64"):
        check(bench, np.full((2, size), value, dtype))
    check(bench, np.full((2, size), ~value, "int64"))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("shared", range(1, 8))
def test_passes_are_left_out_for_each_row_alone(bench: Bench, shared: int) -> None:
    # Digits that all elements of a row share: so many high ones, low ones, and none.
    x = random_values("uint64", (4, 3 * TILE), shared)
    x[0] >>= np.uint64(8 * shared)
    x[1] <<= np.uint64(8 * shared)
    x[2] = x[2] & np.uint64(0xFF00FF) | np.uint64(7 << 8)
    check(bench, x)
    check(bench, x[:, :100].copy())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [20, 100, 3 * TILE])
@pytest.mark.parametrize("dtype", REALS)
def test_zeros_keep_their_order_and_signs(bench: Bench, size: int, dtype: str) -> None:
    signs = np.random.default_rng(3).random((2, size)) < 0.5
    for descending in (False, True):
        check(bench, np.where(signs, -0.0, 0.0).astype(dtype), descending)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [20, 100, 3 * TILE])
def test_nan_is_above_infinity_whatever_its_bits(bench: Bench, size: int) -> None:
    bits = np.random.default_rng(4).integers(0, 2**32, (2, size), np.uint32)
    x = (bits | np.uint32(0x7F800000)).view(np.float32)
    for descending in (False, True):
        check(bench, x, descending)


@pytest.mark.usefixtures("small")
def test_sorted_and_reversed_rows(bench: Bench) -> None:
    ramp = np.arange(5 * TILE, dtype=np.float32)
    check(bench, np.stack([ramp, ramp[::-1]]))
    check(bench, np.stack([ramp, ramp[::-1]]), True)


@pytest.mark.usefixtures("small")
def test_counters_and_positions_of_64_bits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radix, "_NARROW", 1)
    monkeypatch.setattr(radix, "_NARROW_POSITIONS", 1)
    check(bench, random_values("float32", (2, 7 * TILE + 1)))
    check(bench, random_values("uint8", (2, 7 * TILE + 1)), True)


@pytest.mark.usefixtures("small")
def test_any_order_of_blocks_and_threads_gives_the_same() -> None:
    x = random_values("float32", (2, 20 * TILE + 77))
    for seed in range(1, 6):
        check(Bench(seed), x)


@pytest.mark.usefixtures("small")
def test_a_window_of_any_width_looks_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for window in (1, 3, 8):
        monkeypatch.setattr(tuning, "SORT_WINDOW", window)
        check(bench, random_values("int32", (2, 11 * TILE)))


@pytest.mark.parametrize("size", [200, 257, 600, 1024, 1500, 3000, 8192, 8193, 30000])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_the_kernels_as_the_device_gets_them(bench: Bench, size: int, dtype: str) -> None:
    check(bench, random_values(dtype, (2, size)))


@pytest.mark.usefixtures("small")
def test_rows_that_shared_memory_does_not_hold_go_to_tiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, x = Bench(), random_values("float32", (2, 100))
    check(bench, x)
    assert bench.runtime.history[-1].kernel == "gpuarray_sort_rows"
    monkeypatch.setattr(tuning, "SORT_ROWS", [Tile(64, 1024)])
    check(bench, x)
    assert bench.runtime.history[-1].kernel == "gpuarray_sort_pass"
