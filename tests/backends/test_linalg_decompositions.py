"""Decompositions and eigenvalues of `gpuarray.linalg`, which a library computes.

Factors are not unique, so they are checked by what defines them: their product, that they are
orthonormal or triangular, that what should be real and sorted is. Computed in double precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuarray as xp

from .matrices import (
    FLOATING,
    RECTANGULAR,
    SQUARE,
    adjoint,
    check_close,
    complex_of,
    forms,
    hermitian,
    host,
    normal,
    positive_definite,
    real,
    wide,
)

linalg = xp.linalg


def check_orthonormal(columns: xp.Array, dtype: str) -> None:
    assert columns.dtype == dtype
    v = wide(host(columns))
    gram = adjoint(v) @ v
    identity = np.broadcast_to(np.eye(v.shape[-1]), gram.shape)
    tolerance = 16 * v.shape[-2] * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(gram, identity, rtol=0, atol=tolerance)


def product(*factors: xp.Array) -> np.ndarray[Any, Any]:
    found = wide(host(factors[0]))
    for factor in factors[1:]:
        found = found @ wide(host(factor))
    return found


def check_product(found: np.ndarray[Any, Any], v: np.ndarray[Any, Any]) -> None:
    """`found` is `v`, but for roundings of a stable algorithm."""
    assert found.shape == v.shape
    tolerance = 16 * max(v.shape[-2:]) * float(np.finfo(v.dtype).eps) * float(np.abs(v).max())
    np.testing.assert_allclose(found, v, rtol=0, atol=tolerance)


# Decompositions


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(device, dtype, shape, upper):
    v = positive_definite(shape, dtype)
    triangle = np.triu if upper else np.tril
    for x in (*forms(v, device).values(), xp.asarray(triangle(v), device=device)):
        factor = linalg.cholesky(x, upper=upper)
        assert factor.dtype == dtype
        f = wide(host(factor))
        np.testing.assert_array_equal(f, triangle(f))
        assert np.all(np.diagonal(f, axis1=-2, axis2=-1).real > 0)
        assert np.all(np.diagonal(f, axis1=-2, axis2=-1).imag == 0)
        check_product(adjoint(f) @ f if upper else f @ adjoint(f), v)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", [(3, 3), (300, 300), (2, 150, 150), (40, 50, 50)], ids=str)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_factors_depend_on_one_triangle(device, dtype, shape, upper):
    v = positive_definite(shape, dtype)
    other = np.tril_indices(shape[-1], -1) if upper else np.triu_indices(shape[-1], 1)
    expected = host(linalg.cholesky(xp.asarray(v, device=device), upper=upper))
    assert not expected[(..., *other)].any()
    v[(..., *other)] = np.nan
    for x in forms(v, device).values():
        np.testing.assert_array_equal(host(linalg.cholesky(x, upper=upper)), expected)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", RECTANGULAR, ids=str)
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr(device, dtype, shape, mode):
    v = normal(shape, dtype)
    *stack, m, n = shape
    k = m if mode == "complete" else min(m, n)
    for x in forms(v, device).values():
        found = linalg.qr(x, mode=mode)
        assert found._fields == ("Q", "R")
        assert found.Q.shape == (*stack, m, k) and found.R.shape == (*stack, k, n)
        assert found.R.dtype == dtype
        check_orthonormal(found.Q, dtype)
        r = host(found.R)
        np.testing.assert_array_equal(r, np.triu(r))
        assert np.all(np.diagonal(r, axis1=-2, axis2=-1).imag == 0)
        check_product(product(found.Q, found.R), v)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (60, 3, 5), (60, 5, 4), (3, 40, 33)], ids=str)
def test_qr_where_squares_of_elements_vanish_beside_those_of_others(device, dtype, shape):
    random = np.random.default_rng(11)
    top = float(np.sqrt(np.finfo(dtype).max))
    sizes = np.asarray([1.0, 0.01, 1e-10, 1 / top, 1 / top / 1e10, top**-1.9, 0.0]) * top

    def part():
        return random.uniform(-1, 1, shape) * random.choice(sizes, shape)

    v = (part() + 1j * part() if np.dtype(dtype).kind == "c" else part()).astype(dtype)
    q, r = map(host, linalg.qr(xp.asarray(v, device=device)))
    assert np.isfinite(q).all() and np.isfinite(r).all()
    np.testing.assert_array_equal(r, np.triu(r))
    check_orthonormal(xp.asarray(q, device=device), dtype)
    check_product(wide(q) @ wide(r) / top, (wide(v) / top).astype(dtype))
    # A matrix by itself has the same factors.
    first = (0,) * (len(shape) - 2)
    if max(shape[-2:]) <= 32:
        alone = linalg.qr(xp.asarray(v[first], device=device))
        np.testing.assert_array_equal(host(alone.Q), q[first])
        np.testing.assert_array_equal(host(alone.R), r[first])


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", RECTANGULAR, ids=str)
@pytest.mark.parametrize("full", [False, True])
def test_svd(device, dtype, shape, full):
    v = normal(shape, dtype)
    *stack, m, n = shape
    k = min(m, n)
    for x in forms(v, device).values():
        found = linalg.svd(x, full_matrices=full)
        assert found._fields == ("U", "S", "Vh")
        assert found.U.shape == (*stack, m, m if full else k)
        assert found.Vh.shape == (*stack, n if full else k, n)
        check_orthonormal(found.U, dtype)
        check_orthonormal(xp.conj(found.Vh).mT, dtype)
        s = host(found.S)
        assert s.shape == (*stack, k) and s.dtype == real(dtype)
        assert np.all(s[..., 1:] <= s[..., :-1]) and np.all(s >= 0)
        u, vh = wide(host(found.U))[..., :k], wide(host(found.Vh))[..., :k, :]
        check_product((u * s[..., None, :]) @ vh, v)
        check_close(linalg.svdvals(x), np.linalg.svdvals(wide(v)), real(dtype), max(m, n))


def test_svd_is_full_unless_told_otherwise(device):
    assert linalg.svd(xp.ones((5, 2))).U.shape == (5, 5)
    assert linalg.qr(xp.ones((5, 2))).Q.shape == (5, 2)


# Eigenvalues


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
def test_eigenvalues_of_hermitian_matrices(device, dtype, shape):
    v = hermitian(shape, dtype)
    expected = np.linalg.eigvalsh(wide(v))
    n = shape[-1]
    for x in (*forms(v, device).values(), xp.asarray(np.tril(v), device=device)):
        found = linalg.eigh(x)
        assert found._fields == ("eigenvalues", "eigenvectors")
        values, vectors = host(found.eigenvalues), found.eigenvectors
        assert np.all(values[..., 1:] >= values[..., :-1])
        check_close(found.eigenvalues, expected, real(dtype), n)
        check_close(linalg.eigvalsh(x), expected, real(dtype), n)
        check_orthonormal(vectors, dtype)
        q = wide(host(vectors))
        check_product((q * values[..., None, :]) @ adjoint(q), v)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
def test_eigenvalues_of_any_matrices(device, dtype, shape):
    # Nearly normal matrices, whose eigenvalues are no more sensitive than their elements.
    v = (hermitian(shape, dtype) + 0.1 * normal(shape, dtype, 1)).astype(dtype)
    n = shape[-1]
    for x in forms(v, device).values():
        found = linalg.eig(x)
        assert found._fields == ("eigenvalues", "eigenvectors")
        assert found.eigenvalues.dtype == found.eigenvectors.dtype == complex_of(dtype)
        values, vectors = wide(host(found.eigenvalues)), wide(host(found.eigenvectors))
        assert values.shape == shape[:-1] and vectors.shape == shape
        tolerance = 16 * n * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=-2), 1, rtol=0, atol=tolerance)
        np.testing.assert_allclose(
            wide(v) @ vectors,
            vectors * values[..., None, :],
            rtol=0,
            atol=tolerance * float(np.abs(v).max()) * n,
        )
        check_close(linalg.eigvals(x), in_order_of(linalg.eigvals(x), values), complex_of(dtype), n)


def in_order_of(found: xp.Array, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`values`, each where `found` has the nearest one."""
    nearest = np.abs(host(found)[..., :, None] - values[..., None, :]).argmin(-1)
    assert np.all(np.sort(nearest, axis=-1) == np.arange(values.shape[-1]))
    return np.take_along_axis(values, nearest, -1)


def test_real_eigenvalues_are_complex_numbers_too(device):
    x = xp.asarray([[1.0, 2.0], [0.0, 3.0]], dtype=xp.float32)
    assert linalg.eigvals(x).dtype == xp.complex64
    assert linalg.eig(x).eigenvectors.dtype == xp.complex64
    assert sorted(host(linalg.eigvals(x)).real.tolist()) == [1, 3]
