"""Elementwise functions: comparisons, the larger and the smaller of two, and clipping to a range.

In: arrays, and Python scalars beside an array. Out: an array with a pending node. Operands are
compared in their promoted dtype.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gpuarray.dtypes import INTEGER_BOUNDS, promote
from gpuarray.operations import elementwise as ops
from gpuarray.recording import binary, ternary

if TYPE_CHECKING:
    from gpuarray.array import Array
    from gpuarray.operations.operation import DType

__all__ = [
    "clip",
    "equal",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "maximum",
    "minimum",
    "not_equal",
]


def clip(
    x: Array,
    /,
    min: Array | float | None = None,
    max: Array | float | None = None,
) -> Array:
    """Each element moved into the range from `min` to `max`.

    Parameters
    ----------
    x : Array
        Integer or real floating.
    min, max : Array, Python scalar or None, optional
        The bounds, themselves included; None is no bound. Shapes broadcast. An array's dtype
        promotes to that of `x`.

    Returns
    -------
    Array
        The broadcast shape; the dtype of `x`. Where `min` is above `max`, the element is `max`;
        where `x` or a bound is NaN, it is NaN.

    Raises
    ------
    TypeError
        If `x` is not an array of a real dtype, or a bound does not promote to that dtype.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.
    OverflowError
        If `x` is of an integer dtype that lies outside the bounds as a whole.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.clip.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.clip(xp.asarray([-5, 2, 9]), 0, 4)
    Array([0, 2, 4], dtype=int64, device='cpu')
    """
    dtype = getattr(x, "dtype", None)
    if dtype not in ops.CLIP.dtypes:
        raise TypeError(
            f"clip: needs an array of a real dtype, got {dtype or type(x).__name__}; "
            "cast with astype() first"
        )
    lowest, highest = INTEGER_BOUNDS.get(x.dtype, (-math.inf, math.inf))
    lower = _bound("min", min, x.dtype)
    upper = _bound("max", max, x.dtype)
    # An integer bound outside the dtype on its own side is none: uint8 clipped to at least -1.
    if lower is None or (isinstance(lower, int) and lower < lowest):
        lower = lowest
    if upper is None or (isinstance(upper, int) and upper > highest):
        upper = highest
    return ternary(ops.CLIP, x, lower, upper)


def _bound(name: str, value: Array | float | None, dtype: DType) -> Array | float | None:
    """The bound as an operand beside which an array of `dtype` keeps its dtype."""
    if isinstance(value, np.generic):
        value = value.item()
    given = getattr(value, "dtype", None)
    if given is not None and promote(given, dtype) != dtype:
        raise TypeError(
            f"clip: {name} is {given}, which does not promote to the {dtype} of x; "
            "cast it with astype() first"
        )
    if isinstance(value, float) and dtype.kind != "f":
        raise TypeError(f"clip: {name}={value} is a float and x is {dtype}; give an int")
    return value


def equal(x1: Array | complex, x2: Array | complex, /) -> Array:
    """Whether ``x1 == x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Any dtype. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    NaN equals nothing, itself included; -0 equals 0.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.equal.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.equal(xp.asarray([1, 2, 3]), 2)
    Array([False,  True, False], dtype=bool, device='cpu')
    """
    return binary(ops.EQUAL, x1, x2)


def greater(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether ``x1 > x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    Nothing is greater or less than NaN.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.greater.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.greater(xp.asarray([1, 2, 3]), 2)
    Array([False, False,  True], dtype=bool, device='cpu')
    """
    return binary(ops.GREATER, x1, x2)


def greater_equal(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether ``x1 >= x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    Nothing is greater or less than NaN.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.greater_equal.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.greater_equal(xp.asarray([1, 2, 3]), 2)
    Array([False,  True,  True], dtype=bool, device='cpu')
    """
    return binary(ops.GREATER_EQUAL, x1, x2)


def less(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether ``x1 < x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    Nothing is greater or less than NaN.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.less.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.less(xp.asarray([1, 2, 3]), 2)
    Array([ True, False, False], dtype=bool, device='cpu')
    """
    return binary(ops.LESS, x1, x2)


def less_equal(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether ``x1 <= x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    Nothing is greater or less than NaN.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.less_equal.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.less_equal(xp.asarray([1, 2, 3]), 2)
    Array([ True,  True, False], dtype=bool, device='cpu')
    """
    return binary(ops.LESS_EQUAL, x1, x2)


def maximum(x1: Array | float, x2: Array | float, /) -> Array:
    """The larger of ``x1`` and ``x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype. NaN if either is.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.maximum.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.maximum(xp.asarray([1, 2, 3]), 2)
    Array([2, 2, 3], dtype=int64, device='cpu')
    """
    return binary(ops.MAXIMUM, x1, x2)


def minimum(x1: Array | float, x2: Array | float, /) -> Array:
    """The smaller of ``x1`` and ``x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Integer or real floating. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; the promoted dtype. NaN if either is.

    Raises
    ------
    TypeError
        If neither operand is an array, or one is not real.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.minimum.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.minimum(xp.asarray([1, 2, 3]), 2)
    Array([1, 2, 2], dtype=int64, device='cpu')
    """
    return binary(ops.MINIMUM, x1, x2)


def not_equal(x1: Array | complex, x2: Array | complex, /) -> Array:
    """Whether ``x1 != x2``.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        Any dtype. At least one is an array; shapes broadcast.

    Returns
    -------
    Array
        The broadcast shape; bool.

    Raises
    ------
    TypeError
        If neither operand is an array.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.

    Notes
    -----
    NaN differs from everything, itself included; -0 equals 0.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.not_equal.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.not_equal(xp.asarray([1, 2, 3]), 2)
    Array([ True, False,  True], dtype=bool, device='cpu')
    """
    return binary(ops.NOT_EQUAL, x1, x2)
