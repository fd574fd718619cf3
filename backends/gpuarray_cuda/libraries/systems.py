"""Linear systems: Cholesky factors, solutions, inverses and determinants.

In: square matrices, in stacks. Out: new operands. A matrix is factored in the order in which it is
stored: row-major, it is its own transpose for cuSOLVER, whose solutions or triangle are then the
transposed ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gpuarray.plugins import Operand
from gpuarray_cuda.buffer import CudaBuffer

from .kernels import clear_triangle, determinants, unit_matrices
from .matrices import (
    Stack,
    batched,
    check,
    info,
    packed,
    real_of,
    result,
    rows_are_stored,
)

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["cholesky", "determinant", "inverse", "signed_logarithm", "solve"]

_SINGULAR = "is singular: a diagonal element of its triangular factor is exactly zero"


class _Factors(NamedTuple):
    """L and U, row exchanges of `pivot_bytes` each, and what failed; `transposed`: those of A^T."""

    matrices: Stack
    pivots: CudaBuffer
    pivot_bytes: int
    info: CudaBuffer
    transposed: bool


def cholesky(executor: Executor, a: Operand, upper: bool) -> Operand:
    """The Cholesky factors, with zeros in the other triangle."""
    transposed = rows_are_stored(a.layout)
    x = packed(executor, a, transposed)
    # The triangle of A in the transpose is the other one, and conj(L) L^T the transpose of L L^H.
    upper_stored = upper != transposed
    found = info(executor, x.matrices)
    libraries, stream = executor.runtime.libraries, executor.stream
    if batched(x.matrices, x.rows):
        libraries.potrf_batched(
            *(x.dtype, upper_stored, x.rows, x.pointer, found.pointer, x.matrices, stream)
        )
    else:
        for k in range(x.matrices):
            libraries.potrf(
                *(x.dtype, upper_stored, x.rows, x.matrix(k), found.pointer + 4 * k, stream)
            )
    clear_triangle(
        *(executor, x.dtype, x.pointer, x.rows, x.rows, x.distance, x.matrices, not upper_stored)
    )
    check(executor, "cholesky", found, x.shape, "is not positive definite")
    return x.operand(x.rows, x.rows, transposed)


def solve(executor: Executor, a: Operand, b: Operand) -> Operand:
    """The solutions x of a @ x = b."""
    factors = _factored(executor, a)
    x = packed(executor, b)
    _substitute(executor, factors, x, factors.transposed)
    check(executor, "solve", factors.info, x.shape, _SINGULAR)
    return x.operand(x.rows, x.columns)


def inverse(executor: Executor, a: Operand) -> Operand:
    """The inverses."""
    factors = _factored(executor, a)
    f = factors.matrices
    x = f._replace(buffer=executor.allocate(f.buffer.nbytes))
    unit_matrices(executor, x.dtype, x.pointer, x.rows, x.matrices)
    _substitute(executor, factors, x, False)
    check(executor, "inv", factors.info, x.shape, _SINGULAR)
    return x.operand(x.rows, x.rows, factors.transposed)


def determinant(executor: Executor, a: Operand) -> Operand:
    """The determinants."""
    factors = _factored(executor, a)
    f = factors.matrices
    values = executor.allocate(f.matrices * f.dtype.itemsize)
    _determinants(executor, factors, values.pointer, 0)
    return result(values, f.dtype, f.shape)


def signed_logarithm(executor: Executor, a: Operand) -> list[Operand]:
    """Signs, and logarithms of absolute values, of the determinants."""
    factors = _factored(executor, a)
    f = factors.matrices
    real = real_of(f.dtype)
    signs = executor.allocate(f.matrices * f.dtype.itemsize)
    logarithms = executor.allocate(f.matrices * real.itemsize)
    _determinants(executor, factors, signs.pointer, logarithms.pointer)
    return [result(signs, f.dtype, f.shape), result(logarithms, real, f.shape)]


def _factored(executor: Executor, a: Operand) -> _Factors:
    """LU factors of each matrix, or of its transpose if its rows are stored."""
    transposed = rows_are_stored(a.layout)
    x = packed(executor, a, transposed)
    found = info(executor, x.matrices)
    libraries, stream = executor.runtime.libraries, executor.stream
    together = batched(x.matrices, x.rows)
    pivot_bytes = 4 if together else 8
    pivots = executor.allocate(pivot_bytes * x.rows * x.matrices)
    if together:
        libraries.getrf_batched(
            x.dtype, x.rows, x.pointer, pivots.pointer, found.pointer, x.matrices, stream
        )
    else:
        for k in range(x.matrices):
            at = pivots.pointer + pivot_bytes * x.rows * k
            libraries.getrf(x.dtype, x.rows, x.matrix(k), at, found.pointer + 4 * k, stream)
    return _Factors(x, pivots, pivot_bytes, found, transposed)


def _substitute(executor: Executor, factors: _Factors, x: Stack, transpose: bool) -> None:
    """Solve for each matrix of `x`, in place, with the factors or their transpose."""
    f, pivots = factors.matrices, factors.pivots.pointer
    libraries, stream = executor.runtime.libraries, executor.stream
    if factors.pivot_bytes == 4:
        libraries.getrs_batched(
            *(x.dtype, transpose, x.rows, x.columns, f.pointer, pivots),
            *(x.pointer, x.matrices, stream),
        )
        return
    for k in range(x.matrices):
        libraries.getrs(
            *(x.dtype, transpose, x.rows, x.columns, f.matrix(k), pivots + 8 * x.rows * k),
            *(x.matrix(k), stream),
        )


def _determinants(executor: Executor, factors: _Factors, values: int, logarithms: int) -> None:
    f = factors.matrices
    determinants(
        *(executor, f.dtype, f.pointer, factors.pivots.pointer, factors.pivot_bytes),
        *(factors.info.pointer, f.rows, f.matrices, values, logarithms),
    )
