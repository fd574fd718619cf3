"""Elementwise functions: bits of integers, and logic of bools.

In: integer or bool arrays, and Python scalars beside an array. Out: an array with a pending node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.operations import elementwise as ops
from gpuarray.recording import binary, unary

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
]


def bitwise_and(x1: Array | int, x2: Array | int, /) -> Array:
    """The bits that are set in both, ``x1 & x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or bool. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not integer or bool.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.bitwise_and.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.bitwise_and(xp.asarray([5, 6]), 3)
    Array([1, 2], dtype=int64, device='cpu')
    """
    return binary(ops.BITWISE_AND, x1, x2)


def bitwise_invert(x: Array, /) -> Array:
    """The bits of each element inverted, ``~x``; for bool, not.

    Parameters
    ----------
    x : Array
        Integer or bool.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or not integer or bool.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.bitwise_invert.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.bitwise_invert(xp.asarray([0, 5]))
    Array([-1, -6], dtype=int64, device='cpu')
    """
    return unary(ops.BITWISE_INVERT, x)


def bitwise_left_shift(x1: Array | int, x2: Array | int, /) -> Array:
    """The bits of ``x1`` shifted left by ``x2``, filled with zeros.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not integer.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    A shift by the width of the dtype or more gives 0; so does a negative one, which the
    standard leaves open.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.bitwise_left_shift.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.bitwise_left_shift(xp.asarray([1, 3]), 4)
    Array([16, 48], dtype=int64, device='cpu')
    """
    return binary(ops.BITWISE_LEFT_SHIFT, x1, x2)


def bitwise_or(x1: Array | int, x2: Array | int, /) -> Array:
    """The bits that are set in one or both, ``x1 | x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or bool. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not integer or bool.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.bitwise_or.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.bitwise_or(xp.asarray([5, 6]), 3)
    Array([7, 7], dtype=int64, device='cpu')
    """
    return binary(ops.BITWISE_OR, x1, x2)


def bitwise_right_shift(x1: Array | int, x2: Array | int, /) -> Array:
    """The bits of ``x1`` shifted right by ``x2``, filled with the sign.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not integer.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    It is floor division by a power of two. A shift by the width of the dtype or more gives 0,
    or -1 for a negative number; so does a negative one, which the standard leaves open.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.bitwise_right_shift.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.bitwise_right_shift(xp.asarray([16, -3]), 1)
    Array([ 8, -2], dtype=int64, device='cpu')
    """
    return binary(ops.BITWISE_RIGHT_SHIFT, x1, x2)


def bitwise_xor(x1: Array | int, x2: Array | int, /) -> Array:
    """The bits that are set in one and not in both, ``x1 ^ x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or bool. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not integer or bool.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.bitwise_xor.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.bitwise_xor(xp.asarray([5, 6]), 3)
    Array([6, 5], dtype=int64, device='cpu')
    """
    return binary(ops.BITWISE_XOR, x1, x2)


def logical_and(x1: Array | bool, x2: Array | bool, /) -> Array:
    """Whether both are true.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Bool. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not bool.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.logical_and.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.logical_and(xp.asarray([True, False]), True)
    Array([ True, False], dtype=bool, device='cpu')
    """
    return binary(ops.LOGICAL_AND, x1, x2)


def logical_not(x: Array, /) -> Array:
    """Whether each element is false.

    Parameters
    ----------
    x : Array
        Bool.

    Returns
    -------
    Array
        The shape of `x`; bool.

    Raises
    ------
    TypeError
        If `x` is not an array, or not bool.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.logical_not.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.logical_not(xp.asarray([True, False]))
    Array([False,  True], dtype=bool, device='cpu')
    """
    return unary(ops.LOGICAL_NOT, x)


def logical_or(x1: Array | bool, x2: Array | bool, /) -> Array:
    """Whether one or both are true.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Bool. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not bool.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.logical_or.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.logical_or(xp.asarray([True, False]), False)
    Array([ True, False], dtype=bool, device='cpu')
    """
    return binary(ops.LOGICAL_OR, x1, x2)


def logical_xor(x1: Array | bool, x2: Array | bool, /) -> Array:
    """Whether one is true and not both.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Bool. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not bool.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.logical_xor.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.logical_xor(xp.asarray([True, False]), True)
    Array([False,  True], dtype=bool, device='cpu')
    """
    return binary(ops.LOGICAL_XOR, x1, x2)
