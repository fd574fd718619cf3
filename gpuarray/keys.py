"""Keys: what stands between the brackets of ``x[key]``, against the shape of ``x``.

In: integers, slices, ellipses, None, integer arrays, masks, and what NumPy takes for those. Out: a
`Key`, the basic part as a view and the index arrays that act on it. Everything that can be wrong
with a key, whatever the values of index arrays, is found here.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from gpuarray import recording
from gpuarray.array import Array
from gpuarray.graph.node import Layout
from gpuarray.interop.numpy import from_numpy
from gpuarray.masks import positions
from gpuarray.operations import TABLE

__all__ = ["Key", "basic", "is_whole", "parse", "sole_mask", "transposition", "unravelled"]

HostArray = np.ndarray[Any, Any]
Map = tuple[int, int, int]


class Key:
    """A key against a shape: the basic part as a view, and what index arrays do to that view.

    `maps` are (axis, start, step) for each dimension of the array, `shape` that of the view; both
    together are `view`, the attributes of nodes. `indices` pairs axes of the view with index
    arrays; `position` is where their dimensions go. `places` has the byte and the layout of the
    view of an array in memory, by that array's layout.
    """

    __slots__ = ("empty", "indices", "maps", "places", "position", "shape", "view")

    def __init__(
        self,
        shape: tuple[int, ...],
        maps: tuple[Map, ...],
        indices: tuple[tuple[int, Array], ...],
        position: int,
    ) -> None:
        self.shape = shape
        self.maps = maps
        self.view = (shape, maps)
        self.indices = indices
        self.position = position
        self.empty = 0 in shape
        self.places: dict[Layout, tuple[int, Layout]] = {}


def is_whole(key: Key, x: Array) -> bool:
    """Whether the basic part of a key selects all of `x` in its order."""
    return key.shape == x.shape and all(m == (d, 0, 1) for d, m in enumerate(key.maps))


# Basic keys by shape, and how many are kept; parsing one takes ten times as long as finding it.
_BASIC: dict[tuple[Any, ...], Key] = {}
_MOST_KEPT = 4096


def basic(x: Array, key: Any) -> Key | None:
    """`parse`, for a key of integers, slices of them, None and the ellipsis; None for any other."""
    # Equal parts must be of one type: 1 and 1.0 are equal, and one of them is an error.
    node = x._node
    parts: list[Any] = [node.shape]
    for item in key if type(key) is tuple else (key,):
        kind = type(item)
        if kind is slice:
            start, stop, step = item.start, item.stop, item.step
            if (
                (start is None or type(start) is int)
                and (stop is None or type(stop) is int)
                and (step is None or type(step) is int)
            ):
                parts.append((start, stop, step))
                continue
            return None
        if kind is not int and item is not None and item is not Ellipsis:
            return None
        parts.append(item)
    token = tuple(parts)
    found = _BASIC.get(token)
    if found is None:
        found = _kept(token, parse(x, key))
    return found


def transposition(x: Array) -> Key:
    """What exchanges the last two dimensions of `x`, as if a key could."""
    node = x._node
    token = (node.shape, "transposed")
    found = _BASIC.get(token)
    if found is None:
        *before, m, n = node.shape
        d = len(before)
        maps = (*((k, 0, 1) for k in range(d)), (d + 1, 0, 1), (d, 0, 1))
        found = _kept(token, Key((*before, n, m), maps, (), -1))
    return found


def _kept(token: tuple[Any, ...], key: Key) -> Key:
    if len(_BASIC) >= _MOST_KEPT:
        _BASIC.clear()
    _BASIC[token] = key
    return key


def parse(x: Array, key: Any) -> Key:
    """A key against the shape of `x`."""
    shape = x.shape
    items = _expanded(key, x)
    advanced = any(isinstance(item, Array) for item in items)
    out: list[int] = []
    maps: list[Map] = []
    indices: list[tuple[int, Array]] = []
    # NumPy's rule: integers count as index arrays where there are arrays, and index arrays that
    # stand apart put their dimensions first.
    places: list[int] = []
    position = -1
    for k, item in enumerate(items):
        d = len(maps)
        if item is Ellipsis:
            continue  # though without extent, it keeps the index arrays around it apart
        if item is None:
            out.append(1)
        elif isinstance(item, slice):
            start, count, step = _slice(item, shape[d])
            maps.append((len(out), start, step))
            out.append(count)
        elif isinstance(item, Array):
            if not places:
                position = len(out)
            places.append(k)
            indices.append((len(out), item))
            maps.append((len(out), 0, 1))
            out.append(shape[d])
        else:
            maps.append((-1, _integer(item, d, shape[d]), 0))
            if advanced:
                if not places:
                    position = len(out)
                places.append(k)
    if places and places != list(range(places[0], places[-1] + 1)):
        position = 0
    return Key(tuple(out), tuple(maps), tuple(indices), position)


def _expanded(key: Any, x: Array) -> list[Any]:
    """The items of a key, one for each dimension, None and the ellipsis, whose slices follow it."""
    given = [
        item if item is None or item is Ellipsis or isinstance(item, slice | Array)
        else _index_array(item)
        for item in (key if isinstance(key, tuple) else (key,))
    ]  # fmt: skip
    if sum(item is Ellipsis for item in given) > 1:
        raise IndexError("index: an index can only have a single ellipsis ('...')")
    used = sum(_dimensions(item) for item in given)
    if used > x.ndim:
        raise IndexError(f"index: {used} indices for an array of {x.ndim} dimensions")
    items: list[Any] = []
    d = 0
    for item in given:
        if item is Ellipsis:
            items += [item, *[slice(None)] * (x.ndim - used)]
            d += x.ndim - used
            continue
        if isinstance(item, np.ndarray):
            _check_values(item, x, d)
            items += _index_arrays(from_numpy(item, x.device), x, d)
        elif isinstance(item, Array):
            items += _index_arrays(item, x, d)
        else:
            items.append(item)
        d += _dimensions(item)
    return [*items, *[slice(None)] * (x.ndim - d)]


def _dimensions(item: Any) -> int:
    """How many dimensions of the array an item of a key takes up."""
    if isinstance(item, Array | np.ndarray) and item.dtype.kind == "b":
        return item.ndim
    return int(item is not None and item is not Ellipsis)


def _index_arrays(array: Array, x: Array, d: int) -> list[Array]:
    """An index array by itself, or a mask over the dimensions from d on as index arrays."""
    if array.dtype.kind not in "iub":
        raise TypeError(f"index: an index array needs integers or bools, got {array.dtype}")
    recording.same_device("index", x, array)
    if array.dtype.kind in "iu":
        return [array]
    _check_mask(array, x, d)
    if array.ndim == 0:
        raise IndexError("index: a mask without dimensions stands alone, with no other indices")
    return unravelled(positions(array)[0], array.shape)


def _index_array(item: Any) -> HostArray | int:
    """An integer, or a host array from whatever else NumPy takes for an index array."""
    if isinstance(item, bool | np.bool_ | list | np.ndarray):
        host = np.asarray(item)
        if host.size == 0 and isinstance(item, list):
            host = host.astype(np.int64)
        if host.dtype.kind not in "iub":
            raise TypeError(f"index: an index array needs integers or bools, got {host.dtype}")
        return host
    try:
        return operator.index(item)
    except TypeError:
        raise TypeError(
            "index: needs integers, slices, ellipsis, None, integer or boolean arrays, got "
            f"{type(item).__name__}"
        ) from None


def _check_values(host: HostArray, x: Array, d: int) -> None:
    """Values that the host knows are checked at the call; those on a device are clamped."""
    if host.dtype.kind == "b" or host.size == 0:
        return
    low, high, extent = int(host.min()), int(host.max()), x.shape[d]
    if low < -extent or high >= extent:
        wrong = low if low < -extent else high
        raise IndexError(f"index: {wrong} is out of range for axis {d} with size {extent}")


def _integer(item: Any, d: int, extent: int) -> int:
    value: int = item
    if not -extent <= value < extent:
        raise IndexError(f"index: {value} is out of range for axis {d} with size {extent}")
    return value + extent if value < 0 else value


def _slice(item: slice, extent: int) -> tuple[int, int, int]:
    """Start, number of elements and step."""
    try:
        start, stop, step = item.indices(extent)
    except (TypeError, ValueError) as error:
        raise type(error)(f"index: {item}: {error}") from None
    return start, len(range(start, stop, step)), step


def sole_mask(key: Any, x: Array) -> Array | None:
    """The mask, if the key is one and nothing else."""
    if isinstance(key, tuple) and len(key) == 1:
        key = key[0]
    if isinstance(key, Array):
        mask = key if key.dtype.kind == "b" else None
    elif isinstance(key, bool | np.bool_):
        mask = from_numpy(np.asarray(key), x.device)
    elif isinstance(key, np.ndarray) and key.dtype.kind == "b":
        mask = from_numpy(key, x.device)
    elif isinstance(key, list) and key and np.asarray(key).dtype.kind == "b":
        mask = from_numpy(np.asarray(key), x.device)
    else:
        return None
    if mask is not None:
        _check_mask(mask, x, 0)
    return mask


def _check_mask(mask: Array, x: Array, d: int) -> None:
    recording.same_device("index", x, mask)
    masked = x.shape[d : d + mask.ndim]
    # As in NumPy and the standard, a mask of extent 0 matches any extent, and selects nothing.
    if masked != mask.shape and (
        len(masked) != mask.ndim
        or any(n not in (m, 0) for m, n in zip(masked, mask.shape, strict=True))
    ):
        raise IndexError(
            f"index: a mask of shape {mask.shape} does not match axes {d} to {d + mask.ndim} of an "
            f"array of shape {x.shape}"
        )


def unravelled(flat: Array, shape: tuple[int, ...]) -> list[Array]:
    """Positions in the flattened form of `shape` as an index for each dimension."""
    found: list[Array] = []
    for d, extent in enumerate(shape):
        below = math.prod(shape[d + 1 :])
        # A step that changes nothing is not recorded; 0 divides nothing, as there is nothing.
        index = recording.binary(TABLE["floor_divide"], flat, below) if below > 1 else flat
        found.append(recording.binary(TABLE["remainder"], index, max(extent, 1)) if d else index)
    return found
