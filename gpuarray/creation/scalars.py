"""Scalars as arrays: a Python or NumPy scalar becomes the constant of a dtype.

In: a shape, a scalar, and a dtype or None. Out: an array with a pending constant, whose value is
a Python scalar of the dtype's kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray import recording
from gpuarray.array import Array
from gpuarray.data_types import check_cast
from gpuarray.dtypes import canonical, check_integer, promote_scalar

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Scalar", "scalar_array"]

Scalar = bool | int | float | complex

_BOOL = np.dtype(bool)


def scalar_array(
    name: str,
    shape: tuple[int, ...],
    value: Any,
    dtype: npt.DTypeLike | None,
    device: Device,
) -> Array:
    """A pending constant of a Python or NumPy scalar, checked; the dtype follows it if None."""
    if isinstance(value, np.generic):
        found = canonical(value.dtype)
        value = value.item()
    elif isinstance(value, bool | int | float | complex):
        kind = next(k for k in (bool, int, float, complex) if isinstance(value, k))
        found = promote_scalar(_BOOL, kind)
    else:
        raise TypeError(f"{name}: needs a Python scalar, got {type(value).__name__}")
    wanted = found if dtype is None else canonical(dtype)
    return recording.full(shape, _converted(name, value, found, wanted), wanted, device)


def _converted(name: str, value: Any, found: np.dtype[Any], wanted: np.dtype[Any]) -> Scalar:
    """`value` as the Python scalar of the kind of `wanted`."""
    check_cast(name, found, wanted)
    kind = wanted.kind
    if kind == "b":
        return bool(value)
    if kind in "iu":
        try:
            number = value if isinstance(value, int) else int(value)
        except (OverflowError, ValueError):
            raise ValueError(f"{name}: cannot convert {value!r} to {wanted}") from None
        check_integer(name, number, wanted)
        return number
    if isinstance(value, int):
        check_integer(name, value, wanted)
    return float(value) if kind == "f" else complex(value)
