// Complex eigenvectors from the real columns that LAPACK packs them into: for a pair of conjugate
// eigenvalues, the real part of the first one's vector and then the imaginary part.

struct Args {
  const void* packed;
  const void* values;
  void* vectors;
  i64 n;
  i64 size;
};

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_matrix_eigenvectors(const __grid_constant__ Args a) {
  const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (at >= a.size) return;
  const T sign = reinterpret_cast<const complex_t<T>*>(a.values)[at / a.n].im;
  const T* const v = reinterpret_cast<const T*>(a.packed) + at;
  complex_t<T> found = {v[0], 0};
  if (sign > 0) found.im = v[a.n];
  if (sign < 0) found = {v[-a.n], -v[0]};
  reinterpret_cast<complex_t<T>*>(a.vectors)[at] = found;
}
