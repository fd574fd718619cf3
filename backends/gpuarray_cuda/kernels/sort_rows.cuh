// Rows that fit into shared memory: a block sorts one, digit by digit, and reads and writes it once.

struct Args {
  const void* input;
  void* output;
  i64 size;
};

constexpr int DIGITS = BINS > BLOCK ? BINS / BLOCK : 1;  // of a thread
static_assert(BLOCK >= BINS || BINS % BLOCK == 0, "each digit has one thread");

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_sort_rows(const __grid_constant__ Args a) {
  extern __shared__ u64 memory[];
  __shared__ u32 sums[WARPS];
  u32* const counts = reinterpret_cast<u32*>(memory);
  KEY* const keys = reinterpret_cast<KEY*>(counts + WARPS * BINS);
  u16* const positions = reinterpret_cast<u16*>(keys + TILE);

  const u32 t = threadIdx.x, size = (u32)a.size, first = t / 32 * (32 * ITEMS) + t % 32;
  u32* const counts_of_warp = counts + t / 32 * BINS;
  const KEY* const source = reinterpret_cast<const KEY*>(a.input) + (i64)blockIdx.x * a.size + first;
  // What pads the row has the highest digits and comes last, and so it stays there.
  KEY held[ITEMS];
  u16 came[ITEMS];
#pragma unroll
  for (int i = 0; i < ITEMS; ++i) {
    held[i] = first + 32 * i < size ? key_of(source[32 * i]) : (KEY)~(KEY)0;
    came[i] = (u16)(first + 32 * i);
  }
#pragma unroll 1
  for (u32 pass = 0; pass < PASSES; ++pass) {
#pragma unroll
    for (int k = 0; k < BINS / 32; ++k) counts_of_warp[t % 32 + 32 * k] = 0;
    __syncwarp();
#pragma unroll
    for (int i = 0; i < ITEMS; ++i) atomicAdd(&counts_of_warp[digit_of(held[i], pass)], 1u);
    __syncthreads();
    u32 earlier[DIGITS][WARPS], starts[DIGITS], total = 0;
    bool same = false;
    if (t < BINS) {
#pragma unroll
      for (int d = 0; d < DIGITS; ++d) {
        u32 mine = 0;
#pragma unroll
        for (int w = 0; w < WARPS; ++w) {
          earlier[d][w] = mine;
          mine += counts[w * BINS + t * DIGITS + d];
        }
        starts[d] = total;
        total += mine;
        // All elements have one digit; the padding has the last one.
        same |= mine == TILE || (mine == size && t * DIGITS + d != BINS - 1);
      }
    }
    const u32 start = before_in_block(total, sums);
    if (__syncthreads_or(same)) continue;
    if (t < BINS) {
#pragma unroll
      for (int d = 0; d < DIGITS; ++d) {
#pragma unroll
        for (int w = 0; w < WARPS; ++w)
          counts[w * BINS + t * DIGITS + d] = start + starts[d] + earlier[d][w];
      }
    }
    __syncthreads();
    const u32 same_pass = hidden(pass);
#pragma unroll
    for (int i = 0; i < ITEMS; ++i) {
      const u32 place = place_of(digit_of(held[i], same_pass), counts_of_warp);
      keys[place] = held[i];
      if constexpr (POSITIONS) positions[place] = came[i];
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < ITEMS; ++i) {
      held[i] = keys[first + 32 * i];
      if constexpr (POSITIONS) came[i] = positions[first + 32 * i];
    }
  }
#pragma unroll
  for (int i = 0; i < ITEMS; ++i) {
    if (first + 32 * i >= size) continue;
    const i64 at = (i64)blockIdx.x * a.size + first + 32 * i;
    if constexpr (POSITIONS)
      reinterpret_cast<i64*>(a.output)[at] = came[i];
    else
      reinterpret_cast<KEY*>(a.output)[at] = element_of(held[i]);
  }
}
