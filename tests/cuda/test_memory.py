"""The limit, the lists of freed blocks and the statistics, on a pool that has no device."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuarray.errors import OutOfMemory
from gpuarray_cuda.memory import (
    KEPT_BLOCKS,
    LARGEST_KEPT_BYTES,
    REMEMBERED_SIZES,
    DeviceMemory,
    block_bytes,
    memory_limit,
)

S, T = 0x10, 0x20  # two streams


class FakePool:
    """Counts what it gives; `capacity` is the device's memory, `hook` runs in each allocate."""

    def __init__(self, capacity: int = 1 << 40) -> None:
        self.capacity = capacity
        self.blocks: dict[int, tuple[int, int]] = {}
        self.freed_on: list[tuple[int, int]] = []
        self.unreleased = 0  # freed, but not yet given back to the device
        self.keeps_freed = False
        self.releases = 0
        self.kept = 0  # of unused bytes, as `keep` was told
        self.next = 0x1000
        self.hook: Callable[[], None] = lambda: None

    def in_use(self) -> int:
        return sum(size for size, _ in self.blocks.values())

    def allocate(self, nbytes: int, stream: int) -> int:
        self.hook()
        assert nbytes > 0
        assert nbytes % 256 == 0
        if self.in_use() + self.unreleased + nbytes > self.capacity:
            return 0
        self.next += 1 << 32
        self.blocks[self.next] = (nbytes, stream)
        return self.next

    def free(self, pointer: int, stream: int) -> None:
        size, _ = self.blocks.pop(pointer)
        self.freed_on.append((pointer, stream))
        if self.keeps_freed:
            self.unreleased += size

    def reserved(self) -> int:
        return self.in_use() + self.unreleased

    def device_memory(self) -> tuple[int, int]:
        return self.capacity - self.reserved(), self.capacity

    def keep(self, nbytes: int) -> None:
        self.kept = nbytes

    def release(self) -> None:
        self.releases += 1
        self.unreleased = 0


def memory_on(pool: FakePool, limit: int | None = None) -> DeviceMemory:
    return DeviceMemory("cuda:0", pool, pool.capacity if limit is None else limit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1000000),
        ("1000", 1000),
        ("1000B", 1000),
        ("2 KiB", 2048),
        ("2kb", 2000),
        ("0.5MB", 500000),
        ("8GiB", 1000000),  # not more than there is
        ("50%", 500000),
        ("12.5 %", 125000),
        ("100%", 1000000),
    ],
)
def test_memory_limit(text: str, expected: int) -> None:
    assert memory_limit(1000000, {"GPUARRAY_MEMORY_LIMIT": text}) == expected
    assert memory_limit(1000000, {}) == 1000000


@pytest.mark.parametrize(
    "text", ["8G", "lots", "-1", "0", "0%", "101%", "1e9", "GiB", "1 2", "nan"]
)
def test_a_bad_memory_limit_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"GPUARRAY_MEMORY_LIMIT='.*expected .* 8GiB.* 50%"):
        memory_limit(1000000, {"GPUARRAY_MEMORY_LIMIT": text})


@given(st.integers(1, 1 << 40))
def test_a_block_is_enough_and_not_much_more(nbytes: int) -> None:
    size = block_bytes(nbytes)
    assert size % 256 == 0
    assert nbytes <= size <= max(nbytes + 511, nbytes * 9 // 8)
    assert block_bytes(size) == size


def test_there_are_few_size_classes() -> None:
    assert len({block_bytes(n) for n in range(1, LARGEST_KEPT_BYTES + 1, 64)}) == 80


def test_a_freed_block_is_handed_out_again() -> None:
    pool = FakePool()
    memory = memory_on(pool)
    first = memory.allocate(1000, S)
    memory.free(first, 1000, S)
    assert memory.allocate(900, S) == first
    assert not pool.freed_on


def test_a_freed_block_stays_on_its_stream() -> None:
    memory = memory_on(FakePool())
    pointer = memory.allocate(1000, S)
    memory.free(pointer, 1000, S)
    assert memory.allocate(1000, T) != pointer
    assert memory.allocate(1000, S) == pointer


def test_large_blocks_go_back_to_the_pool() -> None:
    pool = FakePool()
    memory = memory_on(pool)
    pointer = memory.allocate(LARGEST_KEPT_BYTES + 1, S)
    memory.free(pointer, LARGEST_KEPT_BYTES + 1, S)
    assert pool.freed_on == [(pointer, S)]
    assert memory.statistics().used == 0


def test_no_bytes_are_no_block() -> None:
    pool = FakePool()
    memory = memory_on(pool)
    assert memory.allocate(0, S) == 0
    memory.free(0, 0, S)
    assert not pool.blocks
    with pytest.raises(ValueError, match="negative"):
        memory.allocate(-1, S)


def test_statistics_tell_used_from_held() -> None:
    memory = memory_on(FakePool(1 << 20), limit=1 << 19)
    pointers = [memory.allocate(1024, S) for _ in range(4)]
    for pointer in pointers[1:]:
        memory.free(pointer, 1024, S)
    now = memory.statistics()
    assert (now.used, now.held, now.peak) == (1024, 4096, 4096)
    assert (now.limit, now.total, now.free) == (1 << 19, 1 << 20, (1 << 20) - 4096)


def test_a_list_is_bounded() -> None:
    pool = FakePool()
    memory = memory_on(pool)
    pointers = [memory.allocate(256, S) for _ in range(KEPT_BLOCKS + 10)]
    for pointer in pointers:
        memory.free(pointer, 256, S)
    assert len(pool.blocks) == KEPT_BLOCKS
    assert memory.statistics().used == 0


def test_many_different_sizes_do_not_grow_the_index() -> None:
    memory = memory_on(FakePool())
    for nbytes in range(1, REMEMBERED_SIZES + 100):
        memory.free(memory.allocate(nbytes, S), nbytes, S)
    assert len(memory._lists) <= REMEMBERED_SIZES
    assert memory.statistics().used == 0


def test_trim_returns_each_block_on_its_own_stream() -> None:
    pool = FakePool()
    memory = memory_on(pool)
    on_s, on_t = memory.allocate(512, S), memory.allocate(512, T)
    kept = memory.allocate(512, S)
    memory.free(on_s, 512, S)
    memory.free(on_t, 512, T)
    assert memory.trim() == 1024
    assert Counter(pool.freed_on) == Counter([(on_s, S), (on_t, T)])
    assert set(pool.blocks) == {kept}
    assert memory.statistics().held == memory.statistics().used == 512


def test_out_of_memory_trims_and_tries_again() -> None:
    pool = FakePool(capacity=8192)
    pool.keeps_freed = True
    memory = memory_on(pool)
    small = [memory.allocate(1024, S) for _ in range(6)]
    for pointer in small:
        memory.free(pointer, 1024, S)
    assert memory.allocate(8000, T)
    assert pool.releases == 1


def test_out_of_memory_says_asked_used_held_free() -> None:
    memory = memory_on(FakePool(capacity=64 << 20))
    pointer = memory.allocate(48 << 20, S)
    with pytest.raises(OutOfMemory) as raised:
        memory.allocate(32 << 20, S)
    text = str(raised.value)
    for part in (
        "cuda:0: out of memory: asked for 32.00 MiB (33554432 bytes)",
        "used 48.00 MiB",
        "held 48.00 MiB",
        "free on the device 16.00 MiB",
        "of 64.00 MiB",
    ):
        assert part in text
    memory.free(pointer, 48 << 20, S)
    assert memory.allocate(32 << 20, S)


def test_the_limit_holds_although_the_device_has_more() -> None:
    memory = memory_on(FakePool(), limit=4096)
    pointers = [memory.allocate(1024, S) for _ in range(4)]
    with pytest.raises(OutOfMemory, match="GPUARRAY_MEMORY_LIMIT"):
        memory.allocate(1, S)
    for pointer in pointers:
        memory.free(pointer, 1024, S)
    assert memory.allocate(4096, T)  # what waits in the lists does not count


def test_the_pool_holds_as_much_as_a_new_limit_allows() -> None:
    pool = FakePool()
    memory = memory_on(pool, limit=4096)
    memory.limit(1 << 20)
    assert pool.kept == 1 << 20
    assert memory.allocate(8192, S)


class Elsewhere:
    """A resource with memory of its own."""

    def __init__(self) -> None:
        self.out: dict[int, tuple[int, int]] = {}
        self.next = 0x7000_0000_0000

    def allocate(self, nbytes: int, stream: int) -> int:
        self.next += 1 << 24
        self.out[self.next] = nbytes, stream
        return self.next

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None:
        assert self.out.pop(pointer) == (nbytes, stream)


def test_memory_goes_back_to_the_pool_or_the_resource_that_it_came_from() -> None:
    pool, resource = FakePool(), Elsewhere()
    memory = memory_on(pool)
    kept, old = memory.allocate(1000, S), memory.allocate(1000, S)
    memory.free(kept, 1000, S)
    memory.use(resource)
    assert pool.freed_on == [(kept, S)]
    new = memory.allocate(1000, S)
    assert resource.out == {new: (1024, S)}
    memory.free(old, 1000, S)
    assert pool.freed_on == [(kept, S), (old, S)]
    memory.use(None)
    memory.free(memory.allocate(1000, S), 1000, S)  # there is a list for the size
    memory.free(new, 1000, S)
    assert resource.out == {}
    assert memory.allocate(1000, S) in pool.blocks and memory.allocate(1000, S) in pool.blocks


def test_statistics_count_memory_of_a_resource_once() -> None:
    pool, resource = FakePool(), Elsewhere()
    memory = memory_on(pool)
    memory.allocate(4096, S)
    memory.use(resource)
    memory.allocate(8192, S)
    assert (memory.statistics().used, memory.statistics().held) == (12288, 12288)
    memory.use(memory.own)
    memory.allocate(1024, S)
    assert (memory.statistics().used, memory.statistics().held) == (13312, 13312)
    assert pool.in_use() == 5120


def test_a_graphs_memory_comes_from_the_resource_and_stays_the_graphs() -> None:
    resource = Elsewhere()
    memory = memory_on(FakePool())
    memory.use(resource)
    memory.open_arena(S, T)
    first = memory.allocate(1000, S)
    memory.free(first, 1000, S)
    assert memory.allocate(1000, S) == first and len(resource.out) == 1
    memory.free(first, 1000, S)
    memory.close_arena(S).close()
    assert resource.out == {} and memory.statistics().used == 0


class Buffer:
    """Frees its memory when it is collected, as the arrays' buffers do."""

    def __init__(self, memory: DeviceMemory, nbytes: int, stream: int) -> None:
        self.memory, self.nbytes, self.stream = memory, nbytes, stream
        self.pointer = memory.allocate(nbytes, stream)
        self.cycle = self

    def __del__(self) -> None:
        self.memory.free(self.pointer, self.nbytes, self.stream)


@pytest.mark.parametrize("nbytes", [512, 4 << 20])
def test_free_may_run_inside_allocate(nbytes: int) -> None:
    pool = FakePool()
    memory = memory_on(pool)
    for _ in range(5):
        Buffer(memory, nbytes, S)  # garbage in a cycle: collected only when the collector runs
    pool.hook = lambda: (gc.collect(), None)[1]
    memory.allocate(nbytes + 4096, S)
    pool.hook = lambda: None
    assert memory.statistics().used == block_bytes(nbytes + 4096)


def test_free_may_run_while_memory_is_counted() -> None:
    memory = memory_on(FakePool())
    pointer = memory.allocate(4 << 20, S)
    with memory._counting:  # as when a finalizer comes in the middle of the count
        memory.free(pointer, 4 << 20, S)
        memory.allocate(512, S)
    assert memory.statistics().used == 512


def test_free_never_raises() -> None:
    memory = memory_on(FakePool())
    memory.free(12345, 4 << 20, S)  # the pool raises KeyError
    del memory._pool
    memory.free(12345, 4 << 20, S)


def test_threads_do_not_share_a_block() -> None:
    pool = FakePool()
    memory = memory_on(pool)
    owners: dict[int, int] = {}
    clashes: list[int] = []

    def work(thread: int) -> None:
        for step in range(3000):
            nbytes = 256 * (1 + step % 3)
            pointer = memory.allocate(nbytes, S)
            if owners.setdefault(pointer, thread) != thread:
                clashes.append(pointer)
            del owners[pointer]
            memory.free(pointer, nbytes, S)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not clashes
    assert memory.statistics().used == 0
    memory.trim()
    assert not pool.blocks


def test_a_graphs_memory_stays_its_own_until_the_graph_is_gone() -> None:
    pool = FakePool()
    memory = DeviceMemory("cuda:0", pool, 1 << 40)
    memory.free(memory.allocate(1000, S), 1000, S)  # on the list of the stream, before
    memory.open_arena(S, T)
    assert pool.freed_on[-1][1] == S
    first = memory.allocate(1000, S)
    second = memory.allocate(1024, S)
    assert first != second
    memory.free(first, 1000, S)
    assert memory.allocate(700, S) not in (first, second)
    assert memory.allocate(1001, S) == first  # used again within the graph
    for pointer, nbytes in ((first, 1001), (second, 1024)):
        memory.free(pointer, nbytes, S)
    arena = memory.close_arena(S)
    assert {stream for _, stream in pool.blocks.values()} == {T}
    assert arena.nbytes == pool.in_use()
    assert len(arena.lent) == 1  # the one of 700 bytes
    outside = [memory.allocate(n, stream) for n in (700, 1024) for stream in (S, T)]
    assert not {first, second} & set(outside)
    arena.lent.clear()
    arena.close()
    assert memory.allocate(1024, T) in (first, second)


def test_what_was_allocated_before_a_capture_joins_the_graphs_memory() -> None:
    memory = DeviceMemory("cuda:0", FakePool(), 1 << 40)
    before = memory.allocate(1000, S)
    memory.open_arena(S, T)
    memory.free(before, 1000, S)
    assert memory.allocate(1000, S) == before
    memory.free(before, 1000, S)
    memory.close_arena(S).close()
    assert memory.statistics().used == 0


def test_the_device_is_not_waited_for_when_a_capture_finds_no_memory() -> None:
    pool = FakePool(capacity=1 << 20)
    memory = DeviceMemory("cuda:0", pool, 1 << 40)
    memory.open_arena(S, T)
    with pytest.raises(OutOfMemory):
        memory.allocate(2 << 20, S)
    assert pool.releases == 0
    memory.close_arena(S).close()
    with pytest.raises(OutOfMemory):
        memory.allocate(2 << 20, S)
    assert pool.releases == 1
