"""The libraries: all that the CUDA backend asks of cuBLAS, cuSOLVER and cuFFT, as a protocol.

What comes in are dtypes, sizes, device pointers and integer stream handles; no handle of a library
is seen outside. `nvidia.py` answers with the libraries, `tests/simulator` with NumPy on its own
memory. This module imports no CUDA package.

Rules that hold for every method
--------------------------------
Matrices
    Column-major: element (i, j) is ``i + j * rows`` elements from the first. Only `gemm` and
    `gemm_pointers` take other distances between columns. The matrices of a stack follow each other
    without a gap, but where a method has a parameter for their distance. All distances count
    elements, not bytes.
Dtypes
    `dtype` is that of the matrices: float32, float64, complex64 or complex128. Singular values, and
    eigenvalues of Hermitian matrices, are real and of the same precision.
Memory
    A method may overwrite what it calls `a` with anything, where nothing else is said. Pointers are
    aligned to the size of an element at least. Workspaces are the implementation's own concern.
Order
    Work is enqueued on `stream`. The host waits only where the documentation says so.
Results
    `info` points to an int32 for each matrix: 0 for success, a positive number for a failure that
    is the matrix's own. It is written in the order of the stream.
Errors
    `gpuarray.errors.BackendUnavailable` where a library is not installed, `OutOfMemory` where there
    is no memory for a workspace, `DeviceError` for everything else that a library refuses.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["NARROW", "Libraries", "Transform"]

# The most rows of a matrix whose elements, and those of a workspace as large, an int32 counts.
NARROW = 46340

DType = np.dtype[Any]
Pointers = NDArray[np.int64]


class Transform(NamedTuple):
    """A batch of Fourier transforms of one to three dimensions, without their pointers.

    With ``n`` the sizes, element (x, y, z) of transform b is
    ``b * distance + ((x * embed[1] + y) * embed[2] + z) * stride`` elements from the first; so
    `stride` is that of the last dimension. Real and complex elements are counted each as one.

    Attributes
    ----------
    kind
        ``"C2C"``; ``"R2C"`` and ``"C2R"``, whose complex side has n // 2 + 1 elements along the
        last dimension. C2R is inverse, of one dimension, and may overwrite its source; its result
        is undefined where the elements 0 and n / 2 of a transform have imaginary parts.
    double
        Whether elements are of double precision.
    sizes
        Of the transform, slowest first.
    source_embed, source_stride, source_distance
        How the source lies.
    result_embed, result_stride, result_distance
        How the result lies.
    batch
        How many transforms.
    """

    kind: str
    double: bool
    sizes: tuple[int, ...]
    source_embed: tuple[int, ...]
    source_stride: int
    source_distance: int
    result_embed: tuple[int, ...]
    result_stride: int
    result_distance: int
    batch: int


class Libraries(Protocol):
    """The library calls of one device."""

    # Products

    def load(self, stream: int) -> None:
        """Load what products on a stream need."""

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
        """Write the products op(a) @ op(b), ``(m, n)``, of a stack to c, each times `scale`.

        op(a) is ``(m, k)``: `a` itself, or the transpose of `a` as it is stored. Element (i, j) of
        a stored matrix is ``i + j * ld`` from its first, and ld is at least its number of rows.
        A stride of 0 repeats one matrix. `scale` is neither 0 nor infinite in `dtype`, and rounds
        the product once more. float32 is computed in float32 throughout.
        """

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
        """As `gemm`, with the device address of each matrix in an array on the host."""

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
        """Whether there is a `gemm_add` for these sizes, with all addresses aligned to 16 bytes."""

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
        """As `gemm` for one matrix, and add a matrix, rounded once more.

        The columns of the addend are `ld_addend` apart; with 0 it is one column, for each column of
        the product. The bits are those of `gemm` and an addition. Only where `adds` says so.
        """

    # Triangular factors

    def potrf(self, dtype: DType, n: int, a: int, info: int, stream: int) -> None:
        """Replace the lower triangle of a Hermitian matrix by its Cholesky factor.

        What is above the diagonal is neither read nor written. A positive info is the order of the
        leading minor that is not positive definite.
        """

    def potrf_batched(
        self, dtype: DType, n: int, a: int, info: int, batch: int, stream: int
    ) -> None:
        """`potrf` for each matrix of a stack; for many small ones, and overwrites all of them."""

    def getrf(self, dtype: DType, n: int, a: int, pivots: int, info: int, stream: int) -> None:
        """Replace a square matrix by its factors L and U, with partial pivoting.

        `pivots` gets n numbers, of type int32 up to `NARROW` rows and of type int64 beyond: row i
        was exchanged with row pivots[i], counted from 1. A positive info is the position, from 1,
        of the first diagonal element of U that is 0.
        """

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
        """Solve with the factors of `getrf`; `b`, ``(n, k)``, in place."""

    def getrf_batched(
        self, dtype: DType, n: int, a: int, pivots: int, info: int, batch: int, stream: int
    ) -> None:
        """`getrf` for each matrix of a stack, for many small ones; pivots are of type int32."""

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
        """`getrs` with the factors of `getrf_batched`."""

    # Orthogonal factors

    def geqrf(self, dtype: DType, m: int, n: int, a: int, tau: int, stream: int) -> None:
        """Replace a matrix by R and, below its diagonal, the reflectors of Q = H(1) ... H(k).

        k is min(m, n), and H(i) = 1 - tau[i] v v^H, where v is 0 above row i and 1 in it.
        """

    def orgqr(self, dtype: DType, m: int, n: int, k: int, a: int, tau: int, stream: int) -> None:
        """Replace the reflectors in the first k columns by the first n columns of Q.

        ``k <= n <= m``; what the other columns hold before does not matter.
        """

    # Eigenvalues and singular values. All of them may make the host wait for `stream`.

    def syevd(
        self, dtype: DType, vectors: bool, n: int, a: int, w: int, info: int, stream: int
    ) -> None:
        """Write the ascending eigenvalues of a Hermitian matrix, read from its lower triangle.

        With `vectors`, its eigenvectors replace it.
        """

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
        """`syevd` for each matrix of a stack."""

    def geev(
        self, dtype: DType, vectors: bool, n: int, a: int, w: int, v: int, info: int, stream: int
    ) -> None:
        """Write the eigenvalues of a square matrix, as complex numbers, and its eigenvectors.

        The eigenvectors have length 1. Those of a real matrix are real columns: for a pair of
        conjugate eigenvalues, which stand together with that of positive imaginary part first,
        they are the real part and the imaginary part of the first one's eigenvector. Without
        `vectors`, `v` is not used.
        """

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
        """Write the descending singular values and vectors of a matrix with ``m >= n``, by QR.

        `job` is ``"N"`` for no vectors, ``"S"`` for `u` of shape ``(m, n)``, ``"A"`` for
        ``(m, m)``; `vh` is V^H, ``(n, n)``.
        """

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
        """As `gesvd`, by a polar decomposition, and with V instead of V^H.

        `u` and `v` must have room also without `vectors`. The result is the size of the
        perturbation that a singular matrix got, and hence of the error of its singular values.
        The host waits.
        """

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
        """As `gesvdp` for a stack of matrices of at most 32 rows and columns, by Jacobi's method.

        `u` and `v` are square, and must have room also without `vectors`.
        """

    # Fourier transforms

    def transform(
        self, plan: Transform, source: int, result: int, inverse: bool, stream: int
    ) -> None:
        """Run a batch of Fourier transforms, unnormalised; `inverse` is the sign +1.

        `source` and `result` may be the same for C2C with equal layouts. Both are aligned to the
        size of a complex element, also where the elements are real.
        """
