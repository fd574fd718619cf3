// Householder reflections, 1 - scale v v*, as LAPACK has them: v is zero above row i, and 1 in it.

template <class E>
__device__ __forceinline__ E conjugate(E x) {
  if constexpr (ga_is_complex<E>)
    return {x.re, -x.im};
  else
    return x;
}

// Reflects a column of m elements, by a warp. What stands in v in row i and above is not read.
__device__ __forceinline__ void reflect(T* column, const T* v, i64 i, i64 m, T scale) {
  const int lane = threadIdx.x % 32;
  T sum = cast<T>(0);
  for (i64 r = i + 1 + lane; r < m; r += 32) sum = sum + conjugate(v[r]) * column[r];
#pragma unroll
  for (int lanes = 16; lanes; lanes /= 2) sum = sum + ga_shuffle_xor(sum, lanes);
  sum = scale * (sum + column[i]);
  __syncwarp();
  for (i64 r = i + 1 + lane; r < m; r += 32) column[r] = column[r] - sum * v[r];
  if (lane == 0) column[i] = column[i] - sum;
}
