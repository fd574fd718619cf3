"""The special cases of the standard's elementwise functions, to hold any namespace to.

Out: `REAL` and `COMPLEX`, from the name of a function to its cases, and `disagreements`, which
compares. Written from the text of the standard, and never from what an implementation gives.
Cases that follow from a symmetry that the standard names are derived here, not written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from . import arithmetic, comparison, exponential, rounding, trigonometric
from .notation import Case, Part, columns, disagreements, expanded

__all__ = ["COMPLEX", "REAL", "SYMMETRIES", "Case", "Part", "columns", "disagreements"]

_CHAPTERS = (arithmetic, comparison, exponential, rounding, trigonometric)

SYMMETRIES: Mapping[str, str] = {
    "acos": "conjugate",
    "acosh": "conjugate",
    "asin": "conjugate",
    "asinh": "conjugate, odd",
    "atan": "conjugate",
    "atanh": "conjugate, odd",
    "cosh": "conjugate, even",
    "exp": "conjugate",
    "expm1": "conjugate",
    "log": "conjugate",
    "log10": "conjugate",
    "log1p": "conjugate",
    "log2": "conjugate",
    "sinh": "conjugate, odd",
    "sqrt": "conjugate",
    "tanh": "conjugate, odd",
}
"""What holds of complex functions, as the standard says; odd and even, of the real ones too.

``conjugate``: ``f(conj(x)) == conj(f(x))``, ``odd``: ``f(-x) == -f(x)``, ``even``:
``f(-x) == f(x)``.
"""

# The standard defines the special cases of these by those of another, at ``x * 1j``.
_TURNED = {"asin": "asinh", "atan": "atanh", "sin": "sinh", "tan": "tanh"}


def _reflected(case: Case, re: float, im: float, result_re: float, result_im: float) -> Case:
    """The case with the parts of its operand and of its result multiplied by signs."""
    (z,) = map(complex, case.operands)
    p, q = case.expected
    return replace(
        case,
        operands=(complex(re * z.real, im * z.imag),),
        expected=(p.times(result_re), q.times(result_im)),
    )


def _with_symmetries(function: str, cases: Iterable[Case]) -> tuple[Case, ...]:
    found = list(cases)
    named = SYMMETRIES.get(function, "")
    if "conjugate" in named:
        found += [_reflected(case, 1, -1, 1, -1) for case in found]
    if "odd" in named:
        found += [_reflected(case, -1, -1, -1, -1) for case in found]
    if "even" in named:
        found += [_reflected(case, -1, -1, 1, 1) for case in found]
    # What is stated stands before what is derived.
    first: dict[tuple[str, ...], Case] = {}
    for case in found:
        first.setdefault(case.key(), case)
    return tuple(first.values())


def _turned(function: str, cases: Iterable[Case], even: bool = False) -> tuple[Case, ...]:
    """``f(x)`` for ``f(x) = -1j * g(x * 1j)``, or ``g(x * 1j)`` if even, from the cases of g."""
    found = []
    for case in cases:
        (z,) = map(complex, case.operands)
        p, q = case.expected
        expected = (p, q) if even else (q, p.times(-1))
        found.append(Case(function, (complex(z.imag, -z.real),), expected))
    return tuple(found)


def _in_base(function: str, cases: Iterable[Case], base: float) -> tuple[Case, ...]:
    factor = 1 / math.log(base)
    return tuple(
        replace(case, function=function, expected=tuple(p.times(factor) for p in case.expected))
        for case in cases
    )


def _complex() -> dict[str, tuple[Case, ...]]:
    stated = {
        function: _with_symmetries(function, expanded(function, text, complex_=True))
        for chapter in _CHAPTERS
        for function, text in chapter.COMPLEX.items()
    }
    return {
        **stated,
        **{function: _turned(function, stated[g]) for function, g in _TURNED.items()},
        "cos": _turned("cos", stated["cosh"], even=True),
        "log2": _in_base("log2", stated["log"], 2),
        "log10": _in_base("log10", stated["log"], 10),
    }


REAL: Mapping[str, tuple[Case, ...]] = {
    function: expanded(function, text)
    for chapter in _CHAPTERS
    for function, text in chapter.REAL.items()
}
"""From a function to its special cases on real floating operands; bool results are 0.0 and 1.0."""

COMPLEX: Mapping[str, tuple[Case, ...]] = _complex()
"""From a function to its special cases on complex operands."""
