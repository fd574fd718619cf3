// Complex hyperbolic and circular functions and their inverses. The circular ones are the hyperbolic
// ones turned by a right angle, as the standard defines them, so that special cases are written once.

// 2 cosh(a) c or 2 sinh(a) c for |a| so large that e**-|a| is below rounding, halved.
template <class T>
__device__ __forceinline__ T ga_large_cosh_times(T a, T c) {
  return ga_exp_times(fabs(a), c * (T)0.5);
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_sinh(complex_t<T> z) {
  if (z.im == 0) return {sinh(z.re), z.im};
  if (!isfinite(z.im)) {
    if (z.re == 0 || isinf(z.re)) return {z.re, z.im - z.im};
    return {z.im - z.im, z.im - z.im};
  }
  T sine, cosine;
  sincos(z.im, &sine, &cosine);
  if (fabs(z.re) > 40)
    return {copysign((T)1, z.re) * ga_large_cosh_times(z.re, cosine),
            ga_large_cosh_times(z.re, sine)};
  return {sinh(z.re) * cosine, cosh(z.re) * sine};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_cosh(complex_t<T> z) {
  if (z.im == 0) return {cosh(z.re), isnan(z.re) ? z.im : copysign((T)1, z.re) * z.im};
  if (!isfinite(z.im)) {
    if (z.re == 0) return {z.im - z.im, copysign(z.re, z.im)};
    if (isinf(z.re)) return {fabs(z.re), z.im - z.im};
    return {z.im - z.im, z.im - z.im};
  }
  T sine, cosine;
  sincos(z.im, &sine, &cosine);
  if (fabs(z.re) > 40)
    return {ga_large_cosh_times(z.re, cosine),
            copysign((T)1, z.re) * ga_large_cosh_times(z.re, sine)};
  return {cosh(z.re) * cosine, sinh(z.re) * sine};
}

// Kahan (1987), by the tangent of b: no difference of large numbers, and none near the poles.
template <class T>
__device__ __forceinline__ complex_t<T> ga_tanh(complex_t<T> z) {
  if (z.im == 0) return {tanh(z.re), z.im};
  if (isinf(z.re)) return {copysign((T)1, z.re), copysign((T)0, z.im)};
  if (!isfinite(z.im)) return {z.re == 0 ? z.re : z.im - z.im, z.im - z.im};
  if (fabs(z.re) > 22) {
    T sine, cosine;
    sincos(z.im, &sine, &cosine);
    T fade = exp(-fabs(z.re));
    return {copysign((T)1, z.re), 4 * sine * cosine * fade * fade};
  }
  T tangent = tan(z.im);
  T beta = 1 + tangent * tangent;
  T s = sinh(z.re);
  T rho = sqrt(1 + s * s);
  T scale = 1 + beta * s * s;
  return {beta * rho * s / scale, tangent / scale};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_sin(complex_t<T> z) {
  complex_t<T> w = ga_sinh(complex_t<T>{-z.im, z.re});
  return {w.im, -w.re};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_cos(complex_t<T> z) {
  return ga_cosh(complex_t<T>{-z.im, z.re});
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_tan(complex_t<T> z) {
  complex_t<T> w = ga_tanh(complex_t<T>{-z.im, z.re});
  return {w.im, -w.re};
}

// Beyond this modulus 1 + z is z, and the squares below would come near overflow.
template <class T>
__device__ __forceinline__ bool ga_is_large(complex_t<T> z) {
  T large = sizeof(T) == 4 ? (T)1e9 : (T)1e17;
  return fabs(z.re) > large || fabs(z.im) > large;
}

// log(2 |z|) for large z; an infinite part beside NaN is infinite.
template <class T>
__device__ __forceinline__ T ga_log_of_double(complex_t<T> z) {
  return ga_log_modulus(z) + (T)0.6931471805599453;
}

// Kahan (1987): in the products of the two roots, both terms have the same sign.
template <class T>
__device__ __forceinline__ complex_t<T> ga_asinh(complex_t<T> z) {
  if (ga_is_large(z)) return {copysign(ga_log_of_double(z), z.re), atan2(z.im, fabs(z.re))};
  if (isnan(z.re) && z.im == 0) return z;
  complex_t<T> p = ga_sqrt(complex_t<T>{1 + z.im, -z.re});
  complex_t<T> q = ga_sqrt(complex_t<T>{1 - z.im, z.re});
  return {asinh(p.re * q.im - q.re * p.im), atan2(z.im, p.re * q.re - p.im * q.im)};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_acos(complex_t<T> z) {
  if (ga_is_large(z)) return {atan2(fabs(z.im), z.re), -copysign(ga_log_of_double(z), z.im)};
  if (z.re == 0 && isnan(z.im)) return {(T)1.5707963267948966, z.im};
  complex_t<T> p = ga_sqrt(complex_t<T>{1 - z.re, -z.im});
  complex_t<T> q = ga_sqrt(complex_t<T>{1 + z.re, z.im});
  return {2 * atan2(p.re, q.re), asinh(q.re * p.im - q.im * p.re)};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_asin(complex_t<T> z) {
  complex_t<T> w = ga_asinh(complex_t<T>{-z.im, z.re});
  return {w.im, -w.re};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_acosh(complex_t<T> z) {
  complex_t<T> w = ga_acos(z);
  return {fabs(w.im), copysign(w.re, z.im)};
}

// Kahan (1987), for re >= 0, where nothing cancels; odd.
template <class T>
__device__ __forceinline__ complex_t<T> ga_atanh(complex_t<T> z) {
  T sign = copysign((T)1, z.re);
  T a = fabs(z.re), b = sign * z.im;
  T re, im;
  if (a == 0 && isnan(b)) {
    re = 0;
    im = b;
  } else if (ga_is_large(z)) {
    T size = hypot(a, b);
    re = isinf(size) ? (T)0 : a / size / size;
    im = isnan(size) || isnan(b) ? a + b : copysign((T)1.5707963267948966, b);
  } else if (a == 1 && fabs(b) < (sizeof(T) == 4 ? (T)1e-18 : (T)1e-150)) {
    re = b == 0 ? 1 / fabs(b) : (T)0.5 * ((T)0.6931471805599453 - log(fabs(b)));
    im = b == 0 ? b : copysign((T)0.7853981633974483, b);
  } else {
    T square = ga_product(b, b);
    re = (T)0.25 * log1p(4 * a / (ga_product(1 - a, 1 - a) + square));
    im = (T)0.5 * atan2(2 * b, ga_product(1 - a, 1 + a) - square);
  }
  return {sign * re, sign * im};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_atan(complex_t<T> z) {
  complex_t<T> w = ga_atanh(complex_t<T>{-z.im, z.re});
  return {w.im, -w.re};
}
