"""Binary search.

In: the addresses of ascending elements and of values, both contiguous and of one dtype. Out: a
buffer with the position of each value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray_cuda import tuning
from gpuarray_cuda.kernel_source import ELEMENT_TYPES, constant, kernel_source, type_name

if TYPE_CHECKING:
    from gpuarray_cuda.buffer import CudaBuffer
    from gpuarray_cuda.executor import Executor

__all__ = ["searched"]

DType = np.dtype[Any]


def searched(
    executor: Executor,
    dtype: DType,
    right: bool,
    elements: int,
    size: int,
    values: int,
    count: int,
) -> CudaBuffer:
    """For each of `count` values, how many of `size` elements are below it, as int64.

    With `right`, those that are equal to it count, too. NaN is above all numbers.
    """
    block = tuning.SEARCH_BLOCK
    constants = (
        type_name("T", ELEMENT_TYPES[dtype.name]),
        constant("RIGHT", right),
        constant("BLOCK", block),
    )
    text = kernel_source("search", constants)
    kernel = executor.runtime.compile(text, "gpuarray_search", "q" * 5)
    result = executor.allocate(8 * count)
    arguments = (elements, values, result.pointer, size, count)
    executor.runtime.launch(kernel, -(-count // block), block, 0, executor.stream, arguments)
    return result
