"""Products of matrices on the device: every dtype, and whatever strides and stacks there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpuarray.graph.node import contiguous_layout
from gpuarray.plugins import Operand
from gpuarray_cuda.runtime import LEGACY_STREAM

from .library_operands import REAL, Libraries, libraries, tolerance

__all__ = ["libraries"]

Array = np.ndarray[Any, Any]
FLOATS = ("float32", "float64", "complex64", "complex128")
INTEGERS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def random(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    if dtype == "bool":
        return rng.random(shape) < 0.2
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    found = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.standard_normal(shape)
    return found.astype(dtype)


# The same elements with other strides: (name, how, whether cuBLAS takes them as they are).
def columns_first(x: Array) -> Array:
    return x.mT.copy().mT


def with_padding(x: Array) -> Array:
    room = np.zeros((*x.shape[:-1], x.shape[-1] + 3), x.dtype)
    room[..., :-3] = x
    return room[..., :-3]


def columns_with_padding(x: Array) -> Array:
    return with_padding(x.mT).mT


def every_second(x: Array) -> Array:
    room = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    room[..., ::2] = x
    return room[..., ::2]


def backwards(x: Array) -> Array:
    return x[..., ::-1, ::-1].copy()[..., ::-1, ::-1]


def stack_last(x: Array) -> Array:
    return np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0)


LAYOUTS = {
    "rows": (np.ascontiguousarray, True),
    "columns": (columns_first, True),
    "padded rows": (with_padding, True),
    "padded columns": (columns_with_padding, True),
    "every second": (every_second, False),
    "backwards": (backwards, False),
}


def close(found: Array, a: Array, b: Array) -> None:
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    bound = tolerance(a.dtype) * (np.abs(a).astype(float) @ np.abs(b).astype(float)) + 1e-300
    assert np.all(np.abs(found - a.astype(wide) @ b.astype(wide)) <= bound)
    assert found.dtype == a.dtype


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_products_of_matrices_of_any_strides(
    libraries: Libraries, left: str, right: str, dtype: str
) -> None:
    rng = np.random.default_rng(1)
    (make_a, as_it_is_a), (make_b, as_it_is_b) = LAYOUTS[left], LAYOUTS[right]
    a, b = make_a(random(rng, (7, 5), dtype)), make_b(random(rng, (5, 9), dtype))
    launches = 0 if REAL else libraries.runtime._runtime.counters.launches  # type: ignore[union-attr]
    close(libraries("matmul", a=a, b=b), a, b)
    if not REAL:
        assert libraries.calls[-1] == "gemm"
        copies = libraries.runtime._runtime.counters.launches - launches  # type: ignore[union-attr]
        assert copies == (not as_it_is_a) + (not as_it_is_b)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 6, 4), (4, 6, 1), (1, 6, 1), (3, 1, 2), (5, 1, 1)]
)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_rows_columns_and_single_elements(
    libraries: Libraries, left: str, right: str, shape: tuple[int, int, int]
) -> None:
    rng = np.random.default_rng(2)
    m, k, n = shape
    a = LAYOUTS[left][0](random(rng, (m, k), "float64"))
    b = LAYOUTS[right][0](random(rng, (k, n), "float64"))
    close(libraries("matmul", a=a, b=b), a, b)


def test_a_row_with_strides_is_no_copy(libraries: Libraries) -> None:
    whole = np.arange(60.0).reshape(6, 10)
    row, column = whole[:, 3:4].T, whole[:, 5:6]
    close(libraries("matmul", a=row, b=column), row, column)
    assert REAL or libraries.calls[-1:] == ["gemm"]


@pytest.mark.parametrize("dtype", ["float32", "complex128", "int32", "bool"])
def test_stacks(libraries: Libraries, dtype: str) -> None:
    rng = np.random.default_rng(3)
    a, b = random(rng, (4, 3, 5), dtype), random(rng, (4, 5, 2), dtype)
    one = random(rng, (5, 2), dtype)
    cases = {
        "contiguous": (a, b, "gemm"),
        "column-major": (columns_first(a), columns_first(b), "gemm"),
        "stack last": (stack_last(a), b, None),
        "one right matrix": (a, np.broadcast_to(one, (4, 5, 2)), "gemm"),
        "one left matrix": (np.broadcast_to(a[0], (4, 3, 5)), b, "gemm"),
        "both the same": (
            np.broadcast_to(a[0], (4, 3, 5)),
            np.broadcast_to(one, (4, 5, 2)),
            "gemm",
        ),
        "backwards": (a[::-1], b, "gemm"),
        "every second": (a[::2], b[::2], "gemm"),
    }
    for name, (x, y, call) in cases.items():
        found = libraries("matmul", a=x, b=y)
        expected = np.matmul(x, y)
        if np.dtype(dtype).kind in "fc":
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=name)
            assert REAL or call is None or libraries.calls[-1] == call, name
        else:
            np.testing.assert_array_equal(found, expected, err_msg=name)


@pytest.mark.parametrize("dtype", ["float64", "complex64", "int16"])
def test_stacks_of_several_dimensions(libraries: Libraries, dtype: str) -> None:
    rng = np.random.default_rng(4)
    a, b = random(rng, (2, 3, 4, 5), dtype), random(rng, (2, 3, 5, 6), dtype)
    row, column = random(rng, (1, 3, 4, 5), dtype), random(rng, (2, 1, 5, 6), dtype)
    cases = {
        "contiguous": (a, b, "gemm"),
        "outer product of stacks": (
            np.broadcast_to(row, a.shape),
            np.broadcast_to(column, b.shape),
            "gemm_pointers",
        ),
        "exchanged": (a.swapaxes(0, 1), b.swapaxes(0, 1), "gemm"),
        "one exchanged": (
            a.swapaxes(0, 1).copy().swapaxes(0, 1),
            b,
            "gemm_pointers",
        ),
    }
    for name, (x, y, call) in cases.items():
        found = libraries("matmul", a=x, b=y)
        np.testing.assert_allclose(found, np.matmul(x, y), rtol=1e-4, atol=1e-4, err_msg=name)
        calls = libraries.calls
        assert REAL or np.dtype(dtype).kind == "i" or calls[-1] == call, name


def test_a_stack_times_one_matrix_is_one_product(libraries: Libraries) -> None:
    if REAL:
        pytest.skip("looks at the simulator's calls")
    rng = np.random.default_rng(5)
    one = np.broadcast_to(random(rng, (5, 2), "float64"), (4, 5, 2))
    rows = random(rng, (4, 1, 5), "float64")
    apart = np.zeros((4, 3, 9))
    apart[..., :5] = random(rng, (4, 3, 5), "float64")
    for a in (random(rng, (4, 3, 5), "float64"), rows, apart[..., :5], apart[:, :1, :5]):
        with SimulatedShapes(libraries) as shapes:
            np.testing.assert_allclose(libraries("matmul", a=a, b=one), a @ one)
        assert shapes == [(2, a.shape[0] * a.shape[1], 5, 1)]


class SimulatedShapes:
    """The sizes and the stack of each `gemm` within a block."""

    def __init__(self, libraries: Libraries) -> None:
        assert libraries.runtime is not None
        self.libraries = libraries.runtime.libraries
        self.found: list[tuple[int, int, int, int]] = []

    def __enter__(self) -> list[tuple[int, int, int, int]]:
        # Not the class's method: the simulator has put another one before it, which defers the call
        # while a graph is captured.
        self.gemm = gemm = self.libraries.gemm

        def noted(*arguments: Any) -> None:
            self.found.append((*arguments[3:6], arguments[15]))
            gemm(*arguments)

        self.libraries.gemm = noted  # type: ignore[method-assign]
        return self.found

    def __exit__(self, *error: object) -> None:
        self.libraries.gemm = self.gemm  # type: ignore[method-assign]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_wrap_and_booleans_are_logical(libraries: Libraries, dtype: str) -> None:
    rng = np.random.default_rng(6)
    a, b = random(rng, (70, 37), dtype), random(rng, (37, 67), dtype)
    for make, _ in LAYOUTS.values():
        found = libraries("matmul", a=make(a), b=make(b))
        np.testing.assert_array_equal(found, a @ b)
        assert found.dtype == a.dtype


def test_integers_with_a_stack_of_many_strides(libraries: Libraries) -> None:
    rng = np.random.default_rng(7)
    shape = (2,) * 9
    a = random(rng, (*shape, 2, 3), "int64").transpose(*range(8, -1, -1), 9, 10)
    b = np.broadcast_to(random(rng, (*(1, 2) * 4, 1, 3, 2), "int64"), (*shape, 3, 2))
    np.testing.assert_array_equal(libraries("matmul", a=a, b=b), a @ b)


def test_special_values(libraries: Libraries) -> None:
    a = np.array([[np.inf, 1.0], [np.nan, 1.0], [1e300, 1e300]])
    b = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(
        libraries("matmul", a=a, b=b), [[np.inf], [np.nan], [1e300 + 2e300]]
    )


def test_float32_is_not_rounded_to_fewer_bits(libraries: Libraries) -> None:
    # TF32 keeps 11 bits of each operand.
    a = np.full((64, 64), 1 + 2.0**-20, np.float32)
    assert np.all(libraries("matmul", a=a, b=np.eye(64, dtype=np.float32)) == a)


@pytest.mark.skipif(REAL, reason="looks at the simulator's order of streams")
def test_memory_of_another_library_may_be_written_afterwards(libraries: Libraries) -> None:
    runtime = libraries.runtime
    assert runtime is not None
    values = np.arange(9.0).reshape(3, 3)
    pointer = runtime.allocate(values.nbytes, LEGACY_STREAM)
    runtime.copy_in(pointer, values, LEGACY_STREAM)
    device, hook = libraries.device, libraries.device.hook
    buffer = hook.gpuarray_wrap(
        device=device, pointer=pointer, nbytes=values.nbytes, owner=object()
    )
    x = Operand(buffer, 0, contiguous_layout(values.dtype, values.shape))
    (found,) = hook.gpuarray_matmul(device=device, a=x, b=x)
    # The simulator knows whether this write waits for the product.
    runtime.copy_in(pointer, np.zeros(9), LEGACY_STREAM)
    np.testing.assert_array_equal(libraries.array(found), values @ values)
    del buffer, x
    runtime.free(pointer, values.nbytes, LEGACY_STREAM)
    runtime.synchronize()
