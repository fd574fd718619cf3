"""Parameters as a user declares them: ``"float32 x, T y"``.

In: text. Out: names with dtypes, or with the letters that stand for any dtype.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from gpuarray.dtypes import DTYPES

__all__ = ["TYPES", "Parameter", "parameters"]

DType = np.dtype[Any]

# C's names, with single spaces; the standard's names of dtypes are added below.
_C_NAMES = {
    "bool": "bool", "signed char": "int8", "char": "int8", "unsigned char": "uint8",
    "short": "int16", "unsigned short": "uint16", "int": "int32", "unsigned int": "uint32",
    "unsigned": "uint32", "long long": "int64", "unsigned long long": "uint64",
    "long": "int64", "unsigned long": "uint64", "size_t": "uint64",
    "float": "float32", "double": "float64",
}  # fmt: skip
TYPES: dict[str, DType] = {name: np.dtype(dtype) for name, dtype in _C_NAMES.items()}
TYPES |= {str(dtype): dtype for dtype in DTYPES}
_DECLARED = re.compile(r"(?:const\s+)?(.+?)\s+(\w+)")
_VARIABLE = re.compile(r"[A-Z]")


class Parameter(NamedTuple):
    """A name, and its dtype or, where that is None, the letter that stands for it."""

    name: str
    dtype: DType | None
    variable: str


def parameters(what: str, text: str) -> tuple[Parameter, ...]:
    """The parameters that a text declares.

    Raises
    ------
    TypeError
        It is no text.
    ValueError
        A declaration has no type that is known, or no name, or a name comes twice.
    """
    if not isinstance(text, str):
        raise TypeError(f"{what}: parameters must be text, got {type(text).__name__}")
    found = [_parameter(what, part.strip()) for part in text.split(",") if part.strip()]
    names = [parameter.name for parameter in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what}: the name {name!r} is declared twice")
    return tuple(found)


def _parameter(what: str, text: str) -> Parameter:
    match = _DECLARED.fullmatch(text)
    kind = " ".join(match[1].split()) if match else ""
    if match and (kind.startswith("raw ") or "*" in text):
        raise ValueError(
            f"{what}: {text!r}: elements are passed by value, without 'raw' and without '*'"
        )
    if match and kind in TYPES:
        return Parameter(match[2], TYPES[kind], "")
    if match and _VARIABLE.fullmatch(kind):
        return Parameter(match[2], None, kind)
    raise ValueError(
        f"{what}: {text!r} is no declaration: a type and a name are needed, such as 'float32 x', "
        "'double y' or, for any dtype, 'T z'"
    )
