"""The programs of the workloads, with the standard's names: ``program(xp, *inputs)``.

In: a namespace and its arrays. Out: an array or a tuple of arrays. A library's own spelling of the
same, where it has one that may be faster, stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = [
    "black_scholes",
    "flipped_and_rolled",
    "forces",
    "horner",
    "jacobi_at",
    "jacobi_concat",
    "jacobi_in_place",
    "layer_norm",
    "log_sum_exp",
    "logistic",
    "mandelbrot",
    "perceptron",
    "perceptron_torch",
    "softmax",
    "squared_distances",
    "standardise",
    "thirty",
]

SWEEPS = 10
LAYER_NORM_EPSILON = 1e-5


def softmax(xp: Any, x: Any) -> Any:
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    return e / xp.sum(e, axis=1, keepdims=True)


def log_sum_exp(xp: Any, x: Any) -> Any:
    largest = xp.max(x, axis=1, keepdims=True)
    return largest[:, 0] + xp.log(xp.sum(xp.exp(x - largest), axis=1))


def layer_norm(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    centred = x - xp.mean(x, axis=1, keepdims=True)
    variance = xp.mean(centred * centred, axis=1, keepdims=True)
    return centred / xp.sqrt(variance + LAYER_NORM_EPSILON) * weight + bias


def standardise(xp: Any, x: Any) -> Any:
    return (x - xp.mean(x, axis=0)) / xp.std(x, axis=0)


def squared_distances(xp: Any, a: Any, b: Any) -> Any:
    return xp.sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1)


def forces(xp: Any, x: Any, y: Any, z: Any, mass: Any) -> tuple[Any, Any, Any]:
    """Accelerations of bodies that attract each other, softened at short distances."""
    dx, dy, dz = (p[None, :] - p[:, None] for p in (x, y, z))
    squared = dx * dx + dy * dy + dz * dz + 1e-3
    weight = mass[None, :] / (squared * xp.sqrt(squared))
    ax, ay, az = (xp.sum(d * weight, axis=1) for d in (dx, dy, dz))
    return ax, ay, az


def mandelbrot(xp: Any, cx: Any, cy: Any) -> Any:
    """In how many of 20 steps each point has stayed within the circle of radius 2."""
    x, y = cx, cy
    steps = xp.astype(x * x + y * y <= 4.0, xp.int32)
    for _ in range(19):
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        steps = steps + xp.astype(x * x + y * y <= 4.0, xp.int32)
    return steps


def _mean_of_neighbours(u: Any) -> Any:
    return 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def jacobi_concat(xp: Any, u: Any) -> Any:
    """Ten sweeps of the 5-point stencil; the border stays."""
    for _ in range(SWEEPS):
        inner = xp.concat([u[1:-1, :1], _mean_of_neighbours(u), u[1:-1, -1:]], axis=1)
        u = xp.concat([u[:1, :], inner, u[-1:, :]], axis=0)
    return u


def jacobi_in_place(sweeps: int = SWEEPS) -> Callable[..., Any]:
    """The same with an assignment to the inner part; the input is changed."""

    def program(xp: Any, u: Any) -> Any:
        for _ in range(sweeps):
            u[1:-1, 1:-1] = _mean_of_neighbours(u)
        return u

    return program


def jacobi_at(sweeps: int = SWEEPS) -> Callable[..., Any]:
    """The same as JAX spells assignments."""

    def program(jax: Any, u: Any) -> Any:
        for _ in range(sweeps):
            u = u.at[1:-1, 1:-1].set(_mean_of_neighbours(u))
        return u

    return program


def flipped_and_rolled(xp: Any, x: Any) -> Any:
    return 2.5 * xp.roll(xp.flip(x, axis=1), 3, axis=0)


def _gelu(xp: Any, x: Any) -> Any:
    """The approximation by tanh, for the standard has no error function."""
    return 0.5 * x * (1.0 + xp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def perceptron(xp: Any, x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    return xp.matmul(_gelu(xp, xp.matmul(x, w1) + b1), w2) + b2


def perceptron_torch(torch: Any, x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden = torch.nn.functional.gelu(torch.addmm(b1, x, w1), approximate="tanh")
    return torch.addmm(b2, hidden, w2)


def logistic(xp: Any, x: Any, y: Any, weights: Any) -> Any:
    """Twenty steps of gradient descent on the logistic loss."""
    for _ in range(20):
        predicted = 1.0 / (1.0 + xp.exp(-xp.matmul(x, weights)))
        weights = weights - (0.5 / x.shape[0]) * xp.matmul(x.T, predicted - y)
    return weights


def thirty(xp: Any, x: Any, y: Any) -> Any:
    for _ in range(15):
        x = x * 0.999 + y
    return x


def horner(xp: Any, x: Any) -> Any:
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


def black_scholes(xp: Any, spot: Any, strike: Any, expiry: Any) -> tuple[Any, Any]:
    rate, volatility = 0.02, 0.3
    deviation = volatility * xp.sqrt(expiry)
    d1 = (xp.log(spot / strike) + (rate + 0.5 * volatility * volatility) * expiry) / deviation
    d2 = d1 - deviation
    discounted = strike * xp.exp(-rate * expiry)
    n1, n2 = _normal_cdf(xp, d1), _normal_cdf(xp, d2)
    call = spot * n1 - discounted * n2
    put = discounted * (1.0 - n2) - spot * (1.0 - n1)
    return call, put
