"""Managed, mapped and exportable memory on a real device: see `memory_interface.DedicatedMemory`.

In: bytes and a kind. Out: addresses. Each block is the driver's own: its calls take microseconds to
milliseconds, and some wait for the device, so that the memory of arrays never comes from here.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable
from typing import Any

from gpuarray.errors import DeviceError

from .context import Context
from .memory_interface import Kind
from .runtime import LEGACY_STREAM
from .stream import Event, Streams

__all__ = ["Dedicated"]

HANDLE_BYTES = 64  # CU_IPC_HANDLE_SIZE

# Smaller blocks lie in one of this size with others, and another process could reach those, too.
SHARED_GRAIN = 2 << 20


class Dedicated:
    """The blocks of one device."""

    def __init__(self, context: Context, streams: Streams) -> None:
        driver = context.driver
        self._context = context
        self._streams = streams
        self._release: dict[str, Callable[[int], Any]] = {
            "managed": driver.cuMemFree,
            "exportable": driver.cuMemFree,
            "mapped": driver.cuMemFreeHost,
            "opened": driver.cuIpcCloseMemHandle,
        }
        self._kinds: dict[int, str] = {}
        self._freed: deque[tuple[Event, int, str]] = deque()

    def allocate(self, nbytes: int, kind: Kind) -> int:
        context, driver = self._context, self._context.driver
        self._release_done()
        if kind == "managed" and not context.device.properties.concurrent_managed_access:
            raise DeviceError(
                f"cuda:{context.ordinal}: the host must not touch managed memory of this device "
                "while it works; use mapped memory"
            )
        doing = f"allocate {nbytes} bytes of {kind} memory"
        with context.current():
            if kind == "managed":
                flag = driver.CUmemAttach_flags.CU_MEM_ATTACH_GLOBAL
                found = driver.cuMemAllocManaged(nbytes, int(flag))
            elif kind == "mapped":
                # With unified addressing, which every 64-bit system has, both sides use one
                # address.
                flags = driver.CU_MEMHOSTALLOC_PORTABLE | driver.CU_MEMHOSTALLOC_DEVICEMAP
                found = driver.cuMemHostAlloc(nbytes, flags)
            else:
                found = driver.cuMemAlloc(-(-nbytes // SHARED_GRAIN) * SHARED_GRAIN)
            pointer = int(context.check(found, doing))
        self._kinds[pointer] = kind
        return pointer

    def free(self, pointer: int) -> None:
        kind = self._kinds[pointer]
        if kind != "opened":  # which the driver counts, and gives one address
            del self._kinds[pointer]
        self._freed.append((self._streams.record(LEGACY_STREAM), pointer, kind))
        self._release_done()

    def prefetch(self, pointer: int, nbytes: int, to_host: bool, stream: int) -> None:
        context = self._context
        with context.current():
            moved = context.driver.cuMemPrefetchAsync(
                pointer, nbytes, self._place(to_host), 0, stream
            )
            context.check(moved, f"move {nbytes} bytes of managed memory")

    def advise(self, pointer: int, nbytes: int, advice: str, on_host: bool) -> None:
        context = self._context
        wanted = getattr(context.driver.CUmem_advise, f"CU_MEM_ADVISE_{advice}")
        with context.current():
            taken = context.driver.cuMemAdvise(pointer, nbytes, wanted, self._place(on_host))
            context.check(taken, "take advice on managed memory")

    def export(self, pointer: int) -> bytes:
        context = self._context
        with context.current():
            handle = context.check(
                context.driver.cuIpcGetMemHandle(pointer), "share memory with other processes"
            )
        return ctypes.string_at(handle.getPtr(), HANDLE_BYTES)

    def open_exported(self, handle: bytes) -> int:
        context, driver = self._context, self._context.driver
        self._release_done()
        given = driver.CUipcMemHandle()
        # The bindings give the structure no member.
        ctypes.memmove(given.getPtr(), handle, HANDLE_BYTES)
        flag = int(driver.CUipcMem_flags.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS)
        with context.current():
            pointer = int(
                context.check(
                    driver.cuIpcOpenMemHandle(given, flag), "open memory of another process"
                )
            )
        self._kinds[pointer] = "opened"
        return pointer

    def _place(self, host: bool) -> Any:
        driver = self._context.driver
        place = driver.CUmemLocation()
        kinds = driver.CUmemLocationType
        place.type = kinds.CU_MEM_LOCATION_TYPE_HOST if host else kinds.CU_MEM_LOCATION_TYPE_DEVICE
        place.id = 0 if host else self._context.ordinal
        return place

    def _release_done(self) -> None:
        """Give back what was freed and is no longer used."""
        for _ in range(len(self._freed)):
            try:
                event, pointer, kind = self._freed.popleft()
            except IndexError:  # another thread, or a finalizer in this one, has taken it
                return
            if not self._streams.reached(event):
                self._freed.append((event, pointer, kind))
                continue
            with self._context.current():
                self._context.check(self._release[kind](pointer), f"free {kind} memory")
