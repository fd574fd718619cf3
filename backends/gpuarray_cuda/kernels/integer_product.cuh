// Products of integer matrices: a block computes a tile of C from tiles of A and B in shared memory, a
// thread 4 by 4 elements of it. Given: T; W, unsigned, in which is computed; AXES of the stack; TILE
// rows and columns of C at a time, DEPTH elements of a row of A; LOGICAL for booleans; A_BY_ROWS and
// B_BY_ROWS, whether neighbouring threads read along the rows of A and B.

struct Args {
  const void* a;
  const void* b;
  void* c;
  i64 m;
  i64 n;
  i64 k;
  i64 a_row;
  i64 a_column;
  i64 b_row;
  i64 b_column;
  i64 across;
  i64 down;
  i64 extents[8];
  i64 a_stack[8];
  i64 b_stack[8];
};

constexpr int SIDE = 16;  // threads
constexpr int EACH = TILE / SIDE;

__device__ __forceinline__ W accumulated(W sum, W x, W y) {
  return LOGICAL ? sum | (x & y) : sum + x * y;
}

extern "C" __global__ void __launch_bounds__(BLOCK, 2)
gpuarray_integer_product(const __grid_constant__ Args g) {
  __shared__ W left[DEPTH][TILE + 1];
  __shared__ W right[DEPTH][TILE + 1];
  i64 rest = blockIdx.x;
  const i64 column = rest % g.across * TILE;
  rest /= g.across;
  const i64 row = rest % g.down * TILE;
  rest /= g.down;
  T* const c = reinterpret_cast<T*>(g.c) + rest * g.m * g.n;
  const T* a = reinterpret_cast<const T*>(g.a);
  const T* b = reinterpret_cast<const T*>(g.b);
#pragma unroll
  for (int d = AXES - 1; d >= 0; --d) {
    const i64 index = rest % g.extents[d];
    rest /= g.extents[d];
    a += index * g.a_stack[d];
    b += index * g.b_stack[d];
  }
  const int x = threadIdx.x % SIDE, y = threadIdx.x / SIDE;
  W sum[EACH][EACH] = {};
  for (i64 start = 0; start < g.k; start += DEPTH) {
#pragma unroll
    for (int at = threadIdx.x; at < TILE * DEPTH; at += BLOCK) {
      const int i = A_BY_ROWS ? at / DEPTH : at % TILE, p = A_BY_ROWS ? at % DEPTH : at / TILE;
      const bool inside = row + i < g.m && start + p < g.k;
      left[p][i] = inside ? (W)a[(row + i) * g.a_row + (start + p) * g.a_column] : (W)0;
    }
#pragma unroll
    for (int at = threadIdx.x; at < TILE * DEPTH; at += BLOCK) {
      const int p = B_BY_ROWS ? at / TILE : at % DEPTH, j = B_BY_ROWS ? at % TILE : at / DEPTH;
      const bool inside = start + p < g.k && column + j < g.n;
      right[p][j] = inside ? (W)b[(start + p) * g.b_row + (column + j) * g.b_column] : (W)0;
    }
    __syncthreads();
#pragma unroll
    for (int p = 0; p < DEPTH; ++p) {
      W from_a[EACH], from_b[EACH];
#pragma unroll
      for (int i = 0; i < EACH; ++i) {
        from_a[i] = left[p][y + SIDE * i];
        from_b[i] = right[p][x + SIDE * i];
      }
#pragma unroll
      for (int i = 0; i < EACH; ++i)
#pragma unroll
        for (int j = 0; j < EACH; ++j) sum[i][j] = accumulated(sum[i][j], from_a[i], from_b[j]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < EACH; ++i) {
#pragma unroll
    for (int j = 0; j < EACH; ++j) {
      const i64 r = row + y + SIDE * i, s = column + x + SIDE * j;
      if (r < g.m && s < g.n) c[r * g.n + s] = (T)sum[i][j];
    }
  }
}
