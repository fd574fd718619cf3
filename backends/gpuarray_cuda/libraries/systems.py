"""Linear systems: Cholesky factors, solutions, inverses and determinants.

In: square matrices, in stacks. Out: new operands. cuSOLVER is asked for what it does fastest: lower
Cholesky factors (4096 rows of float32: 1.6 ms, upper 4.4) and solutions with the factors, not with
their transposes (16 right sides: 2.6 ms, transposed 3.2; H100, cuSOLVER 12.0.4, 2026-11). Copying
a matrix into that order takes 0.07 ms, as it lies 0.05.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from gpuarray.plugins import Operand
from gpuarray_cuda.buffer import CudaBuffer

from . import interface
from .kernels import clear_triangle, determinants, unit_matrices
from .matrices import (
    Stack,
    batched,
    check,
    info,
    packed,
    packed_lower,
    real_of,
    result,
    rows_are_stored,
)
from .scaling import SAFE_PIVOTS, largest, restore, scale

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["cholesky", "determinant", "inverse", "signed_logarithm", "solve"]

_SINGULAR = "is singular: a diagonal element of its triangular factor is exactly zero"


class _Factors(NamedTuple):
    """L and U, row exchanges of `pivot_bytes` each, and what failed.

    `sizes` is by what U is scaled, if it may be.
    """

    matrices: Stack
    pivots: CudaBuffer
    pivot_bytes: int
    together: bool
    info: CudaBuffer
    sizes: CudaBuffer | None


def cholesky(executor: Executor, a: Operand, upper: bool) -> Operand:
    """The Cholesky factors, with zeros in the other triangle."""
    # The transpose of A has the upper triangle of A as its lower one, and the factor L, whose
    # transpose is the upper factor of A: (L L^H)^T = (L^T)^H L^T.
    libraries, stream = executor.runtime.libraries, executor.stream
    rows = a.layout.shape[-1]
    if batched(math.prod(a.layout.shape[:-2]), rows):
        x = packed(executor, a, transposed=upper)
        found = info(executor, x.matrices)
        libraries.potrf_batched(x.dtype, rows, x.pointer, found.pointer, x.matrices, stream)
        clear_triangle(executor, x.dtype, x.pointer, rows, rows, x.distance, x.matrices, upper=True)
    else:
        x = packed_lower(executor, a, transposed=upper)
        found = info(executor, x.matrices)
        for k in range(x.matrices):
            libraries.potrf(x.dtype, rows, x.matrix(k), found.pointer + 4 * k, stream)
    check(executor, "cholesky", found, x.shape, "is not positive definite")
    return x.operand(x.rows, x.rows, transposed=upper)


def solve(executor: Executor, a: Operand, b: Operand) -> Operand:
    """The solutions x of a @ x = b."""
    factors = _factored(executor, a)
    x = packed(executor, b)
    _substitute(executor, factors, x)
    check(executor, "solve", factors.info, x.shape, _SINGULAR)
    return x.operand(x.rows, x.columns)


def inverse(executor: Executor, a: Operand) -> Operand:
    """The inverses."""
    factors = _factored(executor, a)
    f = factors.matrices
    x = f._replace(buffer=executor.allocate(f.buffer.nbytes))
    unit_matrices(executor, x.dtype, x.pointer, x.rows, x.matrices)
    _substitute(executor, factors, x)
    check(executor, "inv", factors.info, x.shape, _SINGULAR)
    return x.operand(x.rows, x.rows)


def determinant(executor: Executor, a: Operand) -> Operand:
    """The determinants."""
    factors = _factored(executor, a, rows_are_stored(a.layout))
    f = factors.matrices
    values = executor.allocate(f.matrices * f.dtype.itemsize)
    _determinants(executor, factors, values.pointer, 0)
    return result(values, f.dtype, f.shape)


def signed_logarithm(executor: Executor, a: Operand) -> list[Operand]:
    """Signs, and logarithms of absolute values, of the determinants."""
    factors = _factored(executor, a, rows_are_stored(a.layout))
    f = factors.matrices
    real = real_of(f.dtype)
    signs = executor.allocate(f.matrices * f.dtype.itemsize)
    logarithms = executor.allocate(f.matrices * real.itemsize)
    _determinants(executor, factors, signs.pointer, logarithms.pointer)
    return [result(signs, f.dtype, f.shape), result(logarithms, real, f.shape)]


def _factored(executor: Executor, a: Operand, transposed: bool = False) -> _Factors:
    """LU factors of each matrix, or of its transpose."""
    x = packed(executor, a, transposed)
    found = info(executor, x.matrices)
    libraries, stream = executor.runtime.libraries, executor.stream
    together = batched(x.matrices, x.rows)
    sizes = None
    if together and x.dtype.kind == "c":
        # Near 1e-38 it took complex64 pivots for zeros (H100, cuBLAS 13.1.0, 2026-11).
        sizes = largest(executor, x)
        scale(executor, x, sizes, SAFE_PIVOTS)
    pivot_bytes = 4 if together or x.rows <= interface.NARROW else 8
    pivots = executor.allocate(pivot_bytes * x.rows * x.matrices)
    if together:
        libraries.getrf_batched(
            x.dtype, x.rows, x.pointer, pivots.pointer, found.pointer, x.matrices, stream
        )
    else:
        for k in range(x.matrices):
            at = pivots.pointer + pivot_bytes * x.rows * k
            libraries.getrf(x.dtype, x.rows, x.matrix(k), at, found.pointer + 4 * k, stream)
    return _Factors(x, pivots, pivot_bytes, together, found, sizes)


def _substitute(executor: Executor, factors: _Factors, x: Stack) -> None:
    """Solve for each matrix of `x`, in place."""
    f, pivots = factors.matrices, factors.pivots.pointer
    libraries, stream = executor.runtime.libraries, executor.stream
    if factors.together:
        libraries.getrs_batched(
            *(x.dtype, x.rows, x.columns, f.pointer, pivots),
            *(x.pointer, x.matrices, stream),
        )
        if factors.sizes is not None:
            # What A was divided by, its inverse has too much of.
            scale(executor, x, factors.sizes, SAFE_PIVOTS)
        return
    for k in range(x.matrices):
        libraries.getrs(
            *(x.dtype, x.rows, x.columns, f.matrix(k), pivots + factors.pivot_bytes * x.rows * k),
            *(x.matrix(k), stream),
        )


def _determinants(executor: Executor, factors: _Factors, values: int, logarithms: int) -> None:
    f = factors.matrices
    if factors.sizes is not None:
        # Of L too, whose diagonal nobody reads.
        restore(executor, f, factors.sizes, SAFE_PIVOTS)
    determinants(
        *(executor, f.dtype, f.pointer, factors.pivots.pointer, factors.pivot_bytes),
        *(factors.info.pointer, f.rows, f.matrices, values, logarithms),
    )
