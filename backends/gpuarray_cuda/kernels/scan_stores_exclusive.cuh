// What an exclusive scan writes: what is before an element, in the place of the element.

__device__ __forceinline__ void stored(const Args& a, i64 at, T value) {
  const i64 place = at % a.size;
  T* const y = reinterpret_cast<T*>(a.output) + at;
  if (place + 1 < a.size) y[1] = value;
  if (place == 0) y[0] = nothing<T>();
}
