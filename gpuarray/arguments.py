"""Arguments: arrays, axes, shapes and counts as users give them, checked and in normal form.

In: what a public function was called with, and that function's name for messages. Out: arrays,
non-negative axes, tuples of Python ints. Must never record or compute anything.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gpuarray.array import Array

__all__ = [
    "checked_array",
    "checked_axes",
    "checked_axis",
    "checked_copy",
    "checked_flag",
    "checked_integer",
    "checked_real",
    "checked_shape",
    "reduced_axes",
]


def checked_array(name: str, x: Any) -> Array:
    """`x`, or `TypeError` where it is not an array."""
    if x.__class__ is not Array:
        raise TypeError(
            f"{name}: needs a gpuarray array, got {type(x).__name__}; "
            "convert it with asarray() first"
        )
    return x


def checked_flag(name: str, what: str, value: Any) -> bool:
    """`value` as a Python bool; `TypeError` for whatever else has a truth value."""
    if value is True or value is False:
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    raise TypeError(
        f"{name}: {what} must be True or False, got {value!r} of type {type(value).__name__}"
    )


def checked_real(name: str, what: str, value: Any, needed: str = "a real number") -> float:
    """`value` as a Python float; `TypeError` unless it is a real number, of Python or NumPy."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(
            f"{name}: {what} must be {needed}, got {value!r} of type {type(value).__name__}"
        )
    return float(value)


def checked_copy(name: str, copy: Any) -> bool | None:
    """The argument `copy` of a function that takes None, too."""
    if copy is None or copy is True or copy is False:
        return copy
    if isinstance(copy, np.bool_):
        return bool(copy)
    raise TypeError(
        f"{name}: copy must be True, False or None, got {copy!r} of type {type(copy).__name__}"
    )


def checked_integer(name: str, what: str, value: Any) -> int:
    """`value` as a Python int; `TypeError` for bools, floats and whatever else is no integer."""
    if value.__class__ is int:
        return value
    # True would pass as 1, which is never what was meant.
    if isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "i") == "b":
        raise TypeError(f"{name}: {what} must be an integer, got a bool, {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"{name}: {what} must be an integer, got {value!r} of type {type(value).__name__}"
        ) from None


def checked_axis(name: str, axis: Any, ndim: int, of: str = "an array") -> int:
    """An axis in ``[-ndim, ndim)`` as one in ``[0, ndim)``; `IndexError` for any other."""
    number = checked_integer(name, "axis", axis)
    if not -ndim <= number < ndim:
        raise IndexError(f"{name}: axis {number} is out of range for {of} of {ndim} dimensions")
    return number % ndim


def checked_axes(name: str, axes: Any, ndim: int, of: str = "an array") -> tuple[int, ...]:
    """One axis or several, non-negative and in the order given; `ValueError` for repeated ones."""
    given = axes if isinstance(axes, tuple | list) else (axes,)
    found = tuple(checked_axis(name, axis, ndim, of) for axis in given)
    if len(set(found)) != len(found):
        raise ValueError(f"{name}: axis {axes} names an axis more than once")
    return found


def reduced_axes(name: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes that a reduction folds, sorted; None stands for all of them."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(checked_axes(name, axis, ndim)))


def checked_shape(name: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape given as an integer or a sequence of them; `ValueError` for negative extents."""
    given = shape if isinstance(shape, tuple | list) else (shape,)
    found = tuple(checked_integer(name, "each extent of a shape", extent) for extent in given)
    if any(extent < 0 for extent in found):
        raise ValueError(f"{name}: shape {found} has a negative extent")
    # Bytes have to fit 63 bits, extents of 0 aside, as NumPy has it; 16 is the largest itemsize.
    if math.prod(extent for extent in found if extent) >= 1 << 59:
        raise ValueError(f"{name}: shape {found} has more elements than any memory holds")
    return found
