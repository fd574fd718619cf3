"""The driver's stream-ordered memory pool of one device.

In come byte counts and stream handles, out go device pointers.  Nothing is cached or counted here
(`memory.py` does), and no method takes a Python lock.
"""

from __future__ import annotations

from typing import Any, Protocol

from .context import INVALID_CONTEXT, OUT_OF_MEMORY, Context, packages

__all__ = ["DevicePool", "Pool"]

KEEP_EVERYTHING = 2**64 - 1


class Pool(Protocol):
    """What `memory.DeviceMemory` needs of a pool; tests give it one that has no device."""

    def allocate(self, nbytes: int, stream: int) -> int:
        """A pointer to `nbytes` (more than 0) bytes, or 0 if the device has no memory left.

        Raises
        ------
        DeviceError
            For any error but lack of memory.
        """

    def free(self, pointer: int, stream: int) -> None:
        """Give the memory back in stream order; never raises."""

    def reserved(self) -> int:
        """Bytes that the pool has taken from the device."""

    def device_memory(self) -> tuple[int, int]:
        """Bytes that the device has left, and its total."""

    def keep(self, nbytes: int) -> None:
        """Hold up to so many unused bytes whenever the host waits for the device."""

    def release(self) -> None:
        """Wait for the device, then give what is unused back to it."""


class DevicePool:
    """A pool of this library's own on one device.

    It is not the device's default pool, which other libraries use too: statistics and `release`
    must concern this library's memory alone.

    Parameters
    ----------
    context : Context
        The device.
    limit : int
        Bytes of unused memory above which the pool gives memory back whenever the host waits for
        the device.
    """

    __slots__ = ("_allocate", "_context", "_free", "_pool", "_resource")

    def __init__(self, context: Context, limit: int) -> None:
        core = packages().core
        self._context = context
        with context.current():
            self._resource: Any = core.DeviceMemoryResource(
                context.ordinal, core.DeviceMemoryResourceOptions()
            )
            self._pool: Any = self._resource.handle
        self.keep(limit)
        self._allocate = context.driver.cuMemAllocFromPoolAsync
        self._free = context.driver.cuMemFreeAsync

    def keep(self, nbytes: int) -> None:
        context, driver = self._context, self._context.driver
        # The default threshold of 0 gives everything back at each synchronize, and taking it
        # again costs hundreds of microseconds.
        threshold = driver.cuuint64_t(min(nbytes, KEEP_EVERYTHING))
        attribute = driver.CUmemPool_attribute.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD
        with context.current():
            context.check(
                driver.cuMemPoolSetAttribute(self._pool, attribute, threshold),
                "set how much the memory pool keeps",
            )

    def allocate(self, nbytes: int, stream: int) -> int:
        code, pointer = self._allocate(nbytes, self._pool, stream)
        if code == INVALID_CONTEXT:
            # Only a default stream takes its context from the thread; a stream of our own brings
            # it along, so that the common case need not look.
            with self._context.current():
                code, pointer = self._allocate(nbytes, self._pool, stream)
        if code == 0:
            return int(pointer)
        if code == OUT_OF_MEMORY:
            return 0
        raise self._context.error(code, f"allocate {nbytes} bytes")

    def free(self, pointer: int, stream: int) -> None:
        # Errors are dropped: a finalizer can't use them, and a lost context or a driver that is
        # shutting down has taken the memory back already.
        try:
            if self._free(pointer, stream)[0] == INVALID_CONTEXT:
                with self._context.current():
                    self._free(pointer, stream)
        except Exception:
            return

    def reserved(self) -> int:
        return int(self._resource.attributes.reserved_mem_current)

    def device_memory(self) -> tuple[int, int]:
        with self._context.current():
            free, total = self._context.check(
                self._context.driver.cuMemGetInfo(), "read the memory size"
            )
        return int(free), int(total)

    def share_with(self, ordinal: int) -> None:
        """Let another device read and write what comes from here, past and to come."""
        context, driver = self._context, self._context.driver
        place = driver.CUmemLocation()
        place.type = driver.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
        place.id = ordinal
        access = driver.CUmemAccessDesc()
        access.location = place
        access.flags = driver.CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE
        with context.current():
            context.check(
                driver.cuMemPoolSetAccess(self._pool, [access], 1),
                f"open the memory pool for cuda:{ordinal}",
            )

    def release(self) -> None:
        driver = self._context.driver
        with self._context.current():
            # Memory that was freed on a stream can leave only when the stream has got there.
            self._context.check(driver.cuCtxSynchronize(), "wait for the device")
            self._context.check(driver.cuMemPoolTrimTo(self._pool, 0), "trim the memory pool")
