"""Elementwise functions: rounding to integer values.

In: an array. Out: an array of the same dtype with a pending node; integers keep their values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "ceil",
    "floor",
    "round",
    "trunc",
]


def ceil(x: Array, /) -> Array:
    """The smallest integer value not below each element.

    Parameters
    ----------
    x : Array
        Integer or real floating.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not real.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.ceil.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.ceil(xp.asarray([-1.5, 1.5]))
    Array([-1.,  2.], dtype=float64, device='cpu')
    """
    return unary(ops.CEIL, x)


def floor(x: Array, /) -> Array:
    """The largest integer value not above each element.

    Parameters
    ----------
    x : Array
        Integer or real floating.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not real.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.floor.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.floor(xp.asarray([-1.5, 1.5]))
    Array([-2.,  1.], dtype=float64, device='cpu')
    """
    return unary(ops.FLOOR, x)


def round(x: Array, /) -> Array:
    """The integer value nearest to each element, of two the even one.

    Parameters
    ----------
    x : Array
        Any numeric dtype.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not numeric.

    Notes
    -----
    The parts of a complex number are rounded each for itself.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.round.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.round(xp.asarray([0.5, 1.5, 2.5]))
    Array([0., 2., 2.], dtype=float64, device='cpu')
    """
    return unary(ops.ROUND, x)


def trunc(x: Array, /) -> Array:
    """Each element without its fraction: the nearest integer value towards zero.

    Parameters
    ----------
    x : Array
        Integer or real floating.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not real.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.trunc.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.trunc(xp.asarray([-1.5, 1.5]))
    Array([-1.,  1.], dtype=float64, device='cpu')
    """
    return unary(ops.TRUNC, x)
