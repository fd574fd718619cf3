"""The special cases of the standard's elementwise functions, to hold any namespace to.

Out: `REAL`, from the name of a function to its cases, and `disagreements`, which compares; the
complex ones are in `complex_special_cases`. Operands are exact in single precision. Written from
the standard's text (2025.12), and never from what an implementation gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

__all__ = ["REAL", "Case", "Part", "columns", "disagreements"]

INF, NAN, PI = math.inf, math.nan, math.pi
NEGATIVE_NAN = math.copysign(NAN, -1.0)

POSITIVE = (2.0**-40, 0.5, 1.0, 3.0, 2.0**40)
NEGATIVE = tuple(-x for x in POSITIVE)
NONZERO = POSITIVE + NEGATIVE
ZERO = (0.0, -0.0)
FINITE = NONZERO + ZERO
INFINITE = (INF, -INF)
NUMBER = FINITE + INFINITE
ANY = (*NUMBER, NAN)
ABOVE_0 = (*POSITIVE, INF)
BELOW_0 = (*NEGATIVE, -INF)
ABOVE_1 = (1.5, 3.0, 2.0**40, INF)
BELOW_MINUS_1 = tuple(-x for x in ABOVE_1)
WITHIN_1 = (0.0, -0.0, 0.25, -0.25, 2.0**-40)
INTEGRAL = (0.0, -0.0, 1.0, -1.0, 5.0, -8.0, 2.0**40, INF, -INF)


@dataclass(frozen=True, slots=True)
class Part:
    """A real value, or one part of a complex one, as the standard states it."""

    value: float
    any_sign: bool = False


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
        if len(self.expected) == 1:
            found: tuple[float, ...] = (float(actual),)
        else:
            found = (complex(actual).real, complex(actual).imag)
        return all(map(self._same, self.expected, found, [tolerance] * len(found)))

    def _same(self, part: Part, found: float, tolerance: float) -> bool:
        same_sign = math.copysign(1.0, part.value) == math.copysign(1.0, found)
        if math.isnan(part.value):
            return math.isnan(found) and (same_sign or not self.nan_sign)
        if not part.any_sign and not same_sign:
            return False
        return math.isclose(abs(found), abs(part.value), rel_tol=tolerance)

    def __str__(self) -> str:
        parts = [("±" if p.any_sign else "") + repr(p.value) for p in self.expected]
        text = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
        return f"{self.function}{self.operands!r} is {text}"


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


# Real-valued functions. A row gives a set of values for each operand, and the result for all of
# their combinations, as a number or as a function of the operands. Later rows do not repeat a
# combination of an earlier one, so the exception stands before the rule.

Result = float | Part | Callable[..., float]
Row = tuple[tuple[float, ...] | Result, ...]


def _sign(*operands: float) -> float:
    return math.prod(math.copysign(1.0, x) for x in operands)


def _signed(size: float) -> Callable[..., float]:
    """`size` with the sign of the product of the operands."""
    return lambda *operands: math.copysign(size, _sign(*operands))


def _itself(x: float, *_: float) -> float:
    return x


def _second(_: float, x: float) -> float:
    return x


_ODD_AND_NAN: list[Row] = [((NAN,), NAN), (ZERO, _itself)]
_ROUNDING: list[Row] = [((NAN,), NAN), (INTEGRAL, _itself)]
_COMPARED_WITH_NAN: list[Row] = [((NAN,), ANY, False), (ANY, (NAN,), False)]
_QUOTIENT: list[Row] = [
    ((NAN,), ANY, NAN),
    (ANY, (NAN,), NAN),
    (INFINITE, INFINITE, NAN),
    (ZERO, ZERO, NAN),
    (ZERO, (*NONZERO, *INFINITE), _signed(0.0)),
    ((*NONZERO, *INFINITE), ZERO, _signed(INF)),
    (INFINITE, NONZERO, _signed(INF)),
    (NONZERO, INFINITE, _signed(0.0)),
]
_ODD, _NOT_ODD = (1.0, 3.0, 5.0), (0.5, 2.0, 4.0, 2.0**40, INF)


def _negated(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(-x for x in values)


_REAL_ROWS: Mapping[str, list[Row]] = {
    "abs": [((NAN,), NAN), (ANY, abs)],
    "acos": [((NAN,), NAN), (ABOVE_1 + BELOW_MINUS_1, NAN), ((1.0,), 0.0), ((-1.0,), PI)],
    "acosh": [((NAN,), NAN), ((0.5, *ZERO, *BELOW_0), NAN), ((1.0,), 0.0), ((INF,), INF)],
    "add": [
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        ((INF,), (-INF,), NAN),
        ((-INF,), (INF,), NAN),
        (INFINITE, NUMBER, _itself),
        (FINITE, INFINITE, _second),
        ((-0.0,), (-0.0,), -0.0),
        (ZERO, ZERO, 0.0),
        (ZERO, NONZERO, _second),
        (NONZERO, ZERO, _itself),
        *(((x,), (-x,), 0.0) for x in NONZERO),
    ],
    "asin": [*_ODD_AND_NAN, (ABOVE_1 + BELOW_MINUS_1, NAN), ((1.0, -1.0), _signed(PI / 2))],
    "asinh": [*_ODD_AND_NAN, (INFINITE, _itself)],
    "atan": [*_ODD_AND_NAN, (INFINITE, _signed(PI / 2))],
    "atan2": [
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        ((INF, -INF), (INF,), lambda y, x: math.copysign(PI / 4, y)),
        ((INF, -INF), (-INF,), lambda y, x: math.copysign(3 * PI / 4, y)),
        (INFINITE, FINITE, lambda y, x: math.copysign(PI / 2, y)),
        (NONZERO, ZERO, lambda y, x: math.copysign(PI / 2, y)),
        (ZERO, (*ABOVE_0, 0.0), _itself),
        (ZERO, (*BELOW_0, -0.0), lambda y, x: math.copysign(PI, y)),
        (NONZERO, (INF,), lambda y, x: math.copysign(0.0, y)),
        (NONZERO, (-INF,), lambda y, x: math.copysign(PI, y)),
    ],
    "atanh": [*_ODD_AND_NAN, (ABOVE_1 + BELOW_MINUS_1, NAN), ((1.0, -1.0), _signed(INF))],
    "ceil": [*_ROUNDING, ((0.25, 0.75), 1.0), ((-0.25, -0.75), -0.0), ((-1.5,), -1.0)],
    "clip": [
        ((NAN,), (-1.0,), (1.0,), NAN),
        (ANY, (NAN,), (1.0,), NAN),
        (ANY, (-1.0,), (NAN,), NAN),
        (NUMBER, (-INF,), (INF,), _itself),
        (ABOVE_1, (-1.0,), (1.0,), 1.0),
        (BELOW_MINUS_1, (-1.0,), (1.0,), -1.0),
    ],
    "conj": [(ANY, _itself)],
    "copysign": [((*ANY, NEGATIVE_NAN), (*ANY, NEGATIVE_NAN), math.copysign)],
    "cos": [((NAN, *INFINITE), NAN), (ZERO, 1.0)],
    "cosh": [((NAN,), NAN), (ZERO, 1.0), (INFINITE, INF)],
    "divide": [*_QUOTIENT, (NONZERO, NONZERO, lambda a, b: a / b)],
    "equal": [*_COMPARED_WITH_NAN, (NUMBER, NUMBER, lambda a, b: a == b)],
    "exp": [((NAN,), NAN), (ZERO, 1.0), ((INF,), INF), ((-INF,), 0.0)],
    "expm1": [*_ODD_AND_NAN, ((INF,), INF), ((-INF,), -1.0)],
    "floor": [*_ROUNDING, ((0.25, 0.75), 0.0), ((-0.25, -0.75), -1.0), ((-1.5,), -2.0)],
    "floor_divide": [
        *_QUOTIENT,
        ((3.0, -3.0, 7.5), (2.0, -2.0, 0.5), lambda a, b: float(math.floor(a / b))),
        ((2.0**-40,), (2.0**40,), 0.0),
        ((-(2.0**-40),), (2.0**40,), -1.0),
    ],
    "greater": [*_COMPARED_WITH_NAN, (NUMBER, NUMBER, lambda a, b: a > b)],
    "greater_equal": [*_COMPARED_WITH_NAN, (NUMBER, NUMBER, lambda a, b: a >= b)],
    "hypot": [
        (INFINITE, ANY, INF),
        (ANY, INFINITE, INF),
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        (ZERO, FINITE, lambda a, b: abs(b)),
        (FINITE, ZERO, lambda a, b: abs(a)),
        ((3 * 2.0**100, 3 * 2.0**-100), (4 * 2.0**100, 4 * 2.0**-100), math.hypot),
    ],
    "isfinite": [(FINITE, True), ((*INFINITE, NAN), False)],
    "isinf": [(INFINITE, True), ((*FINITE, NAN), False)],
    "isnan": [((NAN, NEGATIVE_NAN), True), (NUMBER, False)],
    "less": [*_COMPARED_WITH_NAN, (NUMBER, NUMBER, lambda a, b: a < b)],
    "less_equal": [*_COMPARED_WITH_NAN, (NUMBER, NUMBER, lambda a, b: a <= b)],
    "log": [((NAN, *BELOW_0), NAN), (ZERO, -INF), ((1.0,), 0.0), ((INF,), INF)],
    "log10": [((NAN, *BELOW_0), NAN), (ZERO, -INF), ((1.0,), 0.0), ((INF,), INF)],
    "log1p": [*_ODD_AND_NAN, (BELOW_MINUS_1, NAN), ((-1.0,), -INF), ((INF,), INF)],
    "log2": [((NAN, *BELOW_0), NAN), (ZERO, -INF), ((1.0,), 0.0), ((INF,), INF)],
    "logaddexp": [
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        ((INF,), NUMBER, INF),
        (NUMBER, (INF,), INF),
        ((-INF,), (*NONZERO, -INF), _second),
        (NONZERO, (-INF,), _itself),
    ],
    "maximum": [((NAN,), ANY, NAN), (ANY, (NAN,), NAN), (INFINITE + NONZERO, NUMBER, max)],
    "minimum": [((NAN,), ANY, NAN), (ANY, (NAN,), NAN), (INFINITE + NONZERO, NUMBER, min)],
    "multiply": [
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        (INFINITE, ZERO, NAN),
        (ZERO, INFINITE, NAN),
        (INFINITE, NUMBER, _signed(INF)),
        (NUMBER, INFINITE, _signed(INF)),
        (ZERO, FINITE, _signed(0.0)),
        (FINITE, ZERO, _signed(0.0)),
    ],
    "negative": [((NAN,), NAN), (NUMBER, lambda x: -x)],
    "nextafter": [
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        (ZERO, ZERO, _second),
        *(((x,), (x,), x) for x in NONZERO + INFINITE),
    ],
    "not_equal": [
        ((NAN,), ANY, True),
        (ANY, (NAN,), True),
        (NUMBER, NUMBER, lambda a, b: a != b),
    ],
    "positive": [(ANY, _itself)],
    "pow": [
        (ANY, ZERO, 1.0),
        ((1.0,), NUMBER, 1.0),
        ((NAN,), ANY, NAN),
        (tuple(x for x in ANY if x != 1), (NAN,), NAN),
        (ABOVE_1 + BELOW_MINUS_1, (INF,), INF),
        (ABOVE_1 + BELOW_MINUS_1, (-INF,), 0.0),
        ((-1.0,), INFINITE, 1.0),
        (WITHIN_1, (INF,), 0.0),
        (WITHIN_1, (-INF,), INF),
        ((INF,), ABOVE_0, INF),
        ((INF,), BELOW_0, 0.0),
        ((-INF,), _ODD, -INF),
        ((-INF,), _NOT_ODD, INF),
        ((-INF,), _negated(_ODD), -0.0),
        ((-INF,), _negated(_NOT_ODD), 0.0),
        ((0.0,), ABOVE_0, 0.0),
        ((0.0,), BELOW_0, INF),
        ((-0.0,), _ODD, -0.0),
        ((-0.0,), _NOT_ODD, 0.0),
        ((-0.0,), _negated(_ODD), -INF),
        ((-0.0,), _negated(_NOT_ODD), INF),
        (NEGATIVE, (0.5, -0.5, 1.5, 2.0**-40), NAN),
        ((3.0, -3.0), (2.0, 3.0), lambda a, b: a**b),
    ],
    "real": [(ANY, _itself)],
    "reciprocal": [
        ((NAN,), NAN),
        (ZERO, _signed(INF)),
        (INFINITE, _signed(0.0)),
        (NONZERO, lambda x: 1 / x),
    ],
    "remainder": [
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        (INFINITE, ANY, NAN),
        (ANY, ZERO, NAN),
        (ZERO, (*NONZERO, *INFINITE), lambda a, b: math.copysign(0.0, b)),
        (POSITIVE, (INF,), _itself),
        (NEGATIVE, (-INF,), _itself),
        (NONZERO, INFINITE, _second),
        ((3.0, -3.0, 7.5, 2.0**40), (2.0, -2.0, 0.75, 3.0), lambda a, b: a % b),
    ],
    "round": [
        *_ROUNDING,
        ((0.5,), 0.0),
        ((-0.5,), -0.0),
        ((1.5, 2.5), 2.0),
        ((-1.5, -2.5), -2.0),
        ((2.75,), 3.0),
    ],
    "sign": [((NAN,), NAN), (ABOVE_0, 1.0), (BELOW_0, -1.0), (ZERO, Part(0.0, any_sign=True))],
    "signbit": [((*ANY, NEGATIVE_NAN), lambda x: math.copysign(1.0, x) < 0)],
    "sin": [*_ODD_AND_NAN, (INFINITE, NAN)],
    "sinh": [*_ODD_AND_NAN, (INFINITE, _itself)],
    "sqrt": [*_ODD_AND_NAN, (BELOW_0, NAN), ((INF,), INF), ((2.0**40,), 2.0**20)],
    "square": [((NAN,), NAN), (INFINITE, INF), (ZERO, 0.0), (NONZERO, lambda x: x * x)],
    "subtract": [
        ((NAN,), ANY, NAN),
        (ANY, (NAN,), NAN),
        ((INF,), (INF,), NAN),
        ((-INF,), (-INF,), NAN),
        (INFINITE, NUMBER, _itself),
        (FINITE, INFINITE, lambda a, b: -b),
        ((-0.0,), (0.0,), -0.0),
        (ZERO, ZERO, 0.0),
        (ZERO, NONZERO, lambda a, b: -b),
        (NONZERO, ZERO, _itself),
        *(((x,), (x,), 0.0) for x in NONZERO),
    ],
    "tan": [*_ODD_AND_NAN, (INFINITE, NAN)],
    "tanh": [*_ODD_AND_NAN, (INFINITE, _signed(1.0))],
    "trunc": [*_ROUNDING, ((0.25, 1.5), math.floor), ((-0.25,), -0.0), ((-1.5,), -1.0)],
}


def _expand(function: str, rows: Iterable[Row]) -> Iterator[Case]:
    seen = set()
    for *sets, result in rows:
        for operands in product(*sets):  # type: ignore[arg-type]
            key = tuple((repr(x), math.copysign(1.0, x)) for x in operands)  # repr(-NaN) is 'nan'
            if key in seen:
                continue
            seen.add(key)
            value = result(*operands) if callable(result) else result
            part = value if isinstance(value, Part) else Part(float(value))
            yield Case(function, operands, (part,), nan_sign=function == "copysign")


REAL: Mapping[str, tuple[Case, ...]] = {
    function: tuple(_expand(function, rows)) for function, rows in _REAL_ROWS.items()
}
"""From a function to its special cases on real floating operands; bool results are 0.0 and 1.0."""
