"""The runtime: all that the CUDA backend asks of a device, as protocols.

What comes in are sizes in bytes, integer stream handles and C-contiguous host arrays; what goes
out are integer device pointers.  `driver.py` answers with a GPU, `tests/simulator` with the CPU.
Nothing in the backend may reach a CUDA package past these protocols; this module imports none.

Rules that hold for every method
--------------------------------
Units
    Every size is in bytes.  A pointer is an `int`; 0 is the pointer of a zero-byte allocation.
Order
    Work enqueued on one stream runs in the order of the calls.  Two streams are ordered only by
    `record` and `wait`.  Memory belongs to the stream that it was allocated on: a caller that
    used it on another stream makes the owning stream wait for that use before it frees.
Threads
    Any thread may call any method, and makes no preparation for it (the implementation makes the
    device current where the driver needs that).  `launch` for one `Kernel` must not overlap with
    itself: a kernel owns one argument buffer.  Callers hold the flush lock, which is enough.
    `free`, `record` and `wait` may be called at any moment, also by a garbage-collection finalizer
    that runs inside another method of the same object on the same thread.
Errors
    `gpuarray.errors.DeviceError` for a fault, `OutOfMemory` when memory is short.  Kernels run
    after `launch` returns, so that a fault of theirs is raised by a later call: `synchronize`,
    `copy_out`, or any other method that reaches the driver.  After such a fault the device's
    context is lost, and with it all memory on it; only a new process can use it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from gpuarray_cuda.kernel_interface import Kernel, LaunchShape, Module, RawKernel
from gpuarray_cuda.libraries.interface import Libraries
from gpuarray_cuda.memory_interface import AddressCopies, DedicatedMemory
from gpuarray_cuda.resources import Resource

if TYPE_CHECKING:
    from gpuarray_cuda.sources import Source

__all__ = [
    "LEGACY_STREAM",
    "DeviceProperties",
    "DeviceRuntime",
    "MemoryStatistics",
    "Runtime",
]

# The handle of the legacy default stream that cannot be mistaken for another stream's.
LEGACY_STREAM = 1


@dataclass(frozen=True, slots=True)
class DeviceProperties:
    """What the generators and launchers need to know of a device.

    Attributes
    ----------
    name : str
        The vendor's name, such as ``"NVIDIA H200"``.
    compute_capability : tuple[int, int]
        Major and minor, such as ``(9, 0)``.
    multiprocessors : int
        Number of streaming multiprocessors.
    l2_bytes : int
        Size of the second-level cache.
    shared_bytes_per_block : int
        Most shared memory, static and dynamic together, that one block can have (the opt-in
        maximum, not the 48 KiB that need no permission).
    total_bytes : int
        Size of the device's memory.
    """

    name: str
    compute_capability: tuple[int, int]
    multiprocessors: int
    l2_bytes: int
    shared_bytes_per_block: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryStatistics:
    """A device's memory at one moment, in bytes.

    Attributes
    ----------
    used : int
        Memory handed out by `DeviceRuntime.allocate` and not yet freed, rounded up as the
        allocator rounds.
    held : int
        Memory this process's allocator has taken from the device: ``used`` and what it keeps for
        the next allocations.  Never less than ``used``.
    limit : int
        The most that ``used`` may reach (`GPUARRAY_MEMORY_LIMIT`); ``total`` where none is set.
    free : int
        Memory that the device itself has left, for any process.
    total : int
        Size of the device's memory.
    peak : int
        The highest ``used`` since the device was opened; freed blocks that the allocator had kept
        for the next allocations at that moment may count as used.
    """

    used: int
    held: int
    limit: int
    free: int
    total: int
    peak: int


class DeviceRuntime(Protocol):
    """One open device."""

    @property
    def ordinal(self) -> int:
        """The device's number, as in ``"cuda:<ordinal>"``."""

    @property
    def properties(self) -> DeviceProperties: ...

    @property
    def libraries(self) -> Libraries:
        """NVIDIA's libraries on this device; each is loaded at its first call."""

    @property
    def dedicated(self) -> DedicatedMemory:
        """Memory that is not the pool's: managed, mapped, and for other processes."""

    @property
    def addresses(self) -> AddressCopies:
        """Copies between any two addresses."""

    def create_stream(self, priority: int = 0) -> int:
        """A new stream that does not wait for the default stream, as an integer handle.

        Of streams that have work, the device prefers those with a lower `priority`.

        It lives as long as the runtime; there is no call that closes it.  Every method below
        also takes the handle of a stream that another library made, which must outlive its use
        and all memory allocated on it (`stream.as_stream_handle` gets the handle from such an
        object); 0 is the legacy default stream.
        """

    def allocate(self, nbytes: int, stream: int) -> int:
        """A pointer to `nbytes` of device memory, aligned to 256 bytes, contents undefined.

        It may be used by work enqueued on `stream` from now on.  Zero bytes give 0.

        Raises
        ------
        ValueError
            For a negative `nbytes`.
        OutOfMemory
            When neither the pool nor the device has the memory, after everything unused was
            given back, or when the limit would be passed; the message says what was asked, used,
            held and free.
        """

    def free(self, pointer: int, nbytes: int, stream: int) -> None:
        """Give back what `allocate(nbytes, stream)` returned; the same three values.

        Stream-ordered: work already enqueued on `stream` may still use the memory.  Never raises
        and never waits, so that finalizers may call it, in any thread and at interpreter exit.
        """

    def copy_in(self, pointer: int, host: NDArray[Any], stream: int) -> None:
        """Copy the C-contiguous array `host` to the device.

        On return `host` may be written or freed; the bytes are on the device when `stream` gets
        there, which may be later.

        Raises
        ------
        ValueError
            If `host` is not C-contiguous.
        """

    def copy_out(self, host: NDArray[Any], pointer: int, stream: int) -> None:
        """Fill the C-contiguous, writable array `host` from the device; complete on return.

        Waits for everything enqueued on `stream` before.

        Raises
        ------
        ValueError
            If `host` is not C-contiguous or not writable.
        """

    def allocate_pinned(self, nbytes: int) -> int:
        """The address of new host memory, at least one byte, that the device copies from by itself.

        Raises
        ------
        OutOfMemory
            When the host has none that can be pinned.
        """

    def free_pinned(self, pointer: int) -> None:
        """Give back what `allocate_pinned` returned, of which no copy may be under way."""

    def is_pinned(self, pointer: int) -> bool:
        """Whether an address of host memory is pinned, by whomever."""

    def copy_in_later(self, pointer: int, host: NDArray[Any], stream: int) -> None:
        """As `copy_in` from pinned memory, which is read when the stream gets there."""

    def copy_out_later(self, host: NDArray[Any], pointer: int, stream: int) -> None:
        """As `copy_out` to pinned memory, which is written when the stream gets there."""

    def copy(self, destination: int, source: int, nbytes: int, stream: int) -> None:
        """Copy between two ranges of this device's memory, which must not overlap."""

    def fill(self, pointer: int, nbytes: int, stream: int) -> None:
        """Set `nbytes` bytes to zero."""

    def compile(self, source: str, name: str, arguments: str) -> Kernel:
        """Compile CUDA C++ `source` and return its kernel `name`.

        The kernel is ``extern "C" __global__ void name(const __grid_constant__ Args a)``, where
        every member of ``Args`` has 8 bytes.  `arguments` has a character for each: ``q`` for a
        pointer or a signed 64-bit integer, ``d`` for a double, ``f`` for a float and 4 bytes that
        nothing reads.  The caller keeps the result; the
        implementation keeps compiled code within the process and, where it can, on disk.

        Raises
        ------
        ValueError
            If `arguments` holds another character.
        DeviceError
            If the source does not compile (the message shows the lines), or the kernel can't be
            loaded.
        """

    def launch(
        self,
        kernel: Kernel,
        grid: int,
        block: int,
        shared_bytes: int,
        stream: int,
        values: Sequence[int | float],
        tail: Sequence[int | float] = (),
    ) -> None:
        """Enqueue `kernel` on `stream`: `grid` blocks of `block` threads.

        `grid` and `block` are at least 1.  `shared_bytes` is dynamic shared memory for each block;
        with the kernel's own it may reach `DeviceProperties.shared_bytes_per_block`.  `values`
        and `tail` together have a number for each character of the kernel's `arguments`, an integer
        in the range of int64 where that is ``q``; they are copied before the call returns.  A
        `tail` that is the very tuple of the kernel's launch before costs nothing.

        Raises
        ------
        ValueError
            If `values` and `tail` do not fit `arguments`.
        DeviceError
            If the driver refuses the launch; the message names the kernel.
        """

    def load(self, source: Source) -> Module:
        """Compile a user's CUDA C++, or find it on disk, and load it: a new module each time.

        Raises
        ------
        DeviceError
            If it does not compile; the message shows the lines in question.
        """

    def load_code(self, codes: Sequence[bytes], name: str) -> Module:
        """Load a cubin, a fat binary or PTX, or link several of them and code for the linker.

        Raises
        ------
        DeviceError
            If the device does not take it.
        """

    def translate(self, source: Source, kind: str) -> bytes:
        """A source as code for this device: "cubin", "ptx" or "ltoir".

        Raises
        ------
        DeviceError
            If it does not compile.
        """

    def launch_raw(
        self,
        kernel: RawKernel,
        shape: LaunchShape,
        stream: int,
        packed: bytes,
        pointers: Sequence[int],
    ) -> None:
        """Enqueue a kernel of a module; `packed` has its arguments where `parameters` says.

        `pointers` are those among them that lead to device memory. Limits are those of `launch`;
        a block has at most `max_threads` threads.

        Raises
        ------
        DeviceError
            If the driver refuses the launch; the message names the kernel.
        """

    def read_variable(self, module: Module, name: str, host: NDArray[Any], stream: int) -> None:
        """Fill a C-contiguous array of a variable's size, and wait for it."""

    def write_variable(self, module: Module, name: str, host: NDArray[Any], stream: int) -> None:
        """Fill a variable from a C-contiguous array of its size, and wait for it."""

    def begin_capture(self, stream: int, home: int) -> None:
        """Write down what is enqueued on `stream` from now on, and run none of it.

        The stream must be one that `create_stream` made and that nothing else uses meanwhile.
        Until the end of the capture `allocate` for it gives memory of the graph, which keeps its
        place as long as the graph lives, and `free` lets the rest of the capture use that again;
        the memory itself is allocated on `home`. `copy_in` keeps the bytes with the graph. What
        waits for the stream (`copy_out`, `synchronize`), and `record` and `wait` for it, are
        errors, after which the capture can only end. One capture at a time.
        """

    def end_capture(self, stream: int) -> object:
        """The graph of what was enqueued since `begin_capture`; nothing has run.

        The capture is over also if this raises, and its memory given back. Called after whatever
        went wrong since, too.

        Raises
        ------
        DeviceError
            If something in between can't be captured, or memory of the graph is still in use.
        OutOfMemory
            When the device has no memory for the graph.
        """

    def launch_graph(self, graph: object, stream: int) -> None:
        """Enqueue all of a graph's work on `stream`.

        The launches of a graph must follow each other, and the end of its capture: it has one
        memory. So must those of graphs that were captured on one stream, which share workspaces.
        """

    def free_graph(self, graph: object) -> None:
        """Give a graph and its memory back, in the order of the stream `home`.

        That stream must have waited for the last launch. Never raises and never waits.
        """

    def record(self, stream: int | None) -> object:
        """An event: the moment when everything enqueued on `stream` so far is done.

        None stands for every stream of the device, those of other libraries too.
        """

    def wait(self, stream: int, event: object) -> None:
        """Make later work on `stream` wait for `event`; the caller does not wait."""

    def record_time(self, stream: int) -> object:
        """An event as of `record`, which also keeps the time at which it happens."""

    def reached(self, event: object) -> bool:
        """Whether an event has happened; the host does not wait."""

    def is_done(self, stream: int) -> bool:
        """Whether everything enqueued on a stream is done; the host does not wait."""

    def wait_on_host(self, event: object) -> None:
        """Wait until an event has happened."""

    def elapsed(self, start: object, end: object) -> float:
        """Seconds of the device between two events of `record_time`, which are waited for."""

    def synchronize(self, stream: int | None = None) -> None:
        """Wait until everything on `stream` is done; with None, on the whole device.

        Raises
        ------
        DeviceError
            If something enqueued before has faulted; the message names the kernel that was
            launched last.
        """

    def profile(self, on: bool) -> None:
        """Let a profiler collect from now on, or no longer."""

    def reaches(self, pointer: int) -> bool:
        """Whether `pointer` is an address of this device's memory, whoever allocated it."""

    def memory(self) -> MemoryStatistics:
        """The device's memory now; costs a call to the driver."""

    def limit_memory(self, nbytes: int) -> None:
        """Let at most so many bytes be used from now on."""

    def use_resource(self, resource: Resource | None) -> None:
        """Let memory come from a resource from now on; None: from the device's own pool.

        Each block goes back to where it came from. The limit and the statistics hold for both. An
        exception of the resource passes through `allocate`, a `MemoryError` as `OutOfMemory`.
        """

    def pool_resource(self) -> Resource:
        """The device's own pool, for a resource to take its memory from."""

    def trim(self) -> int:
        """Give memory that is held but not used back to the device; the bytes released.

        Waits for the device: memory freed on a stream can be released only when the stream has
        passed that point.
        """


class Runtime(Protocol):
    """The way to a device; opening nothing until it is asked."""

    def device_count(self) -> int:
        """How many devices there are, at least 1.

        Raises
        ------
        gpuarray.errors.BackendUnavailable
            If CUDA can't start here: what is missing, and what to do about it.
        """

    def open(self, ordinal: int) -> DeviceRuntime:
        """The device number `ordinal`; the same object every time.

        Raises
        ------
        gpuarray.errors.BackendUnavailable
            As `device_count`, and where there is no such device.
        """
