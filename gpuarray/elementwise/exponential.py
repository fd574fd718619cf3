"""Elementwise functions: exponentials and logarithms.

In: floating arrays. Out: an array of the same dtype with a pending node. Real arguments outside the
domain give NaN; complex ones have the principal value, on branch cuts by the sign of zero (C99).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import binary, unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
]


def exp(x: Array, /) -> Array:
    """The exponential ``e**x`` of each element.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.exp.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.exp(xp.asarray(1.0)))
    2.718281828459045
    """
    return unary(ops.EXP, x)


def expm1(x: Array, /) -> Array:
    """``e**x - 1``, precise near zero too.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.expm1.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.expm1(xp.asarray(1e-20)))
    1e-20
    """
    return unary(ops.EXPM1, x)


def log(x: Array, /) -> Array:
    """The natural logarithm of each element.

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
    The branch cut runs along the negative real axis; the imaginary part is between -π and π.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.log.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.log(xp.asarray(10.0)))
    2.302585092994046
    """
    return unary(ops.LOG, x)


def log10(x: Array, /) -> Array:
    """The logarithm to base 10 of each element.

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
    The branch cut runs along the negative real axis.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.log10.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.log10(xp.asarray(1000.0)))
    3.0
    """
    return unary(ops.LOG10, x)


def log1p(x: Array, /) -> Array:
    """``log(1 + x)``, precise near zero too.

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
    The branch cut runs along the real axis below -1.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.log1p.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.log1p(xp.asarray(1e-20)))
    1e-20
    """
    return unary(ops.LOG1P, x)


def log2(x: Array, /) -> Array:
    """The logarithm to base 2 of each element.

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
    The branch cut runs along the negative real axis.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.log2.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.log2(xp.asarray(8.0)))
    3.0
    """
    return unary(ops.LOG2, x)


def logaddexp(x1: Array | float, x2: Array | float, /) -> Array:
    """``log(exp(x1) + exp(x2))``, without overflow on the way.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real floating.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.logaddexp.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.logaddexp(xp.asarray(1000.0), 1000.0))
    1000.6931471805599
    """
    return binary(ops.LOGADDEXP, x1, x2)
