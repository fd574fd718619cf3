"""Sorting functions: elements in order, and the positions that put them there.

In: an array of a real dtype or of bools, and an axis. Out: a new array in memory; each row along
the axis is one problem of the library operation of the same name.
"""

from __future__ import annotations

from gpuarray import library
from gpuarray.arguments import checked_array, checked_axis, checked_flag
from gpuarray.array import Array
from gpuarray.dtypes import int64
from gpuarray.manipulation import moveaxis
from gpuarray.recording import full

__all__ = ["argsort", "sort"]


def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """The elements of `x` in order along an axis.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, ...)``, of bools, integers or real floating numbers.
    axis : int, optional
        The axis along which elements are ordered.
    descending : bool, optional
        Whether the largest elements come first.
    stable : bool, optional
        Whether equal elements keep their order; they do in any case.

    Returns
    -------
    Array
        The shape and dtype of `x`. NaN counts as larger than all numbers: it comes last, or first
        if `descending`. Zeros are equal, whatever their sign.

    Raises
    ------
    TypeError
        If `x` is not an array or is complex, or the axis is not an integer.
    IndexError
        If the axis is out of range; a 0-dimensional array has none.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.sort.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.sort(xp.asarray([3, 1, 2]), descending=True)
    Array([3, 2, 1], dtype=int64, device='cpu')
    """
    d = _checked("sort", x, axis, stable)
    descending = checked_flag("sort", "descending", descending)
    if x.size == 0:
        return full(x.shape, 0, x.dtype, x.device)
    return _along("sort", x, d, descending)


def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """The positions along an axis at which the elements of `x` are found in order.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, ...)``, of bools, integers or real floating numbers.
    axis : int, optional
        The axis along which elements are ordered.
    descending : bool, optional
        Whether the largest elements come first.
    stable : bool, optional
        Whether equal elements keep their order; they do in any case.

    Returns
    -------
    Array
        The shape of `x`, of dtype int64: ``take_along_axis(x, argsort(x))`` is ``sort(x)``.

    Raises
    ------
    TypeError, IndexError
        As for `sort`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.argsort.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.argsort(xp.asarray([3.0, 1.0, 2.0]))
    Array([1, 2, 0], dtype=int64, device='cpu')
    """
    d = _checked("argsort", x, axis, stable)
    descending = checked_flag("argsort", "descending", descending)
    if x.size == 0:
        return full(x.shape, 0, int64, x.device)
    return _along("argsort", x, d, descending)


def _checked(name: str, x: Array, axis: int, stable: bool) -> int:
    if checked_array(name, x).dtype.kind == "c":
        raise TypeError(
            f"{name}: x must be of a real dtype or bool, got {x.dtype}; complex numbers have no "
            "order, take real(), imag() or abs() first"
        )
    checked_flag(name, "stable", stable)
    return checked_axis(name, axis, x.ndim)


def _along(name: str, x: Array, axis: int, descending: bool) -> Array:
    """The library operation, which works along the last axis, along any."""
    (found,) = library.call(name, x=moveaxis(x, axis, -1), descending=descending)
    return moveaxis(found, -1, axis)
