"""Buffers in device memory, and the order of the streams that use them.

A buffer remembers the stream that wrote it last and those that have read it since. Whoever uses it
on another stream waits, on the device, for what has to come first; so arrays may be used from any
thread and stream without a thought. What another library shares may be written on any stream of
its own: its `writer` is None, and who reads it waits for everything enqueued on the device before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.graph.node import Buffer, clock
from gpuarray_cuda.runtime import LEGACY_STREAM, DeviceRuntime

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["CudaBuffer", "ForeignCudaBuffer", "PlacedCudaBuffer"]


class CudaBuffer(Buffer):
    """Device memory that is given back when the buffer is collected.

    `pointer` is its address, `home` the stream it was allocated on, `writer` the stream that wrote
    it last, None where it may be any; `readers` are other streams that may still be reading it.
    `version` is another number when the contents may have changed since they were complete.
    """

    __slots__ = ("home", "pointer", "readers", "runtime", "version", "writer")

    def __init__(self, device: Device, runtime: DeviceRuntime, nbytes: int, stream: int) -> None:
        self.pointer = runtime.allocate(nbytes, stream)
        self.home = stream
        self.writer: int | None = stream
        self.version = 0
        self.readers: set[int | None] | None = None
        # As the base class does; a call less on the way of every result.
        self.device = device
        self.nbytes = nbytes
        self.exclusive = True
        # Last: whoever finds it may free the rest.
        self.runtime = runtime
        clock.now += 1 + nbytes * clock.per_byte

    def read_on(self, stream: int) -> int:
        """Make `stream` wait for the last writer; the address."""
        if self.writer != stream:
            self.runtime.wait(stream, self.runtime.record(self.writer))
            if self.writer is None and self.exclusive:
                # Another library has let go of it, and `stream` comes after all that it has done.
                self.writer = stream
                self.readers = None
                return self.pointer
            if self.readers is None:
                self.readers = set()
            self.readers.add(stream)
        return self.pointer

    def lend(self, stream: int) -> int:
        """The address for another library, whose `stream` waits for the last writer; -1: none."""
        if stream not in (-1, self.writer):
            self.runtime.wait(stream, self.runtime.record(self.writer))
        self.version += 1
        # Its streams are no readers: one may be gone when an event is to be recorded on it.
        self.writer = None
        return self.pointer

    def write_on(self, stream: int) -> int:
        """Make `stream` wait for everybody who still uses the old contents; the address."""
        for other in {self.writer, *(self.readers or ())} - {stream}:
            self.runtime.wait(stream, self.runtime.record(other))
        self.version += 1
        self.readers = None if self.writer == stream else {self.writer}
        self.writer = stream
        return self.pointer

    def __del__(self) -> None:
        runtime = getattr(self, "runtime", None)
        if runtime is None:
            return  # never allocated
        home = self.home
        try:
            if self.readers is not None or self.writer != home:
                for other in {self.writer, *(self.readers or ())} - {home}:
                    runtime.wait(home, runtime.record(other))
        finally:
            runtime.free(self.pointer, self.nbytes, home)


class ForeignCudaBuffer(CudaBuffer):
    """Device memory of another library, which `owner` keeps alive."""

    __slots__ = ("owner",)

    def __init__(
        self, device: Device, runtime: DeviceRuntime, pointer: int, nbytes: int, owner: object
    ) -> None:
        self.pointer = pointer
        self.runtime = runtime
        self.home = LEGACY_STREAM
        self.writer = None
        self.readers = None
        self.version = 0
        self.owner = owner
        Buffer.__init__(self, device, nbytes, exclusive=False)

    def __del__(self) -> None:
        # What its owner does next with the memory waits for those who read it here, provided that
        # it uses the default stream, as nearly every library does.
        for stream in {self.writer, *(self.readers or ())} - {None}:
            self.runtime.wait(self.home, self.runtime.record(stream))


class PlacedCudaBuffer(CudaBuffer):
    """Memory that another object keeps, at an address that `stream` may read without waiting."""

    __slots__ = ()

    def __init__(
        self, device: Device, runtime: DeviceRuntime, pointer: int, nbytes: int, stream: int
    ) -> None:
        self.pointer = pointer
        self.runtime = runtime
        self.home = self.writer = stream
        self.readers = None
        self.version = 0
        Buffer.__init__(self, device, nbytes)

    def __del__(self) -> None:
        pass
