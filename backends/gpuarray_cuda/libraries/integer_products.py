"""Products of integer and boolean matrices, which no library of NVIDIA's has.

In: stacks of matrices with any strides. Out: their products, row-major. Integers wrap; of
booleans the product is "and" and the sum "or".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray_cuda.codegen.values import C_NAMES
from gpuarray_cuda.kernel_source import constant, kernel_source, type_name

from .copying import merged, padded
from .matrices import rows_are_stored

if TYPE_CHECKING:
    from gpuarray.graph.node import Layout
    from gpuarray_cuda.executor import Executor

__all__ = ["integer_product"]

DType = np.dtype[Any]

BLOCK = 256
# Rows and columns of a block's tile of the product, and elements of a row of A that it keeps.
TILE, DEPTH = 64, 16


def integer_product(
    executor: Executor, a: int, a_layout: Layout, b: int, b_layout: Layout, c: int
) -> None:
    """Write the products of ``(..., m, k)`` and ``(..., k, n)`` to `c`, contiguous.

    The stack has at most `MOST_AXES` axes, after those that follow each other are merged.
    """
    *stack, m, k = a_layout.shape
    n = b_layout.shape[-1]
    axes = merged(stack, a_layout.strides[:-2], b_layout.strides[:-2])
    across, down = -(-n // TILE), -(-m // TILE)
    text = _source(a_layout.dtype, len(axes), rows_are_stored(a_layout), rows_are_stored(b_layout))
    values = (
        *(a, b, c, m, n, k, *a_layout.strides[-2:], *b_layout.strides[-2:], across, down),
        *padded(axes),
    )
    kernel = executor.runtime.compile(text, "gpuarray_integer_product", "q" * len(values))
    blocks = across * down * math.prod(axis.extent for axis in axes)
    executor.runtime.launch(kernel, blocks, BLOCK, 0, executor.stream, values)


def _source(dtype: DType, axes: int, a_by_rows: bool, b_by_rows: bool) -> str:
    # Modulo 2**32 and 2**64 the products of smaller and of signed integers are the same.
    constants = (
        type_name("T", C_NAMES[dtype]),
        type_name("W", "u64" if dtype.itemsize == 8 else "u32"),
        *(constant("AXES", axes), constant("TILE", TILE), constant("DEPTH", DEPTH)),
        *(constant("BLOCK", BLOCK), constant("LOGICAL", dtype.kind == "b")),
        *(constant("A_BY_ROWS", a_by_rows), constant("B_BY_ROWS", b_by_rows)),
    )
    return kernel_source("integer_product", constants)
