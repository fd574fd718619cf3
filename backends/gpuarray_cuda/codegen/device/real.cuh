// Real floating-point functions that CUDA C has not, or has with other special cases.

// Never contracted into a fused multiply-add: error-free transformations, and products that must
// cancel exactly, need the rounded product.
__device__ __forceinline__ f32 ga_product(f32 a, f32 b) { return __fmul_rn(a, b); }
__device__ __forceinline__ f64 ga_product(f64 a, f64 b) { return __dmul_rn(a, b); }

// NaN if either is NaN, which fmax and fmin of C pass over.
template <class T>
__device__ __forceinline__ T ga_maximum(T a, T b) {
  return a > b || a != a ? a : b;
}

template <class T>
__device__ __forceinline__ T ga_minimum(T a, T b) {
  return a < b || a != a ? a : b;
}

template <class T>
__device__ __forceinline__ T ga_clip(T x, T low, T high) {
  return ga_minimum(ga_maximum(x, low), high);
}

__device__ __forceinline__ f32 ga_sign(f32 x) {
  return x > 0 ? 1.0f : x < 0 ? -1.0f : x == 0 ? 0.0f : x;
}
__device__ __forceinline__ f64 ga_sign(f64 x) {
  return x > 0 ? 1.0 : x < 0 ? -1.0 : x == 0 ? 0.0 : x;
}

// The rounded quotient can be an integer above the exact one; the sign of the exact remainder,
// which a fused multiply-add keeps, tells. Infinities and NaN make that remainder NaN, and the
// quotient stands as it is.
template <class T>
__device__ __forceinline__ T ga_floored_quotient(T a, T b) {
  T quotient = floor(a / b);
  T rest = fma(-quotient, b, a);
  return (b > 0 ? rest < 0 : rest > 0) ? quotient - 1 : quotient;
}
__device__ __forceinline__ f32 ga_floor_divide(f32 a, f32 b) { return ga_floored_quotient(a, b); }
__device__ __forceinline__ f64 ga_floor_divide(f64 a, f64 b) { return ga_floored_quotient(a, b); }

// fmod is exact and has the sign of a; Python's % has that of b, for zero too.
template <class T>
__device__ __forceinline__ T ga_modulo(T a, T b) {
  T rest = fmod(a, b);
  if (rest == 0) return copysign(rest, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}
__device__ __forceinline__ f32 ga_remainder(f32 a, f32 b) { return ga_modulo(a, b); }
__device__ __forceinline__ f64 ga_remainder(f64 a, f64 b) { return ga_modulo(a, b); }

template <class T>
__device__ __forceinline__ T ga_logaddexp(T a, T b) {
  if (a == b) return a + (T)0.6931471805599453;  // equal infinities would give NaN below
  T distance = a - b;
  return (distance > 0 ? a : b) + log1p(exp(-fabs(distance)));
}
