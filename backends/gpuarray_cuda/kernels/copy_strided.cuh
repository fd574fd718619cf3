// A copy between any strides, a thread for each element, in the order of the destination. Given: AXES,
// INDEX (u32 where all elements can be counted in it), and CONJUGATE.

struct Args {
  const void* source;
  void* destination;
  i64 size;
  i64 extents[8];
  i64 from[8];
  i64 to[8];
};

template <class E>
__device__ __forceinline__ E moved(E x) {
  if constexpr (CONJUGATE && ga_is_complex<E>)
    return {x.re, -x.im};
  else
    return x;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_copy_strided(const __grid_constant__ Args a) {
  const i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (at >= a.size) return;
  INDEX rest = (INDEX)at;
  i64 from = 0, to = 0;
#pragma unroll
  for (int d = AXES - 1; d >= 0; --d) {
    const INDEX next = d ? rest / (INDEX)a.extents[d] : 0;
    const i64 index = (i64)(rest - next * (INDEX)a.extents[d]);
    rest = next;
    from += index * a.from[d];
    to += index * a.to[d];
  }
  reinterpret_cast<T*>(a.destination)[to] = moved(reinterpret_cast<const T*>(a.source)[from]);
}
