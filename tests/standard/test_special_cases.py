"""Every special case of every elementwise function, and of the operators that share it.

All cases of a function are elements of one array, so that a device compiles one kernel for each
function and dtype.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from tests.standard import names
from tests.standard.special_cases import (
    COMPLEX,
    REAL,
    SYMMETRIES,
    Case,
    columns,
    disagreements,
    expanded,
)

# Four roundings: π/4 and the like are approximations.
TOLERANCE = {dtype: 4 * float(np.finfo(dtype).eps) for dtype in ("float32", "float64")}
TOLERANCE |= {"complex64": TOLERANCE["float32"], "complex128": TOLERANCE["float64"]}

OPERATORS: dict[str, tuple[str, Callable[..., Any], Callable[..., Any] | None]] = {
    "+": ("add", operator.add, operator.iadd),
    "-": ("subtract", operator.sub, operator.isub),
    "*": ("multiply", operator.mul, operator.imul),
    "/": ("divide", operator.truediv, operator.itruediv),
    "//": ("floor_divide", operator.floordiv, operator.ifloordiv),
    "%": ("remainder", operator.mod, operator.imod),
    "**": ("pow", operator.pow, operator.ipow),
    "==": ("equal", operator.eq, None),
    "!=": ("not_equal", operator.ne, None),
    "<": ("less", operator.lt, None),
    "<=": ("less_equal", operator.le, None),
    ">": ("greater", operator.gt, None),
    ">=": ("greater_equal", operator.ge, None),
    "abs": ("abs", operator.abs, None),
    "-x": ("negative", operator.neg, None),
    "+x": ("positive", operator.pos, None),
}


def arrays(cases: tuple[Case, ...], dtype: str, device: str) -> list[Any]:
    # Through NumPy: a list of Python's complex numbers has no place for the dtype complex64.
    return [xp.asarray(np.asarray(column, dtype), device=device) for column in columns(cases)]


def cases_of(name: str, dtype: str) -> tuple[Case, ...]:
    return (COMPLEX if dtype.startswith("complex") else REAL).get(name, ())


def test_every_elementwise_function_of_floating_arrays_has_cases() -> None:
    # Bits and logic have none, nor have the parts of complex numbers of real ones.
    functions = {
        entry.split("(")[0]
        for chapter, text in names.CHAPTERS.items()
        if chapter.startswith("elementwise")
        for entry in text.split("\n")
        if entry.strip()
    }
    functions = {name.strip() for name in functions}
    bits = {name for name in functions if name.startswith(("bitwise_", "logical_"))}
    assert set(REAL) == functions - bits - {"imag"}
    real_alone = {
        *("atan2", "ceil", "clip", "copysign", "floor", "floor_divide", "greater"),
        *("greater_equal", "hypot", "less", "less_equal", "logaddexp", "maximum", "minimum"),
        *("nextafter", "remainder", "signbit", "trunc"),
    }
    assert set(COMPLEX) == functions - bits - real_alone


def test_lines_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'nan nan : 1\.0' contradicts an earlier line"):
        expanded("pow", "any nan : nan \n nan nan : 1.0")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", REAL)
def test_real_special_cases(device: str, host: Any, name: str, dtype: str) -> None:
    found = getattr(xp, name)(*arrays(REAL[name], dtype, device))
    assert not disagreements(REAL[name], host(found).tolist(), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_special_cases(device: str, host: Any, name: str, dtype: str) -> None:
    found = getattr(xp, name)(*arrays(COMPLEX[name], dtype, device))
    assert not disagreements(COMPLEX[name], host(found).tolist(), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_operators_have_the_cases_of_their_functions(device: str, host: Any, dtype: str) -> None:
    for symbol, (name, function, in_place) in OPERATORS.items():
        cases = cases_of(name, dtype)
        if not cases:
            continue
        operands = arrays(cases, dtype, device)
        found = function(*operands)
        updated = operands[0]
        if in_place is not None:
            updated = in_place(*operands)
            assert updated is operands[0]
        assert not disagreements(cases, host(found).tolist(), TOLERANCE[dtype]), symbol
        if in_place is not None:
            assert not disagreements(cases, host(updated).tolist(), TOLERANCE[dtype]), symbol


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**", "<", "=="])
def test_python_scalars_have_the_cases_of_their_value(
    device: str, host: Any, symbol: str, dtype: str
) -> None:
    name, function, _ = OPERATORS[symbol]
    named = getattr(xp, name)
    for side in (0, 1):
        groups: dict[str, list[Case]] = {}
        for case in REAL[name]:
            groups.setdefault(repr(case.operands[side]), []).append(case)
        for group in groups.values():
            scalar = group[0].operands[side]
            array = arrays(tuple(group), dtype, device)[1 - side]
            operands = (scalar, array) if side == 0 else (array, scalar)
            results = [function(*operands), named(*operands)]
            if scalar.real.is_integer() and repr(scalar) != "-0.0":
                whole = int(scalar.real)
                results.append(function(*((whole, array) if side == 0 else (array, whole))))
            xp.evaluate(*results)
            for found in results:
                assert not disagreements(group, host(found).tolist(), TOLERANCE[dtype])


def grid(dtype: str) -> np.ndarray[Any, Any]:
    """Numbers of all sizes and both signs, no special ones; pairs of them as complex numbers."""
    sizes = [2.0**-100, 2.0**-20, 0.1, 0.5, 1.0, 1.1, 2.0, 3.0, 10.0, 88.0, 2.0**20, 2.0**100]
    real = np.asarray([*sizes, *(-x for x in sizes)])
    if dtype.startswith("float"):
        return real.astype(dtype)
    return (real[:, None] + 1j * real).ravel().astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", SYMMETRIES)
def test_symmetries_hold_to_the_last_bit(device: str, host: Any, name: str, dtype: str) -> None:
    real = dtype.startswith("float")
    z = grid(dtype)
    relations = []
    if "conjugate" in SYMMETRIES[name] and not real:
        relations.append((np.conj(z), np.conj))
    if "odd" in SYMMETRIES[name]:
        relations.append((-z, np.negative))
    if "even" in SYMMETRIES[name]:
        relations.append((-z, np.positive))
    function = getattr(xp, name)
    plain = host(function(xp.asarray(z, device=device)))
    for image, expected in relations:
        found = host(function(xp.asarray(image, device=device)))
        np.testing.assert_array_equal(found, expected(plain))
        ends = [(found.real, expected(plain).real), (found.imag, expected(plain).imag)]
        for one, other in ends[: 1 if real else 2]:
            known = ~np.isnan(one)
            np.testing.assert_array_equal(np.signbit(one)[known], np.signbit(other)[known])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hypot_is_the_same_for_both_orders_and_all_signs(
    device: str, host: Any, dtype: str
) -> None:
    first, second = np.meshgrid(grid(dtype), grid(dtype))
    x, y = xp.asarray(first, device=device), xp.asarray(second, device=device)
    expected = host(xp.hypot(x, y))
    for found in (xp.hypot(y, x), xp.hypot(x, -y), xp.hypot(-x, y), xp.hypot(-x, -y)):
        np.testing.assert_array_equal(host(found), expected)
