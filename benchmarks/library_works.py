"""The operations of `library_speed`: inputs, calls, and how wrong their results are.

In: nothing. Out: `Work`s, whose functions are written against names that every library has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Work", "works"]

Array = np.ndarray[Any, Any]
# Rows of a large result that are checked.
CHECKED_ROWS = 32


@dataclass(frozen=True)
class Work:
    """An operation: its inputs, how it is called, and how wrong its results are.

    `error` gets inputs and results as NumPy arrays, and gives a relative error, which is to be at
    most `bound` roundings of the dtype.
    """

    name: str
    title: str
    inputs: Callable[[], tuple[Array, ...]]
    function: Callable[..., Any]
    error: Callable[[Sequence[Array], Sequence[Array]], float]
    bound: float
    milliseconds: float | None = None


def _random(*shape: int, dtype: str = "float32", seed: int = 1) -> Array:
    rng = np.random.default_rng(seed)
    real = np.empty(0, dtype).real.dtype
    found = rng.standard_normal(shape, np.float32 if real == np.float32 else np.float64)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.standard_normal(shape)
    return found.astype(dtype)


def _definite(*shape: int, dtype: str = "float32") -> Array:
    x = _random(*shape, dtype=dtype)
    n = x.shape[-1]
    return (x @ x.conj().mT / n + np.eye(n)).astype(dtype)


def _symmetric(*shape: int, dtype: str = "float32") -> Array:
    x = _random(*shape, dtype=dtype)
    return (x + x.conj().mT).astype(dtype)


def _wide(x: Array) -> Array:
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _distance(x: Array, y: Array) -> float:
    """The norm of the difference over the norm of `y`."""
    return float(np.linalg.norm(np.ravel(x - y)) / (np.linalg.norm(np.ravel(y)) or 1))


def _rows(x: Array) -> Array:
    """A few rows of a matrix, or a few matrices of a stack."""
    return x[:: max(len(x) // CHECKED_ROWS, 1)]


def _product(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    a, b = inputs
    right = _wide(_rows(b) if b.ndim > 2 else b)
    return _distance(_rows(found[0]), _wide(_rows(a)) @ right)


def _exact_product(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    a, b = inputs
    return float(np.any(_rows(found[0]) != _rows(a) @ b))


def _factor(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    lower = found[0]
    if lower.ndim > 2:
        lower = _rows(lower)
        return _distance(_wide(lower) @ _wide(lower.conj().mT), _rows(inputs[0]))
    return _distance(_wide(_rows(lower)) @ _wide(lower.conj().T), _rows(inputs[0]))


def _solution(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    """The residual, relative to the norms of the matrix and the solution."""
    a, b, x = inputs[0], inputs[1], found[0]
    if a.ndim > 2:
        a, b, x = _rows(a), _rows(b), _rows(x)
    residual = np.linalg.norm(np.ravel(_wide(a) @ _wide(x) - b))
    return float(residual / (np.linalg.norm(np.ravel(a)) * np.linalg.norm(np.ravel(x))))


def _inverse(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    n = inputs[0].shape[-1]
    return _solution((inputs[0], np.eye(n)), found)


def _eigen(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    a, w, v = inputs[0], found[0], found[1]
    if a.ndim > 2:
        a, w, v = _rows(a), _rows(w), _rows(v)
    difference = _wide(a) @ _wide(v) - _wide(v) * w[..., None, :]
    return float(np.linalg.norm(np.ravel(difference)) / np.linalg.norm(np.ravel(a)))


def _singular(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    u, s, vh = found
    a = inputs[0]
    if a.ndim > 2:
        a, u, s, vh = _rows(a), _rows(u), _rows(s), _rows(vh)
    return _distance(_wide(u) * s[..., None, :] @ _wide(vh), a)


def _singular_values(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    expected = np.linalg.svd(
        _rows(inputs[0]) if inputs[0].ndim > 2 else inputs[0], compute_uv=False
    )
    return _distance(_rows(found[0]) if inputs[0].ndim > 2 else found[0], expected)


def _orthogonal(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    q, r = found
    return _distance(_wide(_rows(q)) @ _wide(_rows(r) if r.ndim > 2 else r), _rows(inputs[0]))


def _determinant(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    expected = np.linalg.slogdet(_wide(inputs[0]))
    return max(_distance(found[0], expected[0]), _distance(found[1], expected[1]))


def _unchanged(inputs: Sequence[Array], found: Sequence[Array]) -> float:
    return _distance(found[0], inputs[0])


def _spectrum(axis: int, real: bool = False) -> Callable[..., float]:
    transform = np.fft.rfft if real else np.fft.fft

    def error(inputs: Sequence[Array], found: Sequence[Array]) -> float:
        x, y = inputs[0], found[0]
        if x.ndim > 1:
            pick = (_rows(x), _rows(y)) if axis else (x[:, :CHECKED_ROWS], y[:, :CHECKED_ROWS])
            x, y = pick
        return _distance(y, transform(_wide(x) if not real else x.astype(float), axis=axis))

    return error


def works() -> list[Work]:
    """All of them; those that have targets first."""
    return [
        Work(
            *("matmul-f32", "matmul 4096, float32"),
            lambda: (_random(4096, 4096), _random(4096, 4096, seed=2)),
            *(lambda xp, a, b: xp.matmul(a, b), _product, 100, 2.69),
        ),
        Work(
            *("matmul-f64", "matmul 4096, float64"),
            lambda: (_random(4096, 4096, dtype="float64"), _random(4096, 4096, dtype="float64")),
            *(lambda xp, a, b: xp.matmul(a, b), _product, 100, 2.57),
        ),
        Work(
            *("matmul-batched", "matmul 512 x 256, float32"),
            lambda: (_random(512, 256, 256), _random(512, 256, 256, seed=2)),
            *(lambda xp, a, b: xp.matmul(a, b), _product, 100, 0.374),
        ),
        Work(
            *("fft2", "fftn, ifftn 4096 x 4096, complex64"),
            lambda: (_random(4096, 4096, dtype="complex64"),),
            *(lambda xp, x: xp.fft.ifftn(xp.fft.fftn(x)), _unchanged, 20, 0.498),
        ),
        Work(
            *("cholesky", "cholesky 4096, float32"),
            lambda: (_definite(4096, 4096),),
            *(lambda xp, a: xp.linalg.cholesky(a), _factor, 100, 1.64),
        ),
        Work(
            *("solve", "solve 4096, 16 right sides, float32"),
            lambda: (_random(4096, 4096), _random(4096, 16, seed=2)),
            *(lambda xp, a, b: xp.linalg.solve(a, b), _solution, 100, 13.6),
        ),
        Work(
            *("eigh", "eigh 1024, float32"),
            lambda: (_symmetric(1024, 1024),),
            *(lambda xp, a: tuple(xp.linalg.eigh(a)), _eigen, 1000, 10.2),
        ),
        Work(
            *("svdvals", "svdvals 1024, float32"),
            lambda: (_random(1024, 1024),),
            *(lambda xp, a: xp.svdvals(a), _singular_values, 100, 52.8),
        ),
        Work(
            *("svd", "svd 1024, float32"),
            lambda: (_random(1024, 1024),),
            *(lambda xp, a: tuple(xp.linalg.svd(a, full_matrices=False)), _singular, 1000),
        ),
        Work(
            *("qr", "qr 2048 x 1024, float32"),
            lambda: (_random(2048, 1024),),
            *(lambda xp, a: tuple(xp.linalg.qr(a)), _orthogonal, 1000),
        ),
        Work(
            *("inv", "inv 2048, float64"),
            lambda: (_random(2048, 2048, dtype="float64"),),
            *(lambda xp, a: xp.linalg.inv(a), _inverse, 100),
        ),
        Work(
            *("slogdet", "slogdet 2048, float64"),
            lambda: (_random(2048, 2048, dtype="float64"),),
            *(lambda xp, a: tuple(xp.linalg.slogdet(a)), _determinant, 1e4),
        ),
        Work(
            *("eig", "eig 512, float64"),
            lambda: (_random(512, 512, dtype="float64"),),
            *(lambda xp, a: tuple(xp.linalg.eig(a)), _eigen, 1e4),
        ),
        Work(
            *("eig-small", "eig 64, float64"),
            lambda: (_random(64, 64, dtype="float64"),),
            *(lambda xp, a: tuple(xp.linalg.eig(a)), _eigen, 1e4),
        ),
        Work(
            *("solve-batched", "solve 10000 x 8, float32"),
            lambda: (_definite(10000, 8, 8), _random(10000, 8, 1)),
            *(lambda xp, a, b: xp.linalg.solve(a, b), _solution, 100),
        ),
        Work(
            *("cholesky-batched", "cholesky 1000 x 64, float32"),
            lambda: (_definite(1000, 64, 64),),
            *(lambda xp, a: xp.linalg.cholesky(a), _factor, 100),
        ),
        Work(
            *("qr-batched", "qr 1000 x 64, float32"),
            lambda: (_random(1000, 64, 64),),
            *(lambda xp, a: tuple(xp.linalg.qr(a)), _orthogonal, 1000),
        ),
        Work(
            *("eigh-batched", "eigh 1000 x 32, float32"),
            lambda: (_symmetric(1000, 32, 32),),
            *(lambda xp, a: tuple(xp.linalg.eigh(a)), _eigen, 1000),
        ),
        Work(
            *("svd-batched", "svd 1000 x 32, float32"),
            lambda: (_random(1000, 32, 32),),
            *(lambda xp, a: tuple(xp.linalg.svd(a, full_matrices=False)), _singular, 1000),
        ),
        Work(
            *("svd-stack", "svd 16 x 128, float32"),
            lambda: (_random(16, 128, 128),),
            *(lambda xp, a: tuple(xp.linalg.svd(a, full_matrices=False)), _singular, 1000),
        ),
        Work(
            *("matmul-small", "matmul 64, float32"),
            lambda: (_random(64, 64), _random(64, 64, seed=2)),
            *(lambda xp, a, b: xp.matmul(a, b), _product, 100),
        ),
        Work(
            *("matmul-vector", "matmul 8192 x 8192 by a vector, float32"),
            lambda: (_random(8192, 8192), _random(8192, 1, seed=2)),
            *(lambda xp, a, b: xp.matmul(a, b), _product, 100),
        ),
        Work(
            *("matmul-tiny", "matmul 100000 x 4, float32"),
            lambda: (_random(100000, 4, 4), _random(100000, 4, 4, seed=2)),
            *(lambda xp, a, b: xp.matmul(a, b), _product, 100),
        ),
        Work(
            *("matmul-transposed", "matmul 4096, a.T @ b.T, float32"),
            lambda: (_random(4096, 4096), _random(4096, 4096, seed=2)),
            lambda xp, a, b: xp.matmul(a.T, b.T),
            lambda inputs, found: _product([x.T for x in inputs], found),
            100,
        ),
        Work(
            *("matmul-int", "matmul 2048, int32"),
            lambda: tuple(
                np.random.default_rng(k).integers(-99, 99, (2048, 2048), np.int32) for k in (1, 2)
            ),
            *(lambda xp, a, b: xp.matmul(a, b), _exact_product, 0),
        ),
        Work(
            *("fft", "fft 2**22, complex64"),
            lambda: (_random(1 << 22, dtype="complex64"),),
            *(lambda xp, x: xp.fft.fft(x), _spectrum(0), 20),
        ),
        Work(
            *("rfft", "rfft 16384 x 1024, float32"),
            lambda: (_random(16384, 1024),),
            *(lambda xp, x: xp.fft.rfft(x), _spectrum(1, real=True), 20),
        ),
        Work(
            *("irfft", "rfft, irfft 16384 x 1024, float32"),
            lambda: (_random(16384, 1024),),
            *(lambda xp, x: xp.fft.irfft(xp.fft.rfft(x)), _unchanged, 20),
        ),
        Work(
            *("fft-columns", "fft along axis 0, 4096 x 4096, complex64"),
            lambda: (_random(4096, 4096, dtype="complex64"),),
            *(lambda xp, x: xp.fft_columns(x), _spectrum(0), 20),
        ),
    ]
