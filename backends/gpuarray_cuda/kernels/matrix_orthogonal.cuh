// The first n columns of Q = H(1) ... H(k), in place of its reflectors, which are those of LAPACK; a
// block for each matrix. The last reflector comes first, and a warp applies it to one column after the
// other.

struct Args {
  void* matrices;
  const void* tau;
  i64 m;
  i64 n;
  i64 k;
};

extern "C" __global__ void __launch_bounds__(BLOCK, 2)
gpuarray_matrix_orthogonal(const __grid_constant__ Args a) {
  const int warp = threadIdx.x / 32;
  T* const q = reinterpret_cast<T*>(a.matrices) + (i64)blockIdx.x * a.m * a.n;
  const T* const tau = reinterpret_cast<const T*>(a.tau) + (i64)blockIdx.x * a.k;
  const T zero = cast<T>(0), one = cast<T>(1);
  for (i64 at = threadIdx.x; at < a.m * (a.n - a.k); at += BLOCK)
    q[a.k * a.m + at] = at % a.m == a.k + at / a.m ? one : zero;
  __syncthreads();
  for (i64 i = a.k - 1; i >= 0; --i) {
    T* const v = q + i * a.m;
    const T scale = tau[i];
    for (i64 j = i + 1 + warp; j < a.n; j += BLOCK / 32) reflect(q + j * a.m, v, i, a.m, scale);
    __syncthreads();
    for (i64 r = threadIdx.x; r < a.m; r += BLOCK)
      v[r] = r < i ? zero : r == i ? one - scale : -(scale * v[r]);
    __syncthreads();
  }
}
