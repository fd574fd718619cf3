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

__all__ = ["check_not_empty", "count", "reduced"]


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
