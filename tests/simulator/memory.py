"""Guarded device memory: real host addresses that fault when they are used wrongly.

Every allocation has pages of its own, ends at the end of a page (up to 256 bytes, its alignment)
and is followed by one that nothing may touch.  So an access far outside is a fault at once, one
close by meets poison, and freed memory is unmapped; no address is ever given out twice.
"""

from __future__ import annotations

import bisect
import ctypes
import mmap
import weakref
from dataclasses import dataclass, field

from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray_cuda.runtime import MemoryStatistics

from .kernel import engine
from .ordering import Usage

ALIGNMENT = 256
PAGE = mmap.PAGESIZE
POISON = 0xFF
ARENA = 2**36  # addresses only: no address is used twice, and a process has 2**47


def _rounded(nbytes: int, unit: int) -> int:
    return -(-nbytes // unit) * unit


@dataclass(eq=False, slots=True)
class Allocation:
    """One range of device memory.

    Attributes
    ----------
    pointer, nbytes, stream : int
        As `DeviceRuntime.allocate` gave and got them.
    page, page_bytes : int
        The pages that hold it.
    usage : Usage
        Who wrote and read it last.
    """

    pointer: int
    nbytes: int
    stream: int
    page: int
    page_bytes: int
    usage: Usage = field(default_factory=Usage)

    def written_outside(self) -> str | None:
        """Where the poison around the allocation was overwritten, or None; poisons it again."""
        end = self.pointer + self.nbytes
        for begin, nbytes in (
            (self.page, self.pointer - self.page),
            (end, self.page + self.page_bytes - end),
        ):
            offset = engine().gasim_first_written(begin, nbytes)
            if offset >= 0:
                ctypes.memset(begin, POISON, nbytes)
                if begin == end:
                    return f"{offset} bytes past the end of"
                return f"{nbytes - offset} bytes before"
        return None


class GuardedMemory:
    """The memory of one simulated device.

    Parameters
    ----------
    total : int
        Size of the memory in bytes.
    limit : int
        The most that may be allocated.
    """

    def __init__(self, total: int, limit: int) -> None:
        self.total = total
        self.limit = limit
        self._used = self._held = self._peak = 0
        self._live: dict[int, Allocation] = {}
        self._sorted: list[int] | None = None  # the keys of _live, when they were last needed
        self._arenas: list[tuple[int, int]] = []
        self._next = self._end = 0

    def allocate(self, nbytes: int, stream: int) -> Allocation:
        """Poisoned memory of its own.

        Raises
        ------
        OutOfMemory
            If the limit would be passed.
        """
        size = _rounded(nbytes, ALIGNMENT)
        if self._used + size > self.limit:
            raise self._out_of_memory(nbytes)
        page_bytes = _rounded(size, PAGE)
        page = self._take_addresses(page_bytes + PAGE)
        if engine().gasim_commit(page, page_bytes):
            raise self._out_of_memory(nbytes)
        found = Allocation(page + page_bytes - size, nbytes, stream, page, page_bytes)
        self._live[found.pointer] = found
        self._sorted = None
        self._used += size
        self._held = max(self._held, self._used)
        self._peak = max(self._peak, self._used)
        return found

    def free(self, found: Allocation) -> None:
        """Make every further access to `found` a fault."""
        del self._live[found.pointer]
        self._sorted = None
        self._used -= _rounded(found.nbytes, ALIGNMENT)
        engine().gasim_release(found.page, found.page_bytes)

    def at(self, pointer: int) -> Allocation | None:
        """The live allocation that begins at `pointer`."""
        return self._live.get(pointer)

    def holds(self, address: int) -> bool:
        """Whether `address` is, or once was, one of this memory's."""
        return any(begin <= address < end for begin, end in self._arenas)

    def around(self, address: int) -> Allocation | None:
        """The live allocation that `address` falls into, its end included."""
        found = self._live.get(address) or self._below(address)
        return found if found and address <= found.pointer + found.nbytes else None

    def range(self, pointer: int, nbytes: int, what: str) -> Allocation | None:
        """The one live allocation that holds a range; None for an empty range.

        Raises
        ------
        DeviceError
            If no allocation holds all of it.
        """
        if nbytes == 0:
            return None
        found = self.around(pointer)
        if found is None or pointer + nbytes > found.pointer + found.nbytes:
            raise DeviceError(f"{what} {nbytes} bytes at {self.describe(pointer)}")
        return found

    def describe(self, address: int) -> str:
        """`address` in words, by the live allocation next to it."""
        found = self._below(address)
        if found is not None:
            offset = address - found.pointer
            if offset < found.nbytes:
                return f"{address:#x}, byte {offset} of an allocation of {found.nbytes} bytes"
            # Each allocation is followed by one page of its own that faults.
            if address < found.page + found.page_bytes + PAGE:
                past = offset - found.nbytes
                return f"{address:#x}, {past} bytes past an allocation of {found.nbytes} bytes"
        if self.holds(address):
            return f"{address:#x}, in memory that was freed or never allocated"
        return f"{address:#x}, which is not device memory"

    def statistics(self) -> MemoryStatistics:
        return MemoryStatistics(
            used=self._used,
            held=self._held,
            limit=self.limit,
            free=self.total - self._held,
            total=self.total,
            peak=self._peak,
        )

    def trim(self) -> int:
        released = self._held - self._used
        self._held = self._used
        return released

    def allocations(self) -> list[Allocation]:
        """All live allocations."""
        return list(self._live.values())

    def _below(self, address: int) -> Allocation | None:
        if self._sorted is None:
            self._sorted = sorted(self._live)
        index = bisect.bisect_right(self._sorted, address)
        return self._live[self._sorted[index - 1]] if index else None

    def _take_addresses(self, nbytes: int) -> int:
        if self._next + nbytes > self._end:
            size = max(ARENA, nbytes)
            begin = engine().gasim_reserve(size)
            while begin is None and size // 2 >= nbytes:
                size //= 2  # a machine with limited address space
                begin = engine().gasim_reserve(size)
            if begin is None:
                raise self._out_of_memory(nbytes)
            weakref.finalize(self, engine().gasim_unreserve, begin, size)
            self._arenas.append((begin, begin + size))
            self._next, self._end = begin, begin + size
        taken = self._next
        self._next += nbytes
        return taken

    def _out_of_memory(self, nbytes: int) -> OutOfMemory:
        free = max(self.limit - self._used, 0)
        return OutOfMemory(
            f"simulated device: {nbytes} bytes asked, {self._used} used, {self._held} held, "
            f"{free} free, limit {self.limit}"
        )
