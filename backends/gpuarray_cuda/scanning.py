"""Running sums and products along rows.

In: the address of contiguous rows. Out: each of them scanned, at another. A group of lanes walks
along a short row; longer ones are cut into tiles, which blocks scan in one pass over memory. The
order of combining depends on shape, dtype and alignment alone: equal inputs give equal bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray_cuda import tuning
from gpuarray_cuda.kernel_source import (
    ELEMENT_TYPES,
    constant,
    kernel_functions,
    kernel_source,
    type_name,
)

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["Beside", "Elements", "element_type", "scanned"]

DType = np.dtype[Any]

# Bytes that one instruction moves.
_VECTOR = 16
# The most elements of a vector in registers.
_REGISTER_WIDTH = 4
# Vectors of a lane that are on their way at once, in short rows.
_PIECES = 4
_GROUP_BLOCK = 256


class Beside(NamedTuple):
    """What a scan computes as it loads and stores: see `joined_scans`.

    `before` and `after` say which of the two there is. `members`, of the format `format` and with
    these `values`, belong to the arguments of its kernel; `functions` are in C++.
    """

    before: bool
    after: bool
    members: str
    functions: str
    format: str
    values: tuple[int | float, ...]


_NOTHING = Beside(False, False, "", "", "", ())


class Elements(NamedTuple):
    """What a user's scan combines; in the order of the elements, also of neighbouring parts.

    `functions` are C++: the templates ``nothing`` and ``combined`` of a type. `exclusive` says
    whether an element is left out of its own result.
    """

    functions: str
    exclusive: bool


def scanned(
    executor: Executor,
    dtype: DType,
    kind: str,
    source: int,
    target: int,
    rows: int,
    size: int,
    beside: Beside = _NOTHING,
    elements: Elements | None = None,
) -> None:
    """The running "sum" or "prod" of `rows` rows of `size` elements each, to `target`.

    What has no address, because it is computed beside the scan, is at 0. With `elements` it is a
    user's scan, of any `kind`, and has nothing beside it.
    """
    short = size <= tuning.SCAN_LONGEST_ROW
    width = _width(dtype, source, rows, size, _REGISTER_WIDTH if short else _VECTOR)
    constants = (
        type_name("T", ELEMENT_TYPES[dtype.name] if elements else element_type(dtype)),
        constant("PRODUCT", kind == "prod"),
        constant("WIDTH", width),
        constant("BEFORE", beside.before),
        constant("AFTER", beside.after),
        constant("EXCLUSIVE", elements is not None and elements.exclusive),
    )
    if short:
        _by_groups(executor, constants, width, source, target, rows, size, beside, elements)
    else:
        _by_tiles(executor, dtype, constants, source, target, rows, size, beside, elements)


def _by_groups(
    executor: Executor,
    constants: tuple[tuple[str, str], ...],
    width: int,
    source: int,
    result: int,
    rows: int,
    size: int,
    beside: Beside,
    elements: Elements | None,
) -> None:
    vectors = -(-size // width)
    group = min(1 << (vectors - 1).bit_length(), 32)
    pieces = min(-(-vectors // group), _PIECES)
    constants = (
        *constants,
        constant("BLOCK", _GROUP_BLOCK),
        constant("GROUP", group),
        constant("PIECES", pieces),
    )
    text = _source("scan_rows", constants, beside, elements)
    kernel = executor.runtime.compile(text, "gpuarray_scan_rows", "qqqq" + beside.format)
    grid = -(-rows // (_GROUP_BLOCK // group))
    values = (source, result, size, rows, *beside.values)
    executor.runtime.launch(kernel, grid, _GROUP_BLOCK, 0, executor.stream, values)


def _by_tiles(
    executor: Executor,
    dtype: DType,
    constants: tuple[tuple[str, str], ...],
    source: int,
    result: int,
    rows: int,
    size: int,
    beside: Beside,
    elements: Elements | None,
) -> None:
    runtime, stream = executor.runtime, executor.stream
    block = tuning.SCAN_BLOCK
    tiles = -(-size // (block * tuning.SCAN_BYTES // dtype.itemsize))
    # Totals of tiles, of each 32 and of each 1024 of them; a mark with every 4 bytes.
    totals = rows * (tiles + tiles // 32 + tiles // 1024)
    totals_bytes = 8 * max(dtype.itemsize // 4, 1) * totals
    work = executor.allocate(totals_bytes + 8)
    runtime.fill(work.pointer, work.nbytes, stream)
    most = tuning.SCAN_RESIDENT_COMPLEX if dtype.kind == "c" else tuning.SCAN_RESIDENT
    # As many resident blocks as registers suffice for.
    for resident in range(most, 0, -1):
        text = _source(
            "scan_tiles",
            (
                *constants,
                constant("BLOCK", block),
                constant("BYTES", tuning.SCAN_BYTES),
                constant("RESIDENT", resident),
                constant("ORDERED", elements is not None),
            ),
            beside,
            elements,
        )
        kernel = runtime.compile(text, "gpuarray_scan_tiles", "q" * 6 + beside.format)
        if kernel.local_bytes == 0:
            break
    values = (
        source,
        result,
        work.pointer,
        work.pointer + totals_bytes,
        size,
        tiles,
        *beside.values,
    )
    runtime.launch(kernel, rows * tiles, block, 0, stream, values)


def _source(
    kernel: str, constants: tuple[tuple[str, str], ...], beside: Beside, elements: Elements | None
) -> str:
    if elements is not None:
        functions = f"{elements.functions}\n{kernel_functions('scan_warps')}"
        return kernel_source(kernel, constants, "scan_loads", "scan_stores", functions=functions)
    uses = ["scan_elements", "scan_warps"]
    uses += [] if beside.before else ["scan_loads"]
    uses += [] if beside.after else ["scan_stores"]
    return kernel_source(
        kernel, constants, *uses, members=beside.members, functions=beside.functions
    )


def element_type(dtype: DType) -> str:
    """The C type; integers wrap alike, so that signed ones need no kernels of their own."""
    return f"u{8 * dtype.itemsize}" if dtype.kind == "i" else ELEMENT_TYPES[dtype.name]


def _width(dtype: DType, source: int, rows: int, size: int, most: int) -> int:
    """Elements that are moved at once: as many as every row's beginning is aligned for."""
    width = max(min(_VECTOR // dtype.itemsize, most), 1)
    while width > 1 and (source % (width * dtype.itemsize) or (rows > 1 and size % width)):
        width //= 2
    return width
