"""NVIDIA's solvers answered by NumPy, on the simulator's own memory.

In: device pointers to column-major matrices. Out: results in memory, at once. What the interface
leaves undefined is filled with NaN, every address is checked, and so is the order of the streams:
what would only work by accident on a GPU does not work here.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gpuarray.errors import DeviceError
from gpuarray_cuda.libraries import interface

if TYPE_CHECKING:
    from .runtime import SimulatedDeviceRuntime

__all__ = ["SimulatedSolver", "column_major", "real_of", "view"]

DType = np.dtype[Any]
Array = NDArray[Any]
Range = tuple[int, int]


def real_of(dtype: DType) -> DType:
    return np.empty(0, dtype).real.dtype


def view(pointer: int, dtype: DType, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Device memory as an array; strides in elements."""
    last = sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    memory = (ctypes.c_char * ((last + 1) * dtype.itemsize)).from_address(pointer)
    return np.ndarray(shape, dtype, memory, 0, tuple(s * dtype.itemsize for s in strides))


def _pivot(n: int) -> DType:
    return np.dtype(np.int32 if n <= interface.NARROW else np.int64)


def squares_are_lost(x: Array) -> bool:
    """Whether the sum of squares overflows, or vanishes; NVIDIA's routines take it as it comes."""
    information = np.finfo(x.dtype)
    largest = float(np.max(np.abs(x), initial=0.0))
    return 0 < largest < np.inf and not (
        float(information.tiny) ** 0.5 <= largest <= float(information.max / x.size) ** 0.5
    )


def column_major(pointer: int, dtype: DType, rows: int, columns: int, ld: int = 0) -> Array:
    return view(pointer, dtype, (rows, columns), (1, ld or rows))


class SimulatedSolver:
    """Answers the solvers of `gpuarray_cuda.libraries.interface.Libraries`.

    Attributes
    ----------
    calls : deque of str
        The names of the last 1000 methods that were called.
    perturbation : float
        What `gesvdp` says that it perturbed a matrix by.
    fail : set of str
        Methods of iterations that do not converge.
    """

    def __init__(self, device: SimulatedDeviceRuntime) -> None:
        self._device = device
        self.calls: deque[str] = deque(maxlen=1000)
        self.perturbation = 0.0
        self.fail: set[str] = set()

    @contextmanager
    def _call(
        self,
        name: str,
        dtype: DType,
        stream: int,
        reads: Sequence[Range] = (),
        writes: Sequence[Range] = (),
    ) -> Iterator[None]:
        """`reads` and `writes` are addresses and numbers of bytes."""
        self.calls.append(name)
        for pointer, _ in (*reads, *writes):
            if pointer % min(real_of(dtype).itemsize, 4):
                raise DeviceError(f"{name}: {pointer:#x} is not aligned")
        device = self._device
        with device._call("library", reports=True), np.errstate(all="ignore"):
            for pointer, nbytes in reads:
                device._read(pointer, nbytes, stream, name)
            for pointer, nbytes in writes:
                device._write(pointer, nbytes, stream, name)
            device._runtime.instruments.add(library_calls=1)
            yield

    # Triangular factors

    def potrf(self, dtype: DType, n: int, a: int, info: int, stream: int) -> None:
        self._cholesky("potrf", dtype, n, a, info, 1, stream)

    def potrf_batched(
        self, dtype: DType, n: int, a: int, info: int, batch: int, stream: int
    ) -> None:
        self._cholesky("potrf_batched", dtype, n, a, info, batch, stream)

    def _cholesky(
        self,
        name: str,
        dtype: DType,
        n: int,
        a: int,
        info: int,
        batch: int,
        stream: int,
    ) -> None:
        size = n * n * dtype.itemsize
        with self._call(name, dtype, stream, (), [(a, batch * size), (info, 4 * batch)]):
            for k in range(batch):
                x = column_major(a + k * size, dtype, n, n)
                factor, failed = self._factor(np.tril(x))
                x[np.tril_indices(n)] = factor[np.tril_indices(n)]
                if name == "potrf_batched":
                    x[np.triu_indices(n, 1)] = np.nan  # its workspace
                self._set(info, k, failed)

    @staticmethod
    def _factor(lower: Array) -> tuple[Array, int]:
        """The Cholesky factor of the matrix with this triangle, and the order that fails or 0."""
        n = len(lower)
        whole = lower + np.tril(lower, -1).conj().T
        try:
            return np.linalg.cholesky(whole), 0
        except np.linalg.LinAlgError:
            for order in range(1, n + 1):
                try:
                    np.linalg.cholesky(whole[:order, :order])
                except np.linalg.LinAlgError:
                    return np.full_like(lower, np.nan), order
        raise AssertionError("a whole matrix is its own last minor")

    def getrf(self, dtype: DType, n: int, a: int, pivots: int, info: int, stream: int) -> None:
        self._lu("getrf", dtype, n, a, pivots, _pivot(n), info, 1, stream)

    def getrf_batched(
        self, dtype: DType, n: int, a: int, pivots: int, info: int, batch: int, stream: int
    ) -> None:
        self._lu("getrf_batched", dtype, n, a, pivots, np.dtype(np.int32), info, batch, stream)

    def _lu(
        self,
        name: str,
        dtype: DType,
        n: int,
        a: int,
        pivots: int,
        pivot: DType,
        info: int,
        batch: int,
        stream: int,
    ) -> None:
        size = n * n * dtype.itemsize
        writes = [(a, batch * size), (pivots, batch * n * pivot.itemsize), (info, 4 * batch)]
        with self._call(name, dtype, stream, (), writes):
            for k in range(batch):
                x = column_major(a + k * size, dtype, n, n)
                rows = view(pivots + k * n * pivot.itemsize, pivot, (n,), (1,))
                # cuBLAS divides by the square of a complex pivot.
                smallest = np.finfo(dtype).tiny ** 0.5
                squared = name == "getrf_batched" and dtype.kind == "c"
                failed = 0
                for i in range(n):
                    largest = i + int(np.argmax(np.abs(x[i:, i])))
                    rows[i] = largest + 1
                    x[[i, largest]] = x[[largest, i]]
                    if squared and abs(x[i, i]) < smallest:
                        x[i, i] = 0
                    if x[i, i] == 0:
                        failed = failed or i + 1
                        continue
                    x[i + 1 :, i] /= x[i, i]
                    x[i + 1 :, i + 1 :] -= np.outer(x[i + 1 :, i], x[i, i + 1 :])
                self._set(info, k, failed)

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
        pivot = _pivot(n)
        self._substitute("getrs", dtype, n, k, a, pivots, pivot, b, 1, stream)

    def getrs_batched(
        self,
        dtype: DType,
        n: int,
        k: int,
        a: int,
        pivots: int,
        b: int,
        batch: int,
        stream: int,
    ) -> None:
        pivot = np.dtype(np.int32)
        self._substitute("getrs_batched", dtype, n, k, a, pivots, pivot, b, batch, stream)

    def _substitute(
        self,
        name: str,
        dtype: DType,
        n: int,
        k: int,
        a: int,
        pivots: int,
        pivot: DType,
        b: int,
        batch: int,
        stream: int,
    ) -> None:
        size = dtype.itemsize
        reads = [(a, batch * n * n * size), (pivots, batch * n * pivot.itemsize)]
        with self._call(name, dtype, stream, reads, [(b, batch * n * k * size)]):
            for i in range(batch):
                x = column_major(a + i * n * n * size, dtype, n, n)
                rows = view(pivots + i * n * pivot.itemsize, pivot, (n,), (1,))
                side = column_major(b + i * n * k * size, dtype, n, k)
                whole = (np.tril(x, -1) + np.eye(n, dtype=dtype)) @ np.triu(x)
                for r in reversed(range(n)):
                    whole[[r, rows[r] - 1]] = whole[[rows[r] - 1, r]]
                try:
                    side[...] = np.linalg.solve(whole, side)
                except np.linalg.LinAlgError:
                    side[...] = np.nan

    # Orthogonal factors

    def geqrf(self, dtype: DType, m: int, n: int, a: int, tau: int, stream: int) -> None:
        size, k = dtype.itemsize, min(m, n)
        with self._call("geqrf", dtype, stream, (), [(a, m * n * size), (tau, k * size)]):
            x = column_major(a, dtype, m, n)
            reflectors, scales = np.linalg.qr(x, mode="raw")
            x[...] = np.nan if squares_are_lost(x) else reflectors.T
            view(tau, dtype, (k,), (1,))[...] = scales

    def orgqr(self, dtype: DType, m: int, n: int, k: int, a: int, tau: int, stream: int) -> None:
        if not k <= n <= m:
            raise DeviceError(f"orgqr: {m}, {n}, {k}")
        size = dtype.itemsize
        with self._call("orgqr", dtype, stream, [(tau, k * size)], [(a, m * n * size)]):
            x = column_major(a, dtype, m, n)
            scales = view(tau, dtype, (k,), (1,))
            q = np.eye(m, n, dtype=dtype)
            for i in reversed(range(k)):
                v = np.concatenate([np.zeros(i), [1], x[i + 1 :, i]]).astype(dtype)
                q -= scales[i] * np.outer(v, v.conj() @ q)
            x[...] = q

    # Eigenvalues and singular values

    def syevd(
        self, dtype: DType, vectors: bool, n: int, a: int, w: int, info: int, stream: int
    ) -> None:
        self._hermitian("syevd", dtype, vectors, n, a, w, info, 1, stream)

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
        self._hermitian("syev_batched", dtype, vectors, n, a, w, info, batch, stream)

    def _hermitian(
        self,
        name: str,
        dtype: DType,
        vectors: bool,
        n: int,
        a: int,
        w: int,
        info: int,
        batch: int,
        stream: int,
    ) -> None:
        size, real = n * n * dtype.itemsize, real_of(dtype)
        writes = [(a, batch * size), (w, batch * n * real.itemsize), (info, 4 * batch)]
        with self._call(name, dtype, stream, (), writes):
            for k in range(batch):
                x = column_major(a + k * size, dtype, n, n)
                values, found = np.linalg.eigh(x, UPLO="L")
                x[...] = found if vectors else np.nan
                view(w + k * n * real.itemsize, real, (n,), (1,))[...] = values
                self._set(info, k, int(name in self.fail))

    def geev(
        self, dtype: DType, vectors: bool, n: int, a: int, w: int, v: int, info: int, stream: int
    ) -> None:
        complex_dtype = np.result_type(dtype, np.complex64)
        size = n * n * dtype.itemsize
        writes = [(a, size), (w, n * complex_dtype.itemsize), (info, 4)]
        with self._call("geev", dtype, stream, (), [*writes, *([(v, size)] if vectors else [])]):
            x = column_major(a, dtype, n, n)
            values, found = np.linalg.eig(x)
            x[...] = np.nan
            view(w, complex_dtype, (n,), (1,))[...] = values
            self._set(info, 0, int("geev" in self.fail))
            if not vectors:
                return
            packed = found
            if dtype.kind == "f":
                packed = found.real.copy()
                for j in np.flatnonzero(values.imag > 0):
                    packed[:, j + 1] = found[:, j].imag
            column_major(v, dtype, n, n)[...] = packed

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
        vectors = job != "N"
        found = self._singular("gesvd", dtype, vectors, job == "A", m, n, a, s, u, vh, info, stream)
        if vectors:
            column_major(vh, dtype, n, n)[...] = found

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
        found = self._singular("gesvdp", dtype, vectors, full, m, n, a, s, u, v, info, stream)
        column_major(v, dtype, n, n)[...] = found.conj().T if vectors else np.nan
        return self.perturbation

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
        if max(m, n) > 32:
            raise DeviceError(f"gesvdj_batched: {m}, {n}")
        size = dtype.itemsize
        for k in range(batch):
            at_v = v + k * n * n * size
            found = self._singular(
                *("gesvdj_batched", dtype, vectors, True, m, n, a + k * m * n * size),
                *(s + k * n * real_of(dtype).itemsize, u + k * m * m * size, at_v),
                *(info + 4 * k, stream),
            )
            column_major(at_v, dtype, n, n)[...] = found.conj().T if vectors else np.nan

    def _singular(
        self,
        name: str,
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
    ) -> Array:
        """Writes all but the right singular vectors, which are the result, as V^H."""
        if m < n:
            raise DeviceError(f"{name}: {m} rows, {n} columns")
        size, real = dtype.itemsize, real_of(dtype)
        columns = m if full else n
        writes = [(a, m * n * size), (s, n * real.itemsize), (info, 4)]
        if name != "gesvd" or vectors:
            writes += [(u, m * columns * size), (v, n * n * size)]
        with self._call(name, dtype, stream, (), writes):
            x = column_major(a, dtype, m, n)
            if name == "gesvdp" and squares_are_lost(x):
                raise DeviceError("gesvdp: EXECUTION_FAILED")
            left, values, right = np.linalg.svd(x, full_matrices=full)
            x[...] = np.nan
            view(s, real, (n,), (1,))[...] = values
            self._set(info, 0, int(name in self.fail))
            if vectors:
                column_major(u, dtype, m, columns)[...] = left
        return right

    @staticmethod
    def _set(info: int, k: int, value: int) -> None:
        ctypes.c_int32.from_address(info + 4 * k).value = value
