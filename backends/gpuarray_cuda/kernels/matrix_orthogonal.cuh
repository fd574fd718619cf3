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

template <class E>
__device__ __forceinline__ E conjugate(E x) {
  if constexpr (ga_is_complex<E>)
    return {x.re, -x.im};
  else
    return x;
}

extern "C" __global__ void __launch_bounds__(BLOCK, 2)
gpuarray_matrix_orthogonal(const __grid_constant__ Args a) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  T* const q = reinterpret_cast<T*>(a.matrices) + (i64)blockIdx.x * a.m * a.n;
  const T* const tau = reinterpret_cast<const T*>(a.tau) + (i64)blockIdx.x * a.k;
  const T zero = cast<T>(0), one = cast<T>(1);
  for (i64 at = threadIdx.x; at < a.m * (a.n - a.k); at += BLOCK)
    q[a.k * a.m + at] = at % a.m == a.k + at / a.m ? one : zero;
  __syncthreads();
  for (i64 i = a.k - 1; i >= 0; --i) {
    T* const v = q + i * a.m;
    const T scale = tau[i];
    for (i64 j = i + 1 + warp; j < a.n; j += BLOCK / 32) {
      T* const column = q + j * a.m;
      T sum = zero;
      for (i64 r = i + 1 + lane; r < a.m; r += 32) sum = sum + conjugate(v[r]) * column[r];
#pragma unroll
      for (int lanes = 16; lanes; lanes /= 2) sum = sum + ga_shuffle_xor(sum, lanes);
      sum = scale * (sum + column[i]);
      __syncwarp();
      for (i64 r = i + 1 + lane; r < a.m; r += 32) column[r] = column[r] - sum * v[r];
      if (lane == 0) column[i] = column[i] - sum;
    }
    __syncthreads();
    for (i64 r = threadIdx.x; r < a.m; r += BLOCK)
      v[r] = r < i ? zero : r == i ? one - scale : -(scale * v[r]);
    __syncthreads();
  }
}
