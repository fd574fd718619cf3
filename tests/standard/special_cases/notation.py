"""How the special cases are written down: a line for each sentence of the standard.

In: text such as ``"±0  >0 : x1"``, a condition on each operand and the value of the function. Out:
`Case`, one for each combination of values that the conditions stand for. Every value is exact in
single precision.

Conditions name a set of `VALUES`; ``a|b`` is in either, ``!a`` is anything but, and what is none of
these is a Python expression of the operands before it. Results are Python expressions of the
operands too: ``x``, or ``x1`` and ``x2``, or ``x``, ``low`` and ``high``; of complex operands the
parts, ``a`` and ``b``, or ``a``, ``b``, ``c`` and ``d``, and the two parts of the result stand on
either side of a semicolon. Before a result, ``±`` leaves its sign open and ``==`` that of a zero
only; ``positive`` and ``negative`` ask for the sign alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["VALUES", "Case", "Part", "columns", "disagreements", "expanded"]

INF, NAN = math.inf, math.nan
MINUS_NAN = math.copysign(NAN, -1.0)

# The squares of the first and the last are beyond float32.
_POSITIVE = (2.0**-100, 0.5, 1.0, 3.0, 2.0**100)
_ABOVE_1 = (1.5, 3.0, 2.0**100, INF)
_BELOW_1 = (0.0, 0.25, 2.0**-100)
_ODD = (1.0, 3.0, 16777215.0)
_NOT_ODD = (0.5, 1.5, 2.0, 4.0, 2.0**100, INF)
_FRACTIONS = (0.25, 0.5, 1.5, 2.5, 2.75)


def _negated(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(-value for value in values)


_NEGATIVE = _negated(_POSITIVE)
_NONZERO = _POSITIVE + _NEGATIVE
_FINITE = (*_NONZERO, 0.0, -0.0)

VALUES: Mapping[str, tuple[float, ...]] = {
    "any": (*_FINITE, INF, -INF, NAN),
    "number": (*_FINITE, INF, -INF),
    "finite": _FINITE,
    "nonzero": _NONZERO,
    "+finite": _POSITIVE,
    "-finite": _NEGATIVE,
    ">0": (*_POSITIVE, INF),
    "<0": (*_NEGATIVE, -INF),
    "±0": (0.0, -0.0),
    "±inf": (INF, -INF),
    "±1": (1.0, -1.0),
    "nan": (NAN,),
    "-nan": (MINUS_NAN,),
    ">1": _ABOVE_1,
    "<-1": _negated(_ABOVE_1),
    "<1": (*_BELOW_1, *_NEGATIVE, -0.0, -INF),
    "|>1|": _ABOVE_1 + _negated(_ABOVE_1),
    "|<1|": _BELOW_1 + _negated(_BELOW_1),
    "odd>0": _ODD,
    "odd<0": _negated(_ODD),
    "notodd>0": _NOT_ODD,
    "notodd<0": _negated(_NOT_ODD),
    "integral": (*_ODD, *_negated(_ODD), 2.0, 2.0**100, -(2.0**100)),
    "fraction": _FRACTIONS + _negated(_FRACTIONS),
    # For the parts of two complex operands, whose combinations are many.
    "part": (0.0, -0.0, 1.0, -2.0, INF, NAN),
    "few": (0.0, -0.0, 1.0, -2.0),
    "fewnonzero": (1.0, -2.0),
}


def _sign(*operands: float) -> float:
    """The mathematical sign of a product, also where that is zero, infinite or NaN."""
    return math.prod(math.copysign(1.0, x) for x in operands)


def _rint(x: float) -> float:
    return math.copysign(round(x), x) if math.isfinite(x) else x


_NAMES: Mapping[str, Any] = {
    "inf": INF,
    "nan": NAN,
    "rint": _rint,
    "sign": _sign,
    "π": math.pi,
    **{name: getattr(math, name) for name in ("ceil", "copysign", "cos", "floor", "sin", "trunc")},
}

_OPERANDS = {1: ("x",), 2: ("x1", "x2"), 3: ("x", "low", "high")}
_COMPLEX_OPERANDS = {2: ("a", "b"), 4: ("a", "b", "c", "d")}


@dataclass(frozen=True, slots=True)
class Part:
    """A real value, or one part of a complex one, and how much of it the standard states."""

    value: float
    compare: str = ""

    def agrees(self, found: float, tolerance: float, nan_sign: bool) -> bool:
        same_sign = math.copysign(1.0, self.value) == math.copysign(1.0, found)
        if self.compare == "sign":
            return same_sign and not math.isnan(found)
        if math.isnan(self.value):
            return math.isnan(found) and (same_sign or not nan_sign)
        if self.compare == "±" or (self.compare == "==" and self.value == 0):
            same_sign = True
        return same_sign and math.isclose(abs(found), abs(self.value), rel_tol=tolerance)

    def times(self, factor: float) -> Part:
        return Part(factor * self.value, self.compare)

    def __str__(self) -> str:
        if self.compare == "sign":
            return "positive" if self.value > 0 else "negative"
        return self.compare + repr(self.value)


@dataclass(frozen=True, slots=True)
class Case:
    """A function, what it is given and what it must give: one part, or the two of a complex number.

    Zeros are compared with their sign, unless the standard leaves it open; NaN matches every NaN,
    except where `nan_sign` says that its sign counts too.
    """

    function: str
    operands: tuple[complex, ...]
    expected: tuple[Part, ...]
    nan_sign: bool = False

    def agrees(self, actual: complex, tolerance: float) -> bool:
        """Whether `actual` is the value, up to a relative `tolerance` where it is finite."""
        parts = [actual.real, actual.imag] if len(self.expected) == 2 else [float(actual)]  # type: ignore[arg-type]
        return all(
            part.agrees(found, tolerance, self.nan_sign)
            for part, found in zip(self.expected, parts, strict=True)
        )

    def __str__(self) -> str:
        text = ", ".join(map(str, self.expected))
        given = ", ".join(map(repr, self.operands))
        return f"{self.function}({given}) is {text if len(self.expected) == 1 else f'({text})'}"

    def key(self) -> tuple[str, ...]:
        """The operands, told apart by sign too: ``repr`` of NaN is silent on that."""
        numbers = [p for z in map(complex, self.operands) for p in (z.real, z.imag)]
        return tuple(f"{x!r} {math.copysign(1.0, x)}" for x in numbers)


def columns(cases: Sequence[Case]) -> list[list[complex]]:
    """The operands of the cases: one list for each operand, to make arrays of."""
    return [list(column) for column in zip(*(case.operands for case in cases), strict=True)]


def disagreements(cases: Sequence[Case], actual: Iterable[complex], tolerance: float) -> list[str]:
    """One line for each case with another value in `actual`.

    Parameters
    ----------
    cases : sequence of Case
        What is expected.
    actual : iterable of complex
        The values found, as Python numbers, in the order of the cases.
    tolerance : float
        The relative error allowed where the value is finite and not 0, for π/4 and the like: some
        roundings of the dtype.
    """
    return [
        f"{case}, not {value!r}"
        for case, value in zip(cases, actual, strict=True)
        if not case.agrees(value, tolerance)
    ]


def expanded(function: str, text: str, complex_: bool = False) -> tuple[Case, ...]:
    """The cases of the lines of `text`, each combination of operands once.

    Raises
    ------
    ValueError
        If two lines state different values for the same operands.
    """
    found: dict[tuple[str, ...], Case] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        for case in _cases(function, line, complex_):
            before = found.setdefault(case.key(), case)
            if str(before) != str(case):
                raise ValueError(f"{line!r} contradicts an earlier line: {before}, {case}")
    return tuple(found.values())


def _cases(function: str, line: str, complex_: bool) -> Iterator[Case]:
    left, _, right = line.partition(":")
    conditions = left.split()
    operands = (_COMPLEX_OPERANDS if complex_ else _OPERANDS)[len(conditions)]
    results = [_compiled(text.strip()) for text in right.split(";")]
    for values in _combinations(conditions, operands, {}):
        names = {**_NAMES, **values}
        parts = tuple(Part(float(eval(code, names)), compare) for code, compare in results)
        numbers: tuple[complex, ...] = tuple(values.values())
        if complex_:
            numbers = tuple(map(complex, numbers[::2], numbers[1::2]))
        yield Case(function, numbers, parts, nan_sign=function == "copysign")


def _combinations(
    conditions: Sequence[str], operands: Sequence[str], before: Mapping[str, float]
) -> Iterator[Mapping[str, float]]:
    if not conditions:
        yield before
        return
    for value in _satisfying(conditions[0], before):
        yield from _combinations(conditions[1:], operands[1:], {**before, operands[0]: value})


def _satisfying(condition: str, before: Mapping[str, float]) -> Sequence[float]:
    if condition in VALUES:
        return VALUES[condition]
    if condition.startswith("!"):
        excluded = {(repr(v), _sign(v)) for v in _satisfying(condition[1:], before)}
        return [v for v in VALUES["any"] if (repr(v), _sign(v)) not in excluded]
    if "|" in condition:
        return [v for name in condition.split("|") for v in _satisfying(name, before)]
    return [float(eval(condition, {**_NAMES, **before}))]


def _compiled(text: str) -> tuple[Any, str]:
    if text in ("positive", "negative"):
        return compile("1.0" if text == "positive" else "-1.0", text, "eval"), "sign"
    compare = next((mark for mark in ("±", "==") if text.startswith(mark)), "")
    return compile(text.removeprefix(compare).strip(), text, "eval"), compare
