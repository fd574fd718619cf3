"""Six programs that users of PyCUDA know, as written here, checked against NumPy and timed.

``python -m benchmarks.examples [--scale F]``: in, the default CUDA device. Out: a line for each
program, with the time of one run, the time of NumPy's, and the largest difference; a status of 1 if
one is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import gpuarray as xp
from benchmarks.ours import Ours
from benchmarks.timing import measure
from gpuarray.cuda import RawKernel

__all__ = ["main"]

HostArray = np.ndarray[Any, Any]
TILE = 16
STEPS = 20


class Program(NamedTuple):
    """A program: `inputs` makes NumPy arrays, `ours` and `numpys` take them and give the result.

    The results may differ by `tolerance` of the largest element.
    """

    name: str
    inputs: Callable[[float], tuple[HostArray, ...]]
    ours: Callable[..., xp.Array]
    numpys: Callable[..., HostArray]
    tolerance: float


def _square(scale: float, n: int) -> int:
    """A side of about n times the root of the scale, of whole tiles."""
    return max(int(n * scale**0.5) // TILE, 2) * TILE


def _noise(n: int, seed: int = 1) -> HostArray:
    return np.random.default_rng(seed).random((n, n), np.float32)


# The heat equation, in place on slices.


def heat(module: Any, u: Any) -> Any:
    """Explicit steps; the border keeps its temperature."""
    for _ in range(STEPS):
        around = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        u[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.2 * (around - 4.0 * u[1:-1, 1:-1])
    return u


# Mandelbrot's set, as a function of one point.


def escape(cx: float, cy: float) -> int:
    """In how many steps a point leaves the circle of radius 2."""
    x, y = 0.0, 0.0
    for k in range(100):
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        if x * x + y * y > 4.0:
            return k
    return 100


mandelbrot = xp.vectorize(escape)


def mandelbrot_numpy(cx: HostArray, cy: HostArray) -> HostArray:
    x, y = np.zeros((2, *np.broadcast_shapes(cx.shape, cy.shape)), cx.dtype)
    steps = np.full(x.shape, 100)
    for k in range(100):
        x, y = x * x - y * y + cx, np.float32(2) * x * y + cy
        left = (x * x + y * y > 4) & (steps == 100)
        steps[left] = k
        x[left] = y[left] = np.nan
    return steps


# A product of matrices through tiles in shared memory.

PRODUCT = RawKernel(
    rf"""
#define TILE {TILE}
extern "C" __global__ void product(const float* a, const float* b, float* c, int n) {{
  __shared__ float left[TILE][TILE], right[TILE][TILE];
  const int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; k += TILE) {{
    left[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
    right[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
    __syncthreads();
    for (int j = 0; j < TILE; ++j) sum += left[threadIdx.y][j] * right[j][threadIdx.x];
    __syncthreads();
  }}
  c[row * n + column] = sum;
}}
""",
    "product",
)


def product(a: xp.Array, b: xp.Array) -> xp.Array:
    n = a.shape[0]
    c = xp.empty((n, n), dtype=xp.float32, device=a.device)
    PRODUCT((n // TILE, n // TILE), (TILE, TILE), (a, b, c, n))
    return c


# Sobel's filter: two stencils and a root.


def sobel(module: Any, image: Any) -> Any:
    """The length of the gradient."""

    def part(rows: slice, columns: slice) -> Any:
        return image[rows, columns]

    first, middle, last = slice(None, -2), slice(1, -1), slice(2, None)
    right = part(first, last) + 2.0 * part(middle, last) + part(last, last)
    left = part(first, first) + 2.0 * part(middle, first) + part(last, first)
    below = part(last, first) + 2.0 * part(last, middle) + part(last, last)
    above = part(first, first) + 2.0 * part(first, middle) + part(first, last)
    return module.sqrt((right - left) ** 2 + (below - above) ** 2)


# Conway's game of life on a torus.


def life(module: Any, alive: Any) -> Any:
    """Bytes that are 0 or 1."""
    for _ in range(STEPS):
        rows = module.roll(alive, 1, axis=0) + alive + module.roll(alive, -1, axis=0)
        around = module.roll(rows, 1, axis=1) + rows + module.roll(rows, -1, axis=1) - alive
        born = (around == 3) | ((around == 2) & (alive == 1))
        alive = module.astype(born, module.uint8) if module is xp else born.astype(np.uint8)
    return alive


# A sum by a kernel of one's own: threads add strided elements, blocks halve.

REDUCTION = RawKernel(
    r"""
extern "C" __global__ void reduce(const float* x, double* parts, long long n) {
  extern __shared__ double held[];
  double sum = 0;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += (long long)gridDim.x * blockDim.x)
    sum += x[i];
  held[threadIdx.x] = sum;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) held[threadIdx.x] += held[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) parts[blockIdx.x] = held[0];
}
""",
    "reduce",
)


def reduction(x: xp.Array) -> xp.Array:
    blocks, block = 528, 256
    parts = xp.empty(blocks, dtype=xp.float64, device=x.device)
    REDUCTION(blocks, block, (x, parts, x.size), shared_bytes=8 * block)
    return xp.sum(parts)


PROGRAMS = (
    Program(
        "heat equation, 20 steps in place", lambda s: (_noise(_square(s, 4096)),),
        lambda u: heat(xp, u), lambda u: heat(np, u), 1e-5,
    ),
    Program(
        "Mandelbrot, 100 steps, vectorize",
        lambda s: (
            np.linspace(-2.2, 0.8, _square(s, 4096), dtype=np.float32),
            np.linspace(-1.2, 1.2, _square(s, 4096), dtype=np.float32)[:, None],
        ),
        mandelbrot, mandelbrot_numpy, 0.0,
    ),
    Program(
        "product by tiles, RawKernel",
        lambda s: (_noise(_square(s, 2048)), _noise(_square(s, 2048), 2)),
        product, lambda a, b: a @ b, 1e-5,
    ),
    Program(
        "Sobel's filter", lambda s: (_noise(_square(s, 8192)),),
        lambda u: sobel(xp, u), lambda u: sobel(np, u), 1e-5,
    ),
    Program(
        "game of life, 20 steps", lambda s: ((_noise(_square(s, 4096)) < 0.3).astype(np.uint8),),
        lambda u: life(xp, u), lambda u: life(np, u), 0.0,
    ),
    Program(
        "sum, RawKernel", lambda s: (_noise(_square(s, 8192)),),
        reduction, lambda x: np.asarray(np.sum(x, dtype=np.float64)), 1e-9,
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if a result is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.examples", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the elements")
    options = parser.parse_args(arguments)
    ours = Ours()
    failed = False
    print(f"{ours.device_name}; milliseconds")
    print(f"{'program':<36}{'gpuarray':>10}{'NumPy':>10}{'largest difference':>22}")
    for program in PROGRAMS:
        hosts = program.inputs(options.scale)
        found = ours.host(program.ours(*map(ours.array, hosts)))
        start = perf_counter()
        answer = np.asarray(program.numpys(*(x.copy() for x in hosts)))
        numpys = perf_counter() - start
        difference = float(np.max(np.abs(found.astype(np.float64) - answer)))
        limit = program.tolerance * float(np.max(np.abs(answer)))
        seconds = _timed(ours, program, hosts)
        wrong = difference > limit
        failed |= wrong
        print(
            f"{program.name:<36}{1e3 * seconds:>10.3f}{1e3 * numpys:>10.1f}{difference:>22.3g}"
            + ("  WRONG" if wrong else ""),
            flush=True,
        )
    return int(failed)


def _timed(ours: Ours, program: Program, hosts: tuple[HostArray, ...]) -> float:
    arrays = [ours.array(x) for x in hosts]

    def call() -> xp.Array:
        found = program.ours(*arrays)
        xp.evaluate(found)
        return found

    return measure(call, ours.wait).seconds


if __name__ == "__main__":
    sys.exit(main())
