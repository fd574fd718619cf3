"""The runtime on real devices: `runtime.py`'s protocols, put together from the modules here.

In come the calls of the CUDA backend, out go calls of the driver.  No decision is taken here that
one of the modules could take.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from gpuarray.errors import DeviceError, OutOfMemory

from .addresses import Addresses
from .cache import KernelCache, cache_directory
from .capture import CapturedGraph, Captures
from .compile import Compiler
from .context import Context, device_count
from .dedicated import Dedicated
from .kernel_interface import LaunchShape
from .launch import CudaKernel, Launcher, launch_kernel
from .libraries.nvidia import NvidiaLibraries
from .memory import DeviceMemory, memory_limit
from .modules import CudaModule, Modules
from .pool import DevicePool
from .resources import PoolResource, Resource
from .runtime import DeviceProperties, MemoryStatistics
from .sources import Source, compiled
from .stream import Event, Streams, TimedEvent

__all__ = ["CudaDeviceRuntime", "CudaRuntime"]


class CudaRuntime:
    """The CUDA devices of this process; see `runtime.Runtime`."""

    def __init__(self) -> None:
        self._devices: dict[int, CudaDeviceRuntime] = {}
        self._opening = threading.Lock()

    def device_count(self) -> int:
        return device_count()

    def open(self, ordinal: int) -> CudaDeviceRuntime:
        with self._opening:
            device = self._devices.get(ordinal)
            if device is None:
                device = self._devices[ordinal] = CudaDeviceRuntime(ordinal)
            return device


class CudaDeviceRuntime:
    """One CUDA device; see `runtime.DeviceRuntime`."""

    def __init__(self, ordinal: int) -> None:
        context = Context(ordinal)
        limit = memory_limit(context.properties.total_bytes)
        self._context = context
        self._driver: Any = context.driver
        pool = DevicePool(context, limit)
        self._memory = DeviceMemory(f"cuda:{ordinal}", pool, limit)
        self._streams = Streams(context)
        self.dedicated = Dedicated(context, self._streams)
        self.addresses = Addresses(context, pool)
        cache = KernelCache(cache_directory())
        self._compiler = Compiler(context.architecture, cache)
        self._modules = Modules(context, cache, self._memory.trim)
        self._launcher = Launcher(context, self._memory.trim, launch_kernel(context.driver))
        self._captures = Captures(context, self._memory)
        self._kernels: dict[tuple[str, str, str], CudaKernel] = {}
        self._compiling = threading.Lock()
        self.libraries = NvidiaLibraries(context, self)
        # On the way of every task, so bound without a call between.
        self.launch: Callable[..., None] = self._launcher.launch
        self.allocate: Callable[[int, int], int] = self._memory.allocate
        self.free: Callable[[int, int, int], None] = self._memory.free

    @property
    def ordinal(self) -> int:
        return self._context.ordinal

    @property
    def properties(self) -> DeviceProperties:
        return self._context.properties

    def create_stream(self, priority: int = 0) -> int:
        return self._streams.create(priority)

    def copy_in(self, pointer: int, host: NDArray[Any], stream: int) -> None:
        if not host.flags.c_contiguous:
            raise ValueError("copy_in: the host array must be C-contiguous")
        if host.nbytes == 0:
            return
        context, driver = self._context, self._driver
        if self._captures.stream == stream:
            self.copy(pointer, self._captures.keep(host), host.nbytes, stream)
            return
        address = int(host.ctypes.data)
        with context.current():
            context.check(
                driver.cuMemcpyHtoDAsync(pointer, address, host.nbytes, stream),
                f"copy {host.nbytes} bytes to the device",
            )
            # From ordinary memory the driver returns when it has read the array into a staging
            # buffer.  From pinned memory the device reads it later, and so it may where it can
            # reach ordinary memory by itself: there the host must wait, since the caller may
            # write to the array at once.
            if context.host_memory_is_read_late or self.is_pinned(address):
                context.check(driver.cuStreamSynchronize(stream), "wait for a copy to the device")

    def copy_out(self, host: NDArray[Any], pointer: int, stream: int) -> None:
        if not host.flags.c_contiguous or not host.flags.writeable:
            raise ValueError("copy_out: the host array must be C-contiguous and writable")
        context, driver = self._context, self._driver
        with context.current():
            if host.nbytes:
                context.check(
                    driver.cuMemcpyDtoHAsync(int(host.ctypes.data), pointer, host.nbytes, stream),
                    f"copy {host.nbytes} bytes from the device",
                )
            context.check(driver.cuStreamSynchronize(stream), "copy from the device")

    def copy(self, destination: int, source: int, nbytes: int, stream: int) -> None:
        if nbytes:
            with self._context.current():
                self._context.check(
                    self._driver.cuMemcpyDtoDAsync(destination, source, nbytes, stream),
                    f"copy {nbytes} bytes on the device",
                )

    def fill(self, pointer: int, nbytes: int, stream: int) -> None:
        if nbytes:
            with self._context.current():
                self._context.check(
                    self._driver.cuMemsetD8Async(pointer, 0, nbytes, stream),
                    f"set {nbytes} bytes to zero",
                )

    def compile(self, source: str, name: str, arguments: str) -> CudaKernel:
        key = (source, name, arguments)
        kernel = self._kernels.get(key)
        if kernel is not None:
            return kernel
        with self._compiling:
            kernel = self._kernels.get(key)
            if kernel is None:
                kernel = self._kernels[key] = self._load(source, name, arguments)
        return kernel

    def begin_capture(self, stream: int, home: int) -> None:
        self._captures.begin(stream, home)

    def end_capture(self, stream: int) -> CapturedGraph:
        try:
            graph, kept = self._captures.end(stream)
        except OutOfMemory:
            self._memory.trim()
            raise
        try:
            for pointer, host in kept:
                self.copy_in(pointer, host, graph.home)
        except BaseException:
            self._captures.free(graph)
            raise
        return graph

    def load(self, source: Source) -> CudaModule:
        with self._compiling:
            return self._modules.load(source)

    def load_code(self, codes: Sequence[bytes], name: str) -> CudaModule:
        return self._modules.load_code(codes, name)

    def translate(self, source: Source, kind: str) -> bytes:
        return compiled(source, self._context.architecture, kind)[0]

    def launch_raw(
        self,
        kernel: Any,
        shape: LaunchShape,
        stream: int,
        packed: bytes,
        pointers: Sequence[int],
    ) -> None:
        self._modules.launch(kernel, shape, stream, packed)

    def read_variable(self, *arguments: Any) -> None:
        self._modules.read(*arguments)

    def write_variable(self, *arguments: Any) -> None:
        self._modules.write(*arguments)

    def launch_graph(self, graph: object, stream: int) -> None:
        self._captures.launch(graph, stream)

    def free_graph(self, graph: object) -> None:
        self._captures.free(graph)

    def record(self, stream: int | None) -> Event:
        if stream is None:
            # An event of the whole context can't be recorded while a stream of it is captured.
            with self._captures.lock:
                return self._streams.record(stream)
        return self._streams.record(stream)

    def record_time(self, stream: int) -> TimedEvent:
        return self._streams.record_time(stream)

    def reached(self, event: object) -> bool:
        return self._streams.reached(event)

    def is_done(self, stream: int) -> bool:
        return self._streams.is_done(stream)

    def profile(self, on: bool) -> None:
        context, driver = self._context, self._driver
        with context.current():
            context.check(
                driver.cuProfilerStart() if on else driver.cuProfilerStop(),
                f"{'start' if on else 'stop'} the profiler",
            )

    def wait_on_host(self, event: object) -> None:
        self._streams.wait_on_host(event)

    def elapsed(self, start: object, end: object) -> float:
        return self._streams.elapsed(start, end)

    def wait(self, stream: int, event: object) -> None:
        self._streams.wait(stream, event)

    def synchronize(self, stream: int | None = None) -> None:
        if stream is None:
            with self._captures.lock:
                self._streams.synchronize(stream)
        else:
            self._streams.synchronize(stream)

    def reaches(self, pointer: int) -> bool:
        attribute = self._driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
        with self._context.current():
            code, ordinal = self._driver.cuPointerGetAttribute(attribute, pointer)
        # The driver answers with an error for memory that it has never heard of.
        return bool(code == 0 and int(ordinal) == self.ordinal)

    def memory(self) -> MemoryStatistics:
        return self._memory.statistics()

    def limit_memory(self, nbytes: int) -> None:
        self._memory.limit(nbytes)

    def use_resource(self, resource: Resource | None) -> None:
        self._memory.use(resource)

    def pool_resource(self) -> PoolResource:
        return self._memory.own

    def trim(self) -> int:
        with self._captures.lock:
            return self._memory.trim()

    def allocate_pinned(self, nbytes: int) -> int:
        context = self._context
        with context.current():
            found = self._driver.cuMemHostAlloc(nbytes, self._driver.CU_MEMHOSTALLOC_PORTABLE)
            return int(context.check(found, f"pin {nbytes} bytes of the host's memory"))

    def free_pinned(self, pointer: int) -> None:
        with self._context.current():
            self._driver.cuMemFreeHost(pointer)

    def is_pinned(self, pointer: int) -> bool:
        attribute = self._driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE
        # The driver answers with an error for memory that it has never heard of.
        return bool(self._driver.cuPointerGetAttribute(attribute, pointer)[0] == 0)

    def copy_in_later(self, pointer: int, host: NDArray[Any], stream: int) -> None:
        context = self._context
        with context.current():
            context.check(
                self._driver.cuMemcpyHtoDAsync(pointer, int(host.ctypes.data), host.nbytes, stream),
                f"copy {host.nbytes} bytes to the device",
            )

    def copy_out_later(self, host: NDArray[Any], pointer: int, stream: int) -> None:
        context = self._context
        with context.current():
            context.check(
                self._driver.cuMemcpyDtoHAsync(int(host.ctypes.data), pointer, host.nbytes, stream),
                f"copy {host.nbytes} bytes from the device",
            )

    def _load(self, source: str, name: str, arguments: str) -> CudaKernel:
        if not set(arguments) <= {"q", "d", "f"}:
            raise ValueError(
                f"kernel {name!r}: arguments must be made of 'q', 'd' and 'f', got {arguments!r}"
            )
        cubin = self._compiler.stored(source, name)
        if cubin is not None:
            try:
                return self._launcher.load(cubin, name, arguments)
            except Exception:
                # Whole, yet the driver does not take it, or it is short of memory: either way a
                # new one and another try are right.
                self._memory.trim()
        cubin = self._compiler.compile(source, name)
        try:
            return self._launcher.load(cubin, name, arguments)
        except (DeviceError, MemoryError):
            raise
        except Exception as error:
            raise DeviceError(f"kernel {name!r} does not load: {error}") from error
