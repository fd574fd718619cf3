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
  i64 rows;
};

constexpr int BUFFERS = 3;
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

struct Word {
  u64 seen[WORDS];

  __device__ __forceinline__ void look(const u64* place) {
#pragma unroll
    for (int k = 0; k < WORDS; ++k) seen[k] = const_cast<const volatile u64*>(place)[k];
  }

  __device__ __forceinline__ T awaited(const u64* place) {
    Value found;
#pragma unroll
    for (int k = 0; k < WORDS; ++k) {
      while ((seen[k] & READY) == 0) {
        __nanosleep(20);
        seen[k] = const_cast<const volatile u64*>(place)[k];
      }
      found.words[k] = (u32)seen[k];
    }
    return found.value;
  }
};

// All values of the warp, put together in one order.
__device__ __forceinline__ T combined_in_warp(T x) {
#pragma unroll
  for (int d = 16; d > 0; d /= 2) x = combined(x, ga_shuffle_down(x, d));
  return ga_shuffle(x, 0);
}

// Everything before a tile of its row, by one warp. `totals` are those of the row's tiles, then of
// each 32 of them, then of each 1024. The last of 32 publishes their total for all later ones, and
// the last of 1024. `look` sends for what will be waited for, `found` waits.
struct Before {
  const u64 *of_tiles, *of_groups, *of_blocks;
  u32 tile;
  Word tiles, groups, blocks;

  __device__ __forceinline__ void look(const u64* totals, u32 count, u32 number) {
    const u32 lane = threadIdx.x % 32;
    tile = number;
    of_groups = totals + (u64)count * WORDS;
    of_blocks = of_groups + (u64)(count / 32) * WORDS + lane * WORDS;
    of_tiles = totals + (u64)(tile / 32 * 32 + lane) * WORDS;
    of_groups += (u64)(tile / 1024 * 32 + lane) * WORDS;
    if (lane < tile % 32) tiles.look(of_tiles);
    if (lane < tile / 32 % 32) groups.look(of_groups);
    if (lane < tile / 1024) blocks.look(of_blocks);
  }

  __device__ __forceinline__ T found(T total) {
    const u32 lane = threadIdx.x % 32, group = tile / 32 % 32, block = tile / 1024;
    T below = nothing<T>();
    if (lane < tile % 32) below = tiles.awaited(of_tiles);
    below = combined_in_warp(below);
    if (tile % 32 == 31) {
      total = combined(below, total);
      if (lane == 0) publish(const_cast<u64*>(of_groups) + (u64)group * WORDS, total);
    }
    T earlier = nothing<T>();
    if (lane < group) earlier = groups.awaited(of_groups);
    earlier = combined_in_warp(earlier);
    if (tile % 1024 == 1023 && lane == 0)
      publish(const_cast<u64*>(of_blocks) + (u64)block * WORDS, combined(earlier, total));
    below = combined(earlier, below);
    earlier = nothing<T>();
    if (lane < block) earlier = blocks.awaited(of_blocks);
    for (u32 b = lane + 32; b < block; b += 32) {
      const u64* const place = of_blocks + (u64)(b - lane) * WORDS;
      blocks.look(place);
      earlier = combined(earlier, blocks.awaited(place));
    }
    return combined(combined_in_warp(earlier), below);
  }
};

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

// Where a tile is, and what one thread of it has below it within the tile.
struct Tile {
  i64 row;
  u32 number;
  T below, total;
};

__device__ __forceinline__ i64 elements_left(const Args& a, const Tile& tile) {
  return a.size - ((i64)tile.number * TILE + threadIdx.x / 32 * OF_WARP);
}

__device__ __forceinline__ i64 begin_of_warp(const Args& a, const Tile& tile) {
  return tile.row * a.size + (i64)tile.number * TILE + threadIdx.x / 32 * OF_WARP;
}

using Moved = vec_t<T, WIDTH>;

// The warp's elements are sent for, or, at a row's end, read.
__device__ __forceinline__ void load(const Args& a, const Tile& tile, Vector* held) {
  const u32 lane = threadIdx.x % 32;
  const i64 left = elements_left(a, tile);
  const T* const source = reinterpret_cast<const T*>(a.input) + begin_of_warp(a, tile);
  if (left >= OF_WARP && sizeof(Moved) >= 4) {
#pragma unroll
    for (u32 e = lane * WIDTH; e < OF_WARP; e += 32 * WIDTH)
      ga_copy_async<sizeof(Moved) < 4 ? 4 : sizeof(Moved)>(element_at(held, e), source + e);
  } else {
    for (u32 e = lane; e < OF_WARP; e += 32)
      *element_at(held, e) = e < left ? source[e] : nothing<T>();
  }
}

// Each thread's sums are added to what is below at the end: they are the more exact for it.
__device__ __forceinline__ void write(const Args& a, const Tile& tile, T below, Vector* held) {
  const u32 lane = threadIdx.x % 32;
  T mine = nothing<T>();
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    Vector* const place = held_at(held, lane, j);
    Vector x = *place;
#pragma unroll
    for (int c = 0; c < EACH; ++c) {
      mine = combined(mine, x.v[c]);
      x.v[c] = combined(below, mine);
    }
    *place = x;
  }
  __syncwarp();
  const i64 left = elements_left(a, tile);
  T* const target = reinterpret_cast<T*>(a.output) + begin_of_warp(a, tile);
  if (left >= OF_WARP) {
#pragma unroll
    for (u32 e = lane * WIDTH; e < OF_WARP; e += 32 * WIDTH)
      *reinterpret_cast<Moved*>(target + e) =
          *reinterpret_cast<const Moved*>(element_at(held, e));
  } else {
    for (u32 e = lane; e < OF_WARP; e += 32)
      if (e < left) target[e] = *element_at(held, e);
  }
  __syncwarp();
}

// A block goes from tile to tile: one is on its way from memory, the one before waits for the totals
// of earlier tiles while that comes. So little is on its way at once that totals are not kept
// waiting behind it, which costs more than all else.
extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
gpuarray_scan_tiles(const __grid_constant__ Args a) {
  extern __shared__ Vector all_held[];
  __shared__ T of_warps[WARPS];
  __shared__ T before_all;
  __shared__ u32 drawn;
  const u32 t = threadIdx.x, lane = t % 32, warp = t / 32;
  const u32 tiles = (u32)a.tiles, count = (u32)a.rows * tiles;
  const u64 of_row = (u64)(tiles + tiles / 32 + tiles / 1024) * WORDS;
  Vector* const held = all_held + warp * (32 * VECTORS);
  if (t == 0) drawn = atomicAdd(a.ticket, 1u);
  __syncthreads();
  u32 number = drawn;
  __syncthreads();
  Tile now, last;
  now.row = number / tiles, now.number = number % tiles;
  if (number < count) load(a, now, held);
  bool waits = false;
  Before before;
  for (u32 place = 0;; place = place + 1 == BUFFERS ? 0 : place + 1) {
    const bool more = number < count;
    if (!more && !waits) break;
    u32 next = 0;
    if (more && t == 0) next = atomicAdd(a.ticket, 1u);
    if (waits && warp == 0) before.look(a.totals + last.row * of_row, tiles, last.number);
    Vector* const mine = held + place * (BLOCK * VECTORS);
    T before_lane = nothing<T>();
    if (more) {
      ga_wait_for_copies();
      __syncwarp();
      T sum = nothing<T>();
#pragma unroll
      for (int j = 0; j < VECTORS; ++j) {
        const Vector x = *held_at(mine, lane, j);
#pragma unroll
        for (int c = 0; c < EACH; ++c) sum = combined(sum, x.v[c]);
      }
      const T upto = upto_in_warp<32>(sum);
      before_lane = ga_shuffle_up(upto, 1);
      if (lane == 31) of_warps[warp] = upto;
      if (t == 0) drawn = next;
    }
    __syncthreads();
    Tile upcoming;
    const u32 upcoming_number = more ? drawn : count;
    if (more) {
      const T sums = upto_in_warp<32>(lane < WARPS ? of_warps[lane] : nothing<T>());
      const T earlier = ga_shuffle(sums, warp - 1);
      now.total = ga_shuffle(sums, WARPS - 1);
      now.below = warp > 0 ? earlier : nothing<T>();
      if (lane > 0) now.below = combined(now.below, before_lane);
      if (t == 0) publish(a.totals + now.row * of_row + (u64)now.number * WORDS, now.total);
      upcoming.row = upcoming_number / tiles, upcoming.number = upcoming_number % tiles;
      if (upcoming_number < count)
        load(a, upcoming, held + (place + 1 == BUFFERS ? 0 : place + 1) * (BLOCK * VECTORS));
    }
    if (waits && warp == 0) {
      const T earlier = before.found(last.total);
      if (lane == 0) before_all = earlier;
    }
    __syncthreads();
    if (waits)
      write(a, last, combined(before_all, last.below),
            held + (place == 0 ? BUFFERS - 1 : place - 1) * (BLOCK * VECTORS));
    last = now;
    waits = more;
    now = upcoming;
    number = upcoming_number;
  }
}
