"""What the library functions of `gpuarray.linalg` have in common.

Which arguments they refuse, what they make of matrices without elements, how they fail.
"""

from __future__ import annotations

import numpy as np
import pytest

import gpuarray as xp

from .matrices import (
    FLOATING,
    check,
    complex_of,
    integers,
    positive_definite,
    real,
)

linalg = xp.linalg


FUNCTIONS = [
    linalg.cholesky, linalg.det, linalg.eig, linalg.eigh, linalg.eigvals, linalg.eigvalsh,
    linalg.inv, linalg.slogdet, linalg.matrix_rank, linalg.pinv, linalg.qr, linalg.svd,
    linalg.svdvals,
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_arguments_are_checked(device, function):
    name = function.__name__
    for dtype in ("int64", "uint8", "bool"):
        with pytest.raises(
            TypeError, match=f"{name}: needs floating arrays, `x` is {dtype}; cast with astype"
        ):
            function(xp.ones((2, 2), dtype=dtype))
    with pytest.raises(ValueError, match=f"{name}: `x` must have at least two dimensions"):
        function(xp.ones(3))
    with pytest.raises(TypeError, match=f"{name}: `x` must be a gpuarray array, got list"):
        function([[1.0]])
    if name not in ("matrix_rank", "pinv", "qr", "svd", "svdvals"):
        with pytest.raises(ValueError, match=f"{name}: `x` must hold square matrices"):
            function(xp.ones((2, 2, 3)))
    with pytest.raises(TypeError):
        function(x=xp.ones((2, 2)))


def test_choices_are_checked(device):
    x = xp.ones((2, 2))
    with pytest.raises(TypeError, match="cholesky: `upper` must be True or False, got 1"):
        linalg.cholesky(x, upper=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="svd: `full_matrices` must be True or False, got None"):
        linalg.svd(x, full_matrices=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="qr: `mode` must be 'reduced' or 'complete', got 'r'"):
        linalg.qr(x, mode="r")  # type: ignore[arg-type]
    for function in (linalg.vector_norm, linalg.matrix_norm):
        with pytest.raises(TypeError, match=f"{function.__name__}: `keepdims` must be True or"):
            function(x, keepdims=0)


def test_arguments_of_solve_are_checked(device):
    x = xp.ones((2, 3, 3))
    with pytest.raises(TypeError, match="solve: needs floating arrays, `x1` is int64"):
        linalg.solve(xp.ones((3, 3), dtype=xp.int64), x)
    with pytest.raises(TypeError, match="solve: needs floating arrays, `x2` is bool"):
        linalg.solve(x, x > 0)
    for wrong in ((), (2,), (2, 3), (4, 2, 1)):
        with pytest.raises(ValueError, match=r"solve: `x2` must have shape \(3,\) or"):
            linalg.solve(x, xp.ones(wrong))
    with pytest.raises(ValueError, match=r"solve: shapes .* do not broadcast"):
        linalg.solve(x, xp.ones((4, 3, 1)))
    with pytest.raises(ValueError, match="solve: `x1` must hold square matrices"):
        linalg.solve(xp.ones((2, 3)), x)


@pytest.mark.parametrize("shape", [(0, 0), (3, 0, 0), (0, 2, 2)], ids=str)
@pytest.mark.parametrize("dtype", FLOATING)
def test_square_matrices_without_elements(device, shape, dtype):
    x = xp.zeros(shape, dtype=dtype)
    ones = np.ones(shape[:-2], dtype)
    check(linalg.det(x), ones)
    sign, logabsdet = linalg.slogdet(x)
    check(sign, ones)
    check(logabsdet, np.zeros(shape[:-2], real(dtype)))
    for function in (linalg.cholesky, linalg.inv):
        check(function(x), np.zeros(shape, dtype))
    check(linalg.eigh(x).eigenvalues, np.zeros(shape[:-1], real(dtype)))
    check(linalg.eigh(x).eigenvectors, np.zeros(shape, dtype))
    check(linalg.eigvalsh(x), np.zeros(shape[:-1], real(dtype)))
    check(linalg.eig(x).eigenvalues, np.zeros(shape[:-1], complex_of(dtype)))
    check(linalg.eig(x).eigenvectors, np.zeros(shape, complex_of(dtype)))
    check(linalg.eigvals(x), np.zeros(shape[:-1], complex_of(dtype)))
    n = shape[-1]
    assert linalg.solve(x, xp.zeros((n, 3), dtype=dtype)).shape == (*shape[:-1], 3)
    assert linalg.solve(x, xp.zeros(n, dtype=dtype)).shape == shape[:-1]
    assert linalg.solve(xp.ones((2, 2)), xp.zeros((2, 0))).shape == (2, 0)
    assert linalg.solve(xp.ones((1, 2, 2)), xp.zeros((0, 2, 3))).shape == (0, 2, 3)


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (2, 3, 0), (0, 3, 2)], ids=str)
def test_matrices_without_elements(device, shape):
    x = xp.zeros(shape, dtype=xp.complex64)
    *stack, m, n = shape
    k = min(m, n)
    for full in (False, True):
        u, s, vh = linalg.svd(x, full_matrices=full)
        check(u, np.broadcast_to(np.eye(m, m if full else k), (*stack, m, m if full else k)),
              "complex64")  # fmt: skip
        check(s, np.zeros((*stack, k), np.float32))
        check(vh, np.broadcast_to(np.eye(n if full else k, n), (*stack, n if full else k, n)),
              "complex64")  # fmt: skip
        q, r = linalg.qr(x, mode="complete" if full else "reduced")
        check(q, np.broadcast_to(np.eye(m, m if full else k), (*stack, m, m if full else k)),
              "complex64")  # fmt: skip
        check(r, np.zeros((*stack, m if full else k, n), np.complex64))
    check(linalg.svdvals(x), np.zeros((*stack, k), np.float32))
    check(linalg.matrix_rank(x), np.zeros(stack, int))
    check(linalg.pinv(x), np.zeros((*stack, n, m), np.complex64))


@pytest.mark.parametrize("dtype", FLOATING)
def test_failures_are_errors_of_the_call(device, dtype):
    singular = np.ones((2, 3, 3), dtype)
    singular[0] = np.eye(3)
    x = xp.asarray(singular, device=device)
    with pytest.raises(np.linalg.LinAlgError, match="inv: `x` has an exactly singular matrix"):
        linalg.inv(x)
    with pytest.raises(np.linalg.LinAlgError, match="solve: `x1` has an exactly singular matrix"):
        linalg.solve(x, xp.ones(3, dtype=dtype))
    with pytest.raises(np.linalg.LinAlgError, match="solve: `x1` has an exactly singular matrix"):
        linalg.solve(x[1, ...], xp.ones((5, 3, 1), dtype=dtype))
    for upper in (False, True):
        with pytest.raises(np.linalg.LinAlgError, match=r"cholesky: .* not positive definite"):
            linalg.cholesky(-x, upper=upper)
    check(x, singular)


def test_operands_are_left_as_they_were(device):
    v = positive_definite((3, 3), "float64")
    x = xp.asarray(v, device=device)
    for function in FUNCTIONS:
        function(x)
        check(x, v)
    b = xp.asarray(integers((3, 2), "float64"), device=device)
    linalg.solve(x, b)
    check(x, v)
    check(b, integers((3, 2), "float64"))
