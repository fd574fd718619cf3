"""Memory of arrays from a resource of the user's."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import (
    Stream,
    memory_info,
    pool_resource,
    resources,
    set_memory_limit,
    set_memory_resource,
)
from gpuarray.errors import OutOfMemory
from tests.backends.conftest import REAL


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield
        set_memory_resource(None)


class Counting:
    """Takes its memory from the pool, and notes what is out."""

    def __init__(self) -> None:
        self.pool = pool_resource()
        self.out: dict[int, tuple[int, int]] = {}
        self.given = 0

    def allocate(self, nbytes: int, stream: int) -> int:
        pointer = self.pool.allocate(nbytes, stream)
        self.out[pointer] = nbytes, stream
        self.given += 1
        return pointer

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None:
        assert self.out.pop(pointer)[0] == nbytes
        self.pool.deallocate(pointer, nbytes, stream)

    def nbytes(self) -> int:
        return sum(n for n, _ in self.out.values())


def computed(size: int, value: float) -> xp.Array:
    x = xp.zeros(size, dtype="float32") + value
    xp.evaluate(x)
    return x


def test_arrays_come_from_the_resource_and_go_back_there() -> None:
    before = computed(1000, 1.0)
    resource = Counting()
    set_memory_resource(resource)
    x = computed(1000, 2.0)
    assert resource.given >= 1 and resource.nbytes() >= 4000
    assert float(xp.sum(x + before)) == 3000
    given = resource.given
    set_memory_resource(None)
    y = computed(1000, 4.0)
    assert resource.given == given
    assert float(xp.sum(x * y)) == 8000
    del x
    gc.collect()
    assert resource.out == {}
    again = [computed(1000, 0.0) for _ in range(4)]
    assert resource.given == given and len(again) == 4


def test_small_blocks_are_asked_for_one_by_one() -> None:
    x = computed(10, 0.0)
    del x  # waits to be handed out again
    resource = Counting()
    with set_memory_resource(resource):
        for k in range(5):
            computed(10, float(k))
    assert resource.given >= 5 and resource.out == {}


def test_a_block_ends_with_the_resource_of_before() -> None:
    outer, inner = Counting(), Counting()
    with set_memory_resource(outer):
        with set_memory_resource(inner):
            x = computed(100, 1.0)
        given = inner.given
        y = computed(100, 2.0)
        assert given and inner.given == given and outer.given
    given = outer.given
    z = computed(100, 3.0)
    assert outer.given == given
    assert float(xp.sum(x + y + z)) == 600


def test_statistics_and_the_limit_hold() -> None:
    resource = Counting()
    start = memory_info()
    with set_memory_resource(resource):
        x = computed(1 << 20, 1.0)
        now = memory_info()
        assert now.used - start.used >= 4 << 20
        assert now.held >= now.used and now.peak >= now.used
        try:
            set_memory_limit(now.used + (1 << 20))
            with pytest.raises(OutOfMemory):
                computed(1 << 20, 1.0)
        finally:
            set_memory_limit(None)
        del x
    assert resource.out == {}
    assert memory_info().used <= start.used + 4096


def test_streams_are_those_of_the_work() -> None:
    resource, stream = Counting(), Stream()
    with set_memory_resource(resource), stream:
        x = computed(1000, 1.0)
        assert {s for _, s in resource.out.values()} == {stream.handle}
        del x


class Exhausted(Counting):
    def allocate(self, nbytes: int, stream: int) -> int:
        raise MemoryError("all is gone")


class Unaligned(Counting):
    def allocate(self, nbytes: int, stream: int) -> int:
        return super().allocate(nbytes + 256, stream) + 8

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None:
        super().deallocate(pointer - 8, nbytes + 256, stream)


def test_what_a_resource_lacks_is_said() -> None:
    with set_memory_resource(Exhausted()), pytest.raises(OutOfMemory, match="all is gone"):
        computed(10, 1.0)
    unaligned = Unaligned()
    with set_memory_resource(unaligned), pytest.raises(ValueError, match="a multiple of 256"):
        computed(10, 1.0)
    assert unaligned.out == {}
    with pytest.raises(TypeError, match=r"resource must have allocate.* got int"):
        set_memory_resource(3)
    with pytest.raises(TypeError, match="set_memory_resource: needs a CUDA device"):
        set_memory_resource(None, "cpu")
    assert float(xp.sum(computed(10, 1.0))) == 10


def test_compiled_functions_work_in_its_memory() -> None:
    resource = Counting()
    with set_memory_resource(resource):
        f = xp.compile(lambda x: xp.cumulative_sum(x * 2.0) + xp.sum(x))
        for k in range(4):
            x = xp.asarray(np.full(100, float(k)))
            assert float(f(x)[-1]) == 300 * k
    assert resource.given


class HandleStream:
    """A stream of another library."""

    def __init__(self, given: Any) -> None:
        self.handle = given if isinstance(given, int) else given.__cuda_stream__()[1]

    from_handle: Any = classmethod(lambda cls, handle: cls(handle))


class OfRmm:
    """As resources of RMM are."""

    __module__ = "rmm.pylibrmm.memory_resource"

    def __init__(self) -> None:
        self.counting = Counting()

    def allocate(self, nbytes: int, stream: HandleStream) -> int:
        return self.counting.allocate(nbytes, stream.handle)

    def deallocate(self, pointer: int, nbytes: int, stream: HandleStream) -> None:
        self.counting.deallocate(pointer, nbytes, stream.handle)


class OfCore(OfRmm):
    """As resources of cuda.core are."""

    __module__ = "cuda.core"

    def allocate(self, size: int, *, stream: HandleStream) -> Any:  # type: ignore[override]
        pointer = self.counting.allocate(size, stream.handle)

        def close(last: HandleStream) -> None:
            self.counting.deallocate(pointer, size, last.handle)

        return SimpleNamespace(handle=pointer, close=close)


@pytest.mark.parametrize("kind", [OfRmm, OfCore])
def test_resources_of_other_libraries_get_their_own_streams(
    kind: type[OfRmm], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = SimpleNamespace(Stream=HandleStream)
    monkeypatch.setattr(resources, "import_module", lambda name: library)
    resource, stream = kind(), Stream()
    with set_memory_resource(resource), stream:
        x = computed(1000, 1.0)
        assert {s for _, s in resource.counting.out.values()} == {stream.handle}
        assert float(xp.sum(x)) == 1000
        del x
    assert resource.counting.given and resource.counting.out == {}


@pytest.mark.skipif(not REAL, reason="needs a device")
def test_a_resource_of_cuda_core_gives_the_memory() -> None:
    from cuda.core import Buffer, Device, DeviceMemoryResource, MemoryResource

    Device(0).set_current()
    upstream = DeviceMemoryResource(0)

    class Counted(MemoryResource):  # type: ignore[misc]
        def __init__(self) -> None:
            self.out: dict[int, Any] = {}

        def allocate(self, size: int, *, stream: Any) -> Any:
            taken = upstream.allocate(size, stream=stream)
            self.out[int(taken.handle)] = taken
            return Buffer.from_handle(int(taken.handle), size, mr=self)

        def deallocate(self, ptr: Any, size: int, *, stream: Any) -> None:
            self.out.pop(int(ptr)).close(stream)

        is_device_accessible = True
        is_host_accessible = False
        device_id = 0

    counted = Counted()
    for resource in (upstream, counted):
        with set_memory_resource(resource):
            x = computed(1 << 18, 3.0)
            assert float(xp.sum(x)) == 3 << 18
            if resource is counted:
                assert counted.out
            del x
    assert counted.out == {}


@pytest.mark.skipif(not REAL, reason="needs a device")
def test_a_resource_of_rmm_gives_the_memory() -> None:
    rmm = pytest.importorskip("rmm")
    counted = rmm.mr.StatisticsResourceAdaptor(rmm.mr.CudaMemoryResource())
    with set_memory_resource(counted):
        x = computed(1 << 20, 2.0)
        xp.evaluate(x)
        assert counted.allocation_counts.current_bytes >= 4 << 20
        with Stream():
            assert float(xp.sum(x)) == 2 << 20
        del x
    # What may stay is a block that numbers are cut from.
    assert counted.allocation_counts.current_bytes < 1 << 20
