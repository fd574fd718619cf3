"""Kernels for what NVIDIA's libraries lack: triangles, determinants, orthogonal factors and others.

In: addresses of column-major matrices, in stacks without gaps where no distance is given. Out: work
enqueued on the stream of the calling thread. All sums are taken in a fixed order.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray_cuda.codegen.values import C_NAMES
from gpuarray_cuda.kernel_source import constant, kernel_source, type_name

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = [
    "clear_triangle",
    "complex_eigenvectors",
    "determinants",
    "make_real_ends",
    "orthogonal_factors",
    "reflectors",
    "unit_matrices",
]

DType = np.dtype[Any]

BLOCK = 256
# The C types of the parts of complex elements.
_REAL = {"c64": "f32", "c128": "f64"}
# Elements of a column that a thread clears; longer columns than a block's have blocks of their own.
_TRIANGLE_ITEMS = 4


def clear_triangle(
    executor: Executor,
    dtype: DType,
    matrices: int,
    rows: int,
    columns: int,
    distance: int,
    count: int,
    upper: bool,
) -> None:
    """Set what is strictly above (or below) the diagonal of each matrix to zero."""
    size = count * rows * columns
    long = rows >= BLOCK * _TRIANGLE_ITEMS
    parts = -(-rows // (BLOCK * _TRIANGLE_ITEMS))
    blocks = count * columns * parts if long else -(-size // BLOCK)
    constants = (
        type_name("T", C_NAMES[dtype]),
        constant("BLOCK", BLOCK),
        constant("ITEMS", _TRIANGLE_ITEMS),
        constant("LONG", long),
    )
    values = (matrices, rows, columns, distance, size, int(upper))
    name = "gpuarray_matrix_triangle"
    kernel = executor.runtime.compile(kernel_source("matrix_triangle", constants), name, "q" * 6)
    executor.runtime.launch(kernel, blocks, BLOCK, 0, executor.stream, values)


def unit_matrices(executor: Executor, dtype: DType, matrices: int, n: int, count: int) -> None:
    """Write a stack of unit matrices."""
    size = count * n * n
    _launch(executor, "matrix_unit", dtype, size, BLOCK, (matrices, n, size))


def orthogonal_factors(
    executor: Executor, dtype: DType, matrices: int, tau: int, m: int, n: int, k: int, count: int
) -> None:
    """As `Libraries.orgqr`, for each matrix of a stack, by a block each."""
    values = (matrices, tau, m, n, k)
    _launch(executor, "matrix_orthogonal", dtype, count, 1, values, "matrix_reflect")


def reflectors(
    executor: Executor,
    dtype: DType,
    matrices: int,
    tau: int,
    m: int,
    n: int,
    distance: int,
    count: int,
) -> None:
    """As `Libraries.geqrf`, for each matrix of a stack, by a block each; tau has no gaps.

    The matrices are `distance` elements apart.
    """
    element = C_NAMES[dtype]
    constants = (
        type_name("T", element),
        type_name("R", _REAL.get(element, element)),
        constant("BLOCK", BLOCK),
    )
    name = "gpuarray_matrix_reflectors"
    text = kernel_source("matrix_reflectors", constants, "matrix_reflect")
    kernel = executor.runtime.compile(text, name, "q" * 5)
    values = (matrices, tau, m, n, distance)
    executor.runtime.launch(kernel, count, BLOCK, 0, executor.stream, values)


def complex_eigenvectors(
    executor: Executor, dtype: DType, packed: int, values: int, vectors: int, n: int, count: int
) -> None:
    """The complex columns that the real ones of `Libraries.geev` stand for."""
    size = count * n * n
    arguments = (packed, values, vectors, n, size)
    _launch(executor, "matrix_eigenvectors", dtype, size, BLOCK, arguments)


def make_real_ends(
    executor: Executor, dtype: DType, x: int, shape: tuple[int, ...], axis: int, even: bool
) -> None:
    """Clear the imaginary parts of the first, and if `even` the last, elements along an axis.

    `x` is contiguous.
    """
    inner = math.prod(shape[axis + 1 :])
    lines = math.prod(shape[:axis]) * inner
    values = (x, lines, inner, shape[axis], int(even))
    _launch(executor, "spectrum_ends", dtype, lines, BLOCK, values)


def determinants(
    executor: Executor,
    dtype: DType,
    factors: int,
    pivots: int,
    pivot_bytes: int,
    info: int,
    n: int,
    count: int,
    values: int,
    logarithms: int,
) -> None:
    """Determinants from LU factors; their signs and logarithms, if `logarithms` is an address."""
    name = "gpuarray_matrix_determinant"
    text = _determinant_source(dtype, pivot_bytes, logarithms != 0)
    kernel = executor.runtime.compile(text, name, "q" * 7)
    arguments = (factors, pivots, info, n, count, values, logarithms)
    blocks = -(-count // (BLOCK // 32))
    executor.runtime.launch(kernel, blocks, BLOCK, 0, executor.stream, arguments)


def _launch(
    executor: Executor,
    file: str,
    dtype: DType,
    size: int,
    per_block: int,
    values: tuple[int, ...],
    *uses: str,
) -> None:
    constants = (type_name("T", C_NAMES[dtype]), constant("BLOCK", BLOCK))
    text = kernel_source(file, constants, *uses)
    kernel = executor.runtime.compile(text, f"gpuarray_{file}", "q" * len(values))
    executor.runtime.launch(kernel, -(-size // per_block), BLOCK, 0, executor.stream, values)


@functools.cache
def _determinant_source(dtype: DType, pivot_bytes: int, logarithm: bool) -> str:
    element = C_NAMES[dtype]
    constants = (
        type_name("T", element),
        type_name("R", _REAL.get(element, element)),
        type_name("W", "c128" if element in ("c64", "c128") else "f64"),
        type_name("PIVOT", "i64" if pivot_bytes == 8 else "i32"),
        constant("LOGARITHM", logarithm),
        constant("BLOCK", BLOCK),
    )
    return kernel_source("matrix_determinant", constants)
