"""Utility functions: whether all or any of an array's elements are true.

In: an array and the axes to fold. Out: bools, pending. `all` and `any` shadow the built-in
functions in this module.
"""

from __future__ import annotations

from gpuarray.arguments import checked_array, reduced_axes
from gpuarray.array import Array
from gpuarray.operations import TABLE
from gpuarray.recording import binary
from gpuarray.reductions import reduced

__all__ = ["all", "any", "is_nonzero"]

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


def is_nonzero(x: Array) -> Array:
    """Which elements are not zero: `x` itself if it is of dtype bool."""
    return x if x.dtype.kind == "b" else binary(TABLE["not_equal"], x, 0)


def _tested(name: str, x: Array, axis: Axis, keepdims: bool) -> Array:
    axes = reduced_axes(name, axis, checked_array(name, x).ndim)
    truth = is_nonzero(x)
    if not axes:
        return Array(truth._node)
    return reduced(name, truth, axes, keepdims, truth.dtype)
