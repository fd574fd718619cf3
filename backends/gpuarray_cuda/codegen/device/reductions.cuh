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

// A number of at most four bytes as an integer of the same order; NaN is above all, as one number,
// and so is +0 for both zeros. `ga_unordered` is the way back.
template <class T>
__device__ __forceinline__ i32 ga_ordered(T x) {
  if constexpr ((T)0.5f != (T)0) {
    const i32 bits = __float_as_int(x + 0.0f);
    return x != x ? 0x7fffffff : bits < 0 ? bits ^ 0x7fffffff : bits;
  } else if constexpr (ga_is_signed<T>)
    return x;
  else
    return (i32)((u32)x ^ 0x80000000u);
}

template <class T>
__device__ __forceinline__ T ga_unordered(i32 key) {
  if constexpr ((T)0.5f != (T)0)
    return __int_as_float(key < 0 ? key ^ 0x7fffffff : key);
  else if constexpr (ga_is_signed<T>)
    return (T)key;
  else
    return (T)((u32)key ^ 0x80000000u);
}

// An involution that turns the order around; NaN stays what it is.
template <class T>
__device__ __forceinline__ T ga_mirrored(T x) {
  if constexpr ((T)0.5f != (T)0)
    return -x;
  else
    return (T)~x;
}

// The largest of a warp's 32 integers, in all lanes.
__device__ __forceinline__ i32 ga_warp_max(i32 x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#pragma unroll
  for (int d = 16; d > 0; d /= 2) {
    const i32 other = __shfl_xor_sync(0xffffffffu, x, d);
    x = other > x ? other : x;
  }
  return x;
#else
  return __reduce_max_sync(0xffffffffu, x);
#endif
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
  // `merge` with all other lanes of the warp, in all of them: the integer units do it in two
  // instructions, of which ten shuffles and twenty comparisons take the place otherwise.
  __device__ __forceinline__ void merge_warp() {
    const i32 key = ga_ordered(a);
    const i32 best = ga_warp_max(key);
    // The first index, that of a state without any being the last: -1 - i has the opposite order.
    const i32 last = (i32)0x80000000;
    i = -1 - ga_warp_max(key != best || i < 0 ? last : -1 - (i32)i);
    if (i == 0x7fffffff) i = -1;
    a = ga_unordered<T>(best);
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
  __device__ __forceinline__ void merge_warp() {
    const i32 key = ga_ordered(ga_mirrored(a));
    const i32 best = ga_warp_max(key);
    // The first index, that of a state without any being the last: -1 - i has the opposite order.
    const i32 last = (i32)0x80000000;
    i = -1 - ga_warp_max(key != best || i < 0 ? last : -1 - (i32)i);
    if (i == 0x7fffffff) i = -1;
    a = ga_mirrored(ga_unordered<T>(best));
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
  // As merging the state of N elements, whose mean and deviations are found first.
  template <int N>
  __device__ __forceinline__ void add_all(const T (&x)[N]) {
    T middle = {}, part = {};
#pragma unroll
    for (int k = 0; k < N; ++k) middle += x[k] * (T)(1.0 / N);
#pragma unroll
    for (int k = 0; k < N; ++k) part += (x[k] - middle) * (x[k] - middle);
    const T before = (T)n;
    n += N;
    const T d = middle - mean, share = (T)N / (before + (T)N);
    mean += d * share;
    m2 += part + d * d * (before * share);
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
