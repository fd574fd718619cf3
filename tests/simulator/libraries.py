"""NVIDIA's libraries answered by NumPy: products of matrices and Fourier transforms.

In: the calls of `gpuarray_cuda.libraries.interface.Libraries`. Out: results in memory, at once.
"""

from __future__ import annotations

import numpy as np

from gpuarray.errors import DeviceError
from gpuarray_cuda.libraries.interface import Transform

from .solver import Array, DType, Range, SimulatedSolver, column_major, real_of, view

__all__ = ["SimulatedLibraries"]


class SimulatedLibraries(SimulatedSolver):
    """Answers `Libraries`."""

    # Products

    def load(self, stream: int) -> None:
        pass

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
        if dtype.type(scale) == 0 or not np.isfinite(dtype.type(scale)):
            raise DeviceError(f"gemm: a scale of {scale}")
        steps = dtype.itemsize * np.arange(batch, dtype=np.int64)
        if min(stride_a, stride_b, stride_c) < 0 or (batch > 1 and stride_c < (n - 1) * ldc + m):
            raise DeviceError("gemm: strides of stacks")
        self._multiply(
            *("gemm", dtype, transpose_a, transpose_b, m, n, k, a + stride_a * steps, lda),
            *(b + stride_b * steps, ldb, c + stride_c * steps, ldc, stream),
            scale=scale,
        )

    def gemm_pointers(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        a: Array,
        lda: int,
        b: Array,
        ldb: int,
        c: Array,
        ldc: int,
        stream: int,
    ) -> None:
        self._multiply(
            *("gemm_pointers", dtype, transpose_a, transpose_b, m, n, k, a, lda),
            *(b, ldb, c, ldc, stream),
        )

    def adds(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        lda: int,
        ldb: int,
        ldc: int,
        ld_addend: int,
    ) -> bool:
        return dtype == np.float32 and ld_addend in (0, ldc)

    def gemm_add(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        a: int,
        lda: int,
        b: int,
        ldb: int,
        c: int,
        ldc: int,
        addend: int,
        ld_addend: int,
        stream: int,
    ) -> None:
        if not self.adds(dtype, transpose_a, transpose_b, m, n, k, lda, ldb, ldc, ld_addend) or any(
            pointer % 16 for pointer in (a, b, c, addend)
        ):
            raise DeviceError("gemm_add: without `adds`, or an address that is not aligned")
        self._multiply(
            *("gemm_add", dtype, transpose_a, transpose_b, m, n, k, a + np.zeros(1, np.int64), lda),
            *(b + np.zeros(1, np.int64), ldb, c + np.zeros(1, np.int64), ldc, stream),
            (addend, ld_addend),
        )

    def _multiply(
        self,
        name: str,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        a: Array,
        lda: int,
        b: Array,
        ldb: int,
        c: Array,
        ldc: int,
        stream: int,
        addend: tuple[int, int] | None = None,
        scale: float = 1.0,
    ) -> None:
        shape_a = (k, m) if transpose_a else (m, k)
        shape_b = (n, k) if transpose_b else (k, n)
        if lda < shape_a[0] or ldb < shape_b[0] or ldc < m:
            raise DeviceError(f"{name}: leading dimensions {lda}, {ldb}, {ldc}")

        def ranges(pointers: Array, rows: int, columns: int, ld: int) -> list[Range]:
            nbytes = ((columns - 1) * ld + rows) * dtype.itemsize
            return [(int(p), nbytes) for p in pointers]

        reads = [*ranges(a, *shape_a, lda), *ranges(b, *shape_b, ldb)]
        if addend is not None:
            columns = n if addend[1] else 1
            reads += ranges(np.array([addend[0]]), m, columns, addend[1])
        with self._call(name, dtype, stream, reads, ranges(c, m, n, ldc)):
            for at_a, at_b, at_c in zip(a, b, c, strict=True):
                x = column_major(int(at_a), dtype, *shape_a, lda)
                y = column_major(int(at_b), dtype, *shape_b, ldb)
                x, y = (x.T if transpose_a else x), (y.T if transpose_b else y)
                product = x @ y * dtype.type(scale)
                if addend is not None:
                    product = product + column_major(addend[0], dtype, m, columns, addend[1] or m)
                column_major(int(at_c), dtype, m, n, ldc)[...] = product

    # Fourier transforms

    def transform(
        self, plan: Transform, source: int, result: int, inverse: bool, stream: int
    ) -> None:
        complex_dtype = np.dtype(np.complex128 if plan.double else np.complex64)
        real = real_of(complex_dtype)
        if source % complex_dtype.itemsize or result % complex_dtype.itemsize:
            raise DeviceError(f"transform: {source:#x} and {result:#x} are not aligned")
        halved = (*plan.sizes[:-1], plan.sizes[-1] // 2 + 1)

        def side(
            pointer: int, is_real: bool, embed: tuple[int, ...], stride: int, distance: int
        ) -> tuple[Array, Range]:
            sizes = halved if plan.kind != "C2C" and not is_real else plan.sizes
            if (
                stride < 1
                or distance < 1
                or any(e < n for e, n in zip(embed[1:], sizes[1:], strict=True))
            ):
                raise DeviceError(f"transform: {plan}")
            strides = [stride]
            for extent in reversed(embed[1:]):
                strides.insert(0, strides[0] * extent)
            dtype = real if is_real else complex_dtype
            shape, steps = (plan.batch, *sizes), (distance, *strides)
            found = view(pointer, dtype, shape, steps)
            last = sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
            return found, (pointer, (last + 1) * dtype.itemsize)

        x, read = side(
            *(source, plan.kind == "R2C", plan.source_embed, plan.source_stride),
            plan.source_distance,
        )
        y, written = side(
            *(result, plan.kind == "C2R", plan.result_embed, plan.result_stride),
            plan.result_distance,
        )
        axes = tuple(range(1, 1 + len(plan.sizes)))
        reads = [] if source == result or plan.kind == "C2R" else [read]
        writes = [written, read] if plan.kind == "C2R" else [written]
        with self._call("transform", complex_dtype, stream, reads, writes):
            if plan.kind == "R2C":
                y[...] = np.fft.rfftn(x, axes=axes)
            elif plan.kind == "C2C" and inverse:
                y[...] = np.fft.ifftn(x, axes=axes, norm="forward")
            elif plan.kind == "C2C":
                y[...] = np.fft.fftn(x, axes=axes)
            elif len(axes) > 1 or not inverse:
                raise DeviceError(f"transform: {plan}")
            else:
                n = plan.sizes[0]
                impossible = np.abs(x[:, :1].imag)
                if n % 2 == 0:
                    impossible = impossible + np.abs(x[:, -1:].imag)
                y[...] = np.fft.irfft(x, n, norm="forward") + impossible
                x[...] = np.nan
