// Where the results of a scan go, if nothing is made of them.

__device__ __forceinline__ void stored(const Args& a, i64 at, T value) {
  reinterpret_cast<T*>(a.output)[at] = value;
}
