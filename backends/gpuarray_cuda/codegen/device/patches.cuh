// Patches: in which order the blocks of a kernel take the patches of a square.

// The row and the column of patch `number` of stacked squares, `side` patches a side; the number of
// the square is returned. A square of SUPER a side, and then its mirror image across the diagonal,
// patch by patch: what both read is still in the L2 cache. The squares lie along diagonals; diagonal
// d and its mirror image, diagonal n - d, are taken together. Some patches lie past the sides.
template <int SUPER>
__device__ __forceinline__ u32 ga_mirrored_patch(u32 number, u32 side, u32& row, u32& column) {
  const u32 n = (side + SUPER - 1) / SUPER;
  const u32 y = number % (SUPER * SUPER) / SUPER, x = number % SUPER;
  number /= SUPER * SUPER;
  u32 at = number % (n * n);
  number /= n * n;
  if (at < n) {
    row = at * SUPER + y;
    column = at * SUPER + x;
    return number;
  }
  at -= n;
  const u32 first = at % (2 * n) / 2;
  u32 second = first + 1 + at / (2 * n);
  if (second >= n) second -= n;
  const bool mirrored = at % (2 * n) % 2;
  row = mirrored ? second * SUPER + x : first * SUPER + y;
  column = mirrored ? first * SUPER + y : second * SUPER + x;
  return number;
}
