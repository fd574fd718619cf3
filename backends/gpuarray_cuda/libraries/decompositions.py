"""QR and singular value decompositions.

In: matrices, in stacks. Out: new operands, mostly column-major. Singular values come from Jacobi's
method for small matrices and from a polar decomposition for others; where the first does not
converge, or the second had to perturb a singular matrix visibly, the QR iteration does it again. Of
these three, the polar decomposition took 20 ms for a complex128 matrix of 400 rows, QR 48 and
Jacobi's method 207, with the smallest residual (others' measurement, A100, cuSOLVER 11.7.3,
2026-09).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.plugins import Operand
from gpuarray_cuda.buffer import CudaBuffer

from .copying import copy
from .kernels import clear_triangle, orthogonal_factors, reflectors
from .matrices import Stack, check, failures, info, packed, real_of, result
from .scaling import largest, require_finite, restore, scale

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["qr", "singular_values", "svd"]

DType = np.dtype[Any]

# A block for each matrix factors so many matrices, or small ones, in less time than calls.
FEWEST_QR_TOGETHER, LARGEST_QR_TOGETHER, ALWAYS_TOGETHER = 4, 256, 32
# cusolverDn<t>gesvdjBatched takes no larger matrices.
LARGEST_JACOBI = 32


def qr(executor: Executor, a: Operand, complete: bool) -> list[Operand]:
    """[q, r], reduced or complete."""
    m, n = a.layout.shape[-2:]
    k = min(m, n)
    columns = m if complete else k  # of Q
    tall = m > n
    # Q takes the place of the reflectors if it has as many columns or more, R if not.
    x = packed(executor, a, room=columns if tall else n)
    sizes = largest(executor, x)
    scale(executor, x, sizes)
    size = x.dtype.itemsize
    tau = executor.allocate(x.matrices * k * size)
    together = max(m, n) <= ALWAYS_TOGETHER or (
        x.matrices >= FEWEST_QR_TOGETHER and max(m, n) <= LARGEST_QR_TOGETHER
    )
    libraries, stream = executor.runtime.libraries, executor.stream
    if together:
        reflectors(executor, x.dtype, x.pointer, tau.pointer, m, n, x.distance, x.matrices)
    else:
        for i in range(x.matrices):
            libraries.geqrf(x.dtype, m, n, x.matrix(i), tau.pointer + i * k * size, stream)
    rows = columns if tall else m  # of R
    other = _part(executor, x, rows, n) if tall else _part(executor, x, m, m)
    q, r = (x._replace(columns=columns), other) if tall else (other, x)
    clear_triangle(executor, r.dtype, r.pointer, rows, n, r.distance, r.matrices, upper=False)
    restore(executor, r._replace(rows=rows, columns=n), sizes)
    if together:
        orthogonal_factors(executor, q.dtype, q.pointer, tau.pointer, m, q.columns, k, q.matrices)
    else:
        for i in range(q.matrices):
            libraries.orgqr(
                *(q.dtype, m, q.columns, k, q.matrix(i), tau.pointer + i * k * size, stream)
            )
    return [q.operand(m, columns), r.operand(rows, n)]


def singular_values(executor: Executor, a: Operand) -> Operand:
    """The singular values, descending."""
    return _decomposed(executor, "svdvals", a, False, False)[1]


def svd(executor: Executor, a: Operand, full: bool) -> list[Operand]:
    """[u, s, vh], square or reduced."""
    return _decomposed(executor, "svd", a, True, full)


def _part(executor: Executor, x: Stack, rows: int, columns: int) -> Stack:
    """A copy of the first rows and columns of each matrix."""
    distance = rows * columns
    buffer = executor.allocate(x.matrices * distance * x.dtype.itemsize)
    copy(
        *(executor, x.dtype, (x.matrices, rows, columns), x.pointer, (x.distance, 1, x.rows)),
        *(buffer.pointer, (distance, 1, rows)),
    )
    return Stack(buffer, x.dtype, x.shape, x.matrices, rows, columns, distance)


def _decomposed(
    executor: Executor, name: str, a: Operand, vectors: bool, full: bool
) -> list[Operand]:
    rows, columns = a.layout.shape[-2:]
    # The libraries want m >= n. A^T = U S V^H gives A = conj(V) S U^T.
    transposed = rows < columns
    x = packed(executor, a, transposed)
    sizes = require_finite(executor, name, x)
    m, n = x.rows, x.columns
    small = m <= LARGEST_JACOBI
    width = m if full or small else n
    u = _new(executor, x, m, width)
    v = _new(executor, x, n, n)
    real = real_of(x.dtype)
    s = Stack(executor.allocate(x.matrices * n * real.itemsize), real, x.shape, x.matrices, n, 1, n)
    found = info(executor, x.matrices)
    if small:
        executor.runtime.libraries.gesvdj_batched(
            *(x.dtype, vectors, m, n, x.pointer, s.pointer, u.pointer, v.pointer),
            *(found.pointer, x.matrices, executor.stream),
        )
        # Of 1000 matrices of 17 rows with two values each, some end up going back and forth.
        doubtful = np.flatnonzero(failures(executor, name, found, x.shape)).tolist()
    else:
        doubtful = [
            k
            for k in range(x.matrices)
            if not _by_polar_decomposition(executor, x, k, vectors, full, s, u, v, found)
        ]
    if doubtful:
        # From the original again, which is overwritten.
        x = packed(executor, a, transposed)
        if sizes is not None:
            scale(executor, x, sizes)
        for k in doubtful:
            _by_iteration(executor, x, k, vectors, full, s, u, v, found)
        check(executor, name, found, x.shape, "has singular values that do not converge")
    if sizes is not None:
        restore(executor, s, sizes)
    values = result(s.buffer, real, x.shape, (n,))
    if not vectors:
        return [values, values]
    # V becomes conj(V), whose transpose is V^H.
    if x.dtype.kind == "c":
        elements = (x.matrices * n * n,)
        copy(executor, x.dtype, elements, v.pointer, (1,), v.pointer, (1,), conjugate=True)
    if transposed:
        return [v.operand(n, n), values, u.operand(m if full else n, m, transposed=True)]
    return [u.operand(m, m if full else n), values, v.operand(n, n, transposed=True)]


def _new(executor: Executor, x: Stack, rows: int, columns: int) -> Stack:
    distance = rows * columns
    buffer = executor.allocate(x.matrices * distance * x.dtype.itemsize)
    return Stack(buffer, x.dtype, x.shape, x.matrices, rows, columns, distance)


def _by_polar_decomposition(
    executor: Executor,
    x: Stack,
    k: int,
    vectors: bool,
    full: bool,
    s: Stack,
    u: Stack,
    v: Stack,
    found: CudaBuffer,
) -> bool:
    """Singular values, and vectors, of matrix k; whether they are as exact as they can be."""
    runtime, stream = executor.runtime, executor.stream
    at_info = found.pointer + 4 * k
    perturbation = runtime.libraries.gesvdp(
        *(x.dtype, vectors, full, x.rows, x.columns, x.matrix(k)),
        *(s.matrix(k), u.matrix(k), v.matrix(k), at_info, stream),
    )
    failed, largest = np.empty(1, np.int32), np.empty(1, s.dtype)
    runtime.copy_out(failed, at_info, stream)
    runtime.copy_out(largest, s.matrix(k), stream)
    # The error that rounding alone makes in singular values.
    bound = x.columns * float(np.finfo(x.dtype).eps) * float(largest[0])
    return failed[0] == 0 and perturbation <= bound


def _by_iteration(
    executor: Executor,
    x: Stack,
    k: int,
    vectors: bool,
    full: bool,
    s: Stack,
    u: Stack,
    v: Stack,
    found: CudaBuffer,
) -> None:
    """Singular values, and vectors, of matrix k, more slowly."""
    m, n = x.rows, x.columns
    vh = executor.allocate(n * n * x.dtype.itemsize)
    job = ("A" if full else "S") if vectors else "N"
    executor.runtime.libraries.gesvd(
        *(x.dtype, job, m, n, x.matrix(k), s.matrix(k), u.matrix(k), vh.pointer),
        *(found.pointer + 4 * k, executor.stream),
    )
    if vectors:
        copy(
            *(executor, x.dtype, (n, n), vh.pointer, (1, n), v.matrix(k), (n, 1)),
            conjugate=True,
        )
