// How many elements each row has of each byte of their keys, all bytes in one reading.

struct Args {
  const void* input;
  void* counts;
  i64 size;
  i64 parts;
  i64 part;
};

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_sort_histogram(const __grid_constant__ Args a) {
  __shared__ u32 counts[PASSES * BINS];
  for (int k = threadIdx.x; k < PASSES * BINS; k += BLOCK) counts[k] = 0;
  __syncthreads();
  const i64 row = blockIdx.x / a.parts, begin = blockIdx.x % a.parts * a.part;
  const i64 end = a.size - begin < a.part ? a.size : begin + a.part;
  const KEY* const source = reinterpret_cast<const KEY*>(a.input) + row * a.size;
  i64 i = begin + threadIdx.x;
  for (; i + (ITEMS - 1) * BLOCK < end; i += ITEMS * BLOCK) {
    KEY held[ITEMS];
#pragma unroll
    for (int k = 0; k < ITEMS; ++k) held[k] = source[i + k * BLOCK];
#pragma unroll
    for (int k = 0; k < ITEMS; ++k) {
      const KEY key = key_of(held[k]);
#pragma unroll
      for (int pass = 0; pass < PASSES; ++pass)
        atomicAdd(&counts[pass * BINS + digit_of(key, pass)], 1u);
    }
  }
  for (; i < end; i += BLOCK) {
    const KEY key = key_of(source[i]);
#pragma unroll
    for (int pass = 0; pass < PASSES; ++pass)
      atomicAdd(&counts[pass * BINS + digit_of(key, pass)], 1u);
  }
  __syncthreads();
  COUNT* const sums = reinterpret_cast<COUNT*>(a.counts) + row * (PASSES * BINS);
  for (int k = threadIdx.x; k < PASSES * BINS; k += BLOCK)
    if (counts[k] != 0) atomicAdd(&sums[k], (COUNT)counts[k]);
}
