"""Linear algebra: what depends on which singular values count as zero.

In: matrices, in stacks, and a relative tolerance. Out: a library's singular values and vectors,
with a recorded threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuarray.arguments import checked_real
from gpuarray.array import Array
from gpuarray.dtypes import real_of
from gpuarray.elementwise import conj, greater, multiply, reciprocal
from gpuarray.linalg.decompositions import singular_values, singular_vectors
from gpuarray.linalg.matrices import checked_matrices
from gpuarray.linear_algebra import matmul
from gpuarray.manipulation import expand_dims
from gpuarray.recording import broadcast_shapes, same_device
from gpuarray.searching import count_nonzero, where

__all__ = ["matrix_rank", "pinv"]


def matrix_rank(x: Array, /, *, rtol: float | Array | None = None) -> Array:
    """How many singular values of each matrix are not zero.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, real or complex floating.
    rtol : float or Array, optional
        Singular values up to this share of the largest one count as zero. An array is real
        floating and broadcasts against the stack ``(...)``. None: ``max(m, n)`` times the distance
        of 1 to the next number of the dtype.

    Returns
    -------
    Array
        Shape ``(...)``, of dtype int64.

    Raises
    ------
    TypeError
        If `x` is not a floating array, or `rtol` neither a real number nor a real floating array.
    ValueError
        If `x` has fewer than two dimensions, or `rtol` does not broadcast against the stack or is
        on another device.
    numpy.linalg.LinAlgError
        If the singular values do not converge.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.matrix_rank.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.linalg.matrix_rank(xp.asarray([[1.0, 2.0], [2.0, 4.0]])))
    1
    """
    checked_matrices("matrix_rank", "x", x)
    tolerance = _tolerance("matrix_rank", x, rtol)
    s = singular_values("matrix_rank", x)
    return count_nonzero(_not_zero(s, tolerance), axis=-1)


def pinv(x: Array, /, *, rtol: float | Array | None = None) -> Array:
    """The Moore-Penrose pseudo-inverses of matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, real or complex floating.
    rtol : float or Array, optional
        As for `matrix_rank`: smaller singular values are left out.

    Returns
    -------
    Array
        Shape ``(..., n, m)`` and the dtype of `x`: what gives, multiplied with the right-hand sides
        of linear equations, their least-squares solution of least length.

    Raises
    ------
    TypeError, ValueError, numpy.linalg.LinAlgError
        As for `matrix_rank`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.pinv.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> a = xp.asarray([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> x = xp.linalg.pinv(a) @ xp.asarray([2.0, 1.0, 3.0])
    >>> round(float(x[0]), 6), round(float(x[1]), 6)
    (2.0, 2.0)
    """
    checked_matrices("pinv", "x", x)
    tolerance = _tolerance("pinv", x, rtol)
    u, s, vh = singular_vectors("pinv", x, False)
    inverses = where(_not_zero(s, tolerance), reciprocal(s), 0.0)
    scaled = multiply(conj(vh).mT, expand_dims(inverses, -2))
    return matmul(scaled, conj(u).mT)


def _tolerance(name: str, x: Array, rtol: Any) -> float | Array:
    """The relative tolerance, checked: a number, or an array of shape ``(..., 1)``."""
    if rtol is None:
        return max(x.shape[-2:]) * float(np.finfo(real_of(x.dtype)).eps)
    if rtol.__class__ is Array:
        if rtol.dtype.kind != "f":
            raise TypeError(f"{name}: `rtol` must be real floating, got {rtol.dtype}")
        same_device(name, x, rtol)
        broadcast_shapes(name, x.shape[:-2], rtol.shape)
        return expand_dims(rtol, -1)
    return checked_real(name, "`rtol`", rtol, "a real number or an array")


def _not_zero(s: Array, tolerance: float | Array) -> Array:
    """Which of the descending singular values are above the tolerance."""
    return greater(s, multiply(s[..., :1], tolerance))
