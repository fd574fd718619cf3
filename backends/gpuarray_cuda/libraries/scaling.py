"""Matrices of very large or very small elements, whose squares would overflow or vanish.

In: stacks of packed matrices. Out: the same divided by powers of two, which costs no digit, and
results multiplied by them again. LAPACK does this itself, NVIDIA's libraries mostly don't: QR
factors of matrices near 1e37 were NaN, and `gesvdp` refused them (H100, cuSOLVER 12.0.4, 2026-11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray_cuda.buffer import CudaBuffer
from gpuarray_cuda.codegen.values import C_NAMES
from gpuarray_cuda.kernel_source import constant, kernel_source, type_name

from .matrices import NOT_FINITE, Stack, raise_for

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["SAFE_PIVOTS", "largest", "require_finite", "restore", "scale"]

DType = np.dtype[Any]

BLOCK = 256
# Squares of elements within 2**-SAFE and 2**SAFE are far from the ends of the range (2**-126 and
# 2**127, 2**-1022 and 2**1023), and so are sums of millions of them and squares of their roundings.
SAFE = {"f32": 40, "f64": 400}
# Of pivots, single squares alone have to be numbers. Where large and small ones stand in one
# matrix, to bring the large ones near 1 would lose the small ones.
SAFE_PIVOTS = {"f32": 60, "f64": 500}
_INFINITY = np.array(np.inf).view(np.uint64)[()]


def largest(executor: Executor, x: Stack, lower: bool = False) -> CudaBuffer:
    """The bits, as a float64's, of the largest absolute value of each matrix.

    With `lower`, of those on and below its diagonal.
    """
    found = executor.allocate(8 * x.matrices)
    executor.runtime.fill(found.pointer, found.nbytes, executor.stream)
    _launch(executor, "matrix_largest", x, found, lower, SAFE)
    return found


def scale(executor: Executor, x: Stack, sizes: CudaBuffer, safe: dict[str, int] = SAFE) -> None:
    """Bring the elements of each matrix near 1, if they are far from it; `sizes`: see `largest`."""
    _launch(executor, "matrix_scale", x, sizes, False, safe)


def restore(executor: Executor, x: Stack, sizes: CudaBuffer, safe: dict[str, int] = SAFE) -> None:
    """Undo `scale` in what is proportional to the matrices that it scaled."""
    _launch(executor, "matrix_scale", x, sizes, True, safe)


def require_finite(
    executor: Executor, name: str, x: Stack, lower: bool = False
) -> CudaBuffer | None:
    """Wait for the elements of `x`, and scale them where an iteration needs that.

    With `lower`, what is above the diagonals does not count.

    Returns
    -------
    CudaBuffer or None
        What to `restore` by; None where nothing was scaled.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix has infinities or NaN, on which an iteration would not end well.
    """
    found = largest(executor, x, lower)
    bits = np.empty(x.shape, np.uint64)
    executor.runtime.copy_out(bits, found.pointer, executor.stream)
    raise_for(name, bits >= _INFINITY, NOT_FINITE)
    bound = 2.0 ** SAFE[_real(x.dtype)]
    values = bits.view(np.float64)
    if not np.any((values >= 2 * bound) | ((values != 0) & (values < 1 / bound))):
        return None
    scale(executor, x, found)
    return found


def _real(dtype: DType) -> str:
    return "f32" if dtype in (np.float32, np.complex64) else "f64"


def _launch(
    executor: Executor, file: str, x: Stack, sizes: CudaBuffer, option: bool, safe: dict[str, int]
) -> None:
    constants = (
        type_name("T", C_NAMES[x.dtype]),
        constant("BLOCK", BLOCK),
        constant("SAFE", safe[_real(x.dtype)]),
    )
    size = x.matrices * x.rows * x.columns
    values = (x.pointer, sizes.pointer, x.rows, x.columns, x.distance, size, int(option))
    kernel = executor.runtime.compile(
        kernel_source(file, constants), f"gpuarray_{file}", "q" * len(values)
    )
    executor.runtime.launch(kernel, -(-size // BLOCK), BLOCK, 0, executor.stream, values)
