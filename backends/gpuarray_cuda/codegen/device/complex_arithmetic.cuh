// Arithmetic of complex numbers, part by part: NaN and infinite parts are not reconciled with each
// other (Annex G of C does), as the standard leaves open and NumPy does.

template <class T>
__device__ __forceinline__ complex_t<T> operator+(complex_t<T> a, complex_t<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
__device__ __forceinline__ complex_t<T> operator-(complex_t<T> a, complex_t<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
__device__ __forceinline__ complex_t<T> operator-(complex_t<T> a) {
  return {-a.re, -a.im};
}
template <class T>
__device__ __forceinline__ complex_t<T> operator*(complex_t<T> a, complex_t<T> b) {
  // Contracted, z * conj(z) would have an imaginary part.
  return {ga_product(a.re, b.re) - ga_product(a.im, b.im),
          ga_product(a.re, b.im) + ga_product(a.im, b.re)};
}
template <class T>
__device__ __forceinline__ bool operator==(complex_t<T> a, complex_t<T> b) {
  return a.re == b.re && a.im == b.im;
}
template <class T>
__device__ __forceinline__ bool operator!=(complex_t<T> a, complex_t<T> b) {
  return a.re != b.re || a.im != b.im;
}

// Smith's method, which squares nothing; where the ratio underflows, the products are taken in the
// order of Baudin and Smith (2012), so that they need not.
template <class T>
__device__ __forceinline__ complex_t<T> ga_divide(complex_t<T> a, complex_t<T> b) {
  bool steep = fabs(b.re) < fabs(b.im);
  T large = steep ? b.im : b.re;
  T small = steep ? b.re : b.im;
  if (large == 0 && small == 0) return {a.re / fabs(large), a.im / fabs(large)};
  T ratio = small / large;
  T scale = large + small * ratio;
  T along_re = ratio != 0 ? a.re * ratio : small * (a.re / large);
  T along_im = ratio != 0 ? a.im * ratio : small * (a.im / large);
  if (steep) return {(along_re + a.im) / scale, (along_im - a.re) / scale};
  return {(a.re + along_im) / scale, (a.im - along_re) / scale};
}
template <class T>
__device__ __forceinline__ complex_t<T> operator/(complex_t<T> a, complex_t<T> b) {
  return ga_divide(a, b);
}

template <class T>
__device__ __forceinline__ T ga_abs(complex_t<T> z) {
  return hypot(z.re, z.im);
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_conj(complex_t<T> z) {
  return {z.re, -z.im};
}

template <class T>
__device__ __forceinline__ complex_t<T> ga_round(complex_t<T> z) {
  return {rint(z.re), rint(z.im)};
}

template <class T>
__device__ __forceinline__ bool ga_isnan(complex_t<T> z) {
  return isnan(z.re) || isnan(z.im);
}

template <class T>
__device__ __forceinline__ bool ga_isinf(complex_t<T> z) {
  return isinf(z.re) || isinf(z.im);
}

template <class T>
__device__ __forceinline__ bool ga_isfinite(complex_t<T> z) {
  return isfinite(z.re) && isfinite(z.im);
}

// z / |z|, with one infinite part in its direction. A power of 2 brings z near 1 first, so that no
// modulus overflows or is rounded as a subnormal.
template <class T>
__device__ __forceinline__ complex_t<T> ga_sign(complex_t<T> z) {
  if (ga_isnan(z)) return {z.re + z.im, z.re + z.im};
  T infinite_re = isinf(z.re) ? 1 : 0, infinite_im = isinf(z.im) ? 1 : 0;
  if (infinite_re != infinite_im)
    return {copysign(infinite_re, z.re), copysign(infinite_im, z.im)};
  T size = fabs(z.re) > fabs(z.im) ? fabs(z.re) : fabs(z.im);
  if (size == 0) return {0, 0};
  if (isinf(size)) return {size - size, size - size};
  int exponent = -ilogb(size);
  T re = ldexp(z.re, exponent), im = ldexp(z.im, exponent);
  T modulus = hypot(re, im);
  return {re / modulus, im / modulus};
}
