"""`gpuarray_cuda.runtime` answered by the CPU: every call is carried out at once, and checked.

Beyond what a GPU does, it reports use of freed or foreign memory, writes outside allocations,
streams that should have waited, and threads that wait for each other.  Nothing here is fast.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from gpuarray.errors import BackendUnavailable, DeviceError
from gpuarray_cuda.kernel_interface import LaunchShape
from gpuarray_cuda.resources import PoolResource, Resource, Resources
from gpuarray_cuda.runtime import DeviceProperties, MemoryStatistics
from gpuarray_cuda.sources import Source, kind_of
from gpuarray_cuda.sources import compiled as translated

from .capture import CapturingDevice
from .compiler import find_compiler
from .dedicated import SimulatedAddresses, SimulatedDedicated
from .instruments import Counters, Failure, Instruments, Launch
from .kernel import KernelFault, SimulatedKernel, numbered, run_module
from .libraries import SimulatedLibraries
from .memory import Allocation, GuardedMemory
from .module import SimulatedModule, SimulatedRawKernel, with_headers
from .ordering import Event, Moment, Streams, TimedEvent

GIB = 2**30
# sm_90's; cuda_on_cpu.h holds the same number.
SHARED_BYTES = 227 * 1024


class SimulatedRuntime:
    """A machine with simulated GPUs; answers `gpuarray_cuda.runtime.Runtime`.

    Parameters
    ----------
    devices : int
        How many.
    total_bytes : int
        Memory of each.
    memory_limit : int, optional
        The most that may be allocated on each; all of it unless given.
    multiprocessors : int
        Few, so that small arrays already take the ways of large ones.
    seed : int, optional
        Decides the order of blocks, warps and threads; `GPUARRAY_SIMULATOR_SEED`, or 0.
    deferred_faults : bool
        Raise a kernel's fault in the next call that waits or launches, as a GPU does, instead
        of in `launch`.

    Attributes
    ----------
    counters : Counters
        Calls and bytes since the runtime was made.
    history : deque of Launch
        The last 1000 launches.

    Examples
    --------
    >>> runtime = SimulatedRuntime(devices=1)
    >>> runtime.open(0).properties.multiprocessors
    4
    """

    def __init__(
        self,
        devices: int = 2,
        *,
        total_bytes: int = GIB,
        memory_limit: int | None = None,
        multiprocessors: int = 4,
        compute_capability: tuple[int, int] = (9, 0),
        seed: int | None = None,
        deferred_faults: bool = False,
    ) -> None:
        if seed is None:
            seed = int(os.environ.get("GPUARRAY_SIMULATOR_SEED", "0"))
        self.seed = seed
        self.deferred_faults = deferred_faults
        self.instruments = Instruments()
        self.history: deque[Launch] = deque(maxlen=1000)
        self.streams = Streams()
        self.handles = itertools.count(16)  # CUDA keeps 0, 1 and 2 for its default streams
        # Reentrant, since the finalizer of a buffer may interrupt another method of its thread;
        # the depth says that it does.
        self.lock = threading.RLock()
        self.depth = 0
        self._properties = DeviceProperties(
            name="Simulated GPU",
            compute_capability=compute_capability,
            multiprocessors=multiprocessors,
            l2_bytes=2**20,
            shared_bytes_per_block=SHARED_BYTES,
            total_bytes=total_bytes,
        )
        limit = total_bytes if memory_limit is None else memory_limit
        self.devices = [SimulatedDeviceRuntime(self, n, limit) for n in range(devices)]

    @property
    def counters(self) -> Counters:
        return self.instruments.counters

    @property
    def properties(self) -> DeviceProperties:
        return self._properties

    def device_count(self) -> int:
        find_compiler()
        return len(self.devices)

    def open(self, ordinal: int) -> SimulatedDeviceRuntime:
        if not 0 <= ordinal < self.device_count():
            raise BackendUnavailable(
                f"no simulated device {ordinal}, there are {len(self.devices)}"
            )
        return self.devices[ordinal]

    def counting(self) -> AbstractContextManager[Counters]:
        """Count within a block, from zero; see `Instruments.counting`."""
        return self.instruments.counting()

    def failing(
        self,
        after: int = 0,
        kind: str = "allocate",
        error: BaseException | type[BaseException] | None = None,
        times: int = 1,
    ) -> AbstractContextManager[Failure]:
        """Let a call within a block fail; see `Instruments.failing`."""
        return self.instruments.failing(after, kind, error, times)


class SimulatedDeviceRuntime(CapturingDevice):
    """One simulated GPU; answers `gpuarray_cuda.runtime.DeviceRuntime`."""

    def __init__(self, runtime: SimulatedRuntime, ordinal: int, limit: int) -> None:
        CapturingDevice.__init__(self)
        self.ordinal = ordinal
        self.properties = runtime.properties
        self._runtime = runtime
        self._memory = GuardedMemory(self.properties.total_bytes, limit)
        self._resources = Resources()
        self._pinned: dict[int, Any] = {}
        self.dedicated = SimulatedDedicated(self)
        self.addresses = SimulatedAddresses(self)
        self._kernels: dict[tuple[str, str, str], SimulatedKernel] = {}
        self._freed: deque[tuple[int, int, int]] = deque()
        self._faults: list[DeviceError] = []
        self._last_kernel = "no kernel"
        self.libraries = self.capturing_libraries(SimulatedLibraries(self))

    @property
    def memory_limit(self) -> int:
        """The most that may be allocated; may be changed at any time."""
        return self._memory.limit

    @memory_limit.setter
    def memory_limit(self, nbytes: int) -> None:
        self._memory.limit = nbytes

    def create_stream(self, priority: int = 0) -> int:
        with self._call("create_stream"):
            return next(self._runtime.handles)

    def allocate(self, nbytes: int, stream: int) -> int:
        if nbytes < 0:
            raise ValueError(f"allocate: {nbytes} bytes asked")
        with self._call("allocate"):
            self._runtime.instruments.add(allocations=1)
            if nbytes == 0:
                return 0
            if self._capturing(stream):
                return self._allocated(nbytes)
            if self._resources.current is not None:
                return self._resources.allocate(nbytes, stream)
            found = self._memory.allocate(nbytes, stream)
            found.usage.written = self._enqueue(stream, "allocate")
            return found.pointer

    def free(self, pointer: int, nbytes: int, stream: int) -> None:
        if sys.is_finalizing():
            return  # the memory itself may be gone by now
        self._freed.append((pointer, nbytes, stream))
        # Taken already by another thread: then the next call frees, and so it does where this
        # finalizer interrupts a method.
        if self._runtime.lock.acquire(blocking=False):
            try:
                with self._entered():
                    pass
            finally:
                self._runtime.lock.release()

    def copy_in(self, pointer: int, host: NDArray[Any], stream: int) -> None:
        if not host.flags.c_contiguous:
            raise ValueError("copy_in: the host array must be C-contiguous")
        with self._call("copy_in", reports=True):
            kept = host.copy() if self._capturing(stream) else host
            if self.deferred(stream, lambda s: self.copy_in(pointer, kept, s)):
                return
            self._write(pointer, host.nbytes, stream, "copy_in")
            ctypes.memmove(pointer, host.ctypes.data, host.nbytes)
            self._runtime.instruments.add(copies=1, bytes_in=host.nbytes)

    def copy_out(self, host: NDArray[Any], pointer: int, stream: int) -> None:
        if not host.flags.c_contiguous or not host.flags.writeable:
            raise ValueError("copy_out: the host array must be C-contiguous and writable")
        with self._call("copy_out", reports=True):
            self._forbid("copy_out", stream)
            self._read(pointer, host.nbytes, stream, "copy_out")
            ctypes.memmove(host.ctypes.data, pointer, host.nbytes)
            self._runtime.streams.synchronize((self.ordinal, stream))
            self._runtime.instruments.add(copies=1, bytes_out=host.nbytes)

    def allocate_pinned(self, nbytes: int) -> int:
        block = ctypes.create_string_buffer(nbytes)
        address = ctypes.addressof(block)
        self._pinned[address] = block
        return address

    def free_pinned(self, pointer: int) -> None:
        del self._pinned[pointer]

    def is_pinned(self, pointer: int) -> bool:
        return self.pinned_block(pointer) is not None or self.dedicated.is_pinned(pointer)

    def pinned_block(self, pointer: int) -> tuple[int, int] | None:
        """Where the block of `allocate_pinned` that an address is in begins, and its bytes."""
        for begin, block in list(self._pinned.items()):
            if begin <= pointer < begin + len(block):
                return begin, len(block)
        return None

    def copy_in_later(self, pointer: int, host: NDArray[Any], stream: int) -> None:
        self.copy_in(pointer, host, stream)

    def copy_out_later(self, host: NDArray[Any], pointer: int, stream: int) -> None:
        # At once, as everything here; but the host has not waited for it.
        with self._call("copy_out", reports=True):
            self._read(pointer, host.nbytes, stream, "copy_out")
            ctypes.memmove(host.ctypes.data, pointer, host.nbytes)
            self._runtime.instruments.add(copies=1, bytes_out=host.nbytes)

    def copy(self, destination: int, source: int, nbytes: int, stream: int) -> None:
        with self._call("copy", reports=True):
            if self.deferred(stream, lambda s: self.copy(destination, source, nbytes, s)):
                return
            if abs(destination - source) < nbytes:
                raise DeviceError(f"copy: ranges of {nbytes} bytes overlap")
            self._read(source, nbytes, stream, "copy")
            self._write(destination, nbytes, stream, "copy")
            ctypes.memmove(destination, source, nbytes)
            self._runtime.instruments.add(copies=1, bytes_between=nbytes)

    def fill(self, pointer: int, nbytes: int, stream: int) -> None:
        with self._call("fill", reports=True):
            if self.deferred(stream, lambda s: self.fill(pointer, nbytes, s)):
                return
            self._write(pointer, nbytes, stream, "fill")
            ctypes.memset(pointer, 0, nbytes)
            self._runtime.instruments.add(bytes_filled=nbytes)

    def compile(self, source: str, name: str, arguments: str) -> SimulatedKernel:
        with self._call("compile"):
            key = (source, name, arguments)
            kernel = self._kernels.get(key)
            if kernel is None:
                kernel = self._kernels[key] = SimulatedKernel(source, name, arguments)
                self._runtime.instruments.add(compiled=1)
            return kernel

    def launch(
        self,
        kernel: SimulatedKernel,
        grid: int,
        block: int,
        shared_bytes: int,
        stream: int,
        values: Sequence[int | float],
        tail: Sequence[int | float] = (),
    ) -> None:
        values = [*values, *tail]
        with self._call("launch", reports=True):
            packed = kernel.pack(values)
            if self._kernels.get((kernel.source, kernel.name, kernel.arguments)) is not kernel:
                raise DeviceError(f"{kernel.name}: was compiled for another device")
            kernel.check(grid, block, shared_bytes, self.properties.shared_bytes_per_block)
            if self.deferred(
                stream, lambda s: self.launch(kernel, grid, block, shared_bytes, s, values)
            ):
                return
            runtime = self._runtime
            runtime.instruments.add(launches=1)
            runtime.history.append(Launch(kernel.name, grid, block, shared_bytes, stream))
            self._last_kernel = kernel.name
            moment = self._enqueue(stream, kernel.name)
            seed = runtime.seed * 1_000_003 + runtime.counters.launches
            try:
                used = self._used_by(kernel, values)
                self._check(moment, (runtime.streams.reads(a.usage, moment) for a in used))
                # A kernel has written what it changed: two streams may read the same memory.
                before = [ctypes.string_at(found.pointer, found.nbytes) for found in used]
                self._run(kernel, grid, block, shared_bytes, seed, packed)
                for found, old in zip(used, before, strict=True):
                    self._check_edges(found)
                    if ctypes.string_at(found.pointer, found.nbytes) != old:
                        self._check(moment, [runtime.streams.writes(found.usage, moment)])
            except DeviceError as error:
                if not runtime.deferred_faults:
                    raise
                self._faults.append(error)

    def load(self, source: Source) -> SimulatedModule:
        with self._call("compile"):
            self._runtime.instruments.add(compiled=1)
            text = with_headers(source.text, dict(source.headers))
            try:
                return SimulatedModule(text, source.options, source.expressions, self.properties)
            except DeviceError as error:
                raise DeviceError(f"{source.name}: {error}\n{numbered(source.text)}") from None

    def load_code(self, codes: Sequence[bytes], name: str) -> SimulatedModule:
        kinds = ", ".join(kind_of(code) for code in codes)
        raise DeviceError(f"{name}: the simulator runs CUDA C++ only, got {kinds}")

    def translate(self, source: Source, kind: str) -> bytes:
        major, minor = self.properties.compute_capability
        return translated(source, f"sm_{major}{minor}", kind)[0]

    def launch_raw(
        self,
        kernel: SimulatedRawKernel,
        shape: LaunchShape,
        stream: int,
        packed: bytes,
        pointers: Sequence[int],
    ) -> None:
        with self._call("launch", reports=True):
            self._forbid("launch_raw", stream)
            used = [self._pointed_to(kernel.name, pointer) for pointer in pointers]
            runtime = self._runtime
            runtime.instruments.add(launches=1)
            self._last_kernel = kernel.name
            moment = self._enqueue(stream, kernel.name)
            seed = runtime.seed * 1_000_003 + runtime.counters.launches
            try:
                self._check(moment, (runtime.streams.reads(a.usage, moment) for a in used))
                before = [ctypes.string_at(found.pointer, found.nbytes) for found in used]
                try:
                    extents = (*shape.grid, *shape.block)
                    run_module(
                        kernel.module, extents, shape.shared_bytes, seed, packed, kernel.source
                    )
                except KernelFault as fault:
                    at = f" at {self._memory.describe(fault.address)}" if fault.address else ""
                    raise DeviceError(f"{kernel.name}: {fault.text}{at}") from None
                for found, old in zip(used, before, strict=True):
                    self._check_edges(found)
                    if ctypes.string_at(found.pointer, found.nbytes) != old:
                        self._check(moment, [runtime.streams.writes(found.usage, moment)])
            except DeviceError as error:
                if not runtime.deferred_faults:
                    raise
                self._faults.append(error)

    def _pointed_to(self, name: str, address: int) -> Allocation:
        found = self._memory.around(address) if self._memory.holds(address) else None
        if found is None:
            raise DeviceError(f"{name}: {self._memory.describe(address)}")
        return found

    def read_variable(
        self, module: SimulatedModule, name: str, host: NDArray[Any], stream: int
    ) -> None:
        with self._call("copy_out", reports=True):
            ctypes.memmove(host.ctypes.data, module.variable(name)[0], host.nbytes)

    def write_variable(
        self, module: SimulatedModule, name: str, host: NDArray[Any], stream: int
    ) -> None:
        with self._call("copy_in", reports=True):
            ctypes.memmove(module.variable(name)[0], host.ctypes.data, host.nbytes)

    def record(self, stream: int | None) -> Event:
        with self._call("record"):
            self._forbid("record", stream)
            return self._runtime.streams.record(self.ordinal, stream)

    def record_time(self, stream: int) -> TimedEvent:
        return TimedEvent(self.record(stream).clock, perf_counter())

    def reached(self, event: object) -> bool:
        return True

    def is_done(self, stream: int) -> bool:
        return True

    def profile(self, on: bool) -> None:
        """Nothing collects here."""

    def wait_on_host(self, event: Event) -> None:
        with self._call("synchronize", reports=True):
            self._runtime.streams.reach(event)

    def elapsed(self, start: TimedEvent, end: TimedEvent) -> float:
        return end.seconds - start.seconds

    def wait(self, stream: int, event: object) -> None:
        if not isinstance(event, Event):
            raise TypeError(f"wait: an event from record() expected, got {event!r}")
        with self._call("wait"):
            self._forbid("wait", stream)
            self._runtime.streams.wait((self.ordinal, stream), event)

    def synchronize(self, stream: int | None = None) -> None:
        with self._call("synchronize", reports=True):
            self._forbid("synchronize", stream)
            self._runtime.instruments.add(synchronizations=1)
            for found in self._memory.allocations():
                self._check_edges(found)
            if stream is None:
                self._runtime.streams.synchronize_device(self.ordinal)
            else:
                self._runtime.streams.synchronize((self.ordinal, stream))

    def reaches(self, pointer: int) -> bool:
        with self._call("reaches"):
            return self._memory.around(pointer) is not None

    def memory(self) -> MemoryStatistics:
        with self._call("memory"):
            return self._memory.statistics()

    def use_resource(self, resource: Resource | None) -> None:
        self._resources.current = resource

    def pool_resource(self) -> PoolResource:
        def take(nbytes: int, stream: int) -> int:
            with self._call("allocate"):
                found = self._memory.allocate(nbytes, stream)
                found.usage.written = self._enqueue(stream, "allocate")
                return found.pointer

        return PoolResource(take, self.free)

    def limit_memory(self, nbytes: int) -> None:
        self._memory.limit = nbytes

    def trim(self) -> int:
        with self._call("trim"):
            self._forbid("trim", None)
            self._runtime.streams.synchronize_device(self.ordinal)
            return self._memory.trim()

    @contextmanager
    def _call(self, kind: str, *, reports: bool = False) -> Iterator[None]:
        """Around every method: one at a time, failures injected, older faults raised."""
        with self._runtime.lock, self._entered():
            self._runtime.instruments.call(kind)
            if reports and self._faults:
                fault = self._faults[0]
                self._faults.clear()
                raise fault
            yield

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """A block that holds the lock; outside of all others it frees first."""
        runtime = self._runtime
        runtime.depth += 1
        try:
            if runtime.depth == 1:
                self._carry_out_frees()
            yield
        finally:
            runtime.depth -= 1

    def _carry_out_frees(self) -> None:
        while self._freed:
            pointer, nbytes, stream = self._freed.popleft()
            self._runtime.instruments.add(frees=1)
            if (pointer == 0 and nbytes == 0) or self._belongs(pointer, stream):
                continue
            if pointer in self._resources.blocks:
                self._resources.free(pointer, stream)
                continue
            found = self._memory.at(pointer)
            try:
                if found is None:
                    raise DeviceError(f"free: {self._memory.describe(pointer)}")
                if (nbytes, stream) != (found.nbytes, found.stream):
                    raise DeviceError(
                        f"free: {nbytes} bytes on stream {stream}, but allocated were "
                        f"{found.nbytes} bytes on stream {found.stream}"
                    )
                moment = self._enqueue(stream, "free")
                self._check(moment, [self._runtime.streams.writes(found.usage, moment)])
                self._check_edges(found)
            except DeviceError as error:  # free never raises: the next call does
                self._faults.append(error)
            if found is not None:
                self._memory.free(found)

    def _enqueue(self, stream: int, what: str) -> Moment:
        return self._runtime.streams.enqueue((self.ordinal, stream), what)

    def _read(self, pointer: int, nbytes: int, stream: int, what: str) -> None:
        found = self._memory.range(pointer, nbytes, f"{what} of")
        if found:
            moment = self._enqueue(stream, what)
            self._check(moment, [self._runtime.streams.reads(found.usage, moment)])

    def _write(self, pointer: int, nbytes: int, stream: int, what: str) -> None:
        found = self._memory.range(pointer, nbytes, f"{what} of")
        if found:
            moment = self._enqueue(stream, what)
            self._check(moment, [self._runtime.streams.writes(found.usage, moment)])

    def _used_by(self, kernel: SimulatedKernel, values: Sequence[int | float]) -> list[Allocation]:
        """The allocations that the pointers among a launch's arguments fall into."""
        used: dict[int, Allocation] = {}
        for index, (code, value) in enumerate(zip(kernel.arguments, values, strict=True)):
            if code != "q":
                continue
            address = int(value)
            if self._memory.holds(address):
                found = self._memory.around(address)
                if found is None:
                    place = self._memory.describe(address)
                    raise DeviceError(f"{kernel.name}: argument {index} is {place}")
                used[found.pointer] = found
                continue
            for other in self._runtime.devices:
                if other._memory.holds(address):
                    raise DeviceError(
                        f"{kernel.name}: argument {index} is memory of device {other.ordinal}, "
                        f"launched on device {self.ordinal}"
                    )
        return list(used.values())

    def _run(
        self,
        kernel: SimulatedKernel,
        grid: int,
        block: int,
        shared_bytes: int,
        seed: int,
        packed: bytes,
    ) -> None:
        try:
            kernel.run(grid, block, shared_bytes, seed, packed)
        except KernelFault as fault:
            where = f" at {self._memory.describe(fault.address)}" if fault.address else ""
            raise DeviceError(f"{kernel.name}: {fault.text}{where}") from None

    def _check(self, moment: Moment, problems: Iterable[str | None]) -> None:
        # All of them are noted before the first is raised.
        for problem in list(problems):
            if problem is not None:
                raise DeviceError(f"{moment.what}: {problem}")

    def _check_edges(self, found: Allocation) -> None:
        problem = found.written_outside()
        if problem is not None:
            raise DeviceError(
                f"{self._last_kernel}: wrote {problem} an allocation of {found.nbytes} bytes"
            )


@functools.cache
def simulated_runtime() -> SimulatedRuntime:
    """The process's runtime with two devices, the same every time."""
    return SimulatedRuntime()
