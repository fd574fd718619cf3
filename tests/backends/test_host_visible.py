"""Managed and mapped memory: one array for kernels and for NumPy."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import (
    RawKernel,
    Stream,
    advise,
    host_view,
    managed_empty,
    mapped_empty,
    memcpy,
    prefetch,
)
from tests.backends.conftest import REAL
from tests.simulator import simulated_runtime

DOUBLE = """
extern "C" __global__ void twice(float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2;
}
"""

both = pytest.mark.parametrize("make", [managed_empty, mapped_empty])
Make = Callable[..., xp.Array]


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def blocks() -> dict[int, str]:
    return simulated_runtime().devices[0].dedicated.kinds


@both
def test_what_the_host_writes_an_operation_reads(make: Make) -> None:
    x = make((3, 4), "float32")
    assert x.shape == (3, 4) and x.dtype == "float32" and str(x.device) == "cuda:0"
    view = host_view(x)
    view[...] = np.arange(12).reshape(3, 4)
    first = x + 1.0
    host_view(x)[0, 0] = 100.0  # waits until the operation has read
    second = xp.sum(x)
    np.testing.assert_array_equal(first.to_device("cpu"), np.arange(12).reshape(3, 4) + 1)
    assert float(second) == 66 + 100
    np.testing.assert_array_equal(view, np.asarray(x.to_device("cpu")))


@both
def test_what_a_kernel_writes_the_host_reads(make: Make) -> None:
    x = make(1000, "float32")
    host_view(x)[...] = np.arange(1000)
    kernel = RawKernel(DOUBLE, "twice")
    for _ in range(3):
        kernel(4, 256, (x, np.int32(1000)))
    np.testing.assert_array_equal(host_view(x), np.arange(1000) * 8)


SLOW = """
extern "C" __global__ void late(float* x) {
    long long start = clock64();
    while (clock64() - start < 200000000LL) {}
    x[0] = 5;
}
"""


@both
@pytest.mark.skipif(not REAL, reason="needs a device, which works beside the host")
def test_a_view_waits_for_a_kernel_that_runs(make: Make) -> None:
    x = make(4, "float32")
    host_view(x)[...] = 0.0
    RawKernel(SLOW, "late")(1, 1, (x,))
    assert host_view(x)[0] == 5


@both
@pytest.mark.skipif(REAL, reason="looks into the simulator")
def test_a_view_waits_for_the_streams_that_use_it(make: Make) -> None:
    x, streams = make(1000, "float32"), [Stream() for _ in range(3)]
    waited: list[int | None] = []
    runtime = simulated_runtime().devices[0]
    results = []
    for stream in streams:
        with stream:
            results.append(x + 1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "synchronize", waited.append)
        host_view(x)
    assert {stream.handle for stream in streams} <= set(waited)


@both
def test_streams_wait_for_each_other(make: Make) -> None:
    x = make(1000, "float32")
    host_view(x)[...] = 1.0
    kernel = RawKernel(DOUBLE, "twice")
    results = []
    for stream in (Stream(), Stream(), Stream()):
        with stream:
            kernel(4, 256, (x, np.int32(1000)))
            results.append(x + 0.0)
            xp.evaluate(results[-1])
    assert [float(y[7]) for y in results] == [2, 4, 8]
    assert host_view(x)[999] == 8


@both
def test_a_copy_fills_it(make: Make) -> None:
    x = make((2, 3), "int32")
    memcpy(x, xp.reshape(xp.arange(6, dtype="int32"), (3, 2)).T)
    assert host_view(x).tolist() == [[0, 2, 4], [1, 3, 5]]


@both
def test_memory_lives_as_long_as_the_array_or_a_view(make: Make) -> None:
    x = make(100, "float64")
    view = host_view(x)
    view[...] = np.arange(100)
    del x
    gc.collect()
    assert view.sum() == 4950
    if not REAL:
        alive = len(blocks())
        del view
        gc.collect()
        assert len(blocks()) == alive - 1


@both
def test_empty_arrays_have_empty_views(make: Make) -> None:
    x = make((0, 3), "float32")
    assert host_view(x).shape == (0, 3) and host_view(x).dtype == np.float32
    assert (x + 1.0).shape == (0, 3)


@both
def test_compiled_functions_read_what_is_there_at_each_call(make: Make) -> None:
    x = make(8, "float32")

    @xp.compile
    def shifted(y: xp.Array) -> xp.Array:
        return y * 2.0 + 1.0

    for value in (1.0, 5.0, 7.0):
        host_view(x)[...] = value
        assert float(xp.sum(shifted(x))) == 8 * (2 * value + 1)


def test_managed_memory_moves_and_takes_advice() -> None:
    x = managed_empty(1 << 16, "float32")
    host_view(x)[...] = 3.0
    advise(x, "preferred_location")
    advise(x, "accessed_by", "host")
    prefetch(x)
    assert float(xp.sum(x)) == 3 << 16
    prefetch(x, "host")
    assert host_view(x)[5] == 3.0
    advise(x, "no_preferred_location")
    if not REAL:
        memory = simulated_runtime().devices[0].dedicated
        assert [m[1:] for m in memory.moves[-2:]] == [(4 << 16, False), (4 << 16, True)]
        assert memory.advice[-1][2:] == ("UNSET_PREFERRED_LOCATION", False)


def test_wrong_arguments_are_named() -> None:
    x: Any = xp.ones(3)
    with pytest.raises(ValueError, match="host_view: x must be in memory of managed_empty or map"):
        host_view(x)
    with pytest.raises(ValueError, match="prefetch: x must be in memory of managed_empty;"):
        prefetch(mapped_empty(3))
    with pytest.raises(TypeError, match="host_view: needs a gpuarray array"):
        host_view(np.ones(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"advise: advice must be one of read_mostly,.*got 'fast'"):
        advise(managed_empty(3), "fast")
    with pytest.raises(ValueError, match='prefetch: to must be "device" or "host", got \'disk\''):
        prefetch(managed_empty(3), "disk")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="managed_empty: needs a CUDA device"):
        managed_empty(3, device="cpu")
    with pytest.raises(ValueError, match="negative"):
        mapped_empty(-1)
