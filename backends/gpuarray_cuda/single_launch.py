"""Tapes of one kernel: replayed as a launch that needs nothing but addresses.

In: a tape whose one task makes all of its results, in new memory: so it is one launch. Out: what
replays it with other inputs, as `Executor.run` would, but prepared once and for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpuarray_cuda.buffer import CudaBuffer

if TYPE_CHECKING:
    from gpuarray.graph.tape import OnlyRun
    from gpuarray_cuda.executor import Executor

__all__ = ["SingleLaunch"]

Memory = tuple[Any, int]


class SingleLaunch:
    """A launch, where its inputs are, and which of its outputs are the results.

    Parameters
    ----------
    executor
        What runs on the device.
    only
        The task.
    """

    __slots__ = (
        *("_block", "_device", "_executor", "_grid", "_inputs", "_kernel", "_nbytes", "_pointers"),
        *("_results", "_room", "_scratch", "_tail"),
    )

    def __init__(self, executor: Executor, only: OnlyRun) -> None:
        step = only.run.step
        (launch,) = executor.prepared(step)
        self._executor = executor
        self._device = executor.device
        self._inputs = only.run.inputs
        self._nbytes = tuple(output.layout.nbytes for output in step.outputs)
        self._results = only.places
        self._kernel = launch.kernel
        self._grid = launch.grid
        self._block = launch.block
        self._room = launch.shared
        self._pointers = launch.pointers
        self._scratch = launch.scratch
        self._tail = executor.tail(launch.sizes, launch.scalars, only.run.scalars)

    def replay(self, inputs: Sequence[Memory]) -> list[Memory]:
        """See `hookspecs.gpuarray_capture`."""
        executor = self._executor
        runtime = executor.runtime
        stream = executor.stream
        shared = False
        values: list[Any] = []
        buffer: Any
        for slot, offset in self._inputs:
            buffer, origin = inputs[slot]
            if buffer.writer == stream:
                values.append(buffer.pointer + origin + offset)
            else:
                values.append(buffer.read_on(stream) + origin + offset)
                shared = shared or not buffer.exclusive
        made: list[Any] = []
        for nbytes in self._nbytes:
            buffer = CudaBuffer(self._device, runtime, nbytes, stream)
            values.append(buffer.pointer)
            made.append(buffer)
        if self._pointers:
            values = [values[k] + offset for k, offset in self._pointers]
        scratch: Any = None
        if self._scratch:
            scratch = CudaBuffer(self._device, runtime, self._scratch, stream)
            values += (scratch.pointer, executor.ticket_counters(stream))
        runtime.launch(
            self._kernel, self._grid, self._block, self._room, stream, values, self._tail
        )
        if shared:
            executor.let_others_wait(stream)
        return [(made[k], offset) for k, offset in self._results]
