"""Matrices as arguments, checked for dtype and shape; library calls, with errors that name them.

In: what a function was called with, its name and the argument's. Out: the array, or an error that
names both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuarray.array import Array
from gpuarray.creation import eye
from gpuarray.devices import Device
from gpuarray.library import call
from gpuarray.linear_algebra import checked_operand
from gpuarray.manipulation import broadcast_to

__all__ = [
    "checked_floating",
    "checked_matrices",
    "checked_square",
    "checked_stack",
    "factorised",
    "identities",
]


def checked_floating(name: str, what: str, x: Any) -> Array:
    """`x`, an array of real or complex floating numbers, or `TypeError`."""
    if checked_operand(name, what, x).dtype.kind not in "fc":
        raise TypeError(
            f"{name}: needs floating arrays, `{what}` is {x.dtype}; cast with astype() first"
        )
    return x  # type: ignore[no-any-return]


def checked_stack(name: str, what: str, x: Any) -> Array:
    """`x`, an array of at least two dimensions and any dtype."""
    if checked_operand(name, what, x).ndim < 2:
        raise ValueError(
            f"{name}: `{what}` must have at least two dimensions, those of a matrix, got shape "
            f"{x.shape}"
        )
    return x  # type: ignore[no-any-return]


def checked_matrices(name: str, what: str, x: Any) -> Array:
    """`x`, floating matrices ``(..., m, n)``."""
    return checked_stack(name, what, checked_floating(name, what, x))


def checked_square(name: str, what: str, x: Any) -> Array:
    """`x`, floating matrices ``(..., n, n)``."""
    rows, columns = checked_matrices(name, what, x).shape[-2:]
    if rows != columns:
        raise ValueError(f"{name}: `{what}` must hold square matrices, got shape {x.shape}")
    return x  # type: ignore[no-any-return]


def identities(
    stack: tuple[int, ...], rows: int, columns: int, dtype: np.dtype[Any], device: Device
) -> Array:
    """Ones on the main diagonals of ``(..., rows, columns)``, zeros elsewhere."""
    return broadcast_to(eye(rows, columns, dtype=dtype, device=device), (*stack, rows, columns))


def factorised(name: str, hook: str, failure: str, /, **arguments: Any) -> tuple[Array, ...]:
    """What a library operation gives; where it fails, an error that says what failed in `name`."""
    try:
        return call(hook, **arguments)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(f"{name}: {failure}") from error
