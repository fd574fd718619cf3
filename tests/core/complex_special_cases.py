"""The special cases of the standard's elementwise functions on complex operands.

Out: `COMPLEX`, from the name of a function to its cases, of the classes of `special_cases`. The
cases that follow from the symmetries that the standard names are derived here, not written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from .special_cases import (
    ANY,
    FINITE,
    INF,
    INFINITE,
    NAN,
    NEGATIVE,
    NONZERO,
    PI,
    POSITIVE,
    ZERO,
    Case,
    Part,
)

__all__ = ["COMPLEX"]

Values = tuple[float, ...]
Rule = float | Part | Callable[[float, float], float]
Row = tuple[Values, Values, Rule, Rule]


def _either(value: float) -> Part:
    return Part(value, any_sign=True)


def _real(a: float, _: float) -> float:
    return a


def _imag(_: float, b: float) -> float:
    return b


def _inf_cos(_: float, b: float) -> float:
    return INF * math.cos(b)


def _inf_sin(_: float, b: float) -> float:
    return INF * math.sin(b)


def _zero_cos(_: float, b: float) -> float:
    return 0.0 * math.cos(b)


def _zero_sin(_: float, b: float) -> float:
    return 0.0 * math.sin(b)


_0, _INF, _MINUS_INF, _NAN = (0.0,), (INF,), (-INF,), (NAN,)

# Rows are: real parts, imaginary parts, real part of the result, its imaginary part. A combination
# that an earlier row has is not repeated by a later one. Imaginary parts are +0, positive or
# NaN: the functions commute with conjugation.

_LOGARITHM: list[Row] = [
    (FINITE, _INF, INF, PI / 2),
    (FINITE, _NAN, NAN, NAN),
    (_MINUS_INF, POSITIVE, INF, PI),
    (_INF, POSITIVE, INF, 0.0),
    (_MINUS_INF, _INF, INF, 3 * PI / 4),
    (_INF, _INF, INF, PI / 4),
    (INFINITE, _NAN, INF, NAN),
    (_NAN, FINITE, NAN, NAN),
    (_NAN, _INF, INF, NAN),
    (_NAN, _NAN, NAN, NAN),
]

_CONJUGATE: Mapping[str, list[Row]] = {
    "acos": [
        (ZERO, _0, PI / 2, -0.0),
        (ZERO, _NAN, PI / 2, NAN),
        (FINITE, _INF, PI / 2, -INF),
        (NONZERO, _NAN, NAN, NAN),
        (_MINUS_INF, POSITIVE, PI, -INF),
        (_INF, POSITIVE, 0.0, -INF),
        (_MINUS_INF, _INF, 3 * PI / 4, -INF),
        (_INF, _INF, PI / 4, -INF),
        (INFINITE, _NAN, NAN, _either(INF)),
        (_NAN, FINITE, NAN, NAN),
        (_NAN, _INF, NAN, -INF),
        (_NAN, _NAN, NAN, NAN),
    ],
    "acosh": [
        (ZERO, _0, 0.0, PI / 2),
        (FINITE, _INF, INF, PI / 2),
        (NONZERO, _NAN, NAN, NAN),
        (_0, _NAN, NAN, _either(PI / 2)),
        (_MINUS_INF, POSITIVE, INF, PI),
        (_INF, POSITIVE, INF, 0.0),
        (_MINUS_INF, _INF, INF, 3 * PI / 4),
        (_INF, _INF, INF, PI / 4),
        (INFINITE, _NAN, INF, NAN),
        (_NAN, FINITE, NAN, NAN),
        (_NAN, _INF, INF, NAN),
        (_NAN, _NAN, NAN, NAN),
    ],
    "asinh": [
        (_0, _0, 0.0, 0.0),
        (POSITIVE, _INF, INF, PI / 2),
        (FINITE, _NAN, NAN, NAN),
        (_INF, POSITIVE, INF, 0.0),
        (_INF, _INF, INF, PI / 4),
        (_NAN, _0, NAN, 0.0),
        (_NAN, NONZERO, NAN, NAN),
        (_NAN, _INF, _either(INF), NAN),
        (_NAN, _NAN, NAN, NAN),
    ],
    "atanh": [
        (_0, _0, 0.0, 0.0),
        (_0, _NAN, 0.0, NAN),
        ((1.0,), _0, INF, 0.0),
        (POSITIVE, _INF, 0.0, PI / 2),
        (NONZERO, _NAN, NAN, NAN),
        (_INF, POSITIVE, 0.0, PI / 2),
        (_INF, _INF, 0.0, PI / 2),
        (_INF, _NAN, 0.0, NAN),
        (_NAN, FINITE, NAN, NAN),
        (_NAN, _INF, _either(0.0), PI / 2),
        (_NAN, _NAN, NAN, NAN),
    ],
    "cosh": [
        (_0, _0, 1.0, 0.0),
        (_0, (INF, NAN), NAN, _either(0.0)),
        (NONZERO, (INF, NAN), NAN, NAN),
        (_INF, _0, INF, 0.0),
        (_INF, NONZERO, _inf_cos, _inf_sin),
        (_INF, _INF, _either(INF), NAN),
        (_INF, _NAN, INF, NAN),
        (_NAN, ZERO, NAN, _either(0.0)),
        (_NAN, NONZERO, NAN, NAN),
        (_NAN, _NAN, NAN, NAN),
    ],
    "exp": [
        (ZERO, _0, 1.0, 0.0),
        (FINITE, (INF, NAN), NAN, NAN),
        (_INF, _0, INF, 0.0),
        (_MINUS_INF, FINITE, _zero_cos, _zero_sin),
        (_INF, NONZERO, _inf_cos, _inf_sin),
        (_MINUS_INF, (INF, NAN), _either(0.0), _either(0.0)),
        (_INF, (INF, NAN), _either(INF), NAN),
        (_NAN, _0, NAN, 0.0),
        (_NAN, (*NONZERO, *INFINITE, NAN), NAN, NAN),
    ],
    "expm1": [
        (ZERO, _0, 0.0, 0.0),
        (FINITE, (INF, NAN), NAN, NAN),
        (_INF, _0, INF, 0.0),
        (_MINUS_INF, FINITE, -1.0, _zero_sin),
        (_INF, NONZERO, _inf_cos, _inf_sin),
        (_MINUS_INF, (INF, NAN), -1.0, _either(0.0)),
        (_INF, (INF, NAN), _either(INF), NAN),
        (_NAN, _0, NAN, 0.0),
        (_NAN, (*NONZERO, *INFINITE, NAN), NAN, NAN),
    ],
    "log": [((-0.0,), _0, -INF, PI), (_0, _0, -INF, 0.0), *_LOGARITHM],
    "log1p": [((-1.0,), _0, -INF, 0.0), *_LOGARITHM],
    "sinh": [
        (_0, _0, 0.0, 0.0),
        (_0, (INF, NAN), _either(0.0), NAN),
        (POSITIVE, (INF, NAN), NAN, NAN),
        (_INF, _0, INF, 0.0),
        (_INF, POSITIVE, _inf_cos, _inf_sin),
        (_INF, (INF, NAN), _either(INF), NAN),
        (_NAN, _0, NAN, 0.0),
        (_NAN, NONZERO, NAN, NAN),
        (_NAN, _NAN, NAN, NAN),
    ],
    # With NaN and an infinite imaginary part two of the standard's sentences contradict each
    # other; as in C99, the one that names NaN on purpose holds.
    "sqrt": [
        (ZERO, _0, 0.0, 0.0),
        (ANY, _INF, INF, INF),
        (FINITE, _NAN, NAN, NAN),
        (_MINUS_INF, POSITIVE, 0.0, INF),
        (_INF, POSITIVE, INF, 0.0),
        (_MINUS_INF, _NAN, NAN, _either(INF)),
        (_INF, _NAN, INF, NAN),
        (_NAN, (*FINITE, NAN), NAN, NAN),
    ],
    "tanh": [
        (_0, _0, 0.0, 0.0),
        (NONZERO, (INF, NAN), NAN, NAN),
        (_0, (INF, NAN), 0.0, NAN),
        (_INF, POSITIVE, 1.0, 0.0),
        (_INF, (INF, NAN), 1.0, _either(0.0)),
        (_NAN, _0, NAN, 0.0),
        (_NAN, NONZERO, NAN, NAN),
        (_NAN, _NAN, NAN, NAN),
    ],
}

_ROUNDED = (0.5, 1.5, -2.5, -0.25, INF, -INF, -0.0, NAN)


def _nearest_even(x: float) -> float:
    return math.copysign(round(x), x) if math.isfinite(x) else x


_PLAIN: Mapping[str, list[Row]] = {
    "conj": [(ANY, ANY, _real, lambda a, b: -b)],
    "negative": [(ANY, ANY, lambda a, b: -a, lambda a, b: -b)],
    "positive": [(ANY, ANY, _real, _imag)],
    "round": [(_ROUNDED, _ROUNDED, lambda a, b: _nearest_even(a), lambda a, b: _nearest_even(b))],
    "sign": [
        (ZERO, ZERO, 0.0, 0.0),
        (_NAN, ANY, NAN, NAN),
        (ANY, _NAN, NAN, NAN),
        (POSITIVE, ZERO, 1.0, _either(0.0)),
        (NEGATIVE, ZERO, -1.0, _either(0.0)),
        (ZERO, POSITIVE, _either(0.0), 1.0),
        (ZERO, NEGATIVE, _either(0.0), -1.0),
        # The modulus, and its square yet more, is beyond the dtype or below it.
        *(((3 * s,), (-4 * s,), 0.6, -0.8) for s in (1.0, 2.0**125, 2.0**-140)),
    ],
}

# One number from the two parts.
_REDUCED: Mapping[str, list[tuple[Values, Values, Rule]]] = {
    "abs": [
        (INFINITE, ANY, INF),
        (ANY, INFINITE, INF),
        (ZERO, FINITE, lambda a, b: abs(b)),
        (FINITE, ZERO, lambda a, b: abs(a)),
        (_NAN, ANY, NAN),
        (ANY, _NAN, NAN),
        *(((3 * s,), (4 * s,), 5 * s) for s in (2.0**100, 2.0**-100)),
    ],
    "imag": [(ANY, ANY, _imag)],
    "isfinite": [(ANY, ANY, lambda a, b: math.isfinite(a) and math.isfinite(b))],
    "isinf": [(ANY, ANY, lambda a, b: math.isinf(a) or math.isinf(b))],
    "isnan": [(ANY, ANY, lambda a, b: math.isnan(a) or math.isnan(b))],
    "real": [(ANY, ANY, _real)],
}

_PARTS = (0.0, -0.0, 1.0, INF, NAN)
_NUMBERS = tuple(complex(a, b) for a, b in product(_PARTS, _PARTS))


def _binary() -> Iterator[Case]:
    for z, w in product(_NUMBERS, _NUMBERS):
        same = z.real == w.real and z.imag == w.imag
        yield Case("equal", (z, w), (Part(float(same)),))
        yield Case("not_equal", (z, w), (Part(float(not same)),))
        yield Case("add", (z, w), (Part(z.real + w.real), Part(z.imag + w.imag)))
        yield Case("subtract", (z, w), (Part(z.real - w.real), Part(z.imag - w.imag)))
    all_nan = complex(NAN, NAN)
    for function in ("divide", "multiply"):
        yield Case(function, (all_nan, all_nan), (Part(NAN), Part(NAN)))


def _part(rule: Rule, a: float, b: float) -> Part:
    value = rule(a, b) if callable(rule) else rule
    return value if isinstance(value, Part) else Part(float(value))


def _expand(function: str, rows: Iterable[tuple[Any, ...]]) -> Iterator[Case]:
    for real, imag, *rules in rows:
        for a, b in product(real, imag):
            yield Case(function, (complex(a, b),), tuple(_part(rule, a, b) for rule in rules))


def _multiplied(case: Case, re: float, im: float, result_re: float, result_im: float) -> Case:
    """The case with the parts of operand and result multiplied by signs or units."""
    (z,) = case.operands
    p, q = case.expected
    return replace(
        case,
        operands=(complex(re * z.real, im * z.imag),),
        expected=(
            replace(p, value=result_re * p.value),
            replace(q, value=result_im * q.value),
        ),
    )


def _first_of_each(cases: Iterable[Case]) -> tuple[Case, ...]:
    found: dict[str, Case] = {}
    for case in cases:
        found.setdefault(repr(case.operands), case)
    return tuple(found.values())


def _with_symmetries(function: str) -> tuple[Case, ...]:
    """The rows, their conjugates, and for an odd or even function the negatives of both."""
    stated = list(_expand(function, _CONJUGATE[function]))
    stated += [_multiplied(case, 1, -1, 1, -1) for case in stated]
    if function in ("asinh", "atanh", "sinh", "tanh"):
        stated += [_multiplied(case, -1, -1, -1, -1) for case in stated]
    elif function == "cosh":
        stated += [_multiplied(case, -1, -1, 1, 1) for case in stated]
    return _first_of_each(stated)


def _turned(function: str, cases: Iterable[Case], even: bool = False) -> tuple[Case, ...]:
    """``f(x)`` for ``f(x) = -1j * g(x * 1j)``, or ``g(x * 1j)`` if even, from the cases of g."""
    found = []
    for case in cases:
        (z,) = case.operands
        p, q = case.expected
        expected = (p, q) if even else (q, replace(p, value=-p.value))
        found.append(Case(function, (complex(z.imag, -z.real),), expected))
    return tuple(found)


_SYMMETRIC = {function: _with_symmetries(function) for function in _CONJUGATE}

COMPLEX: Mapping[str, tuple[Case, ...]] = {
    **_SYMMETRIC,
    "sin": _turned("sin", _SYMMETRIC["sinh"]),
    "cos": _turned("cos", _SYMMETRIC["cosh"], even=True),
    "tan": _turned("tan", _SYMMETRIC["tanh"]),
    "asin": _turned("asin", _SYMMETRIC["asinh"]),
    "atan": _turned("atan", _SYMMETRIC["atanh"]),
    **{
        function: tuple(
            replace(_multiplied(case, 1, 1, unit, unit), function=function)
            for case in _SYMMETRIC["log"]
        )
        for function, unit in (("log2", 1 / math.log(2)), ("log10", 1 / math.log(10)))
    },
    **{
        function: _first_of_each(_expand(function, rows))
        for function, rows in (*_PLAIN.items(), *_REDUCED.items())
    },
    **{
        function: tuple(case for case in _binary() if case.function == function)
        for function in ("add", "divide", "equal", "multiply", "not_equal", "subtract")
    },
}
"""From a function to its special cases on complex operands."""
