"""Manipulation functions: elements and whole arrays repeated.

In: an array, and how often. Out: a broadcast that is reshaped, a change of index that fuses. Counts
that are an array themselves are read on the host, since the result's shape depends on them.
"""

from __future__ import annotations

import numpy as np

from gpuarray.arguments import checked_array, checked_axis, checked_integer, checked_shape
from gpuarray.array import Array
from gpuarray.graph.node import GATHER
from gpuarray.interop.numpy import from_numpy, to_numpy
from gpuarray.manipulation.reshaping import reshape
from gpuarray.recording import nary, same_device, view

__all__ = ["repeat", "tile"]


def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
    """`x` with each element repeated on the spot.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    repeats : int or Array
        How often: one number for all, or a one-dimensional integer array with one for each element
        along the axis (or a single one). The values of an array are waited for.
    axis : int, optional
        The axis along which elements are repeated; None: the flattened array.

    Returns
    -------
    Array
        The shape of `x` but along the axis; one-dimensional if `axis` is None. The dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, `repeats` neither an integer nor an integer array, or the axis not
        an integer.
    IndexError
        If the axis is out of range.
    ValueError
        If a count is negative, there is not one for each element, or the arrays are on different
        devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.repeat.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.repeat(xp.zeros((2, 3)), 4, axis=1).shape
    (2, 12)
    """
    checked_array("repeat", x)
    if axis is None:
        x, d = reshape(x, (x.size,)), 0
    else:
        d = checked_axis("repeat", axis, x.ndim)
    if isinstance(repeats, Array) and repeats.ndim:
        return _repeated_each(x, repeats, d)
    count = checked_integer("repeat", "repeats", repeats)
    if count < 0:
        raise ValueError(f"repeat: repeats must not be negative, got {count}")
    factors = [1] * x.ndim
    factors[d] = count
    return _multiplied(x, tuple(factors), inner=True)


def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
    """`x` laid beside itself along each axis.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    repetitions : tuple of int
        How often along each axis. The shorter of it and the shape gets leading ones.

    Returns
    -------
    Array
        Of shape ``(s * r, ...)`` and the dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or a repetition not an integer.
    ValueError
        If a repetition is negative.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.tile.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.tile(xp.asarray([1, 2]), (3, 2)).shape
    (3, 4)
    """
    checked_array("tile", x)
    given = repetitions if isinstance(repetitions, tuple | list) else (repetitions,)
    factors = tuple(checked_integer("tile", "each of repetitions", n) for n in given)
    if any(factor < 0 for factor in factors):
        raise ValueError(f"tile: repetitions {factors} must not be negative")
    rank = max(x.ndim, len(factors))
    factors = (1,) * (rank - len(factors)) + factors
    padded = (1,) * (rank - x.ndim) + x.shape
    checked_shape("tile", tuple(n * f for n, f in zip(padded, factors, strict=True)))
    return _multiplied(reshape(x, padded), factors, inner=False)


def _multiplied(x: Array, factors: tuple[int, ...], inner: bool) -> Array:
    """Each axis repeated: element by element if `inner`, else as a whole."""
    shape: list[int] = []
    maps = []
    for extent, factor in zip(x.shape, factors, strict=True):
        place = len(shape)
        if factor == 1:
            shape.append(extent)
        elif inner:
            shape += [extent, factor]
        else:
            shape += [factor, extent]
            place += 1
        maps.append((place, 0, 1))
    repeated = view(x, tuple(shape), tuple(maps))
    return reshape(repeated, tuple(n * f for n, f in zip(x.shape, factors, strict=True)))


def _repeated_each(x: Array, repeats: Array, axis: int) -> Array:
    n = x.shape[axis]
    if repeats.dtype.kind not in "iu":
        raise TypeError(f"repeat: repeats must be an integer array, got {repeats.dtype}")
    if repeats.shape not in ((1,), (n,)):
        raise ValueError(
            f"repeat: repeats of shape {repeats.shape} must have shape (1,) or ({n},), the extent "
            f"of axis {axis}"
        )
    same_device("repeat", x, repeats)
    counts = to_numpy(repeats, "repeat() with an array of counts").astype(np.int64)
    if (counts < 0).any():
        raise ValueError(f"repeat: repeats must not be negative, got {counts.min()}")
    source = np.repeat(np.arange(n), np.broadcast_to(counts, (n,)))
    index = from_numpy(source, x.device)
    shape = (*x.shape[:axis], source.size, *x.shape[axis + 1 :])
    return nary("repeat", GATHER, (x, index), ((axis,), axis, 2), x.dtype, shape)
