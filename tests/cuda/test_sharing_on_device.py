"""Memory shared with PyTorch and CuPy on a real device.  Skipped where there is none of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES
from gpuarray.errors import BackendUnavailable
from gpuarray_cuda.driver import CudaRuntime

pytestmark = [
    pytest.mark.device,
    # Other libraries' own, when they are imported.
    pytest.mark.filterwarnings("ignore"),
]

SLOW = """struct Args { double* y; long long n; double v; };
extern "C" __global__ void slow_fill(const __grid_constant__ Args a) {
    long long start = clock64();
    while (clock64() - start < 200000000LL) {}
    for (long long i = threadIdx.x; i < a.n; i += blockDim.x) a.y[i] = a.v;
}
"""
N = 1000


@pytest.fixture(autouse=True)
def _on_a_gpu() -> Iterator[None]:
    try:
        CudaRuntime().device_count()
    except BackendUnavailable as error:
        pytest.skip(str(error))
    device = xp.zeros(1, device="cuda").device
    if "Simulated" in device.hook.gpuarray_describe(device=device):
        pytest.skip("the backend runs on the simulator in this process")
    with xp.backend("cuda"):
        yield


def host(x: Any) -> Any:
    return np.from_dlpack(x, device="cpu")


def fill_slowly(x: Any, stream: int, pointer: int) -> None:
    """Write 7 to all of `x` on a stream, late enough that who does not wait sees the old values."""
    runtime = x._node.buffer.runtime
    kernel = runtime.compile(SLOW, "slow_fill", "qqd")
    runtime.launch(kernel, 1, 128, 0, stream, [pointer, N, 7.0])


def test_a_read_waits_for_a_stream_that_nobody_named() -> None:
    x = xp.zeros(N) + 0.0
    capsule = x.__dlpack__(stream=-1)
    pointer = x.__cuda_array_interface__["data"][0]
    fill_slowly(x, x._node.buffer.runtime.create_stream(), pointer)
    assert (host(x + 1) == 8.0).all()
    del capsule


def test_what_the_default_stream_does_next_waits_for_a_read() -> None:
    x = xp.zeros(N) + 1.0
    pointer = x.__cuda_array_interface__["data"][0]
    slow = xp.zeros(N) + 0.0
    fill_slowly(slow, slow.device.hook.gpuarray_stream(device=slow.device), slow_pointer(slow))
    y = x + 1  # behind the slow kernel on the same stream
    runtime = x._node.buffer.runtime
    runtime.fill(pointer, 8 * N, 1)
    assert (host(y) == 2.0).all()
    assert (host(x) == 0.0).all()


def slow_pointer(x: Any) -> int:
    xp.evaluate(x)
    return int(x._node.buffer.pointer)


def test_only_memory_of_the_device_is_reached() -> None:
    x = xp.zeros(N) + 0.0
    xp.evaluate(x)
    runtime = x._node.buffer.runtime
    assert runtime.reaches(x._node.buffer.pointer)
    assert not runtime.reaches(np.zeros(N).ctypes.data)
    assert not runtime.reaches(8)


@pytest.mark.parametrize("dtype", [d.name for d in DTYPES])
@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_every_dtype_goes_there_and_back(library: str, dtype: str) -> None:
    module = pytest.importorskip(library)
    x = xp.astype(xp.asarray([[0, 1, 1], [1, 0, 0]]), dtype)
    there = module.from_dlpack(x)
    back = xp.from_dlpack(there)
    assert (back.dtype, back.shape, back.device) == (dtype, (2, 3), "cuda:0")
    np.testing.assert_array_equal(host(back), host(x))
    pointer = there.data_ptr() if library == "torch" else there.data.ptr
    assert pointer == x._node.buffer.pointer


@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_writes_of_either_are_seen_in_the_shared_array_alone(library: str) -> None:
    module = pytest.importorskip(library)
    x = xp.asarray(np.arange(float(N)))
    before = x + 1
    theirs = module.from_dlpack(x)
    after = x * 2
    theirs *= 10
    np.testing.assert_array_equal(host(x), 10 * np.arange(float(N)))
    np.testing.assert_array_equal(host(before), 1 + np.arange(float(N)))
    np.testing.assert_array_equal(host(after), 2 * np.arange(float(N)))
    x += 1
    assert float(theirs[1]) == 10.0
    made = module.ones((N,), dtype=module.float64, **on_gpu(library))
    ours = xp.from_dlpack(made)
    tripled = ours * 3
    made *= 0
    assert (host(tripled) == 3.0).all()
    assert (host(ours) == 0.0).all()


@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_their_side_streams_are_waited_for(library: str) -> None:
    module = pytest.importorskip(library)
    stream = module.cuda.Stream() if library == "torch" else module.cuda.Stream(non_blocking=True)
    context = module.cuda.stream(stream) if library == "torch" else stream
    with context:
        a = module.ones((2000, 2000), dtype=module.float64, **on_gpu(library))
        for _ in range(20):
            a = (a @ a) / 2000.0
        x = xp.from_dlpack(a)
        a[...] = 5.0
    assert (host(x) == 5.0).all()


@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_memory_that_is_let_go_at_once_is_not_used_again_too_early(library: str) -> None:
    module = pytest.importorskip(library)
    for k in range(200):
        doubled = module.from_dlpack(xp.full(100_000, float(k)) + 0.0) * 2
        noise = xp.full(100_000, -1.0) + 0.0
        xp.evaluate(noise)
        assert float(doubled[99_999]) == 2.0 * k
        made = module.full((100_000,), float(k), dtype=module.float64, **on_gpu(library))
        ours = xp.from_dlpack(made) * 2
        del made
        module.full((100_000,), -1.0, dtype=module.float64, **on_gpu(library))
        assert float(ours[99_999]) == 2.0 * k


@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_asarray_copies_and_shares_on_the_gpu(library: str) -> None:
    module = pytest.importorskip(library)
    theirs = module.ones((3,), dtype=module.float64, **on_gpu(library))
    copied, shared = xp.asarray(theirs), xp.asarray(theirs, copy=False)
    theirs *= 5
    assert (host(copied) == 1.0).all()
    assert (host(shared) == 5.0).all()
    assert copied.device == shared.device == "cuda:0"


def test_cupy_takes_the_cuda_array_interface() -> None:
    cupy = pytest.importorskip("cupy")

    class Only:
        def __init__(self, x: Any) -> None:
            self.x = x
            self.__cuda_array_interface__ = x.__cuda_array_interface__

    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(cupy.asnumpy(cupy.asarray(Only(x))), [[1, 2], [3, 4]])
    back = xp.asarray(Only(cupy.ones(3)), copy=False)
    assert (host(back) == 1.0).all()


def on_gpu(library: str) -> dict[str, str]:
    return {"device": "cuda"} if library == "torch" else {}
