"""Searching functions: where extremes, values and nonzero elements are, choosing by a condition.

In: arrays. Out: pending indices, counts and choices; `searchsorted` starts at once, and `nonzero`
waits for the number of elements, which is a shape.
"""

from __future__ import annotations

from typing import Literal

from gpuarray import library
from gpuarray.arguments import checked_array, checked_axis, checked_flag, reduced_axes
from gpuarray.array import Array
from gpuarray.dtypes import int64
from gpuarray.indexing import take
from gpuarray.keys import unravelled
from gpuarray.masks import positions
from gpuarray.operations import TABLE
from gpuarray.promotion import promoted
from gpuarray.recording import cast, full, same_device, ternary
from gpuarray.reductions import check_not_empty, reduced
from gpuarray.utility import is_nonzero

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"]

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
    keepdims = checked_flag("count_nonzero", "keepdims", keepdims)
    ones = cast(is_nonzero(x), int64)
    return reduced("sum", ones, axes, keepdims, int64) if axes else ones


def nonzero(x: Array, /) -> tuple[Array, ...]:
    """Where elements are not zero.

    Parameters
    ----------
    x : Array
        At least one dimension, any dtype. NaN is not zero.

    Returns
    -------
    tuple of Array
        One for each dimension, of shape ``(k,)`` and dtype int64: the indices of the k elements
        that are not zero, in row-major order.

    Raises
    ------
    TypeError
        If `x` is not an array.
    ValueError
        If `x` has no dimensions.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.nonzero.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> rows, columns = xp.nonzero(xp.asarray([[0, 7], [8, 0]]))
    >>> columns
    Array([1, 0], dtype=int64, device='cpu')
    """
    if checked_array("nonzero", x).ndim == 0:
        raise ValueError("nonzero: x must have at least one dimension; reshape() it to (1,) first")
    found, _ = positions(is_nonzero(x), "nonzero()")
    return tuple(unravelled(found, x.shape))


def searchsorted(
    x1: Array,
    x2: Array | int | float,
    /,
    *,
    side: Literal["left", "right"] = "left",
    sorter: Array | None = None,
) -> Array:
    """The positions in a sorted array before which values go to keep it sorted.

    Parameters
    ----------
    x1 : Array
        Shape ``(m,)``, of a real dtype and ascending, as `sort` has it: NaN is the largest.
    x2 : Array or Python scalar
        The values, of a real dtype and any shape. The two are compared in their promoted dtype.
    side : {"left", "right"}, optional
        Whether a value goes before all elements equal to it, or after them.
    sorter : Array, optional
        Shape ``(m,)``, integers: the positions that sort `x1`, which need not be sorted then.

    Returns
    -------
    Array
        The shape of `x2`, ``()`` for a scalar, of dtype int64 and from 0 to m.

    Raises
    ------
    TypeError
        If `x1` or `sorter` is not an array, `x2` neither that nor a scalar, or a dtype is wrong.
    ValueError
        If `x1` does not have one dimension, `sorter` another shape, `side` is not one of the two,
        or the arrays are on different devices.
    OverflowError
        If `x2` is a Python integer that does not fit the dtype of `x1`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.searchsorted.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> edges = xp.asarray([0.0, 1.0, 2.0])
    >>> xp.searchsorted(edges, xp.asarray([0.5, 1.0, 9.0]))
    Array([1, 1, 3], dtype=int64, device='cpu')
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if checked_array("searchsorted", x1).ndim != 1:
        raise ValueError(f"searchsorted: x1 must have one dimension, got shape {x1.shape}")
    ordered, values = promoted("searchsorted", x1, x2)
    if ordered.dtype.kind not in "iuf":
        raise TypeError(
            f"searchsorted: x1 and x2 must be of real dtypes, together they are {ordered.dtype}"
        )
    if sorter is not None:
        _check_sorter(sorter, x1)
        ordered = take(ordered, sorter)
    if ordered.size == 0 or values.size == 0:
        return full(values.shape, 0, int64, values.device)
    (found,) = library.call("searchsorted", x=ordered, values=values, right=side == "right")
    return found


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


def _check_sorter(sorter: Array, x1: Array) -> None:
    if sorter.__class__ is not Array:
        raise TypeError(
            f"searchsorted: sorter must be a gpuarray array, got {type(sorter).__name__}"
        )
    if sorter.dtype.kind not in "iu":
        raise TypeError(f"searchsorted: sorter must hold integers, got {sorter.dtype}")
    if sorter.shape != x1.shape:
        raise ValueError(
            f"searchsorted: sorter of shape {sorter.shape} must have the shape of x1, {x1.shape}"
        )
    same_device("searchsorted", x1, sorter)


def _position(name: str, x: Array, axis: int | None, keepdims: bool) -> Array:
    if checked_array(name, x).dtype.kind not in "iuf":
        raise TypeError(f"{name}: needs an array of a real dtype, got {x.dtype}")
    axes = tuple(range(x.ndim)) if axis is None else (checked_axis(name, axis, x.ndim),)
    keepdims = checked_flag(name, "keepdims", keepdims)
    check_not_empty(name, x, axes)
    if not axes:
        return full((), 0, int64, x.device)
    return reduced(name, x, axes, keepdims, int64)
