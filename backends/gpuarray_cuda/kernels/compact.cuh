// Compaction: the elements of a mask that hold, or the elements that begin a run of equal ones, in
// order and without gaps. Each tile counts, one block sums the counts up, each tile writes from there
// on. Given: RUNS (of T, else a mask), BITS (of the mask, 32 to a word, else bytes), POSITIONS (written
// as MOVED, else the elements).

struct Args {
  const void* flags;
  const void* elements;
  i64* offsets;
  void* results;
  i64 size;
};

constexpr int WARPS = BLOCK / 32;
constexpr int WORDS = 16;  // of a warp, 32 elements each

// The bytes of a word that are not zero, as four bits.
__device__ __forceinline__ u32 nonzero_bytes(u32 x) {
  const u32 high = (((x & 0x7f7f7f7fu) + 0x7f7f7f7fu) | x) & 0x80808080u;
  return (high >> 7) * 0x01020408u >> 24 & 15u;
}

// Lane k gets the flags of the 32 elements of word k of the warp. Each lane reads 16 of them.
__device__ __forceinline__ u32 flags_of_mask(const u8* mask, i64 begin, i64 size) {
  const int lane = threadIdx.x % 32;
  const i64 first = begin + 16 * lane;
  u32 bits = 0;
  if (first + 16 <= size && (reinterpret_cast<u64>(mask + first) & 15) == 0) {
    const vec_t<u32, 4> read = *reinterpret_cast<const vec_t<u32, 4>*>(mask + first);
#pragma unroll
    for (int k = 0; k < 4; ++k) bits |= nonzero_bytes(read.v[k]) << 4 * k;
  } else {
#pragma unroll
    for (int k = 0; k < 16; ++k)
      if (first + k < size && mask[first + k] != 0) bits |= 1u << k;
  }
  const u32 low = __shfl_sync(0xffffffffu, bits, 2 * lane % 32);
  const u32 high = __shfl_sync(0xffffffffu, bits, (2 * lane + 1) % 32);
  return lane < WORDS ? low | high << 16 : 0;
}

// The same for a mask of bits, which ends with zeros.
__device__ __forceinline__ u32 flags_of_bits(const u32* words, i64 begin, i64 size) {
  const int lane = threadIdx.x % 32;
  return lane < WORDS && begin + 32 * lane < size ? words[begin / 32 + lane] : 0;
}

// The same for elements, whose flag is that the one before differs. NaN differs from NaN.
__device__ __forceinline__ u32 flags_of_runs(const T* x, i64 begin, i64 size) {
  const int lane = threadIdx.x % 32;
  u32 mine = 0;
#pragma unroll
  for (int k = 0; k < WORDS; ++k) {
    const i64 i = begin + 32 * k + lane;
    const u32 word = __ballot_sync(0xffffffffu, i < size && (i == 0 || x[i] != x[i - 1]));
    if (lane == k) mine = word;
  }
  return mine;
}

// How many of a lane's elements have such a flag: whole vectors, where it need not be known which.
__device__ __forceinline__ u32 runs_begun(const T* x, i64 begin, i64 size) {
  constexpr int WIDTH = 16 / sizeof(T);
  if (begin + 32 * WORDS > size || (reinterpret_cast<u64>(x) & 15) != 0)
    return __popc(flags_of_runs(x, begin, size));
  const int lane = threadIdx.x % 32;
  vec_t<T, WIDTH> held[WORDS / WIDTH];
#pragma unroll
  for (int j = 0; j < WORDS / WIDTH; ++j)
    held[j] = *reinterpret_cast<const vec_t<T, WIDTH>*>(x + begin + (32 * j + lane) * WIDTH);
  u32 begun = begin == 0 && lane == 0;
  T last = x[begin == 0 ? 0 : begin - 1];
#pragma unroll
  for (int j = 0; j < WORDS / WIDTH; ++j) {
    const T before = ga_shuffle_up(held[j].v[WIDTH - 1], 1);
    // The first element of all differs from itself only as a NaN, which it was counted as above.
    if (lane == 0)
      begun += (begin != 0 || j != 0) && held[j].v[0] != last;
    else
      begun += held[j].v[0] != before;
#pragma unroll
    for (int c = 1; c < WIDTH; ++c) begun += held[j].v[c] != held[j].v[c - 1];
    last = ga_shuffle(held[j].v[WIDTH - 1], 31);
  }
  return begun;
}

__device__ __forceinline__ u32 flags_of(const void* flags, i64 begin, i64 size) {
  if constexpr (RUNS)
    return flags_of_runs(reinterpret_cast<const T*>(flags), begin, size);
  else if constexpr (BITS)
    return flags_of_bits(reinterpret_cast<const u32*>(flags), begin, size);
  else
    return flags_of_mask(reinterpret_cast<const u8*>(flags), begin, size);
}

// The sum over the threads before this one, and that over all.
template <int THREADS>
__device__ __forceinline__ u32 before_in_block(u32 mine, u32* total) {
  __shared__ u32 sums[THREADS / 32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  u32 upto = mine;
#pragma unroll
  for (int d = 1; d < 32; d *= 2) {
    const u32 other = __shfl_up_sync(0xffffffffu, upto, d);
    if (lane >= d) upto += other;
  }
  __syncthreads();
  if (lane == 31) sums[warp] = upto;
  __syncthreads();
  u32 below = 0, all = 0;
#pragma unroll
  for (int w = 0; w < THREADS / 32; ++w) {
    if (w < warp) below += sums[w];
    all += sums[w];
  }
  *total = all;
  return below + upto - mine;
}

__device__ __forceinline__ i64 begin_of_warp() {
  return ((i64)blockIdx.x * WARPS + threadIdx.x / 32) * (32 * WORDS);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_count(const __grid_constant__ Args a) {
  u32 mine, total;
  if constexpr (RUNS)
    mine = runs_begun(reinterpret_cast<const T*>(a.flags), begin_of_warp(), a.size);
  else
    mine = __popc(flags_of_mask(reinterpret_cast<const u8*>(a.flags), begin_of_warp(), a.size));
  before_in_block<BLOCK>(mine, &total);
  if (threadIdx.x == 0) a.offsets[blockIdx.x] = total;
}

// The same for a mask of bits, of which a tile has so few that a warp takes the tile.
extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_count_bits(const __grid_constant__ Args a) {
  constexpr int OF_TILE = WARPS * WORDS;
  const int lane = threadIdx.x % 32;
  const i64 tile = (i64)blockIdx.x * WARPS + threadIdx.x / 32;
  const i64 left = (a.size + 31) / 32 - tile * OF_TILE;
  const u32* const words = reinterpret_cast<const u32*>(a.flags) + tile * OF_TILE;
  u32 count = 0;
#pragma unroll
  for (int k = lane; k < OF_TILE; k += 32) count += k < left ? __popc(words[k]) : 0;
#pragma unroll
  for (int d = 16; d > 0; d /= 2) count += ga_shuffle_xor(count, d);
  if (lane == 0 && left > 0) a.offsets[tile] = count;
}

// One block: `size` counts become offsets, and the total follows them. Each warp has words of 32
// neighbours, so that what it reads and writes at once lies together.
extern "C" __global__ void __launch_bounds__(1024)
gpuarray_offsets(const __grid_constant__ Args a) {
  constexpr int THREADS = 1024, EACH = 8;
  const int lane = threadIdx.x % 32;
  i64 base = 0;
  for (i64 k = 0; k < a.size; k += EACH * THREADS) {
    i64* const counts = a.offsets + k + threadIdx.x / 32 * (32 * EACH) + lane;
    const i64 left = a.offsets + a.size - counts;
    u32 before[EACH], of_warp = 0, total;
#pragma unroll
    for (int j = 0; j < EACH; ++j) before[j] = 32 * j < left ? (u32)counts[32 * j] : 0;
#pragma unroll
    for (int j = 0; j < EACH; ++j) {
      const u32 mine = before[j];
      u32 upto = mine;
#pragma unroll
      for (int d = 1; d < 32; d *= 2) {
        const u32 other = __shfl_up_sync(0xffffffffu, upto, d);
        if (lane >= d) upto += other;
      }
      before[j] = of_warp + upto - mine;
      of_warp += __shfl_sync(0xffffffffu, upto, 31);
    }
    // Of a warp, its first lane has all; the others then find it below them.
    const u32 place = before_in_block<THREADS>(lane == 0 ? of_warp : 0, &total);
    const i64 begin = base + place - (lane == 0 ? 0 : of_warp);
#pragma unroll
    for (int j = 0; j < EACH; ++j)
      if (32 * j < left) counts[32 * j] = begin + before[j];
    base += total;
  }
  if (threadIdx.x == 0) a.offsets[a.size] = base;
}

template <class M>
__device__ __forceinline__ M written(const M* elements, i64 i) {
  if constexpr (POSITIONS)
    return (M)i;
  else
    return elements[i];
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_compact(const __grid_constant__ Args a) {
  const u32 lane = threadIdx.x % 32, bit = 1u << lane;
  const i64 begin = begin_of_warp();
  const u32 mine = flags_of(a.flags, begin, a.size);
  // Read before it is known where they go, so that the two waits are one.
  const MOVED* const elements = reinterpret_cast<const MOVED*>(a.elements);
  u32 words[WORDS];
  MOVED held[WORDS];
#pragma unroll
  for (int k = 0; k < WORDS; ++k) {
    words[k] = __shfl_sync(0xffffffffu, mine, k);
    if (words[k] & bit) held[k] = written(elements, begin + 32 * k + lane);
  }
  u32 total;
  const u32 place = before_in_block<BLOCK>(__popc(mine), &total);
  MOVED* const results = reinterpret_cast<MOVED*>(a.results) + a.offsets[blockIdx.x];
#pragma unroll
  for (int k = 0; k < WORDS; ++k) {
    // Lane k has the place of word k.
    const u32 at = __shfl_sync(0xffffffffu, place, k) + __popc(words[k] & (bit - 1));
    if (words[k] & bit) results[at] = held[k];
  }
}
