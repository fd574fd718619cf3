"""Buffers in device memory, and the order of the streams that use them.

A buffer remembers the stream that wrote it last and those that have read it since. Whoever uses it
on another stream waits, on the device, for what has to come first; so arrays may be used from any
thread and stream without a thought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.graph.node import clock
from gpuarray.plugins import Buffer
from gpuarray_cuda.runtime import DeviceRuntime

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["CudaBuffer"]


class CudaBuffer(Buffer):
    """Device memory that is given back when the buffer is collected.

    `pointer` is its address, `home` the stream it was allocated on, `writer` the stream that wrote
    it last; `readers` are other streams that may still be reading it.
    """

    __slots__ = ("home", "pointer", "readers", "runtime", "writer")

    def __init__(self, device: Device, runtime: DeviceRuntime, nbytes: int, stream: int) -> None:
        self.pointer = runtime.allocate(nbytes, stream)
        self.runtime = runtime
        self.home = stream
        self.writer = stream
        self.readers: set[int] | None = None
        # As the base class does; a call less on the way of every result.
        self.device = device
        self.nbytes = nbytes
        self.exclusive = True
        clock.now += 1 + nbytes * clock.per_byte

    def read_on(self, stream: int) -> int:
        """Make `stream` wait for the last writer; the address."""
        if self.writer != stream:
            self.runtime.wait(stream, self.runtime.record(self.writer))
            if self.readers is None:
                self.readers = set()
            self.readers.add(stream)
        return self.pointer

    def write_on(self, stream: int) -> int:
        """Make `stream` wait for everybody who still uses the old contents; the address."""
        for other in {self.writer, *(self.readers or ())} - {stream}:
            self.runtime.wait(stream, self.runtime.record(other))
        self.readers = None if self.writer == stream else {self.writer}
        self.writer = stream
        return self.pointer

    def __del__(self) -> None:
        try:
            pointer, home = self.pointer, self.home
        except AttributeError:
            return  # never allocated
        try:
            if self.readers is not None or self.writer != home:
                for other in {self.writer, *(self.readers or ())} - {home}:
                    self.runtime.wait(home, self.runtime.record(other))
        finally:
            self.runtime.free(pointer, self.nbytes, home)
