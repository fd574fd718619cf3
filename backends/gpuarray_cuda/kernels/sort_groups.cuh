// Short rows: GROUP lanes of a warp sort one in their registers, EACH elements a lane, by bitonic
// merging. An element takes its position along, which decides between equal keys.

struct Args {
  const void* input;
  void* output;
  i64 size;
  i64 rows;
};

constexpr int ROWS = BLOCK / GROUP;  // of a block

struct Item {
  KEY key;
  u32 position;
};

__device__ __forceinline__ bool is_before(const Item& x, const Item& y) {
  return x.key < y.key || (x.key == y.key && x.position < y.position);
}

// Merges a lane's elements, which are bitonic.
__device__ __forceinline__ void merge(Item (&items)[EACH], bool ascending) {
#pragma unroll
  for (int d = EACH / 2; d > 0; d /= 2) {
#pragma unroll
    for (int j = 0; j < EACH; ++j) {
      if ((j & d) == 0 && is_before(items[j + d], items[j]) == ascending) {
        const Item moved = items[j];
        items[j] = items[j + d];
        items[j + d] = moved;
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(BLOCK)
gpuarray_sort_groups(const __grid_constant__ Args a) {
  __shared__ u16 order[BLOCK * EACH];
  const u32 lane = threadIdx.x % GROUP, size = (u32)a.size;
  const i64 row = (i64)blockIdx.x * ROWS + threadIdx.x / GROUP;
  const KEY* const source = reinterpret_cast<const KEY*>(a.input) + row * a.size;
  Item items[EACH];
#pragma unroll
  for (int j = 0; j < EACH; ++j) {
    const u32 position = j * GROUP + lane;
    items[j] = {(KEY)~(KEY)0, position};
    if (position < size && row < a.rows) items[j].key = key_of(source[position]);
  }
  // A lane's own elements.
#pragma unroll
  for (int length = 2; length < EACH; length *= 2) {
#pragma unroll
    for (int d = length / 2; d > 0; d /= 2) {
#pragma unroll
      for (int j = 0; j < EACH; ++j) {
        if ((j & d) == 0 && is_before(items[j + d], items[j]) == ((j & length) == 0)) {
          const Item moved = items[j];
          items[j] = items[j + d];
          items[j + d] = moved;
        }
      }
    }
  }
  merge(items, (lane & 1) == 0 || GROUP == 1);
  // Runs of `lanes` lanes, up and down by turns.
#pragma unroll 1
  for (u32 lanes = 2; lanes <= GROUP; lanes *= 2) {
    const bool ascending = (lane & lanes) == 0;
#pragma unroll 1
    for (u32 d = lanes / 2; d > 0; d /= 2) {
      const bool lower = (lane & d) == 0;
#pragma unroll
      for (int j = 0; j < EACH; ++j) {
        const Item other = {ga_shuffle_xor(items[j].key, d), ga_shuffle_xor(items[j].position, d)};
        if (is_before(other, items[j]) == (ascending == lower)) items[j] = other;
      }
    }
    merge(items, ascending);
  }
  u16* const ordered = order + threadIdx.x / GROUP * (GROUP * EACH);
#pragma unroll
  for (int j = 0; j < EACH; ++j) ordered[lane * EACH + j] = (u16)items[j].position;
  __syncwarp();
#pragma unroll
  for (int j = 0; j < EACH; ++j) {
    const u32 p = j * GROUP + lane;
    if (p >= size || row >= a.rows) continue;
    if constexpr (POSITIONS)
      reinterpret_cast<i64*>(a.output)[row * a.size + p] = ordered[p];
    else
      reinterpret_cast<KEY*>(a.output)[row * a.size + p] = source[ordered[p]];
  }
}
