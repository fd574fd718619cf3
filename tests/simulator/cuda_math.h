// The functions CUDA C++ offers by name: mathematics, integer and bit intrinsics, conversions.
// All through compiler builtins: no header is read, and nothing is contracted or reassociated.
#pragma once

#define GASIM_FN static inline __attribute__((always_inline))

// name(float), name(double) and namef(float).
#define GASIM_MATH1(name)                                                                       \
  GASIM_FN float name(float x) { return __builtin_##name##f(x); }                               \
  extern "C" double name(double);                                                               \
  extern "C" float name##f(float);
#define GASIM_MATH2(name)                                                                       \
  GASIM_FN float name(float x, float y) { return __builtin_##name##f(x, y); }                   \
  extern "C" double name(double, double);                                                       \
  extern "C" float name##f(float, float);

GASIM_MATH1(sin) GASIM_MATH1(cos) GASIM_MATH1(tan) GASIM_MATH1(asin) GASIM_MATH1(acos)
GASIM_MATH1(atan) GASIM_MATH1(sinh) GASIM_MATH1(cosh) GASIM_MATH1(tanh) GASIM_MATH1(asinh)
GASIM_MATH1(acosh) GASIM_MATH1(atanh) GASIM_MATH1(exp) GASIM_MATH1(exp2) GASIM_MATH1(expm1)
GASIM_MATH1(log) GASIM_MATH1(log2) GASIM_MATH1(log10) GASIM_MATH1(log1p) GASIM_MATH1(logb)
GASIM_MATH1(sqrt) GASIM_MATH1(cbrt) GASIM_MATH1(erf) GASIM_MATH1(erfc) GASIM_MATH1(lgamma)
GASIM_MATH1(tgamma) GASIM_MATH1(floor) GASIM_MATH1(ceil) GASIM_MATH1(trunc) GASIM_MATH1(round)
GASIM_MATH1(rint) GASIM_MATH1(nearbyint) GASIM_MATH1(fabs)
GASIM_MATH2(atan2) GASIM_MATH2(pow) GASIM_MATH2(fmod) GASIM_MATH2(remainder) GASIM_MATH2(hypot)
GASIM_MATH2(copysign) GASIM_MATH2(nextafter) GASIM_MATH2(fdim) GASIM_MATH2(fmin)
GASIM_MATH2(fmax)

#define GASIM_BOTH(R, name, f, d)                                                               \
  GASIM_FN R name(float x) { return f; }                                                        \
  GASIM_FN R name(double x) { return d; }
GASIM_BOTH(bool, isnan, __builtin_isnan(x), __builtin_isnan(x))
GASIM_BOTH(bool, isinf, __builtin_isinf(x) != 0, __builtin_isinf(x) != 0)
GASIM_BOTH(bool, isfinite, __builtin_isfinite(x) != 0, __builtin_isfinite(x) != 0)
GASIM_BOTH(bool, signbit, __builtin_signbit(x) != 0, __builtin_signbit(x) != 0)
GASIM_BOTH(long long, llrint, __builtin_llrintf(x), __builtin_llrint(x))
GASIM_BOTH(long long, llround, __builtin_llroundf(x), __builtin_llround(x))
GASIM_BOTH(long, lrint, __builtin_lrintf(x), __builtin_lrint(x))
GASIM_BOTH(long, lround, __builtin_lroundf(x), __builtin_lround(x))
GASIM_BOTH(int, ilogb, __builtin_ilogbf(x), __builtin_ilogb(x))

// The hardware's estimates, one unit in the last place off; subnormals count as zero.
GASIM_FN float gasim_rcp_approx_ftz_f32(float x) {
  if (__builtin_fabsf(x) < 1.17549435e-38f) return __builtin_copysignf(__builtin_inff(), x);
  float y = __builtin_nextafterf(1.0f / x, 0.0f);
  return __builtin_fabsf(y) < 1.17549435e-38f ? __builtin_copysignf(0.0f, x) : y; }
GASIM_FN float gasim_rsqrt_approx_ftz_f32(float x) {
  if (__builtin_fabsf(x) < 1.17549435e-38f) return __builtin_copysignf(__builtin_inff(), x);
  return __builtin_nextafterf((float)(1.0 / __builtin_sqrt((double)x)), 0.0f); }

// NaN if there is one, and +0 is larger than -0.
GASIM_FN float gasim_max_NaN_f32(float x, float y) {
  if (x != x || y != y) return __builtin_nanf("");
  return x > y || (x == y && !__builtin_signbit(x)) ? x : y; }
GASIM_FN float gasim_min_NaN_f32(float x, float y) {
  if (x != x || y != y) return __builtin_nanf("");
  return x < y || (x == y && __builtin_signbit(x)) ? x : y; }

GASIM_FN double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
GASIM_FN float rsqrtf(float x) { return (float)rsqrt((double)x); }
GASIM_FN float rsqrt(float x) { return rsqrtf(x); }
GASIM_FN double rcbrt(double x) { return 1.0 / __builtin_cbrt(x); }
GASIM_FN float rcbrtf(float x) { return (float)rcbrt((double)x); }
GASIM_FN double exp10(double x) { return __builtin_pow(10.0, x); }
GASIM_FN float exp10f(float x) { return (float)__builtin_pow(10.0, (double)x); }
GASIM_FN float exp10(float x) { return exp10f(x); }
GASIM_FN void sincos(double x, double* s, double* c) {
  *s = __builtin_sin(x); *c = __builtin_cos(x); }
GASIM_FN void sincosf(float x, float* s, float* c) {
  *s = __builtin_sinf(x); *c = __builtin_cosf(x); }
GASIM_FN void sincos(float x, float* s, float* c) { sincosf(x, s, c); }
// The argument is reduced exactly first, as in CUDA: sinpi(1.0) is 0.
GASIM_FN double sinpi(double x) {
  double r = __builtin_remainder(x, 2.0);
  if (r == __builtin_rint(r)) return __builtin_copysign(0.0, x);
  if (r > 0.5) r = 1.0 - r; else if (r < -0.5) r = -1.0 - r;
  return __builtin_sin(3.141592653589793 * r); }
GASIM_FN double cospi(double x) {
  double r = __builtin_fabs(__builtin_remainder(x, 2.0));
  return r == 0.5 ? 0.0 : r > 0.25 ? sinpi(0.5 - r) : __builtin_cos(3.141592653589793 * r); }
GASIM_FN float sinpif(float x) { return (float)sinpi((double)x); }
GASIM_FN float cospif(float x) { return (float)cospi((double)x); }
GASIM_FN double pow(double x, int n) { return __builtin_pow(x, (double)n); }
GASIM_FN float pow(float x, int n) { return __builtin_powf(x, (float)n); }
GASIM_FN float ldexpf(float x, int n) { return __builtin_ldexpf(x, n); }
GASIM_FN float ldexp(float x, int n) { return __builtin_ldexpf(x, n); }
extern "C" double ldexp(double, int);
GASIM_FN float scalbnf(float x, int n) { return __builtin_scalbnf(x, n); }
GASIM_FN float scalbn(float x, int n) { return __builtin_scalbnf(x, n); }
extern "C" double scalbn(double, int);
GASIM_FN float frexpf(float x, int* n) { return __builtin_frexpf(x, n); }
GASIM_FN float frexp(float x, int* n) { return __builtin_frexpf(x, n); }
extern "C" double frexp(double, int*);
GASIM_FN float modff(float x, float* whole) { return __builtin_modff(x, whole); }
GASIM_FN float modf(float x, float* whole) { return __builtin_modff(x, whole); }
extern "C" double modf(double, double*);
GASIM_FN float fmaf(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
GASIM_FN float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
extern "C" double fma(double, double, double);

GASIM_FN int abs(int x) { return x < 0 ? -x : x; }
GASIM_FN long abs(long x) { return x < 0 ? -x : x; }
GASIM_FN long long abs(long long x) { return x < 0 ? -x : x; }
GASIM_FN float abs(float x) { return __builtin_fabsf(x); }
GASIM_FN double abs(double x) { return __builtin_fabs(x); }
GASIM_FN long long llabs(long long x) { return x < 0 ? -x : x; }

#define GASIM_MINMAX(T)                                                                         \
  GASIM_FN T min(T x, T y) { return y < x ? y : x; }                                            \
  GASIM_FN T max(T x, T y) { return x < y ? y : x; }
GASIM_MINMAX(int) GASIM_MINMAX(unsigned) GASIM_MINMAX(long) GASIM_MINMAX(unsigned long)
GASIM_MINMAX(long long) GASIM_MINMAX(unsigned long long)
GASIM_FN float min(float x, float y) { return __builtin_fminf(x, y); }
GASIM_FN float max(float x, float y) { return __builtin_fmaxf(x, y); }
GASIM_FN double min(double x, double y) { return __builtin_fmin(x, y); }
GASIM_FN double max(double x, double y) { return __builtin_fmax(x, y); }

// Intrinsics that must not be contracted; the whole unit is compiled with -ffp-contract=off.
#define GASIM_ROUNDED(p, T, suffix)                                                             \
  GASIM_FN T __##p##add_rn(T x, T y) { return x + y; }                                          \
  GASIM_FN T __##p##sub_rn(T x, T y) { return x - y; }                                          \
  GASIM_FN T __##p##mul_rn(T x, T y) { return x * y; }                                          \
  GASIM_FN T __##p##div_rn(T x, T y) { return x / y; }                                          \
  GASIM_FN T __##p##rcp_rn(T x) { return (T)1 / x; }                                            \
  GASIM_FN T __##p##sqrt_rn(T x) { return __builtin_sqrt##suffix(x); }
GASIM_ROUNDED(f, float, f)
GASIM_ROUNDED(d, double, )
GASIM_FN float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
GASIM_FN double __fma_rn(double x, double y, double z) { return __builtin_fma(x, y, z); }
GASIM_FN float __frsqrt_rn(float x) { return rsqrtf(x); }
GASIM_FN float __fdividef(float x, float y) { return x / y; }
GASIM_FN float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
GASIM_FN float __expf(float x) { return __builtin_expf(x); }
GASIM_FN float __exp10f(float x) { return exp10f(x); }
GASIM_FN float __logf(float x) { return __builtin_logf(x); }
GASIM_FN float __log2f(float x) { return __builtin_log2f(x); }
GASIM_FN float __log10f(float x) { return __builtin_log10f(x); }
GASIM_FN float __sinf(float x) { return __builtin_sinf(x); }
GASIM_FN float __cosf(float x) { return __builtin_cosf(x); }
GASIM_FN float __tanf(float x) { return __builtin_tanf(x); }
GASIM_FN float __powf(float x, float y) { return __builtin_powf(x, y); }

// Integers and bits.
GASIM_FN int __mulhi(int x, int y) { return (int)(((long long)x * y) >> 32); }
GASIM_FN unsigned __umulhi(unsigned x, unsigned y) {
  return (unsigned)(((unsigned long long)x * y) >> 32); }
GASIM_FN long long __mul64hi(long long x, long long y) {
  return (long long)(((__int128)x * y) >> 64); }
GASIM_FN unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)(((unsigned __int128)x * y) >> 64); }
// Not the builtin: without -mpopcnt it calls the compiler's own library, which is not linked.
GASIM_FN int __popcll(unsigned long long x) {
  x -= (x >> 1) & 0x5555555555555555ull;
  x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
  return (int)((((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full) * 0x0101010101010101ull) >> 56); }
GASIM_FN int __popc(unsigned x) { return __popcll(x); }
GASIM_FN int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
GASIM_FN int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
GASIM_FN int __ffs(int x) { return __builtin_ffs(x); }
GASIM_FN int __ffsll(long long x) { return __builtin_ffsll(x); }
GASIM_FN unsigned long long __brevll(unsigned long long x) {
  x = ((x >> 1) & 0x5555555555555555ull) | ((x & 0x5555555555555555ull) << 1);
  x = ((x >> 2) & 0x3333333333333333ull) | ((x & 0x3333333333333333ull) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0full) | ((x & 0x0f0f0f0f0f0f0f0full) << 4);
  return __builtin_bswap64(x); }
GASIM_FN unsigned __brev(unsigned x) { return (unsigned)(__brevll(x) >> 32); }
GASIM_FN unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
  return (unsigned)((((unsigned long long)high << 32 | low) << (n & 31)) >> 32); }
GASIM_FN unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n) {
  return (unsigned)(((unsigned long long)high << 32 | low) >> (n & 31)); }
GASIM_FN unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  unsigned long long bytes = (unsigned long long)y << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    unsigned nibble = selector >> (4 * i);
    unsigned byte = (unsigned)(bytes >> (8 * (nibble & 7))) & 0xff;
    if (nibble & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result; }

// Bits of one type as another.
#define GASIM_BITS(name, From, To)                                                              \
  GASIM_FN To name(From x) { To y; __builtin_memcpy(&y, &x, sizeof y); return y; }
GASIM_BITS(__int_as_float, int, float) GASIM_BITS(__float_as_int, float, int)
GASIM_BITS(__uint_as_float, unsigned, float) GASIM_BITS(__float_as_uint, float, unsigned)
GASIM_BITS(__longlong_as_double, long long, double)
GASIM_BITS(__double_as_longlong, double, long long)
GASIM_FN int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
GASIM_FN int __double2loint(double x) { return (int)__double_as_longlong(x); }
GASIM_FN double __hiloint2double(int high, int low) {
  return __longlong_as_double((long long)((unsigned long long)(unsigned)high << 32 |
                                          (unsigned)low)); }

// Conversions saturate, as the GPU's instructions do; NaN gives 0, from double to 64 bits the
// lowest signed value (PTX cvt leaves 0x8000... there).
#define GASIM_CONVERT(from, From, to, To, low, high, nan)                                       \
  GASIM_FN To gasim_##from##2##to(From x) {                                                     \
    return x != x ? (To)nan : x <= (From)(low) ? (To)(low)                                      \
         : x >= (From)(high) ? (To)(high) : (To)x; }                                            \
  GASIM_FN To __##from##2##to##_rz(From x) { return gasim_##from##2##to(trunc(x)); }            \
  GASIM_FN To __##from##2##to##_rn(From x) { return gasim_##from##2##to(rint(x)); }             \
  GASIM_FN To __##from##2##to##_rd(From x) { return gasim_##from##2##to(floor(x)); }            \
  GASIM_FN To __##from##2##to##_ru(From x) { return gasim_##from##2##to(ceil(x)); }
#define GASIM_LLMIN (-9223372036854775807ll - 1)
GASIM_CONVERT(float, float, int, int, -2147483647 - 1, 2147483647, 0)
GASIM_CONVERT(double, double, int, int, -2147483647 - 1, 2147483647, 0)
GASIM_CONVERT(float, float, uint, unsigned, 0, 4294967295u, 0)
GASIM_CONVERT(double, double, uint, unsigned, 0, 4294967295u, 0)
GASIM_CONVERT(float, float, ll, long long, GASIM_LLMIN, 9223372036854775807ll, GASIM_LLMIN)
GASIM_CONVERT(double, double, ll, long long, GASIM_LLMIN, 9223372036854775807ll, GASIM_LLMIN)
GASIM_CONVERT(float, float, ull, unsigned long long, 0, 18446744073709551615ull, 1ull << 63)
GASIM_CONVERT(double, double, ull, unsigned long long, 0, 18446744073709551615ull, 1ull << 63)
GASIM_FN float __int2float_rn(int x) { return (float)x; }
GASIM_FN float __uint2float_rn(unsigned x) { return (float)x; }
GASIM_FN float __uint2float_rz(unsigned x) {
  const float nearest = (float)x;
  return (double)nearest > (double)x ? __builtin_nextafterf(nearest, 0.0f) : nearest;
}
GASIM_FN float __ll2float_rn(long long x) { return (float)x; }
GASIM_FN float __ull2float_rn(unsigned long long x) { return (float)x; }
GASIM_FN double __int2double_rn(int x) { return (double)x; }
GASIM_FN double __uint2double_rn(unsigned x) { return (double)x; }
GASIM_FN double __ll2double_rn(long long x) { return (double)x; }
GASIM_FN double __ull2double_rn(unsigned long long x) { return (double)x; }
GASIM_FN float __double2float_rn(double x) { return (float)x; }
