// What a scan reads, where it is in memory.

__device__ __forceinline__ T loaded(const Args& a, i64 at) {
  return reinterpret_cast<const T*>(a.input)[at];
}
