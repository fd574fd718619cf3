// Random numbers as functions of a position and a key: Philox 4x32 with 10 rounds (Salmon and others
// 2011). `gpuarray/operations/random.py` says which words of which block each of them takes, and has
// the same in NumPy. Four lanes with neighbouring positions share a block, or two.

struct ga_words {
  u32 w[4];
};

// All 64 bits of a product. With a constant whose upper bit is set the compiler itself takes a signed
// product, and an addition more for each (NVRTC 13.0).
__device__ __forceinline__ u64 ga_wide_product(u32 x, u32 y) {
  u64 product;
  asm("mul.wide.u32 %0, %1, %2;" : "=l"(product) : "r"(x), "r"(y));
  return product;
}

// The counter is (block, attempt, stream), from its lowest word up.
__device__ __forceinline__ ga_words ga_philox(u64 block, u32 attempt, u32 stream, u64 key) {
  u32 x0 = (u32)block, x1 = (u32)(block >> 32), x2 = attempt, x3 = stream;
  u32 k0 = (u32)key, k1 = (u32)(key >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const u64 a = ga_wide_product(x0, 0xd2511f53u), b = ga_wide_product(x2, 0xcd9e8d57u);
    x0 = (u32)(b >> 32) ^ x1 ^ k0;
    x1 = (u32)b;
    x2 = (u32)(a >> 32) ^ x3 ^ k1;
    x3 = (u32)a;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {{x0, x1, x2, x3}};
}

__device__ __forceinline__ u64 ga_joined(u32 low, u32 high) { return (u64)high << 32 | low; }

__device__ __forceinline__ u32 ga_random_word(u64 i, u64 key) {
  const ga_words words = ga_philox(i >> 2, 0, 0, key);
  const u32 low = i & 1 ? words.w[1] : words.w[0], high = i & 1 ? words.w[3] : words.w[2];
  return i & 2 ? high : low;
}

__device__ __forceinline__ u64 ga_random_pair(u64 i, u64 key) {
  const ga_words words = ga_philox(i >> 1, 0, 0, key);
  return i & 1 ? ga_joined(words.w[2], words.w[3]) : ga_joined(words.w[0], words.w[1]);
}

// Uniform in [0, 1): multiples of 2**-24 or 2**-53.
__device__ __forceinline__ f32 ga_unit(u32 word) { return (f32)(word >> 8) * 5.9604645e-08f; }
__device__ __forceinline__ f64 ga_unit_double(u64 pair) {
  return (f64)(pair >> 11) * 1.1102230246251565e-16;
}

__device__ __forceinline__ f32 ga_random_unit(u64 i, u64 key) {
  return ga_unit(ga_random_word(i, key));
}

__device__ __forceinline__ f64 ga_random_unit_double(u64 i, u64 key) {
  return ga_unit_double(ga_random_pair(i, key));
}

// The upper 64 bits of the product of 64 bits and a number below 2**32, over 2**32.
__device__ __forceinline__ u64 ga_scaled(u64 pair, u64 bound) {
  const u64 upper = ga_wide_product((u32)(pair >> 32), (u32)bound);
  const u64 lower = ga_wide_product((u32)pair, (u32)bound);
  return (upper + (lower >> 32)) >> 32;
}

__device__ __forceinline__ u64 ga_random_small(u64 i, u64 key, u64 bound) {
  return ga_scaled(ga_random_pair(i, key), bound);
}

// Functions of N lanes at once, of which each W have positions in a row. Where all rows begin with a
// block, which is one question for all of them, their blocks are computed side by side.

template <u32 EACH, int N>
__device__ __forceinline__ bool ga_rows_of_blocks(const u64 (&i)[N]) {
  bool aligned = true;
#pragma unroll
  for (int k = 0; k < N; k += EACH) aligned &= (u32)i[k] % EACH == 0;
  return aligned;
}

template <int W, int N>
__device__ __forceinline__ void ga_lanes_random_word(
    const u64 (&i)[N], const u64 (&key)[N], u32 (&result)[N]) {
  if (W % 4) {
#pragma unroll
    for (int k = 0; k < N; ++k) result[k] = ga_random_word(i[k], key[k]);
  } else if (ga_rows_of_blocks<4>(i)) {
#pragma unroll
    for (int k = 0; k < N; k += 4) {
      const ga_words words = ga_philox(i[k] >> 2, 0, 0, key[k]);
#pragma unroll
      for (int m = 0; m < 4; ++m) result[(k + m) % N] = words.w[m];
    }
  } else {
#pragma unroll
    for (int k = 0; k < N; k += 4) {
      const ga_words words = ga_philox(i[k] >> 2, 0, 0, key[k]);
      const ga_words next = ga_philox((i[k] >> 2) + 1, 0, 0, key[k]);
      const u32 w[] = {words.w[0], words.w[1], words.w[2], words.w[3],
                       next.w[0], next.w[1], next.w[2], next.w[3]};
      const bool odd = i[k] & 1, half = i[k] & 2;
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        const u32 low = odd ? w[m + 1] : w[m], high = odd ? w[m + 3] : w[m + 2];
        result[(k + m) % N] = half ? high : low;
      }
    }
  }
}

template <int W, int N>
__device__ __forceinline__ void ga_lanes_random_unit(
    const u64 (&i)[N], const u64 (&key)[N], f32 (&result)[N]) {
  u32 words[N];
  ga_lanes_random_word<W>(i, key, words);
#pragma unroll
  for (int k = 0; k < N; ++k) result[k] = ga_unit(words[k]);
}

template <int W, int N>
__device__ __forceinline__ void ga_lanes_random_pair(
    const u64 (&i)[N], const u64 (&key)[N], u64 (&result)[N]) {
  if (W % 2) {
#pragma unroll
    for (int k = 0; k < N; ++k) result[k] = ga_random_pair(i[k], key[k]);
    return;
  }
  const bool aligned = ga_rows_of_blocks<2>(i);
#pragma unroll
  for (int k = 0; k < N; k += 2) {
    const ga_words words = ga_philox(i[k] >> 1, 0, 0, key[k]);
    result[k] = ga_joined(words.w[0], words.w[1]);
    result[(k + 1) % N] = ga_joined(words.w[2], words.w[3]);
  }
  if (aligned) return;
#pragma unroll
  for (int k = 0; k < N; k += 2) {
    if (!(i[k] & 1)) continue;
    const ga_words next = ga_philox((i[k] >> 1) + 1, 0, 0, key[k]);
    result[k] = result[(k + 1) % N];
    result[(k + 1) % N] = ga_joined(next.w[0], next.w[1]);
  }
}

template <int W, int N>
__device__ __forceinline__ void ga_lanes_random_unit_double(
    const u64 (&i)[N], const u64 (&key)[N], f64 (&result)[N]) {
  u64 pairs[N];
  ga_lanes_random_pair<W>(i, key, pairs);
#pragma unroll
  for (int k = 0; k < N; ++k) result[k] = ga_unit_double(pairs[k]);
}

template <int W, int N>
__device__ __forceinline__ void ga_lanes_random_small(
    const u64 (&i)[N], const u64 (&key)[N], const u64 (&bound)[N], u64 (&result)[N]) {
  u64 pairs[N];
  ga_lanes_random_pair<W>(i, key, pairs);
#pragma unroll
  for (int k = 0; k < N; ++k) result[k] = ga_scaled(pairs[k], bound[k]);
}

// Box and Muller's transform of two words into two normal numbers.
//
// The first word is a number u in (0, 1), below 1 because its conversion truncates. Where u = 2**e m
// and m is from 1 to 2, its bits as an integer are e + m - 1 in units of 2**-23, and -2 log(u) is that
// times -2 log(2) and d p(d), d = 2 - m: good to 1e-6 of it, for u beside 1 as well, so that no root is
// that of 0. The second word is an angle: 22 bits are t, odd multiples of 2**-23 from -1/2 to 1/2 in
// half turns, and the uppermost bit another half turn, a sign. With s and c the sine and the cosine of
// t / 2, each times the root of 2, those of t are s c and 1 - s s, good to 1e-7.
struct ga_two_f32 {
  f32 v[2];
};

__device__ __forceinline__ ga_two_f32 ga_box_muller(u32 radial, u32 angle) {
  const i32 bits = __float_as_int(fma(__uint2float_rz(radial), 2.3283064e-10f, 1.1641532e-10f));
  const f32 d = 2.0f - __int_as_float((bits & 0x7fffff) | 0x3f800000);
  f32 p = fma(d, 1.547768e-02f, -1.9934565e-02f);
  p = fma(d, p, 3.2671042e-02f);
  p = fma(d, p, 2.3441818e-02f);
  p = fma(d, p, 8.47277e-02f);
  p = fma(d, p, 2.4990837e-01f);
  p = fma(d, p, -3.8629338e-01f);
  const f32 square = fma(d, p, (f32)(bits - 0x3f800000) * -1.6525917e-07f);
  const f32 y = ga_root_estimate(square);
  f32 root = square * y;
  root = fma(fma(-root, root, square), 0.5f * y, root);
  root = __int_as_float(__float_as_int(root) ^ (i32)(angle & 0x80000000u));
  const f32 t = __int_as_float((i32)(angle & 0x7ffffe) | 0x3f800001) - 1.5f;
  const f32 z = t * t;
  f32 s = fma(z, -6.5084612e-03f, 1.12684861e-01f);
  s = fma(z, s, -9.1353029e-01f);
  s = t * fma(z, s, 2.2214415e+00f);
  f32 c = fma(z, -2.8861769e-02f, 3.5864264e-01f);
  c = fma(z, c, -1.744711e+00f);
  c = fma(z, c, 1.4142135e+00f);
  const f32 q = root * s;
  return {{fma(-q, s, root), q * c}};
}

__device__ __forceinline__ f32 ga_random_normal(u64 i, u64 key) {
  const ga_words words = ga_philox(i >> 2, 0, 1, key);
  const ga_two_f32 two = i & 2 ? ga_box_muller(words.w[2], words.w[3])
                               : ga_box_muller(words.w[0], words.w[1]);
  return i & 1 ? two.v[1] : two.v[0];
}

template <int W, int N>
__device__ __forceinline__ void ga_lanes_random_normal(
    const u64 (&i)[N], const u64 (&key)[N], f32 (&result)[N]) {
  if (W % 4) {
#pragma unroll
    for (int k = 0; k < N; ++k) result[k] = ga_random_normal(i[k], key[k]);
  } else if (ga_rows_of_blocks<4>(i)) {
#pragma unroll
    for (int k = 0; k < N; k += 4) {
      const ga_words words = ga_philox(i[k] >> 2, 0, 1, key[k]);
      const ga_two_f32 a = ga_box_muller(words.w[0], words.w[1]);
      const ga_two_f32 b = ga_box_muller(words.w[2], words.w[3]);
      result[k] = a.v[0];
      result[(k + 1) % N] = a.v[1];
      result[(k + 2) % N] = b.v[0];
      result[(k + 3) % N] = b.v[1];
    }
  } else {
#pragma unroll
    for (int k = 0; k < N; k += 4) {
      const ga_words words = ga_philox(i[k] >> 2, 0, 1, key[k]);
      const ga_words next = ga_philox((i[k] >> 2) + 1, 0, 1, key[k]);
      const bool half = i[k] & 2;
      const u32 w[] = {words.w[0], words.w[1], words.w[2], words.w[3],
                       next.w[0], next.w[1], next.w[2], next.w[3]};
      const ga_two_f32 a = ga_box_muller(half ? w[2] : w[0], half ? w[3] : w[1]);
      const ga_two_f32 b = ga_box_muller(half ? w[4] : w[2], half ? w[5] : w[3]);
      const ga_two_f32 c = ga_box_muller(half ? w[6] : w[4], half ? w[7] : w[5]);
      const bool odd = i[k] & 1;
      result[k] = odd ? a.v[1] : a.v[0];
      result[(k + 1) % N] = odd ? b.v[0] : a.v[1];
      result[(k + 2) % N] = odd ? b.v[1] : b.v[0];
      result[(k + 3) % N] = odd ? c.v[0] : b.v[1];
    }
  }
}

// From the upper 53 bits of 64: the middle of one of 2**53 parts of (0, 1), or, where that is 1, the
// number before it.
__device__ __forceinline__ f64 ga_open_unit(u64 bits) {
  const f64 u = ((f64)(bits >> 11) + 0.5) * 1.1102230246251565e-16;
  return u < 1.0 ? u : 0.99999999999999989;
}

struct ga_two_f64 {
  f64 v[2];
};

// log of a normal number by the series of the inverse hyperbolic tangent: additions, products and a
// quotient that every machine rounds alike. u = 2**k m, m from 1/sqrt(2) to sqrt(2).
__device__ __forceinline__ f64 ga_plain_log(f64 u) {
  const i64 bits = __double_as_longlong(u);
  const i64 exponent = (bits - 0x3fe6a09e667f3bcdll) & (i64)0xfff0000000000000ull;
  const f64 k = (f64)(exponent >> 52), f = __longlong_as_double(bits - exponent) - 1.0;
  const f64 s = f / (2.0 + f), z = s * s;
  f64 p = 0.043478260869565216;
  p = p * z + 0.047619047619047616;
  p = p * z + 0.05263157894736842;
  p = p * z + 0.058823529411764705;
  p = p * z + 0.06666666666666667;
  p = p * z + 0.07692307692307693;
  p = p * z + 0.09090909090909091;
  p = p * z + 0.1111111111111111;
  p = p * z + 0.14285714285714285;
  p = p * z + 0.2;
  p = p * z + 0.3333333333333333;
  const f64 twice = s + s;
  return k * 0.6931471787393093 + (twice + (twice * (z * p) + k * 1.8206359985041462e-09));
}

// The same as above, with the Taylor series of sine and cosine, and every step rounded.
__device__ __forceinline__ ga_two_f64 ga_box_muller_double(u64 radial, u64 angle) {
  const f64 root = sqrt(-2.0 * ga_plain_log(ga_open_unit(radial)));
  const u64 quarter = angle + 0x2000000000000000ull;
  const i64 rest = (i64)(angle - (quarter & 0xc000000000000000ull)) >> 10;
  const f64 t = (f64)rest * 4.440892098500626e-16;
  const f64 z = t * t;
  f64 sine = 4.628704628834683e-17;
  sine = sine * z + -2.0410263396641442e-14;
  sine = sine * z + 6.948453273886629e-12;
  sine = sine * z + -1.757247673443401e-09;
  sine = sine * z + 3.1336168903781217e-07;
  sine = sine * z + -3.657620418217725e-05;
  sine = sine * z + 0.0024903945701927202;
  sine = sine * z + -0.08074551218828079;
  sine = sine * z + 0.7853981633974483;
  sine = sine * t;
  f64 cosine = -2.019653396886682e-18;
  cosine = cosine * z + 1.001886461636272e-15;
  cosine = cosine * z + -3.8980731712596753e-13;
  cosine = cosine * z + 1.1501159127974052e-10;
  cosine = cosine * z + -2.4611369504942e-08;
  cosine = cosine * z + 3.59086044859151e-06;
  cosine = cosine * z + -0.00032599188692739;
  cosine = cosine * z + 0.015854344243815502;
  cosine = cosine * z + -0.30842513753404244;
  cosine = cosine * z + 1.0;
  const bool exchanged = quarter >> 62 & 1;
  const f64 a = exchanged ? sine : cosine, b = exchanged ? cosine : sine;
  const bool negative_a = (quarter >> 63 ^ quarter >> 62) & 1, negative_b = quarter >> 63;
  return {{negative_a ? -(root * a) : root * a, negative_b ? -(root * b) : root * b}};
}

__device__ __forceinline__ ga_two_f64 ga_two_normals(u64 block, u64 key) {
  const ga_words words = ga_philox(block, 0, 2, key);
  return ga_box_muller_double(ga_joined(words.w[0], words.w[1]), ga_joined(words.w[2], words.w[3]));
}

__device__ __forceinline__ f64 ga_random_normal_double(u64 i, u64 key) {
  const ga_two_f64 two = ga_two_normals(i >> 1, key);
  return i & 1 ? two.v[1] : two.v[0];
}

template <int W, int N>
__device__ __forceinline__ void ga_lanes_random_normal_double(
    const u64 (&i)[N], const u64 (&key)[N], f64 (&result)[N]) {
  if (W % 2) {
#pragma unroll
    for (int k = 0; k < N; ++k) result[k] = ga_random_normal_double(i[k], key[k]);
    return;
  }
  const bool aligned = ga_rows_of_blocks<2>(i);
#pragma unroll
  for (int k = 0; k < N; k += 2) {
    const ga_two_f64 two = ga_two_normals(i[k] >> 1, key[k]);
    result[k] = two.v[0];
    result[(k + 1) % N] = two.v[1];
  }
  if (aligned) return;
#pragma unroll
  for (int k = 0; k < N; k += 2) {
    if (!(i[k] & 1)) continue;
    result[k] = result[(k + 1) % N];
    result[(k + 1) % N] = ga_two_normals((i[k] >> 1) + 1, key[k]).v[0];
  }
}

// The upper 64 bits of the product of 128 bits and `bound`, over 2**64: below `bound`, and each
// number as likely as any other, but for one in 2**64.
__device__ __forceinline__ u64 ga_random_below(u64 i, u64 key, u64 bound) {
  const ga_words words = ga_philox(i, 0, 3, key);
  const u64 low = __umul64hi(ga_joined(words.w[0], words.w[1]), bound);
  const u64 high = ga_joined(words.w[2], words.w[3]);
  const u64 sum = high * bound + low;
  return __umul64hi(high, bound) + (sum < low);
}

// An element's own sequence of attempts: four words for each.
__device__ __forceinline__ ga_words ga_attempt(u64 state, u32 attempt) {
  return ga_philox(0, attempt, 4, state);
}

// Marsaglia and Tsang 2000; a shape below 1 by a gamma variate of one more and a power of u.
__device__ __forceinline__ f64 ga_random_gamma(u64 state, f64 shape) {
  if (!(shape > 0) || shape - shape != 0) return shape >= 0 ? shape : 0.0 / 0.0;
  const f64 d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3.0;
  const f64 c = 1 / sqrt(9 * d);
  f64 v = 1;
  for (u32 attempt = 1; attempt < 1000; ++attempt) {
    const ga_words words = ga_attempt(state, attempt);
    const f64 u = (words.w[0] + 0.5) * 2.3283064365386963e-10;
    const f64 x = sqrt(-2 * log(u)) * cospi(words.w[1] * 4.6566128730773926e-10);
    v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    const f64 accepted = ga_open_unit(ga_joined(words.w[2], words.w[3]));
    if (log(accepted) < 0.5 * x * x + d - d * v + d * log(v)) break;
  }
  if (shape >= 1) return d * v;
  const ga_words words = ga_attempt(state, 0);
  return d * v * pow(ga_open_unit(ga_joined(words.w[0], words.w[1])), 1 / shape);
}

__device__ __forceinline__ f64 ga_log_factorial(f64 k) {
  if (k < 10) {
    f64 product = 1;
    for (f64 i = 2; i <= k; ++i) product *= i;
    return log(product);
  }
  const f64 r = 1 / k, s = r * r;
  const f64 tail = r * (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680))));
  return (k + 0.5) * log(k) - k + 0.91893853320467274 + tail;
}

// By inversion, or Hoermann's transformed rejection (PTRS, 1993).
__device__ __forceinline__ f64 ga_random_poisson(u64 state, f64 mean) {
  if (!(mean > 0) || mean - mean != 0) return mean == 0 ? 0.0 : 0.0 / 0.0;
  if (mean < 10) {
    const ga_words words = ga_attempt(state, 0);
    const f64 u = ga_open_unit(ga_joined(words.w[0], words.w[1]));
    f64 p = exp(-mean), sum = p, k = 0;
    while (u > sum && k < 1000) {
      k += 1;
      p *= mean / k;
      sum += p;
    }
    return k;
  }
  const f64 root = sqrt(mean), b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const f64 alpha = 1.1239 + 1.1328 / (b - 3.4), limit = 0.9277 - 3.6224 / (b - 2);
  const f64 logarithm = log(mean);
  f64 k = floor(mean);
  for (u32 attempt = 1; attempt < 1000; ++attempt) {
    const ga_words words = ga_attempt(state, attempt);
    const f64 u = ga_open_unit(ga_joined(words.w[0], words.w[1])) - 0.5;
    const f64 v = ga_open_unit(ga_joined(words.w[2], words.w[3]));
    const f64 us = 0.5 - fabs(u);
    k = floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= limit) break;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (log(v * alpha / (a / (us * us) + b)) <= k * logarithm - mean - ga_log_factorial(k)) break;
  }
  return k;
}

// By inversion, or Hoermann's transformed rejection (BTRS, 1993); of the rarer outcome.
__device__ __forceinline__ f64 ga_random_binomial(u64 state, f64 n, f64 chance) {
  if (!(n >= 0) || !(chance >= 0 && chance <= 1) || n - n != 0) return 0.0 / 0.0;
  const f64 p = chance > 0.5 ? 1 - chance : chance;
  f64 k = 0;
  if (n * p < 10) {
    const ga_words words = ga_attempt(state, 0);
    f64 u = ga_open_unit(ga_joined(words.w[0], words.w[1]));
    const f64 odds = p / (1 - p);
    f64 r = exp(n * log1p(-p));
    while (u > r && k < n && k < 1000) {
      u -= r;
      k += 1;
      r *= (n + 1 - k) / k * odds;
    }
  } else {
    const f64 q = 1 - p, root = sqrt(n * p * q), b = 1.15 + 2.53 * root;
    const f64 a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5;
    const f64 alpha = (2.83 + 5.1 / b) * root, limit = 0.92 - 4.2 / b;
    const f64 odds = log(p / q), mode = floor((n + 1) * p);
    const f64 at_mode = ga_log_factorial(mode) + ga_log_factorial(n - mode);
    for (u32 attempt = 1; attempt < 1000; ++attempt) {
      const ga_words words = ga_attempt(state, attempt);
      const f64 u = ga_open_unit(ga_joined(words.w[0], words.w[1])) - 0.5;
      const f64 v = ga_open_unit(ga_joined(words.w[2], words.w[3]));
      const f64 us = 0.5 - fabs(u);
      k = floor((2 * a / us + b) * u + c);
      if (us >= 0.07 && v <= limit) break;
      if (k < 0 || k > n) continue;
      const f64 bound = at_mode - ga_log_factorial(k) - ga_log_factorial(n - k) + (k - mode) * odds;
      if (log(v * alpha / (a / (us * us) + b)) <= bound) break;
    }
  }
  return chance > 0.5 ? n - k : k;
}
