"""The dtype of what two operands of any dtypes give, for every function and operator of two.

Dtypes are known when an operation is recorded, so next to nothing is evaluated here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from tests.standard import names
from tests.standard.promotion import BINARY, DTYPES, OPEN, PROMOTED, SCALARS, WITH_SCALAR, takes

OPERATORS: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {
    "add": (operator.add, operator.iadd),
    "subtract": (operator.sub, operator.isub),
    "multiply": (operator.mul, operator.imul),
    "divide": (operator.truediv, operator.itruediv),
    "floor_divide": (operator.floordiv, operator.ifloordiv),
    "remainder": (operator.mod, operator.imod),
    "pow": (operator.pow, operator.ipow),
    "bitwise_and": (operator.and_, operator.iand),
    "bitwise_or": (operator.or_, operator.ior),
    "bitwise_xor": (operator.xor, operator.ixor),
    "bitwise_left_shift": (operator.lshift, operator.ilshift),
    "bitwise_right_shift": (operator.rshift, operator.irshift),
    "equal": (operator.eq, None),
    "not_equal": (operator.ne, None),
    "less": (operator.lt, None),
    "less_equal": (operator.le, None),
    "greater": (operator.gt, None),
    "greater_equal": (operator.ge, None),
}


def ones(device: str, shape: tuple[int, ...] = ()) -> dict[str, Any]:
    # From memory, not pending: thousands of operations on a pending array would be evaluated.
    return {name: xp.asarray(np.ones(shape, name), device=device) for name in DTYPES}


def result(function: Callable[..., Any], *operands: Any) -> str | None:
    """The name of the dtype, or None for the error of dtypes that do not belong together."""
    try:
        return str(function(*operands).dtype)
    except TypeError:
        return None


def forms(name: str) -> list[Callable[..., Any]]:
    """The function of a name, and its operator."""
    return [getattr(xp, name), *(OPERATORS[name][:1] if name in OPERATORS else ())]


def test_the_table_is_symmetric_associative_and_complete() -> None:
    assert set(BINARY) == {
        entry.strip().partition("(")[0]
        for entry in names.CHAPTERS["elementwise of two operands"].splitlines()
        if entry.strip()
    }
    assert set(DTYPES) == set(names.DTYPES)
    assert len(PROMOTED) == 13 * 13
    assert len(WITH_SCALAR) == 4 * 13
    for a in DTYPES:
        assert PROMOTED[a, a] == a
        for b in DTYPES:
            assert PROMOTED[a, b] == PROMOTED[b, a]
            assert ((a, b) in OPEN) == ((b, a) in OPEN)
            for c in DTYPES:
                defined = not {(a, b), (b, c), (a, c)} & OPEN
                grouped = PROMOTED[PROMOTED[a, b], c], PROMOTED[a, PROMOTED[b, c]]
                assert not defined or grouped[0] == grouped[1]


def test_what_the_standard_leaves_open_is_as_in_numpy() -> None:
    for a, b in PROMOTED:
        assert PROMOTED[a, b] == np.promote_types(a, b).name
    for kind, name in WITH_SCALAR:
        scalar = SCALARS[kind]
        assert WITH_SCALAR[kind, name] == np.result_type(np.dtype(name), scalar).name


@pytest.mark.parametrize("shapes", [((), ()), ((2,), ()), ((2, 1), (3,))], ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_arrays_of_two_dtypes(device: str, name: str, shapes: tuple[Any, Any]) -> None:
    first, second = (ones(device, shape) for shape in shapes)
    for (a, b), promoted in PROMOTED.items():
        for function in forms(name):
            assert result(function, first[a], second[b]) == takes(name, promoted), (a, b)


@pytest.mark.parametrize("name", BINARY)
def test_an_array_and_a_python_scalar(device: str, name: str) -> None:
    arrays = ones(device, (2,))
    for (kind, dtype), promoted in WITH_SCALAR.items():
        x, scalar, expected = arrays[dtype], SCALARS[kind], takes(name, promoted)
        for function in forms(name):
            assert result(function, x, scalar) == expected, (dtype, kind)
            assert result(function, scalar, x) == expected, (kind, dtype)


@pytest.mark.parametrize("name", BINARY)
def test_dtypes_that_do_not_belong_together_are_named(device: str, name: str) -> None:
    arrays = ones(device)
    for (a, b), promoted in PROMOTED.items():
        if takes(name, promoted) is None:
            with pytest.raises(TypeError, match=f"^{name}: needs .* got {a} and {b}"):
                getattr(xp, name)(arrays[a], arrays[b])


@pytest.mark.parametrize("name", [name for name, (_, in_place) in OPERATORS.items() if in_place])
def test_an_operator_in_place_keeps_the_dtype_or_refuses(device: str, name: str) -> None:
    in_place = OPERATORS[name][1]
    assert in_place is not None
    arrays, others = ones(device, (2,)), {**ones(device), **SCALARS}
    results = {**PROMOTED, **{(dtype, kind): to for (kind, dtype), to in WITH_SCALAR.items()}}
    for (a, b), promoted in results.items():
        x = xp.asarray(arrays[a], copy=True)
        expected = takes(name, promoted)
        found = result(in_place, x, others[b])
        assert found == (expected if expected == a else None), (a, b)
        assert str(x.dtype) == a


@pytest.mark.parametrize("name", ["result_type", "concat", "stack", "where"])
def test_functions_of_several_arrays_promote_too(device: str, name: str) -> None:
    arrays = ones(device, (2,))
    condition = arrays["bool"]
    for (a, b), promoted in PROMOTED.items():
        x, y = arrays[a], arrays[b]
        if name == "result_type":
            found = [xp.result_type(x, y), xp.result_type(x.dtype, y), xp.result_type(y, x, y)]
        elif name == "where":
            found = [xp.where(condition, x, y).dtype]
        else:
            found = [getattr(xp, name)([x, y]).dtype, getattr(xp, name)((y, x, y)).dtype]
        assert {str(dtype) for dtype in found} == {promoted}, (a, b)


def test_result_type_and_where_take_python_scalars(device: str) -> None:
    arrays = ones(device, (2,))
    for (kind, dtype), promoted in WITH_SCALAR.items():
        x, scalar = arrays[dtype], SCALARS[kind]
        found = [
            xp.result_type(x, scalar),
            xp.result_type(scalar, x.dtype),
            xp.where(arrays["bool"], x, scalar).dtype,
            xp.where(arrays["bool"], scalar, x).dtype,
        ]
        assert {str(dtype) for dtype in found} == {promoted}, (dtype, kind)


def test_can_cast_is_what_promotion_says(device: str) -> None:
    arrays = ones(device)
    for (a, b), promoted in PROMOTED.items():
        if (a, b) in OPEN:
            continue
        target = getattr(xp, b)
        assert xp.can_cast(getattr(xp, a), target) is (promoted == b), (a, b)
        assert xp.can_cast(arrays[a], target) is (promoted == b), (a, b)


def test_an_integer_scalar_out_of_bounds_is_an_error_at_the_call(device: str) -> None:
    arrays = ones(device)
    for name, kinds in names.DTYPES.items():
        if "integral" not in kinds:
            continue
        info = np.iinfo(name)
        for fits in (int(info.min), int(info.max)):
            assert str((arrays[name] + fits).dtype) == name
        for beyond in (int(info.min) - 1, int(info.max) + 1):
            for function in forms("add"):
                with pytest.raises(OverflowError, match=rf"^add: {beyond} is out of range"):
                    function(arrays[name], beyond)
                with pytest.raises(OverflowError, match=rf"^add: {beyond} is out of range"):
                    function(beyond, arrays[name])


def test_operands_are_converted_before_they_are_combined(device: str, host: Any) -> None:
    values = {"b": True, "i": -3, "u": 5, "f": -1.5, "c": 2 - 3j}
    given = {name: np.asarray([values[name[0]]], name) for name in DTYPES}
    arrays = {name: xp.asarray(value, device=device) for name, value in given.items()}
    for (a, b), promoted in PROMOTED.items():
        if takes("multiply", promoted) is None or (b, a) < (a, b):
            continue
        product, equality = arrays[a] * arrays[b], arrays[b] == arrays[a]
        xp.evaluate(product, equality)
        x, y = (given[name].astype(promoted) for name in (a, b))
        np.testing.assert_array_equal(host(product), x * y, str((a, b)))
        assert host(equality).tolist() == (x == y).tolist(), (a, b)
