"""Manipulation functions: axes added, removed and repeated without a copy.

In: arrays. Out: views, which are free for arrays in memory.
"""

from __future__ import annotations

from gpuarray.arguments import checked_array, checked_axes, checked_shape
from gpuarray.array import Array
from gpuarray.recording import broadcast_shapes as common_shape
from gpuarray.recording import view

__all__ = ["broadcast_arrays", "broadcast_shapes", "broadcast_to", "expand_dims", "squeeze"]


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of some shapes have in common once they are broadcast.

    Parameters
    ----------
    *shapes : tuple of int
        Of any lengths; shorter ones get leading ones.

    Returns
    -------
    tuple of int
        In each place the extent that is not 1, if there is one; ``()`` for no shapes.

    Raises
    ------
    TypeError
        If a shape has something other than integers.
    ValueError
        If the shapes do not broadcast, or an extent is negative.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.broadcast_shapes.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.broadcast_shapes((3, 1), (4,), ())
    (3, 4)
    """
    given = [checked_shape("broadcast_shapes", shape) for shape in shapes]
    return common_shape("broadcast_shapes", *given)


def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """`x` repeated along its axes of extent 1, and along new leading ones, up to a shape.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    shape : tuple of int
        The shape of the result.

    Returns
    -------
    Array
        Of shape `shape` and the dtype of `x`; a view.

    Raises
    ------
    TypeError
        If `x` is not an array, or the shape has something other than integers.
    ValueError
        If `x` does not broadcast to the shape.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.broadcast_to.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.broadcast_to(xp.asarray([1, 2, 3]), (2, 3)).shape
    (2, 3)
    """
    checked_array("broadcast_to", x)
    return _broadcast(x, checked_shape("broadcast_to", shape))


def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """Arrays repeated along their axes of extent 1 until all have one shape.

    Parameters
    ----------
    *arrays : Array
        Any shapes that broadcast, and any dtypes.

    Returns
    -------
    tuple of Array
        One view for each of `arrays`, of its dtype and the common shape.

    Raises
    ------
    TypeError
        If something is not an array.
    ValueError
        If the shapes do not broadcast.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.broadcast_arrays.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x, y = xp.broadcast_arrays(xp.zeros((3, 1)), xp.zeros(4))
    >>> x.shape, y.shape
    ((3, 4), (3, 4))
    """
    shapes = [checked_array("broadcast_arrays", x).shape for x in arrays]
    common = common_shape("broadcast_arrays", *shapes)
    return tuple(_broadcast(x, common) for x in arrays)


def expand_dims(x: Array, /, axis: int | tuple[int, ...]) -> Array:
    """`x` with new axes of extent 1.

    Parameters
    ----------
    x : Array
        Shape of ``n`` axes, any dtype.
    axis : int or tuple of int
        Where the ``m`` new axes stand in the result, in ``[-(n + m), n + m)``.

    Returns
    -------
    Array
        Of ``n + m`` axes and the dtype of `x`; a view.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.expand_dims.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.expand_dims(xp.zeros((3, 4)), axis=(0, -1)).shape
    (1, 3, 4, 1)
    """
    checked_array("expand_dims", x)
    count = len(axis) if isinstance(axis, tuple | list) else 1
    ndim = x.ndim + count
    new = checked_axes("expand_dims", axis, ndim, "a result")
    old = [d for d in range(ndim) if d not in new]
    shape = [1] * ndim
    for d, extent in zip(old, x.shape, strict=True):
        shape[d] = extent
    return view(x, tuple(shape), tuple((d, 0, 1) for d in old))


def squeeze(x: Array, /, axis: int | tuple[int, ...]) -> Array:
    """`x` without some of its axes of extent 1.

    Parameters
    ----------
    x : Array
        Shape of ``n`` axes, any dtype.
    axis : int or tuple of int
        The ``m`` axes to remove.

    Returns
    -------
    Array
        Of ``n - m`` axes and the dtype of `x`; a view.

    Raises
    ------
    TypeError
        If `x` is not an array, or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If an axis has another extent than 1, or is given twice.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.squeeze.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.squeeze(xp.zeros((1, 3, 1)), axis=0).shape
    (3, 1)
    """
    checked_array("squeeze", x)
    removed = checked_axes("squeeze", axis, x.ndim)
    for d in removed:
        if x.shape[d] != 1:
            raise ValueError(
                f"squeeze: axis {d} of shape {x.shape} has extent {x.shape[d]}; only axes of "
                "extent 1 can be removed"
            )
    kept = [d for d in range(x.ndim) if d not in removed]
    maps = tuple((-1, 0, 0) if d in removed else (kept.index(d), 0, 1) for d in range(x.ndim))
    return view(x, tuple(x.shape[d] for d in kept), maps)


def _broadcast(x: Array, shape: tuple[int, ...]) -> Array:
    added = len(shape) - x.ndim
    fits = added >= 0 and all(m in (1, n) for m, n in zip(x.shape, shape[added:], strict=True))
    if not fits:
        raise ValueError(f"broadcast_to: shape {x.shape} does not broadcast to {shape}")
    maps = tuple(
        (added + d, 0, 1) if extent == shape[added + d] else (-1, 0, 0)
        for d, extent in enumerate(x.shape)
    )
    return view(x, shape, maps)
