// More random numbers by rejection. `gpuarray/operations/more_random.py` has the same in NumPy, and says
// whose methods they are.

struct ga_two_units {
  f64 u, v;
};

__device__ __forceinline__ ga_two_units ga_units_of_attempt(u64 state, u32 attempt) {
  const ga_words words = ga_attempt(state, attempt);
  return {ga_open_unit(ga_joined(words.w[0], words.w[1])),
          ga_open_unit(ga_joined(words.w[2], words.w[3]))};
}

__device__ __forceinline__ f64 ga_random_vonmises(u64 state, f64 kappa) {
  if (!(kappa >= 0) || kappa - kappa != 0) return 0.0 / 0.0;
  const f64 first = ga_units_of_attempt(state, 0).u, pi = 3.141592653589793;
  if (kappa < 1e-8) return pi * (2 * first - 1);
  const f64 root = sqrt(1 + 4 * kappa * kappa);
  const f64 rho = (1 + root - sqrt(2 * (1 + root))) / (2 * kappa);
  const f64 s = kappa < 1e-5 ? 1 / kappa + kappa : (1 + rho * rho) / (2 * rho);
  const f64 excess = kappa > 1e3 ? (1 - rho) * (1 - rho) / (2 * rho) : s - 1;
  f64 angle = 0;
  for (u32 attempt = 1; attempt < 1000; ++attempt) {
    const ga_two_units two = ga_units_of_attempt(state, attempt);
    const f64 z = cos(pi * two.u);
    const f64 below = excess * (1 - z) / (1 + excess + z);
    const f64 y = kappa * (excess + below);
    angle = 2 * asin(sqrt(0.5 * below));
    if (y * (2 - y) > two.v || log(y / two.v) + 1 >= y) break;
  }
  return first < 0.5 ? -angle : angle;
}

__device__ __forceinline__ f64 ga_random_zipf(u64 state, f64 a) {
  if (!(a > 1)) return 0.0 / 0.0;
  if (a - a != 0) return 1;
  const f64 e = a - 1, high = pow(2.0, e), low = pow(9.2e18, -e);
  for (u32 attempt = 1; attempt < 1000; ++attempt) {
    const ga_two_units two = ga_units_of_attempt(state, attempt);
    const f64 x = floor(pow(two.u * (1 - low) + low, -1 / e)), t = pow(1 + 1 / x, e);
    if (!(x >= 1 && x < 9.2e18)) continue;
    if (two.v * x * (t - 1) * high <= t * (high - 1)) return x;
  }
  return 1;
}

__device__ __forceinline__ f64 ga_random_logseries(u64 state, f64 p) {
  if (!(p >= 0 && p < 1)) return 0.0 / 0.0;
  const ga_two_units two = ga_units_of_attempt(state, 0);
  if (two.v >= p) return 1;
  const f64 q = -expm1(log1p(-p) * two.u);
  if (q <= 0) return 1;
  if (two.v < q * q) return fmax(fmin(floor(1 + log(two.v) / log(q)), 9.2e18), 1.0);
  return two.v < q ? 2 : 1;
}

__device__ __forceinline__ f64 ga_drawn_height(f64 k, f64 rarer, f64 other, f64 drawn) {
  const f64 below = ga_log_factorial(k) + ga_log_factorial(rarer - k);
  return below + ga_log_factorial(drawn - k) + ga_log_factorial(other - drawn + k);
}

__device__ __forceinline__ f64 ga_drawn_one_by_one(u64 state, f64 rarer, f64 total, f64 drawn) {
  f64 found = 0;
  for (u32 k = 0; k < drawn; k += 2) {
    const ga_two_units two = ga_units_of_attempt(state, 1 + k / 2);
    if (two.u * total < rarer) found += 1, rarer -= 1;
    total -= 1;
    if (k + 1 < drawn && two.v * total < rarer) found += 1, rarer -= 1;
    total -= 1;
  }
  return found;
}

__device__ __forceinline__ f64 ga_drawn_by_ratio(u64 state, f64 rarer, f64 other, f64 drawn) {
  const f64 total = rarer + other, p = rarer / total, middle = drawn * p + 0.5;
  const f64 spread = sqrt((total - drawn) * drawn * p * (1 - p) / (total - 1) + 0.5);
  const f64 width = 1.7155277699214135 * spread + 0.8989161620588988;
  const f64 mode = floor((drawn + 1) * (rarer + 1) / (total + 2));
  const f64 top = ga_drawn_height(mode, rarer, other, drawn);
  const f64 bound = fmin(fmin(drawn, rarer) + 1, floor(middle + 16 * spread));
  for (u32 attempt = 1; attempt < 1000; ++attempt) {
    const ga_two_units two = ga_units_of_attempt(state, attempt);
    const f64 x = middle + width * (two.v - 0.5) / two.u;
    if (!(x >= 0 && x < bound)) continue;
    const f64 k = floor(x), level = top - ga_drawn_height(k, rarer, other, drawn);
    if (two.u * (4 - two.u) - 3 <= level || 2 * log(two.u) <= level) return k;
  }
  return mode;
}

__device__ __forceinline__ f64 ga_random_hypergeometric(u64 state, f64 good, f64 bad, f64 drawn) {
  if (!(good >= 0 && bad >= 0 && drawn >= 0 && drawn <= good + bad)) return 0.0 / 0.0;
  const f64 total = good + bad, fewer = fmin(drawn, total - drawn);
  const f64 rarer = fmin(good, bad), other = fmax(good, bad);
  f64 k = fewer <= 10 ? ga_drawn_one_by_one(state, rarer, total, fewer)
                      : ga_drawn_by_ratio(state, rarer, other, fewer);
  if (good > bad) k = fewer - k;
  return fewer < drawn ? good - k : k;
}
