"""Scalars as the arguments of kernels: Python numbers in the form in which they are launched.

In: Python scalars and the dtypes in which a program uses them. Out: integers and floats, one or two
for each scalar, that fill 8 bytes each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpuarray.plugins import Program
from gpuarray_cuda.codegen.values import scalar_dtypes

__all__ = ["OVERFLOW", "append_scalar", "scalar_arguments"]

DType = np.dtype[Any]

# From here on a number rounds to infinity in float32.
OVERFLOW = 3.4028235677973366e38


def scalar_arguments(
    positions: tuple[int, ...], program: Program
) -> tuple[tuple[int, DType, bool], ...]:
    """(position, dtype, whether it is a real floating one) for each scalar argument."""
    pairs = zip(positions, scalar_dtypes(program), strict=True)
    return tuple((position, dtype, dtype.kind == "f") for position, dtype in pairs)


def append_scalar(values: list[int | float], value: Any, dtype: DType) -> None:
    """A scalar as the kernel's arguments hold it: an integer, or one or two floats."""
    kind = dtype.kind
    if kind == "f":
        values.append(float(value) if dtype.itemsize == 8 else _single(float(value)))
    elif kind == "c":
        number = complex(value)
        convert = float if dtype.itemsize == 16 else _single
        values.append(convert(number.real))
        values.append(convert(number.imag))
    elif kind == "b":
        values.append(1 if value else 0)
    else:
        number = int(value)
        values.append(number - (1 << 64) if number >= 1 << 63 else number)


def _single(value: float) -> float:
    """A float that fits float32: what would round beyond its largest number is infinite."""
    return value if -OVERFLOW < value < OVERFLOW else value * math.inf
