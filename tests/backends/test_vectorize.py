"""`vectorize` against the Python function itself, called with NumPy scalars."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gpuarray as xp

SCALE = 2.5
FLAG = True
REALS = ["float32", "float64"]


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def mandelbrot(cx, cy):
    """In how many steps a point leaves the circle."""
    x, y = 0.0, 0.0
    for k in range(50):
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        if x * x + y * y > 4.0:
            return k
    return 50


def clamped(x, low, high):
    return min(max(x, low), high)


def polynomial(x):
    return SCALE * x**3 - x / 4 + 1


def branches(x):
    if x > 1:
        result = x - 1
    elif -1 < x <= 1 and not x < 0:
        result = x * 2
    else:
        result = 0
    return result if FLAG else -result


def sums(x):
    total = 0.0
    for k in range(9, 0, -2):
        if k == 5:
            continue
        if k == 1:
            break
        total += x * k
    k = 7
    return total + k


def helper(x: float, power: int) -> float:
    value: float = x
    for _ in range(1, power):
        value *= x
    return value


def calls(x):
    return helper(x, 3) + abs(helper(-x, 2)) + collatz(6)


def functions(x):
    a = math.exp(-x) + math.log1p(x) + math.sqrt(x) + math.sin(x) * math.cos(x) + math.tanh(x)
    b = math.atan2(x, 2.0) + math.hypot(x, 1.0) + math.copysign(1.0, x) + math.fmod(x, 0.7)
    c = math.erf(x) + math.gamma(x + 1) + math.pi + math.degrees(x) / 100 + math.expm1(x)
    return a + b * c + math.pow(x, 1.5) + math.log2(x)


def integers(n):
    return (n & 12) | (n ^ 5) + (n << 2) - (n >> 1) + ~n + n % 7 * (n // 3)


def conversions(x):
    return int(x) + float(3) * bool(x) + math.floor(x) - math.ceil(x)


def decided(x):
    return (math.isfinite(x) and x != 0) or math.isinf(x)


FUNCTIONS: list[tuple[Callable[..., Any], list[str]]] = [
    (collatz, ["int64", "int32"]),
    (polynomial, REALS), (branches, [*REALS, "int16"]), (sums, REALS), (calls, REALS),
    (functions, REALS), (integers, ["int8", "int64"]), (conversions, REALS), (decided, REALS),
]  # fmt: skip
CASES = [(f, dtype) for f, dtypes in FUNCTIONS for dtype in dtypes]


def elements(dtype: str) -> np.ndarray[Any, Any]:
    if np.dtype(dtype).kind in "iu":
        return np.arange(1, 28, dtype=dtype)
    return np.linspace(0.05, 3.0, 37, dtype=dtype)


@pytest.mark.parametrize(("function", "dtype"), CASES)
def test_a_function_has_the_values_of_python(
    device: str, host: Any, function: Callable[..., Any], dtype: str
) -> None:
    values = elements(dtype)
    found = host(xp.vectorize(function)(xp.asarray(values)))
    with np.errstate(all="ignore"):
        answer = np.asarray(
            [function(v) for v in values.astype("float64" if dtype[0] == "f" else dtype)]
        )
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, answer, rtol=5e-6 if dtype == "float32" else 1e-13)
    else:
        np.testing.assert_array_equal(found, answer)


def test_several_arguments_broadcast_and_scalars_take_part(device: str, host: Any) -> None:
    x, y = np.linspace(-2, 1, 8), np.linspace(-1, 1, 5)
    f = xp.vectorize(mandelbrot)
    found = host(f(xp.asarray(x), xp.asarray(y)[:, None]))
    np.testing.assert_array_equal(found, [[mandelbrot(a, b) for a in x] for b in y])
    assert found.dtype == np.int64
    clamp = xp.vectorize(clamped)
    found = host(clamp(xp.asarray(x, dtype="float32"), -0.5, 1))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.clip(x.astype("float32"), np.float32(-0.5), 1))


def test_the_results_dtype_is_that_of_promotion(device: str) -> None:
    f = xp.vectorize(lambda x, y: x * y + 1)
    int8, float32 = xp.ones(3, dtype="int8"), xp.ones(3, dtype="float32")
    assert f(int8, 2).dtype == np.int8
    assert f(int8, 2.0).dtype == np.float64
    assert f(float32, 2.0).dtype == np.float32
    assert f(float32, xp.ones(3)).dtype == np.float64
    assert xp.vectorize(lambda x: x > 0)(int8).dtype == np.bool_
    assert xp.vectorize(lambda x: x / 2)(int8).dtype == np.float64


def test_it_fuses_with_what_is_around_it(device: str, host: Any) -> None:
    f = xp.vectorize(branches)
    x = xp.asarray([0.5, 2.0, -3.0])
    result = xp.sum(f(x * 2.0 - 1.0) + x)
    assert xp.explain(result, source=False).count("\n  kernel ") == 1
    answer = sum(branches(2 * v - 1) + v for v in (0.5, 2.0, -3.0))
    assert float(result) == pytest.approx(answer)


def test_a_vectorized_function_can_be_called_by_another(device: str, host: Any) -> None:
    inner = xp.vectorize(polynomial)

    @xp.vectorize
    def outer(x):
        return inner(x) + inner(x + 1)

    found = host(outer(xp.asarray([1.0, 2.0])))
    np.testing.assert_allclose(found, [polynomial(v) + polynomial(v + 1) for v in (1.0, 2.0)])


def test_defaults_and_names_around_the_function_count(device: str, host: Any) -> None:
    offset = 4

    @xp.vectorize
    def shifted(x, factor=3):
        """With a docstring."""
        return factor * x + offset

    x = xp.asarray([1, 2])
    assert host(shifted(x)).tolist() == [7, 10]
    assert host(shifted(x, 5)).tolist() == [9, 14]
    assert host(shifted(x, x)).tolist() == [5, 8]
    assert shifted(2) == 10  # of scalars alone it is the Python function


def test_it_is_compiled_once_for_each_choice_of_dtypes(device: str) -> None:
    f = xp.vectorize(polynomial)
    for _ in range(3):
        xp.evaluate(f(xp.ones(3)), f(xp.ones(4, dtype="float32")))
    assert len(f._operations) == 2
    assert f.__wrapped__ is polynomial and f.__name__ == "polynomial"


def test_compiled_functions_may_use_it(device: str, host: Any) -> None:
    f = xp.vectorize(branches)
    compiled = xp.compile(lambda x: f(x) * 2)
    for values in ([0.5, 2.0], [3.0, -4.0], [0.0, 1.0]):
        found = host(compiled(xp.asarray(values)))
        np.testing.assert_array_equal(found, [2 * branches(v) for v in values])


def unsupported_list(x):
    y = [1, 2]
    return y[0] + x


def unsupported_with(x):
    with open("file"):
        return x


def unsupported_and(x):
    return x and 1


def unsupported_call(x):
    return np.sin(x)


def unsupported_end(x):  # noqa: RET503
    if x > 0:
        return x


def unsupported_recursion(x):
    return x if x < 1 else unsupported_recursion(x - 1)


def unsupported_name(x):
    return x + undefined_number  # noqa: F821


def unsupported_before(x):
    y = z + x  # noqa: F821
    z = y
    return z + y


def unsupported_keyword(x):
    return helper(x, power=2)


def unsupported_for(x):
    for k in (1, 2):
        x += k
    return x


def unsupported_attribute(x):
    return x.real


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unsupported_list, "'list' is not supported.*: y = "),
        (unsupported_with, "'with' is not supported.*: with open"),
        (unsupported_and, "'and' and 'or' need conditions, not float64.*: return x and 1"),
        (unsupported_call, "a call of .*: only functions of math.*: return np.sin"),
        (unsupported_end, "every way through the function must return.*: if x > 0"),
        (unsupported_recursion, "must not call itself"),
        (unsupported_name, "undefined_number is not defined.*: return x"),
        (unsupported_before, "z is used before it has a value.*: y = z"),
        (unsupported_keyword, "arguments must be positional.*: return helper"),
        (unsupported_for, "'for' is supported over a range.*: for k in"),
        (unsupported_attribute, "x is a number, without attributes.*: return x.real"),
    ],
)
def test_what_is_not_supported_is_named_with_its_line(
    device: str, function: Callable[..., Any], message: str
) -> None:
    with pytest.raises(TypeError) as found:
        xp.vectorize(function)(xp.ones(3))
    where = f"(?s)vectorize: {function.__name__}: .*test_vectorize.py, line (\\d+): "
    match = re.match(where, str(found.value))
    assert match and re.search(f"(?s){message}", str(found.value))
    assert 0 <= int(match[1]) - function.__code__.co_firstlineno < 4


def test_wrong_arguments_are_errors_at_the_call(device: str) -> None:
    f = xp.vectorize(clamped)
    x = xp.ones(3)
    with pytest.raises(TypeError, match="clamped: takes 3 arguments, got 2"):
        f(x, 1)
    with pytest.raises(TypeError, match="clamped: low must be an array or a real scalar, got str"):
        f(x, "1", 2)
    with pytest.raises(TypeError, match="clamped: x must be real, got complex128"):
        f(x + 1j, 1, 2)
    with pytest.raises(ValueError, match="clamped: shapes"):
        f(x, xp.ones(2), 1)
    with pytest.raises(TypeError, match="vectorize: needs a Python function, got"):
        xp.vectorize(math.sin)
    with pytest.raises(TypeError, match="parameters must be positional"):
        xp.vectorize(lambda *x: x)


def test_names_need_not_be_those_of_c(device: str, host: Any) -> None:
    @xp.vectorize
    def default(int, λ):
        new = int * λ
        return new**2 + int**2.0

    found = host(default(xp.asarray([1.0, 2.0]), 3))
    np.testing.assert_array_equal(found, [10.0, 40.0])
