"""cuSOLVER: factorisations, eigenvalues and singular values of dense matrices.

In: the arguments of `interface.Libraries`. Out: calls of cuSOLVER, through its functions with
64-bit sizes where it has them, but for LU factors that need none. Each stream has a handle of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from . import interface
from .blas import LARGEST_BATCH
from .loading import ELEMENTS, Element, Session, bindings, parts

__all__ = ["Solver"]

DType = np.dtype[Any]

# cusolverDnXsyevBatched refuses a stack with 2**31 elements or more, by its documentation, and one
# of more than some 32000 matrices, by the experience of its users.
LARGEST_EIGENVALUE_STACK = 16384
LARGEST_JACOBI_STACK = 32768
_LARGEST_INT = 2**31 - 1

# Of cublasFillMode_t and cublasOperation_t.
_LOWER, _NOT_TRANSPOSED = 0, 0


class _Handle(NamedTuple):
    """What the calls on one stream share: the handle, options, and the parameters of Jacobi's."""

    solver: int
    params: int
    jacobi: int


class Solver:
    """The part of `interface.Libraries` that cuSOLVER answers."""

    _session: Session

    def __init__(self) -> None:
        self._solver_handles: dict[int, _Handle] = {}

    def _solver(self, stream: int) -> _Handle:
        found = self._solver_handles.get(stream)
        if found is None:
            cusolver = bindings().cusolver
            solver = int(self._session.retried("cuSOLVER", cusolver.create))
            with self._session.calling("cuSOLVER"):
                cusolver.set_stream(solver, stream)
                # Of Jacobi's parameters the defaults are right: the tolerance is the rounding
                # error, 100 sweeps at most, values sorted.
                found = _Handle(
                    solver, int(cusolver.create_params()), int(cusolver.create_gesvdj_info())
                )
            self._solver_handles[stream] = found
        return found

    @contextmanager
    def _call(self, dtype: DType, stream: int) -> Iterator[tuple[Any, _Handle, Element]]:
        """The module, the handle and the names of a dtype, in a block for calls."""
        handle = self._solver(stream)
        with self._session.calling("cuSOLVER"):
            yield bindings().cusolver, handle, ELEMENTS[dtype]

    def potrf(self, dtype: DType, n: int, a: int, info: int, stream: int) -> None:
        with self._call(dtype, stream) as (cusolver, h, e):
            if n <= interface.NARROW:
                # 0.02 of 1.58 ms less than with 64-bit sizes for 4096 rows (float32, H200, cuSOLVER
                # 12.0.4, 2026-11-26).
                name = e.letter + "potrf"
                elements = getattr(cusolver, name + "_buffer_size")(h.solver, _LOWER, n, a, n)
                with self._session.scratch(elements * dtype.itemsize, stream) as space:
                    getattr(cusolver, name)(h.solver, _LOWER, n, a, n, space, elements, info)
                return
            arguments = (h.solver, h.params, _LOWER, n, e.data, a, n, e.data)
            sizes = cusolver.xpotrf_buffer_size(*arguments)
            with self._session.work(sizes, stream) as work:
                cusolver.xpotrf(*arguments, *work, info)

    def potrf_batched(
        self, dtype: DType, n: int, a: int, info: int, batch: int, stream: int
    ) -> None:
        distance = n * n * dtype.itemsize
        with self._call(dtype, stream) as (cusolver, h, e):
            factor = getattr(cusolver, e.letter + "potrf_batched")
            for first, count in parts(batch, LARGEST_BATCH):
                begin = a + first * distance
                with self._session.pointers(begin, distance, count, stream) as matrices:
                    factor(h.solver, _LOWER, n, matrices, n, info + 4 * first, count)

    def getrf(self, dtype: DType, n: int, a: int, pivots: int, info: int, stream: int) -> None:
        with self._call(dtype, stream) as (cusolver, h, e):
            if n <= interface.NARROW:
                # 0.1 and 0.2 ms less than with 64-bit sizes for 4096 rows and 16 right sides
                # (float32, H100, cuSOLVER 12.0.4, 2026-11).
                name = e.letter + "getrf"
                elements = getattr(cusolver, name + "_buffer_size")(h.solver, n, n, a, n)
                with self._session.scratch(elements * dtype.itemsize, stream) as space:
                    getattr(cusolver, name)(h.solver, n, n, a, n, space, pivots, info)
                return
            head = (h.solver, h.params, n, n, e.data, a, n)
            sizes = cusolver.xgetrf_buffer_size(*head, e.data)
            with self._session.work(sizes, stream) as work:
                cusolver.xgetrf(*head, pivots, e.data, *work, info)

    def getrs(
        self,
        dtype: DType,
        n: int,
        k: int,
        a: int,
        pivots: int,
        b: int,
        stream: int,
    ) -> None:
        with (
            self._call(dtype, stream) as (cusolver, h, e),
            self._session.scratch(4, stream) as refused,
        ):
            if n <= interface.NARROW:
                solve = getattr(cusolver, e.letter + "getrs")
                solve(h.solver, _NOT_TRANSPOSED, n, k, a, n, pivots, b, n, refused)
                return
            cusolver.xgetrs(
                *(h.solver, h.params, _NOT_TRANSPOSED, n, k, e.data, a, n, pivots),
                *(e.data, b, n, refused),
            )

    def geqrf(self, dtype: DType, m: int, n: int, a: int, tau: int, stream: int) -> None:
        with self._call(dtype, stream) as (cusolver, h, e):
            arguments = (h.solver, h.params, m, n, e.data, a, m, e.data, tau, e.data)
            sizes = cusolver.xgeqrf_buffer_size(*arguments)
            with (
                self._session.work(sizes, stream) as work,
                self._session.scratch(4, stream) as refused,
            ):
                cusolver.xgeqrf(*arguments, *work, refused)

    def orgqr(self, dtype: DType, m: int, n: int, k: int, a: int, tau: int, stream: int) -> None:
        with self._call(dtype, stream) as (cusolver, h, e):
            name = e.letter + ("orgqr" if dtype.kind == "f" else "ungqr")
            arguments = (h.solver, m, n, k, a, m, tau)
            elements = getattr(cusolver, name + "_buffer_size")(*arguments)
            with (
                self._session.scratch(elements * dtype.itemsize, stream) as work,
                self._session.scratch(4, stream) as refused,
            ):
                getattr(cusolver, name)(*arguments, work, elements, refused)

    def syevd(
        self, dtype: DType, vectors: bool, n: int, a: int, w: int, info: int, stream: int
    ) -> None:
        with self._call(dtype, stream) as (cusolver, h, e):
            arguments = (
                *(h.solver, h.params, int(vectors), _LOWER, n, e.data, a, n, e.real, w, e.data),
            )
            sizes = cusolver.xsyevd_buffer_size(*arguments)
            with self._session.work(sizes, stream) as work:
                cusolver.xsyevd(*arguments, *work, info)

    def syev_batched(
        self,
        dtype: DType,
        vectors: bool,
        n: int,
        a: int,
        w: int,
        info: int,
        batch: int,
        stream: int,
    ) -> None:
        matrix = n * n * dtype.itemsize
        step = max(min(LARGEST_EIGENVALUE_STACK, _LARGEST_INT // matrix), 1)
        with self._call(dtype, stream) as (cusolver, h, e):
            values = n * _real_bytes(dtype)
            for first, count in parts(batch, step):
                arguments = (
                    *(h.solver, h.params, int(vectors), _LOWER, n, e.data, a + first * matrix, n),
                    *(e.real, w + first * values, e.data),
                )
                sizes = cusolver.xsyev_batched_buffer_size(*arguments, count)
                with self._session.work(sizes, stream) as work:
                    cusolver.xsyev_batched(*arguments, *work, info + 4 * first, count)

    def geev(
        self, dtype: DType, vectors: bool, n: int, a: int, w: int, v: int, info: int, stream: int
    ) -> None:
        eigenvalues = ELEMENTS[np.result_type(dtype, np.complex64)].data
        with self._call(dtype, stream) as (cusolver, h, e):
            # Left eigenvectors are not offered; their address, like that of right ones that are not
            # asked for, is not used.
            unused = a
            arguments = (
                *(h.solver, h.params, 0, int(vectors), n, e.data, a, n, eigenvalues, w),
                *(e.data, unused, n, e.data, v if vectors else unused, n, e.data),
            )
            sizes = cusolver.xgeev_buffer_size(*arguments)
            with self._session.work(sizes, stream) as work:
                cusolver.xgeev(*arguments, *work, info)

    def gesvd(
        self,
        dtype: DType,
        job: str,
        m: int,
        n: int,
        a: int,
        s: int,
        u: int,
        vh: int,
        info: int,
        stream: int,
    ) -> None:
        with self._call(dtype, stream) as (cusolver, h, e):
            arguments = (
                *(h.solver, h.params, ord(job), ord(job), m, n, e.data, a, m, e.real, s),
                *(e.data, u, m, e.data, vh, n, e.data),
            )
            sizes = cusolver.xgesvd_buffer_size(*arguments)
            with self._session.work(sizes, stream) as work:
                cusolver.xgesvd(*arguments, *work, info)

    def gesvdp(
        self,
        dtype: DType,
        vectors: bool,
        full: bool,
        m: int,
        n: int,
        a: int,
        s: int,
        u: int,
        v: int,
        info: int,
        stream: int,
    ) -> float:
        with self._call(dtype, stream) as (cusolver, h, e):
            arguments = (
                *(h.solver, h.params, int(vectors), int(not full), m, n, e.data, a, m, e.real, s),
                *(e.data, u, m, e.data, v, n, e.data),
            )
            sizes = cusolver.xgesvdp_buffer_size(*arguments)
            with self._session.work(sizes, stream) as work:
                return float(cusolver.xgesvdp(*arguments, *work, info))

    def gesvdj_batched(
        self,
        dtype: DType,
        vectors: bool,
        m: int,
        n: int,
        a: int,
        s: int,
        u: int,
        v: int,
        info: int,
        batch: int,
        stream: int,
    ) -> None:
        size = dtype.itemsize
        values = min(m, n) * _real_bytes(dtype)
        with self._call(dtype, stream) as (cusolver, h, e):
            name = e.letter + "gesvdj_batched"
            for first, count in parts(batch, LARGEST_JACOBI_STACK):
                arguments = (
                    *(h.solver, int(vectors), m, n, a + first * m * n * size, m),
                    *(s + first * values, u + first * m * m * size, m),
                    *(v + first * n * n * size, n),
                )
                elements = getattr(cusolver, name + "_buffer_size")(*arguments, h.jacobi, count)
                with self._session.scratch(elements * size, stream) as work:
                    getattr(cusolver, name)(
                        *arguments, work, elements, info + 4 * first, h.jacobi, count
                    )


def _real_bytes(dtype: DType) -> int:
    """Bytes of a real number of the precision of `dtype`."""
    return dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
