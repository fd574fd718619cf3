"""Manipulation functions: the same elements in another order.

In: arrays. Out: views, which are free for arrays in memory; `roll` is a change of index that fuses.
"""

from __future__ import annotations

from gpuarray.arguments import checked_array, checked_axes, checked_axis, checked_integer
from gpuarray.array import Array
from gpuarray.graph.node import ROLL
from gpuarray.manipulation.reshaping import reshape
from gpuarray.recording import record, same_values, view

__all__ = ["flip", "moveaxis", "permute_dims", "roll"]


def flip(x: Array, /, *, axis: int | tuple[int, ...] | None = None) -> Array:
    """`x` with the order of elements reversed along some axes.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axis : int or tuple of int, optional
        Which axes; None: all.

    Returns
    -------
    Array
        The shape and dtype of `x`; a view.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.flip.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.flip(xp.arange(5))[0])
    4
    """
    checked_array("flip", x)
    axes = range(x.ndim) if axis is None else checked_axes("flip", axis, x.ndim)
    maps = tuple(
        (d, extent - 1, -1) if d in axes else (d, 0, 1) for d, extent in enumerate(x.shape)
    )
    return view(x, x.shape, maps)


def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
    """`x` with its axes in another order.

    Parameters
    ----------
    x : Array
        Shape of ``n`` axes, any dtype.
    axes : tuple of int
        A permutation: axis d of the result is axis ``axes[d]`` of `x`.

    Returns
    -------
    Array
        The dtype of `x`; a view.

    Raises
    ------
    TypeError
        If `x` is not an array, or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If `axes` is no permutation.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.permute_dims.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.permute_dims(xp.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    checked_array("permute_dims", x)
    order = checked_axes("permute_dims", axes, x.ndim)
    if len(order) != x.ndim:
        raise ValueError(
            f"permute_dims: axes {axes} must name each of the {x.ndim} axes of shape {x.shape}"
        )
    return _permuted(x, list(order))


def moveaxis(
    x: Array,
    source: int | tuple[int, ...],
    destination: int | tuple[int, ...],
    /,
) -> Array:
    """`x` with some axes moved to other positions; the others keep their order.

    Parameters
    ----------
    x : Array
        Shape of ``n`` axes, any dtype.
    source : int or tuple of int
        The axes to move.
    destination : int or tuple of int
        Where each of them goes.

    Returns
    -------
    Array
        The dtype of `x`; a view.

    Raises
    ------
    TypeError
        If `x` is not an array, or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If an axis is given twice, or the two are not of one length.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.moveaxis.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.moveaxis(xp.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    checked_array("moveaxis", x)
    moved = checked_axes("moveaxis", source, x.ndim)
    places = checked_axes("moveaxis", destination, x.ndim)
    if len(moved) != len(places):
        raise ValueError(
            f"moveaxis: source {source} and destination {destination} must be of one length"
        )
    order = [d for d in range(x.ndim) if d not in moved]
    for place, d in sorted(zip(places, moved, strict=True)):
        order.insert(place, d)
    return _permuted(x, order)


def roll(
    x: Array,
    /,
    shift: int | tuple[int, ...],
    *,
    axis: int | tuple[int, ...] | None = None,
) -> Array:
    """`x` with its elements moved along axes; what leaves at one end comes in at the other.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    shift : int or tuple of int
        By how many places, towards larger indices; one number for each axis, or one for all.
    axis : int or tuple of int, optional
        Along which axes; shifts of an axis that is named twice add up. None: along the
        flattened array.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or a shift or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If there are several shifts, and not one for each axis.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.roll.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.roll(xp.arange(5), 2)[0])
    3
    """
    checked_array("roll", x)
    if axis is None:
        flat = reshape(x, (x.size,))
        return reshape(_rolled(flat, [checked_integer("roll", "shift", shift)]), x.shape)
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = [checked_axis("roll", d, x.ndim) for d in given]
    if isinstance(shift, tuple | list):
        places = [checked_integer("roll", "shift", s) for s in shift]
    else:
        places = [checked_integer("roll", "shift", shift)] * len(axes)
    if len(places) != len(axes):
        raise ValueError(f"roll: shift {shift} and axis {axis} must be of one length")
    shifts = [0] * x.ndim
    for d, place in zip(axes, places, strict=True):
        shifts[d] += place
    return _rolled(x, shifts)


def _rolled(x: Array, shifts: list[int]) -> Array:
    normal = tuple(s % n if n else 0 for s, n in zip(shifts, x.shape, strict=True))
    node = x._node
    if not any(normal):
        return same_values(x)
    return record(ROLL, (node,), normal, node.dtype, node.shape, node.device)


def _permuted(x: Array, order: list[int]) -> Array:
    """Axis d of the result is axis ``order[d]`` of `x`."""
    maps = tuple((order.index(d), 0, 1) for d in range(x.ndim))
    return view(x, tuple(x.shape[d] for d in order), maps)
