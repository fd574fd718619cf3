"""`gpuarray_cuda.memory_interface` answered by the CPU: blocks in guarded memory, checked copies.

In: a simulated device. Out: its `dedicated` and its `addresses`. Copies between addresses are
ordered and checked as those of the device are; there are no other processes.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from gpuarray.errors import DeviceError
from gpuarray_cuda.memory_interface import Kind
from gpuarray_cuda.runtime import LEGACY_STREAM

if TYPE_CHECKING:
    from .runtime import SimulatedDeviceRuntime

__all__ = ["SimulatedAddresses", "SimulatedDedicated"]


class SimulatedDedicated:
    """Blocks of the guarded memory that both the host and kernels use."""

    def __init__(self, device: SimulatedDeviceRuntime) -> None:
        self._device = device
        self.kinds: dict[int, str] = {}
        self.moves: list[tuple[int, int, bool]] = []
        self.advice: list[tuple[int, int, str, bool]] = []

    def allocate(self, nbytes: int, kind: Kind) -> int:
        pointer = self._device.allocate(nbytes, LEGACY_STREAM)
        found = self._device._memory.at(pointer)
        assert found is not None
        found.usage.written = None  # in no stream's order: the driver has waited
        self.kinds[pointer] = kind
        return pointer

    def free(self, pointer: int) -> None:
        found = self._device._memory.at(pointer)
        del self.kinds[pointer]
        if found is not None:
            self._device.free(pointer, found.nbytes, LEGACY_STREAM)

    def is_pinned(self, pointer: int) -> bool:
        found = self._device._memory.around(pointer)
        return found is not None and found.pointer in self.kinds

    def prefetch(self, pointer: int, nbytes: int, to_host: bool, stream: int) -> None:
        self._managed(pointer, nbytes)
        self.moves.append((pointer, nbytes, to_host))

    def advise(self, pointer: int, nbytes: int, advice: str, on_host: bool) -> None:
        self._managed(pointer, nbytes)
        self.advice.append((pointer, nbytes, advice, on_host))

    def export(self, pointer: int) -> bytes:
        raise DeviceError("the simulator has no memory that another process can open")

    def open_exported(self, handle: bytes) -> int:
        raise DeviceError("the simulator cannot open memory of another process")

    def _managed(self, pointer: int, nbytes: int) -> None:
        found = self._device._memory.range(pointer, nbytes, "prefetch of")
        if found is None or self.kinds.get(found.pointer) != "managed":
            raise DeviceError(f"{pointer:#x} is not managed memory")


class SimulatedAddresses:
    """Copies between memory of all devices and pinned memory."""

    def __init__(self, device: SimulatedDeviceRuntime) -> None:
        self._device = device
        self.peer_copies = 0

    def copy(self, destination: int, source: int, nbytes: int, stream: int) -> None:
        with self._device._call("copy", reports=True):
            if abs(destination - source) < nbytes:
                raise DeviceError(f"copy: ranges of {nbytes} bytes overlap")
            self._use(source, nbytes, stream, writes=False)
            self._use(destination, nbytes, stream, writes=True)
            ctypes.memmove(destination, source, nbytes)
            self._device._runtime.instruments.add(copies=1, bytes_between=nbytes)

    def copy_2d(
        self,
        destination: tuple[int, int],
        source: tuple[int, int],
        width: int,
        height: int,
        stream: int,
    ) -> None:
        for row in range(height):
            into, out_of = (begin + row * pitch for begin, pitch in (destination, source))
            self.copy(into, out_of, width, stream)

    def fill(self, pointer: int, value: int, itemsize: int, count: int, stream: int) -> None:
        with self._device._call("fill", reports=True):
            nbytes = itemsize * count
            self._use(pointer, nbytes, stream, writes=True)
            ctypes.memmove(pointer, value.to_bytes(itemsize, "little") * count, nbytes)
            self._device._runtime.instruments.add(bytes_filled=nbytes)

    def copy_from_peer(
        self, destination: int, other: Any, source: int, nbytes: int, stream: int
    ) -> None:
        if not other._memory.holds(source):
            raise DeviceError(f"{source:#x} is not memory of device {other.ordinal}")
        self.peer_copies += 1
        self.copy(destination, source, nbytes, stream)

    def reaches_peer(self, ordinal: int) -> bool:
        return True

    def _use(self, pointer: int, nbytes: int, stream: int, *, writes: bool) -> None:
        own = self._device
        for device in (own, *own._runtime.devices):
            if device._memory.holds(pointer):
                found = device._memory.range(pointer, nbytes, "copy of")
                if found is not None:
                    moment = own._enqueue(stream, "copy")
                    check = own._runtime.streams.writes if writes else own._runtime.streams.reads
                    own._check(moment, [check(found.usage, moment)])
                return
        block = own.pinned_block(pointer)
        if block is None or pointer + nbytes > sum(block):
            raise DeviceError(f"copy of {nbytes} bytes at {pointer:#x}, which is no pinned memory")
