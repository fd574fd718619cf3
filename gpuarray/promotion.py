"""Promotion: operands of different dtypes as arrays of one.

In: arrays and scalars, as a function that is not elementwise takes them. Out: arrays of their
promoted dtype, on one device; casts are pending. Elementwise operations promote by themselves.
"""

from __future__ import annotations

from typing import Any

from gpuarray.array import Array
from gpuarray.dtypes import check_integer
from gpuarray.recording import cast, full, operand, promote_operands, same_device

__all__ = ["promoted"]


def promoted(name: str, x1: Any, x2: Any) -> tuple[Array, Array]:
    """Two operands in their promoted dtype; a scalar as an array without dimensions.

    Raises `TypeError` unless one is an array and the other that or a scalar, `OverflowError` for a
    Python integer that does not fit, and `ValueError` for two devices.
    """
    arrays = [x for x in (x1, x2) if x.__class__ is Array]
    if not arrays:
        raise TypeError(
            f"{name}: needs at least one gpuarray array, got {type(x1).__name__} and "
            f"{type(x2).__name__}; convert one with asarray() first"
        )
    found = [x if x.__class__ is Array else operand(name, x, arrays[0]) for x in (x1, x2)]
    same_device(name, *arrays)
    dtype = promote_operands(name, tuple(found))
    device = arrays[0].device

    def settled(x: Any) -> Array:
        if x.__class__ is Array:
            return cast(x, dtype)
        if x.__class__ is int:
            check_integer(name, x, dtype)
        return full((), x, dtype, device)

    return settled(found[0]), settled(found[1])
