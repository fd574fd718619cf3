"""Copies between addresses on a real device: see `memory_interface.AddressCopies`.

In: addresses, bytes, handles of streams. Out: calls of the driver, which finds out from an address
whose memory it is.
"""

from __future__ import annotations

from typing import Any

from .context import Context
from .pool import DevicePool

__all__ = ["Addresses"]


class Addresses:
    """The copies that one device's streams carry out."""

    def __init__(self, context: Context, pool: DevicePool) -> None:
        self.context = context
        self.pool = pool
        self._peers: set[int] = set()

    def copy(self, destination: int, source: int, nbytes: int, stream: int) -> None:
        context = self.context
        with context.current():
            context.check(
                context.driver.cuMemcpyAsync(destination, source, nbytes, stream),
                f"copy {nbytes} bytes from {source:#x} to {destination:#x}",
            )

    def copy_2d(
        self,
        destination: tuple[int, int],
        source: tuple[int, int],
        width: int,
        height: int,
        stream: int,
    ) -> None:
        context, driver = self.context, self.context.driver
        asked = driver.CUDA_MEMCPY2D()
        unified = driver.CUmemorytype.CU_MEMORYTYPE_UNIFIED
        asked.srcMemoryType = asked.dstMemoryType = unified
        asked.dstDevice, asked.dstPitch = driver.CUdeviceptr(destination[0]), destination[1]
        asked.srcDevice, asked.srcPitch = driver.CUdeviceptr(source[0]), source[1]
        asked.WidthInBytes, asked.Height = width, height
        with context.current():
            context.check(
                driver.cuMemcpy2DAsync(asked, stream), f"copy {height} rows of {width} bytes"
            )

    def fill(self, pointer: int, value: int, itemsize: int, count: int, stream: int) -> None:
        context, driver = self.context, self.context.driver
        calls = {1: driver.cuMemsetD8Async, 2: driver.cuMemsetD16Async, 4: driver.cuMemsetD32Async}
        with context.current():
            context.check(
                calls[itemsize](pointer, value, count, stream),
                f"set {count} items of {itemsize} bytes",
            )

    def copy_from_peer(
        self, destination: int, other: Any, source: int, nbytes: int, stream: int
    ) -> None:
        context, driver = self.context, self.context.driver
        if other.ordinal not in self._peers:
            if self.reaches_peer(other.ordinal):
                # Otherwise the driver takes the way over the host.
                other.addresses.pool.share_with(context.ordinal)
            self._peers.add(other.ordinal)
        here, there = (driver.CUcontext(x.handle) for x in (context, other.addresses.context))
        with context.current():
            context.check(
                driver.cuMemcpyPeerAsync(destination, here, source, there, nbytes, stream),
                f"copy {nbytes} bytes from cuda:{other.ordinal}",
            )

    def reaches_peer(self, ordinal: int) -> bool:
        context, driver = self.context, self.context.driver
        if ordinal == context.ordinal:
            return True
        doing = "ask for peer access"
        own, other = (
            context.check(driver.cuDeviceGet(k), doing) for k in (context.ordinal, ordinal)
        )
        return bool(context.check(driver.cuDeviceCanAccessPeer(own, other), doing))
