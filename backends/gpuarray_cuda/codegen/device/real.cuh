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

// log of x = 2**e m, m from 2/3 to 4/3, with a polynomial for log(m) that is good to 0.94 units in the
// last place (all significands tried). CUDA's own tests each time for what is not a normal number,
// which is a fifth of its instructions; here `power`, 2**23 e, tells: see below.
struct ga_log_parts {
  f32 value, power;
};

__device__ __forceinline__ ga_log_parts ga_log_of_normal(f32 x) {
  const i32 bits = __float_as_int(x);
  const i32 exponent = (bits - 0x3f2aaaab) & 0xff800000;
  const f32 power = (f32)exponent;
  const f32 f = __int_as_float(bits - exponent) - 1.0f;
  f32 r = -0.12880054f;
  r = fma(r, f, 0.13984594f);
  r = fma(r, f, -0.12187478f);
  r = fma(r, f, 0.14005734f);
  r = fma(r, f, -0.16680196f);
  r = fma(r, f, 0.20010427f);
  r = fma(r, f, -0.24999806f);
  r = fma(r, f, 0.33333215f);
  r = fma(r, f, -0.5f);
  r = fma(r, f * f, f);
  return {fma(power * 1.1920929e-07f, 0.69314718f, r), power};
}

// e from -125 to 125: neither zero, a subnormal, negative, infinite nor NaN, all of which have others.
__device__ __forceinline__ bool ga_is_good(ga_log_parts log) { return fabs(log.power) < 1.0527703e9f; }

__device__ __forceinline__ f32 ga_log(f32 x) {
  const ga_log_parts parts = ga_log_of_normal(x);
  return ga_is_good(parts) ? parts.value : log(x);
}
__device__ __forceinline__ f64 ga_log(f64 x) { return log(x); }
