// Copies from global to shared memory that take no registers: they are on their way while the thread
// goes on. What it copied, a thread may read after it has waited; others, after a barrier as well.

template <int BYTES>
__device__ __forceinline__ void ga_copy_async(void* shared, const void* global) {
  static_assert(BYTES == 4 || BYTES == 8 || BYTES == 16, "what the hardware copies at once");
  if constexpr (BYTES == 16)
    asm volatile("{.reg .u64 s; cvta.to.shared.u64 s, %0; cp.async.cg.shared.global [s], [%1], 16;}" :: "l"(shared), "l"(global) : "memory");
  else if constexpr (BYTES == 8)
    asm volatile("{.reg .u64 s; cvta.to.shared.u64 s, %0; cp.async.ca.shared.global [s], [%1], 8;}" :: "l"(shared), "l"(global) : "memory");
  else
    asm volatile("{.reg .u64 s; cvta.to.shared.u64 s, %0; cp.async.ca.shared.global [s], [%1], 4;}" :: "l"(shared), "l"(global) : "memory");
}

__device__ __forceinline__ void ga_wait_for_copies() {
  asm volatile("cp.async.wait_all;" ::: "memory");
}
