// 1 for each column-major matrix of a stack that has an infinity or NaN, with `lower` on or below its
// diagonal; for the others, what was there.

struct Args {
  const void* matrices;
  i32* info;
  i64 rows;
  i64 columns;
  i64 size;
  i64 lower;
};

template <class E>
__device__ __forceinline__ bool is_finite(E x) {
  if constexpr (ga_is_complex<E>)
    return isfinite(x.re) && isfinite(x.im);
  else
    return isfinite(x);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_matrix_finite(const __grid_constant__ Args a) {
  const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (at >= a.size) return;
  if (is_finite(reinterpret_cast<const T*>(a.matrices)[at])) return;
  const i64 column = at / a.rows, i = at - column * a.rows;
  // Several threads may write, all of them the same.
  if (!a.lower || i >= column % a.columns) a.info[column / a.columns] = 1;
}
