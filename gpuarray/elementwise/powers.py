"""Elementwise functions: powers, roots and lengths.

In: arrays, and Python scalars beside an array. Out: an array with a pending node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import binary, power, unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "hypot",
    "pow",
    "reciprocal",
    "sqrt",
    "square",
]


def hypot(x1: Array | float, x2: Array | float, /) -> Array:
    """The length ``sqrt(x1**2 + x2**2)``, without overflow or underflow on the way.

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

    Notes
    -----
    It is infinite if one operand is, even beside a NaN.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.hypot.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.hypot(xp.asarray(3.0), 4.0))
    5.0
    """
    return binary(ops.HYPOT, x1, x2)


def pow(x1: Array | complex, x2: Array | complex, /) -> Array:
    """The powers ``x1 ** x2``.

    Parameters
    ----------
    x1 : Array or Python scalar
        The bases; any numeric dtype. At least one operand is an array; shapes broadcast.
    x2 : Array or Python scalar
        The exponents; any numeric dtype.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not numeric.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    Integers wrap. The standard leaves negative integer exponents open; here the exact power is
    truncated towards zero, and a power of 0 is 0. Complex powers have the branch cut of `log`
    in the base.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.pow.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.pow(xp.asarray([2, 3]), 2)
    Array([4, 9], dtype=int64, device='cpu')
    """
    return power(x1, x2)


def reciprocal(x: Array, /) -> Array:
    """The reciprocals ``1 / x``.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.reciprocal.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.reciprocal(xp.asarray([2.0, 0.5]))
    Array([0.5, 2. ], dtype=float64, device='cpu')
    """
    return unary(ops.RECIPROCAL, x)


def sqrt(x: Array, /) -> Array:
    """The square root of each element.

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
    The branch cut runs along the negative real axis; the real part of a root is never negative.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.sqrt.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.sqrt(xp.asarray([4.0, 9.0]))
    Array([2., 3.], dtype=float64, device='cpu')
    """
    return unary(ops.SQRT, x)


def square(x: Array, /) -> Array:
    """The squares ``x * x``.

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
    Integers wrap.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.square.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.square(xp.asarray([-2, 3]))
    Array([4, 9], dtype=int64, device='cpu')
    """
    return unary(ops.SQUARE, x)
