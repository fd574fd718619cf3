"""Linear algebra: norms of vectors and of matrices.

In: floating arrays, the axes of the vectors, the kind of norm. Out: real numbers: pending sums and
extremes, or made of singular values, which a library computes from the call on.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from gpuarray.arguments import checked_flag, checked_real, reduced_axes
from gpuarray.array import Array
from gpuarray.dtypes import real_of
from gpuarray.elementwise import abs, add, imag, multiply, not_equal, pow, real, sqrt
from gpuarray.linalg.decompositions import singular_values
from gpuarray.linalg.matrices import checked_floating, checked_matrices
from gpuarray.manipulation import expand_dims
from gpuarray.recording import cast
from gpuarray.reductions import check_not_empty
from gpuarray.statistics import max, min, sum

__all__ = ["matrix_norm", "vector_norm"]

Axes = tuple[int, ...]


def vector_norm(
    x: Array,
    /,
    *,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    ord: int | float = 2,
) -> Array:
    """The norms of vectors.

    Parameters
    ----------
    x : Array
        Any shape, real or complex floating.
    axis : int or tuple of int, optional
        The axes whose elements make a vector; None: all.
    keepdims : bool, optional
        Whether those axes remain, with extent 1.
    ord : int or float, optional
        Which norm, of the absolute values a: ``sum(a**ord)**(1/ord)``; ``max(a)`` for inf and
        ``min(a)`` for -inf; for 0 how many are not zero.

    Returns
    -------
    Array
        The real dtype of the precision of `x`. Pending: what computes the vectors and what follows
        are fused with it. Squares and powers of `x` must be within the range of the dtype.

    Raises
    ------
    TypeError
        If `x` is not a floating array, an axis is not an integer, `ord` not a real number, or
        `keepdims` no bool.
    IndexError
        If an axis is out of range.
    ValueError
        If an axis is given twice, or `ord` is -inf and there are no elements.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.vector_norm.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([3.0, -4.0])
    >>> float(xp.linalg.vector_norm(x)), float(xp.linalg.vector_norm(x, ord=1))
    (5.0, 7.0)
    """
    checked_floating("vector_norm", "x", x)
    p = checked_real("vector_norm", "`ord`", ord)
    axes = reduced_axes("vector_norm", axis, x.ndim)
    keepdims = checked_flag("vector_norm", "`keepdims`", keepdims)
    if p == 0:
        return sum(cast(not_equal(x, 0), real_of(x.dtype)), axis=axes, keepdims=keepdims)
    if p == 2:
        return _euclidean(x, axes, keepdims)
    if math.isinf(p):
        return _extreme("vector_norm", abs(x), axes, keepdims, smallest=p < 0)
    if p == 1:
        return sum(abs(x), axis=axes, keepdims=keepdims)
    return pow(sum(pow(abs(x), p), axis=axes, keepdims=keepdims), 1 / p)


def matrix_norm(
    x: Array,
    /,
    *,
    keepdims: bool = False,
    ord: int | float | Literal["fro", "nuc"] | None = "fro",
) -> Array:
    """The norms of matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, real or complex floating.
    keepdims : bool, optional
        Whether the last two axes remain, with extent 1.
    ord : {"fro", "nuc", 1, -1, 2, -2, inf, -inf}, optional
        Which norm. "fro", or None: the root of the sum of squares. "nuc": the sum of the singular
        values. 2 and -2: the largest and the smallest of them. 1 and -1: the largest and the
        smallest of the sums of absolute values of columns; inf and -inf: of rows.

    Returns
    -------
    Array
        Shape ``(...)``, the real dtype of the precision of `x`. Norms without singular values are
        pending, as in `vector_norm`.

    Raises
    ------
    TypeError
        If `x` is not a floating array, or `keepdims` no bool.
    ValueError
        If `x` has fewer than two dimensions, `ord` is none of these, or the smallest of nothing is
        asked for.
    numpy.linalg.LinAlgError
        If the singular values do not converge.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.matrix_norm.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([[1.0, -2.0], [3.0, 4.0]])
    >>> float(xp.linalg.matrix_norm(x, ord=1)), float(xp.linalg.matrix_norm(x, ord=xp.inf))
    (6.0, 7.0)
    """
    checked_matrices("matrix_norm", "x", x)
    keepdims = checked_flag("matrix_norm", "`keepdims`", keepdims)
    rows, columns = x.ndim - 2, x.ndim - 1
    if isinstance(ord, bool | np.bool_ | Array):  # which may equal one of the norms
        raise _unknown_norm(ord)
    if ord is None or ord == "fro":
        return _euclidean(x, (rows, columns), keepdims)
    if ord == "nuc":
        norm = sum(singular_values("matrix_norm", x), axis=-1)
    elif ord in (2, -2):
        values = singular_values("matrix_norm", x)
        norm = _extreme("matrix_norm", values, (rows,), False, smallest=ord == -2)
    elif ord in (1, -1, math.inf, -math.inf):
        # Of what is left after the sums, the last axis is the other one.
        sums = sum(abs(x), axis=rows if ord in (1, -1) else columns)
        norm = _extreme("matrix_norm", sums, (rows,), False, smallest=ord in (-1, -math.inf))
    else:
        raise _unknown_norm(ord)
    return expand_dims(norm, (-2, -1)) if keepdims else norm


def _unknown_norm(ord: Any) -> ValueError:
    return ValueError(
        f"matrix_norm: `ord` must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}"
    )


def _euclidean(x: Array, axes: Axes, keepdims: bool) -> Array:
    if x.dtype.kind == "c":
        squares = add(multiply(real(x), real(x)), multiply(imag(x), imag(x)))
    else:
        squares = multiply(x, x)
    return sqrt(sum(squares, axis=axes, keepdims=keepdims))


def _extreme(name: str, x: Array, axes: Axes, keepdims: bool, *, smallest: Any) -> Array:
    """The largest or the smallest of numbers that are not negative."""
    if smallest:
        check_not_empty(name, x, axes)
        return min(x, axis=axes, keepdims=keepdims)
    if any(x.shape[d] == 0 for d in axes):
        # The norm of nothing is zero, as its sum is.
        return sum(x, axis=axes, keepdims=keepdims)
    return max(x, axis=axes, keepdims=keepdims)
