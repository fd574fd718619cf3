"""Compaction: the elements that a mask selects, or where it holds; the distinct among sorted ones.

In: a contiguous mask of bytes or bits, or sorted elements, on a device. Out: a buffer of elements
or of ascending positions, and how many. Three kernels: each tile counts its elements, one block
sums the counts up, each tile writes from there on. Only the total goes to the host, for the size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray_cuda import tuning
from gpuarray_cuda.buffer import CudaBuffer
from gpuarray_cuda.kernel_source import ELEMENT_TYPES, constant, kernel_source, type_name

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["distinct", "nonzero", "nonzero_bits", "selected", "selected_by_bits", "source"]

DType = np.dtype[Any]

# What is moved is not looked at: one kernel for all dtypes of a size.
_MOVED = {1: "u8", 2: "u16", 4: "u32", 8: "u64", 16: "vec_t<u64, 2>"}
# Elements of a thread.
_ITEMS = 16
_OFFSETS_BLOCK = 1024


def source(runs: str = "", moved: str = "i64", bits: bool = False) -> str:
    """The three kernels.

    Parameters
    ----------
    runs : str, optional
        The C type of the elements, where equal ones form runs; a mask otherwise.
    moved : str, optional
        The C type of what is written: that of the elements, or "i64" for positions.
    bits : bool, optional
        Whether a mask is one of bits, 32 to a word, and not of bytes.
    """
    constants = (
        type_name("T", runs or "u8"),
        type_name("MOVED", moved),
        constant("RUNS", bool(runs)),
        constant("BITS", bits),
        constant("POSITIONS", moved == "i64" and not runs),
        constant("BLOCK", tuning.COMPACT_BLOCK),
    )
    return kernel_source("compact", constants)


def nonzero(
    executor: Executor, buffer: CudaBuffer, offset: int, size: int
) -> tuple[CudaBuffer, int]:
    """The positions of the nonzero bytes among `size` from byte `offset` of `buffer` on."""
    if size == 0:
        return executor.allocate(0), 0
    mask = buffer.read_on(executor.stream) + offset
    found = _compacted(executor, source(), source(), mask, 0, 8, size)
    if not buffer.exclusive:
        executor.let_others_wait(executor.stream)
    return found


def selected(
    executor: Executor, dtype: DType, elements: int, mask: int, size: int
) -> tuple[CudaBuffer, int]:
    """Those of `size` elements whose byte of the mask is not zero."""
    text = source(moved=_MOVED[dtype.itemsize])
    return _compacted(executor, source(), text, mask, elements, dtype.itemsize, size)


def nonzero_bits(executor: Executor, bits: int, size: int) -> tuple[CudaBuffer, int]:
    """The positions of those of `size` bits, 32 to a word, that are set."""
    text = source(bits=True)
    return _compacted(executor, text, text, bits, 0, 8, size)


def selected_by_bits(
    executor: Executor, dtype: DType, elements: int, bits: int, size: int
) -> tuple[CudaBuffer, int]:
    """Those of `size` elements whose bit, 32 to a word, is set."""
    text = source(moved=_MOVED[dtype.itemsize], bits=True)
    return _compacted(executor, source(bits=True), text, bits, elements, dtype.itemsize, size)


def distinct(executor: Executor, dtype: DType, ordered: int, size: int) -> tuple[CudaBuffer, int]:
    """The first of each run of equal elements among `size` sorted ones; each NaN is one."""
    text = source(ELEMENT_TYPES[dtype.name], ELEMENT_TYPES[dtype.name])
    return _compacted(executor, text, text, ordered, ordered, dtype.itemsize, size)


def _compacted(
    executor: Executor,
    counting: str,
    text: str,
    flags: int,
    elements: int,
    itemsize: int,
    size: int,
) -> tuple[CudaBuffer, int]:
    """`counting` is the source whose first kernel counts, `text` that whose last one writes."""
    runtime, stream = executor.runtime, executor.stream
    bits = counting == source(bits=True)
    name = "gpuarray_count_bits" if bits else "gpuarray_count"
    count = runtime.compile(counting, name, "qqqqq")
    offsets = runtime.compile(source(), "gpuarray_offsets", "qqqqq")
    compact = runtime.compile(text, "gpuarray_compact", "qqqqq")
    block = tuning.COMPACT_BLOCK
    tiles = -(-size // (block * _ITEMS))
    work = executor.allocate(8 * (tiles + 1))
    # A warp counts the bits of a tile, a block its bytes or elements.
    grid = -(-tiles // (block // 32)) if bits else tiles
    runtime.launch(count, grid, block, 0, stream, (flags, 0, work.pointer, 0, size))
    runtime.launch(offsets, 1, _OFFSETS_BLOCK, 0, stream, (0, 0, work.pointer, 0, tiles))
    total = np.zeros(1, np.int64)
    runtime.copy_out(total, work.pointer + 8 * tiles, stream)
    found = executor.allocate(itemsize * int(total[0]))
    if total[0]:
        values = (flags, elements, work.pointer, found.pointer, size)
        runtime.launch(compact, tiles, block, 0, stream, values)
    return found, int(total[0])
