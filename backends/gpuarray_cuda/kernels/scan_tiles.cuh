// A scan of long rows in one pass over memory. Each block scans a tile, publishes its total, and adds
// up the totals of all tiles before it in the row: those of whole groups of BLOCK tiles, which the
// last tile of each group publishes, and those of its own group. Nothing depends on which totals
// come first, so equal inputs give equal bits. Tiles are drawn in order, so that those before a tile
// have begun, or follow a smaller one in their block; the smallest that is left waits for nobody.
// While a block waits for totals, the elements of its next tile are on their way.

struct Args {
  const void* input;
  void* output;
  u64* totals;
  u64* group_totals;
  u32* ticket;
  i64 size;
  i64 tiles;
  i64 all_tiles;
};

constexpr int WARPS = BLOCK / 32;
constexpr int PIECES = ITEMS / WIDTH;
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

// All values of the block, in an order of their threads.
__device__ __forceinline__ T combined_in_block(T x, T* of_warps) {
#pragma unroll
  for (int d = 16; d > 0; d /= 2) x = combined(x, ga_shuffle_down(x, d));
  __syncthreads();
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = x;
  __syncthreads();
  x = of_warps[0];
#pragma unroll
  for (int w = 1; w < WARPS; ++w) x = combined(x, of_warps[w]);
  return x;
}

using Vector = vec_t<T, WIDTH>;

// The number of a tile, counted over all rows; nobody draws again before the next barrier.
__device__ __forceinline__ u32 draw(u32* ticket, u32* drawn) {
  if (threadIdx.x == 0) *drawn = atomicAdd(ticket, 1u);
  __syncthreads();
  return *drawn;
}

// Where a tile begins, how many elements it has, and the first of a thread's among them.
struct Place {
  i64 begin;
  u32 valid;
  u32 first;
};

__device__ __forceinline__ Place place_of(const Args& a, u32 number) {
  const u32 row = number / (u32)a.tiles, tile = number % (u32)a.tiles;
  const i64 skipped = (i64)tile * TILE;
  const u32 t = threadIdx.x;
  return {row * a.size + skipped, a.size - skipped < TILE ? (u32)(a.size - skipped) : TILE,
          t / 32 * (32 * ITEMS) + t % 32 * WIDTH};
}

__device__ __forceinline__ void load(const Args& a, u32 number, Vector* held) {
  const Place p = place_of(a, number);
  const T* const source = reinterpret_cast<const T*>(a.input) + p.begin + p.first;
#pragma unroll
  for (int j = 0; j < PIECES; ++j) {
    if (p.valid == TILE) {
      held[j] = *reinterpret_cast<const Vector*>(source + j * (32 * WIDTH));
    } else {
#pragma unroll
      for (int c = 0; c < WIDTH; ++c) {
        const u32 at = j * (32 * WIDTH) + c;
        held[j].v[c] = p.first + at < p.valid ? source[at] : nothing<T>();
      }
    }
  }
}

__device__ __forceinline__ void store(const Args& a, u32 number, const Vector* held) {
  const Place p = place_of(a, number);
  T* const target = reinterpret_cast<T*>(a.output) + p.begin + p.first;
#pragma unroll
  for (int j = 0; j < PIECES; ++j) {
    if (p.valid == TILE) {
      *reinterpret_cast<Vector*>(target + j * (32 * WIDTH)) = held[j];
    } else {
#pragma unroll
      for (int c = 0; c < WIDTH; ++c) {
        const u32 at = j * (32 * WIDTH) + c;
        if (p.first + at < p.valid) target[at] = held[j].v[c];
      }
    }
  }
}

// Each element of a warp's becomes what there is up to it; the last one, of the whole warp.
__device__ __forceinline__ T scan_warp(Vector* held) {
  const u32 lane = threadIdx.x % 32;
  T carry = nothing<T>();
#pragma unroll
  for (int j = 0; j < PIECES; ++j) {
#pragma unroll
    for (int c = 1; c < WIDTH; ++c) held[j].v[c] = combined(held[j].v[c - 1], held[j].v[c]);
    const T upto = upto_in_warp<32>(held[j].v[WIDTH - 1]);
    const T before = ga_shuffle_up(upto, 1);
    const T start = lane == 0 ? carry : combined(carry, before);
#pragma unroll
    for (int c = 0; c < WIDTH; ++c) held[j].v[c] = combined(start, held[j].v[c]);
    carry = combined(carry, ga_shuffle(upto, 31));
  }
  return carry;
}

// Everything in the row before a tile that has published its total.
__device__ __forceinline__ T before_tile(const Args& a, u32 number, T total, T* of_warps) {
  const u32 t = threadIdx.x, row = number / (u32)a.tiles, tile = number % (u32)a.tiles;
  const u32 within = tile % BLOCK, group = tile / BLOCK;
  T earlier = nothing<T>();
  if (t < within) earlier = awaited(a.totals + (u64)(number - within + t) * WORDS);
  u64* const groups = a.group_totals + (u64)row * (a.tiles / BLOCK) * WORDS;
  if (within == BLOCK - 1) {
    const T of_group = combined(combined_in_block(earlier, of_warps), total);
    if (t == 0) publish(groups + (u64)group * WORDS, of_group);
  }
  for (u32 g = t; g < group; g += BLOCK)
    earlier = combined(awaited(groups + (u64)g * WORDS), earlier);
  return combined_in_block(earlier, of_warps);
}

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
gpuarray_scan_tiles(const __grid_constant__ Args a) {
  __shared__ T of_warps[WARPS];
  __shared__ u32 drawn[2];
  static_assert(ITEMS % WIDTH == 0, "whole vectors for each thread");
  const u32 warp = threadIdx.x / 32;
  Vector held[PIECES], next[PIECES];
  u32 number = draw(a.ticket, drawn);
  if (number < a.all_tiles) load(a, number, held);
  while (number < a.all_tiles) {
    // Of the warps' totals, the barrier in here also ends the reading.
    const u32 following = draw(a.ticket, drawn + 1);
    if (following < a.all_tiles) load(a, following, next);
    const T of_warp = scan_warp(held);
    if (threadIdx.x % 32 == 0) of_warps[warp] = of_warp;
    __syncthreads();
    T below = nothing<T>(), total = nothing<T>();
#pragma unroll
    for (int w = 0; w < WARPS; ++w) {
      if (w == warp) below = total;
      total = combined(total, of_warps[w]);
    }
    if (threadIdx.x == 0) publish(a.totals + (u64)number * WORDS, total);
    if (number % (u32)a.tiles > 0) below = combined(before_tile(a, number, total, of_warps), below);
#pragma unroll
    for (int j = 0; j < PIECES; ++j) {
#pragma unroll
      for (int c = 0; c < WIDTH; ++c) held[j].v[c] = combined(below, held[j].v[c]);
    }
    store(a, number, held);
#pragma unroll
    for (int j = 0; j < PIECES; ++j) held[j] = next[j];
    number = following;
  }
}
