"""The simulator itself: kernels compute what a GPU would, and mistakes do not go unseen."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from gpuarray.errors import BackendUnavailable, DeviceError, OutOfMemory
from gpuarray_cuda.codegen.device_functions import source_for
from tests.simulator import SimulatedRuntime, compiler, simulated_runtime

AT_16 = "__align__(16)"

ADD = """
struct Args { const float* x; const float* y; float* out; long long n; };
extern "C" __global__ void __launch_bounds__(256) add(const __grid_constant__ Args a) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < a.n) a.out[i] = a.x[i] + a.y[i];
}
"""

BLOCK_SUM = """
struct Args { const double* x; double* out; long long n; };
extern "C" __global__ void block_sum(const __grid_constant__ Args a) {
  __shared__ double sums[128];
  long long i = (long long)blockIdx.x * 128 + threadIdx.x;
  sums[threadIdx.x] = i < a.n ? a.x[i] : 0.0;
  BARRIER
  for (int half = 64; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    BARRIER
  }
  if (threadIdx.x == 0) a.out[blockIdx.x] = sums[0];
}
"""


class Device:
    """A simulated device with arrays put on it, on one stream."""

    def __init__(self, runtime, ordinal=0):
        self.runtime = runtime
        self.raw = runtime.open(ordinal)
        self.stream = self.raw.create_stream()

    def put(self, array):
        array = np.ascontiguousarray(array)
        pointer = self.raw.allocate(array.nbytes, self.stream)
        self.raw.copy_in(pointer, array, self.stream)
        return pointer

    def get(self, pointer, shape, dtype):
        out = np.empty(shape, dtype)
        self.raw.copy_out(out, pointer, self.stream)
        return out

    def run(self, source, name, values, grid=1, block=32, shared=0):
        arguments = "".join("d" if isinstance(v, float) else "q" for v in values)
        kernel = self.raw.compile(source, name, arguments)
        self.raw.launch(kernel, grid, block, shared, self.stream, values)


@pytest.fixture
def device():
    return Device(SimulatedRuntime(seed=1))


def kernel(body, members="int* out;", name="k"):
    """A kernel `name` whose threads run `body` with `i`, their number in the block."""
    return f"""
struct Args {{ {members} }};
extern "C" __global__ void {name}(const __grid_constant__ Args a) {{
  int i = threadIdx.x;
  {body}
}}
"""


def run_ints(device, body, block=32, grid=1, count=None, shared=0):
    """What `body` leaves in `a.out`, an array of ints."""
    count = block * grid if count is None else count
    out = device.put(np.full(count, -7, np.int32))
    device.run(kernel(body), "k", [out], grid, block, shared)
    return device.get(out, count, np.int32)


class TestKernels:
    def test_a_plain_kernel_covers_a_grid_of_many_blocks(self, device):
        n = 100_000
        x, y = np.arange(n, dtype=np.float32), np.ones(n, np.float32)
        out = device.put(np.zeros(n, np.float32))
        device.run(ADD, "add", [device.put(x), device.put(y), out, n], grid=-(-n // 256), block=256)
        np.testing.assert_array_equal(device.get(out, n, np.float32), x + y)

    def test_doubles_are_passed_among_integers(self, device):
        out = device.put(np.zeros(1))
        source = kernel("*a.out = a.x * a.n;", "double x; double* out; long long n;")
        device.run(source, "k", [0.25, out, 6], block=1)
        assert device.get(out, 1, float) == 1.5

    def test_vector_loads_move_16_bytes(self, device):
        x = np.arange(64, dtype=np.float32)
        out = device.put(np.zeros_like(x))
        source = "struct alignas(16) V { float v[4]; };" + kernel(
            "V v = ((const V*)a.x)[i]; for (int j = 0; j < 4; ++j) v.v[j] *= 2;((V*)a.out)[i] = v;",
            "const float* x; float* out;",
        )
        device.run(source, "k", [device.put(x), out], block=16)
        np.testing.assert_array_equal(device.get(out, 64, np.float32), 2 * x)

    def test_dynamic_shared_memory_may_be_declared_as_cuda_does(self, device):
        body = """extern __shared__ __align__(16) unsigned char bytes[];
        int* s = (int*)bytes; s[i] = i; __syncthreads(); a.out[i] = s[blockDim.x - 1 - i];"""
        np.testing.assert_array_equal(
            run_ints(device, body, block=96, shared=96 * 4), np.arange(96)[::-1]
        )

    def test_shared_memory_of_a_template_and_of_the_kernel_live_side_by_side(self, device):
        source = """
        template <class T> __device__ T swapped(T v) {
          __shared__ T s[64];
          s[threadIdx.x] = v; __syncthreads();
          return s[threadIdx.x ^ 1];
        }""" + kernel(
            "__shared__ int t[64]; t[i] = swapped(i); __syncthreads();"
            "a.out[i] = t[i] + 100 * (int)swapped((double)i);"
        )
        out = device.put(np.zeros(64, np.int32))
        device.run(source, "k", [out], block=64)
        np.testing.assert_array_equal(device.get(out, 64, np.int32), 101 * (np.arange(64) ^ 1))

    def test_shared_memory_is_poisoned_at_the_start_of_each_block(self, device):
        body = "__shared__ int s[32]; a.out[blockIdx.x * 32 + i] = s[i]; s[i] = 5;"
        np.testing.assert_array_equal(run_ints(device, body, grid=3), -1)

    def test_blocks_run_in_an_order_that_the_seed_decides(self):
        body = "a.out[blockIdx.x] = atomicAdd(a.out + 40, 1);"
        orders = [
            tuple(run_ints(Device(SimulatedRuntime(seed=seed)), body, 1, 40, 41) + 7)
            for seed in (1, 1, 2)
        ]
        assert orders[0] == orders[1] != orders[2]
        assert sorted(orders[0][:40]) == list(range(40))

    @pytest.mark.parametrize("name", ["exp", "log1p", "expm1", "tanh", "cbrt", "rint", "floor"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_mathematics_is_overloaded_as_in_cuda(self, device, name, dtype):
        x = np.linspace(0.1, 3, 32).astype(dtype)
        out = device.put(np.zeros_like(x))
        c = "float" if dtype == np.float32 else "double"
        source = kernel(
            f'{c} v = {name}(a.x[i]); static_assert(sizeof({name}(v)) == sizeof v, "");'
            "a.out[i] = v;",
            f"const {c}* x; {c}* out;",
        )
        device.run(source, "k", [device.put(x), out])
        np.testing.assert_allclose(
            device.get(out, 32, dtype), getattr(np, name)(x), rtol=4 * np.finfo(dtype).eps
        )

    def test_nothing_is_contracted(self, device):
        x = np.array([1 + 2**-12], np.float32)
        out = device.put(np.zeros(1, np.float32))
        source = kernel("a.out[0] = a.x[0] * a.x[0] - a.x[1];", "const float* x; float* out;")
        square = x * x
        device.run(source, "k", [device.put(np.append(x, square)), out], block=1)
        assert device.get(out, 1, np.float32) == 0

    def test_bit_intrinsics(self, device):
        body = """int v[] = {__popc(0xff00u), __clz(1), __clz(0), __ffs(8), (int)__brev(1u << 30),
        (int)__umulhi(1u << 31, 6u), (int)__umul64hi(1ull << 63, 10), __clzll(1), __popcll(-1ll),
        __float_as_int(1.0f), (int)__byte_perm(0x33221100, 0x77665544, 0x7410)};
        for (int j = 0; j < 11; ++j) a.out[j] = v[j];"""
        expected = [8, 31, 32, 4, 2, 3, 5, 63, 64, 0x3F800000, 0x77441100]
        assert run_ints(device, body, block=1, count=11).tolist() == expected

    def test_conversions_saturate_as_the_gpu_does(self, device):
        body = """double nan = __longlong_as_double(-1);
        int v[] = {__double2int_rz(1e10), __double2int_rz(-1e10), __double2int_rz(nan),
        __float2int_rn(2.5f), (int)__float2uint_rz(-3.0f), (int)(__double2ll_rz(1e30) >> 62)};
        for (int j = 0; j < 6; ++j) a.out[j] = v[j];"""
        expected = [2**31 - 1, -(2**31), 0, 2, 0, 1]
        assert run_ints(device, body, block=1, count=6).tolist() == expected


class TestBlocks:
    @pytest.mark.parametrize("seed", range(4))
    def test_a_reduction_in_shared_memory_adds_up(self, seed):
        device = Device(SimulatedRuntime(seed=seed))
        x = np.random.default_rng(0).integers(0, 100, 1000).astype(float)
        out = device.put(np.zeros(8))
        source = BLOCK_SUM.replace("BARRIER", "__syncthreads();")
        device.run(source, "block_sum", [device.put(x), out, 1000], grid=8, block=128)
        expected = np.append(x, np.zeros(24)).reshape(8, 128).sum(axis=1)
        np.testing.assert_array_equal(device.get(out, 8, float), expected)

    def test_a_missing_barrier_shows_as_a_wrong_result(self):
        x = np.ones(128)
        for seed in range(4):
            device = Device(SimulatedRuntime(seed=seed))
            out = device.put(np.zeros(1))
            source = BLOCK_SUM.replace("BARRIER", "__syncwarp();")
            device.run(source, "block_sum", [device.put(x), out, 128], grid=1, block=128)
            if device.get(out, 1, float) != 128:
                return
        pytest.fail("every seed hid the missing barrier")

    def test_barriers_combine_predicates(self, device):
        body = """int count = __syncthreads_count(i % 3 == 0), any = __syncthreads_or(i == 70);
        int all = __syncthreads_and(i != 70); a.out[i] = count * 100 + any * 10 + all;"""
        np.testing.assert_array_equal(run_ints(device, body, block=100), 3410)

    def test_copies_to_shared_memory_are_there_after_they_were_waited_for(self, device):
        body = f"""__shared__ {AT_16} int held[128];
        for (int k = 0; k < 4; ++k) held[4 * i + k] = -1;
        ga_copy_async<16>(held + 4 * i, a.x + 4 * i);
        const int before = held[4 * i];
        WAIT
        a.out[i] = before == -1 ? held[4 * i + 3] : -2;"""
        x, out = device.put(np.arange(128, dtype=np.int32)), device.put(np.zeros(32, np.int32))
        for wait, expected in (("ga_wait_for_copies();", 4 * np.arange(32) + 3), ("", -1)):
            text = kernel(body.replace("WAIT", wait), "const int* x; int* out;")
            device.run(source_for(text) + text, "k", [x, out])
            np.testing.assert_array_equal(device.get(out, 32, np.int32), expected)

    def test_a_copy_from_an_unaligned_address_is_reported(self, device):
        body = f"""__shared__ {AT_16} int held[128];
        ga_copy_async<16>(held + 4 * i, a.x + 4 * i + 1);
        ga_wait_for_copies();
        a.out[i] = held[4 * i];"""
        x, out = device.put(np.arange(132, dtype=np.int32)), device.put(np.zeros(32, np.int32))
        text = kernel(body, "const int* x; int* out;")
        with pytest.raises(DeviceError, match=r"misaligned cp\.async"):
            device.run(source_for(text) + text, "k", [x, out])

    def test_threads_that_returned_are_not_waited_for(self, device):
        body = """if (i >= 40) return;
        __shared__ int s[40]; s[i] = i; __syncthreads();
        a.out[i] = s[39 - i] + 1000 * __popc(__ballot_sync(0xffffffffu, 1));"""
        expected = np.full(64, -7)
        expected[:40] = np.arange(40)[::-1] + np.where(np.arange(40) < 32, 32000, 8000)
        np.testing.assert_array_equal(run_ints(device, body, block=64), expected)

    def test_the_last_block_to_finish_sees_the_work_of_all(self, device):
        grid, out = 37, device.put(np.zeros(1, np.int32))
        partial = device.raw.allocate(4 * grid, device.stream)
        ticket = device.put(np.zeros(1, np.uint32))
        source = kernel(
            """__shared__ bool last;
            if (i == 0) {
              a.partial[blockIdx.x] = blockIdx.x + 1;
              __threadfence();
              last = atomicInc(a.ticket, gridDim.x - 1) == gridDim.x - 1;
            }
            __syncthreads();
            if (!last) return;
            int sum = 0;
            for (int j = i; j < gridDim.x; j += 32) sum += a.partial[j];
            for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(0xffffffffu, sum, d);
            if (i == 0) *a.out = sum;""",
            "int* out; int* partial; unsigned* ticket;",
        )
        for _ in range(2):  # the ticket is ready again
            device.run(source, "k", [out, partial, ticket], grid=grid)
            assert device.get(out, 1, np.int32) == grid * (grid + 1) // 2

    def test_a_barrier_in_one_branch_only_is_reported_with_its_lines(self, device):
        body = "if (i < 8)\n __syncthreads();\n a.out[i] = i;\n __syncthreads();"
        with pytest.raises(DeviceError, match=r"(?s)k: barrier divergence.*line 6.*line 8"):
            run_ints(device, body, block=64)

    def test_different_barriers_do_not_meet(self, device):
        body = "if (i < 32) __syncthreads(); else __syncthreads_or(0);"
        with pytest.raises(DeviceError, match=r"__syncthreads at.*__syncthreads_or at"):
            run_ints(device, body, block=64)

    def test_a_warp_function_that_lacks_a_lane_is_reported_not_waited_for(self, device):
        body = "if (i != 3) __shfl_sync(0xffffffffu, i, 0); else __syncthreads();"
        with pytest.raises(DeviceError, match=r"warp divergence.*thread 3 waits in __syncthreads"):
            run_ints(device, body)

    def test_waiting_for_another_block_is_reported(self, device):
        body = "while (((volatile int*)a.out)[1 - blockIdx.x] == -7) __nanosleep(100);"
        with pytest.raises(DeviceError, match="deadlock"):
            run_ints(device, body, block=1, grid=2)

    def test_a_device_works_after_a_fault(self, device):
        with pytest.raises(DeviceError):
            run_ints(device, "if (i < 3) __syncthreads(); else __syncwarp();")
        assert run_ints(device, "a.out[i] = i; __syncthreads();").tolist() == list(range(32))


class TestWarps:
    FULL = "0xffffffffu"

    @pytest.mark.parametrize(
        ("call", "source"),
        [
            ("__shfl_sync(m, i, 5)", lambda i: i * 0 + 5),
            ("__shfl_sync(m, i, 3, 8)", lambda i: i // 8 * 8 + 3),
            ("__shfl_up_sync(m, i, 3)", lambda i: np.where(i < 3, i, i - 3)),
            ("__shfl_down_sync(m, i, 3, 16)", lambda i: np.where(i % 16 > 12, i, i + 3)),
            ("__shfl_xor_sync(m, i, 9)", lambda i: i ^ 9),
        ],
    )
    def test_shuffles(self, device, call, source):
        found = run_ints(device, f"unsigned m = {self.FULL}; a.out[i] = {call};")
        np.testing.assert_array_equal(found, source(np.arange(32)))

    @pytest.mark.parametrize("c", ["int", "unsigned", "long long", "unsigned long long"])
    def test_shuffles_keep_integer_types(self, device, c):
        body = f"""{c} v = ({c})-1 - i; auto w = __shfl_xor_sync({self.FULL}, v, 1);
        static_assert(sizeof w == sizeof v, ""); a.out[i] = w == ({c})-1 - (i ^ 1);"""
        np.testing.assert_array_equal(run_ints(device, body), 1)

    @pytest.mark.parametrize("c", ["float", "double"])
    def test_shuffles_keep_floating_types(self, device, c):
        body = f"""{c} v = ({c})0.1 * i; {c} w = __shfl_xor_sync({self.FULL}, v, 1);
        a.out[i] = w == ({c})0.1 * (i ^ 1);"""
        np.testing.assert_array_equal(run_ints(device, body), 1)

    def test_votes(self, device):
        body = f"""unsigned m = {self.FULL};
        a.out[i] = (__ballot_sync(m, i % 2) == 0xaaaaaaaau) + 2 * __any_sync(m, i == 9)
          + 4 * __all_sync(m, i != 9) + 8 * (__match_any_sync(m, i / 16) == 0xffffu << (i & 16));"""
        np.testing.assert_array_equal(run_ints(device, body), 11)

    def test_halves_of_a_warp_may_go_their_own_ways(self, device):
        body = """if (i < 16) for (int k = 0; k < 3; ++k) a.out[i] = __shfl_sync(0xffffu, i, k);
        else a.out[i] = (int)__reduce_add_sync(0xffff0000u, (unsigned)i);"""
        found = run_ints(device, body)
        assert found.tolist() == [2] * 16 + [sum(range(16, 32))] * 16

    def test_a_lane_that_does_not_take_part_gives_poison(self, device):
        body = "if (i < 16) a.out[i] = __shfl_down_sync(0xffffu, i, 1);"
        assert run_ints(device, body)[15] == -1

    def test_a_caller_outside_its_mask_is_reported(self, device):
        with pytest.raises(DeviceError, match=r"thread 16 .*no bit|thread \d+ calls __syncwarp"):
            run_ints(device, "__syncwarp(0xffffu); a.out[i] = 0;")

    def test_a_missing_syncwarp_shows_as_a_wrong_result(self, device):
        body = "__shared__ int s[32]; s[i] = i; SYNC a.out[i] = s[31 - i];"
        good = run_ints(device, body.replace("SYNC", "__syncwarp();"))
        assert good.tolist() == list(range(31, -1, -1))
        bad = run_ints(device, "__syncthreads();" + body.replace("SYNC", ""))
        assert bad.tolist() != good.tolist()


class TestMemory:
    def test_pointers_are_aligned_and_their_contents_poisoned(self, device):
        for nbytes in (1, 255, 256, 4096, 5000):
            pointer = device.raw.allocate(nbytes, device.stream)
            assert pointer % 256 == 0
            assert (device.get(pointer, nbytes, np.uint8) == 0xFF).all()
        assert device.raw.allocate(0, device.stream) == 0

    @pytest.mark.parametrize("index", [10, 63, -1])
    def test_a_write_close_by_is_reported(self, device, index):
        out = device.put(np.zeros(10, np.int32))
        with pytest.raises(DeviceError, match=r"k: wrote 4 bytes before|k: wrote .* past the end"):
            device.run(kernel(f"a.out[{index}] = 1;"), "k", [out])

    @pytest.mark.parametrize("access", ["a.out[2000000] = 1;", "a.out[0] = a.out[2000];"])
    def test_an_access_far_outside_is_reported(self, device, access):
        out = device.put(np.zeros(10, np.int32))
        with pytest.raises(DeviceError, match="k: invalid memory access by thread 0 of block 0"):
            device.run(kernel(f"if (i == 0) {access}"), "k", [out])

    def test_a_fault_names_the_allocation_it_missed(self, device):
        out = device.put(np.zeros(1024, np.int32))
        with pytest.raises(DeviceError, match="0 bytes past an allocation of 4096 bytes"):
            device.run(kernel("a.out[1024 + i] = a.out[0];"), "k", [out], block=1)

    def test_a_write_past_dynamic_shared_memory_is_reported(self, device):
        with pytest.raises(DeviceError, match="8 bytes past its 16 bytes of dynamic shared"):
            run_ints(device, "extern __shared__ int s[]; s[6] = 1;", shared=16)

    def test_a_freed_pointer_is_refused(self, device):
        out = device.put(np.zeros(8, np.int32))
        device.raw.free(out, 32, device.stream)
        with pytest.raises(DeviceError, match=r"argument 0 is .* freed"):
            device.run(kernel("a.out[i] = 1;"), "k", [out])
        with pytest.raises(DeviceError, match="copy_out of 32 bytes"):
            device.get(out, 8, np.int32)

    def test_freed_memory_faults_when_reached_through_memory(self, device):
        hidden = device.put(np.zeros(8, np.int32))
        table = device.put(np.array([hidden]))
        device.raw.free(hidden, 32, device.stream)
        with pytest.raises(DeviceError, match="invalid memory access"):
            device.run(kernel("**a.out = 1;", "int** out;"), "k", [table])

    @pytest.mark.parametrize("nbytes", [33, 5000])
    def test_copies_stay_inside_one_allocation(self, device, nbytes):
        out = device.put(np.zeros(8, np.int32))
        device.put(np.zeros(8, np.int32))
        with pytest.raises(DeviceError, match=f"copy_in of {nbytes} bytes"):
            device.raw.copy_in(out, np.zeros(nbytes, np.uint8), device.stream)
        with pytest.raises(DeviceError, match=f"fill of {nbytes} bytes"):
            device.raw.fill(out, nbytes, device.stream)

    def test_copy_and_fill(self, device):
        x = device.put(np.arange(8))
        y = device.raw.allocate(64, device.stream)
        device.raw.copy(y, x + 8, 24, device.stream)
        device.raw.fill(y + 8, 8, device.stream)
        assert device.get(y, 3, np.int64).tolist() == [1, 0, 3]

    def test_freeing_what_was_not_allocated_is_raised_by_the_next_call(self, device):
        x = device.put(np.arange(8))
        device.raw.free(x, 63, device.stream)
        with pytest.raises(DeviceError, match="free: 63 bytes"):
            device.raw.synchronize()
        device.raw.free(x, 64, device.stream)
        with pytest.raises(DeviceError, match=r"free: .*freed"):
            device.raw.synchronize()

    def test_addresses_go_back_with_the_runtime(self):
        for _ in range(3000):  # more than a process has addresses for, if they were kept
            Device(SimulatedRuntime(devices=1)).put(np.zeros(1))

    def test_statistics_follow_use(self):
        device = Device(SimulatedRuntime(total_bytes=1 << 20, memory_limit=4096))
        x = device.raw.allocate(1000, device.stream)
        y = device.raw.allocate(1, device.stream)
        device.raw.free(x, 1000, device.stream)
        found = device.raw.memory()
        assert (found.used, found.held, found.peak) == (256, 1280, 1280)
        assert (found.limit, found.total, found.free) == (4096, 1 << 20, (1 << 20) - 1280)
        assert device.raw.trim() == 1024
        assert device.raw.memory().held == 256
        device.raw.free(y, 1, device.stream)

    def test_the_limit_holds(self):
        device = Device(SimulatedRuntime(memory_limit=4096))
        device.raw.allocate(4000, device.stream)
        with pytest.raises(OutOfMemory, match="256 bytes asked, 4096 used, 4096 held, 0 free"):
            device.raw.allocate(256, device.stream)
        with pytest.raises(ValueError, match="-1 bytes"):
            device.raw.allocate(-1, device.stream)

    def test_memory_of_another_device_is_refused(self):
        runtime = SimulatedRuntime()
        here, there = Device(runtime), Device(runtime, 1)
        with pytest.raises(DeviceError, match="memory of device 1, launched on device 0"):
            here.run(kernel("a.out[i] = 1;"), "k", [there.put(np.zeros(32, np.int32))])


class TestStreams:
    SET = kernel("a.out[i] = i;")
    READ = kernel("a.out[i] = a.x[i];", "int* out; const int* x;")

    def two(self, device):
        other = Device(device.runtime)
        other.raw = device.raw
        return device.put(np.zeros(32, np.int32)), other

    def test_use_without_a_wait_is_reported(self, device):
        x, other = self.two(device)
        device.run(self.SET, "k", [x])
        with pytest.raises(DeviceError, match=r"stream 17 .* uses memory that stream 16 .* wrote"):
            other.get(x, 32, np.int32)
        with pytest.raises(DeviceError, match=r"wrote \(k\), without waiting"):
            other.run(self.SET, "k", [x])

    def test_a_wait_puts_it_right(self, device):
        x, other = self.two(device)
        device.run(self.SET, "k", [x])
        device.raw.wait(other.stream, device.raw.record(device.stream))
        assert other.get(x, 32, np.int32).tolist() == list(range(32))

    def test_an_event_covers_only_what_came_before_it(self, device):
        x, other = self.two(device)
        event = device.raw.record(device.stream)
        device.run(self.SET, "k", [x])
        device.raw.wait(other.stream, event)
        with pytest.raises(DeviceError, match="without waiting"):
            other.get(x, 32, np.int32)

    @pytest.mark.parametrize("whole_device", [False, True])
    def test_synchronizing_puts_it_right(self, device, whole_device):
        x, other = self.two(device)
        device.run(self.SET, "k", [x])
        device.raw.synchronize(None if whole_device else device.stream)
        other.get(x, 32, np.int32)

    def test_two_streams_may_read_the_same_but_a_writer_must_wait(self, device):
        x, other = self.two(device)
        device.raw.synchronize()
        y, z = other.put(np.zeros(32, np.int32)), device.put(np.zeros(32, np.int32))
        device.run(self.READ, "k", [z, x])
        other.run(self.READ, "k", [y, x])
        with pytest.raises(DeviceError, match=r"writes memory that stream 17 .* uses"):
            device.run(self.SET, "k", [x])

    def test_freeing_what_another_stream_still_uses_is_reported(self, device):
        x, other = self.two(device)
        device.raw.synchronize()
        other.run(self.SET, "k", [x])
        device.raw.free(x, 128, device.stream)
        with pytest.raises(DeviceError, match=r"free: stream 16 .* without waiting"):
            device.raw.synchronize()

    def test_events_cross_devices(self):
        runtime = SimulatedRuntime()
        first, second = Device(runtime), Device(runtime, 1)
        x = first.put(np.zeros(4))
        second.raw.wait(second.stream, first.raw.record(first.stream))
        first.raw.wait(first.stream, second.raw.record(second.stream))
        first.get(x, 4, float)

    def test_finalizers_may_interrupt_a_call(self, device, monkeypatch):
        x, other = self.two(device)
        device.run(self.SET, "k", [x])

        class Garbage:
            def __init__(self):
                self.cycle = self

            def __del__(self):
                device.raw.wait(other.stream, device.raw.record(device.stream))
                device.raw.free(x, 128, device.stream)

        with monkeypatch.context() as patched:
            patched.setattr(device.runtime.instruments, "call", lambda kind: gc.collect())
            Garbage()
            thread = threading.Thread(target=device.raw.memory, daemon=True)
            thread.start()
            thread.join(timeout=60)
            assert not thread.is_alive()
        assert device.raw.memory().used == 0
        other.raw.synchronize()


class TestInstruments:
    def test_calls_and_bytes_are_counted(self, device):
        with device.runtime.counting() as counted:
            x = device.put(np.zeros(32, np.int32))
            for _ in range(3):
                device.run(kernel("a.out[i] = i;"), "k", [x])
            device.get(x, 2, np.int32)
            device.raw.free(x, 128, device.stream)
        assert (counted.launches, counted.compiled) == (3, 1)
        assert (counted.allocations, counted.frees) == (1, 1)
        assert (counted.bytes_in, counted.bytes_out, counted.copies) == (128, 8, 2)
        assert [launch.kernel for launch in device.runtime.history] == ["k"] * 3

    @pytest.mark.parametrize(
        ("kind", "error"), [("allocate", OutOfMemory), ("launch", DeviceError)]
    )
    def test_the_chosen_call_fails_once(self, device, kind, error):
        x = device.put(np.zeros(32, np.int32))

        def call():
            if kind == "allocate":
                device.raw.allocate(1, device.stream)
            else:
                device.run(kernel("a.out[i] = 1;"), "k", [x])

        with device.runtime.failing(after=1, kind=kind) as failure:
            call()
            with pytest.raises(error, match=f"injected failure of {kind}"):
                call()
            call()
        assert failure.raised == 1

    def test_any_error_at_any_copy(self, device):
        with device.runtime.failing(kind="copy", error=KeyboardInterrupt, times=2):
            for _ in range(2):
                with pytest.raises(KeyboardInterrupt):
                    device.put(np.zeros(3))
            device.put(np.zeros(3))

    def test_an_unknown_kind_is_refused(self, device):
        with pytest.raises(ValueError, match="kind"), device.runtime.failing(kind="free"):
            pass

    def test_a_fault_may_come_later_as_on_a_gpu(self):
        device = Device(SimulatedRuntime(deferred_faults=True))
        x = device.put(np.zeros(4, np.int32))
        device.run(kernel("a.out[i] = 1;"), "k", [x])
        with pytest.raises(DeviceError, match="k: wrote 0 bytes past"):
            device.raw.synchronize()
        device.raw.synchronize()


class TestCompilation:
    def test_the_same_source_is_the_same_kernel(self, device):
        source = kernel("a.out[i] = 1;")
        assert device.raw.compile(source, "k", "q") is device.raw.compile(source, "k", "q")

    def test_an_error_shows_the_line(self, device):
        with pytest.raises(DeviceError, match=r"(?s)k: .*k\.cu:5.*missing.*   5    missing\(\);"):
            device.raw.compile(kernel("missing();"), "k", "q")

    def test_headers_are_refused_as_by_nvrtc(self, device):
        with pytest.raises(DeviceError, match="math"):
            device.raw.compile("#include <math.h>\n" + kernel(""), "k", "q")

    def test_floating_atomics_are_refused(self, device):
        with pytest.raises(DeviceError, match="atomicAdd"):
            device.raw.compile(kernel("atomicAdd(a.out, 1.0f);", "float* out;"), "k", "q")

    def test_arguments_must_have_the_size_of_args(self, device):
        with pytest.raises(DeviceError, match="Args has 8 bytes, arguments 'qq' make 16"):
            device.raw.compile(kernel(""), "k", "qq")
        with pytest.raises(ValueError, match="'q', 'd' and 'f'"):
            device.raw.compile(kernel(""), "k", "i")

    def test_values_must_fit_the_arguments(self, device):
        compiled = device.raw.compile(kernel(""), "k", "q")
        with pytest.raises(ValueError, match="k: "):
            device.raw.launch(compiled, 1, 1, 0, device.stream, [1, 2])

    @pytest.mark.parametrize(
        ("grid", "block", "shared", "message"),
        [(0, 32, 0, "grid"), (1, 257, 0, "from 1 to 256"), (1, 32, 240_000, "shared memory")],
    )
    def test_impossible_launches_are_refused(self, device, grid, block, shared, message):
        compiled = device.raw.compile(ADD, "add", "qqqq")
        with pytest.raises(DeviceError, match=f"add: .*{message}"):
            device.raw.launch(compiled, grid, block, shared, device.stream, [0, 0, 0, 0])

    def test_static_shared_memory_ends_at_48_kib(self, device):
        assert device.raw.compile(kernel("__shared__ char s[49152]; s[i] = 1;"), "k", "q")
        with pytest.raises(DeviceError, match="static shared memory, the most is 49152"):
            device.raw.compile(kernel("__shared__ char s[49153]; s[i] = 1;"), "k", "q")

    def test_integer_division_by_zero_is_reported(self, device):
        with pytest.raises(DeviceError, match="integer division by zero"):
            run_ints(device, "a.out[i] = 7 / (a.out[i] + 7);")

    def test_a_machine_without_a_compiler_is_told_what_to_install(self):
        code = "from tests.simulator import SimulatedRuntime as S; S().device_count()"
        path = os.pathsep.join(sys.path)
        environment = {"PYTHONPATH": path, "GPUARRAY_SIMULATOR_CXX": "no-such-compiler"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        assert BackendUnavailable.__name__ in done.stderr
        assert "no-such-compiler" in done.stderr

    def test_what_was_compiled_is_found_again_by_another_process(self, tmp_path, monkeypatch):
        monkeypatch.setattr(compiler, "cache_directory", lambda: tmp_path)
        unit = 'extern "C" int seven() { return 7; }'
        first = compiler.shared_object(unit, compiler.KERNEL_FLAGS)
        written = first.stat().st_mtime_ns
        assert compiler.shared_object(unit, compiler.KERNEL_FLAGS) == first
        assert first.stat().st_mtime_ns == written
        assert [p.name for p in tmp_path.iterdir()] == [first.name]


def test_the_shared_runtime_is_one():
    assert simulated_runtime() is simulated_runtime()
    assert simulated_runtime().device_count() == 2
    with pytest.raises(BackendUnavailable, match="no simulated device 2"):
        simulated_runtime().open(2)
