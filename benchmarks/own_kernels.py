"""A user's own functions: `vectorize` and `ElementwiseKernel` beside kernels written by hand.

``python -m benchmarks.own_kernels [--scale F]``: in, the default CUDA device. Out: medians, the
ratio to the hand-written kernel, how many kernels an expression takes, scans beside an addition
and the built-in running sum, and a status of 1 if values differ or `vectorize` takes more than 1.1
times as long.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import gpuarray as xp
from benchmarks.ours import Ours
from benchmarks.timing import measure
from gpuarray.cuda import ElementwiseKernel, ExclusiveScanKernel, InclusiveScanKernel

__all__ = ["main"]

MI = 1 << 20
BLOCK = 256
ALLOWED = 1.1


def american_put(spot: Any, strike: Any, up: Any, chance: Any) -> Any:
    """The value of an American put, by a binomial tree of three steps folded into one function.

    At each step holding is compared with exercising, in the money only.
    """
    value = 0.0
    for down in range(4):
        price = spot
        for step in range(3):
            price = price / up if step < down else price * up
        payoff = strike - price if price < strike else 0.0
        weight = 1.0
        for step in range(3):
            weight = weight * ((1.0 - chance) * (3 - step) if step < down else chance)
        if down == 2:
            weight = weight / 2
        elif down == 3:
            weight = weight / 6
        value = value + weight * payoff
    discounted = value * 0.97
    if spot >= strike:
        return discounted
    exercised = strike - spot
    return exercised if exercised > discounted else discounted + 0.001 * math.sqrt(spot)


BY_HAND = """
struct Args {
  const float *spot, *strike;
  float* result;
  long long count;
  float up, unused, chance, unused_too;
};

__device__ __forceinline__ float put(float spot, float strike, float up, float chance) {
  float value = 0;
#pragma unroll
  for (int down = 0; down < 4; ++down) {
    float price = spot;
#pragma unroll
    for (int step = 0; step < 3; ++step) price = step < down ? price / up : price * up;
    const float payoff = price < strike ? strike - price : 0.0f;
    float weight = 1;
#pragma unroll
    for (int step = 0; step < 3; ++step)
      weight = weight * (step < down ? (1.0f - chance) * (3 - step) : chance);
    if (down == 2) weight = weight / 2;
    if (down == 3) weight = weight / 6;
    value = value + weight * payoff;
  }
  const float discounted = value * 0.97f;
  if (spot >= strike) return discounted;
  const float exercised = strike - spot;
  return exercised > discounted ? exercised : discounted + 0.001f * sqrtf(spot);
}

extern "C" __global__ void __launch_bounds__(256) by_hand(const __grid_constant__ Args a) {
  const long long i = (long long)blockIdx.x * 256 + threadIdx.x;
  if (4 * i >= a.count) return;
  const float4 s = reinterpret_cast<const float4*>(a.spot)[i];
  const float4 k = reinterpret_cast<const float4*>(a.strike)[i];
  const float u = a.up, c = a.chance;
  reinterpret_cast<float4*>(a.result)[i] =
      {put(s.x, k.x, u, c), put(s.y, k.y, u, c), put(s.z, k.z, u, c), put(s.w, k.w, u, c)};
}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if something is wrong or too slow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.own_kernels", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of 32 Mi options")
    options = parser.parse_args(arguments)
    n = max(int(32 * MI * options.scale) & -4, 1024)
    ours = Ours()
    generator = np.random.default_rng(3)
    hosts = [generator.uniform(50, 150, n).astype("float32") for _ in range(2)]
    spot, strike = (ours.array(x) for x in hosts)
    put = xp.vectorize(american_put)
    seconds = {
        "vectorize": _evaluated(lambda: put(spot, strike, 1.1, 0.55), ours),
        "by hand": _by_hand(ours, spot, strike, n),
    }
    found = ours.host(put(spot, strike, 1.1, 0.55))[:1000].astype("float64")
    pairs = zip(*(x[:1000].tolist() for x in hosts), strict=True)
    answer = [american_put(a, b, 1.1, 0.55) for a, b in pairs]
    wrong = float(np.max(np.abs(found - answer)))
    ratio = seconds["vectorize"] / seconds["by hand"]
    times = ", ".join(f"{k} {1e6 * t:.1f} us" for k, t in seconds.items())
    print(f"American put, {n} float32: {times}; ratio {ratio:.3f}, largest error {wrong:.2g}")
    kernel = ElementwiseKernel("T x, T y", "T z", "z = x > y ? x * x : y - x", "branch")
    result = xp.exp(-kernel(spot * 0.01, strike * 0.01)) + 1.0
    kernels = xp.explain(result, source=False).count("\n  kernel ")
    print(f"ElementwiseKernel between array operations: {kernels} kernel")
    differ = _scans(ours, 2 * n)
    return int(ratio > ALLOWED or wrong > 1e-3 or kernels != 1 or differ)


def _scans(ours: Ours, n: int) -> bool:
    """Print what scans of `n` numbers take; whether any is wrong."""
    generator = np.random.default_rng(4)
    hosts = {
        "float32": generator.integers(-9, 10, n).astype("float32"),
        "int32": generator.integers(-9, 10, n).astype("int32"),
    }
    one, other = (ours.array(x) for x in hosts.values())
    highest = InclusiveScanKernel("T x", "T y", "x", "a > b ? a : b", "-1.0 / 0", "highest")
    total = InclusiveScanKernel("T x", "T y", "x", "a + b", "0", "total")
    start = ExclusiveScanKernel("T x", "T y", "x", "a + b", "0", "start")
    seconds = {"x + 1": _evaluated(lambda: one + 1, ours)}
    seconds["cumulative_sum"] = _evaluated(lambda: xp.cumulative_sum(one), ours)
    for name, kernel in (("inclusive sum", total), ("exclusive sum", start), ("maximum", highest)):
        for dtype, x in (("float32", one), ("int32", other)):
            if not (kernel is highest and dtype == "int32"):
                seconds[f"{name} {dtype}"] = _evaluated(lambda kernel=kernel, x=x: kernel(x), ours)
    for name, time in seconds.items():
        print(f"scans of {n} numbers: {name:22s} {1e6 * time:8.1f} us")
    sums = np.cumsum(hosts["int32"], dtype="int32")
    found = (ours.host(total(other)), ours.host(start(other)), ours.host(highest(one)))
    answers = (sums, sums - hosts["int32"], np.maximum.accumulate(hosts["float32"]))
    return not all(np.array_equal(x, y) for x, y in zip(found, answers, strict=True))


def _evaluated(call: Callable[[], xp.Array], ours: Ours) -> float:
    def started() -> xp.Array:
        found = call()
        xp.evaluate(found)
        return found

    return measure(started, ours.wait).seconds


def _by_hand(ours: Ours, spot: xp.Array, strike: xp.Array, n: int) -> float:
    executor = ours.executor
    kernel = executor.runtime.compile(BY_HAND, "by_hand", "qqqqff")
    xp.evaluate(spot, strike)
    result = executor.allocate(4 * n)
    pointers = [x._node.buffer.pointer for x in (spot, strike)]
    values = [*pointers, result.pointer, n, 1.1, 0.55]
    grid = -(-n // (4 * BLOCK))
    return measure(
        lambda: executor.runtime.launch(kernel, grid, BLOCK, 0, executor.stream, values), ours.wait
    ).seconds


if __name__ == "__main__":
    sys.exit(main())
