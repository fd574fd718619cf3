// Householder's QR of each matrix of a stack, by a block: R on and above the diagonal, below it the
// reflectors H = 1 - tau v v*, whose first element is 1, as LAPACK has them. Each is made from its
// column divided by a power of two near the largest element. cuBLAS takes the squares as they are,
// and where all of them vanish, as in what is left of a graded matrix, it divides zero by zero.

struct Args {
  void* matrices;
  void* tau;
  i64 m;
  i64 n;
  i64 distance;
};

template <class E>
__device__ __forceinline__ R real_part(E x) {
  if constexpr (ga_is_complex<E>)
    return x.re;
  else
    return x;
}

template <class E>
__device__ __forceinline__ R imaginary_part(E x) {
  if constexpr (ga_is_complex<E>)
    return x.im;
  else
    return (R)0;
}

template <class E>
__device__ __forceinline__ E made_of(R re, R im) {
  if constexpr (ga_is_complex<E>)
    return {re, im};
  else
    return re;
}

__device__ __forceinline__ T shifted(T x, int power) {
  return made_of<T>(scalbn(real_part(x), power), scalbn(imaginary_part(x), power));
}

// The reflector of a column from its diagonal element on, by a warp; its scale, tau.
__device__ __forceinline__ T reflector(T* column, i64 size, int lane) {
  R largest = 0;
  for (i64 r = lane; r < size; r += 32) {
    const R re = fabs(real_part(column[r])), im = fabs(imaginary_part(column[r]));
    if (re > largest) largest = re;
    if (im > largest) largest = im;
  }
#pragma unroll
  for (int lanes = 16; lanes; lanes /= 2) {
    const R other = ga_shuffle_xor(largest, lanes);
    if (other > largest) largest = other;
  }
  const int power = largest > 0 && largest * 0 == 0 ? ilogb(largest) : 0;
  R squares = 0;
  for (i64 r = 1 + lane; r < size; r += 32) {
    const T x = shifted(column[r], -power);
    squares += real_part(x) * real_part(x) + imaginary_part(x) * imaginary_part(x);
  }
#pragma unroll
  for (int lanes = 16; lanes; lanes /= 2) squares += ga_shuffle_xor(squares, lanes);
  const T alpha = shifted(column[0], -power);
  const R re = real_part(alpha), im = imaginary_part(alpha);
  __syncwarp();
  if (squares == 0 && im == 0) return made_of<T>(0, 0);
  const R beta = -copysign(sqrt(re * re + im * im + squares), re);
  // At least as large as beta, so that the quotient is no larger than 1.
  const R difference = re - beta, square = difference * difference + im * im;
  const T inverse = made_of<T>(difference / square, -im / square);
  for (i64 r = 1 + lane; r < size; r += 32) column[r] = inverse * shifted(column[r], -power);
  if (lane == 0) column[0] = made_of<T>(scalbn(beta, power), 0);
  return made_of<T>((beta - re) / beta, -im / beta);
}

extern "C" __global__ void __launch_bounds__(BLOCK, 2)
gpuarray_matrix_reflectors(const __grid_constant__ Args a) {
  __shared__ T of_column;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const i64 k = a.m < a.n ? a.m : a.n;
  T* const matrix = reinterpret_cast<T*>(a.matrices) + (i64)blockIdx.x * a.distance;
  T* const tau = reinterpret_cast<T*>(a.tau) + (i64)blockIdx.x * k;
  for (i64 i = 0; i < k; ++i) {
    T* const v = matrix + i * a.m;
    if (warp == 0) {
      const T made = reflector(v + i, a.m - i, lane);
      if (lane == 0) tau[i] = of_column = made;
    }
    __syncthreads();
    const T scale = conjugate(of_column);
    for (i64 j = i + 1 + warp; j < a.n; j += BLOCK / 32)
      reflect(matrix + j * a.m, v, i, a.m, scale);
    __syncthreads();
  }
}
