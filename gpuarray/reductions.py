"""Reductions: the node behind `sum`, `max`, `any`, `argmax` and the like.

In: an array already of the dtype in which it is folded, and normalised axes. Out: an array with a
pending fold, which takes in what computes the array and is taken in by what follows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpuarray.array import Array
from gpuarray.graph.node import REDUCE
from gpuarray.recording import full, record

__all__ = ["check_not_empty", "count", "keep", "kept", "reduced"]

# What folds were asked for, by the arguments, and how many are kept: checking them takes five
# times as long as finding them.
_KEPT: dict[tuple[Any, ...], tuple[Any, ...]] = {}
_MOST_KEPT = 4096


def reduced(
    name: str, x: Array, axes: tuple[int, ...], keepdims: bool, dtype: np.dtype[Any]
) -> Array:
    """`x` folded over at least one axis. `name` is that of a `graph.program.Reduction`.

    A sum of floats has the sign of its zeros: -0 only where all elements are, and there are some.
    """
    if keepdims:
        shape = tuple(1 if d in axes else n for d, n in enumerate(x.shape))
    else:
        shape = tuple(n for d, n in enumerate(x.shape) if d not in axes)
    if name == "sum" and count(x, axes) == 0:
        return full(shape, dtype.type(0).item(), dtype, x.device)
    return record(REDUCE, (x._node,), (name, axes, shape), dtype, shape, x.device)


def kept(name: str, x: Any, axis: Any, keepdims: Any) -> Array | None:
    """The fold of `x` itself, if one with these arguments was given to `keep`."""
    # Equal arguments must be of one type: 1 and 1.0 are equal, and one of them is an error.
    if type(x) is not Array or type(keepdims) is not bool:
        return None
    if axis is not None and type(axis) is not int:
        return None
    array = x
    node = array._node
    found = _KEPT.get((name, node.shape, node.dtype, axis, keepdims))
    if found is None:
        return None
    return record(REDUCE, (node,), found[0], found[1], found[2], node.device)


def keep(name: str, x: Array, axis: Any, keepdims: Any, fold: Array) -> Array:
    """`fold`, which the arguments were found to ask for, and which `kept` gives from now on."""
    node = fold._node
    plain = type(keepdims) is bool and (axis is None or type(axis) is int)
    if plain and node.op is REDUCE and node.inputs[0] is x._node:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        key = (name, x._node.shape, x._node.dtype, axis, keepdims)
        _KEPT[key] = (node.attributes, node.dtype, node.shape)
    return fold


def count(x: Array, axes: tuple[int, ...]) -> int:
    """How many elements are folded into one."""
    return math.prod(x.shape[d] for d in axes)


def check_not_empty(name: str, x: Array, axes: tuple[int, ...]) -> None:
    """Raise `ValueError` where nothing is folded, for a reduction that has no neutral value."""
    for d in axes:
        if x.shape[d] == 0:
            raise ValueError(
                f"{name}: nothing to reduce, axis {d} of shape {x.shape} has no elements"
            )
