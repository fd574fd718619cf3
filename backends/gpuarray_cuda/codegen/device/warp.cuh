// Values of any element type from another lane of the warp; all 32 lanes must take part. CUDA itself
// moves 4 and 8 bytes: smaller integers go widened, complex numbers part by part.

template <class T>
__device__ __forceinline__ T ga_shuffle(T v, int lane) {
  if constexpr (ga_is_complex<T>)
    return {ga_shuffle(v.re, lane), ga_shuffle(v.im, lane)};
  else if constexpr (sizeof(T) < 4)
    return (T)__shfl_sync(0xffffffffu, (u32)v, lane);
  else
    return __shfl_sync(0xffffffffu, v, lane);
}

template <class T>
__device__ __forceinline__ T ga_shuffle_up(T v, u32 delta) {
  if constexpr (ga_is_complex<T>)
    return {ga_shuffle_up(v.re, delta), ga_shuffle_up(v.im, delta)};
  else if constexpr (sizeof(T) < 4)
    return (T)__shfl_up_sync(0xffffffffu, (u32)v, delta);
  else
    return __shfl_up_sync(0xffffffffu, v, delta);
}

template <class T>
__device__ __forceinline__ T ga_shuffle_down(T v, u32 delta) {
  if constexpr (ga_is_complex<T>)
    return {ga_shuffle_down(v.re, delta), ga_shuffle_down(v.im, delta)};
  else if constexpr (sizeof(T) < 4)
    return (T)__shfl_down_sync(0xffffffffu, (u32)v, delta);
  else
    return __shfl_down_sync(0xffffffffu, v, delta);
}

template <class T>
__device__ __forceinline__ T ga_shuffle_xor(T v, int lanes) {
  if constexpr (ga_is_complex<T>)
    return {ga_shuffle_xor(v.re, lanes), ga_shuffle_xor(v.im, lanes)};
  else if constexpr (sizeof(T) < 4)
    return (T)__shfl_xor_sync(0xffffffffu, (u32)v, lanes);
  else
    return __shfl_xor_sync(0xffffffffu, v, lanes);
}
