"""What dtype comes of two: the standard's tables of promotion, and NumPy's answer elsewhere.

Out: `PROMOTED` and `WITH_SCALAR`, by names of dtypes, with what the standard leaves `OPEN`, and
`BINARY`, which dtypes each function takes and what it makes of the promoted one.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BINARY", "DTYPES", "OPEN", "PROMOTED", "SCALARS", "WITH_SCALAR", "takes"]

_KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}
_CODES = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 c8 c16"
_NAMES = {c: "bool" if c == "b1" else f"{_KINDS[c[0]]}{8 * int(c[1:])}" for c in _CODES.split()}
DTYPES = tuple(_NAMES.values())

# In parentheses: left open by the standard, which has no table for two kinds of numbers, for bool
# with numbers, and no signed integer that holds an uint64.
_TABLE = """
         b1   i1   i2   i4   i8   u1   u2   u4   u8   f4   f8   c8   c16
    b1   b1  (i1) (i2) (i4) (i8) (u1) (u2) (u4) (u8) (f4) (f8) (c8)  (c16)
    i1  (i1)  i1   i2   i4   i8   i2   i4   i8  (f8) (f4) (f8) (c8)  (c16)
    i2  (i2)  i2   i2   i4   i8   i2   i4   i8  (f8) (f4) (f8) (c8)  (c16)
    i4  (i4)  i4   i4   i4   i8   i4   i4   i8  (f8) (f8) (f8) (c16) (c16)
    i8  (i8)  i8   i8   i8   i8   i8   i8   i8  (f8) (f8) (f8) (c16) (c16)
    u1  (u1)  i2   i2   i4   i8   u1   u2   u4   u8  (f4) (f8) (c8)  (c16)
    u2  (u2)  i4   i4   i4   i8   u2   u2   u4   u8  (f4) (f8) (c8)  (c16)
    u4  (u4)  i8   i8   i8   i8   u4   u4   u4   u8  (f8) (f8) (c16) (c16)
    u8  (u8) (f8) (f8) (f8) (f8)  u8   u8   u8   u8  (f8) (f8) (c16) (c16)
    f4  (f4) (f4) (f4) (f8) (f8) (f4) (f4) (f8) (f8)  f4   f8   c8    c16
    f8  (f8) (f8) (f8) (f8) (f8) (f8) (f8) (f8) (f8)  f8   f8   c16   c16
    c8  (c8) (c8) (c8) (c16)(c16)(c8) (c8) (c16)(c16) c8   c16  c8    c16
    c16 (c16)(c16)(c16)(c16)(c16)(c16)(c16)(c16)(c16) c16  c16  c16   c16
"""

SCALARS: Mapping[str, bool | int | float | complex] = {
    "python bool": True,
    "python int": 1,
    "python float": 1.0,
    "python complex": 1.0 + 0j,
}

_SCALAR_TABLE = """
                     b1    i1    i2    i4    i8    u1    u2    u4    u8   f4   f8   c8   c16
    python_bool      b1   (i1)  (i2)  (i4)  (i8)  (u1)  (u2)  (u4)  (u8) (f4) (f8) (c8) (c16)
    python_int      (i8)   i1    i2    i4    i8    u1    u2    u4    u8   f4   f8   c8   c16
    python_float    (f8)  (f8)  (f8)  (f8)  (f8)  (f8)  (f8)  (f8)  (f8)  f4   f8   c8   c16
    python_complex (c16) (c16) (c16) (c16) (c16) (c16) (c16) (c16) (c16)  c8   c16  c8   c16
"""


def _read(text: str) -> dict[tuple[str, str], tuple[str, bool]]:
    """From (row, column) to the dtype and whether the standard leaves it open."""
    head, *rows = (line.replace(")(", ") (").split() for line in text.strip().splitlines())
    return {
        (_NAMES.get(row, row.replace("_", " ")), _NAMES[column]): (
            _NAMES[cell.strip("()")],
            cell.startswith("("),
        )
        for row, *cells in rows
        for column, cell in zip(head, cells, strict=True)
    }


_READ = _read(_TABLE)
_READ_SCALARS = _read(_SCALAR_TABLE)

PROMOTED: Mapping[tuple[str, str], str] = {pair: dtype for pair, (dtype, _) in _READ.items()}
"""From the names of two dtypes to that of their promoted one."""

WITH_SCALAR: Mapping[tuple[str, str], str] = {
    pair: dtype for pair, (dtype, _) in _READ_SCALARS.items()
}
"""From a kind of Python scalar and a dtype to that of the result."""

OPEN = {pair for pair, (_, left) in {**_READ, **_READ_SCALARS}.items() if left}
"""The pairs of both tables for which the standard has no entry; there NumPy's holds."""

# The promoted dtypes that a function takes, and the dtype of its result.
BINARY: Mapping[str, tuple[str, str]] = {
    name: (kinds, result)
    for names, kinds, result in (
        ("add multiply pow subtract", "iufc", "promoted"),
        ("divide", "iufc", "quotient"),
        ("floor_divide maximum minimum remainder", "iuf", "promoted"),
        ("equal not_equal", "biufc", "bool"),
        ("greater greater_equal less less_equal", "iuf", "bool"),
        ("bitwise_and bitwise_or bitwise_xor", "biu", "promoted"),
        ("bitwise_left_shift bitwise_right_shift", "iu", "promoted"),
        ("logical_and logical_or logical_xor", "b", "bool"),
        ("atan2 copysign hypot logaddexp nextafter", "f", "promoted"),
    )
    for name in names.split()
}


def takes(function: str, promoted: str) -> str | None:
    """The dtype of the result for operands of a promoted dtype; None: that is an error."""
    kinds, result = BINARY[function]
    if promoted[0] not in kinds:
        return None
    if result == "quotient":
        return "float64" if promoted[0] in "iu" else promoted  # left open by the standard
    return promoted if result == "promoted" else result
