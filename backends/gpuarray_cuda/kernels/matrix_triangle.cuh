// Zeros strictly above the diagonal of each column-major matrix of a stack, or strictly below it. With
// LONG, a block has a part of one column, and divides once; without, its elements are of many.

struct Args {
  void* matrices;
  i64 rows;
  i64 columns;
  i64 distance;
  i64 size;
  i64 upper;
};

__device__ __forceinline__ void clear(const Args& a, i64 column, i64 i) {
  const i64 k = column / a.columns, j = column - k * a.columns;
  if (a.upper ? i < j : i > j)
    reinterpret_cast<T*>(a.matrices)[k * a.distance + j * a.rows + i] = T{};
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_matrix_triangle(const __grid_constant__ Args a) {
  if constexpr (LONG) {
    const u32 parts = (u32)((a.rows + BLOCK * ITEMS - 1) / (BLOCK * ITEMS));
    const u32 column = blockIdx.x / parts, part = blockIdx.x % parts;
#pragma unroll
    for (int item = 0; item < ITEMS; ++item) {
      const i64 i = ((i64)part * ITEMS + item) * BLOCK + threadIdx.x;
      if (i < a.rows) clear(a, column, i);
    }
  } else {
    const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
    if (at < a.size) clear(a, at / a.rows, at % a.rows);
  }
}
