// What each pass over a row does: a block for each row. Counts of digits become the places where the
// digits begin. A pass whose digit all elements share is left out; the others go from the input to a
// and b by turns, so that the last one ends in a.

struct Args {
  void* counts;
  u32* plans;
  i64 size;
};

extern "C" __global__ void __launch_bounds__(BINS)
gpuarray_sort_plan(const __grid_constant__ Args a) {
  __shared__ COUNT sums[PASSES][BINS / 32];
  __shared__ u32 left_out;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  COUNT* const counts =
      reinterpret_cast<COUNT*>(a.counts) + (i64)blockIdx.x * (PASSES * BINS) + threadIdx.x;
  if (threadIdx.x == 0) left_out = 0;
  __syncthreads();
  COUNT before[PASSES];
#pragma unroll
  for (int pass = 0; pass < PASSES; ++pass) before[pass] = counts[pass * BINS];
#pragma unroll
  for (int pass = 0; pass < PASSES; ++pass) {
    const COUNT mine = before[pass];
    if (mine == (COUNT)a.size) atomicOr(&left_out, 1u << pass);
    COUNT upto = mine;
#pragma unroll
    for (int d = 1; d < 32; d *= 2) {
      const COUNT other = ga_shuffle_up(upto, d);
      if (lane >= d) upto += other;
    }
    if (lane == 31) sums[pass][warp] = upto;
    before[pass] = upto - mine;
  }
  __syncthreads();
#pragma unroll
  for (int pass = 0; pass < PASSES; ++pass) {
    for (int w = 0; w < warp; ++w) before[pass] += sums[pass][w];
    counts[pass * BINS] = before[pass];
  }
  if (threadIdx.x != 0) return;
  u32 active = ~left_out & ((1u << PASSES) - 1u);
  // Equal elements have to be moved to the result, too.
  if (active == 0) active = 1;
  u32* const plans = a.plans + (i64)blockIdx.x * PASSES;
  u32 later = __popc(active), role = FIRST;
  for (int pass = 0; pass < PASSES; ++pass) {
    if (!(active >> pass & 1)) {
      plans[pass] = 0;
      continue;
    }
    --later;
    plans[pass] = ACTIVE | role | (later == 0 ? LAST : 0) | (later % 2 ? TO_B : 0);
    role = 0;
  }
}
