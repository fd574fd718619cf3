"""Operands that lie along different axes meet in one kernel, through tiles in shared memory.

Values are NumPy's, bit for bit: elements are only moved, added and compared. What the CUDA backend
generates is looked at through `explain`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gpuarray as xp

from .observer import observing

Arrays = tuple[np.ndarray[Any, Any], ...]
Program = Callable[..., Any]

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)
# Around a warp, a tile of 32 and of 64, and squares of 4 tiles, in odd and even numbers of them.
SIDES = (1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 129, 257, 400, 520, 800)


def data(dtype: str, *shapes: tuple[int, ...]) -> Arrays:
    """Small integers, so that sums and products are exact."""
    rng = np.random.default_rng(sum(map(sum, shapes)))
    found = (rng.integers(0, 2 if dtype == "bool" else 11, size=shape) for shape in shapes)
    return tuple(v.astype(dtype) for v in found)


def run(device: str, program: Program, arrays: Arrays) -> str:
    """Check a program of one kernel against NumPy; the source of that kernel, or nothing."""
    given = [xp.asarray(v, device=device) for v in arrays]
    xp.evaluate(*given)
    results = program(xp, *given)
    results = results if isinstance(results, tuple) else (results,)
    source = xp.explain(*results) if device != "cpu" else ""
    with observing() as seen:
        xp.evaluate(*results)
    assert seen.tasks == 1
    expected = program(np, *(v.copy() for v in arrays))
    expected = expected if isinstance(expected, tuple) else (expected,)
    for found, value in zip(results, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(found.to_device("cpu")), value)
    return source


def is_tiled(source: str, tiles: int = 1) -> bool:
    """Whether a kernel has so many tiles; a backend without sources is not asked."""
    return not source or source.count("__shared__ ") == tiles


def is_patched(source: str) -> bool:
    """Whether the blocks of a kernel compute patches, without tiles."""
    return not source or ("const u32 columns" in source and "__shared__" not in source)


def add(ns: Any, x: Any, y: Any) -> Any:
    return x | y if x.dtype == bool else x + y


def chosen(ns: Any, t: Any, y: Any) -> Any:
    return ns.where(t == y, y, t)


@pytest.mark.parametrize("side", SIDES)
def test_a_matrix_and_its_transpose(device, side):
    source = run(device, lambda ns, x: x.T + x, data("int32", (side, side)))
    assert is_tiled(source, int(side >= 16))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(70, 70), (33, 130)])
def test_every_dtype(device, dtype, shape):
    arrays = data(dtype, shape, shape[::-1])
    assert is_tiled(run(device, lambda ns, x, y: add(ns, x.T, y), arrays))
    assert is_tiled(run(device, lambda ns, x, y: chosen(ns, x.T, y), arrays))


PERMUTATIONS = [
    *[((5, 40, 37), p) for p in ((0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1), (1, 0, 2))],
    *[((40, 3, 2, 35), p) for p in ((0, 3, 2, 1), (3, 2, 1, 0), (3, 0, 1, 2), (2, 3, 0, 1))],
    ((2, 3, 2, 3, 2, 20, 17), (6, 5, 4, 3, 2, 1, 0)),
]


@pytest.mark.parametrize(("shape", "permutation"), PERMUTATIONS)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "complex128"])
def test_permutations(device, dtype, shape, permutation):
    wanted = tuple(shape[k] for k in permutation)
    x, y = data(dtype, shape, wanted)
    source = run(device, lambda ns, x, y: ns.permute_dims(x, permutation) + y, (x, y))
    # Where the last axis stays the last one, all is read in lines already.
    assert (
        is_tiled(source, int(permutation[-1] != len(shape) - 1))
        or min(wanted[-1], wanted[permutation.index(len(shape) - 1)]) < 16
    )


def product(t: Any, x: Any, y: Any) -> Any:
    return (t + x) * t - y


def several(t: Any, y: Any, z: Any) -> Any:
    total = t + y
    return total, total * z


SQUARE: dict[str, tuple[int, Program]] = {
    "two of three": (2, lambda ns, x, y, z: x.T * y.T + z),
    "a product with itself": (1, lambda ns, x, y, z: product(x.T, x, y)),
    "several results": (1, lambda ns, x, y, z: several(x.T, y, z)),
    "a slice": (1, lambda ns, x, y, z: x.T[3:50, 1:] + y[3:50, 1:]),
    "steps": (0, lambda ns, x, y, z: x.T[::2, 5:60:3] + y[::2, 5:60:3]),
    "joined down": (1, lambda ns, x, y, z: ns.concat([x.T, y], axis=0) + ns.concat([y, z])),
    "joined across": (1, lambda ns, x, y, z: ns.concat([y, x.T, z], axis=1) * 2),
    "both ways": (1, lambda ns, x, y, z: ns.concat([x.T + y, x + z.T, z.T + y], axis=1)),
    "rolled down": (1, lambda ns, x, y, z: ns.roll(x.T, 5, axis=0) + y),
    "rolled across": (1, lambda ns, x, y, z: ns.roll(x.T, 5, axis=1) + y),
    "a triangle": (1, lambda ns, x, y, z: ns.tril(x.T + y)),
    "a broadcast row": (1, lambda ns, x, y, z: x.T + y + z[0]),
    "a broadcast column": (1, lambda ns, x, y, z: x.T + y + z[:, :1]),
    "backwards": (0, lambda ns, x, y, z: ns.flip(x.T, axis=0) + y),
    "backwards across": (1, lambda ns, x, y, z: ns.flip(x.T, axis=1) + y),
    "gathered": (0, lambda ns, x, y, z: x.T[ns.asarray([3, 1, 50] * 9)] + y[:27]),
    "compared": (1, lambda ns, x, y, z: ns.where(y < x.T, y, z)),
    "cast": (1, lambda ns, x, y, z: ns.astype(x.T, ns.float64) + y),
}


@pytest.mark.parametrize("side", [67, 128])
@pytest.mark.parametrize("name", SQUARE)
def test_what_stands_around_a_transpose(device, name, side):
    tiles, program = SQUARE[name]
    source = run(device, program, data("int32", *[(side, side)] * 3))
    if name == "both ways":
        assert not source or source.count("__shared__ ") >= 1
    else:
        assert is_tiled(source, tiles)


@pytest.mark.parametrize("dtype", ["int8", "float32", "complex128"])
@pytest.mark.parametrize("count", [3, 9, 11, 20])
def test_more_tiles_than_there_is_room_for(device, dtype, count):
    def program(ns: Any, z: Any, *arrays: Any) -> Any:
        for x in arrays:
            z = z + x.T
        return z

    source = run(device, program, data(dtype, (50, 67), *[(67, 50)] * count))
    assert not source or 0 < source.count("__shared__ ") <= count


def test_a_held_intermediate_is_stored_by_the_same_kernel(device, host):
    x, y = data("float32", (90, 70), (70, 90))
    a, b = xp.asarray(x, device=device), xp.asarray(y, device=device)
    held = a.T + b
    result = held * b
    with observing() as seen:
        xp.evaluate(result)
    assert seen.tasks == 1
    np.testing.assert_array_equal(host(held), x.T + y)
    np.testing.assert_array_equal(host(result), (x.T + y) * y)
    assert seen.tasks == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("side", [20, 64, 150])
def test_a_transposed_value_in_place(device, host, dtype, side):
    x, y = data(dtype, (side, side), (side, side))
    a, b = xp.asarray(x, device=device), xp.asarray(y, device=device)
    b[2:-1, 3:] = a.T[2:-1, 3:]
    with observing() as seen:
        xp.evaluate(b)
    assert (seen.tasks, seen.stored) == (1, [])
    y[2:-1, 3:] = x.T[2:-1, 3:]
    np.testing.assert_array_equal(host(b), y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(20, 20), (64, 64), (150, 77)])
def test_into_a_transposed_view_in_place(device, host, dtype, shape):
    x, y = data(dtype, shape, shape[::-1])
    a = xp.permute_dims(xp.asarray(x, device=device), (1, 0))
    b = xp.asarray(y, device=device)
    a[1:, :-2] = add(xp, b[1:, :-2], b[:-1, 2:])
    source = xp.explain(a) if device != "cpu" else ""
    with observing() as seen:
        xp.evaluate(a)
    assert (seen.tasks, seen.stored) == (1, [])
    assert is_tiled(source)
    expected = x.T.copy()
    expected[1:, :-2] = add(np, y[1:, :-2], y[:-1, 2:])
    np.testing.assert_array_equal(host(a), expected)


def test_a_value_and_its_place_that_lie_alike_need_no_tile(device, host):
    x, y = data("float32", (80, 90), (80, 90))
    a = xp.permute_dims(xp.asarray(x, device=device), (1, 0))
    b = xp.permute_dims(xp.asarray(y, device=device), (1, 0))
    a[:, 2:] = b[:, 2:] * 2
    source = xp.explain(a) if device != "cpu" else ""
    assert "__shared__" not in source
    assert not source or "vec_t<f32, " in source
    expected = x.T.copy()
    expected[:, 2:] = y.T[:, 2:] * 2
    np.testing.assert_array_equal(host(a), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_a_tile_changes_no_bit(device, host, dtype):
    rng = np.random.default_rng(5)
    v, w = (rng.normal(size=(70, 70)).astype(dtype) for _ in range(2))
    x, y = xp.asarray(v, device=device), xp.asarray(w, device=device)
    copied = xp.asarray(np.ascontiguousarray(v.T), device=device)
    tiled, plain = (xp.sin(t) * y / (xp.exp(t) + y) for t in (x.T, copied))
    np.testing.assert_array_equal(host(tiled), host(plain))


def test_a_new_shape_compiles_nothing(device):
    if device == "cpu":
        return
    sources = {
        run(device, lambda ns, x, y: x.T + y, data("float32", shape, shape[::-1])).split(
            "extern", 1
        )[1]
        for shape in ((64, 64), (40, 100), (129, 65), (256, 256))
    }
    assert len(sources) == 1


# Patches without tiles


def stencil(ns: Any, u: Any) -> Any:
    return u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]


PATCHES: dict[str, Program] = {
    "stencil": stencil,
    "flipped and rolled": lambda ns, x: ns.flip(ns.roll(x, (3, 5), axis=(0, 1))) * 2,
    "rolled twice": lambda ns, x: ns.roll(x, 7, axis=1) + ns.roll(x, -2, axis=0),
    "unaligned": lambda ns, x: x[:, 1:] - x[:, :-1],
    "joined": lambda ns, x: ns.concat([x, x + 1], axis=1) * 2,
    "rows gathered": lambda ns, x: x[ns.asarray([0, 5, 2, 5] * 6)] + 1,
}


@pytest.mark.parametrize("dtype", ["uint8", "float32", "complex128"])
@pytest.mark.parametrize("shape", [(10, 66), (33, 128), (19, 300), (3, 500), (70, 20)])
@pytest.mark.parametrize("name", PATCHES)
def test_patches(device, name, shape, dtype):
    if name == "rows gathered" and shape[0] < 6:
        pytest.skip("too few rows to gather from")
    run(device, PATCHES[name], data(dtype, shape))


@pytest.mark.parametrize("name", ["stencil", "flipped and rolled", "rolled twice", "joined"])
def test_loads_that_are_no_vectors_are_spread_over_patches(device, name):
    assert is_patched(run(device, PATCHES[name], data("float32", (40, 130))))


def test_a_stencil_in_three_dimensions(device):
    def program(ns: Any, u: Any) -> Any:
        inner = u[1:-1, 1:-1, 1:-1]
        return inner * 2 + u[2:, 1:-1, 1:-1] + u[1:-1, :-2, 1:-1] + u[1:-1, 1:-1, 2:]

    assert is_patched(run(device, program, data("float64", (6, 20, 72))))


def test_heat_flow(device, host):
    (v,) = data("float64", (40, 100))
    x = xp.asarray(v, device=device)
    for _ in range(3):
        x[1:-1, 1:-1] = 0.25 * stencil(xp, x)
        v[1:-1, 1:-1] = 0.25 * stencil(np, v)
        source = xp.explain(x) if device != "cpu" else ""
        with observing() as seen:
            xp.evaluate(x)
        assert seen.tasks == 1
        assert is_patched(source)
    np.testing.assert_array_equal(host(x), v)
