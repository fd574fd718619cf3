// Divides each column-major matrix of a stack by a power of two near its largest element, if that is
// not within 2**-SAFE and 2**SAFE; with `restore`, multiplies by it.

struct Args {
  void* matrices;
  const u64* largest;
  i64 rows;
  i64 columns;
  i64 distance;
  i64 size;
  i64 restore;
};

template <class E>
__device__ __forceinline__ E shifted(E x, i32 shift) {
  if constexpr (ga_is_complex<E>)
    return {scalbn(x.re, shift), scalbn(x.im, shift)};
  else
    return scalbn(x, shift);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_matrix_scale(const __grid_constant__ Args a) {
  const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (at >= a.size) return;
  const i64 column = at / a.rows, i = at - column * a.rows;
  const i64 k = column / a.columns, j = column - k * a.columns;
  const u64 bits = a.largest[k];
  // Subnormal numbers count as the smallest normal one.
  const i32 exponent = (i32)(bits >> 52) - 1023;
  if (bits == 0 || exponent == 1024 || (exponent >= -SAFE && exponent <= SAFE)) return;
  const i32 shift = a.restore ? exponent : -exponent;
  T& x = reinterpret_cast<T*>(a.matrices)[k * a.distance + j * a.rows + i];
  x = shifted(x, shift);
}
