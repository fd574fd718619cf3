"""How the threads of a device divide a reduction, by its program and its sizes.

In: a step and the number of multiprocessors. Out: a `Shape`, a `RowShape` or a `BlockShape`.
Nothing that an operation does to its values is looked at but their sizes, so that the same rows are
folded in the same order whatever else is computed of them.
"""

from __future__ import annotations

import math

from gpuarray.graph.program import result_dtype
from gpuarray.plugins import Program, Step
from gpuarray_cuda.codegen.reduction import BLOCK, BlockShape, RowShape, Shape
from gpuarray_cuda.codegen.row_points import MOST_SHARED_POINTS, SHARED_GRAIN
from gpuarray_cuda.codegen.walks import held_bytes, shared_bytes
from gpuarray_cuda.reduction_blocks import block_shape, column_blocks

__all__ = ["SMALLEST_PART", "TICKETS", "reduction_shape", "shared_row_bytes"]

# Results beyond this number keep all multiprocessors busy without splitting any.
_TILES_PER_MULTIPROCESSOR = 4
# A part smaller than this is not worth a block of its own.
SMALLEST_PART = 8192
TICKETS = 1 << 16
# Rows longer than this get a block each, shorter ones a warp or less.
_BLOCK_ROW = 4096

# Bytes that a thread has in flight: four loads of 16 keep the bus full.
_LOADED_BYTES = 64
# Bytes of a row that its threads read at once, at least: two sectors.
_SIDE_BY_SIDE = 64
# Points that a thread computes, at most, and bytes that it keeps of them from stage to stage: layer
# norm of rows of 32768 float32 takes all of 128 registers (sm_90, NVRTC 13.5). With values of eight
# bytes at work it would spill.
_MOST_POINTS = 64
_HELD_BYTES = 256
_HELD_BYTES_WIDE = 192
# Threads that share a row. With 1024 of up to 64 registers each, only one row would be at work.
_MOST_THREADS = 512
# Those of a row in shared memory, which is alone on its multiprocessor, so that they have to keep
# the bus full; with values of eight bytes 1024 threads would spill. Beside it there is room for
# what they merge.
_SHARED_THREADS = 1024
_SHARED_THREADS_WIDE = 512
_MERGED_BYTES = 8 << 10
# Values of a vector, in bytes: more lanes at once would spill.
_VECTOR_BYTES = 64
# Computations of a point, beyond which a thread takes half as many points, and a quarter.
_LONG_BODIES = (24, 72)


def reduction_shape(step: Step, multiprocessors: int, shared: int) -> Shape | RowShape | BlockShape:
    """Rows or columns, how wide, and whether one result takes several blocks.

    `shared` is the shared memory that a block may have, in bytes.
    """
    program = step.program
    results = math.prod(step.shape[: program.kept])
    elements = math.prod(step.shape[program.kept :])
    if len(program.stages) > 1:
        return _row_shape(step, elements, shared)
    row_bytes = _contiguous_bytes(program, program.kept + program.reduced - 1)
    column_bytes = _contiguous_bytes(program, program.kept - 1)
    loads = [i[2] for i in program.body if i[0] == "load"]
    largest = max((program.accesses[k].dtype.itemsize for k in loads), default=8)
    width = max(16 // largest, 1)

    def worth_splitting(tiles: int, smallest: int) -> bool:
        few = multiprocessors * _TILES_PER_MULTIPROCESSOR
        return tiles < few and tiles <= TICKETS and elements >= 2 * smallest

    if column_bytes > row_bytes and results > 1:
        inner = step.shape[program.kept - 1]
        while inner % width:
            width //= 2
        vectors = results // width
        group = min(32, 1 << max(vectors - 1, 0).bit_length())
        tiles = -(-results // (group * width))
        shape = Shape(True, width, group, worth_splitting(tiles, 32))
        return column_blocks(step, shape, multiprocessors)
    if program.reduced and elements and row_bytes and not worth_splitting(results, SMALLEST_PART):
        row = _row_shape(step, elements, shared)
        if row.held:
            return block_shape(step, row, multiprocessors) or row
    if program.reduced == 0 or row_bytes == 0:
        width = 1
    elif program.reduced > 1:
        width = min(width, program.divisors[1])
    if results == 1 or elements >= _BLOCK_ROW:
        return Shape(False, width, BLOCK, worth_splitting(results, SMALLEST_PART))
    vectors = max(-(-elements // width), 1)
    return Shape(False, width, min(32, 1 << (vectors - 1).bit_length()), False)


def shared_row_bytes(program: Program, elements: int) -> int:
    """The shared memory that a row takes whose values are held there."""
    return -(-elements // SHARED_GRAIN) * SHARED_GRAIN * shared_bytes(program)


def _row_shape(step: Step, elements: int, shared: int) -> RowShape:
    """How a few threads share a row, and whether they can hold it."""
    program = step.program
    width = _row_width(step)
    held = held_bytes(program)
    computed = sum(i[0] not in ("scalar", "load") for s in program.stages for i in s.body)
    usual = max(_LOADED_BYTES // _largest_load(program), 1)
    usual = min(usual, _MOST_POINTS) >> sum(computed > long for long in _LONG_BODIES)
    wide = any(result_dtype(i).itemsize >= 8 for s in program.stages for i in s.body)
    room = _HELD_BYTES_WIDE if wide else _HELD_BYTES
    most = usual
    if held:
        most = min(_MOST_POINTS, room // held)
        usual = min(usual, _HELD_BYTES // 2 // held)
    points = max(min(usual, most), width)
    group = _power(-(-elements // points))
    # Fewer threads would leave holes in what a warp reads at once.
    side_by_side = max(_SIDE_BY_SIDE // (width * _largest_load(program)), 1)
    group = max(group, min(side_by_side, _power(-(-elements // width))))
    if group > _MOST_THREADS:
        group, points = _MOST_THREADS, max(most, width)
    vectors = -(-elements // (group * width))
    if vectors * width > points or held * width > room:
        usual = max(usual // width, 1)
        if (
            0 < shared_row_bytes(program, elements) <= shared - _MERGED_BYTES
            and elements <= MOST_SHARED_POINTS
        ):
            threads = _SHARED_THREADS_WIDE if wide else _SHARED_THREADS
            return RowShape(width, threads, usual, False, True)
        return RowShape(width, group, usual, False)
    # Few different numbers, since each is a kernel of its own.
    step_size = 1 << max((vectors - 1).bit_length() - 2, 0)
    return RowShape(width, group, -(-vectors // step_size) * step_size, True)


def _power(n: int) -> int:
    """The smallest power of two that is not less than a positive number."""
    return 1 << (n - 1).bit_length()


def _row_width(step: Step) -> int:
    """Elements of a vector: whole ones along each row, and not more than 16 bytes of anything."""
    program = step.program
    last = program.kept + program.reduced - 1
    # What a row is read from and written to, a vector at a time.
    along = [
        access
        for access in program.accesses
        if (last, -1) in access.terms.axes and not access.terms.values
    ]
    if not along:
        return 1
    width = 16 // max(access.dtype.itemsize for access in along)
    largest = max(result_dtype(i).itemsize for s in program.stages for i in s.body)
    while width * largest > _VECTOR_BYTES:
        width //= 2
    while width > 1 and (
        step.shape[last] % width
        or not any(access.alignment >= width * access.dtype.itemsize for access in along)
    ):
        width //= 2
    return width


def _largest_load(program: Program) -> int:
    loads = [i[2] for s in program.stages for i in s.body if i[0] == "load"]
    return max((program.accesses[k].dtype.itemsize for k in loads), default=8)


def _contiguous_bytes(program: Program, axis: int) -> int:
    """Bytes per point that unguarded loads take contiguously along a loop axis."""
    total = 0
    for instruction in program.body:
        if instruction[0] == "load":
            access = program.accesses[instruction[2]]
            if (axis, -1) in access.terms.axes and not access.terms.values:
                total += access.dtype.itemsize
    return total
