"""The library operations by NumPy: what each hook of that name computes, on host arrays.

In: NumPy arrays and the hook's parameters. Out: a tuple of NumPy arrays. The NumPy backend answers
its hooks with these, other backends are tested against them, and a backend that lacks one gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LIBRARY", "WAITING"]

NumPyArray = npt.NDArray[Any]
Results = tuple[NumPyArray, ...]


def matmul(a: NumPyArray, b: NumPyArray) -> Results:
    return (np.matmul(a, b),)


# Sorting, searching, scans: along the last axis.


def sort(x: NumPyArray, descending: bool) -> Results:
    if not descending:
        return (np.sort(x, axis=-1, stable=True),)
    # From the end backwards, so that equal elements keep their order: 0.0 and -0.0, or NaNs.
    return (np.sort(x[..., ::-1], axis=-1, stable=True)[..., ::-1],)


def argsort(x: NumPyArray, descending: bool) -> Results:
    if not descending:
        return (np.argsort(x, axis=-1, stable=True),)
    # From the end backwards, so that equal elements keep their order.
    backwards = np.argsort(x[..., ::-1], axis=-1, stable=True)
    return (x.shape[-1] - 1 - backwards[..., ::-1],)


def searchsorted(x: NumPyArray, values: NumPyArray, right: bool) -> Results:
    found = np.searchsorted(x, values, side="right" if right else "left")
    return (np.asarray(found, np.int64),)


def scan(x: NumPyArray, kind: str) -> Results:
    accumulate = np.cumsum if kind == "sum" else np.cumprod
    return (accumulate(x, axis=-1, dtype=x.dtype),)


# Selections, whose size depends on values.


def select(x: NumPyArray, mask: NumPyArray) -> Results:
    return (x[mask],)


def unique(x: NumPyArray) -> Results:
    return (np.unique(x, equal_nan=False),)


# Fourier transforms without normalisation.


def fft(x: NumPyArray, axes: tuple[int, ...], inverse: bool) -> Results:
    if inverse:
        return (np.fft.ifftn(x, axes=axes, norm="forward").astype(x.dtype, copy=False),)
    return (np.fft.fftn(x, axes=axes, norm="backward").astype(x.dtype, copy=False),)


def rfft(x: NumPyArray, axes: tuple[int, ...]) -> Results:
    dtype = np.result_type(x.dtype, np.complex64)
    return (np.fft.rfftn(x, axes=axes, norm="backward").astype(dtype, copy=False),)


def irfft(x: NumPyArray, axes: tuple[int, ...], size: int) -> Results:
    dtype = x.real.dtype
    if len(axes) > 1:
        x = np.fft.ifftn(x, axes=axes[:-1], norm="forward")
    found = np.fft.irfft(x, n=size, axis=axes[-1], norm="forward")
    return (found.astype(dtype, copy=False),)


# Linear algebra over the last two axes, in stacks.


def cholesky(a: NumPyArray, upper: bool) -> Results:
    # NumPy reads the lower triangle.
    lower = np.linalg.cholesky(np.conj(np.swapaxes(a, -1, -2)) if upper else a)
    return (np.conj(np.swapaxes(lower, -1, -2)) if upper else lower,)


def qr(a: NumPyArray, complete: bool) -> Results:
    return tuple(np.linalg.qr(a, mode="complete" if complete else "reduced"))


# LAPACK's iterations need not end for infinities and NaN, or end in a wrong result.


def svd(a: NumPyArray, full: bool) -> Results:
    _require_finite(a)
    return tuple(np.linalg.svd(a, full_matrices=full))


def svdvals(a: NumPyArray) -> Results:
    _require_finite(a)
    return (np.linalg.svd(a, compute_uv=False),)


def eigh(a: NumPyArray) -> Results:
    _require_finite(np.tril(a))
    return tuple(np.linalg.eigh(a))


def eigvalsh(a: NumPyArray) -> Results:
    _require_finite(np.tril(a))
    return (np.linalg.eigvalsh(a),)


def eig(a: NumPyArray) -> Results:
    _require_finite(a)
    # Real where all eigenvalues are; the standard wants complex ones always.
    return tuple(x.astype(_complex(a.dtype)) for x in np.linalg.eig(a))


def eigvals(a: NumPyArray) -> Results:
    _require_finite(a)
    return (np.linalg.eigvals(a).astype(_complex(a.dtype)),)


def solve(a: NumPyArray, b: NumPyArray) -> Results:
    return (np.linalg.solve(a, b),)


def inv(a: NumPyArray) -> Results:
    return (np.linalg.inv(a),)


def det(a: NumPyArray) -> Results:
    return (np.asarray(np.linalg.det(a)),)


def slogdet(a: NumPyArray) -> Results:
    return tuple(np.asarray(x) for x in np.linalg.slogdet(a))


def _quiet(function: Callable[..., Results]) -> Callable[..., Results]:
    """The function without NumPy's warnings: infinities and NaN are results, as on a device."""

    @wraps(function)
    def computed(*args: Any, **arguments: Any) -> Results:
        with np.errstate(all="ignore"):
            return function(*args, **arguments)

    return computed


def _require_finite(a: NumPyArray) -> None:
    if not np.isfinite(a).all():
        raise np.linalg.LinAlgError("a matrix has infinities or NaN, so that nothing converges")


def _complex(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(dtype, np.complex64)


LIBRARY: Mapping[str, Callable[..., Results]] = {
    function.__name__: _quiet(function)
    for function in (
        *(matmul, sort, argsort, searchsorted, scan, select, unique),
        *(fft, rfft, irfft, cholesky, qr, svd),
        *(svdvals, eigh, eigvalsh, eig, eigvals, solve, inv, det, slogdet),
    )
}

WAITING: Mapping[str, str] = {
    "select": "a mask as an index",
    "unique": "unique_values()",
    **{
        name: f"{name}(), which waits for failures,"
        for name in (
            *("cholesky", "svd", "svdvals", "eigh", "eigvalsh", "eig", "eigvals", "solve", "inv"),
        )
    },
}
"""Those that wait for a value, a size or a failure, each with what asks for it."""
