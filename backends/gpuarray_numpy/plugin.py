"""The hooks of the NumPy backend: one device, "cpu", whose memory is the host's."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from gpuarray.devices import Device
from gpuarray.plugins import Buffer, MemoryInfo, Step, Task, hookimpl
from gpuarray_numpy.buffer import ForeignHostBuffer, HostBuffer, HostMemory
from gpuarray_numpy.interpret import interpret
from gpuarray_numpy.library import LibraryHooks

__all__ = ["NumpyBackend"]


class NumpyBackend(LibraryHooks):
    """Answers every hook with NumPy, synchronously."""

    def __init__(self) -> None:
        self._memory = HostMemory()
        super().__init__(self._stored)

    @hookimpl
    def gpuarray_devices(self) -> list[str]:
        return ["cpu"]

    @hookimpl
    def gpuarray_synchronize(self, device: Device) -> bool:
        return True

    @hookimpl
    def gpuarray_memory(self, device: Device) -> MemoryInfo:
        used = self._memory.used
        return MemoryInfo(used, used, None, None, None, self._memory.peak)

    @hookimpl
    def gpuarray_describe(self, device: Device) -> str:
        return f"NumPy {np.__version__} on {platform.machine()}"

    @hookimpl
    def gpuarray_allocate(self, device: Device, nbytes: int) -> Buffer:
        return HostBuffer(device, nbytes, self._memory)

    @hookimpl
    def gpuarray_copy_in(self, device: Device, array: np.ndarray[Any, Any]) -> Buffer:
        return self._stored(device, array)

    def _stored(self, device: Device, array: np.ndarray[Any, Any]) -> HostBuffer:
        buffer = HostBuffer(device, array.nbytes, self._memory)
        buffer.memory[:] = array.reshape(-1).view(np.uint8)
        return buffer

    @hookimpl
    def gpuarray_copy_out(
        self, device: Device, buffer: Buffer, offset: int, array: np.ndarray[Any, Any]
    ) -> bool:
        assert isinstance(buffer, HostBuffer)
        array.reshape(-1).view(np.uint8)[:] = buffer.memory[offset : offset + array.nbytes]
        return True

    @hookimpl
    def gpuarray_dlpack_device(self, device: Device) -> tuple[int, int]:
        return 1, 0

    @hookimpl
    def gpuarray_wrap(self, device: Device, pointer: int, nbytes: int, owner: object) -> Buffer:
        return ForeignHostBuffer(device, pointer, nbytes, owner)

    @hookimpl
    def gpuarray_lend(self, device: Device, buffer: Buffer, stream: int | None) -> int:
        assert isinstance(buffer, HostBuffer)
        return int(buffer.memory.ctypes.data)

    @hookimpl
    def gpuarray_run(self, task: Task) -> list[Buffer]:
        device = task.device
        return interpret(
            task,
            device.backend.operations,
            lambda nbytes: HostBuffer(device, nbytes, self._memory),
        )

    @hookimpl
    def gpuarray_nonzero(
        self, device: Device, buffer: Buffer, offset: int, size: int
    ) -> tuple[Buffer, int]:
        assert isinstance(buffer, HostBuffer)
        found = np.flatnonzero(buffer.memory[offset : offset + size])
        return self.gpuarray_copy_in(device, found.astype(np.int64)), len(found)

    @hookimpl
    def gpuarray_source(self, step: Step, device: Device) -> str:
        return ""

    @hookimpl
    def gpuarray_operations(self, table: Any) -> list[Any]:
        return []
