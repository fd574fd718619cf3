// Keys: elements as unsigned integers KEY of their own width, in the order of the elements. NaN is
// above all numbers, whatever its sign and payload, which it loses. Given: KIND ('u' unsigned and
// bool, 'i' signed, 'f' floating), DESCENDING, and PLAIN_ZEROS: whether -0 may become 0.

constexpr KEY TOP_BIT = (KEY)((KEY)1 << (8 * sizeof(KEY) - 1));

__device__ __forceinline__ KEY key_of(KEY raw) {
  KEY key = raw;
  if constexpr (KIND == 'i') key = (KEY)(raw ^ TOP_BIT);
  if constexpr (KIND == 'f') {
    constexpr KEY infinity = (KEY)(sizeof(KEY) == 4 ? 0x7f800000u : 0x7ff0000000000000u);
    key = (KEY)(raw & TOP_BIT ? ~raw : raw | TOP_BIT);
    if ((KEY)(raw & ~TOP_BIT) > infinity) key = (KEY)~(KEY)0;
    if (PLAIN_ZEROS && raw == TOP_BIT) key = TOP_BIT;
  }
  return DESCENDING ? (KEY)~key : key;
}

__device__ __forceinline__ KEY element_of(KEY key) {
  if (DESCENDING) key = (KEY)~key;
  if constexpr (KIND == 'i') return (KEY)(key ^ TOP_BIT);
  if constexpr (KIND == 'f') return (KEY)(key & TOP_BIT ? key ^ TOP_BIT : ~key);
  return key;
}

// Byte `pass` of a key, counted from the least significant one. A key of -0 counts as that of 0,
// and is moved as it is: zeros keep both their order and their signs.
__device__ __forceinline__ u32 digit_of(KEY key, u32 pass) {
  if constexpr (KIND == 'f' && !PLAIN_ZEROS) {
    constexpr KEY below = (KEY)(TOP_BIT - 1);
    if (key == (DESCENDING ? TOP_BIT : below)) key = DESCENDING ? below : TOP_BIT;
  }
  if constexpr (sizeof(KEY) == 8)
    return __byte_perm((u32)key, (u32)((u64)key >> 32), pass) & 0xffu;
  else
    return __byte_perm((u32)key, 0, 0x4440u + pass);
}
