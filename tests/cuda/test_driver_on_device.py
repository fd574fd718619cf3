"""The runtime on a real device.  Every test here is skipped where none answers."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gpuarray.errors import BackendUnavailable, DeviceError, OutOfMemory
from gpuarray_cuda.driver import CudaDeviceRuntime, CudaRuntime
from gpuarray_cuda.stream import as_stream_handle

RUNTIME = CudaRuntime()

HEAD = "struct Args { double* y; long long n; double v; };\n"
FILL = (
    HEAD
    + """
extern "C" __global__ void fill(const __grid_constant__ Args a) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < a.n) a.y[i] = a.v + i;
}
"""
)
SLOW_FILL = (
    HEAD
    + """
extern "C" __global__ void slow_fill(const __grid_constant__ Args a) {
    long long start = clock64();
    while (clock64() - start < 200000000LL) {}
    for (long long i = threadIdx.x; i < a.n; i += blockDim.x) a.y[i] = a.v;
}
"""
)
SHARED = (
    HEAD
    + """
extern "C" __global__ void shared_sum(const __grid_constant__ Args a) {
    extern __shared__ double s[];
    for (long long i = threadIdx.x; i < a.n; i += blockDim.x) s[i] = i * a.v;
    __syncthreads();
    double sum = 0;
    if (threadIdx.x == 0) {
        for (long long i = 0; i < a.n; ++i) sum += s[i];
        a.y[0] = sum;
    }
}
"""
)
LOCAL = (
    HEAD
    + """
extern "C" __global__ void local_array(const __grid_constant__ Args a) {
    volatile double t[64];
    for (int i = 0; i < 64; ++i) t[(i * 7 + a.n) % 64] = i * a.v;
    a.y[0] = t[a.n % 64];
}
"""
)


@pytest.fixture(scope="module", autouse=True)
def requires_cuda() -> None:
    try:
        RUNTIME.device_count()
    except BackendUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def device(requires_cuda: None) -> CudaDeviceRuntime:
    return RUNTIME.open(0)


@pytest.fixture
def stream(device: CudaDeviceRuntime) -> int:
    return device.create_stream()


@pytest.fixture
def allocate(device: CudaDeviceRuntime, stream: int) -> Iterator[Callable[[int], int]]:
    """Memory on `stream` that is freed after the test."""
    held: list[tuple[int, int]] = []

    def get(nbytes: int) -> int:
        pointer = device.allocate(nbytes, stream)
        held.append((pointer, nbytes))
        return pointer

    yield get
    for pointer, nbytes in held:
        device.free(pointer, nbytes, stream)


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    head = "import numpy as np\nfrom gpuarray_cuda.driver import CudaRuntime\n"
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, "-c", head + program],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_properties_describe_a_gpu(device: CudaDeviceRuntime) -> None:
    properties = device.properties
    assert properties.name
    assert properties.compute_capability >= (7, 5)
    assert properties.multiprocessors > 0
    assert properties.l2_bytes > 1 << 18
    assert properties.shared_bytes_per_block >= 48 << 10
    assert properties.total_bytes > 1 << 30
    assert RUNTIME.open(0) is device


@pytest.mark.parametrize("count", [1, 1000, 1 << 23])
def test_what_is_copied_in_comes_out(
    device: CudaDeviceRuntime, stream: int, allocate: Callable[[int], int], count: int
) -> None:
    host = np.random.default_rng(count).random(count)
    expected = host.copy()
    first, second = allocate(host.nbytes), allocate(host.nbytes)
    assert first % 256 == second % 256 == 0
    device.copy_in(first, host, stream)
    host[:] = -1  # the caller may write at once
    device.copy(second, first, host.nbytes, stream)
    device.fill(first, host.nbytes, stream)
    out = np.empty_like(host)
    device.copy_out(out, second, stream)
    np.testing.assert_array_equal(out, expected)
    device.copy_out(out, first, stream)
    assert not out.any()


def test_pinned_memory_may_be_written_at_once(
    device: CudaDeviceRuntime, stream: int, allocate: Callable[[int], int]
) -> None:
    from cuda.bindings import driver

    nbytes = 64 << 20
    code, address = driver.cuMemAllocHost(nbytes)
    assert code == 0
    try:
        host = np.frombuffer((ctypes.c_char * nbytes).from_address(int(address)), np.float64)
        host[:] = 1.5
        pointer = allocate(nbytes)
        device.copy_in(pointer, host, stream)
        host[:] = -1
        out = np.empty_like(host)
        device.copy_out(out, pointer, stream)
        assert (out == 1.5).all()
    finally:
        driver.cuMemFreeHost(address)


def test_host_arrays_must_fit_the_copy(device: CudaDeviceRuntime, stream: int) -> None:
    with pytest.raises(ValueError, match="C-contiguous"):
        device.copy_in(0, np.ones((4, 4))[:, ::2], stream)
    frozen = np.ones(4)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        device.copy_out(frozen, 0, stream)
    device.copy_in(0, np.ones(0), stream)
    device.copy_out(np.ones(0), 0, stream)
    device.copy(0, 0, 0, stream)
    device.fill(0, 0, stream)


def test_a_kernel_gets_its_values(
    device: CudaDeviceRuntime, stream: int, allocate: Callable[[int], int]
) -> None:
    kernel = device.compile(FILL, "fill", "qqd")
    assert kernel.name == "fill"
    assert kernel.registers > 0
    assert kernel.local_bytes == 0
    assert device.compile(FILL, "fill", "qqd") is kernel
    pointer = allocate(8000)
    for value in (0.25, 3, np.float64(-1.5)):
        device.launch(kernel, 8, 128, 0, stream, [pointer, np.int64(1000), value])
        out = np.empty(1000)
        device.copy_out(out, pointer, stream)
        np.testing.assert_array_equal(out, value + np.arange(1000.0))


def test_values_must_fit_the_kernel(device: CudaDeviceRuntime, stream: int) -> None:
    kernel = device.compile(FILL, "fill", "qqd")
    with pytest.raises(ValueError, match=r"'fill' takes 'qqd' .* got 2 values"):
        device.launch(kernel, 1, 1, 0, stream, [0, 0])
    with pytest.raises(ValueError, match="integer"):
        device.launch(kernel, 1, 1, 0, stream, [0, 0.5, 0])
    with pytest.raises(ValueError, match="'q', 'd' and 'f'"):
        device.compile(FILL, "fill", "qqi")
    with pytest.raises(DeviceError, match=r"launch kernel 'fill' .*block 4096"):
        device.launch(kernel, 1, 4096, 0, stream, [0, 0, 0.0])
    device.synchronize()  # a refused launch leaves the device whole


@pytest.mark.parametrize("default", [False, True])
def test_a_new_thread_needs_no_preparation(
    device: CudaDeviceRuntime, stream: int, default: bool
) -> None:
    from cuda.bindings import driver

    kernel = device.compile(FILL, "fill", "qqd")
    on = 0 if default else stream
    results: list[Any] = []

    def work() -> None:
        pointer = device.allocate(8 << 20, on)
        device.launch(kernel, 1 << 13, 128, 0, on, [pointer, 1 << 20, 1.0])
        device.wait(on, device.record(on))
        out = np.empty(1 << 20)
        device.copy_out(out, pointer, on)
        device.free(pointer, 8 << 20, on)
        device.synchronize(on)
        results.append(out)
        results.append(int(driver.cuCtxGetCurrent()[1]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    out, current = results
    np.testing.assert_array_equal(out, 1.0 + np.arange(1 << 20))
    assert current == 0, "the thread's own context was not restored"


def test_shared_memory_above_48_kib(
    device: CudaDeviceRuntime, stream: int, allocate: Callable[[int], int]
) -> None:
    kernel = device.compile(SHARED, "shared_sum", "qqd")
    most = device.properties.shared_bytes_per_block
    pointer = allocate(8)
    out = np.empty(1)
    for nbytes in (1024, 64 << 10, most):
        if nbytes > most:
            continue
        count = nbytes // 8
        device.launch(kernel, 1, 128, nbytes, stream, [pointer, count, 2.0])
        device.copy_out(out, pointer, stream)
        assert out[0] == count * (count - 1)
    with pytest.raises(DeviceError, match=r"'shared_sum'.*shared memory"):
        device.launch(kernel, 1, 128, most + 1024, stream, [pointer, 1, 1.0])


def test_local_memory_is_reported(device: CudaDeviceRuntime) -> None:
    assert device.compile(LOCAL, "local_array", "qqd").local_bytes >= 512


def test_a_stream_waits_for_an_event(device: CudaDeviceRuntime) -> None:
    first, second = device.create_stream(), device.create_stream()
    slow = device.compile(SLOW_FILL, "slow_fill", "qqd")
    pointer = device.allocate(8000, first)
    device.fill(pointer, 8000, first)
    device.synchronize(first)
    device.launch(slow, 1, 128, 0, first, [pointer, 1000, 7.0])
    device.wait(second, device.record(first))  # the event is let go of at once
    device.record(first)
    out = np.empty(1000)
    device.copy_out(out, pointer, second)
    assert (out == 7.0).all()
    device.free(pointer, 8000, first)
    with pytest.raises(TypeError, match="record"):
        device.wait(second, object())


def test_memory_freed_on_a_stream_may_still_be_used_there(
    device: CudaDeviceRuntime, stream: int, allocate: Callable[[int], int]
) -> None:
    slow = device.compile(SLOW_FILL, "slow_fill", "qqd")
    fill = device.compile(FILL, "fill", "qqd")
    kept = allocate(8000)
    for nbytes in (8000, 8 << 20):
        pointer = device.allocate(nbytes, stream)
        device.launch(slow, 1, 128, 0, stream, [pointer, 1000, 3.0])
        device.copy(kept, pointer, 8000, stream)
        device.free(pointer, nbytes, stream)
        again = device.allocate(nbytes, stream)
        device.launch(fill, 8, 128, 0, stream, [again, 1000, 100.0])
        device.free(again, nbytes, stream)
        out = np.empty(1000)
        device.copy_out(out, kept, stream)
        assert (out == 3.0).all()


def test_streams_of_cuda_core_are_taken(
    device: CudaDeviceRuntime, allocate: Callable[[int], int], stream: int
) -> None:
    from cuda.core import Device

    theirs = Device(0)
    theirs.set_current()
    foreign = theirs.create_stream()
    handle = as_stream_handle(foreign)
    assert handle == int(foreign.handle)
    pointer = allocate(8000)
    device.wait(handle, device.record(stream))
    kernel = device.compile(FILL, "fill", "qqd")
    device.launch(kernel, 8, 128, 0, handle, [pointer, 1000, 0.0])
    device.wait(stream, device.record(handle))
    out = np.empty(1000)
    device.copy_out(out, pointer, stream)
    np.testing.assert_array_equal(out, np.arange(1000.0))
    device.synchronize(handle)


def test_statistics_follow_the_memory(device: CudaDeviceRuntime, stream: int) -> None:
    device.trim()
    before = device.memory()
    small, large = device.allocate(1000, stream), device.allocate(256 << 20, stream)
    device.synchronize(stream)
    during = device.memory()
    assert during.used == before.used + 1024 + (256 << 20)
    assert during.held >= during.used
    assert during.peak >= during.used
    # Other processes take and give memory too, so that nothing else is certain.
    assert during.free <= during.total - during.held
    device.free(small, 1000, stream)
    device.free(large, 256 << 20, stream)
    after = device.memory()
    assert after.used == before.used
    assert after.held >= 256 << 20, "freed memory is kept for the next allocation"
    device.synchronize()
    assert device.memory().held >= 256 << 20, "also after a synchronize"
    assert device.trim() >= 256 << 20
    trimmed = device.memory()
    assert trimmed.held < 256 << 20
    assert trimmed.free > during.free


def test_out_of_memory_is_an_error_and_not_the_end(device: CudaDeviceRuntime, stream: int) -> None:
    total = device.properties.total_bytes
    with pytest.raises(OutOfMemory, match=r"cuda:0: out of memory: asked for .*used .*held .*free"):
        device.allocate(2 * total, stream)
    with pytest.raises(OutOfMemory, match="out of memory: asked for"):
        device.allocate(total - (1 << 20), stream)  # the driver says no, not the limit
    pointer = device.allocate(1 << 20, stream)
    device.fill(pointer, 1 << 20, stream)
    device.synchronize()
    device.free(pointer, 1 << 20, stream)


def test_held_memory_serves_another_stream_and_size(device: CudaDeviceRuntime) -> None:
    device.trim()
    first, second = device.create_stream(), device.create_stream()
    most = device.memory().free
    pointers = [device.allocate(most // 4, first) for _ in range(3)]
    for pointer in pointers:
        device.free(pointer, most // 4, first)
    pointer = device.allocate(most * 6 // 10, second)
    device.fill(pointer, most * 6 // 10, second)
    device.synchronize()
    device.free(pointer, most * 6 // 10, second)
    device.trim()


def test_the_limit_of_the_environment_holds() -> None:
    result = run(
        "device = CudaRuntime().open(0)\n"
        "stream = device.create_stream()\n"
        "assert device.memory().limit == 64 << 20\n"
        "p = device.allocate(48 << 20, stream)\n"
        "try:\n"
        "    device.allocate(32 << 20, stream)\n"
        "except MemoryError as error:\n"
        "    print(error)\n"
        "device.free(p, 48 << 20, stream)\n"
        "device.allocate(60 << 20, stream)\n",
        GPUARRAY_MEMORY_LIMIT="64MiB",
    )
    assert result.returncode == 0, result.stderr
    assert "out of memory (GPUARRAY_MEMORY_LIMIT): asked for 32.00 MiB" in result.stdout
    assert not result.stderr


def test_a_bad_limit_is_an_error() -> None:
    result = run("CudaRuntime().open(0)", GPUARRAY_MEMORY_LIMIT="lots")
    assert "ValueError: GPUARRAY_MEMORY_LIMIT='lots'" in result.stderr


def test_hidden_devices_are_an_error() -> None:
    result = run("CudaRuntime().open(0)", CUDA_VISIBLE_DEVICES="")
    assert "CUDA_VISIBLE_DEVICES='' hides every device" in result.stderr


@pytest.mark.parametrize("find", ["device.synchronize()", "device.copy_out(np.empty(1), p, s)"])
def test_a_fault_names_its_kernel_and_frees_stay_quiet(find: str) -> None:
    source = HEAD + (
        'extern "C" __global__ void bad(const __grid_constant__ Args a) { a.y[a.n] = a.v; }'
    )
    result = run(
        "device = CudaRuntime().open(0)\n"
        "s = device.create_stream()\n"
        "p = device.allocate(8, s)\n"
        "big = device.allocate(8 << 20, s)\n"
        f"kernel = device.compile({source!r}, 'bad', 'qqd')\n"
        "device.launch(kernel, 1, 1, 0, s, [p, 1 << 40, 1.0])\n"
        "try:\n"
        f"    {find}\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
        "device.free(p, 8, s)\n"
        "device.free(big, 8 << 20, s)\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("DeviceError cuda:0: the device faulted")
    assert "'bad'" in result.stdout
    assert not result.stderr


def test_the_interpreter_exits_quietly_with_memory_in_use() -> None:
    result = run(
        "class Buffer:\n"
        "    def __init__(self, n):\n"
        "        self.n, self.p, self.cycle = n, device.allocate(n, stream), self\n"
        "    def __del__(self):\n"
        "        device.free(self.p, self.n, stream)\n"
        "device = CudaRuntime().open(0)\n"
        "stream = device.create_stream()\n"
        "event = device.record(stream)\n"
        "buffers = [Buffer(n) for n in (8, 1000, 8 << 20)]\n"
    )
    assert result.returncode == 0
    assert not result.stderr


def test_a_kernel_comes_from_the_disk_in_the_next_process(tmp_path: Any) -> None:
    program = (
        "device = CudaRuntime().open(0)\n"
        f"stored = device._compiler.stored({FILL!r}, 'fill') is not None\n"
        f"device.compile({FILL!r}, 'fill', 'qqd')\n"
        "print(stored)\n"
    )
    results = [run(program, GPUARRAY_CACHE_DIR=str(tmp_path)) for _ in range(2)]
    assert [r.stdout.strip() for r in results] == ["False", "True"], results
    (path,) = (tmp_path / "kernels").iterdir()
    path.write_bytes(path.read_bytes()[:200])
    assert run(program, GPUARRAY_CACHE_DIR=str(tmp_path)).stdout.strip() == "False"


def test_two_devices_work_from_one_thread() -> None:
    if RUNTIME.device_count() < 2:
        pytest.skip("needs two devices")
    devices = [RUNTIME.open(0), RUNTIME.open(1)]
    streams = [device.create_stream() for device in devices]
    for value in range(3):
        for device, stream in zip(devices, streams, strict=True):
            kernel = device.compile(FILL, "fill", "qqd")
            pointer = device.allocate(8000, stream)
            device.launch(kernel, 8, 128, 0, stream, [pointer, 1000, float(value)])
            out = np.empty(1000)
            device.copy_out(out, pointer, stream)
            device.free(pointer, 8000, stream)
            np.testing.assert_array_equal(out, value + np.arange(1000.0))
