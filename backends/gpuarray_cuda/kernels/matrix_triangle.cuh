// Zeros strictly above the diagonal of each column-major matrix of a stack, or strictly below it.

struct Args {
  void* matrices;
  i64 rows;
  i64 columns;
  i64 distance;
  i64 size;
  i64 upper;
};

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_matrix_triangle(const __grid_constant__ Args a) {
  const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (at >= a.size) return;
  const i64 column = at / a.rows, i = at - column * a.rows;
  const i64 k = column / a.columns, j = column - k * a.columns;
  if (a.upper ? i < j : i > j)
    reinterpret_cast<T*>(a.matrices)[k * a.distance + j * a.rows + i] = T{};
}
