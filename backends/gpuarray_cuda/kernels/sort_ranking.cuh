// Ranking: where the elements of a block go when they are ordered by one digit, equal digits in the
// order of warp, item and lane. Given: BLOCK, ITEMS. Each warp has a row of BINS counters.

constexpr int BINS = 256;
constexpr int WARPS = BLOCK / 32;
constexpr int TILE = BLOCK * ITEMS;

// The sum over the threads before this one. `sums` holds a word for each warp.
__device__ __forceinline__ u32 before_in_block(u32 mine, u32* sums) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  u32 upto = mine;
#pragma unroll
  for (int d = 1; d < 32; d *= 2) {
    const u32 other = __shfl_up_sync(0xffffffffu, upto, d);
    if (lane >= d) upto += other;
  }
  if (lane == 31) sums[warp] = upto;
  __syncthreads();
  u32 below = 0;
#pragma unroll
  for (int w = 0; w < WARPS - 1; ++w)
    if (w < warp) below += sums[w];
  return below + upto - mine;
}

// `x`, of which the compiler knows nothing. It would test a bit that it knows once for the vote and
// once for what follows, 7 instructions instead of 3 (NVRTC 13.5, sm_90).
__device__ __forceinline__ u32 hidden(u32 x) {
  asm volatile("" : "+r"(x));
  return x;
}

// The lanes of the warp that have this lane's digit, by a vote on each bit.
__device__ __forceinline__ u32 lanes_with(u32 digit) {
  u32 same = 0xffffffffu;
#pragma unroll
  for (int bit = 0; bit < 8; ++bit) {
    const bool set = hidden(digit & (1u << bit)) != 0;
    const u32 with = __ballot_sync(0xffffffffu, set);
    same &= with ^ (set ? 0u : 0xffffffffu);
  }
  return same;
}

// The place of this lane's element; `counts` say where the next one of each digit goes, and move on.
__device__ __forceinline__ u32 place_of(u32 digit, u32* counts) {
  const u32 lane = threadIdx.x % 32, same = lanes_with(digit);
  const u32 place = counts[digit] + __popc(same & ((1u << lane) - 1u));
  __syncwarp();
  if ((same & (0xfffffffeu << lane)) == 0) counts[digit] = place + 1;
  __syncwarp();
  return place;
}
