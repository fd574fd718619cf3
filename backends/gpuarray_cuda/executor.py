"""Executing tasks on one device: choosing kernels, compiling them once, launching them.

In: tasks. Out: buffers, written when their stream gets there. What can be known from a step alone
is prepared once and kept with it; a run packs pointers and scalars and launches.
"""

from __future__ import annotations

import atexit
import math
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray.graph.program import Program, Step, Task
from gpuarray.operations import Operation
from gpuarray.plugins import Buffer
from gpuarray_cuda.buffer import CudaBuffer
from gpuarray_cuda.codegen import elementwise, patches, reduction
from gpuarray_cuda.codegen.tiles import tiles
from gpuarray_cuda.graphs import Graphs
from gpuarray_cuda.kernel_interface import Kernel
from gpuarray_cuda.reduction_shapes import (
    SMALLEST_PART,
    TICKETS,
    reduction_shape,
    shared_row_bytes,
)
from gpuarray_cuda.runtime import LEGACY_STREAM, DeviceRuntime
from gpuarray_cuda.scalars import OVERFLOW, append_scalar, scalar_arguments
from gpuarray_cuda.stream import Lease

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Executor"]

DType = np.dtype[Any]

# How many blocks of a reduction shall share a multiprocessor, tried until it does not spill: as
# the compiler sees fit, then with 48, 64, 80 and 128 registers for a thread.
RESIDENT = (0, 5, 4, 3, 2)
# Registers of a multiprocessor, of every compute capability from 5.0 on.
_REGISTERS = 65536
# Blocks of a persistent kernel for each multiprocessor: 2048 threads of 256.
_BLOCKS_PER_MULTIPROCESSOR = 8
_LARGEST_CLAIM = (1 << 32) - 2


class _Launch(NamedTuple):
    """A kernel of a step, ready but for pointers and scalars.

    `pointers` are as `_pointers` gives them, `sizes` the integer arguments, `scalars` as
    `scalar_arguments` gives the scalars, `scratch` bytes for parts of results (which need
    counters, too), `winners` the access whose elements compete, or -1, `shared` the bytes of
    dynamic shared memory of a block.
    """

    kernel: Kernel
    grid: int
    block: int
    pointers: tuple[tuple[int, int], ...]
    sizes: tuple[int, ...]
    scalars: tuple[tuple[int, DType, bool], ...]
    scratch: int
    winners: int
    shared: int = 0


_executors: weakref.WeakSet[Executor] = weakref.WeakSet()


@atexit.register
def _let_go_of_counters() -> None:
    """Free what executors keep while there is an interpreter: later, what frees may be gone."""
    for executor in list(_executors):
        executor._tickets.clear()


class Executor:
    """Runs tasks on one device.

    Parameters
    ----------
    device
        The device as the core knows it.
    runtime
        The same device as the driver (or the simulator) knows it.
    """

    def __init__(self, device: Device, runtime: DeviceRuntime) -> None:
        self.device = device
        self.runtime = runtime
        self._kernels: dict[object, Any] = {}
        self._thread = threading.local()
        # Streams of threads that have ended; the driver would keep each for good.
        self._free_streams: deque[int] = deque()
        self._free_by_priority: dict[int, deque[int]] = {}
        self._tickets: dict[int, CudaBuffer] = {}
        # The scalars of a tape's task, which are the same at each replay, for which launch, and the
        # end of its arguments, which they are in.
        self._repeated: tuple[object, object, tuple[int | float, ...]] = (None, None, ())
        self.graphs = Graphs(self)
        _executors.add(self)

    @property
    def stream(self) -> int:
        """The stream of the calling thread."""
        try:
            found: int = self._thread.stream
        except AttributeError:
            try:
                found = self._free_streams.pop()
            except IndexError:
                found = self.runtime.create_stream()
            self._thread.lease = Lease(found, self._free_streams)
            self._thread.stream = found
        return found

    def take_stream(self, priority: int) -> int:
        """A stream for a user, one that was given back before if there is one."""
        try:
            return self._given_back(priority).pop()
        except IndexError:
            return self.runtime.create_stream(priority)

    def give_stream_back(self, stream: int, priority: int) -> None:
        """Let another user, or a thread, have a stream of `take_stream`."""
        self._given_back(priority).append(stream)

    def _given_back(self, priority: int) -> deque[int]:
        if priority == 0:
            return self._free_streams
        return self._free_by_priority.setdefault(priority, deque())

    @contextmanager
    def working_on(self, stream: int) -> Iterator[None]:
        """Within a block, the calling thread's work goes to another stream."""
        usual = self.stream
        self._thread.stream = stream
        try:
            yield
        finally:
            self._thread.stream = usual

    def allocate(self, nbytes: int) -> CudaBuffer:
        """A buffer on the calling thread's stream."""
        return CudaBuffer(self.device, self.runtime, nbytes, self.stream)

    def run(self, task: Task) -> list[Buffer]:
        """Launch the kernels of a task; the buffers of its outputs."""
        step = task.step
        runtime = self.runtime
        try:
            stream = self._thread.stream
        except AttributeError:
            stream = self.stream
        prepared = step.prepared.get(self)
        if prepared is None:
            prepared = self.prepared(step)
        addresses: list[Any] = []
        shared = False
        buffer: Any
        for buffer, offset in task.inputs:
            if buffer.writer == stream:
                addresses.append(buffer.pointer + offset)
            else:
                addresses.append(buffer.read_on(stream) + offset)
                shared = shared or not buffer.exclusive
        outputs: list[Buffer] = []
        if task.bases is step.no_bases:
            for output in step.outputs:
                buffer = CudaBuffer(self.device, runtime, output.layout.nbytes, stream)
                addresses.append(buffer.pointer)
                outputs.append(buffer)
        else:
            for output, base in zip(step.outputs, task.bases, strict=True):
                if base is None:
                    buffer = CudaBuffer(self.device, runtime, output.layout.nbytes, stream)
                    addresses.append(buffer.pointer)
                else:
                    buffer, offset = base
                    addresses.append(buffer.write_on(stream) + offset)
                outputs.append(buffer)
        scratch: CudaBuffer | None = None
        for kernel, grid, block, pointers, sizes, scalars, parts, winners, room in prepared:
            values: list[Any]
            if pointers:
                values = [addresses[k] + offset for k, offset in pointers]
            else:
                values = addresses[:]
            if winners >= 0:
                place, nbytes = _winners(winners, task)
                if scratch is None:
                    scratch = CudaBuffer(self.device, runtime, nbytes, stream)
                values.append(scratch.pointer + place)
            elif parts:
                scratch = CudaBuffer(self.device, runtime, parts, stream)
                values += (scratch.pointer, self.ticket_counters(stream))
            tail = sizes
            if scalars:
                given = task.scalars
                again = self._repeated
                if again[0] is given and again[1] is scalars:
                    tail = again[2]
                else:
                    tail = self.tail(sizes, scalars, given)
                    if given.__class__ is tuple:
                        self._repeated = (given, scalars, tail)
            runtime.launch(kernel, grid, block, room, stream, values, tail)
        if shared:
            self.let_others_wait(stream)
        return outputs

    def prepared(self, step: Step) -> tuple[_Launch, ...]:
        """The launches of a step, prepared once."""
        found: tuple[_Launch, ...] | None = step.prepared.get(self)
        if found is None:
            found = step.prepared[self] = self._prepare(step)
        return found

    def tail(
        self, sizes: tuple[int, ...], scalars: tuple[tuple[int, DType, bool], ...], given: Any
    ) -> tuple[int | float, ...]:
        """The end of a launch's arguments: its sizes, and the scalars of a task as it has them."""
        values: list[Any] = [*sizes]
        for k, dtype, real in scalars:
            value = given[k]
            if real and value.__class__ is float and -OVERFLOW < value < OVERFLOW:
                values.append(value)
            else:
                append_scalar(values, value, dtype)
        return tuple(values)

    def let_others_wait(self, stream: int) -> None:
        """Order what other libraries do next after what was read of their memory on `stream`.

        Those that use the default stream, that is; others have to be synchronised with.
        """
        self.runtime.wait(LEGACY_STREAM, self.runtime.record(stream))

    def source(self, step: Step) -> str:
        """The generated source of a step's last kernel."""
        if step.program.reductions:
            shape = self._reduction_shape(step)
            return reduction.reduction(step.program, self._operations, shape).source
        chosen = patches.patch(step)
        if chosen is not None:
            return tiles(step.program, self._operations, chosen).source
        return elementwise.elementwise(step.program, self._operations).source

    @property
    def _operations(self) -> Mapping[str, Operation]:
        return self.device.backend.operations

    def ticket_counters(self, stream: int) -> int:
        """Zeroed counters, which each kernel leaves zeroed; one set for each stream."""
        found = self._tickets.get(stream)
        if found is None:
            found = CudaBuffer(self.device, self.runtime, 4 * TICKETS, stream)
            self.runtime.fill(found.pointer, 4 * TICKETS, stream)
            self._tickets[stream] = found
        return found.pointer

    def _prepare(self, step: Step) -> tuple[_Launch, ...]:
        if step.program.reductions:
            return (self._prepare_reduction(step),)
        if any(store.collides for store in step.program.stores) and math.prod(step.shape) > 1:
            return tuple(
                self.prepare_elementwise(step, mode) for mode in ("clear", "claim", "write")
            )
        chosen = patches.patch(step)
        if chosen is not None:
            return (self._prepare_patches(step, chosen),)
        return (self.prepare_elementwise(step, "write"),)

    def _compiled(
        self, key: object, attempts: Iterable[Any], made: Callable[[Any], Any], name: str
    ) -> tuple[Any, Kernel]:
        """What the generator makes for a key, and its kernel; made and compiled once.

        `made` takes one of `attempts`. Where the first leaves a thread memory of its own, the last,
        which has most registers, shows whether that is for arrays (as sines need) or for registers
        that were spilled; if so, the first that spills none is taken.
        """
        found = self._kernels.get(key)
        if found is None:

            def compiled(attempt: Any) -> tuple[Any, Kernel]:
                generated = made(attempt)
                return generated, self.runtime.compile(generated.source, name, generated.format)

            first, *others, last = attempts
            found = compiled(first)
            if found[1].local_bytes:
                roomiest = compiled(last)
                for attempt in others:
                    if found[1].local_bytes <= roomiest[1].local_bytes:
                        break
                    found = compiled(attempt)
                if found[1].local_bytes > roomiest[1].local_bytes:
                    found = roomiest
            self._kernels[key] = found
        return found

    def prepare_elementwise(self, step: Step, mode: str) -> _Launch:
        """The launch of a step without reductions; `mode` is as in `elementwise.elementwise`."""
        program, operations = step.program, self._operations
        rows = _rows(program, operations)
        generated, kernel = self._compiled(
            (program, mode, rows),
            elementwise.ATTEMPTS,
            lambda attempt: elementwise.elementwise(program, operations, mode, attempt),
            elementwise.NAME,
        )
        points = math.prod(step.shape)
        threads = -(-points // generated.width)
        winners = -1
        for store in program.stores:
            if store.collides:
                if points > _LARGEST_CLAIM:
                    raise ValueError(
                        f"index: {points} index values in one assignment; at most {_LARGEST_CLAIM}"
                    )
                winners = store.access
        return _Launch(
            kernel=kernel,
            grid=-(-threads // (elementwise.BLOCK * generated.unroll)),
            block=elementwise.BLOCK,
            pointers=_pointers(step),
            sizes=(*step.shape, *step.integers, threads),
            scalars=scalar_arguments(generated.scalars, program),
            scratch=0,
            winners=winners,
        )

    def _prepare_patches(self, step: Step, chosen: patches.Patch) -> _Launch:
        program, operations = step.program, self._operations
        rows = _rows(program, operations)
        generated, kernel = self._compiled(
            (program, chosen, rows),
            elementwise.ATTEMPTS,
            lambda attempt: tiles(program, operations, chosen, attempt),
            elementwise.NAME,
        )
        return _Launch(
            kernel=kernel,
            grid=patches.blocks(chosen, step.shape),
            block=elementwise.BLOCK,
            pointers=_pointers(step),
            sizes=(*step.shape, *step.integers),
            scalars=scalar_arguments(generated.scalars, program),
            scratch=0,
            winners=-1,
        )

    def _reduction_shape(
        self, step: Step
    ) -> reduction.Shape | reduction.RowShape | reduction.BlockShape:
        properties = self.runtime.properties
        return reduction_shape(step, properties.multiprocessors, properties.shared_bytes_per_block)

    def _prepare_reduction(self, step: Step) -> _Launch:
        program, operations = step.program, self._operations
        shape = self._reduction_shape(step)
        rows = _rows(program, operations)
        block = reduction.BLOCK if isinstance(shape, reduction.Shape) else shape.block
        generated, kernel = self._compiled(
            (program, shape, rows),
            tuple(
                dict.fromkeys((0, *(max(k * reduction.BLOCK // block, 1) for k in RESIDENT[1:])))
            ),
            lambda resident: reduction.reduction(program, operations, shape, resident),
            reduction.NAME,
        )
        results = math.prod(step.shape[: program.kept])
        elements = math.prod(step.shape[program.kept :])
        beside = 1
        if isinstance(shape, reduction.Shape) and shape.several > 1:
            results //= step.shape[shape.beside]
            beside = -(-step.shape[shape.beside] // shape.several)
        tiles = -(-results // generated.results) * beside
        sizes: tuple[int, ...] = (results, elements)
        grid, scratch, shared = tiles, 0, 0
        if isinstance(shape, reduction.RowShape) and shape.shared:
            shared = shared_row_bytes(program, elements)
        if isinstance(shape, reduction.BlockShape):
            grid = shape.blocks(step.shape, program.kept)
        elif isinstance(shape, reduction.Shape):
            parts, part = self._parts(kernel, shape, tiles, elements)
            sizes += (parts, part)
            grid *= parts
            if shape.split:
                scratch = grid * generated.results * shape.several * 32 * len(program.reductions)
        return _Launch(
            kernel=kernel,
            grid=grid,
            block=block,
            pointers=_pointers(step),
            sizes=(*step.shape, *step.integers, *sizes),
            scalars=scalar_arguments(generated.scalars, program),
            scratch=scratch,
            winners=-1,
            shared=shared,
        )

    def _parts(
        self, kernel: Kernel, shape: reduction.Shape, tiles: int, elements: int
    ) -> tuple[int, int]:
        """How many blocks share a result, and the elements of each."""
        if not shape.split:
            return 1, elements
        wanted = -(-self._blocks(kernel) // tiles)
        step_size = reduction.BLOCK * shape.width
        part = max(-(-elements // wanted), SMALLEST_PART // (1 if not shape.columns else 32))
        part = -(-part // step_size) * step_size
        return max(-(-elements // part), 1), part

    def _blocks(self, kernel: Kernel) -> int:
        """Blocks of a kernel that run at once; a persistent kernel with more would end unevenly."""
        registers = -(-max(kernel.registers, 1) // 8) * 8 * reduction.BLOCK
        resident = min(_REGISTERS // registers, _BLOCKS_PER_MULTIPROCESSOR)
        return self.runtime.properties.multiprocessors * max(resident, 1)


def _pointers(step: Step) -> tuple[tuple[int, int], ...]:
    """(operand, byte offset) for each access; empty where the accesses are just the operands."""
    found = tuple(
        (access.operand, offset)
        for access, offset in zip(step.program.accesses, step.offsets, strict=True)
    )
    operands = len(step.inputs) + len(step.outputs)
    return () if found == tuple((k, 0) for k in range(operands)) else found


def _rows(program: Program, operations: Mapping[str, Operation]) -> tuple[Operation, ...]:
    """The rows that compute a program."""
    found = dict.fromkeys(i[0] for i in program.instructions if isinstance(i[0], Operation))
    return tuple(op.row(operations) for op in found)


def _winners(number: int, task: Task) -> tuple[int, int]:
    """The byte of the winner of an access's first element, and the size of all winners.

    There is one, of 4 bytes, for each element of the buffer that is written.
    """
    base = task.bases[0]
    assert base is not None
    itemsize = task.step.program.accesses[number].dtype.itemsize
    first = (base[1] + task.step.offsets[number]) // itemsize
    return 4 * first, 4 * (base[0].nbytes // itemsize)
