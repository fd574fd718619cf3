"""Linear algebra: determinants of square matrices.

In: square matrices, in stacks. Out: numbers that a library computes from the call on.
"""

from __future__ import annotations

from typing import NamedTuple

from gpuarray.array import Array
from gpuarray.creation import ones, zeros
from gpuarray.dtypes import real_of
from gpuarray.library import call
from gpuarray.linalg.matrices import checked_square

__all__ = ["SlogdetResult", "det", "slogdet"]


class SlogdetResult(NamedTuple):
    """Signs and logarithms of absolute values of determinants."""

    sign: Array
    logabsdet: Array


def det(x: Array, /) -> Array:
    """The determinants of square matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating.

    Returns
    -------
    Array
        Shape ``(...)``, the dtype of `x`; 1 for matrices without elements. A determinant beyond the
        range of its dtype is infinite or zero: `slogdet` has no such limit.

    Raises
    ------
    TypeError
        If `x` is not a floating array.
    ValueError
        If the matrices are not square.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.det.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> round(float(xp.linalg.det(xp.asarray([[1.0, 2.0], [3.0, 4.0]]))), 6)
    -2.0
    """
    checked_square("det", "x", x)
    if 0 in x.shape:
        return ones(x.shape[:-2], dtype=x.dtype, device=x.device)
    (found,) = call("det", a=x)
    return found


def slogdet(x: Array, /) -> SlogdetResult:
    """The signs and the logarithms of the absolute values of determinants.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating.

    Returns
    -------
    SlogdetResult
        `sign`, shape ``(...)`` and the dtype of `x`: 1, -1, or a complex number of length 1; 0 for
        a singular matrix. `logabsdet`, shape ``(...)`` and the real dtype of the precision of `x`:
        -inf for a singular matrix. The determinant is ``sign * exp(logabsdet)``.

    Raises
    ------
    TypeError
        If `x` is not a floating array.
    ValueError
        If the matrices are not square.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.slogdet.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> sign, logabsdet = xp.linalg.slogdet(-1e-200 * xp.eye(3))
    >>> float(sign), round(float(logabsdet), 3)
    (-1.0, -1381.551)
    """
    checked_square("slogdet", "x", x)
    if 0 in x.shape:
        stack = x.shape[:-2]
        return SlogdetResult(
            ones(stack, dtype=x.dtype, device=x.device),
            zeros(stack, dtype=real_of(x.dtype), device=x.device),
        )
    return SlogdetResult(*call("slogdet", a=x))
