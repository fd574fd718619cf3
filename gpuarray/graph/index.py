"""Index maps: affine functions of a kernel's loop indices and of index values computed in it.

In: extents, strides and offsets as Python integers. Out: `Affine` values, immutable and hashable,
in a normal form: no zero coefficients, terms sorted, and ``(v // n) * n + v % n`` folded to ``v``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["ZERO", "Affine", "Splits", "axis", "combine", "constant"]


class Affine(NamedTuple):
    """``constant + sum(coefficient * loop index) + sum(coefficient * value)``.

    `axes` and `values` are sorted pairs of (loop axis, coefficient) and (value number,
    coefficient).
    """

    constant: int
    axes: tuple[tuple[int, int], ...]
    values: tuple[tuple[int, int], ...]


ZERO = Affine(0, (), ())

# Of a value number: ("idiv" or "imod", the dividend, the divisor).
Splits = Mapping[int, tuple[str, Affine, int]]


_NO_SPLITS: Splits = MappingProxyType({})


def constant(value: int) -> Affine:
    """The index that is always `value`."""
    return Affine(value, (), ())


def axis(number: int) -> Affine:
    """The loop index of an axis."""
    return Affine(0, ((number, 1),), ())


def combine(
    terms: Iterable[tuple[int, Affine]], start: int = 0, splits: Splits = _NO_SPLITS
) -> Affine:
    """``start + sum(coefficient * affine)`` in normal form."""
    total = start
    axes: dict[int, int] = {}
    values: dict[int, int] = {}
    for coefficient, affine in terms:
        if coefficient == 0:
            continue
        total += coefficient * affine.constant
        for number, c in affine.axes:
            axes[number] = axes.get(number, 0) + coefficient * c
        for number, c in affine.values:
            values[number] = values.get(number, 0) + coefficient * c
    folded = _fold(values, splits)
    if folded:
        return combine([(1, Affine(total, tuple(axes.items()), tuple(values.items()))), *folded])
    return Affine(
        total,
        tuple(sorted((n, c) for n, c in axes.items() if c)),
        tuple(sorted((n, c) for n, c in values.items() if c)),
    )


def _fold(values: dict[int, int], splits: Splits) -> list[tuple[int, Affine]]:
    """Take matching quotients and remainders out of `values`; their dividends, with factors."""
    found = []
    for remainder, c in list(values.items()):
        kind, dividend, divisor = splits.get(remainder, ("", ZERO, 0))
        if kind != "imod" or c == 0:
            continue
        for quotient, d in list(values.items()):
            if d == c * divisor and splits.get(quotient) == ("idiv", dividend, divisor):
                del values[remainder], values[quotient]
                found.append((c, dividend))
                break
    return found
