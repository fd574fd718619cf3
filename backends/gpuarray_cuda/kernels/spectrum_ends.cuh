// Real numbers where the spectrum of real ones has them: at the beginning of each line, and, where
// those have an even number of elements, at its end. Elements of a line are `inner` apart, and so many
// lines begin side by side.

struct Args {
  void* spectrum;
  i64 lines;
  i64 inner;
  i64 extent;
  i64 even;
};

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_spectrum_ends(const __grid_constant__ Args a) {
  const i64 line = (i64)blockIdx.x * BLOCK + threadIdx.x;
  if (line >= a.lines) return;
  const i64 outer = line / a.inner;
  T* const x = reinterpret_cast<T*>(a.spectrum) + outer * a.inner * a.extent + line % a.inner;
  x[0].im = 0;
  if (a.even) x[(a.extent - 1) * a.inner].im = 0;
}
