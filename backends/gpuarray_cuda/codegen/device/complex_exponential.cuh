// Complex exponentials, logarithms, roots and powers: principal values, C99's branch cuts, and the
// standard's special cases. b - b is NaN for a part b that is infinite or NaN.

// A number as the sum of a rounded part and its error, or of two such.
template <class T>
struct ga_pair {
  T high, low;
};

template <class T>
__device__ __forceinline__ ga_pair<T> ga_exact_sum(T a, T b) {  // Knuth
  T sum = a + b;
  T part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

template <class T>
__device__ __forceinline__ ga_pair<T> ga_exact_square(T a) {
  T square = ga_product(a, a);
  return {square, fma(a, a, -square)};
}

// e**a * c without the overflow of e**a: for a above the largest, in two steps.
template <class T>
__device__ __forceinline__ T ga_exp_times(T a, T c) {
  if (a > (sizeof(T) == 4 ? (T)88 : (T)709)) {
    T root = exp(a * (T)0.5);
    return (c * root) * root;
  }
  return exp(a) * c;
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_exp(complex_t<T> z) {
  if (z.im == 0) return {exp(z.re), z.im};
  if (!isfinite(z.im) && isinf(z.re)) {
    if (z.re < 0) return {0, 0};
    return {z.re, z.im - z.im};
  }
  T sine, cosine;
  sincos(z.im, &sine, &cosine);
  return {ga_exp_times(z.re, cosine), ga_exp_times(z.re, sine)};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_expm1(complex_t<T> z) {
  if (!ga_isfinite(z) || z.re > 50) {  // the 1 is below rounding; exp has the special cases
    complex_t<T> power = ga_exp(z);
    return {power.re - 1, power.im};
  }
  T sine, cosine;
  sincos(z.im, &sine, &cosine);
  T half = sin(z.im * (T)0.5);
  // (e**a - 1) cos b + (cos b - 1); + 0 because the standard has 0 + 0j for -0 + 0j.
  return {expm1(z.re) * cosine - 2 * half * half + 0, exp(z.re) * sine};
}

// log |z| = log1p(high) / 2 + low. Near the circle |z| = 1 the excess |z|**2 - 1 is computed in
// twice the precision, for rounding |z| would leave no correct digit; elsewhere a power of 2 brings z
// there first. So all lanes of a warp take the same logarithm: 476 us for 2**25 complex128, where a
// branch of its own for |z| near 1 took 702 (H100, NVRTC 13.0, 2026-11; a copy takes 378).
template <class T>
__device__ __forceinline__ ga_pair<T> ga_log_terms(complex_t<T> z) {
  T large = fabs(z.re), small = fabs(z.im), shift = 0;
  if (large < small) {
    T swap = large;
    large = small;
    small = swap;
  }
  if (isinf(large) || isinf(small)) return {isinf(large) ? large : small, 0};
  if (!(large > 0) || isnan(small)) return {large + small - 1, 0};
  if (!(large > (T)0.5 && large < 2)) {
    int exponent = ilogb(large);
    large = ldexp(large, -exponent);
    small = ldexp(small, -exponent);
    shift = (T)0.6931471805599453 * exponent;
  }
  ga_pair<T> a = ga_exact_square(large), b = ga_exact_square(small);
  ga_pair<T> sum = ga_exact_sum(a.high, (T)-1);
  ga_pair<T> total = ga_exact_sum(sum.high, b.high);
  return {total.high + (total.low + sum.low + a.low + b.low), shift};
}

template <class T>
__device__ __forceinline__ T ga_log_modulus(complex_t<T> z) {
  ga_pair<T> terms = ga_log_terms(z);
  return (T)0.5 * log1p(terms.high) + terms.low;
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_log(complex_t<T> z) {
  return {ga_log_modulus(z), atan2(z.im, z.re)};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_log2(complex_t<T> z) {
  complex_t<T> w = ga_log(z);
  return {w.re * (T)1.4426950408889634, w.im * (T)1.4426950408889634};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_log10(complex_t<T> z) {
  complex_t<T> w = ga_log(z);
  return {w.re * (T)0.4342944819032518, w.im * (T)0.4342944819032518};
}

// As ga_log, with the excess |1 + z|**2 - 1 = 2a + a**2 + b**2. Where it is below -1/2, the sum
// 1 + a is exact; beyond |z| = 4 the logarithm is above 1, and its rounding does no harm.
template <class T>
__device__ __forceinline__ complex_t<T> ga_log1p(complex_t<T> z) {
  complex_t<T> shifted = {1 + z.re, z.im};
  ga_pair<T> a = ga_exact_square(z.re), b = ga_exact_square(z.im);
  ga_pair<T> sum = ga_exact_sum(2 * z.re, b.high);
  ga_pair<T> total = ga_exact_sum(sum.high, a.high);
  ga_pair<T> terms = {total.high + (total.low + sum.low + a.low + b.low), 0};
  if (!(fabs(z.re) < 4 && fabs(z.im) < 4 && terms.high > (T)-0.5)) terms = ga_log_terms(shifted);
  return {(T)0.5 * log1p(terms.high) + terms.low, atan2(z.im, shifted.re)};
}

// Kahan (1987): only the root of the larger part is taken, and the smaller part follows by
// division. Powers of 4 bring z where |re| + |z| neither overflows nor loses bits.
template <class T>
__device__ __forceinline__ complex_t<T> ga_sqrt(complex_t<T> z) {
  if (z.re == 0 && z.im == 0) return {0, z.im};
  if (isinf(z.im)) return {fabs(z.im), z.im};
  if (isinf(z.re)) {
    if (z.re > 0) return {z.re, isnan(z.im) ? z.im : copysign((T)0, z.im)};
    return {fabs(z.im - z.im), copysign(z.re, z.im)};
  }
  T re = fabs(z.re), im = fabs(z.im), unscale = 1;
  T largest = re > im ? re : im;
  if (largest > (sizeof(T) == 4 ? (T)1e38 : (T)5e307)) {
    re *= (T)0.25;
    im *= (T)0.25;
    unscale = 2;
  } else if (largest < (sizeof(T) == 4 ? (T)1e-30 : (T)1e-290)) {
    re *= (T)18014398509481984;  // 2**54
    im *= (T)18014398509481984;
    unscale = (T)7.450580596923828e-09;  // 2**-27
  }
  T root = sqrt((T)0.5 * (re + hypot(re, im)));
  T other = unscale * (im / (2 * root));
  root *= unscale;
  if (z.re >= 0) return {root, copysign(other, z.im)};
  return {other, copysign(root, z.im)};
}

// exp(w log z), in double precision for single, since exp multiplies the error of its
// argument; small integer powers by squaring, which is exact where the power is.
template <class T>
__device__ __forceinline__ complex_t<T> ga_pow(complex_t<T> z, complex_t<T> w) {
  if (w.re == 0 && w.im == 0) return {1, 0};
  if (z.re == 0 && z.im == 0) {
    if (w.re > 0 && w.im == 0) return {0, 0};
    return {z.re / z.re, z.re / z.re};
  }
  if (w.im == 0 && fabs(w.re) < 100 && w.re == trunc(w.re)) {
    int exponent = (int)fabs(w.re);
    complex_t<T> power = {1, 0}, square = z;
    for (;;) {
      if (exponent & 1) power = power * square;
      exponent >>= 1;
      if (exponent == 0) break;
      square = square * square;
    }
    return w.re < 0 ? ga_divide(complex_t<T>{1, 0}, power) : power;
  }
  return cast<complex_t<T>>(ga_exp(cast<c128>(w) * ga_log(cast<c128>(z))));
}
