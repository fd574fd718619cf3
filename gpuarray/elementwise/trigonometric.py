"""Elementwise functions: the trigonometric functions and their inverses.

In: floating arrays, angles in radians. Out: an array of the same dtype with a pending node. Real
arguments outside the domain give NaN; complex ones have the principal value (branch cuts of C99).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import binary, unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "acos",
    "asin",
    "atan",
    "atan2",
    "cos",
    "sin",
    "tan",
]


def acos(x: Array, /) -> Array:
    """The inverse cosine, between 0 and π for real elements.

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
    Real arguments beyond ±1 give NaN. The branch cuts of complex ones run along the real axis
    outside [-1, 1].

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.acos.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.acos(xp.asarray(-1.0)))
    3.141592653589793
    """
    return unary(ops.ACOS, x)


def asin(x: Array, /) -> Array:
    """The inverse sine, between -π/2 and π/2 for real elements.

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
    Real arguments beyond ±1 give NaN. The branch cuts of complex ones run along the real axis
    outside [-1, 1].

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.asin.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.asin(xp.asarray(1.0)))
    1.5707963267948966
    """
    return unary(ops.ASIN, x)


def atan(x: Array, /) -> Array:
    """The inverse tangent, between -π/2 and π/2 for real elements.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.atan.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.atan(xp.asarray(1.0)))
    0.7853981633974483
    """
    return unary(ops.ATAN, x)


def atan2(x1: Array | float, x2: Array | float, /) -> Array:
    """The angle of the point with ordinate `x1` and abscissa `x2`, between -π and π.

    Parameters
    ----------
    x1 : Array or Python scalar
        The ordinates (y); real floating. At least one operand is an array; shapes broadcast.
    x2 : Array or Python scalar
        The abscissas (x); real floating.

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
    Signed zeros count: ``atan2(-0.0, -1.0)`` is -π.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.atan2.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.atan2(xp.asarray(1.0), -1.0))
    2.356194490192345
    """
    return binary(ops.ATAN2, x1, x2)


def cos(x: Array, /) -> Array:
    """The cosine of each element.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.cos.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.cos(xp.asarray(0.0)))
    1.0
    """
    return unary(ops.COS, x)


def sin(x: Array, /) -> Array:
    """The sine of each element.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.sin.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.sin(xp.asarray(0.0)))
    0.0
    """
    return unary(ops.SIN, x)


def tan(x: Array, /) -> Array:
    """The tangent of each element.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.tan.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.tan(xp.asarray(0.0)))
    0.0
    """
    return unary(ops.TAN, x)
