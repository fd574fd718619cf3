"""Indexing: `x[key]`, `x[key] = value`, and the standard's `take` and `take_along_axis`.

In: an array and a key of integers, slices, ellipses, None, integer arrays or a boolean mask, as in
NumPy. Out: a new array; an update is a new value too. Shapes and integer positions are
checked here, those of lists and NumPy arrays too. The values of index arrays on a device are not:
negative ones count from the end, and those out of range are clamped to the nearest element, unless
``GPUARRAY_DEBUG=1`` asks for a check.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuarray import recording
from gpuarray.arguments import checked_axis
from gpuarray.array import Array, index_with
from gpuarray.creation.ranges import iota
from gpuarray.dtypes import check_integer, promote_scalar, python_scalar
from gpuarray.graph import flush
from gpuarray.graph.node import (
    DEBUG,
    GATHER,
    SCATTER,
    UPDATE,
    VIEW,
    Node,
    clock,
    leaf,
    viewed,
)
from gpuarray.interop.numpy import from_numpy, to_numpy
from gpuarray.keys import Key, basic, is_whole, parse, sole_mask, transposition
from gpuarray.masks import positions, selected
from gpuarray.operations import TABLE

__all__ = ["get", "take", "take_along_axis", "transposed", "updated"]

# The map of an axis of which there is the first element alone.
_DROPPED = (-1, 0, 0)

# Layouts of one shape that a key is kept with; few programs have more than a handful.
_MOST_PLACES = 64

# Axes with the integer arrays that index them.
Indices = tuple[tuple[int, Array], ...]


def get(x: Array, key: Any) -> Array:
    """`x[key]`."""
    known = basic(x, key)
    if known is not None:
        return _part(x, known)
    mask = sole_mask(key, x)
    if mask is not None:
        return _masked(x, mask)
    parsed = parse(x, key)
    # A view of the whole would be a second owner of the buffer, and `x[i] += 1` would copy it.
    result = x if parsed.indices and is_whole(parsed, x) else _part(x, parsed)
    return _gather(result, parsed.indices, parsed.position) if parsed.indices else result


def updated(x: Array, key: Any, value: Any) -> Array:
    """`x` with `value`, broadcast and cast as NumPy does, at `key`; the dtype stays that of `x`."""
    new = _value(x, value)
    known = basic(x, key)
    if known is not None:
        return _basic_update(x, known, new)
    mask = sole_mask(key, x)
    if mask is not None:
        return _masked_update(x, mask, new)
    parsed = parse(x, key)
    if not parsed.indices:
        return _basic_update(x, parsed, new)
    if is_whole(parsed, x):
        return _scatter(x, parsed.indices, parsed.position, new)
    part = _part(x, parsed)
    return _basic_update(x, parsed, _scatter(part, parsed.indices, parsed.position, new))


def transposed(x: Array) -> Array:
    """`x`, of at least two dimensions, with the last two exchanged."""
    return _part(x, transposition(x))


def _part(x: Array, key: Key) -> Array:
    """The basic part of a key: `recording.view`, which a key that is used again need not redo."""
    node = x._node
    if node.op is not None or key.empty:
        return recording.record(VIEW, (node,), key.view, node.dtype, key.shape, node.device)
    found = key.places.get(node.layout)
    if found is None:
        if len(key.places) >= _MOST_PLACES:
            key.places.clear()
        found = key.places[node.layout] = viewed(node.layout, key.shape, key.maps)
    buffer = node.buffer
    assert buffer is not None
    part = Array(leaf(node.device, buffer, node.offset + found[0], found[1]))
    return part if buffer.exclusive else recording.owned(part)


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """The elements of `x` at `indices` along an axis.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, ...)``, with n elements along `axis`.
    indices : Array
        Integers, shape ``(m,)`` or any other. Negative ones count from the end; one out of range
        takes the nearest element.
    axis : int, optional
        May be left out where `x` is 1-dimensional.

    Returns
    -------
    Array
        Shape ``(..., m, ...)``, the dtype of `x`.

    Raises
    ------
    TypeError
        `indices` are no integers.
    IndexError
        `axis` is out of range, or the axis is empty.
    ValueError
        `axis` is missing.

    Notes
    -----
    Array API standard 2025.12, indexing functions.

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.take(xp.asarray([10, 20, 30]), xp.asarray([2, 0]))
    Array([30, 10], dtype=int64, device='cpu')
    """
    _check_taken("take", x, indices)
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: axis: must be given for an array of {x.ndim} dimensions")
        axis = 0
    d = checked_axis("take", axis, x.ndim)
    _check_bounds("take", x.shape, ((d, indices),), indices.shape)
    return _gathered("take", x, ((d, indices),), d, indices.shape)


def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """The elements of each row of `x` along an axis at that row's own `indices`.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, ...)``, with n elements along `axis`.
    indices : Array
        Integers, shape ``(..., m, ...)``; but for `axis`, the two shapes broadcast. Negative ones
        count from the end; one out of range takes the nearest element.
    axis : int, optional
        The axis along which elements are taken.

    Returns
    -------
    Array
        Shape ``(..., m, ...)``, broadcast but for `axis`, and the dtype of `x`.

    Raises
    ------
    TypeError
        If `x` or `indices` is not an array, `indices` are no integers, or the axis is not one.
    IndexError
        If the axis is out of range, or has no elements where some are taken.
    ValueError
        If the numbers of dimensions differ, the shapes do not broadcast, or the arrays are on
        different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.take_along_axis.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([[3, 1, 2], [7, 9, 8]])
    >>> xp.take_along_axis(x, xp.argmax(x, axis=1, keepdims=True), axis=1)
    Array([[3],
           [9]], dtype=int64, device='cpu')
    """
    _check_taken("take_along_axis", x, indices)
    if indices.ndim != x.ndim:
        raise ValueError(
            f"take_along_axis: indices of shape {indices.shape} must have as many dimensions as x, "
            f"of shape {x.shape}"
        )
    axis = checked_axis("take_along_axis", axis, x.ndim)
    rows = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    shape = recording.broadcast_shapes("take_along_axis", rows, indices.shape)
    _check_bounds("take_along_axis", x.shape, ((axis, indices),), shape)
    # Every dimension is indexed: `axis` by the indices, the others by where the element goes. Those
    # of extent 1 broadcast, and have no index.
    kept = [d for d in range(x.ndim) if d == axis or x.shape[d] != 1]
    source = x
    if len(kept) < x.ndim:
        maps = tuple((kept.index(d), 0, 1) if d in kept else _DROPPED for d in range(x.ndim))
        source = recording.view(x, tuple(x.shape[d] for d in kept), maps)
    places = tuple((k, indices if d == axis else _along(d, x)) for k, d in enumerate(kept))
    return _gathered("take_along_axis", source, places, 0, shape)


def _check_taken(name: str, x: Array, indices: Array) -> None:
    for what, given in (("x", x), ("indices", indices)):
        if not isinstance(given, Array):
            raise TypeError(f"{name}: {what}: needs a gpuarray array, got {type(given).__name__}")
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{name}: indices: need an integer dtype, got {indices.dtype}")
    recording.same_device(name, x, indices)


def _along(d: int, x: Array) -> Array:
    """The index along dimension d of `x`, in an array that broadcasts against `x`."""
    shape = tuple(n if e == d else 1 for e, n in enumerate(x.shape))
    return recording.view(iota(x.shape[d], x.device), shape, ((d, 0, 1),))


def _gather(x: Array, indices: Indices, position: int) -> Array:
    common = recording.broadcast_shapes("index", *(array.shape for _, array in indices))
    _check_bounds("index", x.shape, indices, common)
    return _gathered("index", x, indices, position, common)


def _gathered(
    name: str, x: Array, indices: Indices, position: int, common: tuple[int, ...]
) -> Array:
    """`x` at checked indices, which broadcast to `common`, which comes in at `position`."""
    axes = tuple(axis for axis, _ in indices)
    arrays = tuple(array for _, array in indices)
    rest = [n for d, n in enumerate(x.shape) if d not in axes]
    shape = (*rest[:position], *common, *rest[position:])
    attributes = (axes, position, 1 + len(arrays))
    return recording.nary(name, GATHER, (x, *arrays), attributes, x.dtype, shape)


def _check_bounds(
    name: str, shape: tuple[int, ...], indices: Indices, common: tuple[int, ...]
) -> None:
    """`common` is the shape of what is indexed; nothing at all may come from an empty axis."""
    if 0 in common:
        return
    for axis, array in indices:
        if shape[axis] == 0:
            raise IndexError(f"{name}: axis {axis} is empty, and cannot be indexed")
        if DEBUG:
            host = to_numpy(array, "")
            low, high = int(host.min()), int(host.max())
            if low < -shape[axis] or high >= shape[axis]:
                raise IndexError(
                    f"{name}: values from {low} to {high} are out of range for axis {axis} with "
                    f"size {shape[axis]}"
                )


def _value(x: Array, value: Any) -> Any:
    """The new value as an array of some dtype that may be cast to that of `x`, or a scalar."""
    if isinstance(value, Array):
        recording.same_device("index", x, value)
        if _lossy(value.dtype, x.dtype):
            raise TypeError(
                f"index: a value of {value.dtype} does not fit an array of {x.dtype}; cast it "
                "with astype() first"
            )
        return value
    scalar = value.item() if isinstance(value, np.generic) else python_scalar(value)
    if scalar is not None:
        if scalar.__class__ is int:
            check_integer("index", scalar, x.dtype)
        promoted = promote_scalar(x.dtype, type(scalar))
        if promoted is not x.dtype:
            kind = type(scalar).__name__
            raise TypeError(f"index: a value of type {kind} does not fit an array of {x.dtype}")
        return scalar
    if isinstance(value, list | tuple | np.ndarray):
        host = np.asarray(value)
        return _value(x, from_numpy(host, x.device))
    raise TypeError(
        f"index: needs an array or a Python scalar as value, got {type(value).__name__}"
    )


_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def _lossy(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Whether a cast would change the kind of value downwards (NumPy's "same_kind")."""
    return _KINDS[source.kind] > _KINDS[target.kind]


def _check_value_shape(value: Any, shape: tuple[int, ...]) -> Any:
    """`value` with no more dimensions than `shape`; `ValueError` where it does not broadcast."""
    if not isinstance(value, Array) or value._node.shape == shape:
        return value
    extra = value.ndim - len(shape)
    if extra > 0 and all(n == 1 for n in value.shape[:extra]):
        maps = tuple((max(d - extra, 0) if d >= extra else -1, 0, 1) for d in range(value.ndim))
        value = recording.view(value, value.shape[extra:], maps)
    try:
        fits = np.broadcast_shapes(value.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"index: a value of shape {value.shape} does not broadcast to {shape}")
    return value


def _basic_update(x: Array, key: Key, value: Any) -> Array:
    value = _check_value_shape(value, key.shape)
    if 0 in key.shape:
        return x
    node = x._node
    inputs = (node, value._node if isinstance(value, Array) else value)
    if is_whole(key, x):
        if not isinstance(value, Array):
            return recording.full(x.shape, value, x.dtype, x.device)
        if value.shape == x.shape:
            return recording.owned(recording.cast(value, x.dtype))
    return _record_update(UPDATE, inputs, key.view, x)


def _scatter(x: Array, indices: Indices, position: int, value: Any) -> Array:
    axes = tuple(axis for axis, _ in indices)
    arrays = tuple(array for _, array in indices)
    common = recording.broadcast_shapes("index", *(a.shape for a in arrays))
    rest = [n for d, n in enumerate(x.shape) if d not in axes]
    region = (*rest[:position], *common, *rest[position:])
    _check_bounds("index", x.shape, indices, common)
    value = _check_value_shape(value, region)
    if 0 in region:
        return x
    recording.same_device("index", x, *arrays)
    inputs = (
        x._node,
        value._node if isinstance(value, Array) else value,
        *(a._node for a in arrays),
    )
    attributes = (axes, position, region, len(inputs))
    return _record_update(SCATTER, inputs, attributes, x)


def _record_update(
    op: object, inputs: tuple[Any, ...], attributes: tuple[object, ...], x: Array
) -> Array:
    """Record an update of `x`; where that reaches the graph's limit, flush the inputs before it.

    Flushed with the update, the old value would still belong to the array that is being updated,
    and so have to be copied.
    """
    waiting = [n for n in inputs if type(n) is Node and n.op is not None]
    if waiting and clock.now + 1 - min(n.low for n in waiting) >= clock.limit:
        flush.flush(waiting)
    return recording.record(op, inputs, attributes, x.dtype, x.shape, x.device)


# Masks


def _masked(x: Array, mask: Array) -> Array:
    """`x[mask]`: shape ``(count, ...)``, the mask's dimensions replaced by one."""
    from gpuarray.manipulation import reshape

    rest = x.shape[mask.ndim :]
    if not rest and mask.size:
        return selected(x, mask)
    found, count = positions(mask)
    if count == 0:
        return recording.full((0, *rest), False, x.dtype, x.device)
    flat = reshape(x, (mask.size, *rest))
    return _gather(flat, ((0, found),), 0)


def _masked_update(x: Array, mask: Array, value: Any) -> Array:
    """`x` with `value` where the mask holds: a select, or a scatter for a value of each place."""
    from gpuarray.manipulation import reshape

    rest = x.shape[mask.ndim :]
    if isinstance(value, Array) and value.ndim > len(rest):
        found, count = positions(mask)
        value = _check_value_shape(value, (count, *rest))
        if count == 0:
            return x
        flat = reshape(x, (mask.size, *rest))
        return reshape(_scatter(flat, ((0, found),), 0, value), x.shape)
    value = _check_value_shape(value, rest)
    if isinstance(value, Array):
        value = recording.cast(value, x.dtype)
    if mask.size == 0:  # it may be smaller than what it stands over
        return x
    full_mask = recording.view(
        mask, mask.shape + (1,) * len(rest), tuple((d, 0, 1) for d in range(mask.ndim))
    )
    return recording.ternary(TABLE["where"], full_mask, value, x)


index_with(get, updated, transposed)
