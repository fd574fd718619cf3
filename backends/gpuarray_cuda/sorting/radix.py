"""Radix sort of long rows, 8 bits a pass, from the least significant digit on.

In: the address of contiguous rows. Out: the rows sorted, or the positions that sort them. One
kernel counts all digits, one plans, and then each pass is one kernel that reads and writes every
element once. A pass that would move nothing, because all elements of a row share the digit, is left
out for that row; the device decides that, so that the host never waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray_cuda import tuning
from gpuarray_cuda.kernel_source import constant, kernel_source, type_name
from gpuarray_cuda.sorting.keys import DIGITS, Order
from gpuarray_cuda.tuning import Tile

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor
    from gpuarray_cuda.kernel_interface import Kernel

__all__ = ["sort_tiles"]

# Bits of a plan, which the kernels share.
_PLAN = tuple(constant(name, 1 << k) for k, name in enumerate(("ACTIVE", "FIRST", "LAST", "TO_B")))
# Two bits of a counter say what it counts.
_NARROW = 1 << 30
_NARROW_POSITIONS = 1 << 32
_HISTOGRAM_PART = 1 << 14


def sort_tiles(
    executor: Executor, order: Order, source: int, result: int, rows: int, size: int
) -> None:
    """Sort rows of any length into `result`, which is no part of `source`."""
    runtime, stream = executor.runtime, executor.stream
    passes, itemsize = order.passes, order.dtype.itemsize
    tile = tuning.SORT_TILES[itemsize, order.positions]
    elements = tile.block * tile.items
    tiles = -(-size // elements)
    count_bytes = 4 if size < _NARROW else 8
    # Of a position that is carried along.
    position_bytes = (4 if size <= _NARROW_POSITIONS else 8) if order.positions else 0

    counts_bytes = rows * passes * DIGITS * count_bytes
    plans_bytes = rows * passes * 8
    tickets_bytes = passes * 8
    states_bytes = rows * tiles * DIGITS * count_bytes
    work = executor.allocate(counts_bytes + plans_bytes + tickets_bytes + passes * states_bytes)
    counts = work.pointer
    plans = counts + counts_bytes
    tickets = plans + plans_bytes
    states = tickets + tickets_bytes
    runtime.fill(work.pointer, work.nbytes, stream)

    common = (
        *order.constants(plain_zeros=order.positions),
        type_name("COUNT", f"u{8 * count_bytes}"),
        *_PLAN,
    )
    histogram = _compiled(executor, "histogram", 5, tuning.HISTOGRAM, common)
    plan = _compiled(executor, "plan", 3, Tile(DIGITS, 1), common)
    common = (
        *common,
        type_name("POSITION", f"u{8 * (position_bytes or 4)}"),
        constant("WINDOW", tuning.SORT_WINDOW),
    )
    one_pass = _compiled(executor, "pass", 13, tile, common)

    parts = _histogram_parts(executor, rows, size)
    values: tuple[int, ...] = (source, counts, size, parts, -(-size // parts))
    runtime.launch(histogram, rows * parts, tuning.HISTOGRAM.block, 0, stream, values)
    runtime.launch(plan, rows, DIGITS, 0, stream, (counts, plans, size))

    # Keys go from the input to a and b by turns. The last pass writes elements to a, which is the
    # result, or only positions, and then a is there for three passes and more.
    total = rows * size
    keys_a = executor.allocate(total * itemsize if order.positions and passes > 2 else 0)
    keys_b = executor.allocate(total * itemsize if passes > 1 else 0)
    positions_a = executor.allocate(total * position_bytes if passes > 2 else 0)
    positions_b = executor.allocate(total * position_bytes if passes > 1 else 0)
    shared = tile.block // 32 * DIGITS * 4 + elements * (itemsize + position_bytes)
    for number in range(passes):
        values = (
            *(source, keys_a.pointer if order.positions else result, keys_b.pointer),
            *(positions_a.pointer, positions_b.pointer, result),
            *(counts, plans, states + number * states_bytes, tickets),
            *(number, size, tiles),
        )
        runtime.launch(one_pass, rows * tiles, tile.block, shared, stream, values)


def _compiled(
    executor: Executor,
    name: str,
    arguments: int,
    tile: Tile,
    common: tuple[tuple[str, str], ...],
) -> Kernel:
    """The kernel, with as many resident blocks as registers suffice for."""
    for resident in range(tile.resident, 0, -1):
        constants = (
            *common,
            constant("BLOCK", tile.block),
            constant("ITEMS", tile.items),
            constant("RESIDENT", resident),
        )
        text = kernel_source(f"sort_{name}", constants, "sort_keys", "sort_ranking")
        kernel = executor.runtime.compile(text, f"gpuarray_sort_{name}", "q" * arguments)
        if kernel.local_bytes == 0:
            break
    return kernel


def _histogram_parts(executor: Executor, rows: int, size: int) -> int:
    """Blocks that count one row."""
    blocks = executor.runtime.properties.multiprocessors * tuning.HISTOGRAM_BLOCKS
    return max(min(-(-size // _HISTOGRAM_PART), blocks // rows), 1)
