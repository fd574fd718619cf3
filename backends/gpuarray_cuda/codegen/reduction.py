"""Reduction kernels: a program with reductions, over rows, columns, or everything.

In: a program and a `Shape`, which says how threads divide the work. Out: a kernel's source. The
body of the program is the load of the reduction and the epilogue its store. One launch does it
all: where a result is split over several blocks, the block that finishes last merges their parts,
in the order of their numbers, so that the bits never depend on timing.

Four layouts of a block:

rows      the innermost reduced axis is contiguous: `group` threads share a result and walk along
          it, `width` elements at a time
columns   the innermost kept axis is contiguous: `group` threads stand side by side, each with
          `width` results, and the rest of the block takes other elements of the same results
staged    as rows, but `group` threads hold a row whole (see `staged`): what is not split, and all
          programs of several stages
blocked   as staged, but the threads of a row have several of them, for which they read what these
          share once (see `blocked`)
"""

from __future__ import annotations

from collections.abc import Mapping

from gpuarray.operations import Operation
from gpuarray.plugins import Program
from gpuarray_cuda.codegen.blocked import blocked
from gpuarray_cuda.codegen.blocks import BlockShape
from gpuarray_cuda.codegen.columns import ColumnsWriter
from gpuarray_cuda.codegen.reduction_writer import BLOCK, NAME, Reduce, Shape
from gpuarray_cuda.codegen.row_points import RowShape
from gpuarray_cuda.codegen.rows import RowsWriter
from gpuarray_cuda.codegen.staged import staged

__all__ = ["BLOCK", "NAME", "BlockShape", "Reduce", "RowShape", "Shape", "reduction"]


def reduction(
    program: Program,
    operations: Mapping[str, Operation],
    shape: Shape | RowShape | BlockShape,
    resident: int = 0,
) -> Reduce:
    """The kernel of a program with reductions; `resident` is as in `signature`."""
    if isinstance(shape, BlockShape):
        return blocked(program, operations, shape, resident)
    if isinstance(shape, RowShape):
        return staged(program, operations, shape, resident)
    writer = ColumnsWriter if shape.columns else RowsWriter
    return writer(program, operations, shape, resident).kernel()
