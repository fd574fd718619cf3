"""The rows of the table: which programs, on which inputs, with which targets.

In: a scale, to try them on small machines. Out: `Workload`s; those of the issues, which have
targets, come first. Targets are an H200's, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import programs
from benchmarks.workload import Array, Arrays, Function, Workload, normal, positions, uniform

__all__ = ["workloads"]

MI = 1 << 20
ELEMENTS = 1000


def workloads(scale: float = 1.0) -> list[Workload]:
    """All workloads, their arrays of `scale` times as many elements."""
    return [*_limit(scale), *_spine(scale), *_more(scale)]


def _cut(scale: float, *shape: int) -> tuple[int, ...]:
    """`shape` with `scale` times as many elements, and the same proportions."""
    factor = scale ** (1 / len(shape))
    return tuple(max(round(n * factor), min(n, 8)) for n in shape)


def _size(*shape: int) -> int:
    return int(np.prod(shape))


def _uniform(*shape: int, count: int = 1, dtype: str = "float32") -> Callable[[], Arrays]:
    return lambda: tuple(uniform(shape, dtype, seed) for seed in range(1, count + 1))


def _classified() -> Arrays:
    x = normal((256, 32))
    labels = x @ normal((32,), seed=2) + normal((256,), seed=3) > 0
    return x, labels.astype(np.float32), np.zeros(32, np.float32)


def _limit(scale: float) -> list[Workload]:
    rows, columns = _cut(scale, 16384, 4096)
    table = 4 * rows * columns
    tall = _cut(scale, 65536, 1024)
    points, features = _cut(scale, 4096, 64)
    bodies = _cut(scale**0.5, 4096)[0]
    pixels = _cut(scale, 16 * MI)[0]
    grid = _cut(scale, 4096, 4096)
    square = _cut(scale, 8192, 8192)
    gathered = _cut(scale, MI)[0]
    big = _cut(scale, 64 * MI)[0]
    samples, width, hidden = _cut(scale, 8192, 1024, 4096)

    def on_rows(name: str, title: str, function: Function, moved: int, **rest: Any) -> Workload:
        return Workload(
            name=name, title=f"{title} 16384 x 4096", group="limit",
            inputs=rest.pop("inputs", lambda: (normal((rows, columns)),)), function=function,
            moved=moved, sampled=1, sample_rows=256, **rest,
        )  # fmt: skip

    def normalised_inputs() -> Arrays:
        return (
            normal((rows, columns)),
            uniform((columns,)),
            uniform((columns,), seed=2),
        )

    def perceptron_inputs() -> Arrays:
        return (
            normal((samples, width)),
            normal((width, hidden), width**-0.5),
            normal((hidden,), seed=2),
            normal((hidden, width), hidden**-0.5),
            normal((width,), seed=3),
        )

    def constellation() -> Arrays:
        return (*(normal((bodies,), seed=seed) for seed in (1, 2, 3)), uniform((bodies,)))

    def jacobi(name: str, title: str, function: Function, **own: Function) -> Workload:
        return Workload(
            name=name, title=f"ten Jacobi sweeps, {title}, 4096^2", group="limit",
            inputs=_uniform(*grid), function=function, moved=programs.SWEEPS * 8 * _size(*grid),
            target=0.45e-3, sampled=1, halo=programs.SWEEPS, own=own,
        )  # fmt: skip

    return [
        on_rows(
            "softmax", "softmax", programs.softmax, 2 * table, target=0.140e-3,
            own={
                "cupy": lambda cupy, x: _cupyx_special().softmax(x, axis=1),
                "torch": lambda torch, x: torch.softmax(x, 1),
                "jax": lambda jax, x: jax.nn.softmax(x, axis=1),
            },
        ),
        on_rows(
            "log-sum-exp", "log-sum-exp", programs.log_sum_exp, table + 4 * rows, target=0.075e-3,
            own={
                "cupy": lambda cupy, x: _cupyx_special().logsumexp(x, axis=1),
                "torch": lambda torch, x: torch.logsumexp(x, 1),
                "jax": lambda jax, x: jax.nn.logsumexp(x, axis=1),
            },
        ),
        on_rows(
            "layer-norm", "layer norm", programs.layer_norm, 2 * table + 8 * columns,
            target=0.145e-3, inputs=normalised_inputs,
            own={
                "torch": lambda torch, x, weight, bias: torch.nn.functional.layer_norm(
                    x, (x.shape[1],), weight, bias, programs.LAYER_NORM_EPSILON
                )
            },
        ),
        Workload(
            name="standardise", title="standardise columns 65536 x 1024", group="limit",
            inputs=_uniform(*tall), function=programs.standardise, moved=8 * _size(*tall),
            # NumPy, which adds the 65536 numbers of a column in order, is off by 9e-6.
            target=0.23e-3, tolerance=5e-5,
        ),
        on_rows(
            "argmax-rows", "argmax of rows", lambda xp, x: xp.argmax(x, axis=1), table + 8 * rows,
            target=0.069e-3, tolerance=0.0,
        ),
        Workload(
            name="pairwise", title="pairwise distance 4096 x 4096 x 64", group="limit",
            inputs=lambda: (normal((points, features)), normal((points, features), seed=2)),
            function=programs.squared_distances, moved=8 * points * features + 4 * points**2,
            target=0.20e-3, bound="arithmetic", sampled=1, sample_rows=32,
            own={
                # Not by a product of matrices: that loses digits, and is another algorithm.
                "torch": lambda torch, a, b: torch.cdist(
                    a, b, compute_mode="donot_use_mm_for_euclid_dist"
                ).square()
            },
            without={"jax": "its compiler had not ended after 100 s (JAX 0.11.2, H200)"},
        ),
        Workload(
            name="n-body", title="n-body forces, 4096 bodies", group="limit",
            inputs=constellation, function=programs.forces, moved=28 * bodies, target=0.062e-3,
            bound="arithmetic",
        ),
        Workload(
            name="mandelbrot", title="20-step Mandelbrot, 16 Mi points", group="limit",
            inputs=lambda: (
                uniform((pixels,)) * np.float32(2.6) - np.float32(2.3),
                uniform((pixels,), seed=2) * np.float32(2.4) - np.float32(1.4),
            ),
            function=programs.mandelbrot, moved=12 * pixels, target=0.116e-3, bound="arithmetic",
            # The steps of points at the edge of the set depend on rounding: of 933 730 points
            # NumPy counts one otherwise in float32 than in float64.
            sampled=2, tolerance=2e-5, long=True,
        ),
        jacobi("jacobi-concat", "slices and concat", programs.jacobi_concat),
        jacobi("jacobi-in-place", "in place", programs.jacobi_in_place(), jax=programs.jacobi_at()),
        Workload(
            name="add-transposed", title="x + x.T, 8192^2", group="limit",
            inputs=_uniform(square[0], square[0]), function=lambda xp, x: x + x.T,
            moved=8 * square[0] ** 2, target=0.16e-3,
        ),
        Workload(
            name="flip-roll", title="flip + roll + scale, 8192^2", group="limit",
            inputs=_uniform(*square), function=programs.flipped_and_rolled,
            moved=8 * _size(*square), target=0.14e-3,
        ),
        Workload(
            name="gather", title="gather 1 Mi rows of 16", group="limit",
            inputs=lambda: (uniform((gathered, 16)), positions(gathered, gathered)),
            function=lambda xp, x, k: xp.take(x, k, axis=0), moved=gathered * (64 + 64 + 8),
            target=0.050e-3, tolerance=0.0,
        ),
        Workload(
            name="cumulative-sum", title="cumulative sum, 64 Mi", group="limit",
            inputs=_uniform(big), function=lambda xp, x: xp.cumulative_sum(x), moved=8 * big,
            target=0.15e-3,
        ),
        Workload(
            name="mask", title="x[x > 0.625], 64 Mi", group="limit",
            inputs=_uniform(big), function=lambda xp, x: x[x > 0.625], moved=6 * big,
            target=0.25e-3, dynamic=True, tolerance=0.0,
        ),
        Workload(
            name="perceptron", title="perceptron, GELU, 8192 x 1024 x 4096", group="limit",
            inputs=perceptron_inputs, function=programs.perceptron,
            moved=8 * samples * width + 8 * width * hidden + 4 * (hidden + width),
            target=2.85e-3, bound="arithmetic", sampled=1, sample_rows=256,
            own={"torch": programs.perceptron_torch},
        ),
        Workload(
            name="small-30", title="30 operations on 1000 elements", group="limit",
            inputs=_uniform(ELEMENTS, count=2), function=programs.thirty, moved=12 * ELEMENTS,
            target=60e-6, compiled_target=15e-6, bound="host", sampled=2,
        ),
        Workload(
            name="logistic", title="logistic regression, 20 steps, 256 x 32", group="limit",
            inputs=_classified, function=programs.logistic, moved=4 * (256 * 33 + 2 * 32),
            target=1.0e-3, compiled_target=0.25e-3, bound="host",
        ),
    ]  # fmt: skip


def _cupyx_special() -> Any:
    from cupyx.scipy import special

    return special


def _spine(scale: float) -> list[Workload]:
    big = _cut(scale, 64 * MI)[0]
    half = big // 2
    tall = _cut(scale, 65536, 1024)

    def row(name: str, title: str, inputs: Any, function: Function, **rest: Any) -> Workload:
        return Workload(
            name=name, title=title, group="spine", inputs=inputs, function=function, **rest
        )

    return [
        row(
            "axpy", "2.5*x + y, 64 Mi", _uniform(big, count=2), lambda xp, x, y: 2.5 * x + y,
            moved=12 * big, sampled=2, target=12 * 64 * MI / 4100e9,
        ),
        row(
            "horner", "8-step Horner, 64 Mi", _uniform(big), programs.horner,
            moved=8 * big, sampled=1, target=0.135e-3,
        ),
        row(
            "black-scholes", "Black-Scholes, 32 Mi", _uniform(half, count=3),
            programs.black_scholes, moved=20 * half, sampled=3, target=0.18e-3,
        ),
        row(
            "sum", "sum(x), 64 Mi", _uniform(big), lambda xp, x: xp.sum(x),
            moved=4 * big, target=0.068e-3,
        ),
        row(
            "distance", "sqrt(sum((x-y)**2)), 64 Mi", _uniform(big, count=2),
            lambda xp, x, y: xp.sqrt(xp.sum((x - y) ** 2)), moved=8 * big, target=0.13e-3,
        ),
        row(
            "columns", "column sums of 65536 x 1024", _uniform(*tall),
            lambda xp, x: xp.sum(x, axis=0), moved=4 * _size(*tall), target=0.072e-3,
        ),
        row(
            "small", "x + y, 1000 elements", _uniform(ELEMENTS, count=2),
            lambda xp, x, y: x + y, moved=12 * ELEMENTS, sampled=2, target=10e-6, bound="host",
        ),
    ]  # fmt: skip


def _more(scale: float) -> list[Workload]:
    big = _cut(scale, 64 * MI)[0]
    half = big // 2
    square = _cut(scale, 8192, 8192)

    def row(
        name: str, title: str, inputs: Any, moved: int, function: Function, **rest: Any
    ) -> Workload:
        return Workload(
            name=name, title=title, inputs=inputs, moved=moved, function=function, **rest
        )

    def full(name: str, function: Function, tolerance: float = 1e-5) -> Workload:
        title = f"{name}(x), 64 Mi"
        return row(name, title, _uniform(big), 4 * big, function, tolerance=tolerance)

    def along(name: str, what: str, axis: int, rows: int, columns: int) -> Workload:
        shape = _cut(scale, rows, columns)
        return row(
            name, f"{what}, axis {axis}, {rows} x {columns}", _uniform(*shape), 4 * _size(*shape),
            lambda xp, x: getattr(xp, what)(x, axis=axis),
        )  # fmt: skip

    def taken() -> tuple[Array, Array]:
        rows = _cut(scale, 4 * MI)[0]
        return uniform((rows, 16)), positions(rows, rows)

    return [
        row(
            "add-int8", "x + y, int8, 256 Mi", _uniform(4 * big, count=2, dtype="int8"), 12 * big,
            lambda xp, x, y: x + y, sampled=2, tolerance=0.0,
        ),
        row(
            "add-float64", "x + y, float64, 32 Mi", _uniform(half, count=2, dtype="float64"),
            24 * half, lambda xp, x, y: x + y, sampled=2,
        ),
        row(
            "multiply-complex", "x * y, complex128, 16 Mi",
            _uniform(half // 2, count=2, dtype="complex128"), 24 * half,
            lambda xp, x, y: x * y, sampled=2,
        ),
        row(
            "strided", "x[::2] + 1, 64 Mi", _uniform(big), 6 * (big // 2 * 2),
            lambda xp, x: x[::2] + 1,
        ),
        row(
            "transposed", "x.T + 1, 8192^2", _uniform(*square), 8 * _size(*square),
            lambda xp, x: x.T + 1,
        ),
        row(
            "unaligned", "x[1:] + y[:-1], 64 Mi", _uniform(big, count=2), 12 * (big - 1),
            lambda xp, x, y: x[1:] + y[:-1],
        ),
        along("rows-4096", "sum", 1, 16384, 4096),
        along("rows-1024", "sum", 1, 65536, 1024),
        along("rows-128", "sum", 1, 65536 * 8, 128),
        along("rows-16", "sum", 1, 4 * MI, 16),
        full("max", lambda xp, x: xp.max(x), 0.0),
        full("argmax", lambda xp, x: xp.argmax(x), 0.0),
        full("var", lambda xp, x: xp.var(x)),
        along("mean-0", "mean", 0, 16384, 4096),
        along("mean-1", "mean", 1, 16384, 4096),
        along("var-0", "var", 0, 16384, 4096),
        along("var-1", "var", 1, 16384, 4096),
        along("argmax-0", "argmax", 0, 16384, 4096),
        row(
            "take", "take, 4 Mi rows of 16 at random", taken,
            _cut(scale, 4 * MI)[0] * (64 + 64 + 8), lambda xp, x, k: xp.take(x, k, axis=0),
            tolerance=0.0,
        ),
        row(
            "stencil", "heat flow in place, 8192^2", _uniform(*square), 8 * _size(*square),
            programs.jacobi_in_place(1), sampled=1, halo=1, own={"jax": programs.jacobi_at(1)},
        ),
    ]  # fmt: skip
