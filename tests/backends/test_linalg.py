"""`gpuarray.linalg` where it is recorded: products, diagonals, norms; and what is made of those."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES, real_of

from .matrices import (
    FLOATING,
    check,
    check_close,
    conditioned,
    forms,
    host,
    integers,
    normal,
    wide,
)
from .observer import observing

NUMERIC = [d for d in DTYPES if d.kind != "b"]
INF = math.inf

STANDARD = """cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm
matrix_power matrix_rank matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace
vecdot vector_norm"""


def test_the_namespace_is_the_standards():
    assert sorted(xp.linalg.__all__) == sorted(STANDARD.split())
    for name in ("matmul", "matrix_transpose", "tensordot", "vecdot"):
        assert getattr(xp.linalg, name) is getattr(xp, name)


# Products of vectors


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
@pytest.mark.parametrize(
    ("first", "second", "axis"),
    [
        ((3,), (3,), -1),
        ((4, 3), (3,), -1),
        ((3, 4), (3, 1), -2),
        ((2, 3, 1), (5, 1, 3, 4), -2),
        ((0, 3), (3,), -1),
    ],
    ids=str,
)
def test_cross_products(device, dtype, first, second, axis):
    a, b = integers(first, dtype, 1), integers(second, dtype, 2)
    p, q = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    with np.errstate(over="ignore"):
        expected = np.stack([p[i - 2] * q[i - 1] - p[i - 1] * q[i - 2] for i in range(3)], axis)
    for x, y in zip(forms(a, device).values(), forms(b, device).values(), strict=True):
        check(xp.linalg.cross(x, y, axis=axis), expected, dtype)


def test_errors_of_cross(device):
    x = xp.ones((3, 3))
    for a, b in [((2,), (2,)), ((3,), (1,)), ((1,), (3,)), ((4, 3), (4,))]:
        with pytest.raises(ValueError, match=r"cross: `x[12]` must have 3 elements along axis -1"):
            xp.linalg.cross(xp.ones(a), xp.ones(b))
    for axis in (0, -3):
        with pytest.raises(IndexError, match="cross: `axis` must count from the end"):
            xp.linalg.cross(x, x, axis=axis)
    with pytest.raises(IndexError, match="cross: `x1` and `x2` must have at least one dimension"):
        xp.linalg.cross(x, xp.asarray(1.0))
    with pytest.raises(TypeError, match=r"cross: .* must be numeric"):
        xp.linalg.cross(x > 0, x > 0)


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_outer_products(device, dtype):
    a, b = integers((5,), dtype, 1), integers((3,), dtype, 2)
    for x, y in zip(forms(a, device).values(), forms(b, device).values(), strict=True):
        check(xp.linalg.outer(x, y), a[:, None] * b, dtype)
    assert xp.linalg.outer(xp.ones(0), xp.ones(2)).shape == (0, 2)


def test_errors_of_outer(device):
    for a, b in [((), (2,)), ((2,), (2, 2))]:
        with pytest.raises(ValueError, match=r"outer: `x[12]` must be one-dimensional"):
            xp.linalg.outer(xp.ones(a), xp.ones(b))
    truth = xp.ones(2, dtype=xp.bool)
    with pytest.raises(TypeError, match=r"outer: .* must be numeric"):
        xp.linalg.outer(truth, truth)


# Diagonals


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (5, 3, 4), (0, 3), (2, 0, 2)], ids=str)
@pytest.mark.parametrize("offset", [0, 1, -1, 2, -3, 7, -7])
def test_diagonals_and_traces(device, shape, offset):
    v = integers(shape, "int16")
    expected = np.diagonal(v, offset, -2, -1)
    for x in forms(v, device).values():
        check(xp.linalg.diagonal(x, offset=offset), expected)
        check(xp.linalg.diagonal(x + 1, offset=offset) * 2, (expected + 1) * 2)
        check(xp.linalg.trace(x, offset=offset), expected.sum(-1), "int64")


def test_a_diagonal_is_a_view(device):
    x = xp.asarray(integers((4, 5), "float32"), device=device)
    d = xp.linalg.diagonal(x, offset=-1)
    assert d._node.buffer is x._node.buffer
    d[0] = 100.0
    assert float(x[1, 0]) != 100


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_of_diagonals_and_traces(device, dtype):
    v = integers((3, 3), dtype)
    x = xp.asarray(v, device=device)
    check(xp.linalg.diagonal(x), np.diagonal(v), dtype)
    if dtype.kind == "b":
        with pytest.raises(TypeError, match="trace: `x` must be numeric, got bool"):
            xp.linalg.trace(x)
        return
    wanted = {"i": xp.int64, "u": xp.uint64}.get(dtype.kind, dtype)
    check(xp.linalg.trace(x), np.trace(v).astype(wanted), wanted)
    check(xp.linalg.trace(x, dtype=xp.complex128), np.trace(v).astype(complex))


def test_traces_are_summed_in_the_dtype_asked_for(device):
    x = xp.full((3, 3), 100, dtype=xp.int8)
    assert int(xp.linalg.trace(x)) == 300
    check(xp.linalg.trace(x, dtype=xp.int8), np.int8(300 - 256))
    check(xp.linalg.trace(x, dtype="float32"), np.float32(300))


def test_errors_of_diagonals(device):
    x = xp.ones((2, 2))
    for function in (xp.linalg.diagonal, xp.linalg.trace):
        name = function.__name__
        with pytest.raises(ValueError, match=f"{name}: `x` must have at least two dimensions"):
            function(xp.ones(3))
        with pytest.raises(TypeError, match=f"{name}: `offset` must be an integer"):
            function(x, offset=1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="trace: `dtype` must be numeric"):
        xp.linalg.trace(x, dtype=xp.bool)
    with pytest.raises(TypeError, match="trace: cannot cast complex128 to float64"):
        xp.linalg.trace(x * 1j, dtype=xp.float64)


# Norms

ORDERS = [2, 1, INF, -INF, 0, -1, -2, 3, 0.5, -0.5, 2.5]


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("ord", ORDERS, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_vector_norms_are_numpys(device, dtype, ord, keepdims):
    v = normal((3, 4, 5), dtype)
    for axis in (None, 0, -1, (0, 2), (-1, 1), (0, 1, 2)):
        axes = tuple(range(3)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        expected = np.linalg.vector_norm(wide(v), ord=ord, axis=axes, keepdims=keepdims)
        for x in forms(v, device).values():
            found = xp.linalg.vector_norm(x, axis=axis, ord=ord, keepdims=keepdims)
            # A sum of up to 60 terms, and a root that multiplies its error by 1 / ord.
            check_close(found, expected, real_of(np.dtype(dtype)), 8)


def test_vector_norms_over_no_axes_are_those_of_numbers(device):
    x = xp.asarray([3.0, -4.0, 0.0])
    for ord, expected in [(2, [3, 4, 0]), (1, [3, 4, 0]), (INF, [3, 4, 0]), (0, [1, 1, 0])]:
        check(xp.linalg.vector_norm(x, axis=(), ord=ord), np.asarray(expected, float))


def test_vector_norms_of_special_values(device):
    zero = xp.asarray([0.0, 2.0])
    for ord in (-1, -2, -0.5, -INF):
        assert float(xp.linalg.vector_norm(zero, ord=ord)) == 0
    nan = xp.asarray([1.0, math.nan])
    for ord in ORDERS:
        assert math.isnan(float(xp.linalg.vector_norm(nan, ord=ord))) == (ord != 0)
    infinite = xp.asarray([-INF, 1.0])
    for ord in (1, 2, 3, INF):
        assert float(xp.linalg.vector_norm(infinite, ord=ord)) == INF
    nothing = xp.zeros((0, 2), dtype=xp.float32)
    for ord, expected in [(2, 0), (1, 0), (INF, 0), (0, 0), (3, 0), (-1, INF), (-2, INF)]:
        found = xp.linalg.vector_norm(nothing, axis=0, ord=ord)
        check(found, np.full(2, expected, np.float32))
    with pytest.raises(ValueError, match="vector_norm: nothing to reduce"):
        xp.linalg.vector_norm(nothing, ord=-INF)


def test_norms_are_fused_with_what_stands_around(device):
    v = normal((50, 20), "float64")
    x = xp.asarray(v, device=device)
    programs: list[tuple[Any, Any]] = [
        (xp.linalg.vector_norm(x - 1, axis=1) * 2, np.linalg.norm(v - 1, axis=1) * 2),
        (xp.linalg.matrix_norm(x - 1) * 2, np.linalg.norm(v - 1) * 2),
        (xp.linalg.vector_norm(x * 1j, axis=1), np.linalg.norm(v, axis=1)),
        (xp.linalg.trace(x - 1) * 2, np.trace(v - 1) * 2),
        (xp.linalg.outer(x[0, :], x[1, :]) + 1, np.outer(v[0], v[1]) + 1),
    ]
    for result, expected in programs:
        with observing() as seen:
            xp.evaluate(result)
        assert seen.tasks == 1
        np.testing.assert_allclose(host(result), expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, INF, -INF, None], ids=str)
def test_matrix_norms_are_numpys(device, dtype, ord):
    for shape in [(4, 3), (3, 4), (2, 3, 5), (1, 1)]:
        v = conditioned(shape, dtype)
        given = "fro" if ord is None else ord
        expected = np.linalg.matrix_norm(wide(v), ord=given)
        kept = np.linalg.matrix_norm(wide(v), ord=given, keepdims=True)
        for x in forms(v, device).values():
            check_close(xp.linalg.matrix_norm(x, ord=ord), expected, real_of(np.dtype(dtype)), 5)
            found = xp.linalg.matrix_norm(x, ord=ord, keepdims=True)
            check_close(found, kept, real_of(np.dtype(dtype)), 5)


def test_matrix_norms_of_nothing(device):
    for shape in [(3, 0), (0, 3), (0, 0), (2, 0, 3)]:
        x = xp.zeros(shape, dtype=xp.float32)
        for ord in ("fro", "nuc", 1, 2, INF):
            check(xp.linalg.matrix_norm(x, ord=ord), np.zeros(shape[:-2], np.float32))
    for shape, ord in [((3, 0), -1), ((0, 3), -INF), ((3, 0), -2), ((0, 3), -2)]:
        with pytest.raises(ValueError, match="matrix_norm: nothing to reduce"):
            xp.linalg.matrix_norm(xp.zeros(shape), ord=ord)
    assert xp.linalg.matrix_norm(xp.zeros((0, 3, 3)), ord="nuc", keepdims=True).shape == (0, 1, 1)


def test_errors_of_norms(device):
    x = xp.ones((2, 2))
    for wrong in ("fro", None, 1j, True):
        with pytest.raises(TypeError, match="vector_norm: `ord` must be a real number"):
            xp.linalg.vector_norm(x, ord=wrong)  # type: ignore[arg-type]
    for wrong in (3, 0, "max", 0.5, True, np.True_, xp.asarray(1), x):
        with pytest.raises(ValueError, match="matrix_norm: `ord` must be"):
            xp.linalg.matrix_norm(x, ord=wrong)  # type: ignore[arg-type]
    with pytest.raises(IndexError, match="vector_norm: axis 2 is out of range"):
        xp.linalg.vector_norm(x, axis=2)
    with pytest.raises(ValueError, match="more than once"):
        xp.linalg.vector_norm(x, axis=(0, -2))
    with pytest.raises(ValueError, match="matrix_norm: `x` must have at least two dimensions"):
        xp.linalg.matrix_norm(x[0, :])
    for dtype in (xp.int32, xp.bool):
        whole = xp.ones((2, 2), dtype=dtype)
        for function in (xp.linalg.vector_norm, xp.linalg.matrix_norm):
            with pytest.raises(TypeError, match=f"needs floating arrays, `x` is {dtype}"):
                function(whole)


# Powers


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 10, -1, -2, -5])
def test_matrix_powers(device, dtype, n):
    for shape in [(3, 3), (2, 4, 4)]:
        v = conditioned(shape, dtype)
        expected = np.linalg.matrix_power(wide(v), n)
        for x in forms(v, device).values():
            check_close(xp.linalg.matrix_power(x, n), expected, dtype, 4 * max(abs(n), 1))


def test_powers_of_matrices_without_elements(device):
    for shape in [(0, 0), (3, 0, 0), (0, 2, 2)]:
        for n in (0, 1, 3, -2):
            found = xp.linalg.matrix_power(xp.zeros(shape, dtype=xp.complex64), n)
            assert found.shape == shape and found.dtype == xp.complex64
    check(xp.linalg.matrix_power(xp.ones((2, 3, 3)), 0), np.stack([np.eye(3)] * 2))


def test_errors_of_matrix_power(device):
    with pytest.raises(np.linalg.LinAlgError, match="matrix_power: `x` has an exactly singular"):
        xp.linalg.matrix_power(xp.zeros((2, 2)), -1)
    with pytest.raises(TypeError, match="matrix_power: `n` must be an integer"):
        xp.linalg.matrix_power(xp.ones((2, 2)), 0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must hold square matrices"):
        xp.linalg.matrix_power(xp.ones((2, 3)), 2)
    with pytest.raises(TypeError, match="matrix_power: needs floating arrays, `x` is int64"):
        xp.linalg.matrix_power(xp.asarray([[1]]), 2)
