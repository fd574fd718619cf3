"""Eigenvalues and eigenvectors, of Hermitian matrices and of general ones.

In: square matrices, in stacks. Out: new operands. General matrices that are small go to LAPACK on
the host, by choice: cuSOLVER has no routine for stacks of them, and took 0.9 ms for one of 3 rows
(others' measurement, RTX 5090, 2026-05), where LAPACK takes microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.operations.library import LIBRARY
from gpuarray.plugins import Operand

from .kernels import complex_eigenvectors
from .matrices import (
    NOT_FINITE,
    Stack,
    address,
    check,
    contiguous,
    info,
    packed,
    raise_for,
    real_of,
    result,
)
from .scaling import require_finite, restore

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["eig", "eigh", "eigvals", "eigvalsh"]

DType = np.dtype[Any]

# So many matrices go together, unless they are so large that each keeps the device busy.
FEWEST_HERMITIAN_TOGETHER, LARGEST_HERMITIAN_TOGETHER = 2, 1024
# The largest general matrices that LAPACK on the host gets; above, cuSOLVER begins to pay.
LARGEST_ON_HOST = 64


def eigh(executor: Executor, a: Operand) -> list[Operand]:
    """[ascending eigenvalues, eigenvectors] of Hermitian matrices."""
    values, x = _hermitian(executor, "eigh", a, True)
    return [values, x.operand(x.rows, x.rows)]


def eigvalsh(executor: Executor, a: Operand) -> Operand:
    """The ascending eigenvalues of Hermitian matrices."""
    return _hermitian(executor, "eigvalsh", a, False)[0]


def eig(executor: Executor, a: Operand) -> list[Operand]:
    """[eigenvalues, eigenvectors], complex."""
    return _general(executor, "eig", a, True)


def eigvals(executor: Executor, a: Operand) -> Operand:
    """The eigenvalues, complex."""
    return _general(executor, "eigvals", a, False)[0]


def _hermitian(executor: Executor, name: str, a: Operand, vectors: bool) -> tuple[Operand, Stack]:
    x = packed(executor, a)
    sizes = require_finite(executor, name, x, lower=True)
    n, real = x.rows, real_of(x.dtype)
    w = executor.allocate(x.matrices * n * real.itemsize)
    found = info(executor, x.matrices)
    libraries, stream = executor.runtime.libraries, executor.stream
    if x.matrices >= FEWEST_HERMITIAN_TOGETHER and n <= LARGEST_HERMITIAN_TOGETHER:
        libraries.syev_batched(
            *(x.dtype, vectors, n, x.pointer, w.pointer, found.pointer, x.matrices, stream)
        )
    else:
        for k in range(x.matrices):
            at = w.pointer + k * n * real.itemsize
            libraries.syevd(*(x.dtype, vectors, n, x.matrix(k), at, found.pointer + 4 * k, stream))
    check(executor, name, found, x.shape, "has eigenvalues that do not converge")
    if sizes is not None:
        restore(executor, x._replace(buffer=w, dtype=real, columns=1, distance=n), sizes)
    return result(w, real, x.shape, (n,)), x


def _general(executor: Executor, name: str, a: Operand, vectors: bool) -> list[Operand]:
    n = a.layout.shape[-1]
    if n <= LARGEST_ON_HOST:
        return _on_host(executor, name, a)
    x = packed(executor, a)
    sizes = require_finite(executor, name, x)
    complex_dtype = np.result_type(x.dtype, np.complex64)
    w = executor.allocate(x.matrices * n * complex_dtype.itemsize)
    found = info(executor, x.matrices)
    v = _like(executor, x, x.dtype) if vectors else x
    for k in range(x.matrices):
        at = w.pointer + k * n * complex_dtype.itemsize
        executor.runtime.libraries.geev(
            *(x.dtype, vectors, n, x.matrix(k), at, v.matrix(k) if vectors else 0),
            *(found.pointer + 4 * k, executor.stream),
        )
    check(executor, name, found, x.shape, "has eigenvalues that do not converge")
    if vectors and x.dtype.kind == "f":
        whole = _like(executor, x, complex_dtype)
        complex_eigenvectors(executor, x.dtype, v.pointer, w.pointer, whole.pointer, n, x.matrices)
        v = whole
    if sizes is not None:
        scaled = x._replace(buffer=w, dtype=complex_dtype, columns=1, distance=n)
        restore(executor, scaled, sizes)
    values = result(w, complex_dtype, x.shape, (n,))
    return [values, v.operand(n, n)] if vectors else [values]


def _like(executor: Executor, x: Stack, dtype: DType) -> Stack:
    buffer = executor.allocate(x.matrices * x.distance * dtype.itemsize)
    return x._replace(buffer=buffer, dtype=dtype)


def _on_host(executor: Executor, name: str, a: Operand) -> list[Operand]:
    runtime, stream = executor.runtime, executor.stream
    host = np.empty(a.layout.shape, a.layout.dtype)
    copied = contiguous(executor, a)
    runtime.copy_out(host, address(executor, copied), stream)
    finite = np.asarray(np.isfinite(host).all(axis=(-2, -1)))
    raise_for(name, ~finite, NOT_FINITE)
    found = []
    for values in LIBRARY[name](host):
        values = np.ascontiguousarray(values)
        buffer = executor.allocate(values.nbytes)
        runtime.copy_in(buffer.pointer, values, stream)
        found.append(result(buffer, values.dtype, (), values.shape))
    return found
