"""The hooks of the CUDA backend: devices "cuda:0", "cuda:1" and so on.

All that it asks of CUDA passes `runtime.Runtime`; `use_runtime` puts another one, such as the
simulator of the tests, in the place of the driver.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpuarray.devices import Device
from gpuarray.graph.node import contiguous_layout
from gpuarray.graph.tape import Tape
from gpuarray.operations import CustomOperation
from gpuarray.plugins import Buffer, MemoryInfo, Operand, Step, Task, hookimpl
from gpuarray_cuda.buffer import ForeignCudaBuffer
from gpuarray_cuda.compaction import nonzero, nonzero_bits, selected_by_bits
from gpuarray_cuda.contiguous import row_major
from gpuarray_cuda.custom import check
from gpuarray_cuda.executor import Executor
from gpuarray_cuda.flags import flags
from gpuarray_cuda.libraries.hooks import LibraryHooks
from gpuarray_cuda.runtime import Runtime
from gpuarray_cuda.single_launch import SingleLaunch
from gpuarray_cuda.sorting.hooks import SortingHooks

__all__ = ["CudaBackend", "use_runtime"]

_runtime: Runtime | None = None


def use_runtime(runtime: Runtime | None) -> None:
    """Let backends opened from now on use `runtime`; None means the CUDA driver."""
    global _runtime
    _runtime = runtime


class CudaBackend(LibraryHooks, SortingHooks):
    """Answers every hook by way of a `Runtime`."""

    def __init__(self, runtime: Runtime | None = None) -> None:
        self._runtime = runtime or _runtime
        self._executors: dict[int, Executor] = {}

    def executor(self, device: Device) -> Executor:
        """What runs work on one of this backend's devices."""
        found = self._executors.get(device.ordinal)
        if found is None:
            assert self._runtime is not None
            found = Executor(device, self._runtime.open(device.ordinal))
            self._executors[device.ordinal] = found
        return found

    @hookimpl
    def gpuarray_devices(self) -> list[str]:
        if self._runtime is None:
            from gpuarray_cuda.driver import CudaRuntime

            self._runtime = CudaRuntime()
        return [f"cuda:{k}" for k in range(self._runtime.device_count())]

    @hookimpl
    def gpuarray_synchronize(self, device: Device) -> bool:
        self.executor(device).runtime.synchronize()
        return True

    @hookimpl
    def gpuarray_memory(self, device: Device) -> MemoryInfo:
        found = self.executor(device).runtime.memory()
        return MemoryInfo(found.used, found.held, found.limit, found.free, found.total, found.peak)

    @hookimpl
    def gpuarray_describe(self, device: Device) -> str:
        found = self.executor(device).runtime.properties
        major, minor = found.compute_capability
        return (
            f"{found.name}, compute capability {major}.{minor}, {found.multiprocessors} "
            f"multiprocessors, {found.total_bytes / 2**30:.0f} GiB"
        )

    @hookimpl
    def gpuarray_allocate(self, device: Device, nbytes: int) -> Buffer:
        return self.executor(device).allocate(nbytes)

    @hookimpl
    def gpuarray_copy_in(self, device: Device, array: np.ndarray[Any, Any]) -> Buffer:
        executor = self.executor(device)
        buffer = executor.allocate(array.nbytes)
        if array.nbytes:
            executor.runtime.copy_in(buffer.pointer, array, executor.stream)
        return buffer

    @hookimpl
    def gpuarray_copy_out(
        self, device: Device, buffer: Any, offset: int, array: np.ndarray[Any, Any]
    ) -> bool:
        executor = self.executor(device)
        stream = executor.stream
        executor.runtime.copy_out(array, buffer.read_on(stream) + offset, stream)
        return True

    @hookimpl
    def gpuarray_copy_from(
        self, device: Device, source: Device, buffer: Any, offset: int, nbytes: int
    ) -> Buffer:
        here, there = self.executor(device), self.executor(source)
        made = here.allocate(nbytes)
        if nbytes:
            address = buffer.read_on(there.stream) + offset
            here.runtime.wait(here.stream, there.runtime.record(there.stream))
            addresses = here.runtime.addresses
            if isinstance(buffer, ForeignCudaBuffer):  # which may be the host's, and mapped
                addresses.copy(made.pointer, address, nbytes, here.stream)
            else:
                addresses.copy_from_peer(made.pointer, there.runtime, address, nbytes, here.stream)
            # What frees or overwrites the memory comes after this stream, and so after the copy.
            there.runtime.wait(there.stream, here.runtime.record(here.stream))
            if not buffer.exclusive:
                there.let_others_wait(there.stream)
        return made

    @hookimpl
    def gpuarray_dlpack_device(self, device: Device) -> tuple[int, int]:
        return 2, device.ordinal

    @hookimpl
    def gpuarray_stream(self, device: Device) -> int:
        return self.executor(device).stream

    @hookimpl
    def gpuarray_mark(self, device: Device) -> object:
        executor = self.executor(device)
        return executor.runtime.record_time(executor.stream)

    @hookimpl
    def gpuarray_elapsed(self, device: Device, start: object, end: object) -> float:
        return self.executor(device).runtime.elapsed(start, end)

    @hookimpl
    def gpuarray_wrap(
        self, device: Device, pointer: int, nbytes: int, owner: object
    ) -> Buffer | None:
        runtime = self.executor(device).runtime
        if not runtime.reaches(pointer):
            return None
        return ForeignCudaBuffer(device, runtime, pointer, nbytes, owner)

    @hookimpl
    def gpuarray_lend(self, device: Device, buffer: Any, stream: int | None) -> int:
        address: int = buffer.lend(stream)
        return address

    @hookimpl
    def gpuarray_run(self, task: Task) -> list[Buffer]:
        return self.executor(task.device).run(task)

    @hookimpl
    def gpuarray_launch(self, launch: Callable[[], None]) -> bool:
        launch()
        return True

    @hookimpl
    def gpuarray_check_custom(self, device: Device, operation: CustomOperation) -> bool:
        check(operation, self.executor(device).runtime)
        return True

    @hookimpl
    def gpuarray_capture(
        self, device: Device, tape: Tape, inputs: list[tuple[Any, int]]
    ) -> Callable[[Sequence[tuple[Any, int]]], list[tuple[Any, int]]] | None:
        executor = self.executor(device)
        if tape.only is not None:
            return SingleLaunch(executor, tape.only).replay
        return executor.graphs.capture(tape, inputs)

    @hookimpl
    def gpuarray_nonzero(
        self, device: Device, buffer: Any, offset: int, size: int
    ) -> tuple[Buffer, int]:
        return nonzero(self.executor(device), buffer, offset, size)

    @hookimpl
    def gpuarray_compact(self, task: Task, x: Operand | None) -> Operand | None:
        executor = self.executor(task.device)
        bits = flags(executor, task)
        if bits is None:
            return None
        size = math.prod(task.step.shape)
        dtype = np.dtype(np.int64) if x is None else x.layout.dtype
        if x is None:
            found, count = nonzero_bits(executor, bits.pointer, size)
        else:
            elements = row_major(executor, x)
            found, count = selected_by_bits(executor, dtype, elements.address, bits.pointer, size)
            if not x.buffer.exclusive:
                executor.let_others_wait(executor.stream)
        return Operand(found, 0, contiguous_layout(dtype, (count,)))

    @hookimpl
    def gpuarray_source(self, step: Step, device: Device) -> str:
        return self.executor(device).source(step)

    @hookimpl
    def gpuarray_operations(self, table: Any) -> list[Any]:
        return []
