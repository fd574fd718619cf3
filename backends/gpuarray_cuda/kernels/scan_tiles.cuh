// A scan of long rows in one pass over memory. Each block copies a tile to shared memory, publishes
// its total, and adds up the totals of all tiles before it in the row. Nothing depends on which totals
// come first, so equal inputs give equal bits. Tiles are drawn in order: those before have begun.

struct Args {
  const void* input;
  void* output;
  u64* totals;
  u32* ticket;
  i64 size;
  i64 tiles;
};

constexpr int WARPS = BLOCK / 32;
constexpr int ITEMS = BYTES / sizeof(T);  // of a thread, side by side
constexpr int OF_WARP = 32 * ITEMS;
constexpr int TILE = BLOCK * ITEMS;
constexpr int WORDS = sizeof(T) < 4 ? 1 : sizeof(T) / 4;
constexpr u64 READY = 1ull << 32;

union Value {
  T value;
  u32 words[WORDS];
};

// Four bytes of a value with a mark, so that each word says itself whether it is there.
__device__ __forceinline__ void publish(u64* place, T value) {
  Value sent;
  sent.words[0] = 0;
  sent.value = value;
#pragma unroll
  for (int k = 0; k < WORDS; ++k) const_cast<volatile u64*>(place)[k] = READY | sent.words[k];
}

__device__ __forceinline__ T awaited(const u64* place) {
  Value found;
#pragma unroll
  for (int k = 0; k < WORDS; ++k) {
    u64 seen;
    while (((seen = const_cast<const volatile u64*>(place)[k]) & READY) == 0) __nanosleep(20);
    found.words[k] = (u32)seen;
  }
  return found.value;
}

// All values of the warp, put together in one order; ORDERED, in that of the lanes.
__device__ __forceinline__ T combined_in_warp(T x) {
#pragma unroll
  for (int k = 0; k < 5; ++k) x = combined(x, ga_shuffle_down(x, ORDERED ? 1 << k : 16 >> k));
  return ga_shuffle(x, 0);
}

// Everything before a tile of its row, for the lanes of one warp. `totals` are those of the row's
// tiles, then of each 32 of them, then of each 1024. The last of 32 publishes their total for all
// later ones, and the last of 1024.
__device__ __forceinline__ T before_tile(u64* totals, u32 tiles, u32 tile, T total) {
  const u32 lane = threadIdx.x % 32, group = tile / 32, block = tile / 1024;
  u64* const of_groups = totals + (u64)tiles * WORDS;
  u64* const of_blocks = of_groups + (u64)(tiles / 32) * WORDS;
  T below = nothing<T>();
  if (lane < tile % 32) below = awaited(totals + (u64)(group * 32 + lane) * WORDS);
  below = combined_in_warp(below);
  if (tile % 32 == 31) {
    total = combined(below, total);
    if (lane == 0) publish(of_groups + (u64)group * WORDS, total);
  }
  T earlier = nothing<T>();
  if (lane < group % 32) earlier = awaited(of_groups + (u64)(block * 32 + lane) * WORDS);
  earlier = combined_in_warp(earlier);
  if (tile % 1024 == 1023 && lane == 0)
    publish(of_blocks + (u64)block * WORDS, combined(earlier, total));
  below = combined(earlier, below);
  earlier = nothing<T>();
  if constexpr (ORDERED) {
    for (u32 first = 0; first < block; first += 32) {
      T some = nothing<T>();
      if (first + lane < block) some = awaited(of_blocks + (u64)(first + lane) * WORDS);
      earlier = combined(earlier, combined_in_warp(some));
    }
  } else {
    for (u32 b = lane; b < block; b += 32)
      earlier = combined(earlier, awaited(of_blocks + (u64)b * WORDS));
    earlier = combined_in_warp(earlier);
  }
  return combined(earlier, below);
}

// The warp's elements lie in vectors of 16 bytes, BYTES of each lane side by side, and a lane's
// vectors in an order of its own: so eight lanes that read one vector each, or all of one lane, find
// them in different banks.
constexpr int EACH = 16 / sizeof(T);
constexpr int VECTORS = BYTES / 16;
static_assert((VECTORS & (VECTORS - 1)) == 0, "a power of two, for the exclusive or");
using Vector = vec_t<T, EACH>;

__device__ __forceinline__ Vector* held_at(Vector* held, u32 lane, u32 vector) {
  return held + lane * VECTORS + (vector ^ lane % VECTORS);
}

__device__ __forceinline__ T* element_at(Vector* held, u32 element) {
  return held_at(held, element / ITEMS, element % ITEMS / EACH)->v + element % EACH;
}

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
gpuarray_scan_tiles(const __grid_constant__ Args a) {
  // Not dynamic: for that the driver sets less shared memory aside than 6 blocks take (0.196 ms for
  // 64 Mi float32 on an H200, instead of 0.177).
  __shared__ Vector all_held[BLOCK * VECTORS];
  __shared__ T of_warps[WARPS];
  __shared__ T before_all;
  __shared__ u32 drawn[2];
  using Moved = vec_t<T, WIDTH>;
  const u32 t = threadIdx.x, lane = t % 32, warp = t / 32;
  if (t == 0) {
    const u32 number = atomicAdd(a.ticket, 1u);
    drawn[0] = number / (u32)a.tiles;
    drawn[1] = number % (u32)a.tiles;
  }
  __syncthreads();
  const u32 row = drawn[0], tile = drawn[1];
  const i64 skipped = (i64)tile * TILE + warp * OF_WARP, begin = row * a.size + skipped;
  const bool whole = a.size - skipped >= OF_WARP;
  Vector* const held = all_held + warp * (32 * VECTORS);

  const T* const source = reinterpret_cast<const T*>(a.input) + begin;
  if (whole && BEFORE) {
#pragma unroll
    for (u32 k = 0; k < ITEMS; ++k)
      *element_at(held, lane + k * 32) = loaded(a, begin + lane + k * 32);
  } else if (whole && sizeof(Moved) >= 4) {
#pragma unroll
    for (u32 e = lane * WIDTH; e < OF_WARP; e += 32 * WIDTH)
      ga_copy_async<sizeof(Moved) < 4 ? 4 : sizeof(Moved)>(element_at(held, e), source + e);
    ga_wait_for_copies();
  } else {
    for (u32 e = lane; e < OF_WARP; e += 32)
      *element_at(held, e) = skipped + e < a.size ? loaded(a, begin + e) : nothing<T>();
  }
  __syncwarp();

  T mine = nothing<T>();
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const Vector x = *held_at(held, lane, j);
#pragma unroll
    for (int c = 0; c < EACH; ++c) mine = combined(mine, x.v[c]);
  }
  const T upto = upto_in_warp<32>(mine), before = ga_shuffle_up(upto, 1);
  if (lane == 31) of_warps[warp] = upto;
  __syncthreads();
  const T sums = upto_in_warp<32>(lane < WARPS ? of_warps[lane] : nothing<T>());
  const T total = ga_shuffle(sums, WARPS - 1), of_earlier_warps = ga_shuffle(sums, warp - 1);
  T below = warp > 0 ? of_earlier_warps : nothing<T>();
  if (lane > 0) below = combined(below, before);
  if (warp == 0) {
    u64* const totals = a.totals + (u64)row * (a.tiles + a.tiles / 32 + a.tiles / 1024) * WORDS;
    if (lane == 0) publish(totals + (u64)tile * WORDS, total);
    const T earlier = before_tile(totals, (u32)a.tiles, tile, total);
    if (lane == 0) before_all = earlier;
  }
  __syncthreads();
  below = combined(before_all, below);

  // The thread's own sums are added to what is below at the end: they are the more exact for it. What
  // a user combines may cost more than an addition, so that it is combined once.
  mine = nothing<T>();
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    Vector* const place = held_at(held, lane, j);
    Vector x = *place;
#pragma unroll
    for (int c = 0; c < EACH; ++c) {
      const T own = x.v[c];
      if constexpr (ORDERED) {
        const T upto = combined(below, own);
        x.v[c] = EXCLUSIVE ? below : upto;
        below = upto;
      } else {
        mine = combined(mine, own);
        x.v[c] = combined(below, mine);
      }
    }
    *place = x;
  }
  __syncwarp();
  T* const target = reinterpret_cast<T*>(a.output) + begin;
  if (whole && AFTER) {
#pragma unroll
    for (u32 k = 0; k < ITEMS; ++k)
      stored(a, begin + lane + k * 32, *element_at(held, lane + k * 32));
  } else if (whole) {
#pragma unroll
    for (u32 e = lane * WIDTH; e < OF_WARP; e += 32 * WIDTH)
      *reinterpret_cast<Moved*>(target + e) =
          *reinterpret_cast<const Moved*>(element_at(held, e));
  } else {
    for (u32 e = lane; e < OF_WARP; e += 32)
      if (skipped + e < a.size) stored(a, begin + e, *element_at(held, e));
  }
}
