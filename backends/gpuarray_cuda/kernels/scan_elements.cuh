// What a scan combines: sums, or with PRODUCT products. Integers come as unsigned ones, which wrap
// alike.

template <class E>
__device__ __forceinline__ E nothing() {
  if constexpr (PRODUCT)
    return cast<E>(1);
  else if constexpr (ga_is_complex<E>)
    return {-0.0f, -0.0f};
  else
    return (E)-0.0f;  // to which -0 can be added, not so to 0
}

template <class E>
__device__ __forceinline__ E combined(E x, E y) {
  if constexpr (ga_is_complex<E>) {
    if constexpr (PRODUCT) {
      // 1 times an infinity has a part 0 * inf, which is NaN.
      if (x.re == 1 && x.im == 0) return y;
      if (y.re == 1 && y.im == 0) return x;
      return x * y;
    } else {
      return x + y;
    }
  } else if constexpr ((E)0.5f != (E)0) {
    return PRODUCT ? x * y : x + y;
  } else {
    return PRODUCT ? ga_wrap_multiply(x, y) : ga_wrap_add(x, y);
  }
}
