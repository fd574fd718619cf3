"""Arguments of a user's kernel: what may be passed for which parameter, and as which bytes.

In: arguments, and what the source and the compiled kernel say of the parameters. Out: bytes, or an
error that names the argument, what it was and what it should be.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpuarray.array import Array
from gpuarray.cuda.signatures import Declared

__all__ = ["check_argument", "check_cluster", "extents", "value_bytes"]

_LARGEST = (2**31 - 1, 65535, 65535)
_LARGEST_CLUSTER = 16


def check_argument(name: str, k: int, x: Any, parameter: Declared | None, size: int) -> None:
    """Raise where argument k cannot be what the source declares, or has the wrong size."""
    what = f"{name}: argument {k}" + (f" ({parameter.text})" if parameter else "")
    if isinstance(x, Array):
        if size != 8 or (parameter is not None and not parameter.pointer):
            raise TypeError(f"{what} is no pointer, got an array")
        if parameter is not None and parameter.dtype not in (None, x.dtype):
            raise TypeError(
                f"{what} must be an array of {parameter.dtype}, got one of {x.dtype}; cast it "
                "with astype() first"
            )
    elif isinstance(x, np.ndarray) and x.ndim:
        raise TypeError(
            f"{what} got a NumPy array, which is in the memory of the host; convert it with "
            "asarray() first"
        )
    elif parameter is not None and parameter.pointer:
        if isinstance(x, bool) or not isinstance(x, int | np.integer):
            raise TypeError(f"{what} must be an array or an address, got {type(x).__name__}")
    elif not isinstance(x, bool | int | float | complex | np.generic | np.ndarray | bytes):
        raise TypeError(f"{what} must be a scalar, got {type(x).__name__}")


def value_bytes(name: str, k: int, parameter: Declared | None, x: Any, size: int) -> bytes:
    """The bytes of an argument that is no array."""
    what = f"{name}: argument {k}" + (f" ({parameter.text})" if parameter else "")
    dtype = None if parameter is None else parameter.dtype
    if parameter is not None and parameter.pointer:
        return int(x).to_bytes(8, "little")
    if isinstance(x, bytes):
        found = x
    elif isinstance(x, np.generic | np.ndarray):
        if dtype is not None and x.dtype != dtype:
            raise TypeError(f"{what} must be {dtype}, got {x.dtype}")
        found = x.tobytes()
    elif dtype is not None:
        found = _converted(what, x, dtype)
    else:
        raise TypeError(
            f"{what}: its type is not known from the source; give a scalar of NumPy, of "
            f"{size} bytes, instead of a Python {type(x).__name__}"
        )
    if len(found) != size:
        raise TypeError(f"{what} has {size} bytes, got {len(found)} of {type(x).__name__}")
    return found


def _converted(what: str, x: Any, dtype: np.dtype[Any]) -> bytes:
    """A Python scalar as a value of a dtype, which must be able to hold it."""
    kinds = "biufc"
    kind = {bool: "b", int: "i", float: "f", complex: "c"}[type(x)]
    if kinds.index(kind) > kinds.index(dtype.kind if dtype.kind != "u" else "i"):
        raise TypeError(f"{what} must be {dtype}, got {type(x).__name__} {x!r}")
    if dtype.kind in "iu" and type(x) is int:
        information = np.iinfo(dtype)
        if not information.min <= x <= information.max:
            raise OverflowError(f"{what} must fit {dtype}, got {x}")
    return np.asarray(x, dtype).tobytes()


def check_cluster(
    name: str,
    grid: tuple[int, int, int],
    cluster: tuple[int, int, int],
    capability: tuple[int, int],
) -> None:
    """Raise where a grid can't be launched in clusters."""
    if capability < (9, 0):
        raise ValueError(
            f"{name}: clusters need compute capability 9.0, the device has "
            f"{capability[0]}.{capability[1]}"
        )
    if math.prod(cluster) > _LARGEST_CLUSTER:
        raise ValueError(
            f"{name}: a cluster may have {_LARGEST_CLUSTER} blocks, got {math.prod(cluster)}: "
            f"{cluster}"
        )
    if any(n % part for n, part in zip(grid, cluster, strict=True)):
        raise ValueError(f"{name}: clusters of {cluster} blocks do not divide the grid {grid}")


def extents(name: str, what: str, given: Any) -> tuple[int, int, int]:
    """Three extents."""
    parts = list(given) if isinstance(given, list | tuple) else [given]
    if not 1 <= len(parts) <= 3:
        raise ValueError(f"{name}: {what} must have 1 to 3 extents, got {given!r}")
    for part, most in zip(parts, _LARGEST, strict=False):
        if isinstance(part, bool) or not isinstance(part, int | np.integer):
            raise TypeError(f"{name}: {what} must be made of integers, got {given!r}")
        if not 1 <= part <= most:
            raise ValueError(f"{name}: each extent of {what} must be from 1 to {most}: {given!r}")
    x, y, z = [*map(int, parts), 1, 1][:3]
    return x, y, z
