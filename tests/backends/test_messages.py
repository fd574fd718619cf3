"""Errors name the function that was called and the argument that was wrong."""

from __future__ import annotations

import inspect
import operator

import numpy as np
import pytest

import gpuarray as xp

OPERATORS = [
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and_", "or_", "xor", "lshift", "rshift", "lt", "le", "gt", "ge", "eq", "ne"),
]


@pytest.mark.parametrize("name", OPERATORS)
def test_a_numpy_array_beside_an_array_is_an_error_that_says_what_to_do(device, name):
    function = getattr(operator, name)
    x = xp.asarray([[1, 2], [3, 4]])
    a = np.ones((2, 2), np.int64)
    for operands in ((a, x), (x, a), (np.asarray(1), x), (x, np.asarray(1))):
        with pytest.raises(TypeError, match=r"^\w+: .*got ndarray.*asarray\(\)"):
            function(*operands)


def test_products_of_matrices_do_not_ask_for_scalars(device):
    with pytest.raises(TypeError, match=r"^matmul: needs a gpuarray array, got ndarray"):
        xp.ones((2, 2)) @ np.ones((2, 2))


@pytest.mark.parametrize("name", ["iadd", "imul", "imatmul", "ipow"])
def test_so_is_one_in_place(device, name):
    function = getattr(operator, name)
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    a = np.ones((2, 2))
    with pytest.raises(TypeError, match=r"^\w+: .*got ndarray.*asarray\(\)"):
        function(x, a)


def test_numpy_scalars_are_operands_on_either_side(device, host):
    x = xp.asarray([1.0, 2.0], dtype=xp.float32)
    np.testing.assert_array_equal(host(np.float32(2) * x), [2, 4])
    np.testing.assert_array_equal(host(x - np.float32(1)), [0, 1])
    assert (np.float64(2) * x).dtype == xp.float64


def test_lists_beside_an_array_are_left_to_python(device):
    x = xp.asarray([1, 2])
    with pytest.raises(TypeError, match="unsupported operand"):
        x + [1, 2]  # noqa: RUF005
    assert [0] * xp.asarray(3) == [0, 0, 0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: xp.full_like(x, "a"), TypeError, "full_like: fill_value .* got str"),
        (lambda x: xp.full_like(x, x), TypeError, r"full_like: fill_value .* shape \(2, 3\)"),
        (lambda x: xp.full_like(x, 1j), TypeError, "full_like: cannot cast complex128"),
        (lambda x: xp.full_like(x, xp.asarray(1j)), TypeError, "full_like: cannot cast"),
        (lambda x: xp.full_like(x, 300, dtype=xp.int8), OverflowError, "full_like: 300"),
        (lambda x: xp.full((2,), [1]), TypeError, "full: fill_value .* got list"),
        (lambda x: xp.arange("a"), TypeError, "arange: start .* 'a'"),
        (lambda x: xp.arange(1j), TypeError, "arange: start must be real, got 1j"),
        (lambda x: xp.arange(0, 1j), TypeError, "arange: stop must be real, got 1j"),
        (lambda x: xp.arange(0, 1, 1j), TypeError, "arange: step must be real, got 1j"),
        (lambda x: xp.arange(0, 1, 0), ValueError, "arange: step must not be 0"),
        (lambda x: xp.tile(x, (2, 0.5)), TypeError, "tile: each of repetitions .* 0.5"),
        (lambda x: xp.tile(x, (2, -1)), ValueError, r"tile: repetitions \(2, -1\)"),
        (lambda x: xp.tile(x, (2**40, 2**40)), ValueError, "tile: .* any memory"),
        (lambda x: xp.expand_dims(x, axis=3), IndexError, "axis 3 .* a result of 3 dimensions"),
        (lambda x: xp.expand_dims(x, axis=(0, 5)), IndexError, "a result of 4 dimensions"),
        (lambda x: xp.squeeze(x, axis=2), IndexError, "axis 2 .* an array of 2 dimensions"),
    ],
)
def test_the_argument_that_was_wrong_is_named(device, call, error, message):
    with pytest.raises(error, match=message):
        call(xp.ones((2, 3)))


def _flags():
    """Every (namespace, function, argument) of the namespaces that is annotated as a bool."""
    for namespace in ("", "linalg", "fft"):
        module = getattr(xp, namespace) if namespace else xp
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function):
                for p in inspect.signature(function).parameters.values():
                    if p.annotation in ("bool", "bool | None"):
                        yield namespace, name, p.name


ARGUMENTS = {
    "asarray": lambda x: ([1.0],),
    "astype": lambda x: (x, xp.float32),
    "linspace": lambda x: (0, 1, 5),
    "reshape": lambda x: (x, (4,)),
    "isin": lambda x: (x, x),
    "cumulative_sum": lambda x: (x[0],),
    "cumulative_prod": lambda x: (x[0],),
}


@pytest.mark.parametrize(("namespace", "name", "flag"), list(_flags()))
@pytest.mark.parametrize("value", ["no", 1, 0.0, [True]])
def test_what_is_no_bool_is_no_flag(namespace, name, flag, value):
    with xp.backend("numpy"):
        function = getattr(getattr(xp, namespace) if namespace else xp, name)
        x = xp.asarray([[2.0, 1.0], [1.0, 3.0]])
        arguments = ARGUMENTS.get(name, lambda x: (x,))(x)
        with pytest.raises(TypeError, match=f"{name}: `?{flag}`? must be True"):
            function(*arguments, **{flag: value})


@pytest.mark.parametrize("keepdims", [True, np.True_])
def test_numpys_bools_are_flags(device, keepdims):
    assert xp.sum(xp.ones((2, 3)), keepdims=keepdims).shape == (1, 1)


@pytest.mark.parametrize("value", [1, 0, np.int64(1), 1.0, 1j])
def test_bools_are_not_assigned_from_numbers(device, value):
    x = xp.asarray([True, False])
    with pytest.raises(TypeError, match="does not fit an array of bool"):
        x[0] = value
    with pytest.raises(TypeError, match="does not fit an array of bool"):
        x[x] = value
    x[1] = np.True_
    assert bool(x[1])
