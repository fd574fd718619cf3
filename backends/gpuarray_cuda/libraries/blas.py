"""cuBLAS: products of matrices, and factorisations of stacks of small ones.

In: the arguments of `interface.Libraries`. Out: calls of cuBLAS. Each stream has a handle and a
workspace of its own, which makes results the same in every run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .light import ALIGNMENT, LightProducts
from .loading import ELEMENTS, Session, bindings, parts

__all__ = ["Blas"]

DType = np.dtype[Any]
Pointers = NDArray[np.int64]

# What NVIDIA recommends for compute capability 9.0; less would exclude some algorithms.
WORKSPACE_BYTES = 32 << 20
# More matrices take several calls: a grid has at most 65535 blocks along its second and third axis,
# which is where kernels have the stack.
LARGEST_BATCH = 65535
# Larger sizes go to the functions with 64-bit integers.
_LARGEST_INT = 2**31 - 1
# Of cublasGemmAlgo_t and cublasOperation_t.
_ANY_ALGORITHM, _NOT_TRANSPOSED = -1, 0


class Blas(LightProducts):
    """The part of `interface.Libraries` that cuBLAS answers."""

    _session: Session

    def __init__(self) -> None:
        super().__init__()
        self._blas_handles: dict[int, int] = {}
        self._workspaces: dict[int, int] = {}
        self._alphas: dict[DType, NDArray[Any]] = {}

    def _alpha(self, dtype: DType, scale: float) -> int:
        """The address, on the host, of a factor; it is read before the next call."""
        found = self._alphas.get(dtype)
        if found is None:
            found = self._alphas[dtype] = np.empty(1, dtype)
        found[0] = scale
        return int(found.ctypes.data)

    def load(self, stream: int) -> None:
        self._blas(stream)

    def _workspace(self, stream: int) -> tuple[int, int]:
        """The workspace of a stream, and its size."""
        if stream not in self._workspaces:
            self._blas(stream)
        return self._workspaces[stream], WORKSPACE_BYTES

    def _workspace_bytes(self) -> int:
        return WORKSPACE_BYTES

    def _blas(self, stream: int) -> int:
        found = self._blas_handles.get(stream)
        if found is None:
            cublas = bindings().cublas
            found = int(self._session.retried("cuBLAS", cublas.create))
            # Held as long as the process lives, like the handle.
            workspace = self._session.runtime.allocate(WORKSPACE_BYTES, stream)
            with self._session.calling("cuBLAS"):
                cublas.set_stream(found, stream)  # takes a workspace away, so it comes first
                cublas.set_workspace(found, workspace, WORKSPACE_BYTES)
            self._blas_handles[stream] = found
            self._workspaces[stream] = workspace
        return found

    def gemm(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        a: int,
        lda: int,
        stride_a: int,
        b: int,
        ldb: int,
        stride_b: int,
        c: int,
        ldc: int,
        stride_c: int,
        batch: int,
        stream: int,
        scale: float = 1.0,
    ) -> None:
        if batch == 1 and not (a | b | c) % ALIGNMENT:
            recipe = self._recipe(dtype, transpose_a, transpose_b, m, n, k, lda, ldb, ldc)
            if recipe is not None:
                alpha = ELEMENTS[dtype].one if scale == 1 else self._alpha(dtype, scale)
                self._light(
                    recipe, recipe.operation, alpha, a, b, ELEMENTS[dtype].zero, c, c, stream
                )
                return
        handle = self._blas_handles.get(stream) or self._blas(stream)
        cublas = bindings().cublas
        _, data, _, compute, one, zero = ELEMENTS[dtype]
        if scale != 1:
            one = self._alpha(dtype, scale)
        wide = max(m, n, k, lda, ldb, ldc) > _LARGEST_INT
        ta, tb = int(transpose_a), int(transpose_b)
        with self._session.calling("cuBLAS"):
            if batch == 1:
                (cublas.gemm_ex_64 if wide else cublas.gemm_ex)(
                    handle, ta, tb, m, n, k, one, a, data, lda, b, data, ldb, zero, c, data, ldc,
                    compute, _ANY_ALGORITHM,
                )  # fmt: skip
                return
            multiply = cublas.gemm_strided_batched_ex
            if wide:
                multiply = cublas.gemm_strided_batched_ex_64
            for first, count in parts(batch, LARGEST_BATCH):
                skipped = first * dtype.itemsize
                multiply(
                    *(handle, ta, tb, m, n, k, one),
                    *(a + skipped * stride_a, data, lda, stride_a),
                    *(b + skipped * stride_b, data, ldb, stride_b),
                    *(zero, c + skipped * stride_c, data, ldc, stride_c),
                    *(count, compute, _ANY_ALGORITHM),
                )

    def gemm_pointers(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        a: Pointers,
        lda: int,
        b: Pointers,
        ldb: int,
        c: Pointers,
        ldc: int,
        stream: int,
    ) -> None:
        handle = self._blas(stream)
        cublas = bindings().cublas
        e = ELEMENTS[dtype]
        wide = max(m, n, k, lda, ldb, ldc) > _LARGEST_INT
        multiply = cublas.gemm_batched_ex_64 if wide else cublas.gemm_batched_ex
        batch = len(a)
        with self._session.addresses(np.concatenate([a, b, c]), stream) as table:
            for first, count in parts(batch, LARGEST_BATCH):
                at = [table + 8 * (operand * batch + first) for operand in range(3)]
                with self._session.calling("cuBLAS"):
                    multiply(
                        *(handle, int(transpose_a), int(transpose_b), m, n, k, e.one),
                        *(at[0], e.data, lda, at[1], e.data, ldb, e.zero, at[2], e.data, ldc),
                        *(count, e.compute, _ANY_ALGORITHM),
                    )

    def getrf_batched(
        self, dtype: DType, n: int, a: int, pivots: int, info: int, batch: int, stream: int
    ) -> None:
        handle = self._blas(stream)
        factor = self._typed("getrf_batched", dtype)
        distance = n * n * dtype.itemsize
        for first, count in parts(batch, LARGEST_BATCH):
            begin = a + first * distance
            with (
                self._session.pointers(begin, distance, count, stream) as matrices,
                self._session.calling("cuBLAS"),
            ):
                factor(handle, n, matrices, n, pivots + 4 * n * first, info + 4 * first, count)

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
        handle = self._blas(stream)
        solve = self._typed("getrs_batched", dtype)
        refused = np.zeros(1, np.int32)  # of arguments, on the host
        for first, count in parts(batch, LARGEST_BATCH):
            skipped = first * dtype.itemsize
            with (
                self._session.pointers(
                    a + skipped * n * n, n * n * dtype.itemsize, count, stream
                ) as factors,
                self._session.pointers(
                    b + skipped * n * k, n * k * dtype.itemsize, count, stream
                ) as sides,
                self._session.calling("cuBLAS"),
            ):
                solve(
                    *(handle, _NOT_TRANSPOSED, n, k, factors, n, pivots + 4 * n * first),
                    *(sides, n, int(refused.ctypes.data), count),
                )

    def _typed(self, name: str, dtype: DType) -> Any:
        return getattr(bindings().cublas, ELEMENTS[dtype].letter + name)
