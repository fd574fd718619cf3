"""Device memory: the limit, the statistics, and lists of freed small blocks before the pool.

In come byte counts and stream handles, out go device pointers.  `free` may be called by a
finalizer at any moment, also inside `allocate` on the same thread: so there is no lock that
anything waits for, and every shared structure changes only by one atomic `append` or `pop`.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Mapping
from fractions import Fraction

from gpuarray.errors import OutOfMemory

from .arena import Arena
from .pool import Pool
from .resources import PoolResource, Resource, Resources
from .runtime import MemoryStatistics

__all__ = ["DeviceMemory", "block_bytes", "memory_limit"]

# Larger blocks go to the pool each time: its 1.6-2.8 us (H200, driver 580) vanish beside a kernel
# that reads a megabyte, and keeping them would hold memory that other sizes need.
LARGEST_KEPT_BYTES = 1 << 20

# A list keeps this many blocks, and no more than this many bytes but two blocks at the least.
# With 80 size classes that is 110 MiB for each stream at the very worst.
KEPT_BLOCKS = 64
KEPT_BYTES = 2 << 20

# Exact sizes whose list is remembered.  A program with more different sizes starts over.
REMEMBERED_SIZES = 8192

_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([a-zA-Z%]*)\s*")
_UNITS = {
    unit: scale**power
    for scale, form in ((1000, "{}B"), (1024, "{}iB"))
    for power, letter in enumerate("KMGTP", start=1)
    for unit in (form.format(letter).lower(),)
} | {"": 1, "b": 1}


def memory_limit(total: int, environment: Mapping[str, str] = os.environ) -> int:
    """The most bytes that may be in use on a device of `total` bytes (`GPUARRAY_MEMORY_LIMIT`).

    Raises
    ------
    ValueError
        If the variable is set to something else than a size or a share.

    Examples
    --------
    >>> memory_limit(1000, {"GPUARRAY_MEMORY_LIMIT": "50%"})
    500
    >>> memory_limit(2**34, {"GPUARRAY_MEMORY_LIMIT": "8GiB"}) == 2**33
    True
    """
    text = environment.get("GPUARRAY_MEMORY_LIMIT", "").strip()
    if not text:
        return total
    match = _SIZE.fullmatch(text)
    unit = match[2].lower() if match else "?"
    if match and unit == "%":
        limit = int(total * Fraction(match[1]) / 100)
    elif match and unit in _UNITS:
        limit = int(Fraction(match[1]) * _UNITS[unit])
    else:
        limit = 0
    if limit <= 0 or (unit == "%" and limit > total):
        raise ValueError(
            f"GPUARRAY_MEMORY_LIMIT={text!r}: expected a positive size or share, such as 8GiB, "
            "500MB, 8589934592 (bytes) or 50% (of the device's memory)"
        )
    return min(limit, total)


def block_bytes(nbytes: int) -> int:
    """The size of the block that an allocation of `nbytes` gets, at most an eighth larger.

    Multiples of 256 bytes up to 2 KiB, then eight sizes to each doubling, so that blocks of
    nearby sizes can stand in for each other; above `LARGEST_KEPT_BYTES` multiples of 512 bytes,
    the pool's own grain.
    """
    if nbytes <= 2048:
        return (nbytes + 255) & -256
    if nbytes > LARGEST_KEPT_BYTES:
        return (nbytes + 511) & -512
    grain = 1 << ((nbytes - 1).bit_length() - 4)
    return (nbytes + grain - 1) & -grain


class FreedBlocks(list[int]):
    """Pointers to freed blocks of one size on one stream."""

    __slots__ = ("capacity", "nbytes", "stream")

    def __init__(self, nbytes: int, stream: int) -> None:
        self.nbytes = nbytes
        self.stream = stream
        self.capacity = max(2, min(KEPT_BLOCKS, KEPT_BYTES // nbytes))


class DeviceMemory:
    """Allocation on one device: freed small blocks first, then the pool.

    A block that is freed on a stream is handed out again only to that stream, where the order of
    the work makes it safe without an event.  The lists' memory counts as held, not used; it goes
    back to the pool when memory runs short, on `trim`, and beyond a list's capacity.

    Parameters
    ----------
    name : str
        The device, for messages: ``"cuda:0"``.
    pool : Pool
        Where memory comes from.
    limit : int
        The most bytes that may be used.

    Attributes
    ----------
    own : PoolResource
        The pool, for a resource of a user's to take its memory from.
    """

    __slots__ = (
        "_arenas",
        "_blocks",
        "_changes",
        "_counting",
        "_given",
        "_limit",
        "_lists",
        "_name",
        "_outstanding",
        "_peak",
        "_pool",
        "_resources",
        "own",
    )

    def __init__(self, name: str, pool: Pool, limit: int) -> None:
        self._name = name
        self._pool = pool
        self._limit = limit
        self._resources = Resources()
        self.own = PoolResource(self._from_pool, lambda p, nbytes, s: pool.free(p, s))
        self._given = self._resources.blocks  # most programs have none
        # By (exact size, stream), for one look-up on the fast path, and by (block size, stream).
        self._lists: dict[tuple[int, int], FreedBlocks] = {}
        self._blocks: dict[tuple[int, int], FreedBlocks] = {}
        # By the stream whose memory they are, while a graph is captured there.
        self._arenas: dict[int, Arena] = {}
        # Bytes taken from the pool.  `+=` is no atomic step, so changes are queued, and whoever
        # gets `_counting` without waiting adds them up.
        self._changes: deque[int] = deque()
        self._counting = threading.Lock()
        self._outstanding = 0
        self._peak = 0

    def allocate(self, nbytes: int, stream: int) -> int:
        """See `runtime.DeviceRuntime.allocate`."""
        blocks = self._lists.get((nbytes, stream))
        if blocks:
            try:
                return blocks.pop()
            except IndexError:  # another thread took the last one
                pass
        return self._allocate(nbytes, stream)

    def free(self, pointer: int, nbytes: int, stream: int) -> None:
        """See `runtime.DeviceRuntime.free`."""
        if self._given and pointer in self._given and stream not in self._arenas:
            self._changes.append(-self._resources.free(pointer, stream))
            return
        blocks = self._lists.get((nbytes, stream))
        if blocks is not None and len(blocks) < blocks.capacity:
            blocks.append(pointer)
            return
        try:
            if pointer:
                self._free(pointer, nbytes, stream)
        except Exception:  # at interpreter exit any name may be gone
            return

    def statistics(self) -> MemoryStatistics:
        """The memory now; `peak` counts blocks that wait in the lists as used."""
        free, total = self._pool.device_memory()
        reserved = self._pool.reserved()
        self._count()
        outstanding = self._outstanding
        used = max(0, outstanding - self._kept())
        # What a resource gives, and has not taken from the pool itself, comes on top.
        given = self._resources.nbytes
        elsewhere = max(0, given - sum(list(self.own.blocks.values())))
        held = max(reserved, outstanding - elsewhere) + elsewhere
        return MemoryStatistics(used, held, self._limit, free, total, self._peak)

    def limit(self, nbytes: int) -> None:
        """See `runtime.DeviceRuntime.limit_memory`."""
        self._limit = nbytes
        self._pool.keep(nbytes)

    def use(self, resource: Resource | None) -> None:
        """See `runtime.DeviceRuntime.use_resource`."""
        self._resources.current = resource
        # What the lists keep is the pool's, and would be handed out before the resource is asked.
        self._lists = {}
        self._return_blocks()

    def trim(self) -> int:
        """Give everything unused back to the device; waits for it.  Returns the bytes."""
        before = self._pool.reserved()
        self._return_blocks()
        self._pool.release()
        return max(0, before - self._pool.reserved())

    def open_arena(self, stream: int, home: int) -> None:
        """Let memory for `stream` come from a new arena, whose blocks are allocated on `home`.

        What the lists keep for the stream goes back to the pool, so that none of it is handed out.
        """
        for key in list(self._blocks):
            if key[1] == stream:
                self._return(self._blocks.pop(key))
        self._lists = {key: x for key, x in list(self._lists.items()) if key[1] != stream}
        self._count()
        self._arenas[stream] = Arena(
            lambda size: self.allocate(size, home),
            lambda pointer, size: self.free(pointer, size, home),
        )

    def close_arena(self, stream: int) -> Arena:
        """Let memory for `stream` come from the pool again; the arena, for the graph to hold."""
        return self._arenas.pop(stream)

    def _allocate(self, nbytes: int, stream: int) -> int:
        if nbytes <= 0:
            if nbytes == 0:
                return 0
            raise ValueError(f"allocate: nbytes must not be negative, got {nbytes}")
        size = block_bytes(nbytes)
        if self._arenas and stream in self._arenas:
            return self._arenas[stream].allocate(size)
        given = self._resources.current is not None
        if size <= LARGEST_KEPT_BYTES and not given:
            blocks = self._list_for(nbytes, size, stream)
            if blocks:
                try:
                    return blocks.pop()
                except IndexError:
                    pass
        self._count()
        if self._outstanding + size > self._limit:
            self._return_blocks()
            if self._outstanding + size > self._limit:
                raise OutOfMemory(self._shortage(nbytes))
        if given:
            pointer = self._resources.allocate(size, stream)
        else:
            pointer = self._from_pool(size, stream)
        if not pointer:
            raise OutOfMemory(self._shortage(nbytes))
        self._changes.append(size)
        self._count()
        return pointer

    def _from_pool(self, size: int, stream: int) -> int:
        """A block of the pool, or 0."""
        pointer = self._pool.allocate(size, stream)
        if not pointer and not self._arenas:  # the device can't be waited for during a capture
            self._return_blocks()
            self._pool.release()
            pointer = self._pool.allocate(size, stream)
        return pointer

    def _free(self, pointer: int, nbytes: int, stream: int) -> None:
        size = block_bytes(nbytes)
        if self._arenas and stream in self._arenas:
            self._arenas[stream].free(pointer, size)
            return
        if size <= LARGEST_KEPT_BYTES and self._resources.current is None:
            blocks = self._list_for(nbytes, size, stream)
            if len(blocks) < blocks.capacity:
                blocks.append(pointer)
                return
        self._pool.free(pointer, stream)
        self._changes.append(-size)

    def _list_for(self, nbytes: int, size: int, stream: int) -> FreedBlocks:
        blocks = self._blocks.get((size, stream))
        if blocks is None:
            blocks = self._blocks.setdefault((size, stream), FreedBlocks(size, stream))
        if len(self._lists) >= REMEMBERED_SIZES:
            self._lists = {}
        self._lists[nbytes, stream] = blocks
        return blocks

    def _return_blocks(self) -> None:
        """Give the lists' blocks back to the pool, each on its own stream."""
        for blocks in list(self._blocks.values()):
            self._return(blocks)
        self._count()

    def _return(self, blocks: FreedBlocks) -> None:
        while blocks:
            try:
                pointer = blocks.pop()
            except IndexError:
                break
            self._pool.free(pointer, blocks.stream)
            self._changes.append(-blocks.nbytes)

    def _kept(self) -> int:
        return sum(len(blocks) * blocks.nbytes for blocks in list(self._blocks.values()))

    def _count(self) -> None:
        # Whoever finds the lock taken leaves: the holder is another thread or an outer frame of
        # this one, and adds the change up itself or leaves it to the next call.
        if not self._counting.acquire(blocking=False):
            return
        try:
            while self._changes:
                self._outstanding += self._changes.popleft()
                self._peak = max(self._peak, self._outstanding)
        finally:
            self._counting.release()

    def _shortage(self, nbytes: int) -> str:
        now = self.statistics()
        limit = " (GPUARRAY_MEMORY_LIMIT)" if now.limit < now.total else ""
        return (
            f"{self._name}: out of memory{limit}: asked for {_readable(nbytes)}; "
            f"used {_readable(now.used)}, held {_readable(now.held)}, "
            f"limit {_readable(now.limit)}, free on the device {_readable(now.free)} of "
            f"{_readable(now.total)}. Delete arrays that are no longer needed, or work in parts"
        )


def _readable(nbytes: int) -> str:
    if nbytes < 1 << 20:
        return f"{nbytes} bytes"
    unit, scale = ("GiB", 1 << 30) if nbytes >= 1 << 30 else ("MiB", 1 << 20)
    return f"{nbytes / scale:.2f} {unit} ({nbytes} bytes)"
