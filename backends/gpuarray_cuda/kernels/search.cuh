// For each value, how many of the ascending elements are below it; with RIGHT, equal ones count too.

struct Args {
  const void* elements;
  const void* values;
  i64* results;
  i64 size;
  i64 count;
};

// NaN is above all numbers, and equal to itself.
__device__ __forceinline__ bool is_below(T x, T y) { return x < y || (y != y && x == x); }

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_search(const __grid_constant__ Args a) {
  const i64 k = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (k >= a.count) return;
  const T* const elements = reinterpret_cast<const T*>(a.elements);
  const T value = reinterpret_cast<const T*>(a.values)[k];
  i64 low = 0, high = a.size;
  while (low < high) {
    const i64 middle = (low + high) / 2;
    const T element = elements[middle];
    if (RIGHT ? !is_below(value, element) : is_below(element, value))
      low = middle + 1;
    else
      high = middle;
  }
  a.results[k] = low;
}
