// What a reduction accumulates. Each has an empty state, `add` of one element, `merge` with the
// state of other elements, and `result`. Merging in a fixed order gives the same bits every time.

__device__ __forceinline__ i64 ga_wrapped_index(i64 i, i64 n) {
  i = i < 0 ? i + n : i;
  return i < 0 ? 0 : i < n ? i : n - 1;
}

// A state from another lane of the warp, in 32-bit pieces. All 32 lanes take part.
template <class T>
__device__ __forceinline__ T ga_state_below(const T& state, int lanes) {
  union {
    T state;
    u32 words[sizeof(T) / 4];
  } moved = {state};
#pragma unroll
  for (int k = 0; k < (int)(sizeof(T) / 4); ++k)
    moved.words[k] = __shfl_down_sync(0xffffffffu, moved.words[k], lanes);
  return moved.state;
}

// The state of one lane, to all of the warp.
template <class T>
__device__ __forceinline__ T ga_state_of(const T& state, int lane) {
  union {
    T state;
    u32 words[sizeof(T) / 4];
  } moved = {state};
#pragma unroll
  for (int k = 0; k < (int)(sizeof(T) / 4); ++k)
    moved.words[k] = __shfl_sync(0xffffffffu, moved.words[k], lane);
  return moved.state;
}

template <class T>
__device__ __forceinline__ T ga_lowest() {
  if constexpr ((T)0.5f != (T)0) {
    if constexpr (sizeof(T) == 4)
      return __int_as_float((int)0xff800000);
    else
      return __longlong_as_double((i64)0xfff0000000000000ull);
  } else if constexpr (ga_is_signed<T>)
    return (T)(1ull << (8 * sizeof(T) - 1));
  else
    return (T)0;
}

template <class T>
__device__ __forceinline__ T ga_highest() {
  if constexpr ((T)0.5f != (T)0)
    return -ga_lowest<T>();
  else
    return (T)~ga_lowest<T>();
}

// From -0, which is neutral; +0 would make a sum of negative zeros positive.
template <class T>
struct ga_sum {
  T a = (T)(-cast<T>(0));
  __device__ __forceinline__ void add(T x) { a = (T)(a + x); }
  __device__ __forceinline__ void merge(const ga_sum& o) { a = (T)(a + o.a); }
  __device__ __forceinline__ T result() const { return a; }
};

template <class T>
struct ga_prod {
  T a = cast<T>(1);
  __device__ __forceinline__ void add(T x) { a = (T)(a * x); }
  __device__ __forceinline__ void merge(const ga_prod& o) { a = (T)(a * o.a); }
  __device__ __forceinline__ T result() const { return a; }
};

// One instruction instead of three, since compute capability 8.0; NaN wins.
template <class T>
__device__ __forceinline__ T ga_larger(T x, T y) {
  return x > y || x != x ? x : y;
}

__device__ __forceinline__ f32 ga_larger(f32 x, f32 y) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  return x > y || x != x ? x : y;
#else
  f32 z;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
  return z;
#endif
}

template <class T>
__device__ __forceinline__ T ga_smaller(T x, T y) {
  return x < y || x != x ? x : y;
}

__device__ __forceinline__ f32 ga_smaller(f32 x, f32 y) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  return x < y || x != x ? x : y;
#else
  f32 z;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
  return z;
#endif
}

template <class T>
struct ga_max {
  T a = ga_lowest<T>();
  __device__ __forceinline__ void add(T x) { a = ga_larger(x, a); }
  __device__ __forceinline__ void merge(const ga_max& o) { add(o.a); }
  __device__ __forceinline__ T result() const { return a; }
};

template <class T>
struct ga_min {
  T a = ga_highest<T>();
  __device__ __forceinline__ void add(T x) { a = ga_smaller(x, a); }
  __device__ __forceinline__ void merge(const ga_min& o) { add(o.a); }
  __device__ __forceinline__ T result() const { return a; }
};

struct ga_any {
  i32 a = 0;
  __device__ __forceinline__ void add(bool x) { a |= x; }
  __device__ __forceinline__ void merge(const ga_any& o) { a |= o.a; }
  __device__ __forceinline__ bool result() const { return a != 0; }
};

struct ga_all {
  i32 a = 1;
  __device__ __forceinline__ void add(bool x) { a &= x; }
  __device__ __forceinline__ void merge(const ga_all& o) { a &= o.a; }
  __device__ __forceinline__ bool result() const { return a != 0; }
};

// Whether one index comes before another, where -1 is beyond all.
template <class I>
__device__ __forceinline__ bool ga_is_before(I i, I k) {
  if constexpr (sizeof(I) == 4)
    return (u32)i < (u32)k;
  else
    return (u64)i < (u64)k;
}

// The first extreme wins, and NaN is more extreme than any number. Elements are added in the order
// of their indices, so that a later one has to be more extreme; an infinity that is the start is so
// nowhere, and an index of -1 stands for the first of them.
template <class T, class I>
struct ga_argmax {
  T a = ga_lowest<T>();
  I i = -1;
  __device__ __forceinline__ void add(T x, I k) { take(x, k, !(x <= a) & (a == a)); }
  __device__ __forceinline__ void merge(const ga_argmax& o) {
    const bool more = !(o.a <= a) & (a == a);
    const bool equal = (o.a == a) | ((o.a != o.a) & (a != a));
    take(o.a, o.i, more | (equal & ga_is_before(o.i, i)));
  }
  __device__ __forceinline__ void take(T x, I k, bool better) {
    a = better ? x : a;
    i = better ? k : i;
  }
  __device__ __forceinline__ i64 result() const { return i < 0 ? 0 : i; }
};

template <class T, class I>
struct ga_argmin {
  T a = ga_highest<T>();
  I i = -1;
  __device__ __forceinline__ void add(T x, I k) { take(x, k, !(x >= a) & (a == a)); }
  __device__ __forceinline__ void merge(const ga_argmin& o) {
    const bool more = !(o.a >= a) & (a == a);
    const bool equal = (o.a == a) | ((o.a != o.a) & (a != a));
    take(o.a, o.i, more | (equal & ga_is_before(o.i, i)));
  }
  __device__ __forceinline__ void take(T x, I k, bool better) {
    a = better ? x : a;
    i = better ? k : i;
  }
  __device__ __forceinline__ i64 result() const { return i < 0 ? 0 : i; }
};

// The sum of squared deviations from the mean: Welford's update, Chan's merge.
template <class T>
struct ga_squares {
  i64 n = 0;
  T mean = {};
  T m2 = {};
  __device__ __forceinline__ void add(T x) {
    n += 1;
    const T d = x - mean;
    mean += d / (T)n;
    m2 += d * (x - mean);
  }
  __device__ __forceinline__ void merge(const ga_squares& o) {
    if (o.n == 0) return;
    const i64 total = n + o.n;
    const T d = o.mean - mean, part = (T)o.n / (T)total;
    mean += d * part;
    m2 += o.m2 + d * d * ((T)n * part);
    n = total;
  }
  __device__ __forceinline__ T result() const { return m2; }
};
