// Integers with NumPy's results where C leaves them undefined: overflow wraps, x / 0 is 0, shifts by
// the width or more shift everything out. All is computed unsigned, in 64 bits; the compiler narrows.

template <class T>
__device__ __forceinline__ T ga_wrap_add(T a, T b) {
  return (T)((u64)a + (u64)b);
}

// n + 1 where it counts, else n: one predicated addition. Written as a sum, the compiler takes two
// instructions for it: the sum, and a choice (20 of the 227 of a Mandelbrot point; NVRTC 13.0).
template <class T>
__device__ __forceinline__ T ga_wrap_count(T n, bool counts) {
  asm("{ .reg .pred p; setp.ne.u32 p, %1, 0; @p add.u32 %0, %0, 1; }" : "+r"(n) : "r"((u32)counts));
  return n;
}

template <class T>
__device__ __forceinline__ T ga_wrap_subtract(T a, T b) {
  return (T)((u64)a - (u64)b);
}

template <class T>
__device__ __forceinline__ T ga_wrap_multiply(T a, T b) {
  return (T)((u64)a * (u64)b);
}

template <class T>
__device__ __forceinline__ T ga_wrap_negative(T a) {
  return (T)(0 - (u64)a);
}

template <class T>
__device__ __forceinline__ T ga_abs(T a) {
  return a < 0 ? (T)(0 - (u64)a) : a;
}

template <class T>
__device__ __forceinline__ T ga_sign(T a) {
  return (T)((a > 0) - (a < 0));
}

// Rounds down; the lowest number by -1 wraps.
template <class T>
__device__ __forceinline__ T ga_floor_divide(T a, T b) {
  if (b == 0) return 0;
  if constexpr (ga_is_signed<T>) {
    if (b == -1) return (T)(0 - (u64)a);
    T quotient = a / b;
    return (T)(quotient - (a % b != 0 && (a < 0) != (b < 0)));
  }
  return a / b;
}

// The sign of the divisor.
template <class T>
__device__ __forceinline__ T ga_remainder(T a, T b) {
  if (b == 0) return 0;
  if constexpr (ga_is_signed<T>) {
    if (b == -1) return 0;
    T rest = a % b;
    return (T)(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
  }
  return a % b;
}

template <class T>
__device__ __forceinline__ T ga_left_shift(T a, T count) {
  return (u64)count < 8 * sizeof(T) ? (T)((u64)a << count) : (T)0;
}

template <class T>
__device__ __forceinline__ T ga_right_shift(T a, T count) {
  if ((u64)count < 8 * sizeof(T)) return (T)(a >> count);
  if constexpr (ga_is_signed<T>) {
    if (a < 0) return (T)-1;
  }
  return 0;
}

// By squaring; a negative exponent gives the exact power, truncated, and 0 for 1 / 0.
template <class T>
__device__ __forceinline__ T ga_pow(T base, T exponent) {
  if constexpr (ga_is_signed<T>) {
    if (exponent < 0) {
      if (base == 1) return 1;
      if (base != -1) return 0;
      return (T)((exponent & 1) ? -1 : 1);
    }
  }
  u64 power = 1, square = (u64)base;
  for (u64 bits = (u64)exponent; bits != 0; bits >>= 1) {
    if (bits & 1) power *= square;
    square *= square;
  }
  return (T)power;
}
