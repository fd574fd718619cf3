// CUDA C++ for a CPU compiler: what a header-free kernel finds in NVRTC, and no more.
// A kernel is compiled inside an unnamed namespace after this header, with no include path.
#pragma once
#include "launch.h"
#include "cuda_math.h"

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef gasim_dim3 uint3;
typedef gasim_dim3 dim3;

#define __CUDA_ARCH__ 900
#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __managed__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#ifndef __clang__
#define __builtin_assume(condition) ((void)0)
#endif

// "used": the engine writes the section behind the compiler's back (poison), and other fibers write
// it during a barrier, so nothing may be concluded from the writes that the compiler can see.
#ifdef __APPLE__
#define __shared__ static __attribute__((used, section("__DATA,gasim_shared")))
extern unsigned char gasim_shared_begin[] __asm("section$start$__DATA$gasim_shared");
extern unsigned char gasim_shared_end[] __asm("section$end$__DATA$gasim_shared");
#else
#define __shared__ static __attribute__((used, section("gasim_shared")))
extern "C" __attribute__((weak, visibility("hidden"))) unsigned char __start_gasim_shared[];
extern "C" __attribute__((weak, visibility("hidden"))) unsigned char __stop_gasim_shared[];
#define gasim_shared_begin __start_gasim_shared
#define gasim_shared_end __stop_gasim_shared
#endif

// `extern __shared__ T name[]` becomes `T* const name = (T*)gasim_dynamic` before compilation.
// 227 KiB are the most that sm_90 has; behind them stands the zone that shows overruns.
static constexpr unsigned gasim_dynamic_capacity = 227 * 1024;
alignas(1024) static unsigned char gasim_dynamic[gasim_dynamic_capacity + 1024]
    __attribute__((used));

static gasim_dim3 threadIdx, blockIdx, blockDim, gridDim;
static constexpr int warpSize = 32;
static const gasim_engine* gasim;

#define GASIM_LINE int line = __builtin_LINE()
#define GASIM_FN static inline __attribute__((always_inline))

GASIM_FN void __threadfence() { __asm__ volatile("" ::: "memory"); }
GASIM_FN void __threadfence_block() { __threadfence(); }
GASIM_FN void __threadfence_system() { __threadfence(); }
GASIM_FN void __trap(GASIM_LINE) { gasim->trap("__trap", line); }
GASIM_FN void __brkpt(GASIM_LINE) { gasim->trap("__brkpt", line); }

// Loads and stores with cache hints.
#define GASIM_LOAD(name) template <class T> GASIM_FN T name(const T* p) { return *p; }
#define GASIM_STORE(name) template <class T> GASIM_FN void name(T* p, T v) { *p = v; }
GASIM_LOAD(__ldg) GASIM_LOAD(__ldca) GASIM_LOAD(__ldcg) GASIM_LOAD(__ldcs) GASIM_LOAD(__ldlu)
GASIM_LOAD(__ldcv)
GASIM_STORE(__stwb) GASIM_STORE(__stcg) GASIM_STORE(__stcs) GASIM_STORE(__stwt)

// Atomics: fibers change only at barriers and warp functions, so plain code is atomic.  There are
// none for floating point, on purpose: results must not depend on the order of threads.
template <class T> GASIM_FN T gasim_exchange(T* p, T v) { T old = *p; *p = v; return old; }
#define GASIM_ATOMIC(T)                                                                         \
  GASIM_FN T atomicAdd(T* p, T v) { return gasim_exchange(p, (T)(*p + v)); }                    \
  GASIM_FN T atomicSub(T* p, T v) { return gasim_exchange(p, (T)(*p - v)); }                    \
  GASIM_FN T atomicExch(T* p, T v) { return gasim_exchange(p, v); }                             \
  GASIM_FN T atomicMin(T* p, T v) { return gasim_exchange(p, *p < v ? *p : v); }                \
  GASIM_FN T atomicMax(T* p, T v) { return gasim_exchange(p, *p > v ? *p : v); }                \
  GASIM_FN T atomicAnd(T* p, T v) { return gasim_exchange(p, (T)(*p & v)); }                    \
  GASIM_FN T atomicOr(T* p, T v) { return gasim_exchange(p, (T)(*p | v)); }                     \
  GASIM_FN T atomicXor(T* p, T v) { return gasim_exchange(p, (T)(*p ^ v)); }                    \
  GASIM_FN T atomicCAS(T* p, T expected, T v) {                                                 \
    return gasim_exchange(p, *p == expected ? v : *p); }
GASIM_ATOMIC(int) GASIM_ATOMIC(unsigned) GASIM_ATOMIC(unsigned long long)
GASIM_FN long long atomicMin(long long* p, long long v) {
  return gasim_exchange(p, *p < v ? *p : v); }
GASIM_FN long long atomicMax(long long* p, long long v) {
  return gasim_exchange(p, *p > v ? *p : v); }
GASIM_FN unsigned atomicInc(unsigned* p, unsigned limit) {
  return gasim_exchange(p, *p >= limit ? 0u : *p + 1); }
GASIM_FN unsigned atomicDec(unsigned* p, unsigned limit) {
  return gasim_exchange(p, *p == 0 || *p > limit ? limit : *p - 1); }

// Copies to shared memory are made when the thread waits for them, and not if it never does.
struct gasim_copy { void* to; const void* from; int bytes; };
static gasim_copy gasim_copies[1024][128];
static int gasim_copies_pending[1024];
GASIM_FN void gasim_copy_async(void* to, const void* from, int bytes) {
  const unsigned t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  if (((unsigned long long)to | (unsigned long long)from) % (unsigned)bytes) gasim->trap("misaligned cp.async", 0);
  if (gasim_copies_pending[t] == 128) gasim->trap("more copies than the simulator holds", 0);
  gasim_copies[t][gasim_copies_pending[t]++] = {to, from, bytes};
}
GASIM_FN void gasim_wait_for_copies() {
  const unsigned t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  for (int k = 0; k < gasim_copies_pending[t]; ++k)
    __builtin_memcpy(gasim_copies[t][k].to, gasim_copies[t][k].from, (size_t)gasim_copies[t][k].bytes);
  gasim_copies_pending[t] = 0;
}

// Vector types that NVRTC knows without a header.
#define GASIM_VECTOR(T, name, a2, a4)                                                           \
  struct alignas(a2) name##2 { T x, y; };                                                       \
  struct alignas(a4) name##4 { T x, y, z, w; };                                                 \
  GASIM_FN name##2 make_##name##2(T x, T y) { return {x, y}; }                                  \
  GASIM_FN name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
GASIM_VECTOR(signed char, char, 2, 4) GASIM_VECTOR(unsigned char, uchar, 2, 4)
GASIM_VECTOR(short, short, 4, 8) GASIM_VECTOR(unsigned short, ushort, 4, 8)
GASIM_VECTOR(int, int, 8, 16) GASIM_VECTOR(unsigned, uint, 8, 16)
GASIM_VECTOR(long long, longlong, 16, 16) GASIM_VECTOR(unsigned long long, ulonglong, 16, 16)
GASIM_VECTOR(float, float, 8, 16) GASIM_VECTOR(double, double, 16, 16)

// What makes a thread wait exists only where Python found one of their names in the source, so
// that a kernel without them is sure to run as a plain loop.
#if GASIM_FIBERS
GASIM_FN void __syncthreads(GASIM_LINE) { gasim->barrier(GASIM_BARRIER, 0, line); }
GASIM_FN int __syncthreads_or(int p, GASIM_LINE) {
  return gasim->barrier(GASIM_BARRIER_OR, p != 0, line); }
GASIM_FN int __syncthreads_and(int p, GASIM_LINE) {
  return gasim->barrier(GASIM_BARRIER_AND, p != 0, line); }
GASIM_FN int __syncthreads_count(int p, GASIM_LINE) {
  return gasim->barrier(GASIM_BARRIER_COUNT, p != 0, line); }
GASIM_FN void __syncwarp(unsigned mask = 0xffffffffu, GASIM_LINE) {
  gasim->warp(GASIM_SYNC, mask, 0, 0, 32, line); }
GASIM_FN void __nanosleep(unsigned) { gasim->yield(); }
GASIM_FN unsigned __activemask() { return gasim->active(); }
GASIM_FN unsigned __ballot_sync(unsigned mask, int p, GASIM_LINE) {
  return (unsigned)gasim->warp(GASIM_BALLOT, mask, p != 0, 0, 32, line); }
GASIM_FN int __any_sync(unsigned mask, int p, GASIM_LINE) {
  return (int)gasim->warp(GASIM_ANY, mask, p != 0, 0, 32, line); }
GASIM_FN int __all_sync(unsigned mask, int p, GASIM_LINE) {
  return (int)gasim->warp(GASIM_ALL, mask, p != 0, 0, 32, line); }

template <class T>
GASIM_FN T gasim_shuffle(int kind, unsigned mask, T value, unsigned operand, int width, int line) {
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  bits = gasim->warp(kind, mask, bits, operand, (unsigned)width, line);
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}
#define GASIM_SHUFFLES(T)                                                                       \
  GASIM_FN T __shfl_sync(unsigned mask, T v, int lane, int width = 32, GASIM_LINE) {            \
    return gasim_shuffle(GASIM_SHFL, mask, v, (unsigned)lane, width, line); }                   \
  GASIM_FN T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32, GASIM_LINE) {   \
    return gasim_shuffle(GASIM_SHFL_UP, mask, v, delta, width, line); }                         \
  GASIM_FN T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32, GASIM_LINE) { \
    return gasim_shuffle(GASIM_SHFL_DOWN, mask, v, delta, width, line); }                       \
  GASIM_FN T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32, GASIM_LINE) {       \
    return gasim_shuffle(GASIM_SHFL_XOR, mask, v, (unsigned)lanes, width, line); }
GASIM_SHUFFLES(int) GASIM_SHUFFLES(unsigned) GASIM_SHUFFLES(long) GASIM_SHUFFLES(unsigned long)
GASIM_SHUFFLES(long long) GASIM_SHUFFLES(unsigned long long)
GASIM_SHUFFLES(float) GASIM_SHUFFLES(double)

#define GASIM_MATCH(T)                                                                          \
  GASIM_FN unsigned __match_any_sync(unsigned mask, T v, GASIM_LINE) {                          \
    unsigned long long bits = 0;                                                                \
    __builtin_memcpy(&bits, &v, sizeof(T));                                                     \
    return (unsigned)gasim->warp(GASIM_MATCH_ANY, mask, bits, 0, 32, line); }
GASIM_MATCH(int) GASIM_MATCH(unsigned) GASIM_MATCH(long long) GASIM_MATCH(unsigned long long)
GASIM_MATCH(float) GASIM_MATCH(double)

#define GASIM_REDUCE(name, T, kind)                                                             \
  GASIM_FN T __reduce_##name##_sync(unsigned mask, T v, GASIM_LINE) {                           \
    return (T)gasim->warp(kind, mask, (unsigned)v, 0, 32, line); }
GASIM_REDUCE(add, unsigned, GASIM_REDUCE_ADD) GASIM_REDUCE(add, int, GASIM_REDUCE_ADD)
GASIM_REDUCE(min, unsigned, GASIM_REDUCE_MIN) GASIM_REDUCE(min, int, GASIM_REDUCE_MIN_SIGNED)
GASIM_REDUCE(max, unsigned, GASIM_REDUCE_MAX) GASIM_REDUCE(max, int, GASIM_REDUCE_MAX_SIGNED)
GASIM_REDUCE(and, unsigned, GASIM_REDUCE_AND) GASIM_REDUCE(or, unsigned, GASIM_REDUCE_OR)
GASIM_REDUCE(xor, unsigned, GASIM_REDUCE_XOR)
#endif

// The end of every translation unit: GASIM_EXPORT(kernel) tells the engine where everything is.
template <class T> struct gasim_parameter;
template <class R, class A> struct gasim_parameter<R (*)(A)> { typedef A type; };

#if GASIM_FIBERS
#define GASIM_RUN(KERNEL)                                                                       \
  static void gasim_thread(const void* arguments) {                                             \
    KERNEL(*(const gasim_arguments*)arguments);                                                 \
  }                                                                                             \
  static constexpr decltype(gasim_module::block) gasim_block = nullptr;
#else
#define GASIM_RUN(KERNEL)                                                                       \
  static constexpr decltype(gasim_module::thread) gasim_thread = nullptr;                       \
  static void gasim_block(const void* arguments, unsigned threads, unsigned first,              \
                          unsigned step) {                                                      \
    unsigned t = first;                                                                         \
    for (unsigned i = 0; i < threads; ++i) {                                                    \
      gasim_place(threadIdx, t, blockDim);                                                      \
      KERNEL(*(const gasim_arguments*)arguments);                                               \
      t += step;                                                                                \
      if (t >= threads) t -= threads;                                                           \
    }                                                                                           \
  }
#endif

#define GASIM_EXPORT(KERNEL)                                                                    \
  alignas(64) __shared__ unsigned char gasim_section_exists[64];                                \
  typedef gasim_parameter<decltype(&KERNEL)>::type gasim_arguments;                             \
  GASIM_RUN(KERNEL)                                                                             \
  extern "C" __attribute__((visibility("default"))) gasim_module gpuarray_sim_module;           \
  gasim_module gpuarray_sim_module = {                                                          \
      sizeof(gasim_arguments),                                                                  \
      (unsigned long long)(gasim_shared_end - gasim_shared_begin),                              \
      gasim_thread, gasim_block, &threadIdx, &blockIdx, &blockDim, &gridDim, &gasim,            \
      gasim_shared_begin, gasim_dynamic, gasim_dynamic_capacity, GASIM_FIBERS};

// Kernels of users, several of them in a unit, take parameters of any types. They lie in memory as
// CUDA packs them, each aligned as its type asks.
template <int... I> struct gasim_indices {};
template <int N, int... I> struct gasim_counted : gasim_counted<N - 1, N - 1, I...> {};
template <int... I> struct gasim_counted<0, I...> { typedef gasim_indices<I...> type; };
template <class T> struct gasim_value { typedef T type; };
template <class T> struct gasim_value<const T> { typedef T type; };

struct gasim_parameters {
  unsigned count, offsets[64], sizes[64];
};

template <class F> struct gasim_raw;
template <class... A> struct gasim_raw<void (*)(A...)> {
  static constexpr int count = sizeof...(A);
  static constexpr unsigned sizes[] = {sizeof(A)..., 1};
  static constexpr unsigned aligned[] = {alignof(A)..., 1};
  static constexpr unsigned offset(int k) {
    unsigned at = 0;
    for (int i = 0;; ++i) {
      at = (at + aligned[i] - 1) / aligned[i] * aligned[i];
      if (i == k) return at;
      at += sizes[i];
    }
  }
  static constexpr gasim_parameters parameters() {
    gasim_parameters found = {count, {}, {}};
    for (int k = 0; k < count; ++k) found.offsets[k] = offset(k), found.sizes[k] = sizes[k];
    return found;
  }
  template <int... I>
  static void call(void (*kernel)(A...), const char* packed, gasim_indices<I...>) {
    kernel(*(const typename gasim_value<A>::type*)(packed + offset(I))...);
  }
};

#if GASIM_FIBERS
#define GASIM_RAW_RUN(NUMBER)                                                                   \
  static void gasim_thread_##NUMBER(const void* packed) { gasim_call_##NUMBER(packed); }        \
  static constexpr decltype(gasim_module::block) gasim_block_##NUMBER = nullptr;
#else
#define GASIM_RAW_RUN(NUMBER)                                                                   \
  static constexpr decltype(gasim_module::thread) gasim_thread_##NUMBER = nullptr;              \
  static void gasim_block_##NUMBER(const void* packed, unsigned threads, unsigned first,        \
                                   unsigned step) {                                             \
    unsigned t = first;                                                                         \
    for (unsigned i = 0; i < threads; ++i) {                                                    \
      gasim_place(threadIdx, t, blockDim);                                                      \
      gasim_call_##NUMBER(packed);                                                              \
      t += step;                                                                                \
      if (t >= threads) t -= threads;                                                           \
    }                                                                                           \
  }
#endif

#define GASIM_EXPORT_RAW(NUMBER, ...)                                                           \
  typedef gasim_raw<decltype(&__VA_ARGS__)> gasim_raw_##NUMBER;                                 \
  static void gasim_call_##NUMBER(const void* packed) {                                         \
    gasim_raw_##NUMBER::call(&__VA_ARGS__, (const char*)packed,                                 \
                             gasim_counted<gasim_raw_##NUMBER::count>::type());                 \
  }                                                                                             \
  GASIM_RAW_RUN(NUMBER)                                                                         \
  extern "C" __attribute__((visibility("default"))) gasim_module gpuarray_sim_module_##NUMBER;  \
  gasim_module gpuarray_sim_module_##NUMBER = {                                                 \
      1, (unsigned long long)(gasim_shared_end - gasim_shared_begin), gasim_thread_##NUMBER,    \
      gasim_block_##NUMBER, &threadIdx, &blockIdx, &blockDim, &gridDim, &gasim,                 \
      gasim_shared_begin, gasim_dynamic, gasim_dynamic_capacity, GASIM_FIBERS};                 \
  extern "C" __attribute__((visibility("default"))) gasim_parameters                            \
      gpuarray_sim_parameters_##NUMBER;                                                         \
  gasim_parameters gpuarray_sim_parameters_##NUMBER = gasim_raw_##NUMBER::parameters();

#define GASIM_EXPORT_VARIABLE(NUMBER, NAME)                                                     \
  extern "C" __attribute__((visibility("default"))) void* gpuarray_sim_variable_##NUMBER() {    \
    return (void*)&NAME;                                                                        \
  }                                                                                             \
  extern "C" __attribute__((visibility("default"))) unsigned long long                          \
      gpuarray_sim_bytes_##NUMBER;                                                              \
  unsigned long long gpuarray_sim_bytes_##NUMBER = sizeof(NAME);
