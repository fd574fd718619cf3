"""Captured tapes: the work of a compiled function as one CUDA graph.

In: a tape and the memory that it was first called with. Out: a function that copies other inputs
to where the graph reads them, launches the graph, and copies the results out of it. So a graph
never changes, whatever memory its inputs and results are in; a copy is left out where the input is
the one of the call before and has not been written since.

All graphs of a device are captured on one stream, so they share cuBLAS's workspace and the counters
of reductions, and are launched one after the other, on whichever stream calls.
"""

from __future__ import annotations

import traceback
import warnings
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray.graph.tape import extent
from gpuarray_cuda.buffer import CudaBuffer, PlacedCudaBuffer

if TYPE_CHECKING:
    from gpuarray.graph.tape import Tape
    from gpuarray_cuda.executor import Executor

__all__ = ["CapturedTape", "Graphs"]

# Addresses that the generators and cuBLAS choose kernels by are alike if they are modulo this.
_ALIGNMENT = 256

Memory = tuple[Any, int]


class Graphs:
    """The graphs of one device. The flush lock is held whenever one is made or launched.

    Attributes
    ----------
    home
        The stream that owns their memory.
    last
        The stream that last worked in their memory.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._stream: int | None = None
        self.home = self.last = 0

    def capture(self, tape: Tape, inputs: Sequence[Memory]) -> CapturedTape | None:
        """A graph of `tape`; None, with a warning, if some of its work can't be captured."""
        if self._stream is None:
            runtime = self._executor.runtime
            self._stream, self.home = runtime.create_stream(), runtime.create_stream()
            self.last = self._stream
        try:
            return CapturedTape(self._executor, self, self._stream, tape, inputs)
        except DeviceError as error:
            warnings.warn(
                f"compile: {tape.name}: cannot be captured as a CUDA graph, so that it is replayed "
                f"kernel by kernel, with the same results: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return None

    def follow(self, stream: int) -> None:
        """Let `stream`, which will work in the memory of graphs, wait for what did so before."""
        if self.last != stream:
            runtime = self._executor.runtime
            runtime.wait(stream, runtime.record(self.last))
            self.last = stream


class _Input:
    """Where a graph reads an input, and whose contents are there now."""

    __slots__ = ("_offset", "_source", "_version", "low", "nbytes", "pointer")

    def __init__(self, pointer: int, low: int, nbytes: int) -> None:
        self.pointer = pointer
        self.low = low
        self.nbytes = nbytes
        self._source: Any = None
        self._version = self._offset = 0

    def holds(self, buffer: Any, offset: int) -> bool:
        """Whether these bytes of a buffer have been copied, and are the same still."""
        return bool(
            self._source is not None
            and self._source() is buffer
            and self._version == buffer.version
            and self._offset == offset
        )

    def note(self, buffer: Any, offset: int) -> None:
        # What another library has may change at any moment.
        self._source = weakref.ref(buffer) if buffer.exclusive else None
        self._version = buffer.version
        self._offset = offset


class CapturedTape:
    """A graph, the copies of its inputs, and where its results are.

    Parameters
    ----------
    executor
        What runs on the device.
    graphs
        The graphs of the device.
    stream
        Where to capture; nothing else is ever done there.
    tape
        What to capture.
    inputs
        What it was called with.
    """

    def __init__(
        self,
        executor: Executor,
        graphs: Graphs,
        stream: int,
        tape: Tape,
        inputs: Sequence[Memory],
    ) -> None:
        self._executor = executor
        self._graphs = graphs
        self._constants: list[Any] = list(tape.constants)
        # Streams that come after what wrote the constants.
        self._ordered: set[int] = set()
        self._blocks: list[tuple[int, int]] = []
        self._inputs: list[_Input] = []
        self._graph: object = None
        calling = executor.stream
        runtime = executor.runtime
        graphs.follow(calling)
        self._order_constants(calling)
        given: list[Memory] = []
        for (buffer, offset), (low, high) in zip(inputs, tape.extents, strict=True):
            shift = (buffer.pointer + offset + low) % _ALIGNMENT
            pointer = runtime.allocate(high - low + shift, graphs.home)
            self._blocks.append((pointer, high - low + shift))
            self._inputs.append(_Input(pointer + shift, low, high - low))
            placed = self._placed(pointer + shift - low, buffer.nbytes, stream)
            given.append((placed, 0))
        runtime.wait(calling, runtime.record(graphs.home))
        self._copy_inputs(inputs, calling)
        constants = [self._placed(x.pointer, x.nbytes, stream) for x in self._constants]
        graphs.follow(stream)
        with executor.working_on(stream):
            # Once for real: handles, workspaces and counters of the stream are made, and plans of
            # transforms, which could not be made during the capture.
            tape.replay(given, constants)
            graphs.follow(calling)
            places = self._captured(tape, given, constants, stream)
        runtime.wait(calling, runtime.record(graphs.home))
        self._find_results(tape, places)

    def __call__(self, inputs: Sequence[Memory]) -> list[Memory]:
        """Replay the graph; see `hookspecs.gpuarray_capture`."""
        executor = self._executor
        runtime, stream = executor.runtime, executor.stream
        if self._graphs.last != stream:
            self._graphs.follow(stream)
        if stream not in self._ordered:
            self._order_constants(stream)
        shared = self._copy_inputs(inputs, stream)
        runtime.launch_graph(self._graph, stream)
        memory: list[Any] = [*inputs, *((x, 0) for x in self._constants)]
        for pointer, nbytes, low in self._copied:
            result = CudaBuffer(executor.device, runtime, nbytes, stream)
            runtime.copy(result.pointer, pointer, nbytes, stream)
            memory.append((result, -low))
        if shared:
            executor.let_others_wait(stream)
        return [(memory[k][0], memory[k][1] + offset) for k, offset in self._results]

    def __del__(self) -> None:
        blocks, graph = getattr(self, "_blocks", ()), getattr(self, "_graph", None)
        if not blocks and graph is None:
            return
        runtime, graphs = self._executor.runtime, self._graphs
        runtime.wait(graphs.home, runtime.record(graphs.last))
        for pointer, nbytes in blocks:
            runtime.free(pointer, nbytes, graphs.home)
        if graph is not None:
            runtime.free_graph(graph)

    def _placed(self, pointer: int, nbytes: int, stream: int) -> PlacedCudaBuffer:
        return PlacedCudaBuffer(
            self._executor.device, self._executor.runtime, pointer, nbytes, stream
        )

    def _order_constants(self, stream: int) -> None:
        for buffer in self._constants:
            buffer.read_on(stream)
        self._ordered.add(stream)

    def _copy_inputs(self, inputs: Sequence[Memory], stream: int) -> bool:
        """Bring inputs to where the graph reads them; whether another library has some of them."""
        runtime = self._executor.runtime
        shared = False
        for (buffer, offset), place in zip(inputs, self._inputs, strict=True):
            if place.holds(buffer, offset):
                continue
            source = buffer.read_on(stream) + offset + place.low
            runtime.copy(place.pointer, source, place.nbytes, stream)
            place.note(buffer, offset)
            shared = shared or not buffer.exclusive
        return shared

    def _captured(
        self, tape: Tape, given: list[Memory], constants: list[Any], stream: int
    ) -> list[int]:
        """Capture the tape; for each result the address of its buffer."""
        runtime = self._executor.runtime
        runtime.begin_capture(stream, self._graphs.home)
        try:
            results: list[Memory] = tape.replay(given, constants)
            places = [x.pointer for x, _ in results]
            # Their memory is the graph's: nothing else is captured that could use it again.
            del results
        except BaseException as error:
            # What the frames hold goes back to the graph's memory while there still is one.
            traceback.clear_frames(error.__traceback__)
            # The first error may have spoilt the capture, which then has no graph to give.
            with suppress(DeviceError, OutOfMemory):
                runtime.free_graph(runtime.end_capture(stream))
            raise
        self._graph = runtime.end_capture(stream)
        return places

    def _find_results(self, tape: Tape, places: list[int]) -> None:
        """Plan the copies of the results: one of each buffer, however many results it has.

        `_copied` holds address, bytes and distance from the beginning of the buffer, `_results` for
        each result the number of its memory, counted as slots are where it is not copied.
        """
        kept = tape.inputs + len(tape.constants)
        spans: dict[int, tuple[int, int, int]] = {}
        for (slot, offset, layout), base in zip(tape.results, places, strict=True):
            if slot < kept:
                continue
            low, high = extent(layout)
            # Rounded down, so that the copies are aligned as the originals are.
            first = (offset + low) & -_ALIGNMENT
            _, least, most = spans.get(slot, (base, first, 0))
            spans[slot] = base, min(least, first), max(most, offset + high)
        numbers = {slot: kept + k for k, slot in enumerate(spans)}
        self._copied = [(base + low, high - low, low) for base, low, high in spans.values()]
        self._results = [(numbers.get(slot, slot), offset) for slot, offset, _ in tape.results]
