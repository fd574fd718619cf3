// A transposing copy: the source is contiguous along x, or nearly, the destination along y. Tiles pass
// through shared memory, so that both are read and written in whole lines. Given: AXES beside x and y,
// TILE, CONJUGATE, and LOWER: whether only elements with y >= x are copied, and others set to zero.

struct Args {
  const void* source;
  void* destination;
  i64 width;
  i64 height;
  i64 from_x;
  i64 from_y;
  i64 to_x;
  i64 to_y;
  i64 across;
  i64 down;
  i64 extents[8];
  i64 from[8];
  i64 to[8];
};

template <class E>
__device__ __forceinline__ E moved(E x) {
  if constexpr (CONJUGATE && ga_is_complex<E>)
    return {x.re, -x.im};
  else
    return x;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_copy_tiles(const __grid_constant__ Args a) {
  __shared__ T tile[TILE][TILE + 1];
  i64 rest = blockIdx.x;
  const i64 x0 = rest % a.across * TILE;
  rest /= a.across;
  const i64 y0 = rest % a.down * TILE;
  rest /= a.down;
  const T* source = reinterpret_cast<const T*>(a.source);
  T* destination = reinterpret_cast<T*>(a.destination);
#pragma unroll
  for (int d = AXES - 1; d >= 0; --d) {
    const i64 index = rest % a.extents[d];
    rest /= a.extents[d];
    source += index * a.from[d];
    destination += index * a.to[d];
  }
  const int lane = threadIdx.x % TILE, line = threadIdx.x / TILE;
#pragma unroll
  for (int k = line; k < TILE; k += BLOCK / TILE) {
    const i64 x = x0 + lane, y = y0 + k;
    if (LOWER && x > y)
      tile[k][lane] = T{};
    else if (x < a.width && y < a.height)
      tile[k][lane] = moved(source[x * a.from_x + y * a.from_y]);
  }
  __syncthreads();
#pragma unroll
  for (int k = line; k < TILE; k += BLOCK / TILE) {
    const i64 x = x0 + k, y = y0 + lane;
    if (x < a.width && y < a.height) destination[x * a.to_x + y * a.to_y] = tile[lane][k];
  }
}
