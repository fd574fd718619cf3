// The largest absolute value of the real and imaginary parts of each column-major matrix of a stack,
// with `lower` on or below its diagonal: the bits of a float64, which are in the order of the values,
// those of infinity and then of NaN above all others. What was there before counts.

struct Args {
  const void* matrices;
  u64* largest;
  i64 rows;
  i64 columns;
  i64 distance;
  i64 size;
  i64 lower;
};

template <class E>
__device__ __forceinline__ u64 bits_of(E x) {
  if constexpr (ga_is_complex<E>) {
    const u64 re = bits_of(x.re), im = bits_of(x.im);
    return re > im ? re : im;
  } else {
    return (u64)__double_as_longlong(fabs((f64)x));
  }
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_matrix_largest(const __grid_constant__ Args a) {
  const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (at >= a.size) return;
  const i64 column = at / a.rows, i = at - column * a.rows;
  const i64 k = column / a.columns, j = column - k * a.columns;
  if (a.lower && i < j) return;
  const u64 bits =
      bits_of(reinterpret_cast<const T*>(a.matrices)[k * a.distance + j * a.rows + i]);
  // Most elements are smaller than one that came before, and have nothing to write.
  if (bits > *const_cast<const volatile u64*>(&a.largest[k])) atomicMax(&a.largest[k], bits);
}
