"""Data types: the standard's thirteen, as `numpy.dtype` objects, and how they combine.

In: anything that names a dtype (`numpy.dtype`, `np.float32`, `"f4"`, `float`) and Python scalars.
Out: one of the `numpy.dtype` singletons below. Must never touch a device.
"""

import builtins
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

__all__ = [
    "DTYPES",
    "INTEGER_BOUNDS",
    "KINDS",
    "bool",
    "canonical",
    "check_integer",
    "complex64",
    "complex128",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "promote",
    "promote_all",
    "promote_scalar",
    "python_scalar",
    "real_of",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]

Scalar: TypeAlias = builtins.bool | int | float | complex

_bool = np.dtype(np.bool_)
bool = _bool
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
uint16 = np.dtype(np.uint16)
uint32 = np.dtype(np.uint32)
uint64 = np.dtype(np.uint64)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
complex64 = np.dtype(np.complex64)
complex128 = np.dtype(np.complex128)

DTYPES: tuple[np.dtype, ...] = (
    *(_bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64),
    *(float32, float64, complex64, complex128),
)

KINDS: Mapping[str, tuple[np.dtype, ...]] = {
    "bool": DTYPES[:1],
    "signed integer": DTYPES[1:5],
    "unsigned integer": DTYPES[5:9],
    "integral": DTYPES[1:9],
    "real floating": DTYPES[9:11],
    "complex floating": DTYPES[11:],
    "numeric": DTYPES[1:],
}
"""The standard's kinds of dtypes, as `isdtype` and the inspection functions name them."""

# Dictionary look-ups with dtype keys: `is` decides nearly always, so a hit costs 30 ns.
_CANONICAL: dict[object, np.dtype] = {d: d for d in DTYPES}
_CANONICAL.update({type_: np.dtype(type_) for type_ in (np.bool_, float, complex)})
_CANONICAL.update({"bool": _bool, int: int64})

_PROMOTED: dict[np.dtype, dict[np.dtype, np.dtype]] = {
    a: {b: np.promote_types(a, b) for b in DTYPES} for a in DTYPES
}

_REAL: dict[np.dtype[Any], np.dtype[Any]] = {complex64: float32, complex128: float64}

# What a Python scalar becomes beside an array of a lower kind: the default dtype of its kind, at
# the array's precision where the array is floating (NumPy's rule).
_SCALAR_RANK = {type(True): 0, int: 1, float: 2, complex: 3}
_DTYPE_RANK = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
_SCALAR_DTYPE = {type(True): _bool, int: int64, float: float64, complex: complex128}


def _with_scalar(dtype: np.dtype, kind: type) -> np.dtype:
    if _SCALAR_RANK[kind] <= _DTYPE_RANK[dtype.kind]:
        return dtype
    if dtype.kind == "f":
        return complex64 if dtype == float32 else complex128
    return _SCALAR_DTYPE[kind]


_SCALAR_PROMOTED: dict[type, dict[np.dtype, np.dtype]] = {
    kind: {d: _with_scalar(d, kind) for d in DTYPES} for kind in _SCALAR_RANK
}

INTEGER_BOUNDS: dict[np.dtype, tuple[int, int]] = {
    d: (int(np.iinfo(d).min), int(np.iinfo(d).max)) for d in DTYPES if d.kind in "iu"
}


def canonical(dtype: object) -> np.dtype:
    """The standard's dtype that `dtype` names, in the machine's byte order.

    Raises
    ------
    TypeError
        `dtype` names no dtype of the standard.
    """
    try:
        return _CANONICAL[dtype]
    except (KeyError, TypeError):
        pass
    if dtype is not None:  # which is float64 to NumPy, and an oversight here
        try:
            found: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")  # type: ignore[call-overload]
            return _CANONICAL[found]
        except (KeyError, TypeError):
            pass
    names = ", ".join(d.name for d in DTYPES)
    raise TypeError(f"dtype: {dtype!r} is not a dtype of the standard; use {names}")


def promote(a: np.dtype, b: np.dtype) -> np.dtype:
    """The dtype that holds values of `a` and of `b`: the standard's table, else NumPy's."""
    return _PROMOTED[a][b]


def promote_all(dtypes: Iterable[np.dtype]) -> np.dtype:
    """`promote` over one or more dtypes."""
    remaining = iter(dtypes)
    result = next(remaining)
    for dtype in remaining:
        result = _PROMOTED[result][dtype]
    return result


def promote_scalar(dtype: np.dtype, kind: type) -> np.dtype:
    """The dtype of an array of `dtype` combined with a Python scalar of type `kind`."""
    return _SCALAR_PROMOTED[kind][dtype]


def check_integer(name: str, value: int, dtype: np.dtype) -> None:
    """Raise `OverflowError` if the Python integer `value` does not fit `dtype`."""
    if dtype.kind in "iu":
        low, high = INTEGER_BOUNDS[dtype]
        if not low <= value <= high:
            raise OverflowError(f"{name}: {value} is out of range for {dtype} [{low}, {high}]")
    elif dtype.kind != "b":
        try:
            float(value)
        except OverflowError:
            raise OverflowError(f"{name}: an integer of this size does not fit {dtype}") from None


def python_scalar(x: object) -> Scalar | None:
    """`x` as a `bool`, `int`, `float` or `complex`, if it is one or of a class derived from one.

    NumPy's scalars have a dtype, and are none here.
    """
    if isinstance(x, np.generic):
        return None
    if isinstance(x, builtins.bool):
        return x
    if isinstance(x, int):
        return int(x)
    if isinstance(x, float):
        return float(x)
    return complex(x) if isinstance(x, complex) else None


def real_of(dtype: np.dtype) -> np.dtype:
    """The dtype of the real part of `dtype`; `dtype` itself where it is not complex."""
    return _REAL.get(dtype, dtype)
