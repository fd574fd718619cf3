"""Elementwise functions: the hyperbolic functions and their inverses.

In: floating arrays. Out: an array of the same dtype with a pending node. Real arguments outside the
domain give NaN; complex ones have the principal value (branch cuts of C99).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "acosh",
    "asinh",
    "atanh",
    "cosh",
    "sinh",
    "tanh",
]


def acosh(x: Array, /) -> Array:
    """The inverse hyperbolic cosine of each element.

    Parameters
    ----------
    x : Array
        Floating, real or complex.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not floating.

    Notes
    -----
    Real arguments below 1 give NaN. The branch cut of complex ones runs along the real axis
    below 1.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.acosh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.acosh(xp.asarray(1.0)))
    0.0
    """
    return unary(ops.ACOSH, x)


def asinh(x: Array, /) -> Array:
    """The inverse hyperbolic sine of each element.

    Parameters
    ----------
    x : Array
        Floating, real or complex.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not floating.

    Notes
    -----
    The branch cuts of complex arguments run along the imaginary axis outside [-1j, 1j].

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.asinh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.asinh(xp.asarray(0.0)))
    0.0
    """
    return unary(ops.ASINH, x)


def atanh(x: Array, /) -> Array:
    """The inverse hyperbolic tangent of each element.

    Parameters
    ----------
    x : Array
        Floating, real or complex.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not floating.

    Notes
    -----
    ±1 gives an infinity, real arguments beyond give NaN. The branch cuts of complex ones run
    along the real axis outside (-1, 1).

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.atanh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> round(float(xp.atanh(xp.asarray(0.5))), 6)
    0.549306
    """
    return unary(ops.ATANH, x)


def cosh(x: Array, /) -> Array:
    """The hyperbolic cosine of each element.

    Parameters
    ----------
    x : Array
        Floating, real or complex.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not floating.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.cosh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.cosh(xp.asarray(0.0)))
    1.0
    """
    return unary(ops.COSH, x)


def sinh(x: Array, /) -> Array:
    """The hyperbolic sine of each element.

    Parameters
    ----------
    x : Array
        Floating, real or complex.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not floating.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.sinh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.sinh(xp.asarray(0.0)))
    0.0
    """
    return unary(ops.SINH, x)


def tanh(x: Array, /) -> Array:
    """The hyperbolic tangent of each element, between -1 and 1 for real ones.

    Parameters
    ----------
    x : Array
        Floating, real or complex.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not floating.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.tanh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.tanh(xp.asarray(50.0)))
    1.0
    """
    return unary(ops.TANH, x)
