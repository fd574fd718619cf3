// The element types by their names in generated code, complex numbers, vectors, conversions.

using i8 = signed char;
using i16 = short;
using i32 = int;
using i64 = long long;
using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using f32 = float;
using f64 = double;

// Aligned as CUDA's float2 and double2, so that one load or store moves one number.
template <class T>
struct alignas(2 * sizeof(T)) complex_t {
  T re, im;
};

using c64 = complex_t<f32>;
using c128 = complex_t<f64>;

// N elements that one instruction loads or stores; sizeof(T) * N is at most 16.
template <class T, int N>
struct alignas(sizeof(T) * N) vec_t {
  T v[N];
};

template <class T>
inline constexpr bool ga_is_complex = false;
template <class T>
inline constexpr bool ga_is_complex<complex_t<T>> = true;

template <class T>
inline constexpr bool ga_is_signed = (T)-1 < (T)0;

template <class To, class From>
__device__ __forceinline__ To cast(From v) {
  if constexpr (ga_is_complex<From>) {
    if constexpr (ga_is_complex<To>)
      return To{(decltype(To::re))v.re, (decltype(To::re))v.im};
    else if constexpr ((To)2 == (To)1)  // bool
      return v.re != 0 || v.im != 0;
    else
      return (To)v.re;
  } else {
    if constexpr (ga_is_complex<To>)
      return To{(decltype(To::re))v, (decltype(To::re))0};
    else
      return (To)v;
  }
}
