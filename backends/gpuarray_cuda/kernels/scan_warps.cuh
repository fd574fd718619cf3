// How the lanes of a warp put together what a scan combines.

// Everything up to this lane, within groups of LANES lanes.
template <int LANES, class E>
__device__ __forceinline__ E upto_in_warp(E x) {
  const int lane = threadIdx.x % LANES;
#pragma unroll
  for (int d = 1; d < LANES; d *= 2) {
    const E other = ga_shuffle_up(x, d);
    if (lane >= d) x = combined(other, x);
  }
  return x;
}
