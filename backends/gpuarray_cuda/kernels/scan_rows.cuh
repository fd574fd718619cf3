// A scan of short rows: GROUP lanes of a warp walk along one, PIECES vectors at a time.

struct Args {
  const void* input;
  void* output;
  i64 size;
  i64 rows;
};

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_scan_rows(const __grid_constant__ Args a) {
  using Vector = vec_t<T, WIDTH>;
  const u32 lane = threadIdx.x % GROUP;
  const i64 row = (i64)blockIdx.x * (BLOCK / GROUP) + threadIdx.x / GROUP;
  // Lanes without a row take part in the shuffles, and touch no memory.
  const i64 size = row < a.rows ? a.size : 0;
  const i64 first = row * a.size;
  const T* const source = reinterpret_cast<const T*>(a.input) + first;
  T* const target = reinterpret_cast<T*>(a.output) + first;
  T carry = nothing<T>();
  for (i64 begin = 0; begin < a.size; begin += PIECES * GROUP * WIDTH) {
    Vector held[PIECES];
#pragma unroll
    for (int j = 0; j < PIECES; ++j) {
      const i64 at = begin + (j * GROUP + lane) * WIDTH;
      if (!BEFORE && at + WIDTH <= size) {
        held[j] = *reinterpret_cast<const Vector*>(source + at);
      } else {
#pragma unroll
        for (int c = 0; c < WIDTH; ++c)
          held[j].v[c] = at + c < size ? loaded(a, first + at + c) : nothing<T>();
      }
    }
#pragma unroll
    for (int j = 0; j < PIECES; ++j) {
      const i64 at = begin + (j * GROUP + lane) * WIDTH;
#pragma unroll
      for (int c = 1; c < WIDTH; ++c) held[j].v[c] = combined(held[j].v[c - 1], held[j].v[c]);
      const T upto = upto_in_warp<GROUP>(held[j].v[WIDTH - 1]);
      const T before = ga_shuffle_up(upto, 1);
      const T start = lane == 0 ? carry : combined(carry, before);
      carry = combined(carry, ga_shuffle(upto, threadIdx.x % 32 | (GROUP - 1)));
#pragma unroll
      for (int c = WIDTH - 1; c >= 0; --c) {
        if constexpr (EXCLUSIVE)
          held[j].v[c] = c == 0 ? start : combined(start, held[j].v[c > 0 ? c - 1 : 0]);
        else
          held[j].v[c] = combined(start, held[j].v[c]);
      }
      if (!AFTER && at + WIDTH <= size) {
        *reinterpret_cast<Vector*>(target + at) = held[j];
      } else {
#pragma unroll
        for (int c = 0; c < WIDTH; ++c)
          if (at + c < size) stored(a, first + at + c, held[j].v[c]);
      }
    }
  }
}
