"""The workloads: what is computed, on which random inputs, and how many bytes that has to move.

In: a scale, to try them on small machines. Out: `Workload` rows. The functions use the standard's
names only, so that each library runs the same text; NumPy in float64 is the reference.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Target", "Workload", "workloads"]

MI = 1 << 20
Arrays = tuple[np.ndarray[Any, Any], ...]


@dataclass(frozen=True)
class Target:
    """A bound on a result on an H200: at least so many GB/s, or at most so many ms or us."""

    value: float
    unit: str

    def reached(self, seconds: float, moved: int) -> bool:
        if self.unit == "GB/s":
            return moved / seconds / 1e9 >= self.value
        return seconds <= self.value * {"ms": 1e-3, "us": 1e-6}[self.unit]

    def __str__(self) -> str:
        return f"{'>=' if self.unit == 'GB/s' else '<='} {self.value:g} {self.unit}"


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name, title
        As ``--only`` takes it, and as the table shows it.
    inputs
        Makes the inputs.
    function
        ``function(xp, *inputs)``; an array or a tuple of arrays.
    moved
        Bytes that have to move: inputs once and outputs once.
    elementwise
        Whether element k of a result depends on elements k of the inputs alone, so that a sample
        of them can be checked.
    target
        From the issue; None below the line.
    dynamic
        Whether a result's shape depends on values.
    tolerance
        Of the norm of the difference over the norm of the reference; 0: equal.
    """

    name: str
    title: str
    inputs: Callable[[], Arrays]
    function: Callable[..., Any]
    moved: int
    elementwise: bool = False
    target: Target | None = None
    dynamic: bool = False
    # float32 has 6e-8; a dozen operations, and sums that grow to 1e8, lose a digit or two.
    tolerance: float = 1e-5


@functools.lru_cache(maxsize=6)
def _random(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray[Any, Any]:
    """Random elements: reals from [0.1, 1.1), integers over their whole range."""
    generator = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "i":
        information = np.iinfo(kind)
        return generator.integers(information.min, information.max, shape, kind, endpoint=True)
    if kind.kind == "c":
        return _random(shape, "float64", seed) * (1 + 0.5j)
    return generator.random(shape, dtype=kind) + kind.type(0.1)  # type: ignore[no-any-return]


def _horner(xp: Any, x: Any) -> Any:
    value = x * 0.12 + 0.34
    for k in range(2, 9):
        value = value * x + (0.1 * k - 0.45)
    return value


# Abramowitz and Stegun 26.2.17: within 7.5e-8 of the normal distribution, which is float32's
# precision, and what benchmarks of this formula customarily use.
_NORMAL = (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530)


def _normal_cdf(xp: Any, d: Any) -> Any:
    k = 1.0 / (1.0 + 0.2316419 * xp.abs(d))
    polynomial = _NORMAL[0] * k
    for coefficient in _NORMAL[1:]:
        polynomial = (polynomial + coefficient) * k
    tail = (1 / math.sqrt(2 * math.pi)) * xp.exp(-0.5 * d * d) * polynomial
    return xp.where(d > 0.0, 1.0 - tail, tail)


def _black_scholes(xp: Any, spot: Any, strike: Any, expiry: Any) -> tuple[Any, Any]:
    rate, volatility = 0.02, 0.3
    deviation = volatility * xp.sqrt(expiry)
    d1 = (xp.log(spot / strike) + (rate + 0.5 * volatility * volatility) * expiry) / deviation
    d2 = d1 - deviation
    discounted = strike * xp.exp(-rate * expiry)
    n1, n2 = _normal_cdf(xp, d1), _normal_cdf(xp, d2)
    call = spot * n1 - discounted * n2
    put = discounted * (1.0 - n2) - spot * (1.0 - n1)
    return call, put


def _thirty(xp: Any, x: Any, y: Any) -> Any:
    for _ in range(15):
        x = x * 0.999 + y
    return x


def _with(x: Any, key: Any, value: Any) -> Any:
    """`x` with `value` at `key`, in place where the library has that."""
    if hasattr(x, "at"):
        return x.at[key].set(value)
    x[key] = value
    return x


def _stencil(xp: Any, u: Any) -> Any:
    inner = (slice(1, -1), slice(1, -1))
    value = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return _with(u, inner, value)


def workloads(scale: float = 1.0) -> list[Workload]:
    """All workloads; those of the issue, which have targets, come first."""

    def size(n: int) -> int:
        return max(int(n * scale), 128)

    def arrays(*shape: int, count: int = 1, dtype: str = "float32") -> Callable[[], Arrays]:
        return lambda: tuple(_random(shape, dtype, seed) for seed in range(1, count + 1))

    big = size(64 * MI)
    half = size(32 * MI)
    side = int(math.sqrt(size(64 * MI)))
    issue = [
        Workload(
            *("axpy", "2.5*x + y, 64 Mi", arrays(big, count=2)),
            *(lambda xp, x, y: 2.5 * x + y, 12 * big, True, Target(4100, "GB/s")),
        ),
        Workload(
            *("horner", "8-step Horner, 64 Mi", arrays(big)),
            *(_horner, 8 * big, True, Target(0.135, "ms")),
        ),
        Workload(
            *("black-scholes", "Black-Scholes, call and put, 32 Mi", arrays(half, count=3)),
            *(_black_scholes, 20 * half, True, Target(0.18, "ms")),
        ),
        Workload(
            *("sum", "sum(x), 64 Mi", arrays(big)),
            *(lambda xp, x: xp.sum(x), 4 * big, False, Target(0.068, "ms")),
        ),
        Workload(
            *("distance", "sqrt(sum((x-y)**2)), 64 Mi", arrays(big, count=2)),
            *(lambda xp, x, y: xp.sqrt(xp.sum((x - y) ** 2)), 8 * big, False, Target(0.13, "ms")),
        ),
        Workload(
            *("columns", "column sums of 65536 x 1024", arrays(size(65536), 1024)),
            *(lambda xp, x: xp.sum(x, axis=0), 4096 * size(65536), False, Target(0.072, "ms")),
        ),
        Workload(
            *("small", "x + y, 1000 elements, back to back", arrays(1000, count=2)),
            *(lambda xp, x, y: x + y, 12000, True, Target(10, "us")),
        ),
        Workload(
            *("small-30", "30 operations on 1000 elements", arrays(1000, count=2)),
            *(_thirty, 12000, True, Target(65, "us")),
        ),
    ]

    def reduction(name: str, title: str, function: Callable[..., Any], *shape: int) -> Workload:
        rows, columns = size(shape[0]), shape[1]
        return Workload(
            name, f"{title} {shape[0]} x {columns}", arrays(rows, columns), function,
            4 * rows * columns,
        )  # fmt: skip

    def full(name: str, function: Callable[..., Any], tolerance: float = 1e-5) -> Workload:
        return Workload(
            name, f"{name}(x), 64 Mi", arrays(big), function, 4 * big, tolerance=tolerance
        )

    rows = size(MI)
    extras = [
        Workload(
            *("add-int8", "x + y, int8, 256 Mi", arrays(4 * big, count=2, dtype="int8")),
            *(lambda xp, x, y: x + y, 12 * big, True, None, False, 0.0),
        ),
        Workload(
            *("add-float64", "x + y, float64, 32 Mi", arrays(half, count=2, dtype="float64")),
            *(lambda xp, x, y: x + y, 24 * half, True),
        ),
        Workload(
            *(
                "add-complex",
                "x * y, complex128, 16 Mi",
            ),
            *(arrays(half // 2, count=2, dtype="complex128"),),
            *(lambda xp, x, y: x * y, 24 * half, True),
        ),
        Workload(
            *("strided", "x[::2] + 1, 64 Mi", arrays(big)),
            *(lambda xp, x: x[::2] + 1, 6 * (big // 2 * 2)),
        ),
        Workload(
            *("transposed", "x.T + 1, 8192 x 8192", arrays(side, side)),
            *(lambda xp, x: x.T + 1, 8 * side * side),
        ),
        Workload(
            *("transposed-sum", "x.T + x, 8192 x 8192", arrays(side, side)),
            *(lambda xp, x: x.T + x, 8 * side * side),
        ),
        Workload(
            *("unaligned", "x[1:] + y[:-1], 64 Mi", arrays(big, count=2)),
            *(lambda xp, x, y: x[1:] + y[:-1], 12 * (big - 1)),
        ),
        reduction("rows-4096", "row sums", lambda xp, x: xp.sum(x, axis=1), 16384, 4096),
        reduction("rows-1024", "row sums", lambda xp, x: xp.sum(x, axis=1), 65536, 1024),
        reduction("rows-128", "row sums", lambda xp, x: xp.sum(x, axis=1), 65536 * 8, 128),
        reduction("rows-16", "row sums", lambda xp, x: xp.sum(x, axis=1), 1048576 * 4, 16),
        full("max", lambda xp, x: xp.max(x), 0.0),
        full("argmax", lambda xp, x: xp.argmax(x), 0.0),
        full("var", lambda xp, x: xp.var(x)),
        reduction("mean-0", "mean, axis 0, of", lambda xp, x: xp.mean(x, axis=0), 16384, 4096),
        reduction("mean-1", "mean, axis 1, of", lambda xp, x: xp.mean(x, axis=1), 16384, 4096),
        reduction("var-0", "var, axis 0, of", lambda xp, x: xp.var(x, axis=0), 16384, 4096),
        reduction("var-1", "var, axis 1, of", lambda xp, x: xp.var(x, axis=1), 16384, 4096),
        reduction(
            "argmax-0", "argmax, axis 0, of", lambda xp, x: xp.argmax(x, axis=0), 16384, 4096
        ),
        Workload(
            *("mask", "x[x > 0.625], 64 Mi", arrays(big)),
            *(lambda xp, x: x[x > 0.625], 6 * big, False, None, True, 0.0),
        ),
        Workload(
            *("gather", "take, 4 Mi rows of 16 at random"),
            *(lambda: (_random((4 * rows, 16), "float32", 1), _positions(4 * rows)),),
            *(lambda xp, x, k: xp.take(x, k, axis=0), 4 * rows * (64 + 64 + 8)),
            *(False, None, False, 0.0),
        ),
        Workload(
            *("stencil", "heat flow in place, 8192 x 8192", arrays(side, side)),
            *(_stencil, 8 * side * side),
        ),
    ]
    return issue + extras


@functools.lru_cache(maxsize=1)
def _positions(rows: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(9).integers(0, rows, rows)
