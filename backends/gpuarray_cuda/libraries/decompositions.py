"""QR and singular value decompositions.

In: matrices, in stacks. Out: new operands, mostly column-major. Singular values come from Jacobi's
method for small matrices and from a polar decomposition for others; where it had to perturb a
singular matrix visibly, the QR iteration computes it again. Of these three, the polar decomposition
took 20 ms for a complex128 matrix of 400 rows, QR 48 and Jacobi's method 207, with the smallest
residual (others' measurement, A100, cuSOLVER 11.7.3, 2026-09).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.plugins import Operand

from .copying import copy
from .kernels import clear_triangle, orthogonal_factors
from .matrices import Stack, check, info, packed, real_of, require_finite, result

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["qr", "singular_values", "svd"]

DType = np.dtype[Any]

# A block for each matrix forms Q of so many matrices, or of small ones, in less time than calls.
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
    size = x.dtype.itemsize
    tau = executor.allocate(x.matrices * k * size)
    together = max(m, n) <= ALWAYS_TOGETHER or (
        x.matrices >= FEWEST_QR_TOGETHER and max(m, n) <= LARGEST_QR_TOGETHER
    )
    libraries, stream = executor.runtime.libraries, executor.stream
    if together:
        libraries.geqrf_batched(
            x.dtype, m, n, x.pointer, x.distance, tau.pointer, x.matrices, stream
        )
    else:
        for i in range(x.matrices):
            libraries.geqrf(x.dtype, m, n, x.matrix(i), tau.pointer + i * k * size, stream)
    rows = columns if tall else m  # of R
    other = _part(executor, x, rows, n) if tall else _part(executor, x, m, m)
    q, r = (x._replace(columns=columns), other) if tall else (other, x)
    clear_triangle(executor, r.dtype, r.pointer, rows, n, r.distance, r.matrices, upper=False)
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
    require_finite(executor, name, x)
    m, n = x.rows, x.columns
    small = m <= LARGEST_JACOBI
    width = m if full or small else n
    u = _new(executor, x, m, width)
    v = _new(executor, x, n, n)
    real = real_of(x.dtype)
    s = executor.allocate(x.matrices * n * real.itemsize)
    found = info(executor, x.matrices)
    if small:
        executor.runtime.libraries.gesvdj_batched(
            *(x.dtype, vectors, m, n, x.pointer, s.pointer, u.pointer, v.pointer),
            *(found.pointer, x.matrices, executor.stream),
        )
    else:
        for k in range(x.matrices):
            at = s.pointer + k * n * real.itemsize
            _decompose(executor, a, transposed, x, k, vectors, full, at, u, v, found.pointer)
    check(executor, name, found, x.shape, "has singular values that do not converge")
    values = result(s, real, x.shape, (n,))
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


def _decompose(
    executor: Executor,
    a: Operand,
    transposed: bool,
    x: Stack,
    k: int,
    vectors: bool,
    full: bool,
    s: int,
    u: Stack,
    v: Stack,
    found: int,
) -> None:
    """Singular values, and vectors, of matrix k."""
    runtime, stream = executor.runtime, executor.stream
    m, n = x.rows, x.columns
    at_info = found + 4 * k
    perturbation = runtime.libraries.gesvdp(
        *(x.dtype, vectors, full, m, n, x.matrix(k), s, u.matrix(k), v.matrix(k)),
        *(at_info, stream),
    )
    failed, largest = np.empty(1, np.int32), np.empty(1, real_of(x.dtype))
    runtime.copy_out(failed, at_info, stream)
    runtime.copy_out(largest, s, stream)
    # The error that rounding alone makes in singular values.
    bound = n * float(np.finfo(x.dtype).eps) * float(largest[0])
    if failed[0] == 0 and perturbation <= bound:
        return
    # From the original again, which is overwritten.
    index = np.unravel_index(k, x.shape) if x.shape else ()
    strides = a.layout.strides
    offset = sum(int(i) * stride for i, stride in zip(index, strides, strict=False))
    by_axis = (strides[-1], strides[-2]) if transposed else strides[-2:]
    buffer: Any = a.buffer
    original = buffer.read_on(stream) + a.offset + offset * x.dtype.itemsize
    copy(executor, x.dtype, (m, n), original, by_axis, x.matrix(k), (1, m))
    vh = executor.allocate(n * n * x.dtype.itemsize)
    job = ("A" if full else "S") if vectors else "N"
    runtime.libraries.gesvd(
        *(x.dtype, job, m, n, x.matrix(k), s, u.matrix(k), vh.pointer, at_info, stream)
    )
    if vectors:
        copy(
            *(executor, x.dtype, (n, n), vh.pointer, (1, n), v.matrix(k), (n, 1)),
            conjugate=True,
        )
