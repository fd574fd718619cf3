"""`gpuarray.cuda.RawModule` and `RawKernel`: users' kernels on our arrays, against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from benchmarks import examples
from gpuarray.cuda import RawKernel, RawModule
from gpuarray.cuda.signatures import signatures
from gpuarray.errors import DeviceError
from tests.backends.conftest import REAL

SOURCE = r"""
// __global__ void commented(int* x) {}
__constant__ float table[4] = {1, 2, 3, 4};
__device__ int counter;

struct Pair { float a; double b; };

extern "C" __global__ void scale(float* x, const float factor, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] *= factor;
}

__global__ void __launch_bounds__(128) look_up(const int* __restrict__ k, float* y, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = table[k[i]];
}

template <class T>
__global__ void add(T* x, const T* y, Pair pair, unsigned char c, double d) {
  const int i = (blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x * blockDim.y * blockDim.z +
                (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  x[i] = x[i] + y[i] + pair.a + pair.b + c + d;
}

__global__ void tally(int amount) { counter += amount; }

namespace mine {
__global__ void fill(long long* x, long long value) { x[threadIdx.x] = value; }
}

__global__ void reverse(const double* x, double* y, int n) {
  extern __shared__ double held[];
  held[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = held[n - 1 - threadIdx.x];
}
"""
TILE = 8
PRODUCT = rf"""
#define TILE {TILE}
__global__ void product(const float* a, const float* b, float* c, int n) {{
  __shared__ float left[TILE][TILE], right[TILE][TILE];
  const int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; k += TILE) {{
    left[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
    right[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
    __syncthreads();
    for (int j = 0; j < TILE; ++j) sum = fmaf(left[threadIdx.y][j], right[j][threadIdx.x], sum);
    __syncthreads();
  }}
  c[row * n + column] = sum;
}}
"""


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


@pytest.fixture(scope="module")
def module() -> RawModule:
    return RawModule(SOURCE, name_expressions=["add<float>", "add<double>", "mine::fill"])


def floats(n: int) -> xp.Array:
    return xp.arange(n, dtype="float32")


def test_a_kernel_changes_the_array_that_it_gets(module: RawModule, host: Any) -> None:
    x = floats(1000)
    module.get_kernel("scale")(-(-1000 // 128), 128, (x, 2.5, 1000))
    np.testing.assert_array_equal(host(x), np.arange(1000, dtype="float32") * np.float32(2.5))


def test_other_arrays_keep_their_values(module: RawModule, host: Any) -> None:
    scale = module.get_kernel("scale")
    x = floats(6) + 1.0
    same, part, pending = x[...], x[2:4], x * 10.0
    scale(1, 32, (x, 2.0, 6))
    scale(1, 32, (part, 100.0, 2))
    assert host(x).tolist() == [2, 4, 6, 8, 10, 12]
    assert host(same).tolist() == [1, 2, 3, 4, 5, 6]
    assert host(part).tolist() == [300, 400]
    assert host(pending).tolist() == [10, 20, 30, 40, 50, 60]


def test_an_array_of_its_own_stays_where_it_is(module: RawModule) -> None:
    scale = module.get_kernel("scale")
    x = floats(64)
    pointers = []
    for _ in range(5):
        scale(1, 64, (x, 2.0, 64))
        pointers.append(x._node.buffer.pointer)
    # Who else holds it (a profiler, a debugger, the garbage collector) costs a copy, but just once.
    assert len(set(pointers[1:])) == 1


def test_what_follows_sees_what_the_kernel_wrote(module: RawModule, host: Any) -> None:
    x = floats(8)
    y = xp.exp(-x)
    module.get_kernel("scale")(1, 8, (y, 3.0, 8))
    z = xp.sum(y + x)
    assert float(z) == pytest.approx(
        float(np.sum(3 * np.exp(-np.arange(8.0)) + np.arange(8))), 1e-6
    )


def test_any_layout_is_row_major_to_the_kernel(module: RawModule, host: Any) -> None:
    values = np.arange(12, dtype="float32").reshape(3, 4)
    x = xp.asarray(values).T
    module.get_kernel("scale")(1, 32, (x, 2.0, 2))
    expected = values.T.copy()
    expected.reshape(-1)[:2] *= 2
    np.testing.assert_array_equal(host(x), expected)
    places = xp.asarray([[3, 0], [1, 2]], dtype="int32").T
    found = xp.zeros(4, dtype="float32")
    module.get_kernel("look_up")(1, 4, (places, found, 4))
    assert host(found).tolist() == [4, 2, 1, 3]
    assert host(places).tolist() == [[3, 1], [0, 2]]


def test_instances_of_templates_take_structs_and_small_types(module: RawModule, host: Any) -> None:
    pair = np.zeros((), np.dtype([("a", "f4"), ("b", "f8")], align=True))
    pair["a"], pair["b"] = 0.5, 0.25
    shape = (2, 3, 2, 2, 3)
    for dtype in ("float32", "float64"):
        x, y = xp.ones(shape, dtype=dtype), xp.reshape(xp.arange(72, dtype=dtype), shape)
        kernel = module.get_kernel("add<float>" if dtype == "float32" else "add<double>")
        kernel((3, 2), (3, 2, 2), (x, y, pair[()], np.uint8(7), 1.0))
        np.testing.assert_array_equal(host(x), np.arange(72).reshape(shape) + 9.75)


def test_variables_are_read_and_written(module: RawModule, host: Any) -> None:
    table = module.get_global("table")
    assert table.nbytes == 16 and table.get("float32").tolist() == [1, 2, 3, 4]
    table.set(np.asarray([5, 6, 7, 8], "float32"))
    found = xp.zeros(2, dtype="float32")
    module.get_kernel("look_up")(1, 2, (xp.asarray([3, 1], dtype="int32"), found, 2))
    assert host(found).tolist() == [8, 6]
    table.set(xp.asarray([1, 2, 3, 4], dtype="float32"))
    counter = module.get_global("counter")
    counter.set(np.int32(40))
    module.get_kernel("tally")(1, 1, (2,))
    assert counter.get("int32").tolist() == [42]
    with pytest.raises(ValueError, match="table: has 16 bytes, got 8 of float64"):
        table.set(1.0)
    with pytest.raises(ValueError, match="no variable 'missing'"):
        module.get_global("missing")


def test_shared_memory_may_be_dynamic(module: RawModule, host: Any) -> None:
    x = xp.arange(40, dtype="float64")
    y = xp.zeros(40)
    module.get_kernel("reverse")(1, 40, (x, y, 40), shared_bytes=320)
    assert host(y).tolist() == list(range(39, -1, -1))
    assert host(x).tolist() == list(range(40))


def test_kernels_in_namespaces_and_addresses(module: RawModule, host: Any) -> None:
    x = xp.zeros(5, dtype="int64")
    xp.evaluate(x)
    module.get_kernel("mine::fill")((1,), (5,), (x, -3))
    assert host(x).tolist() == [-3] * 5
    address = x._node.buffer.pointer
    module.get_kernel("mine::fill")(1, 2, (address, 1 << 40))
    assert host(x).tolist() == [1 << 40, 1 << 40, -3, -3, -3]


def test_a_product_of_matrices_through_shared_memory(host: Any) -> None:
    n = 4 * TILE
    a, b = (np.random.default_rng(k).standard_normal((n, n)).astype("float32") for k in (1, 2))
    c = xp.empty((n, n), dtype="float32")
    product = RawKernel(PRODUCT, "product")
    product((n // TILE, n // TILE), (TILE, TILE), (xp.asarray(a), xp.asarray(b), c, n))
    np.testing.assert_allclose(host(c), a.astype("f8") @ b.astype("f8"), rtol=1e-4, atol=1e-5)


def test_macros_and_headers_are_given(host: Any) -> None:
    source = '#include "mine.h"\n__global__ void f(int* x) { x[threadIdx.x] = twice(N); }'
    header = "__device__ inline int twice(int x) { return 2 * x; }\n"
    kernel = RawKernel(source, "f", options=["-DN=21"], headers={"mine.h": header})
    x = xp.zeros(3, dtype="int32")
    kernel(1, 2, (x,))
    assert host(x).tolist() == [42, 42, 0]


def test_attributes_say_what_a_kernel_takes(module: RawModule) -> None:
    found = module.get_kernel("look_up").attributes()
    assert found["max_threads"] == 128 and set(found) == {
        "registers", "local_bytes", "static_shared_bytes", "max_threads",
    }  # fmt: skip


def test_signatures_are_read_from_the_source() -> None:
    found = signatures(SOURCE)
    assert "commented" not in found
    assert str(found["scale"]) == "scale(float* x, const float factor, int n)"
    x, factor, n = found["scale"].parameters
    assert (x.pointer, x.constant, x.dtype) == (True, False, np.float32)
    assert (factor.pointer, factor.constant, factor.dtype) == (False, False, np.float32)
    assert n.dtype == np.int32
    k, y, count = found["look_up"].parameters
    assert k.constant and not y.constant and count.dtype == np.uint32
    assert found["add"].template and found["add"].parameters[0].dtype is None
    assert not found["fill"].outermost and found["tally"].outermost


def failing() -> list[tuple[Callable[[RawModule], Any], type[Exception], str]]:
    def scale(*args: Any, grid: Any = 1, block: Any = 8, **more: Any) -> Callable[[RawModule], Any]:
        return lambda module: module.get_kernel("scale")(grid, block, args, **more)

    x = "an array"  # made in the test: there is no device yet
    return [
        (scale(x, 2.0), TypeError, r"scale: takes 3 arguments, got 2: scale\(float\* x"),
        (scale(x, 2.0, 3, 4), TypeError, "scale: takes 3 arguments, got 4"),
        (scale(2.0, 2.0, 3), TypeError, "argument 0 .* must be an array or an address, got float"),
        (scale(np.zeros(3, "f4"), 2.0, 3), TypeError, "argument 0 .* got a NumPy array"),
        (scale(x, x, 3), TypeError, r"argument 1 \(const float factor\) is no pointer"),
        (scale(x, "2", 3), TypeError, "argument 1 .* must be a scalar, got str"),
        (scale(x, 2.0, 3.0), TypeError, "argument 2 .* must be int32, got float"),
        (scale(x, np.float64(2), 3), TypeError, "argument 1 .* must be float32, got float64"),
        (scale(x, 2.0, 1 << 31), OverflowError, "argument 2 .* must fit int32"),
        (scale(x, 2.0, 3, block=2048), ValueError, "2048 threads, and the kernel may have 1024"),
        (scale(x, 2.0, 3, block=(8, 0)), ValueError, "each extent of block must be from 1"),
        (scale(x, 2.0, 3, grid=(1, 70000)), ValueError, "each extent of grid .* to 65535"),
        (scale(x, 2.0, 3, grid=1.5), TypeError, "grid must be made of integers"),
        (scale(x, 2.0, 3, grid=(1, 1, 1, 1)), ValueError, "grid must have 1 to 3 extents"),
        (scale(x, 2.0, 3, shared_bytes=1 << 20), ValueError, "shared_bytes must be from 0 to"),
        (lambda m: m.get_kernel("add"), ValueError, "no kernel 'add'; there are: scale"),
    ]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), failing())
def test_wrong_launches_are_errors_before_they_happen(
    module: RawModule,
    call: Callable[[RawModule], Any],
    kind: type[Exception],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    host: Any,
) -> None:
    x = floats(3)
    kernel = module.get_kernel("scale")
    launched: list[Any] = []
    original = type(kernel).__call__

    def with_array(self: Any, grid: Any, block: Any, args: Any, **more: Any) -> None:
        launched.append(args)
        original(self, grid, block, [x if a == "an array" else a for a in args] if not any(
            isinstance(a, np.ndarray) for a in args
        ) else args, **more)  # fmt: skip

    monkeypatch.setattr(type(kernel), "__call__", with_array)
    with pytest.raises(kind, match=message):
        call(module)
    assert host(x).tolist() == [0, 1, 2]


def test_arrays_of_the_wrong_dtype_or_device_are_errors(module: RawModule) -> None:
    scale = module.get_kernel("scale")
    with pytest.raises(TypeError, match=r"argument 0 \(float\* x\) must be an array of float32"):
        scale(1, 8, (xp.arange(3), 2.0, 3))
    on_host = xp.ones(3, dtype="float32", device="cpu")
    with pytest.raises(TypeError, match="needs a CUDA device, and the arrays are on 'cpu'"):
        scale(1, 8, (on_host, 2.0, 3))
    with pytest.raises(ValueError, match="different devices, 'cuda:0' and 'cpu'"):
        module.get_kernel("look_up")(1, 8, (xp.zeros(3, dtype="int32"), on_host, 3))


def test_python_scalars_need_a_type_that_is_known() -> None:
    source = "typedef float real;\n__global__ void f(float* x, real y) { x[0] = y; }"
    kernel = RawKernel(source, "f")
    x = floats(1)
    with pytest.raises(TypeError, match="its type is not known from the source; give a scalar of"):
        kernel(1, 1, (x, 2.0))
    kernel(1, 1, (x, np.float32(2)))
    assert float(x[0]) == 2.0
    with pytest.raises(TypeError, match="has 4 bytes, got 8"):
        kernel(1, 1, (x, np.float64(2)))


def test_what_does_not_compile_shows_its_lines() -> None:
    kernel = RawKernel("__global__ void f(int* x) {\n  x[0] = missing;\n}", "f")
    with pytest.raises(DeviceError, match=r"(?s)f.*missing"):
        kernel(1, 1, (xp.zeros(1, dtype="int32"),))


@pytest.mark.skipif(REAL, reason="a fault ends the process's context")
def test_a_fault_names_the_kernel() -> None:
    kernel = RawKernel("__global__ void reach(int* x) { x[1 << 20] = 1; }", "reach")
    with pytest.raises(DeviceError, match="reach"):
        kernel(1, 1, (xp.zeros(1, dtype="int32"),))


def test_compiled_functions_refuse_launches(module: RawModule) -> None:
    @xp.compile
    def wrong(x: xp.Array) -> xp.Array:
        module.get_kernel("scale")(1, 8, (x, 2.0, 3))
        return x

    with pytest.raises(TypeError, match="a launch of kernel scale"):
        wrong(floats(3))


def test_the_examples_have_numpys_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert examples.main(["--scale", "0.0002"]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.count("\n") == 2 + len(examples.PROGRAMS)
