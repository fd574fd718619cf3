"""Utility functions: whether all or any of an array's elements are true, and their differences.

In: an array and its axes. Out: bools or differences, pending. `all` and `any` shadow the built-in
functions in this module.
"""

from __future__ import annotations

from gpuarray.arguments import (
    checked_array,
    checked_axis,
    checked_flag,
    checked_integer,
    reduced_axes,
)
from gpuarray.array import Array
from gpuarray.data_types import astype
from gpuarray.manipulation import concat
from gpuarray.operations import TABLE
from gpuarray.recording import binary, same_values, view
from gpuarray.reductions import reduced

__all__ = ["all", "any", "diff", "is_nonzero"]

Axis = int | tuple[int, ...] | None


def all(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all elements are true, that is, not zero.

    Parameters
    ----------
    x : Array
        Any shape and dtype. NaN and infinities are true.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        Of dtype bool; True where there are no elements.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.all.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> bool(xp.all(xp.asarray([1, 2, 0])))
    False
    """
    return _tested("all", x, axis, keepdims)


def any(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether at least one element is true, that is, not zero.

    Parameters
    ----------
    x : Array
        Any shape and dtype. NaN and infinities are true.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        Of dtype bool; False where there are no elements.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `all`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.any.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> bool(xp.any(xp.asarray([0, 2, 0])))
    True
    """
    return _tested("any", x, axis, keepdims)


def diff(
    x: Array,
    /,
    *,
    axis: int = -1,
    n: int = 1,
    prepend: Array | None = None,
    append: Array | None = None,
) -> Array:
    """The differences of neighbours along an axis: each element less the one before it.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, ...)``, numeric.
    axis : int, optional
        The axis along which neighbours are found.
    n : int, optional
        How many times differences are taken, of the differences from the second time on.
    prepend, append : Array, optional
        What stands before and after `x` along the axis; the shape of `x` but for that axis.

    Returns
    -------
    Array
        Shape ``(..., m - n, ...)``, where m counts what was put before and after `x`; empty where
        that is negative. The promoted dtype of all arrays; unsigned integers wrap.

    Raises
    ------
    TypeError
        If an argument is not an array, or not numeric, or the axis or `n` is not an integer.
    IndexError
        If the axis is out of range; a 0-dimensional array has none.
    ValueError
        If `n` is negative, `prepend` or `append` has another shape, or is on another device.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.diff.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.diff(xp.asarray([1, 4, 9, 16]), n=2)
    Array([2, 2], dtype=int64, device='cpu')
    """
    d = checked_axis("diff", axis, checked_array("diff", x).ndim)
    order = checked_integer("diff", "n", n)
    if order < 0:
        raise ValueError(f"diff: n must not be negative, got {order}")
    parts = [("prepend", prepend), ("x", x), ("append", append)]
    given = [_neighbour(name, part, x, d) for name, part in parts if part is not None]
    found = concat(given, axis=d) if len(given) > 1 else astype(x, x.dtype)
    for _ in range(order):
        if found.shape[d] == 0:
            break
        found = binary(TABLE["subtract"], _without(found, d, 1), _without(found, d, 0))
    return found


def is_nonzero(x: Array) -> Array:
    """Which elements are not zero: `x` itself if it is of dtype bool."""
    return x if x.dtype.kind == "b" else binary(TABLE["not_equal"], x, 0)


def _tested(name: str, x: Array, axis: Axis, keepdims: bool) -> Array:
    axes = reduced_axes(name, axis, checked_array(name, x).ndim)
    keepdims = checked_flag(name, "keepdims", keepdims)
    truth = is_nonzero(x)
    if not axes:
        return same_values(truth)
    return reduced(name, truth, axes, keepdims, truth.dtype)


def _neighbour(what: str, part: Array, x: Array, axis: int) -> Array:
    """One of the arrays that `diff` joins, checked against `x`."""
    if part.__class__ is not Array:
        raise TypeError(f"diff: {what} must be a gpuarray array, got {type(part).__name__}")
    if part.dtype.kind == "b":
        raise TypeError(f"diff: {what} must be numeric, got bool; cast it with astype() first")
    shape = (*x.shape[:axis], *part.shape[axis : axis + 1], *x.shape[axis + 1 :])
    if part.ndim != x.ndim or part.shape != shape:
        raise ValueError(
            f"diff: {what} of shape {part.shape} must have shape {x.shape} but along axis {axis}"
        )
    return part


def _without(x: Array, axis: int, place: int) -> Array:
    """`x` without its first element along an axis, or (`place` 0) without its last."""
    shape = (*x.shape[:axis], x.shape[axis] - 1, *x.shape[axis + 1 :])
    return view(x, shape, tuple((d, place if d == axis else 0, 1) for d in range(x.ndim)))
