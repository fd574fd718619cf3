"""Elementwise functions: parts, classes and neighbours of floating-point numbers.

In: arrays, and Python scalars beside an array. Out: an array with a pending node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import binary, unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "conj",
    "copysign",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "nextafter",
    "real",
    "signbit",
]


def conj(x: Array, /) -> Array:
    """The complex conjugate of each element; a real one is its own.

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

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.conj.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> complex(xp.conj(xp.asarray(1.0 + 2.0j)))
    (1-2j)
    """
    return unary(ops.CONJ, x)


def copysign(x1: Array | float, x2: Array | float, /) -> Array:
    """The magnitudes of ``x1`` with the signs of ``x2``.

    Parameters
    ----------
    x1 : Array or Python scalar
        The magnitudes; real floating. At least one operand is an array; shapes broadcast.
    x2 : Array or Python scalar
        The signs; real floating. Zeros and NaN have one too.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.copysign.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.copysign(xp.asarray([1.0, -2.0]), -0.0)
    Array([-1., -2.], dtype=float64, device='cpu')
    """
    return binary(ops.COPYSIGN, x1, x2)


def imag(x: Array, /) -> Array:
    """The imaginary part of each element.

    Parameters
    ----------
    x : Array
        Complex.

    Returns
    -------
    Array
        The shape of `x`; float32 or float64, the dtype of its parts.

    Raises
    ------
    TypeError
        If `x` is not an array, or not complex.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.imag.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.imag(xp.asarray(1.0 + 2.0j)))
    2.0
    """
    return unary(ops.IMAG, x)


def isfinite(x: Array, /) -> Array:
    """Whether each element is neither infinite nor NaN, for complex ones in both parts.

    Parameters
    ----------
    x : Array
        Any numeric dtype.

    Returns
    -------
    Array
        The shape of `x`; bool.

    Raises
    ------
    TypeError
        If `x` is not an array, or not numeric.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.isfinite.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.isfinite(xp.asarray([1.0, float('inf'), float('nan')]))
    Array([ True, False, False], dtype=bool, device='cpu')
    """
    return unary(ops.ISFINITE, x)


def isinf(x: Array, /) -> Array:
    """Whether each element is infinite, for complex ones in one part at least.

    Parameters
    ----------
    x : Array
        Any numeric dtype.

    Returns
    -------
    Array
        The shape of `x`; bool.

    Raises
    ------
    TypeError
        If `x` is not an array, or not numeric.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.isinf.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.isinf(xp.asarray([1.0, float('inf'), float('nan')]))
    Array([False,  True, False], dtype=bool, device='cpu')
    """
    return unary(ops.ISINF, x)


def isnan(x: Array, /) -> Array:
    """Whether each element is NaN, for complex ones in one part at least.

    Parameters
    ----------
    x : Array
        Any numeric dtype.

    Returns
    -------
    Array
        The shape of `x`; bool.

    Raises
    ------
    TypeError
        If `x` is not an array, or not numeric.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.isnan.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.isnan(xp.asarray([1.0, float('inf'), float('nan')]))
    Array([False, False,  True], dtype=bool, device='cpu')
    """
    return unary(ops.ISNAN, x)


def nextafter(x1: Array | float, x2: Array | float, /) -> Array:
    """The floating-point number next to ``x1`` in the direction of ``x2``.

    Parameters
    ----------
    x1 : Array or Python scalar
        Where to start; real floating. At least one operand is an array; shapes broadcast.
    x2 : Array or Python scalar
        Where to go; real floating.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype. Where both are equal it is ``x2``.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real floating.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.nextafter.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.nextafter(xp.asarray(1.0), 2.0))
    1.0000000000000002
    """
    return binary(ops.NEXTAFTER, x1, x2)


def real(x: Array, /) -> Array:
    """The real part of each element; a real one is its own.

    Parameters
    ----------
    x : Array
        Any numeric dtype.

    Returns
    -------
    Array
        The shape of `x`; its dtype, or for a complex one the real dtype of its parts.

    Raises
    ------
    TypeError
        If `x` is not an array, or not numeric.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.real.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.real(xp.asarray(1.0 + 2.0j)))
    1.0
    """
    return unary(ops.REAL, x)


def signbit(x: Array, /) -> Array:
    """Whether the sign bit of each element is set, for zeros and NaN too.

    Parameters
    ----------
    x : Array
        Real floating.

    Returns
    -------
    Array
        The shape of `x`; bool.

    Raises
    ------
    TypeError
        If `x` is not an array, or not real floating.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.signbit.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.signbit(xp.asarray([-0.0, 0.0]))
    Array([ True, False], dtype=bool, device='cpu')
    """
    return unary(ops.SIGNBIT, x)
