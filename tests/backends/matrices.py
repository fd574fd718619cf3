"""Matrices under test: random ones of a known condition, and the forms in which arrays come.

Values come from generators with fixed seeds. `forms` gives the same elements in memory of each kind
that a library call may meet, and pending.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import gpuarray as xp
from gpuarray.dtypes import real_of

FLOATING = ["float32", "float64", "complex64", "complex128"]
SQUARE = [(1, 1), (4, 4), (33, 33), (3, 5, 5), (2, 1, 3, 3)]
RECTANGULAR = [(4, 4), (6, 3), (3, 6), (1, 5), (5, 1), (2, 4, 3), (2, 1, 3, 4), (40, 17)]

Values = np.ndarray[Any, Any]


def integers(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Values:
    """Numbers of magnitude up to 4, so that sums of a thousand products are exact in any order."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    low = 0 if dtype.kind in "bu" else -4
    found = rng.integers(low, 2 if dtype.kind == "b" else 5, shape)
    if dtype.kind == "c":
        return (found + 1j * rng.integers(-4, 5, shape)).astype(dtype)
    return found.astype(dtype)


def normal(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Values:
    """Normally distributed numbers."""
    rng = np.random.default_rng(seed)
    found: Values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.standard_normal(shape)
    return found.astype(dtype)


def conditioned(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Values:
    """Matrices whose singular values are spread evenly from 2 down to 1."""
    wide = np.complex128 if np.dtype(dtype).kind == "c" else np.float64
    u, s, vh = np.linalg.svd(normal(shape, wide, seed), full_matrices=False)
    return ((u * np.linspace(2, 1, s.shape[-1])) @ vh).astype(dtype)


def hermitian(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Values:
    """Hermitian matrices with eigenvalues of both signs."""
    half = normal(shape, dtype, seed)
    return half + np.conj(np.swapaxes(half, -1, -2))


def positive_definite(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Values:
    """Hermitian matrices with eigenvalues from 1 to 4, exactly Hermitian."""
    root = conditioned(shape, dtype, seed)
    product = root @ np.conj(np.swapaxes(root, -1, -2))
    return (product + np.conj(np.swapaxes(product, -1, -2))) / 2


def forms(v: Values, device: str) -> dict[str, xp.Array]:
    """The elements of `v`, of at least one dimension: in memory in several ways, and pending."""

    def on_device(values: Values) -> xp.Array:
        return xp.asarray(np.ascontiguousarray(values), device=device)

    backwards = tuple(reversed(range(v.ndim)))
    spread = np.repeat(v, 2, axis=-1)
    spread[..., 1::2] = 1
    padded = np.pad(v, [(1, 2)] * v.ndim)
    inside = tuple(slice(1, 1 + n) for n in v.shape)
    return {
        "contiguous": on_device(v),
        "transposed": xp.permute_dims(on_device(v.transpose()), backwards),
        "backwards": xp.flip(on_device(np.flip(v))),
        "spread": on_device(spread)[..., ::2],
        "a part": on_device(padded)[inside],
        "pending": xp.where(on_device(np.ones(v.shape, bool)), on_device(v), False),
    }


def host(x: xp.Array) -> Values:
    return np.asarray(x.to_device("cpu"))


def check(x: xp.Array, expected: Any, dtype: Any = None) -> None:
    """Equal elements, shape and dtype."""
    expected = np.asarray(expected)
    assert x.shape == expected.shape
    assert x.dtype == (expected.dtype if dtype is None else dtype)
    np.testing.assert_array_equal(host(x), expected)


def check_close(x: xp.Array, expected: Any, dtype: Any, terms: int) -> None:
    """Equal but for rounding: `terms` roundings for each of the largest numbers that are added.

    Stable algorithms for matrices of n rows have errors of a small multiple of n roundings, in
    proportion to the largest element; 16 is that multiple here.
    """
    expected = np.asarray(expected)
    assert x.shape == expected.shape
    assert x.dtype == np.dtype(dtype)
    largest = float(np.max(np.abs(expected), initial=0.0))
    tolerance = 16 * terms * float(np.finfo(dtype).eps) * largest
    np.testing.assert_allclose(host(x), expected, rtol=0, atol=tolerance)


def wide(v: Values) -> Values:
    """In double precision."""
    return v.astype(np.complex128 if v.dtype.kind == "c" else np.float64)


def adjoint(v: Values) -> Values:
    """The conjugate transposes."""
    return np.conj(np.swapaxes(v, -1, -2))


def real(dtype: str) -> np.dtype[Any]:
    """The real dtype of a precision."""
    return real_of(np.dtype(dtype))


def complex_of(dtype: str) -> np.dtype[Any]:
    """The complex dtype of a precision."""
    return np.result_type(dtype, np.complex64)
