// A stack of unit matrices.

struct Args {
  void* matrices;
  i64 n;
  i64 size;
};

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_matrix_unit(const __grid_constant__ Args a) {
  const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (at >= a.size) return;
  const i64 column = at / a.n, i = at - column * a.n;
  reinterpret_cast<T*>(a.matrices)[at] = cast<T>(i == column % a.n ? 1 : 0);
}
