"""Sorting rows: which kernel for which length.

In: the address of contiguous rows. Out: a buffer with each of them sorted, or with the positions
that sort it. Rows that fit a warp's registers or a block's shared memory are read and written once;
longer ones go to `radix`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray_cuda import tuning
from gpuarray_cuda.kernel_source import constant, kernel_source
from gpuarray_cuda.sorting.keys import DIGITS, Order
from gpuarray_cuda.sorting.radix import sort_tiles
from gpuarray_cuda.tuning import Tile

if TYPE_CHECKING:
    from gpuarray_cuda.buffer import CudaBuffer
    from gpuarray_cuda.executor import Executor

__all__ = ["sorted_rows"]


def sorted_rows(executor: Executor, order: Order, source: int, rows: int, size: int) -> CudaBuffer:
    """`rows` rows of `size` elements each, sorted; int64 where the order gives positions."""
    itemsize = 8 if order.positions else order.dtype.itemsize
    result = executor.allocate(rows * size * itemsize)
    if size <= tuning.LONGEST_GROUP:
        _by_groups(executor, order, source, result.pointer, rows, size)
        return result
    for tile in tuning.SORT_ROWS:
        shared = _shared_bytes(order, tile)
        if size <= tile.block * tile.items and _fits(executor, tile, shared):
            _by_blocks(executor, order, tile, shared, source, result.pointer, rows, size)
            return result
    sort_tiles(executor, order, source, result.pointer, rows, size)
    return result


def _by_groups(
    executor: Executor, order: Order, source: int, result: int, rows: int, size: int
) -> None:
    lanes = 1 << (size - 1).bit_length()
    group, each = min(lanes, 32), max(lanes // 32, 1)
    block = tuning.SORT_GROUP_BLOCK
    constants = (
        *order.constants(plain_zeros=True),
        constant("BLOCK", block),
        constant("GROUP", group),
        constant("EACH", each),
    )
    text = kernel_source("sort_groups", constants, "sort_keys")
    kernel = executor.runtime.compile(text, "gpuarray_sort_groups", "qqqq")
    grid = -(-rows // (block // group))
    executor.runtime.launch(kernel, grid, block, 0, executor.stream, (source, result, size, rows))


def _by_blocks(
    executor: Executor,
    order: Order,
    tile: Tile,
    shared: int,
    source: int,
    result: int,
    rows: int,
    size: int,
) -> None:
    constants = (
        *order.constants(plain_zeros=order.positions),
        constant("BLOCK", tile.block),
        constant("ITEMS", tile.items),
    )
    text = kernel_source("sort_rows", constants, "sort_keys", "sort_ranking")
    kernel = executor.runtime.compile(text, "gpuarray_sort_rows", "qqq")
    values = (source, result, size)
    executor.runtime.launch(kernel, rows, tile.block, shared, executor.stream, values)


def _shared_bytes(order: Order, tile: Tile) -> int:
    """Counters of each warp and digit, keys, and 2 bytes for a position."""
    moved = order.dtype.itemsize + (2 if order.positions else 0)
    return tile.block // 32 * DIGITS * 4 + tile.block * tile.items * moved


def _fits(executor: Executor, tile: Tile, shared: int) -> bool:
    static = tile.block // 32 * 4
    return shared + static <= executor.runtime.properties.shared_bytes_per_block
