// Functions of all lanes of a thread together, with the values that one number alone has: division,
// reciprocal and square root are correctly rounded, as CUDA's own. The fast way is Newton's, from the
// hardware's estimate; a quotient whose residual might not be exact, an estimate that is zero or
// infinite, and NaN send all lanes the slow way, in one branch.

__device__ __forceinline__ f32 ga_reciprocal_estimate(f32 x) {
  f32 y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

__device__ __forceinline__ f32 ga_root_estimate(f32 x) {
  f32 y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// The results that prove an exact residual: a reciprocal that is no subnormal, a root above 2**-50.
// Comparisons are false for NaN, which is what 0, infinities and negative radicands lead to (a
// negative subnormal does by fabs: its estimate is -infinity).
template <int N>
__device__ __forceinline__ void ga_lanes_reciprocal(const f32 (&x)[N], f32 (&result)[N]) {
  bool good = true;
#pragma unroll
  for (int k = 0; k < N; ++k) {
    const f32 y = ga_reciprocal_estimate(x[k]);
    result[k] = fma(y, fma(-x[k], y, 1.0f), y);
    good &= fabs(result[k]) > 2.4e-38f;
  }
  if (good) return;
#pragma unroll
  for (int k = 0; k < N; ++k) result[k] = 1 / x[k];
}

template <int N>
__device__ __forceinline__ void ga_lanes_sqrt(const f32 (&x)[N], f32 (&result)[N]) {
  bool good = true;
#pragma unroll
  for (int k = 0; k < N; ++k) {
    const f32 y = ga_root_estimate(x[k]);
    const f32 root = x[k] * y;
    result[k] = fma(fma(-root, root, x[k]), 0.5f * fabs(y), root);
    good &= result[k] > 8.9e-16f;
  }
  if (good) return;
#pragma unroll
  for (int k = 0; k < N; ++k) result[k] = sqrt(x[k]);
}

// Good are quotients above 2**-60 of divisors above 2**-42, which a sum below 2**-18 proves of all of
// them. With y the rounded reciprocal and q the rounded a * y, q + (a - b * q) * y rounds to the
// quotient (Markstein 1990).
template <int N>
__device__ __forceinline__ void ga_lanes_divide(
    const f32 (&a)[N], const f32 (&b)[N], f32 (&result)[N]) {
  bool good = true;
  f32 small = 0;
#pragma unroll
  for (int k = 0; k < N; ++k) {
    f32 y = ga_reciprocal_estimate(b[k]);
    y = fma(y, fma(-b[k], y, 1.0f), y);
    f32 q = a[k] * y;
    q = fma(fma(-b[k], q, a[k]), y, q);
    small = fma(fabs(y), 8.673617e-19f, small);
    good &= fabs(q) > 8.673617e-19f;
    result[k] = q;
  }
  if (good && small < 3.8e-6f) return;
#pragma unroll
  for (int k = 0; k < N; ++k) result[k] = a[k] / b[k];
}

template <int N>
__device__ __forceinline__ void ga_lanes_log(const f32 (&x)[N], f32 (&result)[N]) {
  bool good = true;
  ga_log_parts parts[N];
#pragma unroll
  for (int k = 0; k < N; ++k) {
    parts[k] = ga_log_of_normal(x[k]);
    result[k] = parts[k].value;
    good &= ga_is_good(parts[k]);
  }
  if (good) return;
#pragma unroll
  for (int k = 0; k < N; ++k) result[k] = ga_log(x[k]);
}
