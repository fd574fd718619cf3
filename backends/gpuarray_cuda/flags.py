"""Flags: the bools that a task computes, as bits.

In: a task with one output, bools in row-major order, which is not to be stored. Out: a buffer of
32-bit words, the first element in the lowest bit of the first; bits past the last one are 0. A
mask of bytes would cost eight times as much memory, and the time to write and read it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from gpuarray_cuda.buffer import CudaBuffer
from gpuarray_cuda.codegen import patches
from gpuarray_cuda.scalars import append_scalar

if TYPE_CHECKING:
    from gpuarray.plugins import Task
    from gpuarray_cuda.executor import Executor

__all__ = ["flags"]


def flags(executor: Executor, task: Task) -> CudaBuffer | None:
    """The bits of a task's bools; None where its kernel is one that goes by patches."""
    step, stream = task.step, executor.stream
    if patches.patch(step) is not None:
        return None
    launch = step.prepared.get((executor, "bits"))
    if launch is None:
        launch = step.prepared[executor, "bits"] = executor.prepare_elementwise(step, "bits")
    found = executor.allocate(4 * -(-math.prod(step.shape) // 32))
    addresses = [cast(CudaBuffer, b).read_on(stream) + offset for b, offset in task.inputs]
    addresses.append(found.pointer)
    values: list[Any] = [addresses[k] + offset for k, offset in launch.pointers]
    if not values:
        values += addresses
    values += launch.sizes
    for k, dtype, _ in launch.scalars:
        append_scalar(values, task.scalars[k], dtype)
    executor.runtime.launch(launch.kernel, launch.grid, launch.block, 0, stream, values)
    if not all(buffer.exclusive for buffer, _ in task.inputs):
        executor.let_others_wait(stream)
    return found
