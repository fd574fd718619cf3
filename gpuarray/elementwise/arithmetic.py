"""Elementwise functions: arithmetic and signs.

In: arrays, and Python scalars beside an array. Out: an array with a pending node. Checks are the
recorder's; values are the rows of `gpuarray.operations.elementwise`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import binary, quotient, unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "abs",
    "add",
    "divide",
    "floor_divide",
    "multiply",
    "negative",
    "positive",
    "remainder",
    "sign",
    "subtract",
]


def abs(x: Array, /) -> Array:
    """The absolute value of each element, for complex ones the modulus.

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

    Notes
    -----
    The modulus neither overflows nor underflows on the way. The smallest signed integer has no
    positive counterpart and stays as it is.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.abs.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.abs(xp.asarray([-2, 3]))
    Array([2, 3], dtype=int64, device='cpu')
    >>> float(xp.abs(xp.asarray(3.0 + 4.0j)))
    5.0
    """
    return unary(ops.ABS, x)


def add(x1: Array | complex, x2: Array | complex, /) -> Array:
    """The sums ``x1 + x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Any numeric dtype. At least one is an array; shapes broadcast.

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
    Integers wrap.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.add.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.add(xp.asarray([1, 2]), 10)
    Array([11, 12], dtype=int64, device='cpu')
    """
    return binary(ops.ADD, x1, x2)


def divide(x1: Array | complex, x2: Array | complex, /) -> Array:
    """The quotients ``x1 / x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Any numeric dtype. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype where that is floating, else float64.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not numeric.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    The standard leaves integer operands open; as in NumPy their quotient is float64. Division
    by zero gives an infinity or NaN, never an error.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.divide.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.divide(xp.asarray([1, 3]), 2)
    Array([0.5, 1.5], dtype=float64, device='cpu')
    """
    return quotient(x1, x2)


def floor_divide(x1: Array | float, x2: Array | float, /) -> Array:
    """The quotients ``x1 / x2``, rounded down.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    With an infinite operand the result is the quotient itself, as the standard asks: ``inf //
    2`` is ``inf``, where Python and NumPy have NaN. An integer divided by zero is 0.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.floor_divide.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.floor_divide(xp.asarray([7, -7]), 2)
    Array([ 3, -4], dtype=int64, device='cpu')
    """
    return binary(ops.FLOOR_DIVIDE, x1, x2)


def multiply(x1: Array | complex, x2: Array | complex, /) -> Array:
    """The products ``x1 * x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Any numeric dtype. At least one is an array; shapes broadcast.

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
    Integers wrap. Complex products are ``(ac - bd) + (ad + bc)j`` whatever the parts are.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.multiply.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.multiply(xp.asarray([1.5, 2.0]), 2.0)
    Array([3., 4.], dtype=float64, device='cpu')
    """
    return binary(ops.MULTIPLY, x1, x2)


def negative(x: Array, /) -> Array:
    """Each element with its sign changed.

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
    Unsigned integers, and the smallest signed one, wrap.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.negative.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.negative(xp.asarray([1, -2]))
    Array([-1,  2], dtype=int64, device='cpu')
    """
    return unary(ops.NEGATIVE, x)


def positive(x: Array, /) -> Array:
    """Each element as it is, in a new array.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.positive.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.positive(xp.asarray([1, -2]))
    Array([ 1, -2], dtype=int64, device='cpu')
    """
    return unary(ops.POSITIVE, x)


def remainder(x1: Array | float, x2: Array | float, /) -> Array:
    """The remainders of `floor_divide`, with the sign of the divisor.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    It is Python's ``%``. The remainder of an integer by zero is 0, of a floating number NaN.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.remainder.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.remainder(xp.asarray([7, -7]), 3)
    Array([1, 2], dtype=int64, device='cpu')
    """
    return binary(ops.REMAINDER, x1, x2)


def sign(x: Array, /) -> Array:
    """-1, 0 or 1 by the sign of each element; for complex ones ``x / abs(x)``.

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
    The sign of NaN is NaN, and of a complex number with a NaN part NaN in both.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.sign.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.sign(xp.asarray([-2.5, 0.0, 4.0]))
    Array([-1.,  0.,  1.], dtype=float64, device='cpu')
    """
    return unary(ops.SIGN, x)


def subtract(x1: Array | complex, x2: Array | complex, /) -> Array:
    """The differences ``x1 - x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Any numeric dtype. At least one is an array; shapes broadcast.

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
    Integers wrap.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.subtract.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.subtract(xp.asarray([1, 2]), 10)
    Array([-9, -8], dtype=int64, device='cpu')
    """
    return binary(ops.SUBTRACT, x1, x2)
