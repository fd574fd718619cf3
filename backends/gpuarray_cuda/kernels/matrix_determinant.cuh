// Determinants from LU factors, or their signs and logarithms; a warp for each matrix. Products are
// kept as a mantissa near 1 and an exponent, so that none overflows that has a logarithm. Given: T and
// its real type R; W, of the same kind as T and in double precision; the type PIVOT; LOGARITHM.

struct Args {
  const void* factors;
  const void* pivots;
  const i32* info;
  i64 n;
  i64 matrices;
  void* values;
  void* logarithms;
};

template <class E>
__device__ __forceinline__ f64 size_of(E x) {
  if constexpr (ga_is_complex<E>)
    return fabs(x.re) > fabs(x.im) ? fabs(x.re) : fabs(x.im) + 0 * x.re;  // NaN, if a part is
  else
    return fabs(x);
}

template <class E>
__device__ __forceinline__ E scaled(E x, int power) {
  if constexpr (ga_is_complex<E>)
    return {ldexp(x.re, power), ldexp(x.im, power)};
  else
    return ldexp(x, power);
}

template <class E>
__device__ __forceinline__ f64 modulus(E x) {
  if constexpr (ga_is_complex<E>)
    return hypot(x.re, x.im);
  else
    return fabs(x);
}

struct Product {
  W mantissa;
  i64 exponent;

  __device__ __forceinline__ void times(W factor, i64 power) {
    mantissa = mantissa * factor;
    exponent += power;
    const f64 size = size_of(mantissa);
    if (size > 0 && isfinite(size)) {
      const int shift = ilogb(size);
      mantissa = scaled(mantissa, -shift);
      exponent += shift;
    }
  }
};

extern "C" __global__ void __launch_bounds__(BLOCK, 4)
gpuarray_matrix_determinant(const __grid_constant__ Args a) {
  const i64 k = (i64)blockIdx.x * (BLOCK / 32) + threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  if (k >= a.matrices) return;
  const T* const factors = reinterpret_cast<const T*>(a.factors) + k * a.n * a.n;
  const PIVOT* const pivots = reinterpret_cast<const PIVOT*>(a.pivots) + k * a.n;
  Product product = {cast<W>(1), 0};
  i32 exchanges = 0;
  for (i64 i = lane; i < a.n; i += 32) {
    product.times(cast<W>(factors[i * a.n + i]), 0);
    exchanges += pivots[i] != (PIVOT)(i + 1);
  }
#pragma unroll
  for (int lanes = 16; lanes; lanes /= 2) {
    const W mantissa = ga_shuffle_xor(product.mantissa, lanes);
    product.times(mantissa, ga_shuffle_xor(product.exponent, lanes));
    exchanges += ga_shuffle_xor(exchanges, lanes);
  }
  if (lane) return;
  W mantissa = exchanges % 2 ? -product.mantissa : product.mantissa;
  // Not all factors of a singular matrix are defined.
  if (a.info[k] > 0) mantissa = cast<W>(0);
  T* const value = reinterpret_cast<T*>(a.values) + k;
  if constexpr (LOGARITHM) {
    const f64 size = modulus(mantissa);
    const f64 shift = size == 0 ? 0 : (f64)product.exponent * 0.6931471805599453;
    reinterpret_cast<R*>(a.logarithms)[k] = (R)(log(size) + shift);
    *value = cast<T>(ga_sign(mantissa));
  } else {
    const i64 power = product.exponent;
    *value = cast<T>(scaled(mantissa, power > 5000 ? 5000 : power < -5000 ? -5000 : (int)power));
  }
}
