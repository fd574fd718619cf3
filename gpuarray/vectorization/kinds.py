"""The types of scalar expressions: dtypes, and the weak types of Python's own numbers.

In: two types. Out: the type of an operation on both, as promotion has it: a Python number takes the
dtype of what it meets, unless that is of a lesser kind.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from gpuarray.dtypes import float64, int64, promote, promote_scalar

__all__ = ["BOOL", "Kind", "c_name", "c_type", "described", "joined", "strong"]

DType = np.dtype[Any]
# `int` and `float` are weak; a bool is a bool in both.
Kind: TypeAlias = DType | type[int] | type[float]
BOOL = np.dtype(bool)


def joined(a: Kind, b: Kind) -> Kind:
    """The type of an operation on both."""
    if isinstance(a, np.dtype):
        return promote(a, b) if isinstance(b, np.dtype) else promote_scalar(a, b)
    if isinstance(b, np.dtype):
        return promote_scalar(b, a)
    return float if float in (a, b) else int


def strong(kind: Kind) -> DType:
    """The dtype in which a value of this type is kept."""
    if isinstance(kind, np.dtype):
        return kind
    return float64 if kind is float else int64


def c_name(dtype: DType) -> str:
    """The C++ name of a dtype, such as ``f32``."""
    return "bool" if dtype.kind == "b" else f"{dtype.kind}{8 * dtype.itemsize}"


def c_type(kind: Kind) -> str:
    """The C++ type in which a value of this type is kept."""
    return c_name(strong(kind))


def described(kind: Kind) -> str:
    """For messages."""
    return str(kind) if isinstance(kind, np.dtype) else f"Python {kind.__name__}"
