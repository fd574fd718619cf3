// One pass of a radix sort over memory: each block takes a tile, ranks it by one digit, learns from
// the tiles before it where each digit goes on, and writes. A tile first publishes how many elements
// it has of each digit, and, once it knows, how many there are up to its end; later tiles add up the
// former back to the nearest of the latter. Tiles are drawn in order, so that those before a tile
// have begun, and are waited for in vain by nobody.

struct Args {
  const void* input;
  void* keys_a;
  void* keys_b;
  void* positions_a;
  void* positions_b;
  i64* results;
  const void* offsets;
  const u32* plans;
  void* states;
  u32* tickets;
  i64 pass;
  i64 size;
  i64 tiles;
};

constexpr COUNT PARTIAL = (COUNT)1 << (8 * sizeof(COUNT) - 2);
constexpr COUNT WHOLE = (COUNT)2 << (8 * sizeof(COUNT) - 2);

// Elements of a digit before a tile of its row. Several states are on their way at once, since each
// takes as long as a read of the second-level cache.
__device__ __forceinline__ COUNT elements_before(const volatile COUNT* states, u32 tile) {
  COUNT sum = 0;
  for (;;) {
    COUNT seen[WINDOW];
#pragma unroll
    for (int k = 0; k < WINDOW; ++k) seen[k] = states[BINS * (u64)(tile > k ? tile - 1 - k : 0)];
    bool ready = true;
#pragma unroll
    for (int k = 0; k < WINDOW; ++k) {
      ready = ready && seen[k] != 0;
      if (ready) {
        sum += seen[k] & (PARTIAL - 1);
        if (seen[k] & WHOLE) return sum;
        --tile;
      }
    }
    if (!ready) __nanosleep(20);
  }
}

template <bool WHOLE_TILE, class Write>
__device__ __forceinline__ void each_ordered(u32 valid, Write write) {
#pragma unroll 4
  for (int i = 0; i < ITEMS; ++i) {
    const u32 p = threadIdx.x + i * BLOCK;
    if (WHOLE_TILE || p < valid) write(p);
  }
}

// Writes an ordered tile out. Neighbours mostly share a digit, and so go to neighbouring places.
template <class Write>
__device__ __forceinline__ void write_all(u32 valid, Write write) {
  if (valid == TILE)
    each_ordered<true>(valid, write);
  else
    each_ordered<false>(valid, write);
}

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
gpuarray_sort_pass(const __grid_constant__ Args a) {
  static_assert(BLOCK >= BINS, "a thread for each digit");
  extern __shared__ u64 memory[];
  __shared__ u32 sums[WARPS];
  __shared__ COUNT shifts[BINS];
  __shared__ u32 drawn[2];
  __shared__ i64 row_begin;
  u32* const counts = reinterpret_cast<u32*>(memory);
  POSITION* const positions = reinterpret_cast<POSITION*>(counts + WARPS * BINS);
  KEY* const keys = reinterpret_cast<KEY*>(positions + (POSITIONS ? TILE : 0));

  const u32 t = threadIdx.x, pass = (u32)a.pass;
  u32* const counts_of_warp = counts + t / 32 * BINS;
  if (t == 0) {
    const u32 number = atomicAdd(&a.tickets[pass], 1u), row = number / (u32)a.tiles;
    drawn[0] = row;
    drawn[1] = number % (u32)a.tiles;
    row_begin = (i64)row * a.size;
  }
#pragma unroll
  for (int k = 0; k < BINS / 32; ++k) counts_of_warp[t % 32 + 32 * k] = 0;
  __syncthreads();
  const u32 row = drawn[0], tile = drawn[1];
  const u32 plan = a.plans[row * PASSES + pass];
  if (!(plan & ACTIVE)) return;

  const i64 begin = row_begin, skipped = (i64)tile * TILE;
  const u32 valid = a.size - skipped < TILE ? (u32)(a.size - skipped) : TILE;
  const u32 first = t / 32 * (32 * ITEMS) + t % 32;
  const bool to_b = (plan & TO_B) != 0;
  const KEY* source = reinterpret_cast<const KEY*>(to_b ? a.keys_a : a.keys_b);
  if (plan & FIRST) source = reinterpret_cast<const KEY*>(a.input);
  source += begin + skipped + first;

  // What pads the last tile is ranked behind its elements: it has the highest digit, and comes last.
  KEY held[ITEMS];
#pragma unroll
  for (int i = 0; i < ITEMS; ++i)
    held[i] = first + 32 * i < valid ? source[32 * i] : (KEY)~(KEY)0;
  if (plan & FIRST) {
#pragma unroll
    for (int i = 0; i < ITEMS; ++i)
      if (first + 32 * i < valid) held[i] = key_of(held[i]);
  }

  // Counted before they are ranked, so that other tiles wait less.
#pragma unroll
  for (int i = 0; i < ITEMS; ++i) atomicAdd(&counts_of_warp[digit_of(held[i], pass)], 1u);
  __syncthreads();
  COUNT* const states =
      reinterpret_cast<COUNT*>(a.states) + ((u64)row * a.tiles + tile) * BINS + t;
  COUNT before = 0;
  u32 earlier[WARPS], total = 0;
  if (t < BINS) {
#pragma unroll
    for (int w = 0; w < WARPS; ++w) {
      earlier[w] = total;
      total += counts[w * BINS + t];
    }
    if (tile == 0)
      before = reinterpret_cast<const COUNT*>(a.offsets)[((u64)row * PASSES + pass) * BINS + t];
    *const_cast<volatile COUNT*>(states) = tile == 0 ? WHOLE | (before + total) : PARTIAL | total;
  }
  const u32 start = before_in_block(total, sums);
  if (t < BINS) {
#pragma unroll
    for (int w = 0; w < WARPS; ++w) counts[w * BINS + t] = start + earlier[w];
  }
  __syncthreads();

  // Hidden, so that each digit is extracted again and needs no register meanwhile.
  const u32 same_pass = hidden(pass);
  u32 places[ITEMS];
#pragma unroll
  for (int i = 0; i < ITEMS; ++i) {
    places[i] = place_of(digit_of(held[i], same_pass), counts_of_warp);
    keys[places[i]] = held[i];
  }
  POSITION came[ITEMS];
  if constexpr (POSITIONS) {
    const POSITION* from = reinterpret_cast<const POSITION*>(to_b ? a.positions_a : a.positions_b);
    from += begin + skipped + first;
#pragma unroll
    for (int i = 0; i < ITEMS; ++i) {
      came[i] = (POSITION)(skipped + first + 32 * i);
      if (!(plan & FIRST) && first + 32 * i < valid) came[i] = from[32 * i];
    }
  }
  if (t < BINS) {
    if (tile > 0) {
      before = elements_before(states - (u64)tile * BINS, tile);
      *const_cast<volatile COUNT*>(states) = WHOLE | (before + total);
    }
    shifts[t] = before - start;
  }
  if constexpr (POSITIONS) {
#pragma unroll
    for (int i = 0; i < ITEMS; ++i) positions[places[i]] = came[i];
  }
  __syncthreads();

  const auto place_at = [&](u32 p) { return shifts[digit_of(keys[p], same_pass)] + p; };
  KEY* const to = reinterpret_cast<KEY*>(to_b ? a.keys_b : a.keys_a) + begin;
  if constexpr (POSITIONS) {
    i64* const results = a.results + begin;
    POSITION* const positions_to =
        reinterpret_cast<POSITION*>(to_b ? a.positions_b : a.positions_a) + begin;
    if (plan & LAST) {
      write_all(valid, [&](u32 p) { results[place_at(p)] = (i64)positions[p]; });
    } else {
      write_all(valid, [&](u32 p) {
        const COUNT place = place_at(p);
        to[place] = keys[p];
        positions_to[place] = positions[p];
      });
    }
  } else if (plan & LAST) {
    write_all(valid, [&](u32 p) { to[place_at(p)] = element_of(keys[p]); });
  } else {
    write_all(valid, [&](u32 p) { to[place_at(p)] = keys[p]; });
  }
}
