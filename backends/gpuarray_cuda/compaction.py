"""Compaction: where a mask holds.

In: contiguous booleans on a device. Out: a buffer of their ascending positions, and how many. Three
kernels: each tile counts its elements, one block sums the counts up, each tile writes its positions
from there on. Only the total goes to the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpuarray_cuda.buffer import CudaBuffer
from gpuarray_cuda.codegen.device_functions import source_for

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["nonzero"]

BLOCK = 256
# Consecutive elements of a thread: one 16-byte load of booleans.
_ITEMS = 16
TILE = BLOCK * _ITEMS

_ARGUMENTS = (
    "struct Args {\n  const u8* mask;\n  i64* counts;\n  i64* positions;\n  i64 size;\n};\n"
)

_COUNT = """
__device__ __forceinline__ i32 held(const u8* mask, i64 first, i64 size) {
  i32 n = 0;
#pragma unroll
  for (int k = 0; k < ITEMS; ++k) n += first + k < size && mask[first + k] != 0;
  return n;
}

__device__ __forceinline__ i64 before_in_block(i64 mine, i64* total) {
  __shared__ i64 sums[32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  i64 upto = mine;
#pragma unroll
  for (int d = 1; d < 32; d *= 2) {
    const i64 other = ga_shuffle_up(upto, d);
    if (lane >= d) upto += other;
  }
  if (lane == 31) sums[warp] = upto;
  __syncthreads();
  i64 below = 0, all = 0;
  for (int w = 0; w < (int)blockDim.x / 32; ++w) {
    if (w < warp) below += sums[w];
    all += sums[w];
  }
  __syncthreads();
  *total = all;
  return below + upto - mine;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_count(const __grid_constant__ Args a) {
  const i64 first = ((i64)blockIdx.x * BLOCK + threadIdx.x) * ITEMS;
  i64 total;
  before_in_block(held(a.mask, first, a.size), &total);
  if (threadIdx.x == 0) a.counts[blockIdx.x] = total;
}

extern "C" __global__ void __launch_bounds__(1024)
gpuarray_offsets(const __grid_constant__ Args a) {
  i64 base = 0;
  for (i64 k = 0; k < a.size; k += blockDim.x) {
    const i64 i = k + threadIdx.x;
    const i64 mine = i < a.size ? a.counts[i] : 0;
    i64 total;
    const i64 before = before_in_block(mine, &total);
    if (i < a.size) a.counts[i] = base + before;
    base += total;
  }
  if (threadIdx.x == 0) a.counts[a.size] = base;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_positions(const __grid_constant__ Args a) {
  const i64 first = ((i64)blockIdx.x * BLOCK + threadIdx.x) * ITEMS;
  i64 total;
  i64 at = before_in_block(held(a.mask, first, a.size), &total) + a.counts[blockIdx.x];
#pragma unroll
  for (int k = 0; k < ITEMS; ++k)
    if (first + k < a.size && a.mask[first + k] != 0) a.positions[at++] = first + k;
}
"""


def source() -> str:
    """The three kernels."""
    text = _ARGUMENTS + _COUNT.replace("BLOCK", str(BLOCK)).replace("ITEMS", str(_ITEMS))
    return source_for(text) + "\n" + text


def nonzero(
    executor: Executor, buffer: CudaBuffer, offset: int, size: int
) -> tuple[CudaBuffer, int]:
    """The positions of the nonzero bytes among `size` from byte `offset` of `buffer` on."""
    if size == 0:
        return executor.allocate(0), 0
    runtime, stream = executor.runtime, executor.stream
    text = source()
    count, offsets, positions = (
        runtime.compile(text, name, "qqqq")
        for name in ("gpuarray_count", "gpuarray_offsets", "gpuarray_positions")
    )
    tiles = -(-size // TILE)
    mask = buffer.read_on(stream) + offset
    counts = executor.allocate(8 * (tiles + 1))
    runtime.launch(count, tiles, BLOCK, 0, stream, (mask, counts.pointer, 0, size))
    runtime.launch(offsets, 1, 1024, 0, stream, (0, counts.pointer, 0, tiles))
    total = np.zeros(1, np.int64)
    runtime.copy_out(total, counts.pointer + 8 * tiles, stream)
    found = executor.allocate(8 * int(total[0]))
    if total[0]:
        values = (mask, counts.pointer, found.pointer, size)
        runtime.launch(positions, tiles, BLOCK, 0, stream, values)
    return found, int(total[0])
