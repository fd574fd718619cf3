// A scan of long rows in one pass over memory. Each block scans a tile, publishes its total, and adds
// up the totals of all tiles before it in the row: those of whole groups of BLOCK tiles, which the
// last tile of each group publishes, and those of its own group. Nothing depends on which totals
// come first, so equal inputs give equal bits. Tiles are drawn in order: those before have begun.

struct Args {
  const void* input;
  void* output;
  u64* totals;
  u64* group_totals;
  u32* ticket;
  i64 size;
  i64 tiles;
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

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
gpuarray_scan_tiles(const __grid_constant__ Args a) {
  __shared__ T of_warps[WARPS];
  __shared__ u32 drawn[2];
  static_assert(ITEMS % WIDTH == 0, "whole vectors for each thread");
  using Vector = vec_t<T, WIDTH>;
  const u32 t = threadIdx.x, lane = t % 32, warp = t / 32;
  if (t == 0) {
    const u32 number = atomicAdd(a.ticket, 1u);
    drawn[0] = number / (u32)a.tiles;
    drawn[1] = number % (u32)a.tiles;
  }
  __syncthreads();
  const u32 row = drawn[0], tile = drawn[1];
  const i64 skipped = (i64)tile * TILE, begin = row * a.size + skipped;
  const u32 first = warp * (32 * ITEMS) + lane * WIDTH;
  const bool whole = a.size - skipped >= TILE;
  const u32 valid = whole ? TILE : (u32)(a.size - skipped);
  const T* const source = reinterpret_cast<const T*>(a.input) + begin + first;

  Vector held[PIECES];
#pragma unroll
  for (int j = 0; j < PIECES; ++j) {
    if (whole) {
      held[j] = *reinterpret_cast<const Vector*>(source + j * (32 * WIDTH));
    } else {
#pragma unroll
      for (int c = 0; c < WIDTH; ++c) {
        const u32 at = j * (32 * WIDTH) + c;
        held[j].v[c] = first + at < valid ? source[at] : nothing<T>();
      }
    }
  }
  // Within the warp.
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
  if (lane == 0) of_warps[warp] = carry;
  __syncthreads();
  T below = nothing<T>(), total = nothing<T>();
#pragma unroll
  for (int w = 0; w < WARPS; ++w) {
    if (w == warp) below = total;
    total = combined(total, of_warps[w]);
  }
  const u64 number = (u64)row * a.tiles + tile;
  if (t == 0) publish(a.totals + number * WORDS, total);
  if (tile > 0) {
    const u32 within = tile % BLOCK, group = tile / BLOCK;
    T earlier = nothing<T>();
    if (t < within) earlier = awaited(a.totals + (number - within + t) * WORDS);
    u64* const groups = a.group_totals + (u64)row * (a.tiles / BLOCK) * WORDS;
    if (within == BLOCK - 1) {
      const T of_group = combined(combined_in_block(earlier, of_warps), total);
      if (t == 0) publish(groups + (u64)group * WORDS, of_group);
    }
    for (u32 g = t; g < group; g += BLOCK)
      earlier = combined(awaited(groups + (u64)g * WORDS), earlier);
    below = combined(combined_in_block(earlier, of_warps), below);
  }
  T* const target = reinterpret_cast<T*>(a.output) + begin + first;
#pragma unroll
  for (int j = 0; j < PIECES; ++j) {
#pragma unroll
    for (int c = 0; c < WIDTH; ++c) held[j].v[c] = combined(below, held[j].v[c]);
    if (whole) {
      *reinterpret_cast<Vector*>(target + j * (32 * WIDTH)) = held[j];
    } else {
#pragma unroll
      for (int c = 0; c < WIDTH; ++c) {
        const u32 at = j * (32 * WIDTH) + c;
        if (first + at < valid) target[at] = held[j].v[c];
      }
    }
  }
}
