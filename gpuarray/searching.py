"""Searching functions: where extremes are, how many elements are not zero, choosing by a condition.

In: arrays. Out: pending indices, counts and choices.
"""

from __future__ import annotations

from gpuarray.arguments import checked_array, checked_axis, reduced_axes
from gpuarray.array import Array
from gpuarray.dtypes import int64
from gpuarray.operations import TABLE
from gpuarray.recording import cast, full, ternary
from gpuarray.reductions import check_not_empty, reduced
from gpuarray.utility import is_nonzero

__all__ = ["argmax", "argmin", "count_nonzero", "where"]

Axis = int | tuple[int, ...] | None


def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """The index of the first of the largest elements.

    Parameters
    ----------
    x : Array
        Integer or real floating.
    axis : int, optional
        The axis to search along; None: the index is into the flattened array.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        Of dtype int64. The first NaN counts as the largest element.

    Raises
    ------
    TypeError
        If `x` is not an array of a real dtype, or the axis not an integer.
    IndexError
        If the axis is out of range.
    ValueError
        If there are no elements to search.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.argmax.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.argmax(xp.asarray([[3, 9], [9, 4]])))
    1
    """
    return _position("argmax", x, axis, keepdims)


def argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """The index of the first of the smallest elements.

    Parameters
    ----------
    x : Array
        Integer or real floating.
    axis : int, optional
        The axis to search along; None: the index is into the flattened array.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        Of dtype int64. The first NaN counts as the smallest element.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `argmax`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.argmin.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.argmin(xp.asarray([3, 9, 1])))
    2
    """
    return _position("argmin", x, axis, keepdims)


def count_nonzero(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements are not zero.

    Parameters
    ----------
    x : Array
        Any shape and dtype. NaN is not zero.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        Of dtype int64.

    Raises
    ------
    TypeError
        If `x` is not an array, or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If an axis is given twice.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.count_nonzero.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.count_nonzero(xp.asarray([0.0, 1.5, -2.0])))
    2
    """
    axes = reduced_axes("count_nonzero", axis, checked_array("count_nonzero", x).ndim)
    ones = cast(is_nonzero(x), int64)
    return reduced("sum", ones, axes, keepdims, int64) if axes else ones


def where(
    condition: Array,
    x1: Array | bool | int | float | complex,
    x2: Array | bool | int | float | complex,
    /,
) -> Array:
    """`x1` where a condition holds, `x2` elsewhere.

    Parameters
    ----------
    condition : Array
        Of dtype bool.
    x1, x2 : Array or Python scalar
        Arrays broadcast against each other and the condition. Two scalars get NumPy's defaults.

    Returns
    -------
    Array
        The broadcast shape, and the promoted dtype of `x1` and `x2`.

    Raises
    ------
    TypeError
        If the condition is not an array of bools, or `x1` or `x2` neither an array nor a scalar.
    ValueError
        If the shapes do not broadcast, or the arrays are on different devices.
    OverflowError
        If a Python integer does not fit the dtype of the result.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.where.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([-1.5, 2.0])
    >>> float(xp.sum(xp.where(x > 0, x, 0)))
    2.0
    """
    if checked_array("where", condition).dtype.kind != "b":
        raise TypeError(
            f"where: condition must be of dtype bool, got {condition.dtype}; "
            "compare it first, as in x != 0"
        )
    return ternary(TABLE["where"], condition, x1, x2)


def _position(name: str, x: Array, axis: int | None, keepdims: bool) -> Array:
    if checked_array(name, x).dtype.kind not in "iuf":
        raise TypeError(f"{name}: needs an array of a real dtype, got {x.dtype}")
    axes = tuple(range(x.ndim)) if axis is None else (checked_axis(name, axis, x.ndim),)
    check_not_empty(name, x, axes)
    if not axes:
        return full((), 0, int64, x.device)
    return reduced(name, x, axes, keepdims, int64)
