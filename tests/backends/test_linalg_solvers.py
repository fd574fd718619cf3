"""Systems of equations, inverses, determinants, ranks in `gpuarray.linalg`, by a library.

Expected values are NumPy's in double precision, for matrices of condition 2.
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
    check,
    check_close,
    conditioned,
    forms,
    host,
    normal,
    real,
    wide,
)

linalg = xp.linalg


# Systems of equations

SYSTEMS = [
    ((4, 4), (4,), (4,)),
    ((1, 1), (1, 1), (1, 1)),
    ((4, 4), (4, 2), (4, 2)),
    ((3, 4, 4), (4,), (3, 4)),
    ((3, 4, 4), (4, 2), (3, 4, 2)),
    ((3, 4, 4), (3, 4, 2), (3, 4, 2)),
    ((4, 4), (3, 4, 2), (3, 4, 2)),
    ((1, 4, 4), (2, 3, 4, 1), (2, 3, 4, 1)),
    ((2, 1, 4, 4), (3, 4, 2), (2, 3, 4, 2)),
    # Not a stack of vectors: only one-dimensional right-hand sides are vectors.
    ((4, 4), (4, 4), (4, 4)),
    ((5, 4, 4), (4, 5), (5, 4, 5)),
    ((1, 4, 4), (4,), (1, 4)),
]


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize(("first", "second", "shape"), SYSTEMS, ids=str)
def test_solutions(device, dtype, first, second, shape):
    a, b = conditioned(first, dtype, 1), normal(second, dtype, 2)
    expected = np.linalg.solve(wide(a), wide(b))
    assert expected.shape == shape
    for x, y in zip(forms(a, device).values(), forms(b, device).values(), strict=True):
        check_close(linalg.solve(x, y), expected, dtype, 8)


@pytest.mark.parametrize("first", ["float32", "complex128"])
@pytest.mark.parametrize("second", FLOATING)
def test_operands_of_systems_are_promoted(device, first, second):
    a, b = conditioned((3, 3), first), normal((3, 2), second)
    found = linalg.solve(xp.asarray(a, device=device), xp.asarray(b, device=device))
    wanted = np.result_type(first, second)
    check_close(found, np.linalg.solve(wide(a), wide(b)), wanted, 64)


def test_one_matrix_is_factorised_once(device, monkeypatch):
    seen: list[tuple[int, ...]] = []
    original = xp.linalg.systems.factorised

    def spy(*names: str, **arguments: xp.Array) -> tuple[xp.Array, ...]:
        seen.append(arguments["a"].shape)
        return original(*names, **arguments)  # type: ignore[no-any-return]

    monkeypatch.setattr(xp.linalg.systems, "factorised", spy)
    a, b = conditioned((3, 3), "float64"), normal((50, 3, 2), "float64")
    found = linalg.solve(xp.asarray(a, device=device), xp.asarray(b, device=device))
    assert seen == [(3, 3)]
    check_close(found, np.linalg.solve(a, b), "float64", 8)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
def test_inverses(device, dtype, shape):
    v = conditioned(shape, dtype)
    for x in forms(v, device).values():
        check_close(linalg.inv(x), np.linalg.inv(wide(v)), dtype, shape[-1])


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
def test_determinants(device, dtype, shape):
    v = conditioned(shape, dtype)
    n = shape[-1]
    expected = np.linalg.slogdet(wide(v))
    for x in forms(v, device).values():
        found = linalg.slogdet(x)
        assert found._fields == ("sign", "logabsdet")
        check_close(found.sign, expected.sign, dtype, n)
        check_close(found.logabsdet, expected.logabsdet, real(dtype), n)
        check_close(linalg.det(x), np.linalg.det(wide(v)), dtype, n * n)


def test_determinants_of_singular_matrices(device):
    for dtype in FLOATING:
        x = xp.asarray(np.zeros((2, 3, 3), dtype), device=device)
        sign, logabsdet = linalg.slogdet(x)
        check(sign, np.zeros(2, dtype))
        check(logabsdet, np.full(2, -np.inf, real(dtype)))
        check(linalg.det(x), np.zeros(2, dtype))


def test_determinants_beyond_the_range(device):
    x = xp.asarray(np.eye(40, dtype=np.float32) * np.float32(1e10), device=device)
    assert float(linalg.det(x)) == np.inf
    assert float(linalg.slogdet(x).logabsdet) == pytest.approx(40 * np.log(1e10))


# Ranks and pseudo-inverses


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("shape", RECTANGULAR, ids=str)
def test_pseudo_inverses(device, dtype, shape):
    v = conditioned(shape, dtype)
    expected = np.linalg.pinv(wide(v))
    for x in forms(v, device).values():
        check_close(linalg.pinv(x), expected, dtype, max(shape[-2:]))
        check(linalg.matrix_rank(x), np.full(shape[:-2], min(shape[-2:])))


SINGULAR = np.asarray([[8, 0, 0], [8, 4, 0], [8, 4, 2], [8, 4, 1e-3]])
TOLERANCES: list[tuple[Any, list[int]]] = [
    (None, [1, 2, 3, 3]),
    (0.01, [1, 2, 3, 2]),
    (0.3, [1, 2, 2, 2]),
    (1, [0, 0, 0, 0]),
    ([0.3, 0.6, 0.3, 1e-5], [1, 1, 2, 3]),
    ([[0.01], [0.3]], [[1, 2, 3, 2], [1, 2, 2, 2]]),
]


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize(("rtol", "ranks"), TOLERANCES, ids=str)
def test_singular_values_up_to_the_tolerance_count_as_zero(device, dtype, rtol, ranks):
    q, r = np.linalg.qr(normal((4, 3), "float64"))[0], np.linalg.qr(normal((3, 3), "float64"))[0]
    x = xp.asarray(((q * SINGULAR[:, None, :]) @ r).astype(dtype), device=device)
    given = xp.asarray(rtol, dtype=xp.float32) if isinstance(rtol, list) else rtol
    check(linalg.matrix_rank(x, rtol=given), np.asarray(ranks))
    # As many of the singular values as the rank says are inverted.
    kept = np.arange(3) < np.asarray(ranks)[..., None]
    inverses = np.divide(1, SINGULAR, where=kept, out=np.zeros(kept.shape))
    expected = (r.T * inverses[..., None, :]) @ q.T
    found = linalg.pinv(x, rtol=given)
    assert found.dtype == dtype and found.shape == expected.shape
    # A singular value s has an error of some 8 * eps, its inverse one of 1 / s**2 times as much.
    smallest = np.where(kept, SINGULAR, 8).min()
    atol = 64 * float(np.finfo(dtype).eps) / smallest**2
    np.testing.assert_allclose(host(found), expected, rtol=0, atol=atol)


def test_errors_of_tolerances(device):
    x = xp.ones((2, 3, 3))
    for function in (linalg.matrix_rank, linalg.pinv):
        name = function.__name__
        for wrong in ("1", True, 1j, [0.1]):
            with pytest.raises(TypeError, match=f"{name}: `rtol` must be a real number or an"):
                function(x, rtol=wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=f"{name}: `rtol` must be real floating, got int64"):
            function(x, rtol=xp.asarray([1, 2]))
        with pytest.raises(ValueError, match=rf"{name}: shapes .* do not broadcast"):
            function(x, rtol=xp.ones(3))
