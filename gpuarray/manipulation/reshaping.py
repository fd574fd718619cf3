"""Manipulation functions: the same elements in the same order under another shape.

In: an array. Out: another layout of its memory where strides can express it, else a change of index
that fuses.
"""

from __future__ import annotations

import math

from gpuarray.arguments import checked_array, checked_copy, checked_integer
from gpuarray.array import Array
from gpuarray.data_types import astype
from gpuarray.graph.node import RESHAPE, Layout, contiguous_strides, intern_layout, leaf
from gpuarray.recording import owned, record

__all__ = ["reshape"]

Shape = tuple[int, ...]


def reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Array:
    """`x` under another shape, its elements in row-major order.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    shape : tuple of int
        The new shape; one extent may be -1, and is then what the others leave.
    copy : bool, optional
        True always copies. False raises where `x` is in memory in an order that no strides can
        express under the new shape; a pending array has no memory yet, and needs no copy.

    Returns
    -------
    Array
        Of the new shape and the dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or the shape has something other than integers.
    ValueError
        If the shape has another number of elements than `x`, more than one extent is negative, or
        a copy is needed and `copy` is False.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.reshape.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.reshape(xp.arange(6), (2, -1)).shape
    (2, 3)
    """
    checked_array("reshape", x)
    wanted = _resolved(x.shape, shape)
    copy = checked_copy("reshape", copy)
    if copy:
        x = astype(x, x.dtype)
    elif copy is None:
        x = owned(x)
    node = x._node
    if wanted == node.shape:
        return Array(node)
    if node.op is None and 0 not in wanted:
        strides = _strides(node.layout, wanted)
        if strides is not None:
            assert node.buffer is not None
            layout = intern_layout(node.dtype, wanted, strides, node.layout.alignment)
            return Array(leaf(node.device, node.buffer, node.offset, layout))
        if copy is False:
            raise ValueError(
                f"reshape: copy=False, and strides {node.layout.strides} of shape {node.shape} "
                f"cannot express shape {wanted}"
            )
    return record(RESHAPE, (node,), (wanted,), node.dtype, wanted, node.device)


def _resolved(old: Shape, shape: int | tuple[int, ...]) -> Shape:
    """The new shape without -1, checked against the old one."""
    given = shape if isinstance(shape, tuple | list) else (shape,)
    new = [checked_integer("reshape", "each extent of a shape", extent) for extent in given]
    size = math.prod(old)
    unknown = [d for d, extent in enumerate(new) if extent < 0]
    if len(unknown) > 1 or any(new[d] != -1 for d in unknown):
        raise ValueError(f"reshape: shape {tuple(new)} may have one extent of -1 and no other")
    if unknown:
        known = math.prod(extent for extent in new if extent >= 0)
        if known == 0 or size % known:
            raise ValueError(f"reshape: {size} elements of shape {old} do not fit {tuple(new)}")
        new[unknown[0]] = size // known
    if math.prod(new) != size:
        raise ValueError(
            f"reshape: shape {old} has {size} elements, and {tuple(new)} has {math.prod(new)}"
        )
    return tuple(new)


def _strides(layout: Layout, shape: Shape) -> Shape | None:
    """Strides of the same elements under another shape, or None where there are none.

    Old and new extents are walked from the end in groups of equal products. Within a group the
    old axes must be one run of memory; the new ones then divide it.
    """
    if layout.contiguous:
        return contiguous_strides(shape)
    old = [(n, s) for n, s in zip(layout.shape, layout.strides, strict=True) if n != 1]
    result = [0] * len(shape)
    d = len(shape)
    while old:
        extent, stride = old.pop()
        left, size = extent, 1
        while size != left:
            if size < left:
                d -= 1
                result[d] = stride * size
                size *= shape[d]
            else:
                outer, step = old.pop()
                if step != stride * left:
                    return None
                left *= outer
    # New axes of extent 1 that no group has claimed.
    for rest in range(d):
        result[rest] = result[d] * shape[d] if d < len(shape) else 1
    return tuple(result)
